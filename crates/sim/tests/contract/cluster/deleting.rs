//! Deletion.

use hactl_kube::ClusterError;
use serde_json::json;

use crate::cluster::world::{ClusterWorld, at, json, name_of, namespace, read, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    only_the_very_object_is_deleted,
    deleting_twice_is_fine,
    what_is_absent_is_deleted_already,
    a_finalizer_keeps_it,
    without_its_finalizer_it_goes,
    who_no_longer_sends_the_finalizer_lets_it_go,
    what_is_being_deleted_takes_changes,
    a_namespace_takes_its_content_along,
    an_owner_takes_what_it_owns_along,
    the_cluster_s_own_namespaces_stay,
];

const UID: &str = "6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11";

async fn only_the_very_object_is_deleted(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    let made = world.apply(&map).await;
    let kind = world.kind(&map).await;
    world.cluster().delete(&kind, &name_of(&made), UID).await.unwrap();
    assert_eq!(world.live(&map).await, made);
    world.delete(&made).await;
    assert_eq!(world.get(&map).await, None);
    let again = world.apply(&map).await;
    assert_ne!(again.uid(), made.uid());
    world.delete(&made).await;
    assert_eq!(world.live(&map).await, again);
}

async fn deleting_twice_is_fine(world: &ClusterWorld) {
    let made = world.apply(&world.config_map(json!({}))).await;
    world.delete(&made).await;
    world.delete(&made).await;
}

async fn what_is_absent_is_deleted_already(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    let kind = world.kind(&map).await;
    for object in [map.clone(), with(&map, "/metadata/namespace", json!("contract-nowhere"))] {
        assert_eq!(world.cluster().delete(&kind, &name_of(&read(&object)), UID).await, Ok(()));
    }
}

fn kept(world: &ClusterWorld) -> serde_json::Value {
    with(&world.config_map(json!({"a": "1"})), "/metadata/finalizers", json!(["example.com/wait"]))
}

async fn a_finalizer_keeps_it(world: &ClusterWorld) {
    let map = kept(world);
    let made = world.apply(&map).await;
    world.delete(&made).await;
    let waiting = world.live(&map).await;
    assert!(waiting.is_being_deleted());
    assert_eq!((waiting.finalizers(), waiting.uid()), (vec!["example.com/wait"], made.uid()));
    assert_ne!(waiting.resource_version(), made.resource_version());
    world.delete(&made).await;
    assert_eq!(world.live(&map).await, waiting);
}

async fn without_its_finalizer_it_goes(world: &ClusterWorld) {
    let map = kept(world);
    world.delete(&world.apply(&map).await).await;
    world.patch(&map, json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(world.get(&map).await, None);
}

async fn who_no_longer_sends_the_finalizer_lets_it_go(world: &ClusterWorld) {
    let map = kept(world);
    world.delete(&world.apply(&map).await).await;
    world.apply(&world.config_map(json!({"a": "1"}))).await;
    assert_eq!(world.get(&map).await, None);
}

async fn what_is_being_deleted_takes_changes(world: &ClusterWorld) {
    let map = kept(world);
    world.delete(&world.apply(&map).await).await;
    let changed = world.apply(&with(&map, "/data/a", json!("2"))).await;
    assert!(changed.is_being_deleted());
    assert_eq!(at(&changed, "/data/a"), json!("2"));
}

async fn a_namespace_takes_its_content_along(world: &ClusterWorld) {
    let (map, idle, service) = (world.config_map(json!({})), world.idle(), world.service());
    for object in [&map, &idle, &service] {
        world.apply(object).await;
    }
    let here = namespace(&world.namespace);
    world.delete(&world.live(&here).await).await;
    world.until_gone(&here).await;
    for object in [&map, &idle, &service] {
        assert_eq!(world.get(object).await, None);
    }
    assert!(matches!(world.try_apply(&map, crate::cluster::world::OURS).await, Err(ClusterError::Missing { .. })));
}

async fn an_owner_takes_what_it_owns_along(world: &ClusterWorld) {
    let owner = world.apply(&world.config_map(json!({}))).await;
    let reference = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner.name(), "uid": owner.uid()}]);
    let owned = with(&world.object("v1", "ConfigMap", "owned"), "/metadata/ownerReferences", reference);
    let owned = world.apply(&owned).await;
    world.delete(&owner).await;
    world.until_gone(&json(&owned)).await;
}

async fn the_cluster_s_own_namespaces_stay(world: &ClusterWorld) {
    for name in ["kube-system", "default"] {
        let live = world.live(&namespace(name)).await;
        let kind = world.kind(&namespace(name)).await;
        let refused = world.cluster().delete(&kind, &name_of(&live), live.uid()).await;
        assert!(matches!(refused, Err(ClusterError::Forbidden { .. })), "{refused:?}");
    }
}
