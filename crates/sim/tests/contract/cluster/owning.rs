//! Who owns what, and what comes of it when managers meet.

use hactl_kube::{Applying, ClusterError, FieldConflict};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, PATCHER, THEIRS, at, owned, with, without};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    what_was_sent_is_owned,
    what_a_patch_changed_is_owned,
    another_value_is_a_conflict,
    every_conflict_is_named,
    a_patch_is_a_conflict,
    the_same_value_is_shared,
    what_is_shared_stays_until_the_last_leaves,
    force_takes_what_others_own,
    what_others_added_stays,
    what_a_patch_removed_comes_back,
    a_patch_that_changes_nothing_owns_nothing,
    who_sends_nothing_owns_nothing,
    who_left_may_take_it_back,
];

const FORCED: Applying<'_> = Applying { force: true, ..OURS };
const IMAGE: &str = "/spec/template/spec/containers/0/image";

async fn what_was_sent_is_owned(world: &ClusterWorld) {
    let map = with(&world.config_map(json!({"a": "1"})), "/metadata/labels", json!({"example.com/b": "c"}));
    let made = world.apply(&map).await;
    let expected = json!({"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {"f:example.com/b": {}}}});
    assert_eq!(owned(&made, OURS.manager), expected);
    let owners: Vec<_> = made.owners().map(|owner| (owner.manager.to_owned(), owner.applies)).collect();
    assert_eq!(owners, [(OURS.manager.to_owned(), true)]);

    let made = world.apply(&world.idle()).await;
    let container = json!({".": {}, "f:name": {}, "f:image": {}, "f:command": {}});
    let pod = json!({"f:terminationGracePeriodSeconds": {}, "f:containers": {"k:{\"name\":\"main\"}": container}});
    let template = json!({"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": pod});
    assert_eq!(
        owned(&made, OURS.manager),
        json!({"f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": template}})
    );
}

async fn what_a_patch_changed_is_owned(world: &ClusterWorld) {
    world.apply(&world.idle()).await;
    let patch = json!({"spec": {"minReadySeconds": 5, "template": {"spec": {
        "containers": [{"name": "main", "image": "busybox:1.35"}],
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a.example.com"]}],
    }}}});
    world.patch(&world.idle(), patch).await;
    let found = world.live(&world.idle()).await;
    let owner = found.owners().find(|owner| owner.manager == PATCHER).expect("it owns what it changed");
    assert!(!owner.applies);
    let alias = json!({".": {}, "f:ip": {}, "f:hostnames": {}});
    let pod = json!({
        "f:containers": {"k:{\"name\":\"main\"}": {"f:image": {}}},
        "f:hostAliases": {".": {}, "k:{\"ip\":\"192.0.2.1\"}": alias},
    });
    let expected = json!({"f:spec": {"f:minReadySeconds": {}, "f:template": {"f:spec": pod}}});
    assert_eq!(owned(&found, PATCHER), expected);
    // It is no longer ours.
    let ours = owned(&found, OURS.manager);
    let container = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"main\"}";
    assert_eq!(ours.pointer(container), Some(&json!({".": {}, "f:name": {}, "f:command": {}})));
}

fn conflict(field: &str, manager: &str) -> FieldConflict {
    FieldConflict { field: field.to_owned(), manager: manager.to_owned() }
}

async fn another_value_is_a_conflict(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    let made = world.apply(&map).await;
    let refused = world.try_apply(&with(&map, "/data/a", json!("2")), THEIRS).await;
    assert_eq!(refused, Err(ClusterError::Conflict { conflicts: vec![conflict(".data.a", OURS.manager)] }));
    assert_eq!(world.live(&map).await, made);
}

async fn every_conflict_is_named(world: &ClusterWorld) {
    let idle = with(&world.idle(), "/metadata/labels", json!({"a": "1"}));
    world.apply(&idle).await;
    world
        .apply_as(&with(&world.object("apps/v1", "Deployment", "web"), "/spec", json!({"minReadySeconds": 5})), THEIRS)
        .await;
    let other = with(&with(&idle, IMAGE, json!("busybox:1.35")), "/spec/minReadySeconds", json!(6));
    let other = with(&with(&other, "/metadata/labels/a", json!("2")), "/spec/replicas", json!(0));
    let other = with(&other, "/spec/template/spec/containers/0/command", json!(["true"]));
    let Err(ClusterError::Conflict { mut conflicts }) =
        world.try_apply(&other, Applying { manager: "contract-third", ..OURS }).await
    else {
        panic!("it is no conflict");
    };
    conflicts.sort();
    let container = ".spec.template.spec.containers[name=\"main\"]";
    let expected = [
        conflict(".metadata.labels.a", OURS.manager),
        conflict(".spec.minReadySeconds", THEIRS.manager),
        conflict(&format!("{container}.command"), OURS.manager),
        conflict(&format!("{container}.image"), OURS.manager),
    ];
    assert_eq!(conflicts, expected);
}

async fn a_patch_is_a_conflict(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    world.apply(&map).await;
    world.patch(&map, json!({"data": {"a": "9"}})).await;
    let refused = world.try_apply(&map, OURS).await;
    assert_eq!(refused, Err(ClusterError::Conflict { conflicts: vec![conflict(".data.a", PATCHER)] }));
    let forced = world.apply_as(&map, FORCED).await;
    assert_eq!((at(&forced, "/data/a"), owned(&forced, PATCHER)), (json!("1"), Value::Null));
}

async fn the_same_value_is_shared(world: &ClusterWorld) {
    let idle = world.idle();
    world.apply(&idle).await;
    let shared = world.apply_as(&idle, THEIRS).await;
    assert_eq!(owned(&shared, OURS.manager), owned(&shared, THEIRS.manager));
    let refused = world.try_apply(&with(&idle, IMAGE, json!("busybox:1.35")), OURS).await;
    let field = ".spec.template.spec.containers[name=\"main\"].image";
    assert_eq!(refused, Err(ClusterError::Conflict { conflicts: vec![conflict(field, THEIRS.manager)] }));
}

async fn what_is_shared_stays_until_the_last_leaves(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1", "b": "2"}));
    world.apply(&map).await;
    world.apply_as(&map, THEIRS).await;
    let less = without(&map, "/data/a");
    assert_eq!(at(&world.apply(&less).await, "/data"), json!({"a": "1", "b": "2"}));
    let left = world.apply_as(&less, THEIRS).await;
    assert_eq!(at(&left, "/data"), json!({"b": "2"}));
}

async fn force_takes_what_others_own(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1", "b": "2"}));
    world.apply(&map).await;
    let taken = with(&without(&map, "/data/b"), "/data/a", json!("3"));
    let forced = world.apply_as(&taken, Applying { force: true, ..THEIRS }).await;
    assert_eq!(at(&forced, "/data"), json!({"a": "3", "b": "2"}));
    assert_eq!(owned(&forced, OURS.manager), json!({"f:data": {"f:b": {}}}));
    assert_eq!(owned(&forced, THEIRS.manager), json!({"f:data": {"f:a": {}}}));
}

async fn what_others_added_stays(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    world.apply(&map).await;
    world.patch(&map, json!({"data": {"b": "2"}, "metadata": {"annotations": {"example.com/by": "hand"}}})).await;
    world.apply_as(&with(&map, "/data", json!({"c": "3"})), THEIRS).await;
    let changed = world.apply(&with(&map, "/data/a", json!("4"))).await;
    assert_eq!(at(&changed, "/data"), json!({"a": "4", "b": "2", "c": "3"}));
    assert_eq!(changed.annotation("example.com/by"), Some("hand"));
    let left = world.apply(&without(&map, "/data")).await;
    assert_eq!(at(&left, "/data"), json!({"b": "2", "c": "3"}));
}

async fn what_a_patch_removed_comes_back(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1", "b": "2"}));
    world.apply(&map).await;
    world.patch(&map, json!({"data": {"a": null}})).await;
    let found = world.live(&map).await;
    assert_eq!(owned(&found, OURS.manager), json!({"f:data": {"f:b": {}}}));
    let again = world.apply(&map).await;
    assert_eq!(at(&again, "/data"), json!({"a": "1", "b": "2"}));
}

async fn a_patch_that_changes_nothing_owns_nothing(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    let made = world.apply(&map).await;
    world.patch(&map, json!({"data": {"a": "1"}})).await;
    assert_eq!(world.live(&map).await, made);
}

async fn who_sends_nothing_owns_nothing(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    world.apply(&map).await;
    world.apply_as(&with(&map, "/data", json!({"b": "2"})), THEIRS).await;
    let left = world.apply(&without(&map, "/data")).await;
    assert_eq!(owned(&left, OURS.manager), Value::Null);
    assert_eq!(at(&left, "/data"), json!({"b": "2"}));
    let managers: Vec<&str> = left.owners().map(|owner| owner.manager).collect();
    assert_eq!(managers, [THEIRS.manager]);
}

async fn who_left_may_take_it_back(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    world.apply(&map).await;
    world.apply_as(&with(&map, "/data/a", json!("2")), Applying { force: true, ..THEIRS }).await;
    let refused = world.try_apply(&map, OURS).await;
    assert_eq!(refused, Err(ClusterError::Conflict { conflicts: vec![conflict(".data.a", THEIRS.manager)] }));
    world.apply_as(&without(&map, "/data"), THEIRS).await;
    let back = world.apply(&map).await;
    assert_eq!((at(&back, "/data"), owned(&back, THEIRS.manager)), (json!({"a": "1"}), Value::Null));
}
