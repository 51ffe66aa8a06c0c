//! The sandbox's API server.

mod applying;
mod deleting;
mod drift;
mod faults;
mod refusals;
mod workloads;

use std::collections::BTreeSet;
use std::sync::Arc;

use hactl_core::cluster::ClusterConnection;
use hactl_kube::{Applying, Cluster, ClusterError, Clusters as _, Name, Object, ServedKind};
use hactl_sim::Sandbox;
use serde_json::{Value, json};

pub(crate) async fn cluster_of(sandbox: &Sandbox) -> Arc<dyn Cluster> {
    sandbox.connect(&ClusterConnection::default()).await.unwrap()
}

/// A cluster with the namespace `shop`.
pub(crate) async fn shop() -> (Sandbox, Arc<dyn Cluster>) {
    let sandbox = Sandbox::in_memory(1);
    let cluster = cluster_of(&sandbox).await;
    apply(&*cluster, &namespace("shop")).await;
    (sandbox, cluster)
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).unwrap()
}

pub(crate) fn namespace(name: &str) -> Object {
    object(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
}

pub(crate) fn config_map(name: &str, data: &Value) -> Object {
    object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data}),
    )
}

pub(crate) fn deployment(image: &str) -> Object {
    workload("Deployment", image)
}

pub(crate) fn workload(kind: &str, image: &str) -> Object {
    object(json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
        },
    }))
}

/// A definition of the type `Widget` in `shop.example.com/v1`.
pub(crate) fn definition() -> Object {
    object(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.shop.example.com"},
        "spec": {
            "group": "shop.example.com",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [
                {"name": "v1beta1", "served": true, "storage": false},
                {"name": "v1", "served": true, "storage": true},
                {"name": "v1alpha1", "served": false, "storage": false},
            ],
        },
    }))
}

/// The type of an object, asked of the server; its version and kind as they stand there where it does not serve it.
pub(crate) async fn kind_of(cluster: &dyn Cluster, object: &Object) -> ServedKind {
    let (group, version) = object.api_version().split_once('/').unwrap_or(("", object.api_version()));
    let served = cluster.served(&BTreeSet::from([group.to_owned()])).await.unwrap();
    let mut found = served.into_iter().filter(|kind| kind.version == version && kind.kind == object.kind());
    found.next().unwrap_or(ServedKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: object.kind().to_owned(),
        plural: format!("{}s", object.kind().to_lowercase()),
        namespaced: object.namespace().is_some(),
    })
}

pub(crate) async fn apply(cluster: &dyn Cluster, object: &Object) -> Object {
    apply_as(cluster, object, "hactl").await.unwrap()
}

pub(crate) async fn apply_as(cluster: &dyn Cluster, object: &Object, manager: &str) -> Result<Object, ClusterError> {
    let kind = kind_of(cluster, object).await;
    cluster.apply(&kind, object, &Applying { manager, force: false, dry_run: false }).await
}

pub(crate) fn name_of(object: &Object) -> Name<'_> {
    Name { namespace: object.namespace(), name: object.name() }
}

/// The object as it is now.
pub(crate) async fn live(cluster: &dyn Cluster, object: &Object) -> Option<Object> {
    let kind = kind_of(cluster, object).await;
    cluster.get(&kind, &name_of(object)).await.unwrap()
}

pub(crate) async fn delete(cluster: &dyn Cluster, object: &Object) {
    let kind = kind_of(cluster, object).await;
    let uid = live(cluster, object).await.unwrap().uid().to_owned();
    cluster.delete(&kind, &name_of(object), &uid).await.unwrap();
}

pub(crate) async fn pods(cluster: &dyn Cluster) -> Vec<Object> {
    let kind = kind_of(cluster, &object(json!({"apiVersion": "v1", "kind": "Pod"}))).await;
    cluster.list(&kind, Some("shop"), Some("app=web")).await.unwrap()
}

/// The object with another value at a path of keys.
pub(crate) fn with(object: &Object, path: &str, value: Value) -> Object {
    let mut whole = serde_json::to_value(object).unwrap();
    let mut here = &mut whole;
    for key in path.split('.') {
        here = match key.parse::<usize>() {
            Ok(index) => &mut here[index],
            Err(_) => &mut here[key],
        };
    }
    *here = value;
    self::object(whole)
}
