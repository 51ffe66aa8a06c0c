//! The forms of the server: defaults, and values that it writes otherwise than they were sent.

use hactl_kube::ClusterError;
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, at, owned, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    amounts_have_one_form,
    amounts_may_be_numbers,
    amounts_are_the_same_in_any_form,
    what_is_empty_is_not_kept,
    defaults_of_another_strategy_are_in_the_way,
    string_data_becomes_data,
    workloads_have_defaults,
    containers_have_defaults,
    services_have_defaults,
    a_service_keeps_its_address,
    secrets_have_a_type,
    bindings_have_groups,
    jobs_have_selectors,
    probes_have_defaults,
];

const MAIN: &str = "/spec/template/spec/containers/0";

/// Fails the case unless each of these is at its JSON pointer.
fn assert_has(object: &hactl_kube::Object, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        assert_eq!(&at(object, pointer), value, "{pointer}");
    }
}

const AMOUNTS: &[(&str, &str)] = &[
    ("0.5", "500m"),
    ("500m", "500m"),
    ("1000m", "1"),
    ("1.5", "1500m"),
    ("2", "2"),
    ("0.1", "100m"),
    ("1024Mi", "1Gi"),
    ("1.5Gi", "1536Mi"),
    ("1000Mi", "1000Mi"),
    ("1000M", "1G"),
    ("1500M", "1500M"),
    ("128974848", "128974848"),
    ("1000", "1k"),
    ("129e6", "129e6"),
    ("2048", "2048"),
    ("1048576Ki", "1Gi"),
];

async fn amounts_have_one_form(world: &ClusterWorld) {
    for (sent, stored) in AMOUNTS {
        let resource = if sent.contains('m') || sent.len() < 4 { "cpu" } else { "memory" };
        let limits = json!({"limits": {resource: sent}});
        let applied = world.apply(&with(&world.idle(), &format!("{MAIN}/resources"), limits)).await;
        assert_eq!(at(&applied, &format!("{MAIN}/resources/limits/{resource}")), json!(stored), "{sent}");
    }
}

async fn amounts_may_be_numbers(world: &ClusterWorld) {
    for (sent, stored) in [(json!(2), "2"), (json!(0.5), "500m")] {
        let requests = json!({"requests": {"cpu": sent}});
        let applied = world.apply(&with(&world.idle(), &format!("{MAIN}/resources"), requests)).await;
        assert_eq!(at(&applied, &format!("{MAIN}/resources/requests/cpu")), json!(stored));
    }
}

async fn amounts_are_the_same_in_any_form(world: &ClusterWorld) {
    let limits = |cpu: &str| with(&world.idle(), &format!("{MAIN}/resources"), json!({"limits": {"cpu": cpu}}));
    let made = world.apply(&limits("0.5")).await;
    for same in ["0.5", "500m"] {
        let again = world.apply(&limits(same)).await;
        assert_eq!(at(&again, "/metadata/generation"), at(&made, "/metadata/generation"), "{same}");
        assert_eq!(at(&again, "/spec"), at(&made, "/spec"), "{same}");
    }
}

async fn string_data_becomes_data(world: &ClusterWorld) {
    let secret = with(&world.object("v1", "Secret", "keys"), "/stringData", json!({"password": "hunter2"}));
    let secret = with(&secret, "/data", json!({"a": "MQ=="}));
    let made = world.apply(&secret).await;
    assert_eq!(at(&made, "/data"), json!({"a": "MQ==", "password": "aHVudGVyMg=="}));
    assert_eq!(at(&made, "/stringData"), Value::Null);
}

async fn workloads_have_defaults(world: &ClusterWorld) {
    let mut idle = world.idle();
    idle["spec"].as_object_mut().unwrap().remove("replicas");
    // Nothing of it can run.
    idle = with(&idle, "/spec/template/spec/nodeSelector", json!({"example.com/none": "here"}));
    idle["spec"]["template"]["spec"].as_object_mut().unwrap().remove("terminationGracePeriodSeconds");
    let made = world.apply(&idle).await;
    assert_has(
        &made,
        &[
            ("/spec/replicas", json!(1)),
            ("/spec/revisionHistoryLimit", json!(10)),
            ("/spec/progressDeadlineSeconds", json!(600)),
            (
                "/spec/strategy",
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
            ),
            ("/spec/template/spec/restartPolicy", json!("Always")),
            ("/spec/template/spec/dnsPolicy", json!("ClusterFirst")),
            ("/spec/template/spec/schedulerName", json!("default-scheduler")),
            ("/spec/template/spec/securityContext", json!({})),
            ("/spec/template/spec/terminationGracePeriodSeconds", json!(30)),
        ],
    );
    assert_eq!(owned(&made, OURS.manager).pointer("/f:spec/f:replicas"), None, "nobody owns defaults");
}

