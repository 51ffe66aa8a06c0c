//! Containers that do not run, and names and ports that somebody else has.

use crate::host::{NODE1, NODE2, NODE3, REGISTRY};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    a_container_that_exits_at_once on NODE1,
    a_container_that_does_not_become_healthy on NODE3,
    a_name_that_a_foreign_container_has on NODE2,
    a_port_that_a_foreign_container_has on NODE2,
];

fn container(image: &str, more: &str) -> String {
    format!("containers:\n  app: {{nodes: all, image: \"{REGISTRY}/{image}\"{more}}}\n")
}

fn a_container_that_exits_at_once() {
    let more = ", restart: \"no\", health: {timeout: 5s, interval: 100ms}";
    let stack = Stack::on(&[NODE1], &container("exits:1.0", more));
    let words = ["container.app[\"node1\"]", "exited", "no configuration in /etc/exits", "help: ", "output"];
    stack.fail("apply --auto-approve").says(&words);
    stack.set(&[NODE1], &container("web:1.0", more));
    stack.converges();

    // A replacement that does not run is undone.
    let id = NODE1.inspect("app", "{{.Id}}");
    stack.set(&[NODE1], &container("exits:1.0", more));
    stack.fail("apply --auto-approve").says(&words).says(&["rollback complete"]);
    assert_eq!(NODE1.inspect("app", "{{.Id}} {{.State.Status}}"), format!("{id} running"));
    assert_eq!(NODE1.sh("docker ps --all --quiet").lines().count(), 1);
    stack.set(&[NODE1], &container("web:1.0", more));
    stack.converges();
    stack.destroy();
}

fn a_container_that_does_not_become_healthy() {
    let more = ", health: {timeout: 15s, interval: 100ms}";
    let stack = Stack::on(&[NODE3], &container("web:1.0", more));
    stack.converges();
    let id = NODE3.inspect("app", "{{.Id}}");
    stack.set(&[NODE3], &container("unhealthy:1.0", ", health: {timeout: 3s, interval: 100ms}"));
    let told = stack.fail("apply --auto-approve");
    told.says(&["container.app[\"node3\"]", "not healthy after 3 s", "rollback complete", "health.timeout"]);
    assert_eq!(NODE3.inspect("app", "{{.Id}} {{.State.Status}}"), format!("{id} running"));
    stack.set(&[NODE3], &container("web:1.0", more));
    stack.converges();
    stack.destroy();
}

fn a_name_that_a_foreign_container_has() {
    let stack = Stack::on(&[NODE2], &container("web:1.0", ", name: taken"));
    let foreign = NODE2.sh(&format!("docker run --detach --name taken {REGISTRY}/web:1.1"));
    let told = stack.fail("apply --auto-approve");
    told.says(&["container.app[\"node2\"]", "taken", "there already", "not managed by this stack", "help: "]);
    assert_eq!(NODE2.inspect("taken", "{{.Id}} {{.State.Status}}"), format!("{foreign} running"));
    NODE2.sh("docker rm --force taken");
    stack.converges();
    stack.destroy();
}

fn a_port_that_a_foreign_container_has() {
    let stack = Stack::on(&[NODE2], &container("web:1.0", ", ports: [\"8080:80\"]"));
    let foreign = NODE2.sh(&format!("docker run --detach --publish 8080:80 {REGISTRY}/web:1.1"));
    let told = stack.fail("apply --auto-approve");
    told.says(&["container.app[\"node2\"]", "8080", "port is already allocated", "publish another port"]);
    assert_eq!(NODE2.inspect(&foreign, "{{.State.Status}}"), "running");
    NODE2.sh(&format!("docker rm --force {foreign}"));
    stack.converges();
    assert!(NODE2.get(8080, "/").contains("web 1.0"));
    stack.destroy();
}
