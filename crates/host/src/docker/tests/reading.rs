//! Lists, streams and names.

use std::collections::BTreeMap;

use crate::container::{Health, Status};
use crate::docker::images::ImageName;
use crate::docker::progress::Progress;
use crate::docker::streams::{Frames, Tail};
use crate::docker::tests::engine::{CannedEngine, Reply, ok, refuse};
use crate::survey::{EngineRequest, ImageRequest};

/// Ours, one of the wanted name in a state nobody knows, one that vanishes, and two of others in Podman's manner.
const CONTAINERS: &str = r#"[
    {"Id":"a1","Names":["/other/alias","/web"],"Labels":{"io.hactl.lineage":"L"},"State":"running","New":{"x":1},
     "Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"}]},
    {"Id":"b2","Names":["/db"],"Labels":null,"State":"levitating","Ports":null},
    {"Id":"c3","Names":["/gone"],"Labels":{"io.hactl.lineage":"L"},"State":"removing","Ports":[]},
    {"Id":"d4","Names":["/proxy"],"Labels":{},"State":"running","NetworkSettings":null,"Mounts":null,
     "Ports":[{"IP":"::","PrivatePort":53,"PublicPort":5353,"Type":"udp"},{"PrivatePort":80,"Type":"tcp"}]},
    {"Id":"e5","Names":["/idle"],"Labels":{},"State":"exited","Ports":[{"PublicPort":8081,"Type":"tcp"}]}
]"#;

const WEB: &str = r#"{"Id":"a1","Name":"/web",
    "State":{"Status":"running","Health":{"Status":"healthy","FailingStreak":0}},
    "Config":{"Image":"web:1","Env":["A=b=c","EMPTY="],"Cmd":null,"Labels":{"io.hactl.lineage":"L"},"StopSignal":15},
    "HostConfig":{"NetworkMode":"default","Binds":null,"RestartPolicy":{"Name":""}}}"#;

const DB: &str = r#"{"Id":"b2","Name":"db","State":{"Status":"levitating"},"Config":{},"HostConfig":{},"Pod":""}"#;

