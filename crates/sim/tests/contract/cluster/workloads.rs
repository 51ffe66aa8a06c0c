//! What controllers make of workloads: pods that run, logs, status.

use hactl_kube::{ClusterError, Name, Object};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, at, name_of, pod, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    a_deployment_becomes_ready,
    a_daemon_set_becomes_ready,
    a_stateful_set_becomes_ready,
    a_job_completes,
    a_pod_runs,
    pods_follow_their_template,
    logs_are_the_last_lines,
    there_is_no_log_of_what_is_not_there,
];

async fn pods(world: &ClusterWorld, label: &str) -> Vec<Object> {
    let kind = world.kind(&world.object("v1", "Pod", "any")).await;
    let pods = world.cluster().list(&kind, Some(&world.namespace), Some(label)).await.unwrap();
    pods.into_iter().filter(|pod| !pod.is_being_deleted()).collect()
}

/// Whether the controller has seen the last change and this many pods are ready.
fn is_ready(object: &Object, field: &str, count: u64) -> bool {
    at(object, "/status/observedGeneration") == at(object, "/metadata/generation")
        && at(object, &format!("/status/{field}")) == json!(count)
}

/// The pods of a workload that is ready: each runs, is owned by `owner`, and has printed what it prints.
async fn assert_runs(world: &ClusterWorld, owner: &str, count: usize) {
    let pods = pods(world, "app=web").await;
    assert_eq!(pods.len(), count);
    for pod in pods {
        assert_eq!(
            (at(&pod, "/status/phase"), at(&pod, "/metadata/ownerReferences/0/kind")),
            (json!("Running"), json!(owner))
        );
        assert_eq!(at(&pod, "/status/containerStatuses/0/ready"), json!(true));
        assert!(at(&pod, "/spec/nodeName").is_string());
        assert_eq!(world.cluster().log(&name_of(&pod), "main", false, 1).await.as_deref(), Ok("ready\n"));
    }
}

async fn a_deployment_becomes_ready(world: &ClusterWorld) {
    let deployment = with(&world.workload("Deployment"), "/spec/replicas", json!(2));
    world.apply(&deployment).await;
    let ready = world.until(&deployment, |object| is_ready(object, "availableReplicas", 2)).await;
    assert_eq!((at(&ready, "/status/updatedReplicas"), at(&ready, "/status/replicas")), (json!(2), json!(2)));
    let conditions = at(&ready, "/status/conditions");
    for wanted in ["Available", "Progressing"] {
        let holds = |found: &Value| found["type"] == wanted && found["status"] == "True";
        assert!(conditions.as_array().unwrap().iter().any(holds), "{conditions}");
    }
    assert_runs(world, "ReplicaSet", 2).await;
}

async fn a_daemon_set_becomes_ready(world: &ClusterWorld) {
    let set = world.workload("DaemonSet");
    world.apply(&set).await;
    let ready = world
        .until(&set, |object| {
            let wanted = at(object, "/status/desiredNumberScheduled").as_u64().unwrap_or_default();
            wanted > 0 && is_ready(object, "numberAvailable", wanted)
        })
        .await;
    let wanted = at(&ready, "/status/desiredNumberScheduled");
    assert_eq!(
        (at(&ready, "/status/numberReady"), at(&ready, "/status/updatedNumberScheduled")),
        (wanted.clone(), wanted.clone())
    );
    assert_runs(world, "DaemonSet", usize::try_from(wanted.as_u64().unwrap()).unwrap()).await;
}

async fn a_stateful_set_becomes_ready(world: &ClusterWorld) {
    let set = with(&world.workload("StatefulSet"), "/spec/replicas", json!(2));
    world.apply(&set).await;
    let ready = world.until(&set, |object| is_ready(object, "readyReplicas", 2)).await;
    assert_eq!(at(&ready, "/status/currentRevision"), at(&ready, "/status/updateRevision"));
    let mut names: Vec<String> = pods(world, "app=web").await.iter().map(|pod| pod.name().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["web-0", "web-1"]);
    assert_runs(world, "StatefulSet", 2).await;
}

