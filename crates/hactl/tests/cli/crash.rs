//! A fault at every single operation of an apply: what the next apply makes of it is the same as without.

use hactl_sim::{Fault, Moment, Operation};
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
  settings: {nodes: all, path: /etc/web/settings, content: "b\n", mode: "0640"}
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

/// Objects, names in a workload of somebody else and on nodes, and a manifest that goes.
const OBJECTS: &str = r#"
kubernetes: {}
manifests:
  shop:
    inline:
      - {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: "1"}}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          selector: {matchLabels: {app: web}}
          template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
  left:
    inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: left, namespace: shop}, data: {a: "1"}}
hostAliases:
  api: {ip: 10.0.0.9, hostnames: [api.example.com], nodes: [n1], workloads: [{kind: Deployment, namespace: shop, name: web}]}
"#;

/// An update, an object that has to be made anew, one that goes, and other names.
const OTHER_OBJECTS: &str = r#"
kubernetes: {}
manifests:
  shop:
    inline:
      - {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: "2"}}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          selector: {matchLabels: {app: other}}
          template: {metadata: {labels: {app: other}}, spec: {containers: [{name: web, image: "web:2"}]}}
hostAliases:
  api: {ip: 10.0.0.9, hostnames: [other.example.com], nodes: [n1], workloads: [{kind: Deployment, namespace: shop, name: web}]}
"#;

/// What [`FIRST`] wants under other names, with changes of some of it, and with what is let go of.
const MOVED: &str = r#"
files:
  site: {nodes: all, path: /srv/web/page.html, content: "one ${self.node.name}\n"}
  settings: {nodes: all, path: /etc/web/settings, content: "b\n", mode: "0600"}
containers:
  shop:
    nodes: all
    name: web
    image: web:1
    network: front
    ports: ["8080:80"]
    volumes: ["${file.site.path}:/page.html:ro", "data:/data"]
    health: {http: {port: 8080}, timeout: 3s}
    rollout: {maxUnavailable: 2}
  store:
    nodes: [n1, n2]
    name: cache
    image: cache:2
    network: front
    memory: 64m
    volumes: ["${file.settings.path}:/settings:ro"]
    dependsOn: [container.shop]
outputs:
  id: ${container.store["n1"].id}
moved:
  - {from: file.page, to: file.site}
  - {from: container.web, to: container.shop}
  - {from: container.cache, to: container.store}
removed:
  - {from: container.worker}
  - {from: file.left}
"#;

/// [`OBJECTS`] with an object in another manifest, and the names of a workload under another name.
const MOVED_OBJECTS: &str = r#"
kubernetes: {}
manifests:
  base:
    inline: {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
  shop:
    inline:
      - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: "2"}}
      - apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          selector: {matchLabels: {app: web}}
          template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
hostAliases:
  names: {ip: 10.0.0.9, hostnames: [api.example.com], nodes: [n1], workloads: [{kind: Deployment, namespace: shop, name: web}]}
moved:
  - {from: 'manifest.shop["Namespace/shop"]', to: 'manifest.base["Namespace/shop"]'}
  - {from: hostAliases.api, to: hostAliases.names}
removed:
  - {from: manifest.left}
"#;

fn config(body: &str) -> Wanted {
    Wanted::new(&format!("{NODES}{body}"))
}

