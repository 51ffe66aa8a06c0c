use hactl_kube::ClusterError;
use serde_json::json;

use super::*;

#[tokio::test]
async fn only_the_object_of_this_uid_is_deleted() {
    let (_, cluster) = shop().await;
    let made = apply(&*cluster, &deployment("web:1")).await;
    let kind = kind_of(&*cluster, &made).await;
    cluster.delete(&kind, &name_of(&made), "another").await.unwrap();
    assert_eq!(pods(&*cluster).await.len(), 1);
    cluster.delete(&kind, &name_of(&made), made.uid()).await.unwrap();
    assert_eq!(live(&*cluster, &made).await, None);
    assert!(pods(&*cluster).await.is_empty());
    cluster.delete(&kind, &name_of(&made), made.uid()).await.unwrap();
    let again = apply(&*cluster, &deployment("web:1")).await;
    assert_ne!(again.uid(), made.uid());
}

#[tokio::test]
async fn finalizers_keep_an_object_until_they_are_gone() {
    let (sandbox, cluster) = shop().await;
    let map = with(&config_map("map", &json!({"a": "1"})), "metadata.finalizers", json!(["shop.example.com/wait"]));
    let made = apply(&*cluster, &map).await;
    delete(&*cluster, &map).await;
    let waiting = live(&*cluster, &map).await.unwrap();
    assert!(waiting.is_being_deleted());
    assert_ne!(waiting.resource_version(), made.resource_version());
    delete(&*cluster, &map).await;
    assert_eq!(live(&*cluster, &map).await.unwrap(), waiting);

    delete(&*cluster, &namespace("shop")).await;
    let shop = live(&*cluster, &namespace("shop")).await.unwrap();
    assert_eq!(shop.at(&["status", "phase"]), Some(&json!("Terminating")));
    let error = apply_as(&*cluster, &config_map("other", &json!({})), "hactl").await.unwrap_err();
    assert!(matches!(&error, ClusterError::Forbidden { message } if message.contains("being terminated")), "{error}");

    sandbox.set_finalizer("ConfigMap/shop/map", "shop.example.com/wait", false).unwrap();
    assert_eq!(live(&*cluster, &map).await, None);
    assert_eq!(live(&*cluster, &namespace("shop")).await, None);
}

#[tokio::test]
async fn what_no_longer_sends_its_finalizer_lets_the_object_go() {
    let (_, cluster) = shop().await;
    let map = config_map("map", &json!({"a": "1"}));
    apply(&*cluster, &with(&map, "metadata.finalizers", json!(["shop.example.com/wait"]))).await;
    delete(&*cluster, &map).await;
    apply(&*cluster, &map).await;
    assert_eq!(live(&*cluster, &map).await, None);
}

#[tokio::test]
async fn a_namespace_and_a_type_take_their_objects_along() {
    let (_, cluster) = shop().await;
    apply(&*cluster, &definition()).await;
    let widget = object(json!({
        "apiVersion": "shop.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "big", "namespace": "shop"},
        "spec": {"size": 3},
    }));
    let made = apply(&*cluster, &widget).await;
    assert_eq!(live(&*cluster, &widget).await.unwrap().at(&["status", "conditions"]).unwrap()[0]["type"], "Ready");
    let owned = config_map("owned", &json!({}));
    let owner = json!([{"apiVersion": "shop.example.com/v1", "kind": "Widget", "name": "big", "uid": made.uid()}]);
    apply(&*cluster, &with(&owned, "metadata.ownerReferences", owner)).await;
    apply(&*cluster, &config_map("other", &json!({}))).await;

    delete(&*cluster, &definition()).await;
    assert_eq!(live(&*cluster, &owned).await, None);
    let kind = kind_of(&*cluster, &made).await;
    let error = cluster.get(&kind, &name_of(&made)).await.unwrap_err();
    assert_eq!(error.to_string(), "the server could not find the requested resource");

    delete(&*cluster, &namespace("shop")).await;
    assert_eq!(live(&*cluster, &config_map("other", &json!({}))).await, None);
    let system = namespace("kube-system");
    let uid = live(&*cluster, &system).await.unwrap().uid().to_owned();
    let kind = kind_of(&*cluster, &system).await;
    let error = cluster.delete(&kind, &name_of(&system), &uid).await.unwrap_err();
    assert!(matches!(error, ClusterError::Forbidden { .. }));
}
