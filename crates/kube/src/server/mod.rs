//! A real API server, spoken to over HTTP with kube's credentials and TLS.
//!
//! Requests are made here and not by kube's typed interface: whether a connection broke before or after the server could
//! have acted decides between "not done" and "unknown".

mod call;
mod discovery;
mod kubeconfig;
mod road;
mod status;
#[cfg(test)]
mod tests;
mod trouble;
mod watch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::cluster::ClusterConnection;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::error::ClusterError;
use crate::object::{Object, ServedKind};
use crate::{Applying, Cluster, ClusterIdentity, Clusters, Name};
use call::{Answer, Call, Sender, encoded};
use discovery::Discovery;
use kubeconfig::{Environment, Names};
pub use road::{Stream, Tunnel};

/// The most objects in one answer.
const PAGE: usize = 500;
/// How often a list is begun again whose next page the server has forgotten.
const LIST_TRIES: usize = 3;
/// The most watches at a time. They hold connections beside those of requests.
const WATCHES: usize = 32;
/// The most bytes of a log.
const LOG_LIMIT: usize = 1024 * 1024;

/// Connects to real API servers.
pub struct KubeClusters {
    directory: PathBuf,
    tunnel: Tunnel,
}

impl KubeClusters {
    /// Relative paths of kubeconfigs begin in `directory`; `tunnel` makes the connections that go through a node.
    pub fn new(directory: PathBuf, tunnel: Tunnel) -> Self {
        Self { directory, tunnel }
    }
}

/// The URL of the API server that a connection leads to, as its kubeconfig has it; nothing is asked of it. Relative paths
/// begin in `directory`.
///
/// # Errors
/// What is wrong with the kubeconfig, as a clause: it cannot be read, or has no such context.
pub fn server_of(connection: &ClusterConnection, directory: &Path) -> Result<String, String> {
    kubeconfig::read(connection, directory, &Environment::read()).map(|access| access.names.server)
}

#[async_trait]
impl Clusters for KubeClusters {
    async fn connect(&self, connection: &ClusterConnection) -> Result<Arc<dyn Cluster>, ClusterError> {
        let (directory, tunnel, connection) = (self.directory.clone(), self.tunnel.clone(), connection.clone());
        let making = tokio::task::spawn_blocking(move || {
            let access = kubeconfig::read(&connection, &directory, &Environment::read())?;
            let (client, names) = road::client(access, connection.via.map(|via| (tunnel, via)))?;
            let Names { server, source, through } = &names;
            tracing::debug!(server, source, ?through, "API server");
            Ok(Sender::new(client, names))
        });
        let made = making.await.unwrap_or_else(|error| Err(format!("reading the kubeconfig was cut short: {error}")));
        let sender = made.map_err(|reason| ClusterError::Unreachable { reason })?;
        let answer = sender.send(Call::get("/version")).await?;
        let code = answer.code();
        if code >= 500 || code == 400 {
            let (server, said) = (&sender.names().server, status::message(code, answer.body()));
            let reason = format!("{server} does not answer as an API server does (HTTP {code}): {said}");
            return Err(ClusterError::Unreachable { reason });
        }
        Ok(Arc::new(KubeCluster { sender, discovery: Discovery::default(), watches: Semaphore::new(WATCHES) }))
    }
}

