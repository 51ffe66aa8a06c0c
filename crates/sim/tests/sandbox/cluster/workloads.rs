use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn workloads_are_ready_and_have_pods() {
    let (sandbox, cluster) = shop().await;
    for host in ["node1", "node2", "node3"] {
        sandbox.write_file(host, "/etc/motd", b"").unwrap();
    }
    for (kind, pods_expected, ready) in
        [("Deployment", 2, "readyReplicas"), ("StatefulSet", 2, "readyReplicas"), ("DaemonSet", 3, "numberReady")]
    {
        let mut object = workload(kind, "web:1");
        if kind != "DaemonSet" {
            object = with(&object, "spec.replicas", json!(2));
        }
        apply(&*cluster, &object).await;
        let found = live(&*cluster, &object).await.unwrap();
        assert_eq!(found.at(&["status", ready]), Some(&json!(pods_expected)), "{kind}");
        let pods = pods(&*cluster).await;
        assert_eq!(pods.len(), pods_expected, "{kind}");
        for pod in &pods {
            assert_eq!(pod.at(&["status", "phase"]), Some(&json!("Running")));
            assert_eq!(live(&*cluster, pod).await.as_ref(), Some(pod));
            let log = cluster.log(&name_of(pod), "web", false, 1).await.unwrap();
            assert_eq!(log, "ready\n");
        }
        delete(&*cluster, &object).await;
    }
}

#[tokio::test]
async fn a_deployment_has_a_replica_set() {
    let (_, cluster) = shop().await;
    let made = apply(&*cluster, &deployment("web:1")).await;
    let pod = pods(&*cluster).await.remove(0);
    let owner = pod.at(&["metadata", "ownerReferences"]).unwrap()[0].clone();
    assert_eq!(owner["kind"], "ReplicaSet");
    let set = object(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": owner["name"], "namespace": "shop"}}));
    let set = live(&*cluster, &set).await.unwrap();
    assert_eq!(set.at(&["metadata", "ownerReferences"]).unwrap()[0]["uid"], made.uid());
    assert_eq!(set.uid(), owner["uid"]);
    apply(&*cluster, &deployment("web:2")).await;
    assert_ne!(pods(&*cluster).await[0].name(), pod.name());
}

#[tokio::test]
async fn jobs_complete_and_definitions_are_established() {
    let (_, cluster) = shop().await;
    let job = object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once", "namespace": "shop"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "once", "image": "a:1"}]}}},
    }));
    for (object, condition) in [(job, "Complete"), (definition(), "Established")] {
        apply(&*cluster, &object).await;
        let found = live(&*cluster, &object).await.unwrap();
        let conditions = found.at(&["status", "conditions"]).and_then(Value::as_array).unwrap();
        let holds = |found: &Value| found["type"] == condition && found["status"] == "True";
        assert!(conditions.iter().any(holds), "{conditions:?}");
    }
}
