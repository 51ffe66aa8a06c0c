//! What cannot change in place: the server says so in a dry run, of the fields themselves and in words by which plans know
//! it.

use hactl_kube::{Applying, Cause, ClusterError};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, at, pod, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    selectors_of_workloads,
    the_address_of_a_service,
    the_type_of_a_secret,
    the_role_of_a_binding,
    the_template_of_a_job,
    data_that_is_immutable,
    the_storage_of_a_stateful_set,
    most_of_a_claim,
    most_of_a_pod,
    scope_and_names_of_a_definition,
    what_a_class_is_made_of,
    a_fixed_field_and_a_wrong_one,
];

/// The words of `is_fixed` in hactl-kinds, by which a plan announces that an object is made anew.
const WORDS: &[&str] = &["immutable", "may not change", "may not be changed", "cannot change", "updates to "];

/// What the server says of `after` in the place of `before`; fails the case where it takes it.
async fn causes(world: &ClusterWorld, before: &Value, after: &Value) -> Vec<Cause> {
    world.apply(before).await;
    let live = world.live(before).await;
    let after = with(after, "/metadata/uid", json!(live.uid()));
    match world.try_apply(&after, Applying { dry_run: true, ..OURS }).await {
        Err(ClusterError::Invalid { causes, .. }) => causes,
        other => panic!("expected that it is invalid, got {other:?}: {after}"),
    }
}

async fn assert_fixed(world: &ClusterWorld, before: &Value, after: &Value, field: &str) {
    let causes = causes(world, before, after).await;
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    // Kubernetes writes some of them with a capital letter: `Value`.
    assert!(matches!(fields.as_slice(), [one] if one.eq_ignore_ascii_case(field)), "{field}: {causes:?}");
    let said = causes[0].message.to_lowercase();
    assert!(WORDS.iter().any(|word| said.contains(word)), "{said}");
}

async fn selectors_of_workloads(world: &ClusterWorld) {
    for kind in ["Deployment", "DaemonSet"] {
        let nowhere = json!({"nodeSelector": {"example.com/none": "here"}, "containers": pod("true")["containers"]});
        let before = with(&world.workload(kind), "/spec/template/spec", nowhere);
        let labels = json!({"app": "other"});
        let after = with(&before, "/spec/selector", json!({"matchLabels": labels}));
        let after = with(&after, "/spec/template/metadata/labels", labels);
        assert_fixed(world, &before, &after, "spec.selector").await;
    }
}

async fn the_address_of_a_service(world: &ClusterWorld) {
    let before = world.service();
    let made = world.apply(&before).await;
    let address = at(&made, "/spec/clusterIP");
    let other = if address == "10.96.77.77" { "10.96.77.78" } else { "10.96.77.77" };
    let causes = causes(world, &before, &with(&before, "/spec/clusterIP", json!(other))).await;
    assert!(!causes.is_empty(), "it says of which field");
    for cause in causes {
        assert!(cause.field.starts_with("spec.clusterIP"), "{cause:?}");
        assert!(WORDS.iter().any(|word| cause.message.contains(word)), "{cause:?}");
    }
}

async fn the_type_of_a_secret(world: &ClusterWorld) {
    let before = with(&world.object("v1", "Secret", "keys"), "/data", json!({"a": "MQ=="}));
    assert_fixed(world, &before, &with(&before, "/type", json!("example.com/keys")), "type").await;
}

async fn the_role_of_a_binding(world: &ClusterWorld) {
    let role = |name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name});
    let here = world.object("rbac.authorization.k8s.io/v1", "RoleBinding", "web");
    let everywhere = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": world.name("binding")}});
    for binding in [here, everywhere] {
        let subjects = json!([{"kind": "ServiceAccount", "name": "web", "namespace": world.namespace}]);
        let before = with(&with(&binding, "/roleRef", role("view")), "/subjects", subjects);
        assert_fixed(world, &before, &with(&before, "/roleRef", role("edit")), "roleRef").await;
    }
}

