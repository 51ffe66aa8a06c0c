//! How a stack's state is kept in git, as its config says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is done with git when a state is written. Where there is no git repository, nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Git {
    /// Whether the state is committed after each run that wrote it.
    pub commit: bool,
    /// Whether what was committed is pushed; then a run also begins with a look at the remote.
    pub push: bool,
    /// The name of the remote.
    pub remote: String,
    /// The remote's branch that is pushed to; none for the one with the name of the current branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// For how long a lease is valid after its holder was last heard of.
    pub lease_duration: Duration,
}

impl Default for Git {
    fn default() -> Self {
        Self {
            commit: true,
            push: false,
            remote: "origin".to_owned(),
            branch: None,
            lease_duration: Duration::from_secs(300),
        }
    }
}
