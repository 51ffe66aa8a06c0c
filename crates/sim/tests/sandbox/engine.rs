//! The sandbox's Docker Engine, operation by operation.

use std::collections::BTreeMap;

use crate::common::*;
use hactl_host::{
    ContainerConfig, EngineRequest, Health, Healthcheck, HostError, ImageRequest, MountKind, NetworkConfig,
    PortBinding, Probe, RegistryAuth, Resources, RestartPolicy, Status, VolumeConfig,
};
use hactl_sim::{Fault, Sandbox};

#[tokio::test]
async fn facts_depend_on_seed_and_name_only() {
    let one = survey(&*connect(&Sandbox::in_memory(1), "node1").await, &[]).await.facts;
    let again = survey(&*connect(&Sandbox::in_memory(1), "node1").await, &[]).await.facts;
    assert_eq!(one, again);
    assert_eq!((one.os.as_str(), one.cpus, one.memory), ("Debian GNU/Linux 12 (bookworm)", 4, 8 << 30));
    assert_eq!(one.docker_version.as_deref(), Some("24.0.7"));
    assert_eq!(one.clock_offset, 0);
    for other in [(1, "node2"), (2, "node1")] {
        let facts = survey(&*connect(&Sandbox::in_memory(other.0), other.1).await, &[]).await.facts;
        assert_ne!(facts.machine_id, one.machine_id);
        assert_ne!(facts.engine_id, one.engine_id);
    }
}

#[tokio::test]
async fn images_are_pulled_before_they_are_there() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    assert!(!host.has_image("nginx").await.unwrap());
    host.pull_image("nginx", None, &|_| ()).await.unwrap();
    for name in ["nginx", "nginx:latest", "docker.io/library/nginx:latest"] {
        assert!(host.has_image(name).await.unwrap(), "{name}");
    }
    for name in ["nginx:1", "registry.example.com:5000/nginx", "nginx@sha256:00"] {
        assert!(!host.has_image(name).await.unwrap(), "{name}");
    }
    assert!(!connect(&sandbox, "node2").await.has_image("nginx").await.unwrap());
}

#[tokio::test]
async fn a_push_moves_a_tag() {
    let sandbox = Sandbox::in_memory(1);
    let host = connect(&sandbox, "node1").await;
    let digests = async |images: &[&str], auth: Option<RegistryAuth>| {
        let wanted = |image: &&str| ImageRequest { image: (*image).to_owned(), auth: auth.clone() };
        let request = EngineRequest { images: images.iter().map(wanted).collect(), ..EngineRequest::default() };
        host.engine_survey(&request).await.unwrap().images
    };
    let before = digests(&["web:1", "web:2"], None).await;
    assert!(before["web:1"].starts_with("sha256:") && before["web:1"].len() == 7 + 64);
    assert_ne!(before["web:1"], before["web:2"]);
    sandbox.push_image("docker.io/library/web:1").unwrap();
    let after = digests(&["web:1", "web:2"], None).await;
    assert_ne!(after["web:1"], before["web:1"]);
    assert_eq!(after["web:2"], before["web:2"]);

    let (username, password) = ("ci".to_owned(), "hunter2".to_owned());
    let registry = "docker.io".to_owned();
    sandbox.inject(None, Fault::RegistryNeedsLogin { registry, username, password }, 0, None).unwrap();
    sandbox.inject(None, Fault::PullFails { image: Some("web:2".to_owned()) }, 0, None).unwrap();
    assert!(digests(&["web:1"], None).await.is_empty());
    let told = digests(&["web:1", "web:2"], Some(RegistryAuth::new("ci", "hunter2"))).await;
    assert_eq!(told.into_keys().collect::<Vec<_>>(), ["web:1"]);
}

#[tokio::test]
async fn create_wants_a_name_and_an_image() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    let absent = ContainerConfig { image: "web:2".to_owned(), ..web() };
    let error = host.create_container("web", &absent).await.unwrap_err();
    assert_eq!(error, HostError::NotFound { what: "image web:2".to_owned() });
    let error = host.create_container("-web", &web()).await.unwrap_err();
    assert!(engine_message(&error).starts_with("Invalid container name (-web)"));

    let id = host.create_container("web", &web()).await.unwrap();
    assert_eq!(id.len(), 64);
    let error = host.create_container("web", &web()).await.unwrap_err();
    assert_eq!(error, HostError::Conflict { what: "a container named web".to_owned() });

    let made = inspect(&*host, &id[..12]).await;
    assert_eq!((made.id.as_str(), made.name.as_str(), &made.status), (id.as_str(), "web", &Status::Created));
    assert_eq!((made.config.network.as_str(), made.config.restart.name.as_str()), ("bridge", "no"));
    assert_eq!(host.inspect_container("other").await.unwrap(), None);
}

