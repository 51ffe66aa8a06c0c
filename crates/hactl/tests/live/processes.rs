//! What runs here and on the hosts because of hactl, and that it ends.

use std::time::Duration;

use crate::host::{Host, LB1, REGISTRY, poll};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    nothing_runs_on_after_the_end on LB1,
    nothing_runs_on_after_a_kill on LB1,
];

/// How long anything may take that takes about a second.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Sessions of sshd, and what scripts of hactl run, also as root.
const SESSIONS: &str =
    r#"ps -eo args= | grep -E '^(sshd: .*(@|\[)|sudo |sh -c eval|.*head -c )' | grep -vE 'listener|grep'; true"#;

/// A stop that takes a while.
fn stubborn(version: &str) -> String {
    format!(
        "containers:\n  stubborn: {{nodes: all, image: \"{REGISTRY}/stubborn:{version}\", stopGracePeriod: 4s}}\n\
         files:\n  note: {{nodes: all, path: /srv/live/note, content: \"{version}\"}}\n"
    )
}

/// The processes here that a stack's runs started: they have its directory in their environment.
pub(crate) fn local_processes(stack: &Stack) -> Vec<String> {
    let mark = format!("TMPDIR={}", stack.temporary().display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let of_stack = processes.filter(|process| {
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    of_stack.map(|process| std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default()).collect()
}

/// What runs on a host because somebody is logged in.
pub(crate) fn sessions(host: Host) -> String {
    host.sh(SESSIONS)
}

/// Waits until nothing runs on, on either side.
pub(crate) fn nothing_is_left(stack: &Stack, hosts: &[Host]) {
    poll(LIMIT, &format!("no process here: {:?}", local_processes(stack)), || local_processes(stack).is_empty());
    for host in hosts {
        poll(LIMIT, &format!("no session on {}: {}", host.name, sessions(*host)), || sessions(*host).is_empty());
    }
}

fn nothing_runs_on_after_the_end() {
    let stack = Stack::on(&[LB1], &stubborn("1.0"));
    stack.converges();
    assert_eq!(local_processes(&stack), Vec::<String>::new());
    nothing_is_left(&stack, &[LB1]);
    stack.fail("apply --auto-approve --var none=1");
    stack.destroy();
    nothing_is_left(&stack, &[LB1]);
}

fn nothing_runs_on_after_a_kill() {
    let stack = Stack::on(&[LB1], &stubborn("1.0"));
    stack.converges();
    stack.set(&[LB1], &stubborn("1.1"));
    let mut run = stack.start("apply --auto-approve");
    run.wait_for("stopping the old container");
    assert!(!local_processes(&stack).is_empty() && !sessions(LB1).is_empty(), "what runs is not seen");
    run.kill();
    nothing_is_left(&stack, &[LB1]);
    assert_eq!(std::fs::read_dir(stack.temporary()).unwrap().count(), 1, "the sockets of the run that was killed");
    stack.converges();
    assert_eq!(LB1.sh("docker exec stubborn cat /version"), "1.1");
    stack.destroy();
    nothing_is_left(&stack, &[LB1]);
}