/// One real API server.
struct KubeCluster {
    sender: Sender,
    discovery: Discovery,
    watches: Semaphore,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    metadata: ListMetadata,
    items: Vec<Object>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListMetadata {
    r#continue: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

impl KubeCluster {
    async fn look(&self, kind: &ServedKind, name: &Name<'_>) -> Result<Option<Object>, ClusterError> {
        let answer = self.sender.send(Call::get(path(kind, name))).await?;
        if answer.code() == 404 { Ok(None) } else { answer.json().map(Some) }
    }

    async fn uid(&self) -> Result<String, ClusterError> {
        let answer = self.sender.send(Call::get("/api/v1/namespaces/kube-system")).await?;
        match answer.code() {
            403 | 404 => Ok(String::new()),
            _ => answer.json().map(|namespace: Object| namespace.uid().to_owned()),
        }
    }

    async fn version(&self) -> Result<String, ClusterError> {
        let version: Version = self.sender.send(Call::get("/version")).await?.json()?;
        Ok(version.git_version)
    }

    /// All pages; none where the server has forgotten a next one.
    async fn pages(&self, collection: &str, label: &str) -> Result<Result<Vec<Object>, Answer>, ClusterError> {
        let mut objects = Vec::new();
        let mut next = String::new();
        loop {
            let after = if next.is_empty() { String::new() } else { format!("&continue={}", encoded(&next)) };
            let answer = self.sender.send(Call::get(format!("{collection}?limit={PAGE}{label}{after}"))).await?;
            if answer.code() == 410 {
                return Ok(Err(answer));
            }
            let page: List = answer.json()?;
            objects.extend(page.items);
            next = page.metadata.r#continue;
            if next.is_empty() {
                return Ok(Ok(objects));
            }
        }
    }
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn identity(&self) -> Result<ClusterIdentity, ClusterError> {
        let (version, uid) = tokio::join!(self.version(), self.uid());
        Ok(ClusterIdentity { uid: uid?, version: version? })
    }

    async fn served(&self, groups: &BTreeSet<String>) -> Result<Vec<ServedKind>, ClusterError> {
        self.discovery.served(&self.sender, groups).await
    }

    async fn forget_served(&self) {
        self.discovery.forget().await;
    }

    async fn list(
        &self,
        kind: &ServedKind,
        namespace: Option<&str>,
        label: Option<&str>,
    ) -> Result<Vec<Object>, ClusterError> {
        let collection = collection(kind, namespace);
        let label = label.map(|label| format!("&labelSelector={}", encoded(label))).unwrap_or_default();
        let mut tries = 1;
        loop {
            match self.pages(&collection, &label).await? {
                Ok(objects) => return Ok(objects.into_iter().map(|object| typed(object, kind)).collect()),
                Err(forgotten) if tries == LIST_TRIES => return Err(forgotten.error()),
                Err(_) => tries += 1,
            }
        }
    }

    async fn get(&self, kind: &ServedKind, name: &Name<'_>) -> Result<Option<Object>, ClusterError> {
        self.look(kind, name).await
    }

    async fn apply(&self, kind: &ServedKind, object: &Object, how: &Applying<'_>) -> Result<Object, ClusterError> {
        let name = Name { namespace: object.namespace(), name: object.name() };
        let path = format!(
            "{}?fieldManager={}&force={}&fieldValidation=Strict{}",
            path(kind, &name),
            encoded(how.manager),
            how.force,
            if how.dry_run { "&dryRun=All" } else { "" },
        );
        let changes = (!how.dry_run).then(|| format!("applying {object:?}"));
        let is_secret = kind.group.is_empty() && kind.kind == "Secret";
        let text = serde_json::to_vec(object).map_err(|error| ClusterError::Invalid {
            message: format!("it cannot be written as JSON: {error}"),
            causes: Vec::new(),
        })?;
        self.sender.send(Call::apply(path, text, is_secret, changes)).await?.json()
    }

    async fn delete(&self, kind: &ServedKind, name: &Name<'_>, uid: &str) -> Result<(), ClusterError> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        });
        let place = name.namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let changes = format!("deleting {} {place}{}", kind.kind, name.name);
        let answer = self.sender.send(Call::delete(path(kind, name), options.to_string().into(), changes)).await?;
        if answer.is_success() || answer.code() == 404 {
            return Ok(());
        }
        match answer.error() {
            ClusterError::OtherObject => Ok(()),
            error => Err(error),
        }
    }

    async fn next(&self, kind: &ServedKind, name: &Name<'_>, seen: &str) -> Result<Option<Object>, ClusterError> {
        watch::next(self, kind, name, seen).await
    }

    async fn log(&self, pod: &Name<'_>, container: &str, previous: bool, lines: u32) -> Result<String, ClusterError> {
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&tailLines={lines}&limitBytes={LOG_LIMIT}&previous={previous}",
            encoded(pod.namespace.unwrap_or("default")),
            encoded(pod.name),
            encoded(container),
        );
        let answer = self.sender.send(Call::get(path)).await?;
        if answer.is_success() {
            return Ok(String::from_utf8_lossy(answer.body()).into_owned());
        }
        Err(answer.error())
    }
}

/// The path of a type's objects.
fn collection(kind: &ServedKind, namespace: Option<&str>) -> String {
    let root = discovery::root(&kind.group, &kind.version);
    let plural = encoded(&kind.plural);
    match namespace.filter(|_| kind.namespaced) {
        Some(namespace) => format!("{root}/namespaces/{}/{plural}", encoded(namespace)),
        None => format!("{root}/{plural}"),
    }
}

/// The path of an object.
fn path(kind: &ServedKind, name: &Name<'_>) -> String {
    format!("{}/{}", collection(kind, name.namespace), encoded(name.name))
}

/// With its type, which servers leave out in lists.
fn typed(mut object: Object, kind: &ServedKind) -> Object {
    if !object.0.contains_key("kind") {
        object.0.shift_insert(0, "apiVersion".to_owned(), kind.api_version().into());
        object.0.shift_insert(1, "kind".to_owned(), kind.kind.clone().into());
    }
    object
}
