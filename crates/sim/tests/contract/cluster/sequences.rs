//! The same sequences of applies on a real server and on the sandbox: the same objects come of them, owned by the same
//! managers.

use std::sync::Arc;

use futures_util::StreamExt as _;
use hactl_core::cluster::ClusterConnection;
use hactl_kube::{Applying, Cluster, ClusterError, Clusters as _, Object, ServedKind};
use hactl_sim::Sandbox;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::cluster::world::{ClusterWorld, OURS, namespace, read, with, without};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] =
    cases![config_maps_are_the_same, deployments_are_the_same, services_are_the_same];

/// How many sequences of each type, and how many of them at a time.
const SEQUENCES: usize = 60;
const AT_ONCE: usize = 6;

/// One apply of a sequence.
#[derive(Debug, Clone)]
struct Move {
    manager: &'static str,
    force: bool,
    dry_run: bool,
    object: Value,
}

async fn config_maps_are_the_same(world: &ClusterWorld) {
    let base = world.object("v1", "ConfigMap", "settings");
    let map = || {
        let keys = prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
        let pairs = keys.prop_flat_map(|keys| keys.into_iter().map(|key| (Just(key), 0..2_u8)).collect::<Vec<_>>());
        pairs.prop_map(|pairs| {
            pairs.into_iter().map(|(key, value)| (key.to_owned(), json!(value.to_string()))).collect()
        })
    };
    let finalizers = prop::sample::subsequence(vec!["example.com/a", "example.com/b"], 0..=2);
    let object = (map(), map(), finalizers).prop_map(move |(data, labels, finalizers): (Map<_, _>, Map<_, _>, _)| {
        let mut object = base.clone();
        for (pointer, value) in [
            ("/data", Value::Object(data)),
            ("/metadata/labels", Value::Object(labels)),
            ("/metadata/finalizers", json!(finalizers)),
        ] {
            object = filled(&object, pointer, value);
        }
        object
    });
    compare(world, &moves(object)).await;
}

async fn deployments_are_the_same(world: &ClusterWorld) {
    let base = world.idle();
    let named = |name: &'static str, field: &'static str| {
        let names = prop::sample::subsequence(vec!["A", "B", "C"], 0..=3).prop_shuffle();
        let pairs =
            names.prop_flat_map(|names| names.into_iter().map(|name| (Just(name), 0..2_u8)).collect::<Vec<_>>());
        pairs.prop_map(move |pairs| -> Value {
            pairs.into_iter().map(|(key, value)| json!({name: key, field: value.to_string()})).collect()
        })
    };
    let aliases = {
        let addresses = prop::sample::subsequence(vec!["192.0.2.1", "192.0.2.2", "192.0.2.3"], 0..=3).prop_shuffle();
        let names = prop::sample::subsequence(vec!["a", "b"], 1..=2);
        (addresses, names).prop_map(|(addresses, names)| -> Value {
            addresses.into_iter().map(|ip| json!({"ip": ip, "hostnames": names})).collect()
        })
    };
    let ports = prop::sample::subsequence(
        vec![json!({"containerPort": 80, "protocol": "TCP"}), json!({"containerPort": 80, "protocol": "UDP"})],
        0..=2,
    );
    let side = prop::option::of(prop::sample::select(vec!["busybox:1.35", "busybox:1.36"]));
    let whole = prop::sample::subsequence(vec!["a", "b"], 0..=2);
    let parts = (named("name", "value"), aliases, ports, side, whole, prop::option::of(1..3_u8));
    let object = parts.prop_map(move |(env, aliases, ports, side, args, seconds)| {
        let spec = "/spec/template/spec";
        let mut object = filled(&base, &format!("{spec}/containers/0/env"), env);
        object = filled(&object, &format!("{spec}/containers/0/ports"), Value::Array(ports));
        object = filled(&object, &format!("{spec}/containers/0/args"), json!(args));
        object = filled(&object, &format!("{spec}/hostAliases"), aliases);
        if let Some(image) = side {
            let containers = object.pointer_mut(&format!("{spec}/containers")).and_then(Value::as_array_mut);
            containers.unwrap().push(json!({"name": "side", "image": image}));
        }
        match seconds {
            Some(seconds) => with(&object, "/spec/minReadySeconds", json!(seconds)),
            None => object,
        }
    });
    compare(world, &moves(object)).await;
}

async fn services_are_the_same(world: &ClusterWorld) {
    let base = without(&world.service(), "/spec/selector");
    let port = |name: &str, port: u16, protocol: &str| json!({"name": name, "port": port, "protocol": protocol, "targetPort": port});
    let ports = vec![port("a", 80, "TCP"), port("b", 81, "TCP"), port("c", 53, "UDP"), port("d", 53, "TCP")];
    let ports = prop::sample::subsequence(ports, 1..=4).prop_shuffle();
    let object = ports.prop_map(move |ports| with(&base, "/spec/ports", Value::Array(ports)));
    compare(world, &moves(object)).await;
}

