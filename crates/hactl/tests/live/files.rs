//! Files, and the inventory that knows them.

use std::io::Read;

use crate::host::{LB1, NODE1, NODE2, NODE3};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    all_that_a_file_can_be on NODE3,
    a_full_disk on LB1,
    a_file_changed_by_hand on NODE1,
    an_inventory_deleted_by_hand on NODE2,
    an_adopted_file_is_put_back on NODE1,
];

fn all_that_a_file_can_be() {
    let stack = Stack::empty();
    let mut random = vec![0; 1 << 20];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut random).unwrap();
    stack.write("random.bin", &random);
    stack.write("site.tmpl", "%{ for name, n in node ~}\n${name} ${n.address}\n%{ endfor ~}\n");
    let config = |mode: &str, owner: &str| {
        format!(
            "files:
  binary: {{nodes: all, path: /srv/live/random.bin, source: random.bin, mode: \"{mode}\"{owner}}}
  page: {{nodes: all, path: \"/srv/live/with spaces/a page\", template: site.tmpl}}
  text: {{nodes: all, path: /etc/hactl-test/deep/er/text, content: \"x\\ty\\n\"}}
  empty: {{nodes: all, path: /srv/live/empty, content: \"\"}}
"
        )
    };
    stack.set(&[NODE3], &config("0640", ""));
    stack.converges();
    let sum = NODE3.sh("sha256sum </srv/live/random.bin");
    let own = std::process::Command::new("sha256sum").arg(stack.path("random.bin")).output().unwrap();
    assert_eq!(sum.split(' ').next(), String::from_utf8_lossy(&own.stdout).split(' ').next());
    assert_eq!(NODE3.sh("cat '/srv/live/with spaces/a page'"), "node3 172.30.0.13");
    assert_eq!(NODE3.sh("stat -c '%a %U:%G %s' /srv/live/random.bin"), "640 ops:ops 1048576");
    assert_eq!(NODE3.sh("stat -c %s /srv/live/empty"), "0");

    stack.set(&[NODE3], &config("0400", ", owner: dev, group: docker"));
    stack.ends("plan --detailed-exitcode", 2).says(&["0 to add, 1 to change", "0640", "0400", "owner", "group"]);
    stack.converges();
    assert_eq!(NODE3.sh("stat -c '%a %U:%G %s' /srv/live/random.bin"), "400 dev:docker 1048576");

    random[1000] ^= 1;
    stack.write("random.bin", &random);
    stack.ends("plan --detailed-exitcode", 2).says(&["0 to add, 1 to change", "sha256"]);
    stack.converges();
    assert_ne!(NODE3.sh("sha256sum </srv/live/random.bin"), sum);
    stack.destroy();
}

fn a_full_disk() {
    let stack = Stack::on(&[LB1], "files:\n  big: {nodes: all, path: /srv/live/big, source: big.bin}\n");
    stack.write("big.bin", vec![7; 300_000]);
    LB1.sh("mount -t tmpfs -o size=64k full /srv");
    let told = stack.fail("apply --auto-approve");
    told.says(&["file.big[\"lb1\"]", "/srv/live/big", "no space left on device", "free some disk space"]);
    assert_eq!(LB1.sh("find /srv -mindepth 1"), "", "half a file is left");
    LB1.sh("umount /srv");
    stack.converges();
    assert_eq!(LB1.sh("stat -c %s /srv/live/big"), "300000");
    stack.destroy();
}

fn a_file_changed_by_hand() {
    let content = "files:\n  note: {nodes: all, path: /srv/live/note, content: \"one\\ntwo\\nthree\\n\"}\n";
    let stack = Stack::on(&[NODE1], content);
    stack.converges();
    NODE1.sh("sed -i s/two/2/ /srv/live/note; chmod 600 /srv/live/note");
    let plan = stack.ends("plan --detailed-exitcode", 2);
    plan.says(&["file.note", "Changed on the hosts", "- 2", "+ two", "0600", "0644", "0 to add, 1 to change"]);
    stack.converges();
    assert_eq!(NODE1.sh("cat /srv/live/note; stat -c %a /srv/live/note"), "one\ntwo\nthree\n644");
    NODE1.sh("rm /srv/live/note");
    stack.ends("plan --detailed-exitcode", 2).says(&["1 to add"]);
    stack.converges();
    stack.destroy();
}

fn an_inventory_deleted_by_hand() {
    let config = |content: &str| {
        format!(
            "files:
  note: {{nodes: all, path: /srv/live/note, content: \"{content}\\n\"}}
  other: {{nodes: all, path: /srv/live/deep/other, content: \"the same\\n\"}}
containers:
  web: {{nodes: all, image: \"{}/web:1.0\"}}
",
            crate::host::REGISTRY
        )
    };
    let stack = Stack::on(&[NODE2], &config("one"));
    stack.converges();
    let wanted = NODE2.view();
    NODE2.sh("rm -r /var/lib/hactl");
    stack.set(&[NODE2], &config("two"));
    stack.converges();
    stack.set(&[NODE2], &config("one"));
    stack.converges();
    // What was touched since is known again, and what is not known goes with destroy all the same.
    let entries = NODE2.sh("cat /var/lib/hactl/*/entries/*");
    assert!(entries.contains("path /srv/live/note"), "{entries}");
    let on_host = |view: &str| view.lines().filter(|line| !is_inventory(line)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(on_host(&NODE2.view()), on_host(&wanted));
    stack.destroy();
    // Nobody knows any more who made the directories.
    NODE2.sh("rmdir /srv/live/deep /srv/live");
}

/// Whether a line of a view is from the inventory.
fn is_inventory(line: &str) -> bool {
    let words = ["address ", "path ", "directory "];
    words.iter().any(|word| line.starts_with(word)) || line.ends_with("[node2]")
}

fn an_adopted_file_is_put_back() {
    let config =
        |adopt: &str| format!("files:\n  motd: {{nodes: all, path: /srv/live/motd, content: \"ours\\n\"{adopt}}}\n");
    NODE1.write("/srv/live/motd", b"theirs\n");
    NODE1.sh("chown dev:docker /srv/live/motd; chmod 751 /srv/live/motd");
    let stack = Stack::on(&[NODE1], &config(""));
    let told = stack.fail("apply --auto-approve");
    told.says(&["file.motd[\"node1\"]", "/srv/live/motd", "there already", "not managed by this stack", "adopt: true"]);
    assert_eq!(NODE1.sh("cat /srv/live/motd"), "theirs");
    stack.set(&[NODE1], &config(", adopt: true"));
    stack.converges();
    assert_eq!(NODE1.sh("cat /srv/live/motd"), "ours");
    stack.destroy();
    assert_eq!(NODE1.sh("cat /srv/live/motd; stat -c '%a %U:%G' /srv/live/motd"), "theirs\n751 dev:docker");
    NODE1.sh("rm -r /srv/live");
}