async fn the_template_of_a_job(world: &ClusterWorld) {
    let spec = with(&pod("true"), "/restartPolicy", json!("Never"));
    let job = with(&world.object("batch/v1", "Job", "once"), "/spec", json!({"template": {"spec": spec}}));
    let job = with(&job, "/spec/parallelism", json!(0));
    let after = with(&job, "/spec/template/spec/containers/0/image", json!("busybox:1.35"));
    assert_fixed(world, &job, &after, "spec.template").await;
}

async fn data_that_is_immutable(world: &ClusterWorld) {
    let map = with(&world.config_map(json!({"a": "1"})), "/immutable", json!(true));
    let secret = with(&world.object("v1", "Secret", "keys"), "/data", json!({"a": "MQ=="}));
    let secret = with(&secret, "/immutable", json!(true));
    for (before, value) in [(map, "2"), (secret, "Mg==")] {
        assert_fixed(world, &before, &with(&before, "/data/a", json!(value)), "data").await;
        assert_fixed(world, &before, &with(&before, "/immutable", json!(false)), "immutable").await;
        world.apply(&with(&before, "/metadata/labels", json!({"a": "b"}))).await;
    }
}

async fn the_storage_of_a_stateful_set(world: &ClusterWorld) {
    let before = with(&world.workload("StatefulSet"), "/spec/replicas", json!(0));
    assert_fixed(world, &before, &with(&before, "/spec/serviceName", json!("other")), "spec").await;
    world.apply(&with(&before, "/spec/template/spec/containers/0/image", json!("busybox:1.35"))).await;
}

async fn most_of_a_claim(world: &ClusterWorld) {
    let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}});
    let before = with(&world.object("v1", "PersistentVolumeClaim", "data"), "/spec", spec);
    assert_fixed(world, &before, &with(&before, "/spec/accessModes", json!(["ReadWriteMany"])), "spec").await;
}

async fn most_of_a_pod(world: &ClusterWorld) {
    world.accounts().await;
    let spec = with(&pod("sleep 1000"), "/nodeSelector", json!({"example.com/none": "here"}));
    let before = with(&world.object("v1", "Pod", "alone"), "/spec", spec);
    assert_fixed(world, &before, &with(&before, "/spec/hostNetwork", json!(true)), "spec").await;
    world.apply(&with(&before, "/spec/containers/0/image", json!("busybox:1.35"))).await;
}

async fn scope_and_names_of_a_definition(world: &ClusterWorld) {
    let group = format!("{}.example.com", world.namespace);
    let version = json!({"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object"}}});
    let before = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "versions": [version],
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"}},
    });
    world.apply(&before).await;
    // Before it is established, all of it may change.
    world
        .until(&before, |object| {
            let conditions = at(object, "/status/conditions");
            let holds = |found: &Value| found["type"] == "Established" && found["status"] == "True";
            conditions.as_array().is_some_and(|conditions| conditions.iter().any(holds))
        })
        .await;
    assert_fixed(world, &before, &with(&before, "/spec/scope", json!("Cluster")), "spec.scope").await;
}

async fn what_a_class_is_made_of(world: &ClusterWorld) {
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": world.name("class")},
        "provisioner": "example.com/none"});
    assert_fixed(world, &class, &with(&class, "/provisioner", json!("example.com/other")), "provisioner").await;
    let priority = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": world.name("priority")}, "value": 7});
    assert_fixed(world, &priority, &with(&priority, "/value", json!(8)), "value").await;
}

async fn a_fixed_field_and_a_wrong_one(world: &ClusterWorld) {
    let before = world.idle();
    let labels = json!({"app": "other"});
    let after = with(&before, "/spec/selector", json!({"matchLabels": labels}));
    let after = with(&after, "/spec/template/metadata/labels", labels);
    let causes = causes(world, &before, &with(&after, "/spec/replicas", json!(-1))).await;
    let mut fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["spec.replicas", "spec.selector"]);
}
