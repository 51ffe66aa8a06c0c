//! Getting to a host: keys, agents, bastions, silence.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::host::{BASTION, Host, LB1, NODE1, NODE2, NODE3, poll};
use crate::processes::{LIMIT, nothing_is_left};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    a_silent_host_is_unreachable_and_not_empty on NODE3 LB1,
    a_changed_host_key_is_refused on NODE1,
    an_unknown_host_key_is_refused_until_new_ones_are_accepted on NODE1,
    a_wrong_key_is_refused on NODE2,
    an_agent_without_the_key_is_refused on NODE2,
    a_host_behind_a_bastion on LB1 BASTION,
    the_machine_itself_needs_no_ssh on NODE2,
    one_machine_is_not_two_nodes on NODE3,
];

const FILE: &str = "files:\n  note: {nodes: all, path: /srv/live/note, content: \"from ${self.node.name}\\n\"}\n";

/// Runs a tool that has to succeed; what it prints.
fn tool(program: &str, arguments: &[&str], agent: Option<&Path>) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    if let Some(agent) = agent {
        command.env("SSH_AUTH_SOCK", agent);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a new key in the stack's directory; the text of its public half.
fn new_key(stack: &Stack, name: &str) -> String {
    tool(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-C", "live", "-f", stack.path(name).to_str().unwrap()],
        None,
    );
    let public = stack.read(&format!("{name}.pub"));
    public.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// What the lab's own ssh files have.
fn lab_file(name: &str) -> String {
    format!("{}/ssh/{name}", std::env::var("HACTL_LAB").unwrap())
}

fn host_key(host: Host) -> String {
    let known = std::fs::read_to_string(lab_file("known_hosts")).unwrap();
    let line = known.lines().find(|line| line.starts_with(&format!("{},", host.address))).unwrap();
    line.split_once(' ').unwrap().1.to_owned()
}

/// Has the stack use known hosts of its own.
fn know(stack: &Stack, lines: &str) {
    stack.write("known_hosts", lines);
    stack.ssh(&format!("UserKnownHostsFile {}", stack.path("known_hosts").display()));
}

/// A stack whose apply is refused, and so is no plan with changes.
pub(crate) fn refused(stack: &Stack, words: &[&str]) {
    let plan = stack.ends("plan --detailed-exitcode", 2);
    plan.says(words).says(&["left out"]).does_not_say(&["will be created", "to destroy"]);
    stack.fail("apply --auto-approve").says(words).says(&["error: ", "help: "]);
}

fn a_changed_host_key_is_refused() {
    let stack = Stack::on(&[NODE1], FILE);
    let other = new_key(&stack, "other");
    know(&stack, &format!("{} {other}\n", NODE1.address));
    refused(&stack, &["node1", "host key is not the one that is known", "ssh-keygen -R 172.30.0.11"]);
    let known = stack.path("known_hosts");
    tool("ssh-keygen", &["-R", NODE1.address, "-f", known.to_str().unwrap()], None);
    know(&stack, &format!("{} {}\n", NODE1.address, host_key(NODE1)));
    stack.converges();
    stack.destroy();
}

fn an_unknown_host_key_is_refused_until_new_ones_are_accepted() {
    let stack = Stack::on(&[NODE1], FILE);
    know(&stack, "");
    refused(&stack, &["node1", "host key is not known", "ssh: {hostKeys: acceptNew}"]);
    assert_eq!(stack.read("known_hosts"), "");
    stack.set(&[NODE1], &format!("ssh: {{hostKeys: acceptNew}}\n{FILE}"));
    stack.converges();
    assert!(stack.read("known_hosts").contains(&host_key(NODE1)), "the key is not kept");
    let other = new_key(&stack, "other");
    know(&stack, &format!("{} {other}\n", NODE1.address));
    refused(&stack, &["node1", "host key is not the one that is known"]);
    know(&stack, "");
    stack.destroy();
}

fn a_wrong_key_is_refused() {
    let stack = Stack::on(&[NODE2], &format!("ssh: {{user: ops, keyPath: wrong}}\n{FILE}"));
    new_key(&stack, "wrong");
    stack.ssh_alone(&format!("UserKnownHostsFile {}", lab_file("known_hosts")));
    refused(&stack, &["node2", "Permission denied", "ssh.keyPath", "ssh.user"]);
    stack.set(&[NODE2], &format!("ssh: {{user: ops, keyPath: {}}}\n{FILE}", lab_file("id_ed25519")));
    stack.converges();
    stack.destroy();
}

fn an_agent_without_the_key_is_refused() {
    let mut stack = Stack::on(&[NODE2], &format!("ssh: {{user: ops}}\n{FILE}"));
    new_key(&stack, "other");
    let socket = stack.path("agent");
    let agent = Command::new("ssh-agent")
        .args(["-D", "-a", socket.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut agent = Ended(agent);
    poll(LIMIT, "the agent answers", || socket.exists());
    tool("ssh-add", &["-q", stack.path("other").to_str().unwrap()], Some(&socket));
    stack.export("SSH_AUTH_SOCK", socket.to_str().unwrap());
    stack.ssh_alone(&format!("UserKnownHostsFile {}", lab_file("known_hosts")));
    refused(&stack, &["node2", "Permission denied", "ssh-add"]);
    tool("ssh-add", &["-q", &lab_file("id_ed25519")], Some(&socket));
    stack.converges();
    stack.destroy();
    agent.0.kill().unwrap();
}

/// A process that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_host_behind_a_bastion() {
    // Nobody but the bastion knows this name.
    let stack = Stack::empty();
    let nodes = |ssh: &str| format!("nodes:\n  far: {{address: lb1, ssh: {{{ssh}}}}}\n{FILE}");
    stack.configure(&nodes(""));
    refused(&stack, &["far", "name is not known", "lb1", "address"]);
    stack.configure(&nodes("bastion: bastion"));
    stack.converges();
    assert_eq!(LB1.sh("cat /srv/live/note"), "from far");
    stack.destroy();
    nothing_is_left(&stack, &[LB1, BASTION]);

    stack.configure(&nodes("bastion: nowhere.invalid"));
    stack.fail("apply --auto-approve").says(&["far", "nowhere.invalid"]);
    BASTION.power_off();
    stack.configure(&nodes("bastion: bastion"));
    stack.fail("apply --auto-approve").says(&["far", "did not answer", "172.30.0.5"]);
    BASTION.power_on();
    stack.converges();
    stack.destroy();
}

fn the_machine_itself_needs_no_ssh() {
    let binary = env!("CARGO_BIN_EXE_hactl");
    crate::host::succeed(&["cp", binary, "hactl-lab-node2:/usr/local/bin/hactl"]);
    for (user, home) in [("root", "/root"), ("ops", "/home/ops"), ("dev", "/home/dev")] {
        let config = format!(
            "hactl: 1
name: live
nodes: {{here: {{address: localhost, connection: local}}}}
files:
  note: {{nodes: all, path: {home}/live/note, content: \"${{node.here.hostname}}\\n\"}}
containers:
  web:
    nodes: all
    image: {}/web:1.0
    ports: [\"8080:80\"]
    volumes: [\"${{file.note.directory}}:/note:ro\"]
    health: {{http: {{port: 8080, path: /healthz}}, timeout: 20s}}
",
            crate::host::REGISTRY
        );
        NODE2.write(&format!("{home}/stack/hactl.yaml"), config.as_bytes());
        NODE2.sh(&format!("chown -R {user}: {home}/stack"));
        let run = |words: &str| NODE2.sh(&format!("cd {home}/stack && runuser -u {user} -- hactl {words}"));
        run("apply --auto-approve");
        run("plan --detailed-exitcode");
        assert_eq!(NODE2.sh(&format!("cat {home}/live/note")), "node2");
        assert_eq!(NODE2.sh(&format!("stat -c %U {home}/live/note")), user);
        run("destroy --auto-approve");
        NODE2.sh(&format!("rm -r {home}/stack && [ ! -e {home}/live ]"));
    }
    NODE2.sh("rm /usr/local/bin/hactl");
}

fn one_machine_is_not_two_nodes() {
    let stack = Stack::empty();
    let nodes = |more: &str| format!("nodes:\n  a: {{address: 172.30.0.13}}\n{more}{FILE}");
    stack.configure(&nodes("  b: {address: lab-node3}\n"));
    stack.fail("plan").says(&["a", "b", "same machine"]);
    stack.fail("apply --auto-approve").says(&["same machine", "help: "]);
    stack.configure(&nodes(""));
    stack.converges();
    stack.destroy();
}

fn a_silent_host_is_unreachable_and_not_empty() {
    let both = [LB1, NODE3];
    let stack = Stack::on(&both, FILE);
    stack.converges();
    NODE3.power_off();
    stack.set(&both, &FILE.replace("from", "still from"));
    let plan = stack.ends("plan --detailed-exitcode", 2);
    plan.says(&["node3 did not answer", "left out", "lb1", "1 to change"]).says(&["Plan: 0 to add"]);
    let refused = stack.fail("apply --auto-approve");
    refused.says(&["node3 did not answer", "172.30.0.13", "--allow-unreachable"]);
    assert_eq!(LB1.sh("cat /srv/live/note"), "from lb1");
    stack.fail("destroy --auto-approve").says(&["node3"]);
    let done = stack.succeed("apply --auto-approve --allow-unreachable");
    done.says(&["node3 did not answer", "left out", "0 added, 1 changed, 0 destroyed"]);
    assert_eq!(LB1.sh("cat /srv/live/note"), "still from lb1");
    NODE3.power_on();
    stack.converges().says(&["0 added, 1 changed, 0 destroyed"]);
    assert_eq!(NODE3.sh("cat /srv/live/note"), "still from node3");
    stack.destroy();
}
