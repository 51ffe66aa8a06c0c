//! What is asked of a host when it is observed, and what it answers.

use std::collections::BTreeMap;

use hactl_core::{Address, Digest};
use serde::{Deserialize, Serialize};

use crate::container::{Container, Network, Volume};
use crate::file::FileStat;
use crate::inventory::Inventory;
use crate::registry::RegistryAuth;

/// What to look at besides the facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyRequest {
    /// The stack whose inventory is ours.
    pub lineage: String,
    /// The files to look at.
    pub files: Vec<FileRequest>,
    /// Absolute paths of the files of others in which the stack has blocks, or is to have some.
    pub texts: Vec<String>,
}

/// A file to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// Absolute path.
    pub path: String,
    /// The content is fetched (small text only) where its SHA-256 differs from this one; never where none is given.
    pub fetch_unless: Option<Digest>,
}

/// What the host answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// What the host is.
    pub facts: Facts,
    /// The files that exist, by path.
    pub files: BTreeMap<String, FileStat>,
    /// The bytes of the texts that exist, by path.
    pub texts: BTreeMap<String, Vec<u8>>,
    /// This stack's inventory; none where it never touched the host.
    pub inventory: Option<Inventory>,
    /// Requested paths that another stack's inventory holds.
    pub foreign: Vec<ForeignClaim>,
}

/// A path that another stack owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignClaim {
    /// The path.
    pub path: String,
    /// The other stack's name.
    pub stack: String,
    /// Its resource.
    pub address: Address,
}

/// What a host is. Facts are usable in a config as `${node.NAME.os}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// As in `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// Machine hardware name, as `uname -m` prints it.
    pub architecture: String,
    /// Kernel release, as `uname -r` prints it.
    pub kernel: String,
    /// The host's own name.
    pub hostname: String,
    /// `/etc/machine-id`; clones of one disk image share it.
    pub machine_id: String,
    /// Number of processors.
    pub cpus: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Free bytes where Docker keeps its data.
    pub disk_free: u64,
    /// Seconds by which the host's clock is ahead of this machine's, negative where it is behind; taken at the middle of
    /// the round trip that asked for it.
    pub clock_offset: i64,
    /// Docker Engine's version; none where it is absent.
    pub docker_version: Option<String>,
    /// Docker Engine's own id.
    pub engine_id: Option<String>,
}

/// Which containers, networks and volumes to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EngineRequest {
    /// Everything that carries this lineage's label.
    pub lineage: String,
    /// And containers of these names or ids, whoever made them.
    pub containers: Vec<String>,
    /// And networks of these names.
    pub networks: Vec<String>,
    /// And volumes of these names.
    pub volumes: Vec<String>,
    /// And what these images are in their registries.
    pub images: Vec<ImageRequest>,
}

/// An image whose registry is to be asked what its tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRequest {
    /// The image: a name with or without a tag, without a digest.
    pub image: String,
    /// How to log in to its registry.
    pub auth: Option<RegistryAuth>,
}

/// What the engine answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EngineSurvey {
    /// Containers.
    pub containers: Vec<Container>,
    /// Networks.
    pub networks: Vec<Network>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Host ports that containers of other makers publish: port and protocol (`8080/tcp`) to the container's name.
    pub foreign_ports: BTreeMap<String, String>,
    /// The registries' digests of the images asked for, `sha256:…`; those that could not be told are left out.
    pub images: BTreeMap<String, String>,
}
