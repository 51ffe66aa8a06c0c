//! What the tests of the sandbox share.

use std::sync::Arc;

use hactl_core::Address;
use hactl_core::node::{Connection, HostKeys, Method};
use hactl_host::{
    Claim, Container, ContainerConfig, EngineRequest, FileRemoval, FileRequest, FileStat, FileWrite, Fleet as _, Host,
    HostError, Mount, MountKind, PortBinding, Survey, SurveyRequest, labels,
};
use hactl_sim::Sandbox;

pub(crate) const OURS: &str = "11111111-ours";
pub(crate) const THEIRS: &str = "22222222-theirs";

pub(crate) fn connection() -> Connection {
    Connection {
        method: Method::Ssh,
        address: "192.0.2.1".to_owned(),
        user: Some("ops".to_owned()),
        port: None,
        key_path: None,
        bastion: None,
        host_keys: HostKeys::Strict,
        docker_socket: None,
    }
}

pub(crate) async fn connect(sandbox: &Sandbox, node: &str) -> Arc<dyn Host> {
    sandbox.connect(node, &connection()).await.unwrap()
}

/// A host that has the image `web:1`.
pub(crate) async fn host_with_image(sandbox: &Sandbox) -> Arc<dyn Host> {
    let host = connect(sandbox, "node1").await;
    host.pull_image("web:1", None, &|_| {}).await.unwrap();
    host
}

pub(crate) fn web() -> ContainerConfig {
    ContainerConfig {
        image: "web:1".to_owned(),
        labels: [(labels::LINEAGE.to_owned(), OURS.to_owned())].into(),
        ..ContainerConfig::default()
    }
}

pub(crate) fn publishing(port: u16) -> ContainerConfig {
    ContainerConfig { ports: vec![binding(None, port)], ..web() }
}

pub(crate) fn mounting(kind: MountKind, source: &str) -> ContainerConfig {
    ContainerConfig {
        mounts: vec![Mount {
            kind,
            source: source.to_owned(),
            target: "/data".to_owned(),
            read_only: false,
            options: Vec::new(),
        }],
        ..web()
    }
}

pub(crate) fn binding(ip: Option<&str>, port: u16) -> PortBinding {
    PortBinding { ip: ip.map(str::to_owned), host: port, container: 80, protocol: "tcp".to_owned() }
}

/// Creates and starts; answers the id.
pub(crate) async fn run(host: &dyn Host, name: &str, config: &ContainerConfig) -> String {
    let id = host.create_container(name, config).await.unwrap();
    host.start_container(&id).await.unwrap();
    id
}

pub(crate) async fn inspect(host: &dyn Host, name: &str) -> Container {
    host.inspect_container(name).await.unwrap().unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(crate) fn write(path: &str, content: &str) -> FileWrite {
    FileWrite {
        path: path.to_owned(),
        content: content.as_bytes().into(),
        mode: "0644".to_owned(),
        owner: None,
        group: None,
        lineage: OURS.to_owned(),
        address: address("file.site[\"node1\"]"),
        adopt: false,
        owned: false,
        tmpfs: false,
    }
}

pub(crate) fn removal(path: &str) -> FileRemoval {
    FileRemoval {
        path: path.to_owned(),
        lineage: OURS.to_owned(),
        address: address("file.site[\"node1\"]"),
        owned: false,
    }
}

pub(crate) fn claim(parent_serial: u64, serial: u64) -> Claim {
    Claim {
        lineage: OURS.to_owned(),
        stack: "demo".to_owned(),
        parent_serial,
        serial,
        moves: Vec::new(),
        addresses: vec![address("file.site[\"node1\"]")],
    }
}

pub(crate) async fn survey(host: &dyn Host, paths: &[&str]) -> Survey {
    let file = |path: &&str| FileRequest {
        path: (*path).to_owned(),
        fetch_unless: Some(hactl_core::Digest::sha256(b"something else")),
    };
    let request =
        SurveyRequest { lineage: OURS.to_owned(), files: paths.iter().map(file).collect(), ..SurveyRequest::default() };
    host.survey(&request).await.unwrap()
}

pub(crate) async fn file(host: &dyn Host, path: &str) -> Option<FileStat> {
    survey(host, &[path]).await.files.remove(path)
}

pub(crate) async fn text(host: &dyn Host, path: &str) -> Option<String> {
    file(host, path).await.and_then(|file| file.text)
}

pub(crate) fn names_wanted(names: &[&str]) -> EngineRequest {
    EngineRequest {
        lineage: OURS.to_owned(),
        containers: names.iter().map(|name| (*name).to_owned()).collect(),
        networks: names.iter().map(|name| (*name).to_owned()).collect(),
        volumes: names.iter().map(|name| (*name).to_owned()).collect(),
        images: Vec::new(),
    }
}

pub(crate) fn engine_message(error: &HostError) -> &str {
    match error {
        HostError::Engine { message, .. } => message,
        other => panic!("not an engine error: {other}"),
    }
}
