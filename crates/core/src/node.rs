//! Nodes: the hosts of a stack and how to reach them.

use serde::{Deserialize, Serialize};

/// How to reach a node. State keeps it, so that a node taken out of the config can still be cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// By what means.
    pub method: Method,
    /// Host name or IP address.
    pub address: String,
    /// SSH user; the user's own ssh config decides where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// SSH port; the user's own ssh config decides where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Private key file, as it is written: a relative path starts in the config's directory, `~` is the user's home. The
    /// user's agent and ssh config decide where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_path: Option<String>,
    /// Jump host, as `[user@]host[:port]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bastion: Option<String>,
    /// What to do about a host key that is not known yet.
    #[serde(default)]
    pub host_keys: HostKeys,
    /// Docker Engine's socket on the host; `/var/run/docker.sock` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_socket: Option<String>,
}

/// By what means a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// OpenSSH.
    #[default]
    Ssh,
    /// It is this very machine.
    Local,
}

/// What to do about a host key that is not in the user's known hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// Refuse the host.
    #[default]
    Strict,
    /// Take it and remember it; refuse a key that changed.
    AcceptNew,
}
