//! Server-side apply by one manager: what becomes of the object.

use hactl_kube::{Applying, ClusterError};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, at, owned, pod, with, without};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    the_first_apply_makes_it,
    the_same_again_changes_nothing,
    a_change_is_changed_by_others,
    what_is_left_out_goes,
    what_is_left_out_of_maps_goes,
    nulls_are_as_if_left_out,
    labels_and_annotations_come_and_go,
    only_the_very_object_is_changed,
    nothing_is_made_for_a_uid,
    a_dry_run_makes_nothing,
    a_dry_run_changes_nothing,
    a_dry_run_refuses_as_an_apply,
    what_is_absent_is_not_there,
];

async fn the_first_apply_makes_it(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    assert_eq!(world.get(&map).await, None);
    let made = world.apply(&map).await;
    assert_eq!((made.api_version(), made.kind(), made.name()), ("v1", "ConfigMap", "settings"));
    assert_eq!((made.namespace(), at(&made, "/data")), (Some(world.namespace.as_str()), json!({"a": "1"})));
    assert_eq!(made.uid().len(), 36);
    assert!(!made.resource_version().is_empty() && !made.is_being_deleted());
    assert_eq!(world.live(&map).await, made);
}

/// Objects of the types that configs have most.
fn samples(world: &ClusterWorld) -> Vec<Value> {
    let role = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]);
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    let ingress = json!({"rules": [{"host": "web.example.com", "http": {"paths": [path]}}]});
    let subjects = json!([{"kind": "ServiceAccount", "name": "web", "namespace": world.namespace}]);
    let binding = world.object("rbac.authorization.k8s.io/v1", "RoleBinding", "web");
    let binding =
        with(&binding, "/roleRef", json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"}));
    let job = with(&pod("true"), "/restartPolicy", json!("Never"));
    vec![
        world.config_map(json!({"a": "1", "b": "two\nlines\n"})),
        with(&world.object("v1", "Secret", "keys"), "/data", json!({"a": "MQ=="})),
        with(&world.object("v1", "Secret", "texts"), "/stringData", json!({"a": "1"})),
        world.object("v1", "ServiceAccount", "web"),
        world.service(),
        with(&world.object("networking.k8s.io/v1", "Ingress", "web"), "/spec", ingress),
        with(&world.object("rbac.authorization.k8s.io/v1", "Role", "web"), "/rules", role),
        with(&binding, "/subjects", subjects),
        world.idle(),
        with(&world.workload("StatefulSet"), "/spec/replicas", json!(0)),
        with(&world.object("batch/v1", "Job", "once"), "/spec", json!({"parallelism": 0, "template": {"spec": job}})),
    ]
}

async fn the_same_again_changes_nothing(world: &ClusterWorld) {
    for object in samples(world) {
        let made = world.apply(&object).await;
        let again = world.apply(&object).await;
        assert_eq!(owned(&again, OURS.manager), owned(&made, OURS.manager), "{object}");
        assert_eq!(at(&again, "/spec"), at(&made, "/spec"), "{object}");
        assert_eq!(at(&again, "/metadata/generation"), at(&made, "/metadata/generation"), "{object}");
        // Controllers add to some in their own time, and `stringData` is written anew, a second later at another time.
        let is_changed_by_others = ["ServiceAccount", "Deployment", "StatefulSet", "Job"].contains(&made.kind());
        if !is_changed_by_others && object.get("stringData").is_none() {
            assert_eq!(again.resource_version(), made.resource_version(), "{object}");
        }
    }
}

async fn a_change_is_changed_by_others(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    let made = world.apply(&map).await;
    let changed = world.apply(&with(&map, "/data/a", json!("2"))).await;
    assert_eq!((changed.uid(), at(&changed, "/data/a")), (made.uid(), json!("2")));
    assert_ne!(changed.resource_version(), made.resource_version());

    let idle = world.idle();
    let generation = "/metadata/generation";
    assert_eq!(at(&world.apply(&idle).await, generation), json!(1));
    let labelled = with(&idle, "/metadata/labels", json!({"a": "1"}));
    assert_eq!(at(&world.apply(&labelled).await, generation), json!(1));
    let changed = with(&labelled, "/spec/template/spec/containers/0/image", json!("busybox:1.35"));
    assert_eq!(at(&world.apply(&changed).await, generation), json!(2));
    let settled = world.until(&changed, |object| at(object, "/status/observedGeneration") == json!(2)).await;
    assert_eq!(at(&settled, generation), json!(2));
}

async fn what_is_left_out_goes(world: &ClusterWorld) {
    let idle = with(&world.idle(), "/spec/minReadySeconds", json!(7));
    let idle = with(&idle, "/spec/template/spec/containers/0/workingDir", json!("/tmp"));
    let made = world.apply(&idle).await;
    assert_eq!(at(&made, "/spec/minReadySeconds"), json!(7));
    let less = without(&idle, "/spec/minReadySeconds");
    let less = without(&less, "/spec/template/spec/containers/0/workingDir");
    let changed = world.apply(&less).await;
    assert_eq!(at(&changed, "/spec/minReadySeconds"), Value::Null);
    assert_eq!(at(&changed, "/spec/template/spec/containers/0/workingDir"), Value::Null);
    // What has a default gets that.
    let changed = world.apply(&without(&less, "/spec/replicas")).await;
    assert_eq!(at(&changed, "/spec/replicas"), json!(1));
}

async fn what_is_left_out_of_maps_goes(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1", "b": "2"}));
    world.apply(&map).await;
    let changed = world.apply(&without(&map, "/data/a")).await;
    assert_eq!(at(&changed, "/data"), json!({"b": "2"}));
    let emptied = world.apply(&without(&map, "/data")).await;
    assert_eq!(at(&emptied, "/data"), Value::Null);
    let again = world.apply(&map).await;
    assert_eq!(at(&again, "/data"), json!({"a": "1", "b": "2"}));
}