async fn a_job_completes(world: &ClusterWorld) {
    let spec = with(&pod("echo one; echo ready"), "/restartPolicy", json!("Never"));
    let job = with(&world.object("batch/v1", "Job", "once"), "/spec", json!({"template": {"spec": spec}}));
    world.apply(&job).await;
    let done = world
        .until(&job, |object| {
            let conditions = at(object, "/status/conditions");
            let holds = |found: &Value| found["type"] == "Complete" && found["status"] == "True";
            conditions.as_array().is_some_and(|conditions| conditions.iter().any(holds))
        })
        .await;
    assert_eq!(at(&done, "/status/succeeded"), json!(1));
    let pods = pods(world, "job-name=once").await;
    assert_eq!(pods.len(), 1);
    assert_eq!(at(&pods[0], "/status/phase"), json!("Succeeded"));
    assert_eq!(world.cluster().log(&name_of(&pods[0]), "main", false, 1).await.as_deref(), Ok("ready\n"));
}

async fn a_pod_runs(world: &ClusterWorld) {
    world.accounts().await;
    let alone = with(&world.object("v1", "Pod", "alone"), "/spec", pod("echo ready; exec sleep 1000"));
    world.apply(&alone).await;
    let running = world.until(&alone, |pod| at(pod, "/status/phase") == "Running").await;
    assert_eq!(at(&running, "/metadata/ownerReferences"), Value::Null);
}

async fn pods_follow_their_template(world: &ClusterWorld) {
    let deployment = world.workload("Deployment");
    world.apply(&deployment).await;
    world.until(&deployment, |object| is_ready(object, "availableReplicas", 1)).await;
    let before = pods(world, "app=web").await;
    let alias = json!([{"ip": "192.0.2.1", "hostnames": ["rancher.example.com"]}]);
    let changed = with(&deployment, "/spec/template/spec/hostAliases", alias.clone());
    world.apply(&changed).await;
    world
        .until(&deployment, |object| {
            is_ready(object, "updatedReplicas", 1)
                && is_ready(object, "availableReplicas", 1)
                && is_ready(object, "replicas", 1)
        })
        .await;
    let after = pods(world, "app=web").await;
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].uid(), before[0].uid());
    assert_eq!(at(&after[0], "/spec/hostAliases"), alias);
    // A label of the object itself replaces no pods.
    world.apply(&with(&changed, "/metadata/labels", json!({"a": "b"}))).await;
    world.until(&deployment, |object| is_ready(object, "availableReplicas", 1)).await;
    let still: Vec<String> = pods(world, "app=web").await.iter().map(|pod| pod.uid().to_owned()).collect();
    assert_eq!(still, [after[0].uid()]);
}

async fn logs_are_the_last_lines(world: &ClusterWorld) {
    let deployment =
        with(&world.workload("Deployment"), "/spec/template/spec", pod("echo first; echo ready; exec sleep 1000"));
    world.apply(&deployment).await;
    world.until(&deployment, |object| is_ready(object, "availableReplicas", 1)).await;
    let pod = pods(world, "app=web").await.remove(0);
    let log = world.cluster().log(&name_of(&pod), "main", false, 10).await.unwrap();
    assert_eq!(log.lines().count(), 2, "{log}");
    assert_eq!(world.cluster().log(&name_of(&pod), "main", false, 1).await.as_deref(), Ok("ready\n"));
    for (container, previous) in [("main", true), ("other", false)] {
        let refused = world.cluster().log(&name_of(&pod), container, previous, 1).await;
        assert!(matches!(refused, Err(ClusterError::Refused { status: 400, .. })), "{refused:?}");
    }
}

async fn there_is_no_log_of_what_is_not_there(world: &ClusterWorld) {
    let name = Name { namespace: Some(&world.namespace), name: "absent" };
    let message = "pods \"absent\" not found".to_owned();
    assert_eq!(world.cluster().log(&name, "main", false, 1).await, Err(ClusterError::Missing { message }));
}
