//! What a case sees: a host behind the port, names of its own, and hands that do things behind hactl's back.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hactl_core::node::{Connection, HostKeys, Method};
use hactl_core::{Address, Digest};
use hactl_host::{
    Claim, Container, ContainerConfig, EngineRequest, FileRemoval, FileRequest, FileStat, FileWrite, Fleet, Host,
    HostError, Inventory, PortBinding, Survey, SurveyRequest, labels,
};

use crate::suite::Stage;

/// The user of the most cases, who may do everything.
pub(crate) const OPS: &str = "ops";

/// The host that a case runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The node's name in the stack.
    pub(crate) node: &'static str,
    pub(crate) address: &'static str,
    /// The engine's socket, where it is not Docker's own.
    pub(crate) socket: Option<&'static str>,
}

/// The world of one case.
pub(crate) struct World {
    /// Unique: it is in the name of everything that the case makes.
    pub(crate) id: String,
    pub(crate) hands: Box<dyn Hands>,
    fleet: Arc<dyn Fleet>,
    place: Place,
    first_port: u16,
    host: OnceLock<Arc<dyn Host>>,
}

/// What somebody does on the host by hand.
pub(crate) trait Hands {
    /// Writes a file with its parents.
    fn put_file(&self, path: &str, content: &[u8], mode: &str, owner: &str, group: &str);
    fn remove_file(&self, path: &str);
    fn make_directory(&self, path: &str);
    /// SHA-256 of a file; none where there is no file.
    fn digest(&self, path: &str) -> Option<Digest>;
    fn is_directory(&self, path: &str) -> bool;
    /// Runs a container that no stack knows of.
    fn run_container(&self, name: &str, port: &PortBinding);
    /// Loses what the host remembers of a stack.
    fn remove_inventory(&self, lineage: &str);
    /// Sees to it that a container of this name behaves as its image does on a real host.
    fn behave(&self, container: &str, image: Image);
    /// A path that a running [`Image::Web`] of this name does not serve.
    fn missing_page(&self, container: &str) -> String;
    /// An image that the host does not have and its registry does.
    fn fresh_image(&self) -> String;
    /// An image that its registry does not have.
    fn missing_image(&self) -> String;
    /// Removes what carries the world's id.
    fn clean(&self, id: &str);
}

/// The images of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    /// Serves HTTP on port 80.
    Web,
    /// Prints two lines and exits with [`Image::EXIT_CODE`] at once.
    Exits,
    /// Ignores its stop signal.
    Stubborn,
    /// Has a healthcheck that fails.
    Unhealthy,
    /// A shell and its tools.
    Busybox,
}

impl Image {
    pub(crate) const EXIT_CODE: i64 = 3;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Web => "172.30.0.2:5000/web:1.0",
            Self::Exits => "172.30.0.2:5000/exits:1.0",
            Self::Stubborn => "172.30.0.2:5000/stubborn:1.0",
            Self::Unhealthy => "172.30.0.2:5000/unhealthy:1.0",
            Self::Busybox => "busybox:1.36",
        }
    }
}

impl World {
    /// How many ports a case has for itself.
    const PORTS: u16 = 4;

    pub(crate) fn new(id: &str, index: u16, fleet: Arc<dyn Fleet>, place: Place, hands: Box<dyn Hands>) -> Self {
        // Below those that kernels give to outgoing connections, and apart from those of another run of the suite.
        let run = u16::try_from(std::process::id() % 30).unwrap_or_default();
        let first_port = 10_000 + run * 700 + index * Self::PORTS;
        Self { id: id.to_owned(), hands, fleet, place, first_port, host: OnceLock::new() }
    }

    pub(crate) async fn connect_as(&self, user: &str) -> Result<Arc<dyn Host>, HostError> {
        let connection = Connection {
            method: Method::Ssh,
            address: self.place.address.to_owned(),
            user: Some(user.to_owned()),
            port: None,
            key_path: None,
            bastion: None,
            host_keys: HostKeys::Strict,
            docker_socket: self.place.socket.map(str::to_owned),
        };
        self.fleet.connect(self.place.node, &connection).await
    }

    /// The host as [`OPS`].
    pub(crate) fn host(&self) -> &dyn Host {
        &**self.host.get().expect("the case runs after connecting")
    }

    /// A name on the host that no other case has.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }

    /// A directory on the host that no other case has; missing at first.
    pub(crate) fn directory(&self) -> String {
        format!("/srv/{}", self.id)
    }

