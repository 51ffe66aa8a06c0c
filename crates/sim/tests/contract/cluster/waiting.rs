//! Waiting for an object to change.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::world::{ClusterWorld, name_of, read, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    what_is_another_already_is_told_at_once,
    a_change_is_told,
    a_change_of_another_object_is_not,
    a_deletion_is_told,
    the_begin_of_a_deletion_is_told,
    what_is_gone_is_told_at_once,
    what_is_yet_to_come_is_waited_for,
];

const A_WHILE: Duration = Duration::from_millis(300);

async fn what_is_another_already_is_told_at_once(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    let made = world.apply(&map).await;
    let changed = world.apply(&world.config_map(json!({"a": "2"}))).await;
    let kind = world.kind(&map).await;
    let begin = Instant::now();
    let next = world.cluster().next(&kind, &name_of(&made), made.resource_version()).await.unwrap();
    assert_eq!(next, Some(changed));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

async fn a_change_is_told(world: &ClusterWorld) {
    let made = world.apply(&world.config_map(json!({"a": "1"}))).await;
    let other = world.config_map(json!({"a": "2"}));
    let kind = world.kind(&other).await;
    let name = name_of(&made);
    let change = async {
        tokio::time::sleep(A_WHILE).await;
        (world.apply(&other).await, Instant::now())
    };
    let wait = async { (world.cluster().next(&kind, &name, made.resource_version()).await, Instant::now()) };
    let ((changed, at), (next, told)) = tokio::join!(change, wait);
    assert_eq!(next, Ok(Some(changed)));
    assert!(told.saturating_duration_since(at) < Duration::from_secs(5));
}

async fn a_change_of_another_object_is_not(world: &ClusterWorld) {
    let made = world.apply(&world.config_map(json!({"a": "1"}))).await;
    let other = world.object("v1", "ConfigMap", "settings-2");
    let kind = world.kind(&other).await;
    let name = name_of(&made);
    let change = async {
        tokio::time::sleep(A_WHILE).await;
        world.apply(&other).await;
        tokio::time::sleep(A_WHILE).await;
        world.apply(&world.config_map(json!({"a": "2"}))).await
    };
    let (changed, next) = tokio::join!(change, world.cluster().next(&kind, &name, made.resource_version()));
    assert_eq!(next, Ok(Some(changed)));
}

async fn a_deletion_is_told(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    let made = world.apply(&map).await;
    let kind = world.kind(&map).await;
    let name = name_of(&made);
    let delete = async {
        tokio::time::sleep(A_WHILE).await;
        world.delete(&made).await;
    };
    let ((), next) = tokio::join!(delete, world.cluster().next(&kind, &name, made.resource_version()));
    assert_eq!(next, Ok(None));
}

async fn the_begin_of_a_deletion_is_told(world: &ClusterWorld) {
    let map = with(&world.config_map(json!({})), "/metadata/finalizers", json!(["example.com/wait"]));
    let made = world.apply(&map).await;
    let kind = world.kind(&map).await;
    let name = name_of(&made);
    let delete = async {
        tokio::time::sleep(A_WHILE).await;
        world.delete(&made).await;
    };
    let ((), next) = tokio::join!(delete, world.cluster().next(&kind, &name, made.resource_version()));
    assert!(next.unwrap().unwrap().is_being_deleted());
}

async fn what_is_gone_is_told_at_once(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    let made = world.apply(&map).await;
    let kind = world.kind(&map).await;
    world.delete(&made).await;
    let begin = Instant::now();
    assert_eq!(world.cluster().next(&kind, &name_of(&made), made.resource_version()).await, Ok(None));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

async fn what_is_yet_to_come_is_waited_for(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    let (kind, wanted) = (world.kind(&map).await, read(&map));
    let make = async {
        tokio::time::sleep(A_WHILE).await;
        world.apply(&map).await
    };
    let name = name_of(&wanted);
    let (made, next) = tokio::join!(make, world.cluster().next(&kind, &name, ""));
    assert_eq!(next, Ok(Some(made)));
}
