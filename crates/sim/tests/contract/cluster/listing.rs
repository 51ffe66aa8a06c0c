//! Lists.

use futures_util::StreamExt as _;
use hactl_kube::{ClusterError, Object, ServedKind};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, namespace, read, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    lists_are_by_namespace_and_label,
    listed_objects_are_whole,
    types_without_namespaces_are_listed,
    long_lists_are_complete,
    nothing_is_listed_of_a_missing_namespace,
    types_that_are_not_served_are_not_listed,
];

fn labelled(world: &ClusterWorld, name: &str, label: &str) -> Value {
    let map = world.object("v1", "ConfigMap", name);
    with(&map, "/metadata/labels", json!({"example.com/of": format!("{}-{label}", &world.namespace[..20])}))
}

fn names(objects: &[Object]) -> Vec<&str> {
    objects.iter().map(Object::name).collect()
}

async fn lists_are_by_namespace_and_label(world: &ClusterWorld) {
    let other = world.name("other");
    let other = other.get(..63).unwrap_or(&other).trim_end_matches('-');
    let other = if other == world.namespace { format!("z{}", &other[1..]) } else { other.to_owned() };
    world.apply(&namespace(&other)).await;
    for (name, label) in [("b", "x"), ("a", "x"), ("c", "y")] {
        world.apply(&labelled(world, name, label)).await;
    }
    world.apply(&with(&labelled(world, "d", "x"), "/metadata/namespace", json!(other))).await;
    let kind = world.kind(&world.object("v1", "ConfigMap", "a")).await;
    let x = format!("example.com/of={}-x", &world.namespace[..20]);
    let nobody = format!("example.com/of={}-nobody", &world.namespace[..20]);
    let here = Some(world.namespace.as_str());
    for (namespace, label, expected) in [
        (here, Some(&x), &["a", "b"][..]),
        (None, Some(&x), &["a", "b", "d"]),
        (Some(other.as_str()), Some(&x), &["d"]),
        (here, Some(&nobody), &[]),
        (None, Some(&nobody), &[]),
    ] {
        let listed = world.cluster().list(&kind, namespace, label.map(String::as_str)).await.unwrap();
        let mut found = names(&listed);
        found.sort_unstable();
        assert_eq!(found, expected, "{namespace:?} {label:?}");
    }
    let listed = world.cluster().list(&kind, here, None).await.unwrap();
    // Newer servers put one of their own, `kube-root-ca.crt`, into each namespace.
    assert_eq!(listed.iter().filter(|map| ["a", "b", "c"].contains(&map.name())).count(), 3);
    let all = world.cluster().list(&kind, None, None).await.unwrap();
    assert!(listed.iter().all(|map| all.contains(map)));
}

async fn listed_objects_are_whole(world: &ClusterWorld) {
    let map = with(&labelled(world, "a", "x"), "/data", json!({"a": "1"}));
    let made = world.apply(&map).await;
    let kind = world.kind(&map).await;
    let label = format!("example.com/of={}-x", &world.namespace[..20]);
    let listed = world.cluster().list(&kind, Some(&world.namespace), Some(&label)).await.unwrap();
    assert_eq!(listed, [made]);
}

async fn types_without_namespaces_are_listed(world: &ClusterWorld) {
    let kind = world.kind(&namespace("")).await;
    let listed = world.cluster().list(&kind, None, None).await.unwrap();
    for name in ["default", "kube-system", &world.namespace] {
        assert!(names(&listed).contains(&name), "{name}");
    }
}

async fn long_lists_are_complete(world: &ClusterWorld) {
    let kind: ServedKind = world.kind(&labelled(world, "a", "x")).await;
    let maps: Vec<Object> = (0..1100).map(|index| read(&labelled(world, &format!("map-{index:04}"), "x"))).collect();
    let applies = maps.iter().map(|map| world.cluster().apply(&kind, map, &OURS));
    let applied: Vec<_> = futures_util::stream::iter(applies).buffer_unordered(16).collect().await;
    assert!(applied.iter().all(Result::is_ok), "{:?}", applied.iter().find(|one| one.is_err()));
    let label = format!("example.com/of={}-x", &world.namespace[..20]);
    let listed = world.cluster().list(&kind, Some(&world.namespace), Some(&label)).await.unwrap();
    assert_eq!(names(&listed), names(&maps));
}

async fn nothing_is_listed_of_a_missing_namespace(world: &ClusterWorld) {
    let kind = world.kind(&world.object("v1", "ConfigMap", "a")).await;
    assert_eq!(world.cluster().list(&kind, Some("contract-nowhere"), None).await, Ok(Vec::new()));
}

async fn types_that_are_not_served_are_not_listed(world: &ClusterWorld) {
    let kind = world.kind(&world.object("nothing.example.com/v1", "Thing", "a")).await;
    let listed = world.cluster().list(&kind, Some(&world.namespace), None).await;
    assert!(matches!(listed, Err(ClusterError::Missing { .. })), "{listed:?}");
}