async fn containers_have_defaults(world: &ClusterWorld) {
    for (image, policy) in [
        ("busybox:1.36", "IfNotPresent"),
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("registry.example.com:5000/busybox", "Always"),
        ("registry.example.com:5000/busybox:1", "IfNotPresent"),
    ] {
        let name = format!("web-{}", image.len());
        let idle = with(&with(&world.idle(), "/metadata/name", json!(name)), &format!("{MAIN}/image"), json!(image));
        let made = world.apply(&idle).await;
        assert_eq!(at(&made, &format!("{MAIN}/imagePullPolicy")), json!(policy), "{image}");
        assert_has(
            &made,
            &[
                (&format!("{MAIN}/terminationMessagePath"), json!("/dev/termination-log")),
                (&format!("{MAIN}/terminationMessagePolicy"), json!("File")),
                (&format!("{MAIN}/resources"), json!({})),
            ],
        );
    }
}

async fn services_have_defaults(world: &ClusterWorld) {
    let made = world.apply(&world.service()).await;
    assert_has(
        &made,
        &[
            ("/spec/type", json!("ClusterIP")),
            ("/spec/sessionAffinity", json!("None")),
            ("/spec/ports", json!([{"port": 80, "protocol": "TCP", "targetPort": 80}])),
        ],
    );
    assert_eq!(at(&made, "/spec/clusterIPs/0"), at(&made, "/spec/clusterIP"));
    let node_port = world.apply(&with(&world.service(), "/spec/type", json!("NodePort"))).await;
    let number = at(&node_port, "/spec/ports/0/nodePort").as_u64().unwrap();
    assert!((30_000..32_768).contains(&number), "{number}");
    assert_eq!(at(&node_port, "/spec/externalTrafficPolicy"), json!("Cluster"));
    // And back.
    let back = world.apply(&with(&world.service(), "/spec/type", json!("ClusterIP"))).await;
    assert_has(&back, &[("/spec/ports/0/nodePort", Value::Null), ("/spec/externalTrafficPolicy", Value::Null)]);
}

async fn a_service_keeps_its_address(world: &ClusterWorld) {
    let service = world.service();
    let made = world.apply(&service).await;
    let changed = world.apply(&with(&service, "/spec/selector", json!({"app": "other"}))).await;
    assert_eq!(at(&changed, "/spec/clusterIP"), at(&made, "/spec/clusterIP"));
    let headless = with(&with(&service, "/metadata/name", json!("headless")), "/spec/clusterIP", json!("None"));
    assert_eq!(at(&world.apply(&headless).await, "/spec/clusterIP"), json!("None"));
}

async fn secrets_have_a_type(world: &ClusterWorld) {
    let made = world.apply(&with(&world.object("v1", "Secret", "keys"), "/data", json!({"a": "MQ=="}))).await;
    assert_eq!(at(&made, "/type"), json!("Opaque"));
}

async fn bindings_have_groups(world: &ClusterWorld) {
    let binding = world.object("rbac.authorization.k8s.io/v1", "RoleBinding", "web");
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"});
    let subjects = json!([{"kind": "ServiceAccount", "name": "web", "namespace": world.namespace}, {"kind": "User", "name": "jo"}]);
    let made = world.apply(&with(&with(&binding, "/roleRef", role), "/subjects", subjects)).await;
    assert_has(
        &made,
        &[("/subjects/0/apiGroup", Value::Null), ("/subjects/1/apiGroup", json!("rbac.authorization.k8s.io"))],
    );
}

