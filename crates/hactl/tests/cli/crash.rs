//! A fault at every single operation of an apply: what the next apply makes of it is the same as without.

use hactl_sim::{Fault, Moment};
use serde_json::Value as Json;

use crate::fleet::{Fleet, Wanted};

const NODES: &str = "
hactl: 1
name: test
nodes:
  n1: {address: 10.0.0.1}
  n2: {address: 10.0.0.2}
  n3: {address: 10.0.0.3}
";

/// Two services on three nodes, with files, a network and volumes.
const FIRST: &str = r#"
files:
  page: {nodes: all, path: /srv/web/page.html, content: "one ${self.node.name}\n"}
  settings: {nodes: all, path: /etc/web/settings, content: "a\n", mode: "0600"}
  left: {nodes: [n1], path: /srv/left/behind, content: "x\n"}
containers:
  web:
    nodes: all
    image: web:1
    network: front
    ports: ["8080:80"]
    volumes: ["${file.page.path}:/page.html:ro", "data:/data"]
    health: {http: {port: 8080}, timeout: 3s}
    rollout: {maxUnavailable: 2}
  cache:
    nodes: [n1, n2]
    image: cache:1
    network: front
    memory: 64m
    volumes: ["${file.settings.path}:/settings:ro"]
    dependsOn: [container.web]
  worker: {nodes: [n2, n3], image: worker:1, volumes: ["scratch:/scratch"]}
outputs:
  id: ${container.cache["n1"].id}
"#;

/// A replacement, an update in place, a rename, files with and without a listener, deletes, and a port that moves.
const SECOND: &str = r#"
files:
  page: {nodes: all, path: /srv/web/page.html, content: "two ${self.node.name}\n"}
  settings: {nodes: all, path: /etc/web/new/settings, content: "b\n", mode: "0640"}
containers:
  web:
    nodes: all
    image: web:2
    network: front
    ports: ["8081:80"]
    volumes: ["${file.page.path}:/page.html:ro", "data:/data"]
    health: {http: {port: 8081}, timeout: 3s}
    rollout: {maxUnavailable: 2}
  cache:
    nodes: [n1, n2]
    name: cache-two
    image: cache:1
    network: front
    memory: 128m
    restart: always
    volumes: ["${file.settings.path}:/settings:ro"]
    dependsOn: [container.web]
  proxy: {nodes: all, image: proxy:1, ports: ["8080:80"]}
outputs:
  id: ${container.cache["n1"].id}
"#;

fn config(body: &str) -> Wanted {
    Wanted::new(&format!("{NODES}{body}"))
}

/// The histories that are disturbed: what was applied before, and what is applied then.
fn histories() -> [(&'static str, Vec<Wanted>, Wanted); 3] {
    [
        ("create", vec![], config(FIRST)),
        ("change", vec![config(FIRST)], config(SECOND)),
        ("destroy", vec![config(FIRST)], config("")),
    ]
}

/// Applies with a fault at the n-th operation that it can strike, for every n, and then without: both must come to
/// the fleet and the state that an apply without faults comes to. A fault that strikes `times` is gone after that.
fn strike_everywhere(fault: &Fault, times: u32) {
    for (name, before, config) in histories() {
        let before: Vec<&Wanted> = before.iter().collect();
        let mut undisturbed = Fleet::with(&before);
        undisturbed.apply(&config).unwrap();
        let (view, state) = (undisturbed.view(), undisturbed.state());
        for skip in 0.. {
            let mut fleet = Fleet::with(&before);
            fleet.sandbox.inject(None, fault.clone(), skip, Some(times)).unwrap();
            let disturbed = fleet.apply(&config);
            let struck = fleet.sandbox.faults().first().is_none_or(|injected| injected.skip == 0);
            fleet.sandbox.clear_faults().unwrap();
            let place = format!("{name}: {fault:?} at operation {skip}");
            if !struck {
                assert!(skip > 0, "{place}: there was nothing to strike");
                break;
            }
            let told = disturbed.map(|applied| {
                assert!(applied.state.unfinished.is_empty() || !applied.failures.is_empty(), "{place}");
                format!("{:?}", applied.failures)
            });
            converges(&mut fleet, &config, &view, &state, &format!("{place}: {told:?}"));
        }
    }
}

fn converges(fleet: &mut Fleet, config: &Wanted, view: &Json, state: &str, place: &str) {
    let again = fleet.apply(config).unwrap();
    assert!(again.failures.is_empty(), "{place}: then {:?}", again.failures);
    assert_eq!(fleet.pending(config), "", "{place}: it does not end");
    similar(&format!("{:#}", fleet.view()), &format!("{view:#}"), place);
    similar(&fleet.state(), state, place);
}

fn similar(left: &str, right: &str, place: &str) {
    if left != right {
        let diff = ::similar::TextDiff::from_lines(right, left);
        panic!("{place}\n{}", diff.unified_diff().header("undisturbed", "disturbed"));
    }
}

#[test]
fn a_kill_before_any_operation_loses_nothing() {
    strike_everywhere(&Fault::Crash { operation: None, when: Moment::Before }, 1);
}

#[test]
fn a_kill_after_any_operation_loses_nothing() {
    strike_everywhere(&Fault::Crash { operation: None, when: Moment::After }, 1);
}

#[test]
fn a_connection_lost_at_any_operation_is_mended_by_the_next_apply() {
    strike_everywhere(&Fault::ConnectionLost { operation: None }, 1);
}

#[test]
fn a_host_that_goes_down_at_any_operation_is_mended_by_the_next_apply() {
    strike_everywhere(&Fault::HostDown, 1);
    strike_everywhere(&Fault::HostDown, 1_000_000);
}

#[test]
fn a_full_disk_at_any_operation_is_mended_by_the_next_apply() {
    strike_everywhere(&Fault::DiskFull, 1);
}
