//! What can go wrong with the sandbox itself.

use std::path::PathBuf;
use std::sync::Arc;

use hactl_effect::trouble::reason;
use hactl_host::HostError;
use hactl_kube::ClusterError;

/// Why the sandbox cannot do what was asked. What goes wrong *in* it, on the hosts it plays, is a [`HostError`] or a [`ClusterError`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum SandboxError {
    /// A file of the sandbox cannot be read or written.
    #[error("cannot {operation} {}: {}", path.display(), reason(source))]
    File {
        /// As in `read`.
        operation: &'static str,
        /// Which file.
        path: PathBuf,
        /// The operating system's answer.
        source: Arc<std::io::Error>,
    },
    /// A file of the sandbox holds something that hactl did not write there.
    #[error("{}{} is damaged: {reason}", path.display(), line.map(|line| format!(" (line {line})")).unwrap_or_default())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1, where it has lines.
        line: Option<usize>,
        /// As a clause.
        reason: String,
    },
    /// The sandbox was written by a newer hactl.
    #[error("{} has format {found}, and this hactl knows formats up to {known}", path.display())]
    NewerFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest known one.
        known: u64,
    },
    /// Another process is changing the sandbox.
    #[error("another hactl is using the sandbox in {}", directory.display())]
    Busy {
        /// The sandbox's directory.
        directory: PathBuf,
    },
    /// There is nothing of this name in the sandbox.
    #[error("there is no {what} in the sandbox")]
    Unknown {
        /// As in `container web on host node1`.
        what: String,
        /// Names like it that exist, nearest first.
        near: Vec<String>,
    },
    /// An argument has no meaning.
    #[error("{what}: {reason}")]
    Invalid {
        /// The argument.
        what: String,
        /// As a clause.
        reason: String,
    },
    /// The simulated host refuses.
    #[error("{host}: {source}")]
    Host {
        /// The host's name.
        host: String,
        /// Why.
        source: HostError,
    },
    /// The simulated API server refuses.
    #[error("kubernetes: {source}")]
    Cluster {
        /// Why.
        source: ClusterError,
    },
}

impl SandboxError {
    /// What the user can do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::File { .. } => Some("check the permissions and the free space of the sandbox's directory".to_owned()),
            Self::Damaged { .. } => Some("run `hactl sandbox reset` to start with an empty fleet".to_owned()),
            Self::NewerFormat { .. } => {
                Some("use a newer hactl, or run `hactl sandbox reset` to start with an empty fleet".to_owned())
            }
            Self::Busy { .. } => Some("wait until it has ended, then run the command again".to_owned()),
            Self::Unknown { near, .. } if near.is_empty() => {
                Some("`hactl sandbox show` lists what there is".to_owned())
            }
            Self::Unknown { near, .. } => Some(format!("did you mean {}?", near.join(" or "))),
            Self::Invalid { .. } | Self::Cluster { .. } => None,
            Self::Host { source, .. } => source.help().map(str::to_owned),
        }
    }

    pub(crate) fn file(operation: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { operation, path: path.into(), source: Arc::new(source) }
    }

    /// Nothing is called this; the names there are serve for the help.
    pub(crate) fn unknown<'a>(what: String, name: &str, names: impl Iterator<Item = &'a str>) -> Self {
        let mut near: Vec<(usize, &str)> = names
            .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
            .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 4))
            .collect();
        near.sort_unstable();
        Self::Unknown { what, near: near.into_iter().take(3).map(|(_, name)| name.to_owned()).collect() }
    }
}