async fn nulls_are_as_if_left_out(world: &ClusterWorld) {
    let idle = world.idle();
    let nulls = with(&idle, "/metadata/creationTimestamp", Value::Null);
    let nulls = with(&nulls, "/spec/template/metadata/creationTimestamp", Value::Null);
    let made = world.apply(&nulls).await;
    let generation = at(&made, "/metadata/generation");
    let again = world.apply(&idle).await;
    assert_eq!(at(&again, "/metadata/generation"), generation);
    assert_eq!(at(&again, "/spec"), at(&made, "/spec"));
}

async fn labels_and_annotations_come_and_go(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    let map = with(&map, "/metadata/labels", json!({"example.com/a": "1", "b": ""}));
    let map = with(&map, "/metadata/annotations", json!({"example.com/a": "any text: ${}\n", "b": ""}));
    let made = world.apply(&map).await;
    assert_eq!(made.label("b"), Some(""));
    assert_eq!(made.annotation("example.com/a"), Some("any text: ${}\n"));
    let changed = world.apply(&without(&without(&map, "/metadata/labels"), "/metadata/annotations/b")).await;
    assert_eq!((at(&changed, "/metadata/labels"), changed.annotation("b")), (Value::Null, None));
    assert_eq!(changed.annotation("example.com/a"), Some("any text: ${}\n"));
}

async fn only_the_very_object_is_changed(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    let made = world.apply(&map).await;
    let very = with(&with(&map, "/metadata/uid", json!(made.uid())), "/data/a", json!("2"));
    let changed = world.apply(&very).await;
    assert_eq!((changed.uid(), at(&changed, "/data/a")), (made.uid(), json!("2")));
    assert_eq!(owned(&changed, OURS.manager), json!({"f:data": {"f:a": {}}}));
    let another = with(&with(&very, "/metadata/uid", json!(uid())), "/data/a", json!("3"));
    for how in [OURS, Applying { force: true, ..OURS }, Applying { dry_run: true, ..OURS }] {
        assert_eq!(world.try_apply(&another, how).await, Err(ClusterError::OtherObject));
    }
    world.delete(&made).await;
    let again = world.apply(&map).await;
    assert_ne!(again.uid(), made.uid());
    assert_eq!(world.try_apply(&very, OURS).await, Err(ClusterError::OtherObject));
    assert_eq!(world.live(&map).await, again);
}

async fn nothing_is_made_for_a_uid(world: &ClusterWorld) {
    let aliases = json!({"template": {"spec": {"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["a"]}]}}});
    let partly = with(&world.object("apps/v1", "Deployment", "web"), "/spec", aliases);
    for object in [world.config_map(json!({"a": "1"})), partly] {
        let object = with(&object, "/metadata/uid", json!(uid()));
        for how in [OURS, Applying { force: true, ..OURS }, Applying { dry_run: true, ..OURS }] {
            assert_eq!(world.try_apply(&object, how).await, Err(ClusterError::OtherObject));
        }
        assert_eq!(world.get(&object).await, None);
    }
}

fn uid() -> &'static str {
    "6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11"
}

const DRY: Applying<'_> = Applying { dry_run: true, ..OURS };

async fn a_dry_run_makes_nothing(world: &ClusterWorld) {
    for object in samples(world) {
        let answer = world.apply_as(&object, DRY).await;
        assert_eq!(answer.name(), object["metadata"]["name"]);
        assert_ne!(owned(&answer, OURS.manager), json!({"f:a": {}}));
        assert_eq!(world.get(&object).await, None, "{object}");
    }
    let made = world.apply_as(&world.idle(), DRY).await;
    assert_eq!(at(&made, "/spec/revisionHistoryLimit"), json!(10), "defaults are shown");
}

async fn a_dry_run_changes_nothing(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    let made = world.apply(&map).await;
    let other = with(&map, "/data", json!({"b": "2"}));
    let answer = world.apply_as(&other, DRY).await;
    assert_eq!((answer.uid(), at(&answer, "/data")), (made.uid(), json!({"b": "2"})));
    assert_eq!(world.live(&map).await, made);
    let theirs = Applying { manager: "contract-theirs", force: true, ..DRY };
    let answer = world.apply_as(&with(&map, "/data/a", json!("3")), theirs).await;
    assert_eq!(at(&answer, "/data"), json!({"a": "3"}));
    assert_eq!(world.live(&map).await, made);
}

async fn a_dry_run_refuses_as_an_apply(world: &ClusterWorld) {
    let map = world.config_map(json!({"a": "1"}));
    world.apply(&map).await;
    let other = with(&map, "/data/a", json!("2"));
    let theirs = Applying { manager: "contract-theirs", ..OURS };
    let wrong = without(&world.idle(), "/spec/selector");
    let nowhere = with(&map, "/metadata/namespace", json!("contract-nowhere"));
    for (object, how) in [(other, theirs), (wrong, OURS), (nowhere, OURS)] {
        let tried = world.try_apply(&object, Applying { dry_run: true, ..how }).await;
        let refused = world.try_apply(&object, how).await.expect_err("it is refused");
        assert_eq!(tried, Err(refused));
    }
}

async fn what_is_absent_is_not_there(world: &ClusterWorld) {
    assert_eq!(world.get(&world.idle()).await, None);
    let nowhere = with(&world.idle(), "/metadata/namespace", json!("contract-nowhere"));
    assert_eq!(world.get(&nowhere).await, None);
}
