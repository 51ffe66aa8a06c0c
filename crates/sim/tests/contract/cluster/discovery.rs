//! Which cluster it is, and what it serves.

use std::collections::BTreeSet;
use std::time::Duration;

use hactl_kube::{Cluster, ServedKind};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, at, json, namespace, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    a_cluster_is_known_by_its_uid,
    the_types_of_groups_are_told,
    an_unknown_group_has_no_types,
    a_group_is_asked_for_once,
    a_new_type_is_served_after_forgetting,
    the_stable_version_is_preferred,
    objects_of_a_new_type_come_and_go,
];

async fn served(cluster: &dyn Cluster, groups: &[&str]) -> Vec<ServedKind> {
    let groups: BTreeSet<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    cluster.served(&groups).await.unwrap()
}

/// The group of the types that a case defines.
fn group(world: &ClusterWorld) -> String {
    format!("{}.example.com", world.namespace)
}

/// A definition of the type `Widget` in these versions, the last of which is stored.
fn definition(world: &ClusterWorld, versions: &[&str]) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let version = |(index, name): (usize, &&str)| {
        let storage = index + 1 == versions.len();
        json!({"name": name, "served": true, "storage": storage, "schema": schema})
    };
    let versions: Vec<Value> = versions.iter().enumerate().map(version).collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{}", group(world))},
        "spec": {
            "group": group(world),
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": versions,
        },
    })
}

/// Applies a definition and waits until its types are served.
async fn define(world: &ClusterWorld, definition: &Value) -> Vec<ServedKind> {
    world.apply(definition).await;
    world
        .until(definition, |object| {
            let conditions = at(object, "/status/conditions");
            let is_established = |found: &Value| found["type"] == "Established" && found["status"] == "True";
            conditions.as_array().is_some_and(|conditions| conditions.iter().any(is_established))
        })
        .await;
    let count = definition["spec"]["versions"].as_array().unwrap().len();
    for _ in 0..100 {
        world.cluster().forget_served().await;
        let found = served(world.cluster(), &[&group(world)]).await;
        if found.len() == count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the types are not served ten seconds after they were established");
}

async fn a_cluster_is_known_by_its_uid(world: &ClusterWorld) {
    let identity = world.cluster().identity().await.unwrap();
    assert!(identity.version.starts_with("v1."), "{identity:?}");
    assert_eq!(identity.uid, world.live(&namespace("kube-system")).await.uid());
    assert_eq!(world.connect().await.identity().await.unwrap(), identity);
}

async fn the_types_of_groups_are_told(world: &ClusterWorld) {
    let found = served(world.cluster(), &["", "apps", "batch", "networking.k8s.io", "rbac.authorization.k8s.io"]).await;
    for (api_version, kind, plural, namespaced) in [
        ("v1", "ConfigMap", "configmaps", true),
        ("v1", "Namespace", "namespaces", false),
        ("v1", "Endpoints", "endpoints", true),
        ("apps/v1", "DaemonSet", "daemonsets", true),
        ("batch/v1", "Job", "jobs", true),
        ("networking.k8s.io/v1", "Ingress", "ingresses", true),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false),
    ] {
        let row = |found: &&ServedKind| found.api_version() == api_version && found.kind == kind;
        let found = found.iter().find(row).unwrap_or_else(|| panic!("{kind} is not served"));
        assert_eq!((found.plural.as_str(), found.namespaced), (plural, namespaced), "{kind}");
    }
    assert!(!found.iter().any(|kind| kind.plural.contains('/') || kind.group == "policy"), "{found:?}");
}

async fn an_unknown_group_has_no_types(world: &ClusterWorld) {
    assert!(served(world.cluster(), &["nothing.example.com"]).await.is_empty());
    assert!(served(world.cluster(), &[]).await.is_empty());
}

async fn a_group_is_asked_for_once(world: &ClusterWorld) {
    let group = group(world);
    assert!(served(world.cluster(), &[&group]).await.is_empty());
    let other = world.connect().await;
    world.apply(&definition(world, &["v1"])).await;
    for _ in 0..100 {
        other.forget_served().await;
        if !served(&*other, &[&group]).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(served(world.cluster(), &[&group]).await.is_empty());
}

async fn a_new_type_is_served_after_forgetting(world: &ClusterWorld) {
    assert!(served(world.cluster(), &[&group(world)]).await.is_empty());
    let found = define(world, &definition(world, &["v1"])).await;
    let widget = ServedKind {
        group: group(world),
        version: "v1".to_owned(),
        kind: "Widget".to_owned(),
        plural: "widgets".to_owned(),
        namespaced: true,
    };
    assert_eq!(found, [widget]);
}

async fn the_stable_version_is_preferred(world: &ClusterWorld) {
    let found = define(world, &definition(world, &["v1alpha1", "v2", "v1", "v10beta2", "v1beta1"])).await;
    assert_eq!(found[0].version, "v2", "{found:?}");
}

async fn objects_of_a_new_type_come_and_go(world: &ClusterWorld) {
    let definition = definition(world, &["v1"]);
    define(world, &definition).await;
    let widget = world.object(&format!("{}/v1", group(world)), "Widget", "big");
    let widget = with(&widget, "/spec", json!({"size": {"x": 1, "y": 2}, "list": [{"name": "a"}]}));
    let made = world.apply(&widget).await;
    assert_eq!((at(&made, "/spec"), at(&made, "/metadata/generation")), (widget["spec"].clone(), json!(1)));
    let changed = world.apply(&with(&widget, "/spec/size", json!({"x": 1}))).await;
    assert_eq!((at(&changed, "/spec/size"), at(&changed, "/metadata/generation")), (json!({"x": 1}), json!(2)));
    let kind = world.kind(&widget).await;
    let listed = world.cluster().list(&kind, Some(&world.namespace), None).await.unwrap();
    assert_eq!(listed.iter().map(json).map(|object| object["kind"].clone()).collect::<Vec<_>>(), ["Widget"]);

    world.delete(&world.live(&definition).await).await;
    world.until_gone(&definition).await;
    world.cluster().forget_served().await;
    let applied = world.cluster().apply(&kind, &changed_back(&widget), &crate::cluster::world::OURS).await;
    assert!(matches!(applied, Err(hactl_kube::ClusterError::Missing { .. })), "{applied:?}");
}

fn changed_back(widget: &Value) -> hactl_kube::Object {
    crate::cluster::world::read(widget)
}
