//! Every fault, in the middle of things.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::*;
use hactl_host::{ContainerConfig, Fleet as _, Health, Healthcheck, HostError, Probe, RegistryAuth, Status};
use hactl_sim::{Fault, Moment, Operation, Sandbox, SandboxError};

#[tokio::test]
async fn a_host_that_is_down() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    let id = sandbox.inject(Some("node1"), Fault::HostDown, 0, None).unwrap();
    for _ in 0..2 {
        let error = host.pull_image("web:1", None, &|_| {}).await.unwrap_err();
        assert!(matches!(error, HostError::Unreachable { .. }));
    }
    assert!(sandbox.connect("node1", &connection()).await.is_err());
    assert!(sandbox.connect("node2", &connection()).await.is_ok());
    sandbox.clear_fault(id).unwrap();
    assert!(!host.has_image("web:1").await.unwrap());
}

#[tokio::test]
async fn skip_and_times_are_counted() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    let refuse = Fault::Refuse { operation: Operation::CreateContainer };
    sandbox.inject(None, refuse, 1, Some(2)).unwrap();
    let mut made = Vec::new();
    for name in ["a1", "a2", "a3", "a4"] {
        host.inspect_container(name).await.unwrap();
        match host.create_container(name, &web()).await {
            Ok(_) => made.push(name),
            Err(error) => assert_eq!(engine_message(&error), "refused by a fault"),
        }
    }
    assert_eq!(made, ["a1", "a4"]);
    assert!(sandbox.faults().is_empty());
}

#[tokio::test]
async fn a_lost_connection_hides_an_effect() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    sandbox.inject(None, Fault::ConnectionLost { operation: None }, 0, Some(1)).unwrap();
    host.inspect_container("web").await.unwrap();
    let error = host.create_container("web", &web()).await.unwrap_err();
    assert_eq!(error, HostError::Lost { operation: "create container web".to_owned() });
    assert!(error.outcome_unknown());
    assert_eq!(inspect(&*host, "web").await.status, Status::Created);
}

#[tokio::test]
async fn a_registry_that_wants_a_login() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    for registry in ["registry.example.com:5000", "docker.io"] {
        let fault = Fault::RegistryNeedsLogin {
            registry: registry.to_owned(),
            username: "ci".to_owned(),
            password: "hunter2".to_owned(),
        };
        sandbox.inject(None, fault, 0, None).unwrap();
    }
    let login = |username, password| RegistryAuth::new(username, password);
    for (image, auth, message) in [
        (
            "registry.example.com:5000/team/web:1",
            None,
            "Head \"https://registry.example.com:5000/v2/team/web/manifests/1\": no basic auth credentials",
        ),
        (
            "registry.example.com:5000/web@sha256:00",
            None,
            "Head \"https://registry.example.com:5000/v2/web/manifests/sha256:00\": no basic auth credentials",
        ),
        ("registry.example.com:5000/web", Some(login("ci", "hunter3")), "unauthorized: authentication required"),
        (
            "web:1",
            None,
            "pull access denied for web, repository does not exist or may require 'docker login': denied: requested \
             access to the resource is denied",
        ),
    ] {
        let error = host.pull_image(image, auth.as_ref(), &|_| {}).await.unwrap_err();
        assert_eq!(engine_message(&error), message);
        assert!(error.help().unwrap().contains("`registries`"), "{image}");
    }
    for image in ["registry.example.com:5000/team/web:1", "web:1"] {
        host.pull_image(image, Some(&login("ci", "hunter2")), &|_| {}).await.unwrap();
        assert!(host.has_image(image).await.unwrap());
    }
    host.pull_image("other.example.com/web", None, &|_| {}).await.unwrap();
}

#[tokio::test]
async fn a_pull_that_fails() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    let image = Some("docker.io/library/web:1".to_owned());
    sandbox.inject(None, Fault::PullFails { image }, 0, None).unwrap();
    host.pull_image("web:2", None, &|_| {}).await.unwrap();
    let error = host.pull_image("web:1", None, &|_| {}).await.unwrap_err();
    assert_eq!(engine_message(&error), "manifest for web:1 not found: manifest unknown");
    assert!(!host.has_image("web:1").await.unwrap());
}

#[tokio::test]
async fn a_full_disk() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    sandbox.inject(Some("node1"), Fault::DiskFull, 0, None).unwrap();
    for error in [
        host.write_file(&write("/srv/x", "x")).await.unwrap_err(),
        host.pull_image("web:2", None, &|_| {}).await.unwrap_err(),
        host.create_container("web", &web()).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("no space left on device"), "{error}");
    }
    assert_eq!(file(&*host, "/srv/x").await, None);
    assert_eq!(host.inspect_container("web").await.unwrap(), None);
}

