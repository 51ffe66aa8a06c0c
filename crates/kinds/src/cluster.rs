//! The cluster as a target of the engine: one read for all objects, and each step to the provider of its kind.

use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::cluster::ClusterConnection;
use hactl_core::observed::Observed;
use hactl_core::{Address, DigestKey};
use hactl_engine::{Claim, Identity, Job, Produced, ReadRequest, Reading, Remains, StepError, Target, Trace};
use hactl_kube::{Cluster, ClusterError, Clusters};
use tokio::sync::OnceCell;

use crate::object::{Outage, Patient, patiently};
use crate::target::unknown_kind;
use crate::{host_aliases, object};

/// A cluster, connected to when something is asked of it first.
pub(crate) struct ClusterTarget {
    clusters: Arc<dyn Clusters>,
    connection: ClusterConnection,
    /// By what sensitive parts of objects are compared; without it they are taken to be as they were applied.
    key: Option<DigestKey>,
    open: OnceCell<Arc<dyn Cluster>>,
    outage: Outage,
}

impl ClusterTarget {
    pub(crate) fn new(clusters: Arc<dyn Clusters>, connection: ClusterConnection, key: Option<DigestKey>) -> Self {
        Self { clusters, connection, key, open: OnceCell::new(), outage: Outage::default() }
    }

    #[expect(clippy::disallowed_methods, reason = "the clusters pass points here")]
    async fn open(&self) -> Result<&dyn Cluster, ClusterError> {
        let open = self.open.get_or_try_init(|| self.clusters.connect(&self.connection)).await;
        open.map(|cluster| &**cluster)
    }
}

#[async_trait]
impl Target for ClusterTarget {
    async fn read(&self, lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, String> {
        let reading = self.look(lineage, requests).await;
        reading.map_err(|error| error.to_string())
    }

    async fn traces(&self, wanted: &[ReadRequest<'_>]) -> Result<Vec<Trace>, String> {
        let traces = async { object::traces(self.open().await?, wanted).await };
        traces.await.map_err(|error: ClusterError| error.to_string())
    }

    async fn remains(&self, lineage: &str, wanted: &[ReadRequest<'_>]) -> Result<Remains, String> {
        let remains = async { object::remains(self.open().await?, lineage, wanted).await };
        remains.await.map_err(|error: ClusterError| error.to_string())
    }

    /// Field managers and uids hold what a claim holds on hosts.
    async fn claim(&self, _claim: &Claim) -> Result<(), StepError> {
        Ok(())
    }

    async fn release(&self, _lineage: &str, _gone: &[Address]) -> Result<(), StepError> {
        Ok(())
    }

    async fn execute(&self, job: &Job<'_>) -> Result<Produced, StepError> {
        let cluster =
            patiently(job.progress, &self.outage, || self.open()).await.map_err(|error| unanswered(&error))?;
        let cluster = Patient { cluster, outage: &self.outage, progress: job.progress };
        let outputs = match kind_of(job.address) {
            Some(Kind::Object) => object::execute(cluster, job).await,
            Some(Kind::HostAliases) => host_aliases::execute(cluster, job).await,
            None => Err(unknown_kind(job.address.primitive())),
        };
        outputs.map(Produced::from)
    }
}

impl ClusterTarget {
    async fn look(&self, lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, ClusterError> {
        let cluster = self.open().await?;
        let identity = cluster.identity().await?;
        let of_kind =
            |kind| requests.iter().filter(|request| kind_of(request.address) == Some(kind)).collect::<Vec<_>>();
        let (objects, aliases) = (of_kind(Kind::Object), of_kind(Kind::HostAliases));
        let key = self.key.as_ref();
        let managers = object::managers(requests, lineage);
        let (objects, aliases) = futures_util::join!(
            object::read(cluster, lineage, &objects, &managers, key),
            host_aliases::read(cluster, lineage, &aliases, &objects, &managers, key),
        );
        let (objects, aliases) = (objects?, aliases?);
        let (mut seen_objects, mut seen_aliases) = (objects.observed.into_iter(), aliases.observed.into_iter());
        let observed = requests.iter().map(|request| {
            let seen = match kind_of(request.address) {
                Some(Kind::Object) => seen_objects.next(),
                Some(Kind::HostAliases) => seen_aliases.next(),
                None => None,
            };
            seen.unwrap_or(Observed::Absent)
        });
        Ok(Reading {
            observed: observed.collect(),
            identity: Identity { machine_id: identity.uid, engine_id: String::new() },
            refusals: objects.refusals.into_iter().chain(aliases.refusals).collect(),
            unplaced: aliases.unplaced,
            strays: objects.strays,
            warnings: objects.warnings.into_iter().chain(aliases.warnings).collect(),
            ..Reading::default()
        })
    }
}

/// The providers of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    HostAliases,
}

/// Whether a resource is on the cluster, by what it is.
pub fn is_on_cluster(address: &Address) -> bool {
    kind_of(address).is_some()
}

fn kind_of(address: &Address) -> Option<Kind> {
    match address.primitive() {
        "manifest" | "ingress" | "object" => Some(Kind::Object),
        "hostAliases" => Some(Kind::HostAliases),
        _ => None,
    }
}

fn unanswered(error: &ClusterError) -> StepError {
    StepError {
        help: Some("see that the API server runs and is reached from here, then apply again".to_owned()),
        ..StepError::new(format!("the API server does not answer: {error}"))
    }
}
