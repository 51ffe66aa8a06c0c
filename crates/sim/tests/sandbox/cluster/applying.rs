use hactl_kube::{Applying, ClusterError};
use hactl_sim::Sandbox;
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn what_is_served_is_told() {
    let (_, cluster) = shop().await;
    let served = |groups: &[&str]| groups.iter().map(|group| (*group).to_owned()).collect::<BTreeSet<_>>();
    let found = cluster.served(&served(&["apps", "extensions"])).await.unwrap();
    let texts: Vec<String> = found.iter().map(|kind| format!("{} {}", kind.api_version(), kind.kind)).collect();
    assert_eq!(
        texts,
        [
            "apps/v1 ControllerRevision",
            "apps/v1 DaemonSet",
            "apps/v1 Deployment",
            "apps/v1 ReplicaSet",
            "apps/v1 StatefulSet"
        ]
    );
    apply(&*cluster, &definition()).await;
    cluster.forget_served().await;
    let found = cluster.served(&served(&["shop.example.com"])).await.unwrap();
    let texts: Vec<String> = found.iter().map(ServedKind::api_version).collect();
    assert_eq!(texts, ["shop.example.com/v1", "shop.example.com/v1beta1"]);
}

#[tokio::test]
async fn an_apply_creates_then_changes() {
    let (_, cluster) = shop().await;
    let made = apply(&*cluster, &deployment("web:1")).await;
    assert_eq!(made.at(&["metadata", "generation"]), Some(&json!(1)));
    assert_eq!(made.at(&["spec", "replicas"]), Some(&json!(1)));
    assert_eq!(made.at(&["status"]), None);

    let again = apply(&*cluster, &deployment("web:1")).await;
    assert_eq!(Some(&again), live(&*cluster, &made).await.as_ref());

    let changed = apply(&*cluster, &deployment("web:2")).await;
    assert_eq!(changed.uid(), made.uid());
    assert_eq!(changed.at(&["metadata", "generation"]), Some(&json!(2)));
    assert_eq!(changed.at(&["status", "observedGeneration"]), Some(&json!(1)));
    let settled = live(&*cluster, &made).await.unwrap();
    assert_eq!(settled.at(&["status", "observedGeneration"]), Some(&json!(2)));
    assert_ne!(settled.resource_version(), changed.resource_version());

    let labelled = with(&deployment("web:2"), "metadata.labels", json!({"a": "b"}));
    let labelled = apply(&*cluster, &labelled).await;
    assert_eq!(labelled.at(&["metadata", "generation"]), Some(&json!(2)));
    assert_ne!(labelled.resource_version(), settled.resource_version());
}

#[tokio::test]
async fn owners_are_told_and_conflicts_refused() {
    let (_, cluster) = shop().await;
    apply_as(&*cluster, &deployment("web:1"), "kubectl-patch").await.unwrap();
    let error = apply_as(&*cluster, &deployment("web:2"), "hactl").await.unwrap_err();
    let ClusterError::Conflict { conflicts } = &error else { panic!("{error}") };
    assert_eq!(conflicts[0].field, ".spec.template.spec.containers[name=\"web\"].image");
    assert_eq!(conflicts[0].manager, "kubectl-patch");

    let kind = kind_of(&*cluster, &deployment("")).await;
    let how = Applying { manager: "hactl", force: true, dry_run: true };
    let asked = cluster.apply(&kind, &deployment("web:2"), &how).await.unwrap();
    assert_eq!(asked.owners().count(), 2);
    let found = live(&*cluster, &deployment("")).await.unwrap();
    assert_eq!(found.owners().map(|owner| owner.manager).collect::<Vec<_>>(), ["kubectl-patch"]);

    let forced = cluster.apply(&kind, &deployment("web:2"), &Applying { dry_run: false, ..how }).await.unwrap();
    let owner = forced.owners().find(|owner| owner.manager == "kubectl-patch").unwrap();
    assert_eq!(
        owner.fields["f:spec"]["f:template"]["f:spec"],
        json!({"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}}}})
    );
}

#[tokio::test]
async fn only_the_very_object_is_changed() {
    let (_, cluster) = shop().await;
    let aliases = object(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "uid": "00000000-0000-4000-8000-000000000000"},
        "spec": {"template": {"spec": {"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["rancher.example.com"]}]}}},
    }));
    assert_eq!(apply_as(&*cluster, &aliases, "aliases").await.unwrap_err(), ClusterError::OtherObject);
    let made = apply(&*cluster, &deployment("web:1")).await;
    assert_eq!(apply_as(&*cluster, &aliases, "aliases").await.unwrap_err(), ClusterError::OtherObject);

    let aliases = with(&aliases, "metadata.uid", json!(made.uid()));
    apply_as(&*cluster, &aliases, "aliases").await.unwrap();
    let pods = pods(&*cluster).await;
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].at(&["spec", "hostAliases"]).and_then(|list| list.get(0)?.get("ip")), Some(&json!("192.0.2.1")));

    let released = with(&aliases, "spec", json!(null));
    let released = apply_as(&*cluster, &released, "aliases").await.unwrap();
    assert_eq!(released.at(&["spec", "template", "spec", "hostAliases"]), None);
    assert_eq!(released.owners().count(), 1);
}