#[tokio::test]
async fn containers_that_misbehave() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    let name = || "web".to_owned();
    sandbox.inject(None, Fault::ContainerExits { name: name(), code: 3 }, 0, Some(1)).unwrap();
    let id = run(&*host, "web", &publishing(8080)).await;
    assert_eq!(inspect(&*host, "web").await.status, Status::Exited(3));
    assert_eq!(host.container_logs("web", 1).await.unwrap(), ["fatal: exiting with code 3"]);
    host.start_container("web").await.unwrap();
    assert_eq!(inspect(&*host, "web").await.status, Status::Running);

    sandbox.inject(None, Fault::IgnoresTerm { name: name() }, 0, None).unwrap();
    host.signal_container("web", "TERM").await.unwrap();
    assert_eq!(inspect(&*host, "web").await.status, Status::Running);
    host.stop_container(&id, Some(Duration::from_secs(1))).await.unwrap();
    assert_eq!(inspect(&*host, "web").await.status, Status::Exited(137));
}

#[tokio::test]
async fn an_unhealthy_container() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    let checked = ContainerConfig {
        healthcheck: Some(Healthcheck {
            test: vec!["CMD".to_owned(), "true".to_owned()],
            interval_ms: 0,
            timeout_ms: 0,
            retries: 0,
            start_period_ms: 0,
        }),
        ..publishing(8080)
    };
    let id = run(&*host, "web", &checked).await;
    run(&*host, "other", &publishing(8081)).await;
    let fault = Fault::Unhealthy { name: "web".to_owned() };
    sandbox.inject(None, fault, 0, Some(4)).unwrap();
    assert_eq!(inspect(&*host, "web").await.health, Some(Health::Unhealthy));
    let http = |port| Probe::Http { port, path: "/".to_owned() };
    let container = Probe::Container { container: id.clone() };
    let exec = Probe::Exec { container: id, command: vec!["true".to_owned()] };
    assert_eq!(host.probe(&http(8081)).await.unwrap(), Ok(()));
    for (probe, why) in [
        (&http(8080), "http://127.0.0.1:8080/ answers 503 Service Unavailable"),
        (&Probe::Tcp { port: 8080 }, "port 8080 closes connections at once"),
        (&container, "the container is unhealthy"),
        (&exec, "the command exited with code 1"),
    ] {
        assert_eq!(host.probe(probe).await.unwrap(), Err(why.to_owned()));
    }
    assert_eq!(host.probe(&http(8080)).await.unwrap(), Ok(()));
    assert_eq!(inspect(&*host, "web").await.health, Some(Health::Healthy));
}

#[tokio::test]
async fn crashes_before_and_after_the_nth_effect() {
    for (when, made) in [(Moment::Before, 1), (Moment::After, 2)] {
        let sandbox = Sandbox::in_memory(1);
        let host = host_with_image(&sandbox).await;
        let crashes = Arc::new(AtomicU32::new(0));
        let counter = crashes.clone();
        sandbox.on_crash(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let crash = Fault::Crash { operation: None, when };
        sandbox.inject(None, crash, 1, Some(1)).unwrap();
        host.create_container("one", &web()).await.unwrap();
        host.has_image("web:1").await.unwrap();
        let error = host.create_container("two", &web()).await.unwrap_err();
        assert!(error.outcome_unknown());
        assert_eq!(sandbox.view().hosts["node1"].containers.len(), made);
        assert_eq!(crashes.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn latency() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    sandbox.inject(None, Fault::Latency { ms: 250 }, 0, Some(2)).unwrap();
    let start = tokio::time::Instant::now();
    for _ in 0..3 {
        host.has_image("web:1").await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::from_millis(500));
}

#[tokio::test]
async fn calls_are_counted() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    host.has_image("web:1").await.unwrap();
    survey(&*host, &[]).await;
    connect(&sandbox, "node2").await;
    assert_eq!(sandbox.calls(), [("node1".to_owned(), 2)].into());
}

#[test]
fn faults_are_listed_and_removed() {
    let sandbox = Sandbox::in_memory(1);
    let one = sandbox.inject(None, Fault::DiskFull, 0, None).unwrap();
    let two = sandbox.inject(Some("node1"), Fault::HostDown, 3, Some(1)).unwrap();
    let listed: Vec<u64> = sandbox.faults().iter().map(|fault| fault.id).collect();
    assert_eq!(listed, [one, two]);
    sandbox.clear_fault(one).unwrap();
    assert!(matches!(sandbox.clear_fault(one), Err(SandboxError::Unknown { .. })));
    assert!(matches!(sandbox.inject(None, Fault::DiskFull, 0, Some(0)), Err(SandboxError::Invalid { .. })));
    sandbox.clear_faults().unwrap();
    assert!(sandbox.faults().is_empty());
}

#[test]
fn operations_are_named_as_in_the_port() {
    for operation in Operation::ALL {
        assert_eq!(operation.as_str().parse(), Ok(*operation));
        assert_eq!(serde_json::to_value(operation).unwrap(), operation.as_str());
    }
    let error = "create".parse::<Operation>().unwrap_err();
    assert!(error.to_string().starts_with("there is no operation `create`; operations are connect, survey, "));
}
