//! The port [`Cluster`] on the simulated cluster. Each operation is one call, where faults strike, with one pure decision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hactl_core::cluster::{CLUSTER, ClusterConnection};
use hactl_kube::{Applying, Cluster, ClusterError, ClusterIdentity, Clusters, Name, Object, ServedKind};

use crate::cluster::scene::{ClusterScene, Decision};
use crate::cluster::{deletion, reading, types, writing};
use crate::faults::{Fault, Operation};
use crate::sandbox::Sandbox;
use crate::world::{PortError, Subject, World};

/// How long [`Cluster::next`] waits for a change, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(30);
const PERIOD: Duration = Duration::from_millis(100);

/// The sandbox's API server.
struct SimulatedCluster {
    sandbox: Sandbox,
    /// What was served of the groups that were asked for, until it is forgotten.
    served: Mutex<BTreeMap<String, Vec<ServedKind>>>,
}

#[async_trait]
impl Clusters for Sandbox {
    async fn connect(&self, _connection: &ClusterConnection) -> Result<Arc<dyn Cluster>, ClusterError> {
        let cluster = SimulatedCluster { sandbox: self.clone(), served: Mutex::default() };
        cluster.call(Operation::Connect, "", |_| unchanged(())).await?;
        Ok(Arc::new(cluster))
    }
}

#[async_trait]
impl Cluster for SimulatedCluster {
    async fn identity(&self) -> Result<ClusterIdentity, ClusterError> {
        self.call(Operation::Identity, "", |scene| unchanged(reading::identity(scene))).await
    }

    async fn served(&self, groups: &BTreeSet<String>) -> Result<Vec<ServedKind>, ClusterError> {
        let unknown = |served: &BTreeMap<String, Vec<ServedKind>>| -> BTreeSet<String> {
            groups.iter().filter(|group| !served.contains_key(*group)).cloned().collect()
        };
        let asked = unknown(&self.served.lock().unwrap_or_else(PoisonError::into_inner));
        if !asked.is_empty() {
            let found = self.call(Operation::Served, "", |scene| unchanged(reading::served(scene, &asked))).await?;
            let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
            for group in asked {
                let kinds = found.iter().filter(|kind| kind.group == group).cloned().collect();
                served.entry(group).or_insert(kinds);
            }
        }
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(groups.iter().filter_map(|group| served.get(group)).flatten().cloned().collect())
    }

    async fn forget_served(&self) {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn list(
        &self,
        kind: &ServedKind,
        namespace: Option<&str>,
        label: Option<&str>,
    ) -> Result<Vec<Object>, ClusterError> {
        let decide = |scene: &ClusterScene<'_>| unchanged(reading::list(scene, kind, namespace, label)?);
        self.call(Operation::List, &kind.kind, decide).await
    }

    async fn get(&self, kind: &ServedKind, name: &Name<'_>) -> Result<Option<Object>, ClusterError> {
        let decide = |scene: &ClusterScene<'_>| unchanged(reading::get(scene, kind, name)?);
        self.call(Operation::Get, &address(kind, name), decide).await
    }

    async fn apply(&self, kind: &ServedKind, object: &Object, how: &Applying<'_>) -> Result<Object, ClusterError> {
        let name = Name { namespace: object.namespace(), name: object.name() };
        let operation = if how.dry_run { Operation::DryRun } else { Operation::Apply };
        let decide = |scene: &ClusterScene<'_>| {
            let (answer, changes) = writing::apply(scene, kind, object, how)?;
            Ok((answer, if how.dry_run { Vec::new() } else { changes }))
        };
        self.call(operation, &address(kind, &name), decide).await
    }

    async fn delete(&self, kind: &ServedKind, name: &Name<'_>, uid: &str) -> Result<(), ClusterError> {
        let decide = |scene: &ClusterScene<'_>| deletion::delete(scene, kind, name, uid);
        self.call(Operation::Delete, &address(kind, name), decide).await
    }

    async fn next(&self, kind: &ServedKind, name: &Name<'_>, seen: &str) -> Result<Option<Object>, ClusterError> {
        let look = |scene: &ClusterScene<'_>| unchanged(reading::get(scene, kind, name)?);
        let mut found = self.call(Operation::Next, &address(kind, name), look).await?;
        let mut waited = Duration::ZERO;
        while waited < PATIENCE && found.as_ref().map_or("", Object::resource_version) == seen {
            tokio::time::sleep(PERIOD).await;
            waited += PERIOD;
            found = self.sandbox.world().on_cluster(|scene| reading::get(scene, kind, name))?;
        }
        Ok(found)
    }

    async fn log(&self, pod: &Name<'_>, container: &str, previous: bool, lines: u32) -> Result<String, ClusterError> {
        let decide = |scene: &ClusterScene<'_>| unchanged(reading::log(scene, pod, container, previous, lines)?);
        let subject = types::address("", "Pod", pod.namespace.unwrap_or_default(), pod.name);
        self.call(Operation::Log, &subject, decide).await
    }
}

impl SimulatedCluster {
    async fn call<T: Send>(
        &self,
        operation: Operation,
        subject: &str,
        decide: impl FnOnce(&ClusterScene<'_>) -> Decision<T> + Send,
    ) -> Result<T, ClusterError> {
        let decide = |world: &mut World, _: &[Fault]| world.decide_on_cluster(decide);
        self.sandbox.call(CLUSTER, operation, Subject::Other(subject), decide).await
    }
}

impl PortError for ClusterError {
    fn unreachable(reason: String) -> Self {
        Self::Unreachable { reason }
    }

    fn lost(operation: Operation, subject: &str) -> Self {
        let doing = match operation {
            Operation::Apply => "applying",
            Operation::Delete => "deleting",
            _ => "asking for",
        };
        // `Deployment/shop/web` is one in messages of the port: `Deployment shop/web`.
        Self::Lost { operation: format!("{doing} {}", subject.replacen('/', " ", 1)) }
    }

    fn refused(operation: Operation, subject: &str) -> Self {
        let verb = match operation {
            Operation::Apply | Operation::DryRun => "patch",
            Operation::Delete => "delete",
            Operation::List => "list",
            Operation::Log => "get the log of",
            _ => "get",
        };
        Self::Forbidden { message: format!("User \"sandbox\" cannot {verb} {subject}: refused by a fault") }
    }
}

/// An answer that changes nothing.
fn unchanged<T>(answer: T) -> Decision<T> {
    Ok((answer, Vec::new()))
}

fn address(kind: &ServedKind, name: &Name<'_>) -> String {
    types::address(&kind.group, &kind.kind, name.namespace.unwrap_or_default(), name.name)
}