/// The histories that are disturbed: what was applied before, and what is applied then.
fn histories() -> [(&'static str, Vec<Wanted>, Wanted); 9] {
    [
        ("create", vec![], config(FIRST)),
        ("change", vec![config(FIRST)], config(SECOND)),
        ("destroy", vec![config(FIRST)], config("")),
        ("create objects", vec![], config(OBJECTS)),
        ("change objects", vec![config(OBJECTS)], config(OTHER_OBJECTS)),
        ("destroy objects", vec![config(OBJECTS)], config("")),
        ("move", vec![config(FIRST)], config(MOVED)),
        ("move objects", vec![config(OBJECTS)], config(MOVED_OBJECTS)),
        ("move and destroy", vec![config(FIRST), config(MOVED)], config("")),
    ]
}

/// Applies with a fault at the n-th operation that it can strike, for every n, and then without: both must come to
/// the fleet and the state that an apply without faults comes to. Returns how often it struck.
fn strike_everywhere(fault: &Fault, host: Option<&str>, times: Option<u32>) -> usize {
    let mut strikes = 0;
    for (name, before, wanted) in histories() {
        let before: Vec<&Wanted> = before.iter().collect();
        let mut undisturbed = Fleet::with(&before);
        undisturbed.apply(&wanted).unwrap();
        let (view, state) = (undisturbed.view(), undisturbed.state());
        for skip in 0.. {
            let mut fleet = Fleet::with(&before);
            fleet.sandbox.inject(host, fault.clone(), skip, times).unwrap();
            let disturbed = fleet.apply(&wanted);
            let struck = fleet.sandbox.faults().first().is_none_or(|injected| injected.skip == 0);
            fleet.sandbox.clear_faults().unwrap();
            if !struck {
                break;
            }
            strikes += 1;
            let told = disturbed.map(|applied| applied.failures);
            let place = format!("{name}: {fault:?} at operation {skip}: {told:?}");
            converges(&mut fleet, &wanted, &view, &state, &place);
        }
    }
    strikes
}

fn converges(fleet: &mut Fleet, wanted: &Wanted, view: &Json, state: &str, place: &str) {
    let again = fleet.apply(wanted).unwrap();
    assert!(again.failures.is_empty(), "{place}: then {:?}", again.failures);
    assert_eq!(fleet.pending(wanted), "", "{place}: it does not end");
    similar(&format!("{:#}", fleet.view()), &format!("{view:#}"), place);
    similar(&fleet.state(), state, place);
}

pub(crate) fn similar(left: &str, right: &str, place: &str) {
    if left != right {
        let diff = ::similar::TextDiff::from_lines(right, left);
        panic!("{place}\n{}", diff.unified_diff().header("undisturbed", "disturbed"));
    }
}

#[test]
fn a_kill_before_any_operation_loses_nothing() {
    let crash = Fault::Crash { operation: None, when: Moment::Before };
    assert!(strike_everywhere(&crash, None, None) > 100);
}

#[test]
fn a_kill_after_any_operation_loses_nothing() {
    let crash = Fault::Crash { operation: None, when: Moment::After };
    assert!(strike_everywhere(&crash, None, None) > 100);
}

#[test]
fn a_connection_lost_at_any_operation_is_mended_by_the_next_apply() {
    assert!(strike_everywhere(&Fault::ConnectionLost { operation: None }, None, Some(1)) > 100);
}

#[test]
fn a_host_that_goes_down_at_any_moment_is_mended_by_the_next_apply() {
    assert!(strike_everywhere(&Fault::HostDown, Some("n2"), None) > 80);
}

#[test]
fn a_refusal_of_any_operation_is_mended_by_the_next_apply() {
    let operations = Operation::ALL.iter().filter(|operation| operation.has_effect());
    let strikes = operations.map(|&operation| strike_everywhere(&Fault::Refuse { operation }, None, Some(1)));
    assert!(strikes.sum::<usize>() > 100);
}

#[test]
fn what_goes_wrong_with_images_disks_and_containers_is_mended_by_the_next_apply() {
    let web = || "web".to_owned();
    let faults = [
        Fault::DiskFull,
        Fault::PullFails { image: None },
        Fault::ContainerExits { name: web(), code: 1 },
        Fault::Unhealthy { name: web() },
    ];
    for fault in faults {
        assert!(strike_everywhere(&fault, None, None) > 0, "{fault:?}");
    }
    strike_everywhere(&Fault::IgnoresTerm { name: web() }, None, Some(1));
}