#[tokio::test]
async fn a_life() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    host.create_container("web", &web()).await.unwrap();
    assert!(host.container_logs("web", 10).await.unwrap().is_empty());
    host.stop_container("web", None).await.unwrap();
    assert_eq!(inspect(&*host, "web").await.status, Status::Created);
    for _ in 0..2 {
        host.start_container("web").await.unwrap();
        assert_eq!(inspect(&*host, "web").await.status, Status::Running);
    }
    assert_eq!(host.container_logs("web", 1).await.unwrap(), ["ready"]);
    let output = host.exec("web", &["true".to_owned()]).await.unwrap();
    assert_eq!((output.code, output.output.as_str()), (0, ""));
    for _ in 0..2 {
        host.stop_container("web", None).await.unwrap();
        assert_eq!(inspect(&*host, "web").await.status, Status::Exited(0));
    }
    let error = host.exec("web", &["true".to_owned()]).await.unwrap_err();
    assert_eq!(engine_message(&error), "container web is not running");
    host.rename_container("web", "old").await.unwrap();
    host.rename_container("old", "old").await.unwrap();
    host.create_container("web", &web()).await.unwrap();
    let error = host.rename_container("old", "web").await.unwrap_err();
    assert_eq!(error, HostError::Conflict { what: "a container named web".to_owned() });
    for _ in 0..2 {
        host.remove_container("old").await.unwrap();
        host.remove_container("web").await.unwrap();
    }
    let gone = HostError::NotFound { what: "container web".to_owned() };
    assert_eq!(host.start_container("web").await.unwrap_err(), gone);
    assert_eq!(host.stop_container("web", None).await.unwrap_err(), gone);
    assert_eq!(host.rename_container("web", "x1").await.unwrap_err(), gone);
    assert_eq!(host.signal_container("web", "HUP").await.unwrap_err(), gone);
    assert_eq!(host.container_logs("web", 1).await.unwrap_err(), gone);
}

#[tokio::test]
async fn signals() {
    for (signal, status) in [
        ("HUP", Status::Running),
        ("SIGUSR1", Status::Running),
        ("TERM", Status::Exited(0)),
        ("KILL", Status::Exited(137)),
    ] {
        let host = host_with_image(&Sandbox::in_memory(1)).await;
        run(&*host, "web", &web()).await;
        host.signal_container("web", signal).await.unwrap();
        assert_eq!(inspect(&*host, "web").await.status, status, "{signal}");
    }
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    run(&*host, "web", &web()).await;
    let error = host.signal_container("web", "NONE").await.unwrap_err();
    assert_eq!(engine_message(&error), "invalid signal: NONE");
}

#[tokio::test]
async fn update_in_place() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    let id = run(&*host, "web", &web()).await;
    let resources = Resources { milli_cpus: Some(500), memory: Some(64 << 20) };
    let restart = RestartPolicy { name: "always".to_owned(), retries: 0 };
    host.update_container("web", &resources, &restart).await.unwrap();
    let updated = inspect(&*host, "web").await;
    assert_eq!((updated.id, updated.config.resources, updated.config.restart), (id, resources, restart));
    assert_eq!(updated.status, Status::Running);
}

#[tokio::test]
async fn a_port_is_bound_once() {
    let any = |port| binding(None, port);
    let on = |ip| binding(Some(ip), 8080);
    let udp = PortBinding { protocol: "udp".to_owned(), ..any(8080) };
    for (other, fails) in
        [(any(8080), true), (on("0.0.0.0"), true), (on("127.0.0.1"), true), (any(8081), false), (udp, false)]
    {
        let host = host_with_image(&Sandbox::in_memory(1)).await;
        run(&*host, "web", &publishing(8080)).await;
        let config = ContainerConfig { ports: vec![other.clone()], ..web() };
        host.create_container("two", &config).await.unwrap();
        let started = host.start_container("two").await;
        assert_eq!(started.is_err(), fails, "{other:?}");
        if let Err(error) = started {
            let message = engine_message(&error);
            let allocated = message == "Bind for 0.0.0.0:8080 failed: port is already allocated";
            assert!(allocated || message.ends_with("listen tcp4 127.0.0.1:8080: bind: address already in use"));
            assert_eq!(inspect(&*host, "two").await.status, Status::Created);
            host.stop_container("web", None).await.unwrap();
            host.start_container("two").await.unwrap();
        }
    }
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    let ip = |ip: &str| ContainerConfig { ports: vec![binding(Some(ip), 8080)], ..web() };
    run(&*host, "one", &ip("192.0.2.1")).await;
    run(&*host, "two", &ip("192.0.2.2")).await;
}

#[tokio::test]
async fn networks() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    let inside = ContainerConfig { network: "blue".to_owned(), ..web() };
    host.create_container("web", &inside).await.unwrap();
    let error = host.start_container("web").await.unwrap_err();
    assert_eq!(engine_message(&error), "network blue not found");
    host.create_network("blue", &NetworkConfig::default()).await.unwrap();
    host.start_container("web").await.unwrap();
    let again = host.create_network("blue", &NetworkConfig::default()).await;
    assert_eq!(again.unwrap_err(), HostError::Conflict { what: "a network named blue".to_owned() });
    let error = host.remove_network("blue").await.unwrap_err();
    assert!(engine_message(&error).ends_with("network blue has active endpoints"));
    host.stop_container("web", None).await.unwrap();
    for _ in 0..2 {
        host.remove_network("blue").await.unwrap();
    }
    let error = host.remove_network("bridge").await.unwrap_err();
    assert_eq!(engine_message(&error), "bridge is a pre-defined network and cannot be removed");
}