    /// A path below [`World::directory`].
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}/{path}", self.directory())
    }

    /// One of [`World::PORTS`] ports on the host that no other case has, counted from 0.
    pub(crate) fn port(&self, number: u16) -> u16 {
        assert!(number < Self::PORTS);
        self.first_port + number
    }

    /// A binding of that port to port 80 of a container.
    pub(crate) fn binding(&self, number: u16) -> PortBinding {
        PortBinding { ip: None, host: self.port(number), container: 80, protocol: "tcp".to_owned() }
    }

    pub(crate) fn lineage(&self) -> String {
        self.id.clone()
    }

    /// Another stack on the same host.
    pub(crate) fn other_lineage(&self) -> String {
        format!("{}-other", self.id)
    }

    pub(crate) fn claim(&self, parent_serial: u64, serial: u64, addresses: &[&str]) -> Claim {
        Claim {
            lineage: self.lineage(),
            stack: "contract".to_owned(),
            parent_serial,
            serial,
            moves: Vec::new(),
            addresses: addresses.iter().map(|text| address(text)).collect(),
        }
    }

    /// A write of `file.site["node1"]`, which is not in state and does not adopt.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> FileWrite {
        FileWrite {
            path: path.to_owned(),
            content: content.as_ref().into(),
            mode: "0644".to_owned(),
            owner: None,
            group: None,
            lineage: self.lineage(),
            address: address(SITE),
            adopt: false,
            owned: false,
            tmpfs: false,
        }
    }

    /// A removal of `file.site["node1"]`, which is not in state.
    pub(crate) fn removal(&self, path: &str) -> FileRemoval {
        FileRemoval { path: path.to_owned(), lineage: self.lineage(), address: address(SITE), owned: false }
    }

    /// Looks at files; the content is fetched.
    pub(crate) async fn survey(&self, paths: &[&str]) -> Survey {
        let file = |path: &&str| FileRequest {
            path: (*path).to_owned(),
            fetch_unless: Some(Digest::sha256(b"nothing that a case writes")),
        };
        let request = SurveyRequest {
            lineage: self.lineage(),
            files: paths.iter().map(file).collect(),
            ..SurveyRequest::default()
        };
        self.host().survey(&request).await.unwrap()
    }

    pub(crate) async fn stat(&self, path: &str) -> Option<FileStat> {
        self.survey(&[path]).await.files.remove(path)
    }

    pub(crate) async fn text(&self, path: &str) -> Option<String> {
        self.stat(path).await.and_then(|stat| stat.text)
    }

    pub(crate) async fn inventory(&self) -> Option<Inventory> {
        self.survey(&[]).await.inventory
    }

    /// The least that makes a container of an image, with the stack's label. The host has the image afterwards.
    pub(crate) async fn config(&self, image: Image) -> ContainerConfig {
        if !self.host().has_image(image.name()).await.unwrap() {
            self.host().pull_image(image.name(), None, &|_| ()).await.unwrap();
        }
        ContainerConfig {
            image: image.name().to_owned(),
            labels: BTreeMap::from([(labels::LINEAGE.to_owned(), self.lineage())]),
            // Tests do not wait the ten seconds that Docker gives a container to stop.
            stop_grace_period: Some(1),
            ..ContainerConfig::default()
        }
    }

    /// Creates and starts a container of an image; answers its id.
    pub(crate) async fn run(&self, name: &str, image: Image) -> String {
        self.hands.behave(name, image);
        let config = self.config(image).await;
        self.run_as(name, &config).await
    }

    /// Creates and starts a container; answers its id.
    pub(crate) async fn run_as(&self, name: &str, config: &ContainerConfig) -> String {
        let id = self.host().create_container(name, config).await.unwrap();
        self.host().start_container(&id).await.unwrap();
        id
    }

    /// Fails the case unless a message has these words: Docker Engine's, or Podman's where the host runs Podman.
    pub(crate) fn assert_says(&self, message: &str, docker: &str, podman: &str) {
        let words = if self.place.socket.is_some() { podman } else { docker };
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }

    pub(crate) async fn inspect(&self, name: &str) -> Container {
        self.host().inspect_container(name).await.unwrap().expect("the container is there")
    }

    /// Asks the engine for what is the stack's and for these names.
    pub(crate) fn wanted(&self, names: &[&str]) -> EngineRequest {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        EngineRequest {
            lineage: self.lineage(),
            containers: names.clone(),
            networks: names.clone(),
            volumes: names,
            images: Vec::new(),
        }
    }
}

impl Stage for World {
    async fn open(&self) {
        let host = self.connect_as(OPS).await.unwrap();
        let _ = self.host.set(host);
    }

    async fn close(&self) {
        self.hands.clean(&self.id);
    }
}

/// The file of the most cases.
pub(crate) const SITE: &str = "file.site[\"node1\"]";

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(crate) fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

/// The engine's words; any other error fails the case.
pub(crate) fn engine_words<T: std::fmt::Debug>(result: Result<T, HostError>) -> String {
    match result {
        Err(HostError::Engine { message, .. }) => message,
        other => panic!("expected a refusal of the engine, got {other:?}"),
    }
}

/// The reason why a file operation failed; any other error fails the case.
pub(crate) fn file_reason<T: std::fmt::Debug>(result: Result<T, HostError>) -> String {
    match result {
        Err(HostError::File { reason, .. }) => reason,
        other => panic!("expected a failed file operation, got {other:?}"),
    }
}

/// What is in the way; any other error fails the case.
pub(crate) fn conflict<T: std::fmt::Debug>(result: Result<T, HostError>) -> String {
    match result {
        Err(HostError::Conflict { what }) => what,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

/// What is absent; any other error fails the case.
pub(crate) fn not_found<T: std::fmt::Debug>(result: Result<T, HostError>) -> String {
    match result {
        Err(HostError::NotFound { what }) => what,
        other => panic!("expected that something is not found, got {other:?}"),
    }
}
