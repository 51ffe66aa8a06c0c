//! The golden saved plan of every format, with every field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hactl_core::cluster::{ClusterConnection, Via};
use hactl_core::expr::Expr;
use hactl_core::git::Git;
use hactl_core::moves::Renames;
use hactl_core::plan::{
    Action, Adopted, Change, Drift, Edge, Expiry, Mode, Operation, OutputChange, PathChange, Plan, Reason, Step, Task,
    Wave, When,
};
use hactl_core::registry::RegistryLogin;
use hactl_core::resource::{Dependency, Rollout};
use hactl_core::value::Deferred;
use hactl_core::{Digest, Value};
use hactl_state::{SavedPlan, World};

use crate::golden::{assert_kept, encrypted_variable, folder, golden};
use crate::samples::{LINEAGE, address, connection, map};

#[test]
fn format_1_reads_as_it_was_meant() {
    assert_eq!(SavedPlan::read(&folder().join("v1/golden.plan")).unwrap(), golden_plan());
}

#[test]
fn format_1_is_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("golden.plan");
    golden_plan().write(&path).unwrap();
    assert_kept("v1/golden.plan", &std::fs::read_to_string(path).unwrap());
}

fn golden_plan() -> SavedPlan {
    let state = golden();
    SavedPlan {
        hactl: "0.1.0".to_owned(),
        world: World::Real,
        directory: "/home/ops/cluster".into(),
        config_digest: Digest::sha256(b"the config"),
        state_digest: Some(Digest::sha256(b"the state")),
        encryption: state.encryption,
        withheld: Some(encrypted_variable()),
        git: Git {
            commit: true,
            push: true,
            remote: "upstream".to_owned(),
            branch: Some("main".to_owned()),
            lease_duration: Duration::from_secs(90),
        },
        config_commit: Some("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d-dirty".to_owned()),
        plan: Plan {
            mode: Mode::Normal,
            stack: "golden".to_owned(),
            lineage: LINEAGE.to_owned(),
            serial: state.serial,
            changes: changes(),
            drift: vec![Drift {
                address: address("file.site[\"node1\"]"),
                before: Arc::new(Value::Map(map([("mode", Value::from("0644"))]))),
                after: Some(Arc::new(Value::Map(map([("mode", Value::from("0600"))])))),
            }],
            steps: steps(),
            outputs: BTreeMap::from([(
                "url".to_owned(),
                OutputChange { before: Some(Value::from("https://old")), after: Some(Value::from("https://new")) },
            )]),
            variables: map([("fqdn", Value::from("demo.rancher.com")), ("token", sensitive())]),
            nodes: state.nodes.into_iter().map(|(name, node)| (name, node.connection)).collect(),
            cluster: Some(ClusterConnection {
                kubeconfig: Some("kube_config.yml".to_owned()),
                context: Some("admin".to_owned()),
                via: Some(Via { node: "node1".to_owned(), connection: connection("10.0.0.11") }),
            }),
            registries: BTreeMap::from([(
                "registry.example.com".to_owned(),
                RegistryLogin { username: Value::from("ops"), password: sensitive() },
            )]),
            expiries: BTreeMap::from([(
                address("secret.tls"),
                Expiry {
                    not_after: "2027-11-22T00:00:00Z".to_owned(),
                    renews_at: Some("2027-08-22T00:00:00Z".to_owned()),
                    overlap_until: Some("2027-09-22T00:00:00Z".to_owned()),
                },
            )]),
            unreachable: BTreeMap::from([("node3".into(), "no route to host".into())]),
            left_out: vec![address("file.site[\"node3\"]")],
            uncompared: vec![address("file.token[\"node1\"]")],
            lost: vec![address("secret.db")],
            postponed: BTreeSet::from([address("secret.ca")]),
            targeted: true,
            moved: Renames {
                resources: BTreeMap::from([(address("container.old[\"node1\"]"), address("container.web[\"node1\"]"))]),
                names: BTreeMap::from([(address("container.old"), address("container.web"))]),
            },
            removed: vec![address("file.gone")],
        },
    }
}

