use hactl_sim::SandboxError;
use serde_json::json;

use super::*;

#[tokio::test]
async fn somebody_changes_and_deletes_objects() {
    let (sandbox, cluster) = shop().await;
    apply(&*cluster, &deployment("web:1")).await;
    let patch =
        json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "web:9"}]}}}});
    sandbox.patch_object("Deployment/shop/web", &patch, "kubectl-edit").unwrap();
    let found = live(&*cluster, &deployment("")).await.unwrap();
    assert_eq!(found.at(&["spec", "replicas"]), Some(&json!(3)));
    assert_eq!(found.at(&["metadata", "generation"]), Some(&json!(2)));
    let owner = found.owners().find(|owner| owner.manager == "kubectl-edit").unwrap();
    assert!(!owner.applies);
    assert_eq!(
        serde_json::to_value(owner.fields).unwrap(),
        json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"web\"}": {"f:image": {}}}}}}})
    );
    let error = apply_as(&*cluster, &deployment("web:1"), "hactl").await.unwrap_err();
    let ClusterError::Conflict { conflicts } = error else { panic!("{error}") };
    assert_eq!(conflicts[0].manager, "kubectl-edit");

    let gone = json!({"metadata": {"labels": null}, "spec": {"revisionHistoryLimit": null}});
    sandbox.patch_object("Deployment/shop/web", &gone, "kubectl-edit").unwrap();
    sandbox.delete_object("Deployment/shop/web").unwrap();
    assert_eq!(live(&*cluster, &deployment("")).await, None);
    for (object, help) in [
        ("Deployment/shop/web", "`hactl sandbox show` lists what there is"),
        ("Deploymnet/shop/web", "did you mean Deployment?"),
        ("Namespace/shup", "did you mean Namespace/shop?"),
    ] {
        let error = sandbox.delete_object(object).unwrap_err();
        assert_eq!(error.help().as_deref(), Some(help), "{error}");
    }
}

#[tokio::test]
async fn somebody_creates_objects() {
    let (sandbox, cluster) = shop().await;
    sandbox.create_minimal_object("DaemonSet/cattle-system/cattle-node-agent").unwrap();
    let agent = object(json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "cattle-node-agent", "namespace": "cattle-system"}}));
    let found = live(&*cluster, &agent).await.unwrap();
    assert_eq!(found.at(&["status", "numberReady"]), Some(&json!(1)));
    assert_eq!(found.owners().map(|owner| owner.manager).collect::<Vec<_>>(), ["kubectl-create"]);
    let error = sandbox.create_minimal_object("DaemonSet/cattle-system/cattle-node-agent").unwrap_err();
    assert!(matches!(error, SandboxError::Invalid { .. }));
    for kind in ["Deployment", "StatefulSet", "Job", "Pod", "Service", "Ingress", "ConfigMap", "Secret"] {
        sandbox.create_minimal_object(&format!("{kind}/shop/other")).unwrap();
    }
    sandbox.create_object(&config_map("theirs", &json!({"a": "1"}))).unwrap();

    let view = sandbox.view().cluster.unwrap();
    let objects: Vec<&str> = view.objects.keys().map(String::as_str).collect();
    assert_eq!(
        objects,
        [
            "ConfigMap/shop/other",
            "ConfigMap/shop/theirs",
            "DaemonSet/cattle-system/cattle-node-agent",
            "Deployment/shop/other",
            "Ingress/shop/other",
            "Job/shop/other",
            "Namespace/cattle-system",
            "Namespace/default",
            "Namespace/kube-node-lease",
            "Namespace/kube-public",
            "Namespace/kube-system",
            "Namespace/shop",
            "Pod/shop/other",
            "Secret/shop/other",
            "Service/shop/other",
            "StatefulSet/shop/other",
        ]
    );
    assert_eq!(view.objects["Deployment/shop/other"].ready, Some(true));
    assert_eq!(view.objects["ConfigMap/shop/other"].ready, None);
}

#[tokio::test]
async fn finalizers_come_and_go() {
    let (sandbox, cluster) = shop().await;
    let map = config_map("map", &json!({}));
    apply(&*cluster, &map).await;
    sandbox.set_finalizer("ConfigMap/shop/map", "a.io/b", true).unwrap();
    assert_eq!(live(&*cluster, &map).await.unwrap().finalizers(), ["a.io/b"]);
    apply(&*cluster, &map).await;
    assert_eq!(live(&*cluster, &map).await.unwrap().finalizers(), ["a.io/b"]);
    delete(&*cluster, &map).await;
    assert!(live(&*cluster, &map).await.unwrap().is_being_deleted());
    sandbox.set_finalizer("ConfigMap/shop/map", "a.io/b", false).unwrap();
    assert_eq!(live(&*cluster, &map).await, None);
}
