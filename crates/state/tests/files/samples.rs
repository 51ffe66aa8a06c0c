//! States, records and plans to test with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hactl_core::moves::Renames;
use hactl_core::node::{Connection, HostKeys, Method};
use hactl_core::plan::{Mode, Operation, Plan};
use hactl_core::resource::Dependency;
use hactl_core::state::{Encryption, Intent, NodeState, Outcome, ResourceState, State};
use hactl_core::value::{Map, Sealed};
use hactl_core::{Address, Diagnostic, Digest, Value};
use hactl_state::{FORMAT, Header, Record, SavedPlan, StateError, Store, World};
use proptest::prelude::*;

pub(crate) const LINEAGE: &str = "6f2d6c5e-3c0b-4a53-9f0e-0a4de3f4b1c2";

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(crate) fn resource(spec: Value) -> ResourceState {
    ResourceState {
        node: None,
        spec: Arc::new(spec),
        outputs: Map::new(),
        generation: String::new(),
        dependencies: Vec::new(),
        protect: false,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    }
}

pub(crate) fn connection(address: &str) -> Connection {
    Connection {
        method: Method::Ssh,
        address: address.to_owned(),
        user: None,
        port: None,
        key_path: None,
        bastion: None,
        host_keys: HostKeys::Strict,
        docker_socket: None,
    }
}

/// The shape of an encryption header; nothing is encrypted in it.
pub(crate) fn encryption() -> Encryption {
    Encryption { recipients: vec!["age1ops".to_owned()], key: "-----BEGIN AGE ENCRYPTED FILE-----\n".to_owned() }
}

/// A small state of the stack `web`.
pub(crate) fn small(serial: u64) -> State {
    let mut state = State::new("web", LINEAGE);
    state.serial = serial;
    state
        .resources
        .insert(address("file.site[\"node1\"]"), resource(Value::Map(map([("path", Value::from("/srv/site"))]))));
    state
}

pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The header of the apply that leads to `serial`.
pub(crate) fn header(serial: u64) -> Header {
    Header {
        format: FORMAT,
        stack: "web".to_owned(),
        lineage: LINEAGE.to_owned(),
        serial,
        base: None,
        plan: Digest::sha256(b"the plan"),
        encryption: None,
    }
}

pub(crate) fn saved_plan(store: &Store) -> SavedPlan {
    let loaded = store.load().unwrap();
    SavedPlan {
        hactl: "0.1.0".to_owned(),
        world: World::Real,
        directory: "/home/ops/cluster".into(),
        config_digest: Digest::sha256(b"the config"),
        state_digest: loaded.digest,
        withheld: None,
        encryption: None,
        git: hactl_core::git::Git::default(),
        config_commit: None,
        plan: Plan {
            mode: Mode::Normal,
            stack: "web".to_owned(),
            lineage: LINEAGE.to_owned(),
            serial: loaded.state.map_or(0, |state| state.serial),
            changes: Vec::new(),
            drift: Vec::new(),
            steps: Vec::new(),
            outputs: BTreeMap::new(),
            variables: Map::new(),
            nodes: BTreeMap::from([("node1".to_owned(), connection("10.0.0.11"))]),
            cluster: None,
            registries: BTreeMap::new(),
            unreachable: BTreeMap::new(),
            left_out: Vec::new(),
            uncompared: Vec::new(),
            lost: Vec::new(),
            postponed: std::collections::BTreeSet::new(),
            expiries: BTreeMap::new(),
            moved: Renames::default(),
            removed: Vec::new(),
            targeted: false,
        },
    }
}

/// What a user reads, with the test's directory taken out.
pub(crate) fn rendered(error: StateError, directory: &Path) -> String {
    let diagnostic = Diagnostic::from(error);
    let mut text = format!("error: {}\n", diagnostic.summary);
    if !diagnostic.detail.is_empty() {
        text += &format!("  {}\n", diagnostic.detail);
    }
    text += &format!("  help: {}", diagnostic.help.unwrap_or_default());
    text.replace(&directory.display().to_string(), "DIR")
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::NORMAL.prop_map(Value::Float),
        any::<String>().prop_map(Value::from),
        (any::<[u8; 8]>(), any::<Option<String>>()).prop_map(|(bytes, age)| {
            let digest = Digest::sha256(&bytes);
            Value::Sealed(Arc::new(Sealed { digest, ciphertext: age.map(Into::into) }))
        }),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map("[a-zA-Z \\-\"\n{}é]{0,6}", inner, 0..4).prop_map(Value::Map),
        ]
    })
}