/// A value that is read again at apply.
fn sensitive() -> Value {
    Value::Deferred(Arc::new(Deferred {
        expr: Expr::variable("token"),
        sensitive: true,
        digest: Some(Digest::sha256(b"hunter2")),
    }))
}

/// One for each action, with every reason, and every field in the first.
fn changes() -> Vec<Change> {
    let site = address("file.site[\"node1\"]");
    let plain = |name: &str, action| Change {
        address: address(name),
        node: None,
        action,
        before: None,
        after: None,
        paths: Vec::new(),
        reasons: Vec::new(),
        dependencies: Vec::new(),
        protect: false,
        adopt: false,
        adopts: None,
        gated: false,
        wave: None,
        remakes: Vec::new(),
        record: false,
        previous_address: None,
    };
    let first = Change {
        node: Some("node1".into()),
        before: Some(Arc::new(Value::Map(map([("image", Value::from("web:1"))])))),
        after: Some(Arc::new(Value::Map(map([
            ("id", Value::deferred(Expr::output(address("container.db[\"node1\"]"), "id"), false)),
            ("image", Value::from("web:2")),
            ("token", sensitive()),
        ])))),
        paths: vec![PathChange {
            path: vec!["env".to_owned(), "TOKEN".to_owned()],
            forces_replacement: true,
            drifted: true,
        }],
        reasons: reasons(),
        dependencies: vec![Dependency { on: site, notify: true, binds: true, carries: true }],
        protect: true,
        adopt: true,
        gated: true,
        wave: Some(Wave { rollout: Rollout { max_unavailable: 2, rollback: true }, number: 1 }),
        adopts: Some(Adopted {
            id: "4f2c".to_owned(),
            outputs: map([("id", Value::from("4f2c"))]),
            generation: "91b6aa4d0e3c7f52".to_owned(),
        }),
        remakes: vec!["certificate".to_owned()],
        record: true,
        previous_address: Some(address("container.old[\"node1\"]")),
        ..plain("container.web[\"node1\"]", Action::Replace)
    };
    let others = [Action::NoOp, Action::Create, Action::Update, Action::Delete, Action::Forget];
    let others =
        others.into_iter().enumerate().map(|(number, action)| plain(&format!("file.f{number}[\"node1\"]"), action));
    std::iter::once(first).chain(others).collect()
}

fn reasons() -> Vec<Reason> {
    let time = || "2027-11-22T00:00:00Z".to_owned();
    vec![
        Reason::New,
        Reason::Missing,
        Reason::ConfigChanged,
        Reason::SourceChanged,
        Reason::Drifted,
        Reason::CannotUpdate,
        Reason::DependencyReplaced(address("network.front[\"node1\"]")),
        Reason::DependencyRemade(address("secret.tls")),
        Reason::DependencyChanged(address("file.site[\"node1\"]")),
        Reason::NotYetNotified,
        Reason::Requested,
        Reason::NotInConfig,
        Reason::Destroyed,
        Reason::Unfinished,
        Reason::Interrupted,
        Reason::Unproven,
        Reason::Expires(time()),
        Reason::OverlapEnded(time()),
        Reason::NodeForgotten,
        Reason::Kept,
        Reason::Removed,
    ]
}

/// One for each operation and a barrier, and each way to wait for another.
fn steps() -> Vec<Step> {
    let operations = [
        Operation::Create,
        Operation::Update,
        Operation::Swap,
        Operation::Gate,
        Operation::Settle,
        Operation::Restore,
        Operation::Delete,
        Operation::Forget,
        Operation::Record,
    ];
    let tasks = operations.into_iter().map(|operation| Some(Task { change: 0, operation }));
    let edges = [When::Success, When::Failure, When::Always].map(|when| Edge { step: 0, when });
    tasks
        .chain([None])
        .enumerate()
        .map(|(number, task)| Step { task, after: edges[..number.min(3)].to_vec() })
        .collect()
}
