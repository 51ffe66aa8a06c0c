//! The cluster as a target of the engine: one read for all objects, and each step to the provider of its kind.

use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::cluster::ClusterConnection;
use hactl_core::{Address, DigestKey};
use hactl_engine::{Claim, Identity, Job, Produced, ReadRequest, Reading, StepError, Target};
use hactl_kube::{Cluster, ClusterError, Clusters};
use tokio::sync::OnceCell;

use crate::object;
use crate::target::unknown_kind;

/// A cluster, connected to when something is asked of it first.
pub(crate) struct ClusterTarget {
    clusters: Arc<dyn Clusters>,
    connection: ClusterConnection,
    /// By what sensitive parts of objects are compared; without it they are taken to be as they were applied.
    key: Option<DigestKey>,
    open: OnceCell<Arc<dyn Cluster>>,
}

impl ClusterTarget {
    pub(crate) fn new(clusters: Arc<dyn Clusters>, connection: ClusterConnection, key: Option<DigestKey>) -> Self {
        Self { clusters, connection, key, open: OnceCell::new() }
    }

    async fn open(&self) -> Result<&dyn Cluster, ClusterError> {
        let open = self.open.get_or_try_init(|| self.clusters.connect(&self.connection)).await;
        open.map(|cluster| &**cluster)
    }
}

#[async_trait]
impl Target for ClusterTarget {
    async fn read(&self, lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, String> {
        let cluster = self.open().await.map_err(|error| error.to_string())?;
        let identity = cluster.identity().await.map_err(|error| error.to_string())?;
        let reading = object::read(cluster, lineage, requests, self.key.as_ref()).await;
        let reading = reading.map_err(|error| error.to_string())?;
        Ok(Reading { identity: Identity { machine_id: identity.uid, engine_id: String::new() }, ..reading })
    }

    /// Field managers and uids hold what a claim holds on hosts.
    async fn claim(&self, _claim: &Claim) -> Result<(), StepError> {
        Ok(())
    }

    async fn release(&self, _lineage: &str, _gone: &[Address]) -> Result<(), StepError> {
        Ok(())
    }

    async fn execute(&self, job: &Job<'_>) -> Result<Produced, StepError> {
        let cluster = self.open().await.map_err(object::failed)?;
        let outputs = match job.address.primitive() {
            "manifest" | "ingress" | "object" => object::execute(cluster, job).await,
            kind => Err(unknown_kind(kind)),
        };
        outputs.map(Produced::from)
    }
}
