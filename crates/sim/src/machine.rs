//! One simulated machine: what its disk and its Docker Engine hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hactl_core::Digest;
use hactl_host::{NetworkConfig, VolumeConfig};
use serde::{Deserialize, Serialize};

use crate::containers::Containers;
use crate::inventory::StoredInventory;

/// What a machine holds. A new one has Debian's usual directories, [`HOSTS`], Docker's own networks and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Machine {
    /// How often the machine behind the name was replaced by another.
    pub(crate) generation: u64,
    /// Seconds by which its clock is ahead.
    pub(crate) clock_offset: i64,
    /// Containers ever made here: the source of their ids.
    pub(crate) containers_made: u64,
    pub(crate) containers: Containers,
    /// In canonical form, see [`crate::engine::canonical_image`].
    pub(crate) images: BTreeSet<String>,
    pub(crate) networks: BTreeMap<String, NetworkConfig>,
    pub(crate) volumes: BTreeMap<String, VolumeConfig>,
    pub(crate) files: BTreeMap<String, StoredFile>,
    /// Directories that exist besides [`BASE_DIRECTORIES`].
    pub(crate) directories: BTreeSet<String>,
    /// By lineage.
    pub(crate) inventories: BTreeMap<String, StoredInventory>,
}

/// The directories every machine has.
const BASE_DIRECTORIES: &[&str] = &[
    "/",
    "/etc",
    "/etc/default",
    "/etc/docker",
    "/etc/ssl",
    "/etc/ssl/certs",
    "/etc/systemd",
    "/etc/systemd/system",
    "/home",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/local",
    "/usr/local/bin",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
];

/// The file in which every machine names itself from the start.
const HOSTS: &str = "/etc/hosts";
const NEW_HOSTS: &str = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

impl Default for Machine {
    fn default() -> Self {
        let hosts = StoredFile::of_root(Content(NEW_HOSTS.as_bytes().into()));
        Self {
            generation: 0,
            clock_offset: 0,
            containers_made: 0,
            containers: Containers::default(),
            images: BTreeSet::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            files: BTreeMap::from([(HOSTS.to_owned(), hosts)]),
            directories: BTreeSet::new(),
            inventories: BTreeMap::new(),
        }
    }
}

impl Machine {
    /// The files that are not as on a new machine.
    pub(crate) fn changed_files(&self) -> impl Iterator<Item = (&String, &StoredFile)> {
        let is_new = |path: &str, file: &StoredFile| path == HOSTS && *file.content.0 == *NEW_HOSTS.as_bytes();
        self.files.iter().filter(move |(path, file)| !is_new(path, file))
    }

    /// Whether a directory of this normal path exists.
    pub(crate) fn is_directory(&self, path: &str) -> bool {
        BASE_DIRECTORIES.contains(&path) || self.directories.contains(path)
    }

    /// Whether nothing lies in a directory.
    pub(crate) fn is_empty_directory(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        let after = || inside.clone()..;
        let file = self.files.range(after()).next();
        let directory = self.directories.range(after()).next();
        !file.is_some_and(|(path, _)| path.starts_with(&inside))
            && !directory.is_some_and(|path| path.starts_with(&inside))
    }

    /// The facts of the machine of this name: the same for the same seed, name and generation, but for its clock.
    pub(crate) fn facts(&self, seed: u64, name: &str) -> hactl_host::Facts {
        let unique = |what: &str| derived(&[what, &seed.to_string(), name, &self.generation.to_string()]);
        let engine = unique("engine");
        hactl_host::Facts {
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            architecture: "x86_64".to_owned(),
            kernel: "6.1.0-13-amd64".to_owned(),
            hostname: name.to_owned(),
            machine_id: unique("machine")[..32].to_owned(),
            cpus: 4,
            memory: 8 << 30,
            disk_free: 40 << 30,
            clock_offset: self.clock_offset,
            docker_version: Some("24.0.7".to_owned()),
            engine_id: Some(format!(
                "{}-{}-{}-{}-{}",
                &engine[..8],
                &engine[8..12],
                &engine[12..16],
                &engine[16..20],
                &engine[20..32]
            )),
        }
    }
}

/// 64 hexadecimal digits that depend on the parts and nothing else.
pub(crate) fn derived(parts: &[&str]) -> String {
    Digest::sha256(parts.join("\0").as_bytes()).to_string()
}

/// A file on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredFile {
    pub(crate) content: Content,
    /// Four octal digits.
    pub(crate) mode: String,
    pub(crate) owner: String,
    pub(crate) group: String,
}

impl StoredFile {
    /// A file as root makes it.
    pub(crate) fn of_root(content: Content) -> Self {
        let root = || "root".to_owned();
        Self { content, mode: "0644".to_owned(), owner: root(), group: root() }
    }
}

/// The bytes of a file; stored as text where they are UTF-8, else in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Encoded", try_from = "Encoded")]
pub(crate) struct Content(pub(crate) Arc<[u8]>);

/// Never shows the content, which may be a secret.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Encoded {
    Text(String),
    Base64(String),
}

impl From<Content> for Encoded {
    fn from(content: Content) -> Self {
        match std::str::from_utf8(&content.0) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(&content.0)),
        }
    }
}

impl TryFrom<Encoded> for Content {
    type Error = base64::DecodeError;

    fn try_from(encoded: Encoded) -> Result<Self, Self::Error> {
        Ok(Self(match encoded {
            Encoded::Text(text) => text.into_bytes().into(),
            Encoded::Base64(text) => STANDARD.decode(text)?.into(),
        }))
    }
}