#[tokio::test]
async fn volumes() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    host.create_container("web", &mounting(MountKind::Volume, "data")).await.unwrap();
    let listed = host.engine_survey(&names_wanted(&["data"])).await.unwrap();
    assert_eq!(listed.volumes[0].config.driver, "local");
    host.create_volume("data", &VolumeConfig::default()).await.unwrap();
    let other = VolumeConfig { driver: "nfs".to_owned(), labels: BTreeMap::new() };
    assert!(matches!(host.create_volume("data", &other).await.unwrap_err(), HostError::Conflict { .. }));
    let error = host.remove_volume("data").await.unwrap_err();
    assert!(engine_message(&error).starts_with("remove data: volume is in use - ["));
    host.remove_container("web").await.unwrap();
    for _ in 0..2 {
        host.remove_volume("data").await.unwrap();
    }
}

#[tokio::test]
async fn a_bind_mount_makes_a_missing_source_a_directory() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
    host.write_file(&write("/srv/site/index.html", "hi")).await.unwrap();
    run(&*host, "good", &mounting(MountKind::Bind, "/srv/site/index.html")).await;
    assert_eq!(text(&*host, "/srv/site/index.html").await.as_deref(), Some("hi"));
    run(&*host, "socket", &mounting(MountKind::Bind, "/var/run/docker.sock")).await;
    run(&*host, "early", &mounting(MountKind::Bind, "/srv/app/conf.yaml")).await;
    let late = hactl_host::FileWrite { address: address("file.late"), ..write("/srv/app/conf.yaml", "x") };
    let error = host.write_file(&late).await.unwrap_err();
    assert!(error.to_string().contains("is a directory"), "{error}");
    host.create_container("bad", &mounting(MountKind::Bind, "/srv/site/index.html/x")).await.unwrap();
    let error = host.start_container("bad").await.unwrap_err();
    assert!(engine_message(&error).ends_with("not a directory"), "{error}");
}

#[tokio::test]
async fn what_is_listed() {
    let sandbox = Sandbox::in_memory(1);
    let host = host_with_image(&sandbox).await;
    run(&*host, "zebra", &publishing(80)).await;
    run(&*host, "alpha", &web()).await;
    sandbox.run_container("node1", "foreign", "nginx", vec![binding(None, 8080)]).unwrap();
    sandbox.run_container("node1", "wanted", "nginx", vec![binding(None, 8081)]).unwrap();
    let listed = host.engine_survey(&names_wanted(&["wanted", "alpha", "bridge"])).await.unwrap();
    let names: Vec<&str> = listed.containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["alpha", "wanted", "zebra"]);
    assert_eq!(listed.networks[0].name, "bridge");
    let foreign = [("8080/tcp", "foreign"), ("8081/tcp", "wanted")];
    assert_eq!(listed.foreign_ports, foreign.map(|(port, name)| (port.to_owned(), name.to_owned())).into());
}

#[tokio::test]
async fn probes() {
    let host = host_with_image(&Sandbox::in_memory(1)).await;
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
    let http = Probe::Http { port: 8080, path: "/".to_owned() };
    let tcp = Probe::Tcp { port: 8080 };
    let container = Probe::Container { container: "web".to_owned() };
    let exec = Probe::Exec { container: "web".to_owned(), command: vec!["true".to_owned()] };
    let closed = |port: u16| Err(format!("port {port} closes connections at once"));
    let no_answer = Err("http://127.0.0.1:8080/: the connection was closed".to_owned());
    assert_eq!(host.probe(&http).await.unwrap(), no_answer);
    assert_eq!(host.probe(&tcp).await.unwrap(), closed(8080));
    let gone = HostError::NotFound { what: "container web".to_owned() };
    assert_eq!(host.probe(&container).await.unwrap_err(), gone);
    host.create_container("web", &checked).await.unwrap();
    assert_eq!(inspect(&*host, "web").await.health, None);
    assert_eq!(host.probe(&container).await.unwrap(), Err("the container is created".to_owned()));
    host.start_container("web").await.unwrap();
    assert_eq!(inspect(&*host, "web").await.health, Some(Health::Healthy));
    for probe in [&http, &tcp, &container, &exec] {
        assert_eq!(host.probe(probe).await.unwrap(), Ok(()), "{probe:?}");
    }
    let other = Probe::Tcp { port: 9000 };
    assert_eq!(host.probe(&other).await.unwrap(), closed(9000));
    let on_host = ContainerConfig { network: "host".to_owned(), ..web() };
    run(&*host, "daemon", &on_host).await;
    assert_eq!(host.probe(&other).await.unwrap(), Ok(()));
}