async fn jobs_have_selectors(world: &ClusterWorld) {
    let spec = with(&crate::cluster::world::pod("true"), "/restartPolicy", json!("Never"));
    let job =
        with(&world.object("batch/v1", "Job", "once"), "/spec", json!({"parallelism": 0, "template": {"spec": spec}}));
    let made = world.apply(&job).await;
    assert_has(&made, &[("/spec/backoffLimit", json!(6)), ("/spec/completions", Value::Null)]);
    assert!(at(&made, "/spec/selector/matchLabels").is_object());
    assert_eq!(at(&made, "/spec/template/metadata/labels/job-name"), json!("once"));
    let again = world.apply(&job).await;
    assert_eq!(at(&again, "/spec"), at(&made, "/spec"));
}

async fn probes_have_defaults(world: &ClusterWorld) {
    let probe = json!({"httpGet": {"port": 80}, "periodSeconds": 5});
    let made = world.apply(&with(&world.idle(), &format!("{MAIN}/readinessProbe"), probe)).await;
    assert_eq!(
        at(&made, &format!("{MAIN}/readinessProbe")),
        json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "periodSeconds": 5, "failureThreshold": 3,
            "successThreshold": 1, "timeoutSeconds": 1})
    );
}

async fn what_is_empty_is_not_kept(world: &ClusterWorld) {
    let mut idle = with(&world.idle(), "/spec/minReadySeconds", json!(0));
    for (pointer, value) in [
        (format!("{MAIN}/env"), json!([{"name": "A", "value": ""}])),
        (format!("{MAIN}/args"), json!([])),
        (format!("{MAIN}/workingDir"), json!("")),
        (format!("{MAIN}/tty"), json!(false)),
        ("/spec/paused".to_owned(), json!(false)),
        ("/spec/template/spec/hostNetwork".to_owned(), json!(false)),
        ("/spec/template/spec/nodeSelector".to_owned(), json!({})),
        ("/spec/template/spec/volumes".to_owned(), json!([{"name": "scratch", "emptyDir": {}}])),
        ("/metadata/annotations".to_owned(), json!({})),
    ] {
        idle = with(&idle, &pointer, value);
    }
    let made = world.apply(&idle).await;
    assert_has(
        &made,
        &[
            ("/spec/minReadySeconds", Value::Null),
            (&format!("{MAIN}/env"), json!([{"name": "A"}])),
            (&format!("{MAIN}/args"), Value::Null),
            (&format!("{MAIN}/workingDir"), Value::Null),
            (&format!("{MAIN}/tty"), Value::Null),
            ("/spec/paused", Value::Null),
            ("/spec/template/spec/hostNetwork", Value::Null),
            ("/spec/template/spec/nodeSelector", Value::Null),
            ("/spec/template/spec/volumes", json!([{"name": "scratch", "emptyDir": {}}])),
            ("/metadata/annotations", Value::Null),
            ("/spec/replicas", json!(0)),
        ],
    );
    let owned = owned(&made, OURS.manager);
    assert!(owned.pointer("/f:spec/f:minReadySeconds").is_some(), "it is owned all the same: {owned}");
    let again = world.apply(&idle).await;
    assert_eq!(at(&again, "/metadata/generation"), at(&made, "/metadata/generation"));
    let map = world.config_map(json!({"a": ""}));
    assert_eq!(at(&world.apply(&map).await, "/data"), json!({"a": ""}));
    assert_eq!(at(&world.apply(&world.config_map(json!({}))).await, "/data"), Value::Null);
}

async fn defaults_of_another_strategy_are_in_the_way(world: &ClusterWorld) {
    let idle = world.idle();
    world.apply(&idle).await;
    let other = with(&idle, "/spec/strategy", json!({"type": "Recreate"}));
    let Err(ClusterError::Invalid { causes, .. }) = world.try_apply(&other, OURS).await else {
        panic!("it is taken");
    };
    assert_eq!(causes.iter().map(|cause| cause.field.as_str()).collect::<Vec<_>>(), ["spec.strategy.rollingUpdate"]);
    // Who owned them can leave them out.
    let rolling = json!({"maxSurge": "25%", "maxUnavailable": "25%"});
    world.apply(&with(&idle, "/spec/strategy", json!({"type": "RollingUpdate", "rollingUpdate": rolling}))).await;
    assert_eq!(at(&world.apply(&other).await, "/spec/strategy"), json!({"type": "Recreate"}));
}
