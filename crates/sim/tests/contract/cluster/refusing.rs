//! What the server does not take, and how it says so.

use hactl_kube::{Cause, ClusterError};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, at, namespace, with, without};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    a_missing_namespace_is_named,
    a_missing_type_is_missing,
    wrong_workloads_are_invalid,
    wrong_host_aliases_are_invalid,
    wrong_services_are_invalid,
    wrong_ingresses_are_invalid,
    wrong_names_are_invalid,
    wrong_labels_are_invalid,
    wrong_types_of_values_are_invalid,
    what_is_no_base64_is_invalid,
    repeated_items_are_invalid,
    items_without_their_key_are_invalid,
    unknown_fields_are_invalid,
    every_cause_is_named,
    a_namespace_that_is_being_deleted_takes_nothing,
    a_port_needs_no_protocol,
];

/// The fields that the server names; fails the case where the object is taken, or refused for another reason.
async fn causes(world: &ClusterWorld, object: &Value) -> Vec<Cause> {
    match world.try_apply(object, OURS).await {
        Err(ClusterError::Invalid { causes, message }) => {
            assert!(!message.is_empty());
            causes
        }
        other => panic!("expected that it is invalid, got {other:?}: {object}"),
    }
}

/// Fails the case unless the server names this field alone, with a message that has these words.
async fn assert_cause(world: &ClusterWorld, object: &Value, field: &str, words: &str) {
    let causes = causes(world, object).await;
    assert!(!causes.is_empty() && causes.iter().all(|cause| cause.field == field), "{field}: {causes:?}");
    assert!(causes.iter().any(|cause| cause.message.contains(words)), "{words}: {causes:?}");
}

async fn a_missing_namespace_is_named(world: &ClusterWorld) {
    for object in [world.idle(), world.config_map(json!({"a": "1"}))] {
        let nowhere = with(&object, "/metadata/namespace", json!("contract-nowhere"));
        let message = "namespaces \"contract-nowhere\" not found".to_owned();
        assert_eq!(world.try_apply(&nowhere, OURS).await, Err(ClusterError::Missing { message }));
    }
}

async fn a_missing_type_is_missing(world: &ClusterWorld) {
    for (api_version, kind) in [("nothing.example.com/v1", "Thing"), ("apps/v7", "Deployment")] {
        let object = world.object(api_version, kind, "thing");
        let refused = world.try_apply(&object, OURS).await;
        assert!(matches!(refused, Err(ClusterError::Missing { .. })), "{refused:?}");
    }
}

async fn wrong_workloads_are_invalid(world: &ClusterWorld) {
    let idle = world.idle();
    let main = "/spec/template/spec/containers/0";
    for (object, field, words) in [
        (
            with(&idle, "/spec/selector", json!({"matchLabels": {"app": "other"}})),
            "spec.template.metadata.labels",
            "`selector` does not match template `labels`",
        ),
        (without(&idle, &format!("{main}/image")), "spec.template.spec.containers[0].image", "Required value"),
        (
            with(&idle, &format!("{main}/name"), json!("Not_one")),
            "spec.template.spec.containers[0].name",
            "Invalid value: \"Not_one\"",
        ),
        (with(&idle, "/spec/template/spec/containers", json!([])), "spec.template.spec.containers", "Required value"),
        (with(&idle, "/spec/replicas", json!(-1)), "spec.replicas", "must be greater than or equal to 0"),
        (
            with(&idle, &format!("{main}/ports"), json!([{"containerPort": 70000, "protocol": "TCP"}])),
            "spec.template.spec.containers[0].ports[0].containerPort",
            "must be between 1 and 65535",
        ),
        (
            with(&idle, &format!("{main}/volumeMounts"), json!([{"name": "none", "mountPath": "/x"}])),
            "spec.template.spec.containers[0].volumeMounts[0].name",
            "Not found: \"none\"",
        ),
        (
            with(&idle, &format!("{main}/imagePullPolicy"), json!("Sometimes")),
            "spec.template.spec.containers[0].imagePullPolicy",
            "Unsupported value: \"Sometimes\"",
        ),
        (
            with(&idle, "/spec/template/spec/restartPolicy", json!("Never")),
            "spec.template.spec.restartPolicy",
            "Unsupported value: \"Never\"",
        ),
        (
            with(&idle, &format!("{main}/env"), json!([{"name": "A B", "value": "1"}])),
            "spec.template.spec.containers[0].env[0].name",
            "Invalid value: \"A B\"",
        ),
    ] {
        assert_cause(world, &object, field, words).await;
    }
    let causes = causes(world, &without(&idle, "/spec/selector")).await;
    assert!(
        causes.iter().any(|cause| cause.field == "spec.selector" && cause.message.contains("Required value")),
        "{causes:?}"
    );
}

