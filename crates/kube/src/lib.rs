//! One Kubernetes API server: the port that every object goes through, and its data.
//!
//! Objects are JSON as the server writes them, of whatever version it serves: nothing here knows the types of one
//! release. The sandbox implements the port as well.
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests make and damage files as they like"))]

mod error;
mod object;
mod points;
mod server;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::cluster::ClusterConnection;

pub use error::{Cause, ClusterError, FieldConflict};
pub use object::{FieldOwner, Object, ServedKind};
pub use points::with_points;
pub use server::{KubeClusters, Stream, Tunnel, server_of};

/// Opens connections to clusters.
#[async_trait]
pub trait Clusters: Send + Sync {
    /// Connects to the API server that a connection leads to. Nothing is asked of it yet but whether it answers.
    ///
    /// # Errors
    /// [`ClusterError::Unreachable`], also where the kubeconfig cannot be used.
    async fn connect(&self, connection: &ClusterConnection) -> Result<Arc<dyn Cluster>, ClusterError>;
}

/// One API server, for one run. Every operation may fail with [`ClusterError::Unreachable`] before it reached the server,
/// with [`ClusterError::Lost`] where nobody can tell whether it did, and with [`ClusterError::Forbidden`].
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Which cluster it is and what it runs.
    async fn identity(&self) -> Result<ClusterIdentity, ClusterError>;

    /// The types that the server serves of these API groups (`""` is the core group), of every version, the preferred
    /// version of a group first. Groups that it does not serve have none. Asks for each group once in a connection.
    async fn served(&self, groups: &BTreeSet<String>) -> Result<Vec<ServedKind>, ClusterError>;

    /// Forgets what was served, as after a new type was established.
    async fn forget_served(&self);

    /// The objects of a type in a namespace, or in all of them where none is given; only those with this label
    /// (`key=value`) where one is given. Large answers are read in pages.
    async fn list(
        &self,
        kind: &ServedKind,
        namespace: Option<&str>,
        label: Option<&str>,
    ) -> Result<Vec<Object>, ClusterError>;

    /// One object; none where it is not there.
    async fn get(&self, kind: &ServedKind, name: &Name<'_>) -> Result<Option<Object>, ClusterError>;

    /// Server-side apply. What the object holds is what the manager owns afterwards. With `metadata.uid` in it, only that
    /// very object is changed and none is made.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`], [`ClusterError::Invalid`], [`ClusterError::OtherObject`] where the uid is not that of
    /// the object there, [`ClusterError::Missing`] where its namespace is not there.
    async fn apply(&self, kind: &ServedKind, object: &Object, how: &Applying<'_>) -> Result<Object, ClusterError>;

    /// Asks for an object to be deleted, dependents in the background. One that is gone already, or has another uid by
    /// now, is left alone: that is no error. Finalizers may keep it there, see [`Cluster::next`].
    async fn delete(&self, kind: &ServedKind, name: &Name<'_>, uid: &str) -> Result<(), ClusterError>;

    /// Waits until an object is not as it was: a `metadata.resourceVersion` other than `seen`, or none where it is gone.
    /// Returns what there is by then, or after about half a minute what there is anyway.
    async fn next(&self, kind: &ServedKind, name: &Name<'_>, seen: &str) -> Result<Option<Object>, ClusterError>;

    /// The last lines that a container of a pod printed; of its last ended run where `previous` is set.
    async fn log(&self, pod: &Name<'_>, container: &str, previous: bool, lines: u32) -> Result<String, ClusterError>;
}

/// The name of an object of a known type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name<'a> {
    /// Its namespace; none for what is in none.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

/// How to apply an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applying<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Whether fields are taken from other managers.
    pub force: bool,
    /// Whether to answer only what would become of it.
    pub dry_run: bool,
}

/// Which cluster it is and what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// The uid of its namespace `kube-system`, which nothing else has; empty where it may not be read.
    pub uid: String,
    /// The server's version, as `v1.20.2`.
    pub version: String,
}