#[tokio::test]
async fn the_server_has_forms_of_its_own() {
    let (_, cluster) = shop().await;
    let limits = json!({"limits": {"cpu": "0.5", "memory": "1024Mi"}});
    let given = with(&deployment("web:1"), "spec.template.spec.containers.0.resources", limits);
    let stored = apply(&*cluster, &given).await;
    let container = &stored.at(&["spec", "template", "spec", "containers"]).unwrap()[0];
    assert_eq!(container["resources"], json!({"limits": {"cpu": "500m", "memory": "1Gi"}}));
    assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    let settled = live(&*cluster, &given).await.unwrap();
    assert_eq!(apply(&*cluster, &given).await, settled);

    let secret = object(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": "shop"},
        "stringData": {"password": "hunter2"},
    }));
    let stored = apply(&*cluster, &secret).await;
    assert_eq!(stored.at(&["data"]), Some(&json!({"password": "aHVudGVyMg=="})));
    assert_eq!(stored.at(&["stringData"]), None);
    assert_eq!(apply(&*cluster, &secret).await.resource_version(), stored.resource_version());

    let service = object(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}},
    }));
    let stored = apply(&*cluster, &service).await;
    assert_eq!(stored.at(&["spec", "ports"]), Some(&json!([{"port": 80, "protocol": "TCP", "targetPort": 80}])));
    let address = stored.at(&["spec", "clusterIP"]).and_then(Value::as_str).unwrap().to_owned();
    let changed = apply(&*cluster, &with(&service, "spec.ports.0.port", json!(81))).await;
    assert_eq!(changed.at(&["spec", "clusterIP"]), Some(&json!(address)));
    assert_eq!(changed.at(&["spec", "ports"]), Some(&json!([{"port": 81, "protocol": "TCP", "targetPort": 81}])));
}

#[tokio::test]
async fn lists_are_by_namespace_and_label() {
    let (_, cluster) = shop().await;
    apply(&*cluster, &namespace("shop-2")).await;
    let labelled = |name: &str, namespace: &str, label: &str| {
        object(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": {"hactl.io/lineage": label}},
        }))
    };
    for (name, namespace, label) in [("a", "shop", "x"), ("b", "shop", "y"), ("a", "shop-2", "x")] {
        apply(&*cluster, &labelled(name, namespace, label)).await;
    }
    let kind = kind_of(&*cluster, &labelled("", "", "")).await;
    for (namespace, label, expected) in [
        (None, None, 3),
        (Some("shop"), None, 2),
        (Some("shop"), Some("hactl.io/lineage=x"), 1),
        (None, Some("hactl.io/lineage=x"), 2),
        (Some("elsewhere"), None, 0),
    ] {
        assert_eq!(cluster.list(&kind, namespace, label).await.unwrap().len(), expected, "{namespace:?} {label:?}");
    }
}

#[tokio::test]
async fn a_cluster_is_kept_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(directory.path(), 7).unwrap();
    let cluster = cluster_of(&sandbox).await;
    let identity = cluster.identity().await.unwrap();
    assert!(!directory.path().join("fleet.log").exists());
    apply(&*cluster, &namespace("shop")).await;
    let made = apply(&*cluster, &deployment("web:1")).await;
    assert_eq!(cluster.identity().await.unwrap(), identity);
    drop(cluster);
    let before = sandbox.view();
    drop(sandbox);

    let sandbox = Sandbox::open(directory.path(), 0).unwrap();
    assert_eq!(sandbox.view(), before);
    let cluster = cluster_of(&sandbox).await;
    assert_eq!(cluster.identity().await.unwrap(), identity);
    assert_eq!(live(&*cluster, &made).await.unwrap().uid(), made.uid());
    sandbox.replace_cluster().unwrap();
    assert_ne!(cluster.identity().await.unwrap(), identity);
    assert_eq!(live(&*cluster, &made).await, None);
}

#[tokio::test]
async fn ten_thousand_objects_take_no_time() {
    let (_, cluster) = shop().await;
    let kind = kind_of(&*cluster, &config_map("", &json!({}))).await;
    let how = Applying { manager: "hactl", force: false, dry_run: false };
    let begin = std::time::Instant::now();
    for number in 0..10_000 {
        let object = config_map(&format!("map-{number}"), &json!({"number": number.to_string()}));
        cluster.apply(&kind, &object, &how).await.unwrap();
    }
    assert_eq!(cluster.list(&kind, Some("shop"), None).await.unwrap().len(), 10_000);
    delete(&*cluster, &namespace("shop")).await;
    assert!(cluster.list(&kind, None, None).await.unwrap().is_empty());
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}