async fn wrong_host_aliases_are_invalid(world: &ClusterWorld) {
    let alias = |ip: &str, name: &str| {
        with(&world.idle(), "/spec/template/spec/hostAliases", json!([{"ip": ip, "hostnames": [name]}]))
    };
    for (object, words) in
        [(alias("300.1.1.1", "a"), "valid IP address"), (alias("192.0.2.1", "Not_one"), "Invalid value: \"Not_one\"")]
    {
        let causes = causes(world, &object).await;
        let [cause] = causes.as_slice() else { panic!("{causes:?}") };
        // Newer servers say which one.
        assert!(cause.field.starts_with("spec.template.spec.hostAliases"), "{cause:?}");
        assert!(cause.message.contains(words), "{cause:?}");
    }
}

async fn wrong_services_are_invalid(world: &ClusterWorld) {
    let service = world.service();
    for number in [0, 70_000] {
        // The port that it leads to is the same by default, and as wrong.
        let causes = causes(world, &with(&service, "/spec/ports/0/port", json!(number))).await;
        let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(fields, ["spec.ports[0].port", "spec.ports[0].targetPort"]);
        assert!(causes.iter().all(|cause| cause.message.contains("must be between 1 and 65535")), "{causes:?}");
    }
    for (object, field, words) in [
        (with(&service, "/spec/ports", json!([])), "spec.ports", "Required value"),
        (with(&service, "/spec/type", json!("Anything")), "spec.type", "Unsupported value: \"Anything\""),
        (
            with(
                &service,
                "/spec/ports",
                json!([{"name": "a", "port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]),
            ),
            "spec.ports[1].name",
            "Required value",
        ),
    ] {
        assert_cause(world, &object, field, words).await;
    }
}

async fn wrong_ingresses_are_invalid(world: &ClusterWorld) {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = |host: &str, path: Value| {
        let spec = json!({"rules": [{"host": host, "http": {"paths": [path]}}]});
        with(&world.object("networking.k8s.io/v1", "Ingress", "web"), "/spec", spec)
    };
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    for (object, field, words) in [
        (ingress("Not_one", path.clone()), "spec.rules[0].host", "Invalid value: \"Not_one\""),
        (ingress("192.0.2.1", path.clone()), "spec.rules[0].host", "must be a DNS name, not an IP address"),
        (
            ingress("a.example.com", without(&path, "/pathType")),
            "spec.rules[0].http.paths[0].pathType",
            "Required value",
        ),
        (
            ingress("a.example.com", with(&path, "/path", json!("web"))),
            "spec.rules[0].http.paths[0].path",
            "must be an absolute path",
        ),
        (
            with(&ingress("", path.clone()), "/spec", json!({})),
            "spec",
            "either `defaultBackend` or `rules` must be specified",
        ),
    ] {
        assert_cause(world, &object, field, words).await;
    }
    world.apply(&ingress("*.example.com", path)).await;
}

async fn wrong_names_are_invalid(world: &ClusterWorld) {
    for object in [world.idle(), world.config_map(json!({})), world.service(), namespace("any")] {
        for name in ["a_b", "Abc"] {
            assert_cause(world, &with(&object, "/metadata/name", json!(name)), "metadata.name", "Invalid value").await;
        }
    }
    assert_cause(world, &with(&world.service(), "/metadata/name", json!("1a")), "metadata.name", "DNS-1035").await;
    let long = "a".repeat(254);
    assert_cause(
        world,
        &with(&world.idle(), "/metadata/name", json!(long)),
        "metadata.name",
        "must be no more than 253",
    )
    .await;
}

async fn wrong_labels_are_invalid(world: &ClusterWorld) {
    let map = world.config_map(json!({}));
    for (labels, words) in [
        (json!({"a": "b/c"}), "Invalid value: \"b/c\""),
        (json!({"a": "b".repeat(64)}), "must be no more than 63"),
        (json!({"a b": "c"}), "Invalid value: \"a b\""),
        (json!({"a/b/c": "d"}), "Invalid value: \"a/b/c\""),
    ] {
        assert_cause(world, &with(&map, "/metadata/labels", labels), "metadata.labels", words).await;
    }
    let annotations = with(&map, "/metadata/annotations", json!({"a b": "c"}));
    assert_cause(world, &annotations, "metadata.annotations", "Invalid value: \"a b\"").await;
    assert_cause(world, &world.config_map(json!({"a b": "c"})), "data[a b]", "Invalid value: \"a b\"").await;
}

async fn wrong_types_of_values_are_invalid(world: &ClusterWorld) {
    for object in [
        world.config_map(json!({"a": 1})),
        with(&world.idle(), "/metadata/labels", json!({"a": true})),
        with(&world.idle(), "/spec/replicas", json!("three")),
        with(&world.idle(), "/spec/template/spec/containers/0/env", json!([{"name": "A", "value": 1}])),
        with(&world.idle(), "/spec/template/spec/containers", json!({"main": {}})),
    ] {
        causes(world, &object).await;
        assert_eq!(world.get(&object).await, None);
    }
}

async fn what_is_no_base64_is_invalid(world: &ClusterWorld) {
    let secret = with(&world.object("v1", "Secret", "keys"), "/data", json!({"a": "hunter2 hunter2"}));
    let refused = world.try_apply(&secret, OURS).await;
    let Err(ClusterError::Invalid { message, .. }) = &refused else { panic!("{refused:?}") };
    assert!(message.contains("illegal base64 data at input byte 7"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

async fn repeated_items_are_invalid(world: &ClusterWorld) {
    let env = |names: [&str; 2]| {
        let env: Vec<Value> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        with(&world.idle(), "/spec/template/spec/containers/0/env", json!(env))
    };
    let refused = world.try_apply(&env(["A", "A"]), OURS).await;
    let Err(ClusterError::Invalid { message, causes }) = &refused else { panic!("{refused:?}") };
    assert!(message.contains("duplicate entries for key [name=\"A\"]"), "{message}");
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["spec.template.spec.containers[name=\"main\"].env"]);
    world.apply(&env(["A", "B"])).await;
}

async fn items_without_their_key_are_invalid(world: &ClusterWorld) {
    let nameless = without(&world.idle(), "/spec/template/spec/containers/0/name");
    assert_cause(world, &nameless, "spec.template.spec.containers[0].name", "Required value").await;
    let aliases = json!([{"hostnames": ["a"]}]);
    let refused = world.try_apply(&with(&world.idle(), "/spec/template/spec/hostAliases", aliases), OURS).await;
    let Err(ClusterError::Invalid { message, causes }) = &refused else { panic!("{refused:?}") };
    assert!(
        message.contains("element 0: associative list with keys has an element that omits key field \"ip\""),
        "{message}"
    );
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    assert_eq!(fields, ["spec.template.spec.hostAliases"]);
}

async fn unknown_fields_are_invalid(world: &ClusterWorld) {
    for (object, field) in [
        (with(&world.config_map(json!({})), "/dat", json!({})), "dat"),
        (with(&world.idle(), "/spec/replica", json!(1)), "spec.replica"),
    ] {
        let causes = causes(world, &object).await;
        assert_eq!(causes.iter().map(|cause| cause.field.as_str()).collect::<Vec<_>>(), [field]);
        assert_eq!(world.get(&object).await, None);
    }
}

async fn every_cause_is_named(world: &ClusterWorld) {
    let idle = with(&world.idle(), "/spec/replicas", json!(-1));
    let idle = without(&idle, "/spec/template/spec/containers/0/image");
    let idle = with(&idle, "/metadata/labels", json!({"a": "b/c"}));
    let mut fields: Vec<String> = causes(world, &idle).await.into_iter().map(|cause| cause.field).collect();
    fields.sort();
    assert_eq!(fields, ["metadata.labels", "spec.replicas", "spec.template.spec.containers[0].image"]);
}

async fn a_namespace_that_is_being_deleted_takes_nothing(world: &ClusterWorld) {
    let kept = with(&world.config_map(json!({})), "/metadata/finalizers", json!(["example.com/wait"]));
    world.apply(&kept).await;
    let here = namespace(&world.namespace);
    world.delete(&world.live(&here).await).await;
    world.until(&here, |object| at(object, "/status/phase") == "Terminating").await;
    let refused = world.try_apply(&world.service(), OURS).await;
    let Err(ClusterError::Forbidden { message }) = &refused else { panic!("{refused:?}") };
    assert!(message.contains("because it is being terminated"), "{message}");
}

async fn a_port_needs_no_protocol(world: &ClusterWorld) {
    let service = without(&world.service(), "/spec/ports/0/protocol");
    let made = world.apply(&service).await;
    assert_eq!(at(&made, "/spec/ports/0/protocol"), "TCP");
    assert_eq!(world.apply(&service).await.resource_version(), made.resource_version());
}
