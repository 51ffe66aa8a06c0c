//! What the log is told of the engine, and what it is not.

use crate::container::ContainerConfig;
use crate::docker::tests::engine::{CannedEngine, Reply, ok, refuse};
use crate::logged::logged;
use crate::registry::RegistryAuth;

const SECRET: &str = "correct-horse-battery";

#[tokio::test]
async fn requests_are_told_without_what_they_hold() {
    let engine = CannedEngine::new(|request, _| match request {
        "POST /v1.41/images/create?fromImage=web&tag=1" => ok("{}"),
        "POST /v1.41/containers/create?name=web" => Reply::Json(201, r#"{"Id":"web"}"#.to_owned()),
        "POST /v1.41/containers/web/exec" => Reply::Json(201, r#"{"Id":"e1"}"#.to_owned()),
        "POST /v1.41/exec/e1/start" => ok(SECRET),
        "GET /v1.41/exec/e1/json" => ok(r#"{"Running":false,"ExitCode":3}"#),
        "DELETE /v1.41/networks/blue" => Reply::Close,
        _ => refuse(500, SECRET),
    });
    let docker = &engine.docker;
    let log = logged(async {
        let config = ContainerConfig {
            image: "web:1".to_owned(),
            env: [("PASSWORD".to_owned(), SECRET.to_owned())].into(),
            ..ContainerConfig::default()
        };
        docker.pull_image("web:1", Some(&RegistryAuth::new("ops", SECRET)), &|_| {}).await.unwrap();
        docker.create_container("web", &config).await.unwrap();
        docker.exec("web", &["check --fast".to_owned(), SECRET.to_owned()]).await.unwrap();
        docker.start_container("web").await.unwrap_err();
        docker.remove_network("blue").await.unwrap_err();
    })
    .await;
    for part in [
        "DEBUG hactl_host::docker::client: Docker Engine answered method=POST path=\"/images/create\" status=200 elapsed=",
        "method=POST path=\"/containers/create\" status=201 elapsed=",
        "running a command container=\"web\" program=\"check\"",
        "command ended container=\"web\" program=\"check\" code=3",
        "method=POST path=\"/containers/web/start\" status=500 elapsed=",
        "DEBUG hactl_host::docker::client: Docker Engine did not answer method=DELETE path=\"/networks/blue\" why=",
    ] {
        assert!(log.contains(part), "{part} is not in\n{log}");
    }
    assert!(!log.contains(SECRET), "{log}");
}
