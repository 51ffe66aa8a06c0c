use serde_json::{Value, json};

use super::*;

/// What the server says of a first object, then of another in its place.
async fn refusal(objects: &[Object]) -> String {
    let (_, cluster) = shop().await;
    for object in objects {
        if let Err(error) = apply_as(&*cluster, object, "hactl").await {
            return error.to_string();
        }
    }
    "taken".to_owned()
}

#[tokio::test]
async fn objects_that_are_wrong() {
    let alias = |ip: &str, name: &str| {
        with(&deployment("web:1"), "spec.template.spec.hostAliases", json!([{"ip": ip, "hostnames": [name]}]))
    };
    let ingress = |host: &str, path: Value| {
        object(json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"rules": [{"host": host, "http": {"paths": [path]}}]},
        }))
    };
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
    let secret = |data: Value| {
        object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"}, "data": data}),
        )
    };
    let is_invalid = "the API server does not take it: ";
    for (object, expected) in [
        (
            namespace("Shop_1"),
            "Namespace \"Shop_1\" is invalid: metadata.name: Invalid value: \"Shop_1\": a lowercase RFC 1123 label",
        ),
        (
            with(&deployment("web:1"), "metadata.name", json!("a_b")),
            "Deployment.apps \"a_b\" is invalid: metadata.name:",
        ),
        (
            with(&deployment("web:1"), "spec.selector", json!(null)),
            "Deployment.apps \"web\" is invalid: spec.selector: Required value",
        ),
        (
            with(&deployment("web:1"), "spec.selector.matchLabels.app", json!("shop")),
            "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does \
             not match template `labels`",
        ),
        (
            with(&deployment("web:1"), "spec.template.spec.containers", json!([])),
            "Deployment.apps \"web\" is invalid: spec.template.spec.containers: Required value",
        ),
        (
            with(&deployment("web:1"), "metadata.labels", json!({"a": "b/c"})),
            "Deployment.apps \"web\" is invalid: metadata.labels: Invalid value: \"b/c\": a valid label must be",
        ),
        (deployment(""), "Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].image: Required value"),
        (
            alias("300.1.1.1", "rancher"),
            "Deployment.apps \"web\" is invalid: spec.template.spec.hostAliases[0].ip: Invalid value: \"300.1.1.1\": must be a \
             valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ),
        (
            alias("192.0.2.1", "Not_one"),
            "Deployment.apps \"web\" is invalid: spec.template.spec.hostAliases[0].hostnames[0]:",
        ),
        (
            ingress("Not_one", path.clone()),
            "Ingress.networking.k8s.io \"web\" is invalid: spec.rules[0].host: Invalid value: \"Not_one\"",
        ),
        (
            ingress("192.0.2.1", path.clone()),
            "Ingress.networking.k8s.io \"web\" is invalid: spec.rules[0].host: Invalid value: \"192.0.2.1\": must be a DNS name, not an IP address",
        ),
        (
            ingress("a.example.com", json!({"path": "/"})),
            "Ingress.networking.k8s.io \"web\" is invalid: [spec.rules[0].http.paths[0].pathType: Required value: pathType must \
             be specified, spec.rules[0].http.paths[0].backend: Required value:",
        ),
    ] {
        let said = refusal(&[object]).await;
        assert!(said.starts_with(&format!("{is_invalid}{expected}")), "{said}\n{expected}");
    }
    for (object, expected) in [
        (
            secret(json!({"a": "no base64"})),
            "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 2",
        ),
        (
            config_map("map", &json!({"a": 1})),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct \
             field .data.a of type string",
        ),
        (
            with(&deployment("web:1"), "spec.template.spec.hostAliases", json!([{"hostnames": ["a"]}])),
            "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.template.spec.hostAliases: \
             element 0: associative list with keys has an element that omits key field \"ip\"",
        ),
    ] {
        let said = refusal(&[object]).await;
        assert!(said.starts_with(&format!("{is_invalid}{expected}")), "{said}\n{expected}");
    }
    let nowhere = object(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}));
    let said = refusal(&[nowhere]).await;
    assert!(said.starts_with("the API server refuses (400): an empty namespace"), "{said}");
    assert_eq!(refusal(&[ingress("*.example.com", path)]).await, "taken");
}

#[tokio::test]
async fn what_is_not_there() {
    let (_, cluster) = shop().await;
    let elsewhere = with(&deployment("web:1"), "metadata.namespace", json!("elsewhere"));
    let error = apply_as(&*cluster, &elsewhere, "hactl").await.unwrap_err();
    assert_eq!(error.to_string(), "namespaces \"elsewhere\" not found");
    for removed in ["extensions/v1beta1", "apps/v1beta2"] {
        let old = with(&deployment("web:1"), "apiVersion", json!(removed));
        let error = apply_as(&*cluster, &old, "hactl").await.unwrap_err();
        assert_eq!(error.to_string(), "the server could not find the requested resource");
    }
}

#[tokio::test]
async fn what_cannot_change() {
    let service = object(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"clusterIP": "10.96.7.7", "ports": [{"port": 80}]},
    }));
    let binding = object(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "system:shop"},
        "roleRef": {"kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "shop", "namespace": "shop"}],
    }));
    let relabelled = with(&deployment("web:1"), "spec.selector.matchLabels", json!({"app": "shop"}));
    let relabelled = with(&relabelled, "spec.template.metadata.labels", json!({"app": "shop"}));
    let secret = object(json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"}, "type": "Opaque",
    }));
    let fixed = with(&config_map("map", &json!({"a": "1"})), "immutable", json!(true));
    let stateful = workload("StatefulSet", "web:1");
    let job = object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once", "namespace": "shop"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "once", "image": "a:1"}]}}},
    }));
    for (before, after, field, text) in [
        (
            deployment("web:1"),
            relabelled,
            "spec.selector",
            "Invalid value: {\"matchLabels\":{\"app\":\"shop\"}}: field is immutable",
        ),
        (
            service.clone(),
            with(&service, "spec.clusterIP", json!("10.96.7.8")),
            "spec.clusterIPs[0]",
            "may not change once set",
        ),
        (binding.clone(), with(&binding, "roleRef.name", json!("view")), "roleRef", "cannot change roleRef"),
        (
            secret.clone(),
            with(&secret, "type", json!("kubernetes.io/tls")),
            "type",
            "Invalid value: \"kubernetes.io/tls\": field is immutable",
        ),
        (
            fixed.clone(),
            with(&fixed, "data.a", json!("2")),
            "data",
            "Forbidden: field is immutable when `immutable` is set",
        ),
        (
            stateful.clone(),
            with(&stateful, "spec.serviceName", json!("other")),
            "spec",
            "Forbidden: updates to statefulset spec for fields other than",
        ),
        (
            job.clone(),
            with(&job, "spec.template.spec.containers.0.image", json!("a:2")),
            "spec.template",
            "field is immutable",
        ),
    ] {
        let (_, cluster) = shop().await;
        apply(&*cluster, &before).await;
        let kind = kind_of(&*cluster, &after).await;
        let how = Applying { manager: "hactl", force: false, dry_run: true };
        let error = cluster.apply(&kind, &after, &how).await.unwrap_err();
        let ClusterError::Invalid { causes, .. } = &error else { panic!("{error}") };
        assert_eq!(causes[0].field, field);
        assert!(causes[0].message.contains(text), "{}", causes[0].message);
    }
}
