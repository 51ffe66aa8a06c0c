//! What can go wrong with a host.

use crate::BlockWrite;

/// Why an operation on a host failed. The node's name is added by whoever reports it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The host does not answer or does not let us in; nothing was done.
    #[error("the host cannot be reached: {reason}")]
    Unreachable {
        /// As a clause: `connection timed out after 10 s`.
        reason: String,
    },
    /// The connection broke while the operation ran; whether it took effect is unknown.
    #[error("the connection was lost during {operation}; whether it took effect is not known")]
    Lost {
        /// As in `create container web`.
        operation: String,
    },
    /// Docker Engine is absent, too old, or refuses this user.
    #[error("Docker Engine cannot be used: {reason}")]
    EngineUnusable {
        /// As a clause.
        reason: String,
    },
    /// Docker Engine refused the operation.
    #[error("{operation}: {message}")]
    Engine {
        /// As in `create container web`.
        operation: String,
        /// The engine's own words.
        message: String,
    },
    /// The name is taken by something that is not ours.
    #[error("{what} already exists on the host and is not managed by this stack")]
    Conflict {
        /// As in `a container named web`.
        what: String,
    },
    /// There is no such container, network, volume or image.
    #[error("there is no {what} on the host")]
    NotFound {
        /// As in `container web`.
        what: String,
    },
    /// A file operation failed.
    #[error("{operation} {path}: {reason}")]
    File {
        /// As in `write`.
        operation: &'static str,
        /// The path on the host.
        path: String,
        /// As a clause: `no space left on device`.
        reason: String,
    },
    /// The host was last touched from a newer state than the one at hand.
    #[error("the host was last changed at serial {host} of this stack's state, and the state at hand is serial {ours}")]
    Fenced {
        /// The serial that the host remembers.
        host: u64,
        /// The serial at hand.
        ours: u64,
    },
}

impl HostError {
    /// Whether the operation may have taken effect.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    /// What the user can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => {
                Some("check that the host is up and that `ssh` reaches it, then run the command again")
            }
            Self::Lost { .. } => Some("run `hactl apply` again: it looks at the host first and goes on from there"),
            Self::EngineUnusable { .. } => {
                Some("install Docker Engine 20.10 or newer on the host and add the SSH user to the group docker")
            }
            Self::Conflict { .. } => {
                Some("rename the resource, remove what is there, or take it over with `adopt: true`")
            }
            Self::Fenced { .. } => {
                Some("get the newest state (git pull) before you apply; another operator has applied since")
            }
            Self::File { reason, .. } if reason.contains("space") => Some("free some disk space on the host"),
            Self::File { reason, .. } if reason.contains("read-only") => Some(
                "it is made by the system's own configuration (as on NixOS) or its disk is mounted so: change it there",
            ),
            Self::File { reason, .. } if reason == BlockWrite::MOUNTED => {
                Some("make it an ordinary file, or leave this host out of `nodes`")
            }
            Self::File { reason, .. } if reason == BlockWrite::HELD => {
                Some("put the lines into that file resource, or let the block go")
            }
            Self::Engine { message, .. } => engine_help(message),
            Self::NotFound { .. } | Self::File { .. } => None,
        }
    }
}

/// What the user can do about a refusal of Docker Engine, by its own words.
fn engine_help(message: &str) -> Option<&'static str> {
    const UNREACHABLE: &str = "look whether the image's registry is running and can be reached from the host";
    const KNOWN: &[(&str, &str)] = &[
        ("no space left", "free some disk space on the host, as with `docker system prune`"),
        ("port is already allocated", "stop what listens there, or publish another port"),
        ("manifest unknown", "look at the image's name and tag, and whether it was pushed"),
        ("manifest for", "look at the image's name and tag, and whether it was pushed"),
        (
            "pull access denied",
            "look at the image's name; where it is private, give the credentials under `registries`",
        ),
        ("no basic auth credentials", "give the credentials for this registry in the config, under `registries`"),
        ("no such host", "look at the image's registry: the host does not know this name"),
        ("connection refused", UNREACHABLE),
        ("no route to host", UNREACHABLE),
        ("i/o timeout", UNREACHABLE),
        ("Client.Timeout exceeded", UNREACHABLE),
        ("address already in use", "stop what listens there, or publish another port"),
        ("cannot change limits", "have the container made anew: apply with `--replace` and its address"),
        ("unauthorized", "look at the credentials for this registry in the config, under `registries`"),
    ];
    let other = "look at the engine's log on the host, as with `journalctl -u docker`, then run the command again";
    Some(KNOWN.iter().find(|(words, _)| message.contains(words)).map_or(other, |(_, help)| *help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_tells_that_anything_can_be_taken_over() {
        let help = HostError::Conflict { what: "a container named web".to_owned() }.help();
        assert_eq!(help, Some("rename the resource, remove what is there, or take it over with `adopt: true`"));
    }
}
