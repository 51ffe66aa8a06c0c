//! Users who may not do everything.

use crate::host::{BASTION, NODE1, NODE2, REGISTRY};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    a_host_without_docker_can_have_files on BASTION,
    a_user_who_may_not_use_docker on NODE1,
    users_without_sudo_have_what_is_theirs on NODE2,
];

fn web() -> String {
    format!("containers:\n  web: {{nodes: all, image: \"{REGISTRY}/web:1.0\"}}\n")
}

fn file(path: &str) -> String {
    format!("files:\n  note: {{nodes: all, path: {path}, content: \"a note\\n\"}}\n")
}

fn a_host_without_docker_can_have_files() {
    let stack = Stack::on(&[BASTION], &web());
    let told = stack.fail("apply --auto-approve");
    told.says(&["bastion", "Docker Engine cannot be used", "there is no /var/run/docker.sock; install it", "help: "]);
    stack.set(&[BASTION], &file("/srv/live/note"));
    stack.converges();
    assert_eq!(BASTION.sh("cat /srv/live/note"), "a note");
    stack.destroy();
}

fn a_user_who_may_not_use_docker() {
    let stack = Stack::on(&[NODE1], &format!("ssh: {{user: guest}}\n{}", web()));
    let told = stack.fail("apply --auto-approve");
    told.says(&["node1", "the user guest may not use /var/run/docker.sock", "group docker", "help: "]);
    stack.set(&[NODE1], &format!("ssh: {{user: ops}}\n{}", web()));
    stack.converges();
    stack.destroy();
}

fn users_without_sudo_have_what_is_theirs() {
    for user in ["asks", "dev"] {
        let config = |path: &str| format!("ssh: {{user: {user}}}\n{}{}", file(path), web());
        let stack = Stack::on(&[NODE2], &config("/srv/live/note"));
        let told = stack.fail("apply --auto-approve");
        told.says(&["file.note[\"node2\"]", "/srv/live/note", "permission denied", "sudo without a password"]);

        stack.set(&[NODE2], &config(&format!("/home/{user}/live/note")));
        stack.converges();
        assert_eq!(NODE2.sh(&format!("stat -c '%U %a' /home/{user}/live/note")), format!("{user} 644"));
        assert_eq!(NODE2.sh("ls /var/lib/hactl 2>/dev/null; true"), "");
        let entries = NODE2.sh(&format!("cat /home/{user}/.local/state/hactl/*/entries/*"));
        assert!(entries.contains("path /home/"), "{entries}");
        stack.destroy();
    }
}