fn maps() -> impl Strategy<Value = Map> {
    prop::collection::btree_map("[a-z]{1,6}", values(), 0..4)
}

/// Few addresses, so that records meet.
pub(crate) fn addresses() -> impl Strategy<Value = Address> {
    (0..4usize, 0..3usize).prop_map(|(name, node)| {
        Address::new("container", &format!("c{name}"), (node > 0).then(|| format!("n{node}")).as_deref())
    })
}

fn resources() -> impl Strategy<Value = ResourceState> {
    let dependency = (addresses(), any::<bool>(), any::<bool>()).prop_map(|(on, notify, binds)| Dependency {
        notify,
        binds,
        ..Dependency::on(on)
    });
    (
        prop::option::of("[a-z]{1,5}"),
        values(),
        maps(),
        "[0-9a-f]{0,8}",
        prop::collection::vec(dependency, 0..3),
        any::<[bool; 3]>(),
        prop::option::of(values()),
    )
        .prop_map(|(node, spec, outputs, generation, dependencies, marks, previous)| ResourceState {
            node: node.map(Into::into),
            outputs,
            generation,
            dependencies,
            protect: marks[0],
            notified: marks[1],
            unproven: marks[2],
            lost: false,
            previous: previous.map(|spec| Box::new(resource(spec))),
            ..resource(spec)
        })
}

fn intents() -> impl Strategy<Value = Intent> {
    let operations = prop::sample::select(vec![
        Operation::Create,
        Operation::Update,
        Operation::Swap,
        Operation::Gate,
        Operation::Settle,
        Operation::Restore,
        Operation::Delete,
        Operation::Forget,
        Operation::Record,
        Operation::Adopt,
    ]);
    (operations, prop::option::of(resources())).prop_map(|(operation, resource)| Intent { operation, resource })
}

fn nodes() -> impl Strategy<Value = NodeState> {
    ("[a-z.]{1,9}", any::<Option<u16>>(), "[0-9a-f]{0,4}").prop_map(|(host, port, machine_id)| NodeState {
        connection: Connection { port, ..connection(&host) },
        machine_id,
        engine_id: String::new(),
    })
}

pub(crate) fn records() -> impl Strategy<Value = Record> {
    prop_oneof![
        ("[a-z]{1,3}", nodes()).prop_map(|(name, node)| Record::Node { name, node }),
        (addresses(), intents()).prop_map(|(address, intent)| Record::Intent { address, intent }),
        (addresses(), maps())
            .prop_map(|(address, outputs)| Record::Outcome { address, outcome: Outcome::Done(outputs) }),
        (addresses(), any::<String>())
            .prop_map(|(address, why)| Record::Outcome { address, outcome: Outcome::Failed(why) }),
        prop::collection::vec(addresses(), 0..3).prop_map(Record::Notify),
    ]
}

/// Any state of the stack `web`, of the lineage and serial that [`header`]`(serial + 1)` continues.
pub(crate) fn states(serial: u64) -> impl Strategy<Value = State> {
    (
        maps(),
        maps(),
        prop::collection::btree_map("[a-z]{1,3}", nodes(), 0..3),
        prop::collection::btree_map(addresses(), resources(), 0..6),
        prop::collection::btree_map(addresses(), intents(), 0..3),
        any::<bool>().prop_map(|encrypted| encrypted.then(encryption)),
    )
        .prop_map(move |(variables, outputs, nodes, resources, unfinished, encryption)| State {
            encryption,
            variables,
            outputs,
            nodes,
            resources,
            unfinished,
            ..State { serial, ..State::new("web", LINEAGE) }
        })
}
