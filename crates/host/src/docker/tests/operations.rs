//! What the engine's answers mean for each operation.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::container::{ContainerConfig, ExecOutput, NetworkConfig, Resources, RestartPolicy, Status, VolumeConfig};
use crate::docker::tests::engine::{CannedEngine, Reply, ok, refuse};
use crate::error::HostError;
use crate::registry::RegistryAuth;

const ID: &str = "326522aaab13b4457924498a8675bd11883e93e2dbb58a75330c3983e6057090";

fn engine_error(operation: &str, message: &str) -> HostError {
    HostError::Engine { operation: operation.to_owned(), message: message.to_owned() }
}

fn not_found(what: &str) -> HostError {
    HostError::NotFound { what: what.to_owned() }
}

fn conflict(what: &str) -> HostError {
    HostError::Conflict { what: what.to_owned() }
}

/// A container as inspect shows it, with nothing that is not needed.
fn inspected(name: &str, status: &str) -> Reply {
    let state = serde_json::json!({"Status": status, "ExitCode": 0});
    let shown =
        serde_json::json!({"Id": ID, "Name": format!("/{name}"), "State": state, "Config": {}, "HostConfig": {}});
    Reply::Json(200, shown.to_string())
}

#[tokio::test]
async fn creating_tells_a_missing_image_from_a_taken_name() {
    let web = ContainerConfig { image: "web:1".to_owned(), ..ContainerConfig::default() };
    let answers = [
        (refuse(404, "No such image: web:1"), Err(not_found("image web:1"))),
        (
            refuse(409, r#"Conflict. The container name "/web" is already in use by container "3265"."#),
            Err(conflict("a container named web")),
        ),
        (refuse(404, "network blue not found"), Err(engine_error("create container web", "network blue not found"))),
        (refuse(409, "conflicting options"), Err(engine_error("create container web", "conflicting options"))),
        (Reply::Json(500, "boom\n".to_owned()), Err(engine_error("create container web", "boom"))),
        (Reply::Json(502, String::new()), Err(engine_error("create container web", "HTTP 502"))),
        (Reply::Json(201, format!(r#"{{"Id":"{ID}","Warnings":null}}"#)), Ok(ID.to_owned())),
    ];
    for (answer, expected) in answers {
        let answer = Mutex::new(Some(answer));
        let engine = CannedEngine::new(move |_, _| answer.lock().unwrap().take().unwrap());
        assert_eq!(engine.docker.create_container("web", &web).await, expected);
    }
}

#[tokio::test]
async fn a_refused_environment_is_not_shown() {
    let engine = CannedEngine::new(|_, _| refuse(400, "invalid environment variable: =hunter2"));
    let config = ContainerConfig { env: [(String::new(), "hunter2".to_owned())].into(), ..ContainerConfig::default() };
    let error = engine.docker.create_container("web", &config).await.unwrap_err();
    assert_eq!(error, engine_error("create container web", "an environment variable has no name"));
}

#[tokio::test]
async fn what_is_done_already_is_fine() {
    let engine = CannedEngine::new(|request, _| match request {
        "POST /v1.41/containers/web/start" | "POST /v1.41/containers/web/stop?t=3" => Reply::Json(304, String::new()),
        "DELETE /v1.41/containers/web?force=1&v=1" => refuse(404, "No such container: web"),
        "DELETE /v1.41/networks/blue" => refuse(404, "network blue not found"),
        "DELETE /v1.41/volumes/data" => refuse(404, "get data: no such volume"),
        other => panic!("{other}"),
    });
    assert_eq!(engine.docker.start_container("web").await, Ok(()));
    assert_eq!(engine.docker.stop_container("web", Some(Duration::from_secs(3))).await, Ok(()));
    assert_eq!(engine.docker.remove_container("web").await, Ok(()));
    assert_eq!(engine.docker.remove_network("blue").await, Ok(()));
    assert_eq!(engine.docker.remove_volume("data").await, Ok(()));
}

#[tokio::test]
async fn not_everything_missing_at_a_start_is_the_container() {
    let engine = CannedEngine::new(|request, _| {
        if request.contains("/nope/") {
            refuse(404, "No such container: nope")
        } else {
            refuse(404, "network blue not found")
        }
    });
    assert_eq!(engine.docker.start_container("nope").await, Err(not_found("container nope")));
    let refused = Err(engine_error("start container 326522aaab13", "network blue not found"));
    assert_eq!(engine.docker.start_container(ID).await, refused);
}

#[tokio::test]
async fn renaming_to_the_own_name_is_fine() {
    let engine = CannedEngine::new(|request, _| match request {
        "POST /v1.41/containers/web/rename?name=web" => refuse(400, "Renaming a container with the same name"),
        "POST /v1.41/containers/web/rename?name=db" => refuse(409, r#"The container name "/db" is already in use"#),
        "GET /v1.41/containers/web/json" => inspected("web", "running"),
        _ => refuse(404, "No such container: nope"),
    });
    assert_eq!(engine.docker.rename_container("web", "web").await, Ok(()));
    assert_eq!(engine.docker.rename_container("web", "db").await, Err(conflict("a container named db")));
    assert_eq!(engine.docker.rename_container("nope", "db").await, Err(not_found("container nope")));
}

#[tokio::test]
async fn an_engine_may_have_no_request_for_updates() {
    let engine = CannedEngine::new(|request, _| match request {
        "GET /v1.41/containers/web/json" => inspected("web", "running"),
        "POST /v1.41/containers/web/update" => Reply::Json(404, "Not Found\n".to_owned()),
        _ => refuse(404, "No such container: nope"),
    });
    let message = "the engine cannot change limits or the restart policy of a container in place";
    let (resources, restart) = (Resources::default(), RestartPolicy { name: "no".to_owned(), retries: 0 });
    let updated = engine.docker.update_container("web", &resources, &restart).await;
    assert_eq!(updated, Err(engine_error("update container web", message)));
    let updated = engine.docker.update_container("nope", &resources, &restart).await;
    assert_eq!(updated, Err(not_found("container nope")));
}

#[tokio::test]
async fn podman_has_words_of_its_own_for_what_does_not_run() {
    let engine = CannedEngine::new(|request, _| {
        let status = request.trim_start_matches("GET /v1.41/containers/").trim_end_matches("/json");
        inspected("web", status)
    });
    for (word, status) in [("stopped", Status::Exited(0)), ("initialized", Status::Created)] {
        assert_eq!(engine.docker.inspect_container(word).await.unwrap().unwrap().status, status);
    }
}

#[tokio::test]
async fn a_removal_in_progress_is_waited_for() {
    let looks = AtomicUsize::new(0);
    let engine = CannedEngine::new(move |request, _| {
        if request.starts_with("DELETE") {
            refuse(409, "removal of container web is already in progress")
        } else if looks.fetch_add(1, Ordering::Relaxed) < 2 {
            inspected("web", "removing")
        } else {
            refuse(404, "No such container: web")
        }
    });
    assert_eq!(engine.docker.remove_container("web").await, Ok(()));
    assert_eq!(engine.requests().iter().filter(|request| request.ends_with("web/json")).count(), 3);
}

#[tokio::test]
async fn taken_names_of_networks_and_volumes_are_conflicts() {
    let engine = CannedEngine::new(|_, body| {
        if body.contains(r#""Name":"bridge""#) {
            refuse(403, "operation is not permitted on predefined bridge network ")
        } else if body.contains(r#""Name":"host""#) {
            // Podman's words.
            refuse(500, r#"cannot create network with name "host" because it conflicts with a valid network mode"#)
        } else if body.contains(r#""Name":"bad""#) {
            refuse(404, r#"plugin "bad" not found"#)
        } else {
            refuse(409, "it already exists")
        }
    });
    let network = NetworkConfig::default();
    for name in ["bridge", "host", "blue"] {
        let expected = Err(conflict(&format!("a network named {name}")));
        assert_eq!(engine.docker.create_network(name, &network).await, expected);
    }
    let refused = Err(engine_error("create network bad", r#"plugin "bad" not found"#));
    assert_eq!(engine.docker.create_network("bad", &network).await, refused);
    let taken = Err(conflict("a volume named data with another driver"));
    assert_eq!(engine.docker.create_volume("data", &VolumeConfig::default()).await, taken);
}

#[tokio::test]
async fn a_command_ends_with_its_code_and_output() {
    let looks = AtomicUsize::new(0);
    let engine = CannedEngine::new(move |request, _| match request {
        "POST /v1.41/containers/web/exec" => Reply::Json(201, r#"{"Id":"e1"}"#.to_owned()),
        "POST /v1.41/exec/e1/start" => ok("\u{1}\0\0\0\0\0\0\u{3}hi\n\u{2}\0\0\0\0\0\0\u{4}bad\n"),
        "GET /v1.41/exec/e1/json" if looks.fetch_add(1, Ordering::Relaxed) == 0 => {
            ok(r#"{"Running":true,"ExitCode":null}"#)
        }
        "GET /v1.41/exec/e1/json" => ok(r#"{"Running":false,"ExitCode":3}"#),
        _ => refuse(409, "Container is not running"),
    });
    let command = ["run".to_owned()];
    let output = ExecOutput { code: 3, output: "hi\nbad\n".to_owned() };
    assert_eq!(engine.docker.exec("web", &command).await, Ok(output));
    let why = "the command exited with code 3".to_owned();
    assert_eq!(engine.docker.probe_exec("web", &command).await, Ok(Err(why)));
    let refused = Err(engine_error("exec db", "Container is not running"));
    assert_eq!(engine.docker.exec("db", &command).await, refused);
}

#[tokio::test]
async fn a_command_whose_engine_goes_away_is_in_doubt() {
    let engine = CannedEngine::new(|request, _| match request {
        "POST /v1.41/containers/web/exec" => Reply::Json(201, r#"{"Id":"e1"}"#.to_owned()),
        "POST /v1.41/exec/e1/start" => ok(""),
        _ => Reply::Close,
    });
    let lost = Err(HostError::Lost { operation: "exec web".to_owned() });
    assert_eq!(engine.docker.exec("web", &["run".to_owned()]).await, lost);
}

#[tokio::test]
async fn a_probe_tells_why_not() {
    let engine = CannedEngine::new(|request, _| {
        if request.ends_with("/exec") { refuse(409, "Container is paused") } else { inspected("web", "paused") }
    });
    let why = Ok(Err("the container is paused".to_owned()));
    assert_eq!(engine.docker.probe_container("web").await, why);
    assert_eq!(engine.docker.probe_exec("web", &["run".to_owned()]).await, why);
}

#[tokio::test]
async fn a_pull_can_fail_within_an_answer_of_status_200() {
    let line = r#"{"status":"Pulling from web","id":"1"}"#;
    let words = "no space left on device";
    let failed = format!("{line}\r\n{{\"errorDetail\":{{\"message\":\"{words}\"}},\"error\":\"{words}\"}}\r\n");
    let cut = format!("{line}\r\n");
    let engine = CannedEngine::new(move |request, _| match request {
        "POST /v1.41/images/create?fromImage=full&tag=1" => ok(&failed),
        "POST /v1.41/images/create?fromImage=cut&tag=latest" => Reply::Cut(cut.clone()),
        _ => refuse(404, "manifest for web:1 not found: manifest unknown: manifest unknown"),
    });
    let pull = |image: &'static str| engine.docker.pull_image(image, None, &|_| {});
    assert_eq!(pull("full:1").await, Err(engine_error("pull image full:1", words)));
    assert_eq!(pull("cut").await, Err(HostError::Lost { operation: "pull image cut".to_owned() }));
    let unknown = "manifest for web:1 not found: manifest unknown: manifest unknown";
    assert_eq!(pull("web:1").await, Err(engine_error("pull image web:1", unknown)));
}

#[tokio::test]
async fn pulls_of_one_image_are_shared_but_not_failures_of_other_credentials() {
    let engine = CannedEngine::new(|request, _| {
        if request.contains("private") { refuse(500, "unauthorized") } else { ok("{\"status\":\"Pull complete\"}") }
    });
    let auth = RegistryAuth::new("ops", "secret");
    let pull = |image: &'static str, auth| engine.docker.pull_image(image, auth, &|_| {});
    let (one, two) = tokio::join!(pull("web", None), pull("web", Some(&auth)));
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(engine.requests().iter().filter(|request| request.contains("fromImage=web")).count(), 1);
    let (one, two, three) =
        tokio::join!(pull("private", None), pull("private", Some(&auth)), pull("private", Some(&auth)));
    assert!(one.is_err() && two.is_err() && three.is_err());
    assert_eq!(engine.requests().iter().filter(|request| request.contains("fromImage=private")).count(), 2);
    assert_eq!(pull("web", None).await, Ok(()));
    assert_eq!(engine.requests().iter().filter(|request| request.contains("fromImage=web")).count(), 2);
}