/// With a value at a JSON pointer, unless it is empty: servers keep no empty lists.
fn filled(object: &Value, pointer: &str, value: Value) -> Value {
    let is_empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
    if is_empty { object.clone() } else { with(object, pointer, value) }
}

/// Sequences of applies, always the same.
fn moves(object: impl Strategy<Value = Value> + 'static) -> Vec<Vec<Move>> {
    let manager = prop::sample::select(vec!["contract-a", "contract-b"]);
    let one = (manager, prop::bool::weighted(0.4), prop::bool::weighted(0.1), object);
    let one = one.prop_map(|(manager, force, dry_run, object)| Move { manager, force, dry_run, object });
    let sequences = prop::collection::vec(one, 3..8);
    let mut runner = TestRunner::deterministic();
    (0..SEQUENCES).map(|_| sequences.new_tree(&mut runner).unwrap().current()).collect()
}

async fn compare(world: &ClusterWorld, sequences: &[Vec<Move>]) {
    let sandbox: Arc<dyn Cluster> = Sandbox::in_memory(1).connect(&ClusterConnection::default()).await.unwrap();
    let kind = world.kind(&sequences[0][0].object).await;
    let served = world.kind(&namespace("")).await;
    sandbox.apply(&served, &read(&namespace(&world.namespace)), &OURS).await.unwrap();
    let plays = sequences.iter().enumerate().map(|(index, moves)| play(world, &*sandbox, &kind, index, moves));
    let differences: Vec<Option<String>> = futures_util::stream::iter(plays).buffer_unordered(AT_ONCE).collect().await;
    let differences: Vec<String> = differences.into_iter().flatten().collect();
    assert!(differences.is_empty(), "{} of {} differ:\n{}", differences.len(), sequences.len(), differences.join("\n"));
}

/// Plays a sequence on both; answers the first difference.
async fn play(
    world: &ClusterWorld,
    sandbox: &dyn Cluster,
    kind: &ServedKind,
    index: usize,
    moves: &[Move],
) -> Option<String> {
    for (number, one) in moves.iter().enumerate() {
        let object = read(&with(&one.object, "/metadata/name", json!(format!("s{index}"))));
        let how = Applying { manager: one.manager, force: one.force, dry_run: one.dry_run };
        let real = essence(world.cluster().apply(kind, &object, &how).await);
        let simulated = essence(sandbox.apply(kind, &object, &how).await);
        if real != simulated {
            let moves: Vec<String> = moves[..=number].iter().map(|one| format!("  {one:?}")).collect();
            return Some(format!("sequence {index}:\n{}\nreal:      {real}\nsimulated: {simulated}", moves.join("\n")));
        }
    }
    None
}

/// What is to be the same.
fn essence(answer: Result<Object, ClusterError>) -> Value {
    let object = match answer {
        Ok(object) => object,
        // Old servers name the fields wrongly where there are several.
        Err(ClusterError::Conflict { conflicts }) => {
            let mut managers: Vec<String> = conflicts.into_iter().map(|conflict| conflict.manager).collect();
            managers.sort();
            return json!({"conflicts": managers});
        }
        Err(error) => return json!(error.to_string()),
    };
    let owners = object.owners().filter(|owner| owner.applies);
    let mut owners: Vec<Value> = owners.map(|owner| json!([owner.manager, owner.fields])).collect();
    owners.sort_by_key(Value::to_string);
    let mut object = crate::cluster::world::json(&object);
    for (parent, keys) in [
        ("", &["status"][..]),
        ("/metadata", &["uid", "resourceVersion", "creationTimestamp", "selfLink", "managedFields"]),
        // Old servers do not count another order, which they do not take over.
        ("/metadata", &["generation"]),
        // What a controller writes in its own time.
        ("/metadata/annotations", &["deployment.kubernetes.io/revision"]),
        ("/spec/template/metadata", &["creationTimestamp"]),
        // What each server allots, and what newer ones add or own otherwise.
        ("/spec", &["clusterIP", "clusterIPs", "internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy"]),
    ] {
        for key in keys {
            object.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|map| map.remove(*key));
        }
    }
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|key, value| key != "annotations" || value.as_object().is_some_and(|map| !map.is_empty()));
    sort(&mut object);
    json!({"object": object, "owners": owners})
}

/// Sorts lists whose items have keys, and sets: old servers put what is new behind what was there.
fn sort(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(finalizers)) = map.get_mut("finalizers") {
                finalizers.sort_by_key(Value::to_string);
            }
            map.values_mut().for_each(sort);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            if items.iter().all(Value::is_object) {
                items.sort_by_key(|item| {
                    ["name", "ip", "containerPort", "protocol"].map(|key| item.get(key).map(Value::to_string))
                });
            }
        }
        _ => {}
    }
}