#[tokio::test]
async fn a_survey_shows_what_is_ours_or_wanted_and_who_holds_ports() {
    let engine = CannedEngine::new(|request, _| match request {
        "GET /v1.41/containers/json?all=1" => ok(CONTAINERS),
        "GET /v1.41/networks" => ok(r#"[{"Name":"blue","Driver":"bridge","Labels":null},{"Name":"red","Driver":"x"}]"#),
        "GET /v1.41/volumes" => ok(r#"{"Volumes":null,"Warnings":null}"#),
        "GET /v1.41/containers/a1/json" => ok(WEB),
        "GET /v1.41/containers/b2/json" => ok(DB),
        "GET /v1.41/containers/c3/json" => refuse(404, "No such container: c3"),
        "GET /v1.41/distribution/web:1/json" => ok(r#"{"Descriptor":{"digest":"sha256:abc"}}"#),
        "GET /v1.41/distribution/gone:1/json" => refuse(404, "manifest unknown"),
        other => panic!("{other}"),
    });
    let request = EngineRequest {
        lineage: "L".to_owned(),
        containers: vec!["db".to_owned(), "absent".to_owned()],
        networks: vec!["blue".to_owned()],
        volumes: vec!["data".to_owned()],
        images: vec![
            ImageRequest { image: "web:1".to_owned(), auth: None },
            ImageRequest { image: "gone:1".to_owned(), auth: None },
        ],
    };
    let survey = engine.docker.engine_survey(&request).await.unwrap();
    assert_eq!(survey.images, BTreeMap::from([("web:1".to_owned(), "sha256:abc".to_owned())]));
    let [db, web] = survey.containers.as_slice() else { panic!("{:?}", survey.containers) };
    assert_eq!((db.name.as_str(), &db.status), ("db", &Status::Other("levitating".to_owned())));
    assert_eq!((web.name.as_str(), &web.status, web.health), ("web", &Status::Running, Some(Health::Healthy)));
    assert_eq!(web.config.env["A"], "b=c");
    assert_eq!(web.config.network, "bridge");
    assert_eq!(web.config.restart.name, "no");
    assert_eq!(survey.networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>(), ["blue"]);
    assert!(survey.volumes.is_empty());
    assert_eq!(survey.foreign_ports, [("5353/udp".to_owned(), "proxy".to_owned())].into());
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_empty_host() {
    let engine = CannedEngine::new(|request, _| match request {
        "GET /v1.41/containers/json?all=1" => ok(r#"[{"Id":"a1","Names":["/web"],"Labels":{"password":["hunter2"]}}]"#),
        _ => ok("[]"),
    });
    let error = engine.docker.engine_survey(&EngineRequest::default()).await.unwrap_err().to_string();
    assert_eq!(error, "engine survey: hactl does not understand the engine's answer: `[0].Labels.password` is wrong");
}

#[tokio::test]
async fn logs_are_unframed_where_there_is_a_terminal() {
    let framed = "\u{1}\0\0\0\0\0\0\u{4}one\n\u{2}\0\0\0\0\0\0\u{4}two\n";
    let engine = CannedEngine::new(move |request, _| match request {
        "GET /v1.41/containers/web/json" => ok(WEB),
        "GET /v1.41/containers/tty/json" => ok(&WEB.replace(r#""Cmd":null"#, r#""Tty":true"#)),
        "GET /v1.41/containers/web/logs?stdout=1&stderr=1&tail=2" => ok(framed),
        "GET /v1.41/containers/tty/logs?stdout=1&stderr=1&tail=1" => ok("one\r\ntwo\r\n"),
        _ => Reply::Json(404, r#"{"message":"No such container: nope"}"#.to_owned()),
    });
    assert_eq!(engine.docker.container_logs("web", 2).await.unwrap(), ["one", "two"]);
    assert_eq!(engine.docker.container_logs("tty", 1).await.unwrap(), ["two"]);
    let error = engine.docker.container_logs("nope", 1).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no container nope on the host");
}

#[test]
fn frames_may_be_cut_anywhere() {
    let stream = b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x05 two\n";
    for size in 1..=stream.len() {
        let (mut frames, mut printed) = (Frames::default(), Vec::new());
        for piece in stream.chunks(size) {
            frames.feed(piece, |bytes| printed.extend_from_slice(bytes));
        }
        assert_eq!(printed, b"one two\n", "in pieces of {size}");
    }
}

#[test]
fn a_tail_keeps_the_end() {
    let mut tail = Tail::of(4);
    for piece in ["ab", "cdefghij", "k"] {
        tail.push(piece.as_bytes());
    }
    assert_eq!(tail.text(), "hijk");
}

#[test]
fn progress_counts_layers_and_megabytes() {
    let mut progress = Progress::default();
    assert_eq!(progress.text(), None);
    let lines = r#"{"status":"Pulling from library/web","id":"1.0"}
{"status":"Already exists","progressDetail":{},"id":"a"}
{"status":"Pulling fs layer","progressDetail":{},"id":"b"}
{"status":"Waiting","id":"c"}
{"status":"Downloading","progressDetail":{"current":12400000,"total":30000000},"progress":"[==>  ]","id":"b"}
{"status":"Downloading","progressDetail":{"current":1,"total":10000000},"id":"c"}
not JSON
"#;
    for piece in lines.as_bytes().chunks(7) {
        progress.feed(piece).unwrap();
    }
    assert_eq!(progress.text().unwrap(), "1 of 3 layers, 12 of 40 MB");
    progress
        .feed(b"{\"status\":\"Download complete\",\"id\":\"b\"}\n{\"status\":\"Pull complete\",\"id\":\"c\"}\n")
        .unwrap();
    assert_eq!(progress.text().unwrap(), "2 of 3 layers, 40 of 40 MB");
    assert_eq!(progress.finish(), Ok(()));
}

#[test]
fn a_failed_pull_is_found_in_the_last_line() {
    let mut progress = Progress::default();
    progress.feed(br#"{"error":"toomanyrequests"}"#).unwrap();
    assert_eq!(progress.finish(), Err("toomanyrequests".to_owned()));
}

#[test]
fn names_of_images_are_taken_apart() {
    let cases = [
        ("web", "web", "latest", "https://index.docker.io/v1/"),
        ("library/web:1.0", "library/web", "1.0", "https://index.docker.io/v1/"),
        ("docker.io/team/web", "docker.io/team/web", "latest", "https://index.docker.io/v1/"),
        ("localhost/web", "localhost/web", "latest", "localhost"),
        ("node1:5000/web", "node1:5000/web", "latest", "node1:5000"),
        ("node1:5000/team/web:1.0", "node1:5000/team/web", "1.0", "node1:5000"),
        ("reg.example.com/web@sha256:aa", "reg.example.com/web", "sha256:aa", "reg.example.com"),
        ("reg.example.com:443/web:1.0@sha256:aa", "reg.example.com:443/web", "sha256:aa", "reg.example.com:443"),
    ];
    for (image, repository, version, registry) in cases {
        let name = ImageName::parse(image);
        assert_eq!(name, ImageName { repository, version }, "{image}");
        assert_eq!(name.registry(), registry, "{image}");
    }
}
