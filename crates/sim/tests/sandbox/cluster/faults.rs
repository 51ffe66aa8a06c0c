use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hactl_sim::{Fault, Moment, Operation};
use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_slow_or_refuses() {
    let (sandbox, cluster) = shop().await;
    let map = config_map("map", &json!({}));
    let kind = kind_of(&*cluster, &map).await;
    let name = name_of(&map);
    let get = || cluster.get(&kind, &name);

    let number = sandbox.inject(Some("kubernetes"), Fault::HostDown, 0, None).unwrap();
    assert!(matches!(get().await, Err(ClusterError::Unreachable { .. })));
    assert!(sandbox.connect(&ClusterConnection::default()).await.is_err());
    sandbox.clear_fault(number).unwrap();

    let number = sandbox.inject(Some("kubernetes"), Fault::Latency { ms: 5000 }, 0, None).unwrap();
    let begin = tokio::time::Instant::now();
    get().await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(5));
    sandbox.clear_fault(number).unwrap();

    sandbox.inject(None, Fault::Refuse { operation: Operation::Apply }, 0, Some(1)).unwrap();
    let error = apply_as(&*cluster, &map, "hactl").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the API server forbids it: User \"sandbox\" cannot patch ConfigMap/shop/map: refused by a fault"
    );
    assert_eq!(get().await, Ok(None));
}

#[tokio::test]
async fn a_lost_connection_and_a_crash_hide_an_effect() {
    let (sandbox, cluster) = shop().await;
    let lost = |doing: &str| ClusterError::Lost { operation: format!("{doing} ConfigMap shop/map") };
    let map = |value: &str| config_map("map", &json!({"a": value}));
    sandbox.inject(None, Fault::ConnectionLost { operation: None }, 0, Some(1)).unwrap();
    assert_eq!(apply_as(&*cluster, &map("1"), "hactl").await, Err(lost("applying")));
    assert_eq!(live(&*cluster, &map("1")).await.unwrap().at(&["data", "a"]), Some(&json!("1")));

    for (when, expected) in [(Moment::Before, "1"), (Moment::After, "2")] {
        let crashed = Arc::new(AtomicBool::new(false));
        let seen = crashed.clone();
        sandbox.on_crash(move || seen.store(true, Ordering::SeqCst));
        sandbox.inject(None, Fault::Crash { operation: Some(Operation::Apply), when }, 0, Some(1)).unwrap();
        assert_eq!(apply_as(&*cluster, &map("2"), "hactl").await, Err(lost("applying")));
        assert!(crashed.load(Ordering::SeqCst));
        assert_eq!(live(&*cluster, &map("1")).await.unwrap().at(&["data", "a"]), Some(&json!(expected)));
    }
}

#[tokio::test]
async fn asking_is_no_effect() {
    let (sandbox, cluster) = shop().await;
    sandbox.inject(None, Fault::Crash { operation: None, when: Moment::Before }, 0, None).unwrap();
    let map = config_map("map", &json!({}));
    let kind = kind_of(&*cluster, &map).await;
    let how = Applying { manager: "hactl", force: false, dry_run: true };
    cluster.apply(&kind, &map, &how).await.unwrap();
    assert_eq!(cluster.get(&kind, &name_of(&map)).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_does_not_become_ready() {
    let (sandbox, cluster) = shop().await;
    let fault = Fault::Unready { name: "Deployment/shop/web".to_owned() };
    let number = sandbox.inject(None, fault, 0, None).unwrap();
    apply(&*cluster, &deployment("web:1")).await;
    let stuck = live(&*cluster, &deployment("")).await.unwrap();
    assert_eq!(stuck.at(&["status", "availableReplicas"]), Some(&json!(0)));
    let pod = pods(&*cluster).await.remove(0);
    let state = &pod.at(&["status", "containerStatuses"]).unwrap()[0]["state"];
    assert_eq!(state["waiting"]["reason"], "CrashLoopBackOff");
    let log = cluster.log(&name_of(&pod), "web", true, 10).await.unwrap();
    assert_eq!(log, "starting web:1\nfatal: exiting with code 1\n");
    let kind = kind_of(&*cluster, &object(json!({"apiVersion": "v1", "kind": "Event"}))).await;
    let events = cluster.list(&kind, Some("shop"), None).await.unwrap();
    assert_eq!(events[0].at(&["involvedObject", "name"]), Some(&json!(pod.name())));

    let kind = kind_of(&*cluster, &deployment("")).await;
    let begin = tokio::time::Instant::now();
    let same = cluster.next(&kind, &name_of(&stuck), stuck.resource_version()).await.unwrap();
    assert_eq!(same.as_ref(), Some(&stuck));
    assert!(begin.elapsed() >= Duration::from_secs(30));

    sandbox.clear_fault(number).unwrap();
    let ready = cluster.next(&kind, &name_of(&stuck), stuck.resource_version()).await.unwrap().unwrap();
    assert_eq!(ready.at(&["status", "availableReplicas"]), Some(&json!(1)));
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_takes_its_time() {
    let (sandbox, cluster) = shop().await;
    sandbox.inject(None, Fault::Unready { name: "Deployment/shop/web".to_owned() }, 0, Some(2)).unwrap();
    let made = apply(&*cluster, &deployment("web:1")).await;
    let kind = kind_of(&*cluster, &made).await;
    let begin = tokio::time::Instant::now();
    let mut seen = made.resource_version().to_owned();
    let mut available = Vec::new();
    for _ in 0..2 {
        let found = cluster.next(&kind, &name_of(&made), &seen).await.unwrap().unwrap();
        available.push(found.at(&["status", "availableReplicas"]).cloned());
        seen = found.resource_version().to_owned();
    }
    assert_eq!(available, [Some(json!(0)), Some(json!(1))]);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}
