//! Versions, and connections that fail.

use crate::container::ContainerConfig;
use crate::docker::tests::engine::{CannedEngine, Reply, VERSION, ok};
use crate::docker::{Docker, EngineFacts, EngineFailure};
use crate::error::HostError;

const INFO: &str = r#"{"ID":"AAAA:BBBB","DockerRootDir":"/var/lib/docker","Warnings":null}"#;

#[tokio::test]
async fn about_says_what_the_engine_is() {
    let engine = CannedEngine::new(|_, _| ok(INFO));
    let facts = engine.docker.about().await.unwrap();
    assert_eq!(
        facts,
        EngineFacts {
            version: "20.10.24".to_owned(),
            id: Some("AAAA:BBBB".to_owned()),
            data_root: "/var/lib/docker".to_owned()
        }
    );
}

#[tokio::test]
async fn podman_has_no_id() {
    let engine = CannedEngine::bare(|request, _| match request {
        "GET /version" => ok(
            r#"{"Version":"4.3.1","ApiVersion":"1.41","MinAPIVersion":"1.24","Components":[{"Name":"Podman Engine"}]}"#,
        ),
        _ => ok(INFO),
    });
    let facts = engine.docker.about().await.unwrap();
    assert_eq!((facts.version.as_str(), facts.id), ("4.3.1", None));
}

#[tokio::test]
async fn the_version_is_asked_for_once() {
    let engine = CannedEngine::new(|_, _| Reply::Json(404, String::new()));
    let look = |image: &'static str| engine.docker.has_image(image);
    let (one, two, three) = tokio::join!(look("a"), look("b"), look("c"));
    assert_eq!((one, two, three), (Ok(false), Ok(false), Ok(false)));
    assert_eq!(engine.docker.has_image("registry:5000/d@sha256:1").await, Ok(false));
    let mut requests = engine.requests();
    requests.sort();
    assert_eq!(
        requests,
        [
            "GET /v1.41/images/a/json",
            "GET /v1.41/images/b/json",
            "GET /v1.41/images/c/json",
            "GET /v1.41/images/registry:5000/d@sha256:1/json",
            "GET /version"
        ]
    );
}

#[tokio::test]
async fn an_engine_that_wants_a_newer_api_gets_it() {
    let engine = CannedEngine::bare(|request, _| match request {
        "GET /version" => ok(r#"{"Version":"29.0.0","ApiVersion":"1.52","MinAPIVersion":"1.44"}"#),
        _ => ok("{}"),
    });
    assert_eq!(engine.docker.has_image("a").await, Ok(true));
    assert_eq!(engine.requests()[1], "GET /v1.44/images/a/json");
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_refused() {
    let engine = CannedEngine::bare(|_, _| ok(r#"{"Version":"18.09.1","ApiVersion":"1.39","MinAPIVersion":"1.12"}"#));
    let reason = "its API is 1.39, hactl needs 1.41 (Docker Engine 20.10)".to_owned();
    assert_eq!(engine.docker.has_image("a").await, Err(HostError::EngineUnusable { reason }));
}

#[tokio::test]
async fn an_absent_engine_is_told_from_one_that_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("docker.sock");
    let shown = socket.display().to_string();
    let ask = || async { Docker::at(socket.clone()).has_image("a").await };
    let reason = format!("there is no Docker Engine at {shown}");
    assert_eq!(ask().await, Err(HostError::EngineUnusable { reason }));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let reason = format!("it does not run: nothing listens at {shown}");
    assert_eq!(ask().await, Err(HostError::EngineUnusable { reason }));
}

#[test]
fn a_socket_that_the_user_may_not_use_is_said_so() {
    let error = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let error = crate::docker::client::no_connection("/var/run/docker.sock".as_ref(), &error);
    let reason = "the user may not use /var/run/docker.sock".to_owned();
    assert_eq!(error, HostError::EngineUnusable { reason });
}

#[tokio::test]
async fn a_forwarded_socket_with_nothing_behind_is_silent() {
    let engine = CannedEngine::bare(|_, _| Reply::Close);
    assert!(matches!(engine.docker.about().await, Err(EngineFailure::Silent { .. })));
    assert!(matches!(engine.docker.has_image("a").await, Err(HostError::EngineUnusable { .. })));
}

#[tokio::test]
async fn after_a_failure_the_version_is_asked_for_again() {
    let first = std::sync::atomic::AtomicBool::new(true);
    let engine = CannedEngine::bare(move |request, _| match request {
        "GET /version" if first.swap(false, std::sync::atomic::Ordering::Relaxed) => Reply::Close,
        "GET /version" => ok(VERSION),
        _ => ok(INFO),
    });
    assert!(engine.docker.about().await.is_err());
    assert!(engine.docker.about().await.is_ok());
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_changes_in_doubt_and_looks_undone() {
    let engine = CannedEngine::new(|_, _| Reply::Close);
    let created = engine.docker.create_container("web", &ContainerConfig::default()).await;
    assert_eq!(created, Err(HostError::Lost { operation: "create container web".to_owned() }));
    let Err(HostError::EngineUnusable { reason }) = engine.docker.inspect_container("web").await else {
        panic!("a look that broke was answered");
    };
    assert!(reason.starts_with("the connection to Docker Engine broke during inspect container web: "), "{reason}");
}

#[tokio::test]
async fn an_engine_that_says_nothing_is_not_waited_for_forever() {
    let engine = CannedEngine::new(|request, _| if request.ends_with("/info") { ok(INFO) } else { Reply::Silence });
    engine.docker.about().await.unwrap();
    tokio::time::pause();
    let reason = "Docker Engine did not answer within 30 s (inspect container web)".to_owned();
    assert_eq!(engine.docker.inspect_container("web").await, Err(HostError::Unreachable { reason }));
    let operation = "start container web (no answer within 120 s)".to_owned();
    assert_eq!(engine.docker.start_container("web").await, Err(HostError::Lost { operation }));
}
