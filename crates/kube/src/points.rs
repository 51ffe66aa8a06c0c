//! Points around every call of the ports, at which tests kill a run.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::cluster::{CLUSTER, ClusterConnection};
use hactl_effect::point;

use crate::{Applying, Cluster, ClusterError, ClusterIdentity, Clusters, Name, Object, ServedKind};

/// Clusters that pass a [point](hactl_effect::point) before and after every call of them and of their servers. In builds
/// without debug assertions they are the clusters themselves.
pub fn with_points(clusters: Arc<dyn Clusters>) -> Arc<dyn Clusters> {
    if cfg!(debug_assertions) { Arc::new(Pointed(clusters)) } else { clusters }
}

struct Pointed<T: ?Sized>(Arc<T>);

#[async_trait]
impl Clusters for Pointed<dyn Clusters> {
    #[expect(clippy::disallowed_methods, reason = "it stands between whoever connects and the clusters")]
    async fn connect(&self, connection: &ClusterConnection) -> Result<Arc<dyn Cluster>, ClusterError> {
        point::pass("clusters.connect", &CLUSTER);
        let cluster = self.0.connect(connection).await?;
        point::pass("clusters.connect, done", &CLUSTER);
        Ok(Arc::new(Pointed(cluster)))
    }
}

/// Every operation of the port, with a point before and one after it.
macro_rules! cluster_with_points {
    ($(fn $operation:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Cluster for Pointed<dyn Cluster> {
            $(
                async fn $operation(&self $(, $argument: $type)*) -> $answer {
                    point::pass(concat!("cluster.", stringify!($operation)), &CLUSTER);
                    let answer = self.0.$operation($($argument),*).await;
                    point::pass(concat!("cluster.", stringify!($operation), ", done"), &CLUSTER);
                    answer
                }
            )*
        }
    };
}

type Answer<T> = Result<T, ClusterError>;

cluster_with_points! {
    fn identity(&self) -> Answer<ClusterIdentity>;
    fn served(&self, groups: &BTreeSet<String>) -> Answer<Vec<ServedKind>>;
    fn forget_served(&self) -> ();
    fn list(&self, kind: &ServedKind, namespace: Option<&str>, label: Option<&str>) -> Answer<Vec<Object>>;
    fn get(&self, kind: &ServedKind, name: &Name<'_>) -> Answer<Option<Object>>;
    fn apply(&self, kind: &ServedKind, object: &Object, how: &Applying<'_>) -> Answer<Object>;
    fn delete(&self, kind: &ServedKind, name: &Name<'_>, uid: &str) -> Answer<()>;
    fn next(&self, kind: &ServedKind, name: &Name<'_>, seen: &str) -> Answer<Option<Object>>;
    fn log(&self, pod: &Name<'_>, container: &str, previous: bool, lines: u32) -> Answer<String>;
}
