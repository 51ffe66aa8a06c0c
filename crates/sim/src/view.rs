//! What the sandbox shows to people and scripts.

use std::collections::{BTreeMap, BTreeSet};

use hactl_core::Digest;
use hactl_host::{Container, Facts, FileStat, Inventory, NetworkConfig, VolumeConfig};
use serde::Serialize;

use crate::cluster::ClusterView;
use crate::engine::shown;
use crate::faults::InjectedFault;
use crate::files::stat;
use crate::machine::StoredFile;
use crate::scene::Scene;
use crate::world::World;

/// A fleet. Holds what hosts hold: environments and small files in plain text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FleetView {
    /// What facts and ids are derived from.
    pub seed: u64,
    /// The hosts on which anything was ever changed, by name.
    pub hosts: BTreeMap<String, HostView>,
    /// The cluster, once anything was ever changed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterView>,
    /// The faults that wait, in the order they were injected.
    pub faults: Vec<InjectedFault>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostView {
    /// What it is.
    pub facts: Facts,
    /// Its containers, by name.
    pub containers: BTreeMap<String, Container>,
    /// Its files, by path; not those that are as on a new machine.
    pub files: BTreeMap<String, FileView>,
    /// Directories made since it was new.
    pub directories: BTreeSet<String>,
    /// Its networks besides Docker's own, by name.
    pub networks: BTreeMap<String, NetworkConfig>,
    /// Its volumes, by name.
    pub volumes: BTreeMap<String, VolumeConfig>,
    /// Its images, with their tags.
    pub images: BTreeSet<String>,
    /// The stacks' inventories, by lineage.
    pub inventories: BTreeMap<String, Inventory>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    /// SHA-256 of the content.
    pub sha256: Digest,
    /// Bytes.
    pub size: usize,
    /// Four octal digits.
    pub mode: String,
    /// Owner's name or number.
    pub owner: String,
    /// Group's name or number.
    pub group: String,
    /// The content, where it is UTF-8 and at most [`FileStat::MAX_TEXT`] bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl FleetView {
    pub(crate) fn of(world: &World) -> Self {
        let hosts = world.fleet.machines.keys();
        Self {
            seed: world.fleet.seed,
            hosts: hosts.map(|name| (name.clone(), HostView::of(&world.scene(name, &[])))).collect(),
            cluster: world.fleet.cluster.as_ref().map(|_| world.on_cluster(ClusterView::of)),
            faults: world.fleet.faults.clone(),
        }
    }
}

impl HostView {
    fn of(scene: &Scene<'_>) -> Self {
        let machine = scene.machine;
        let containers = machine.containers.iter();
        let inventories = machine.inventories.iter();
        Self {
            facts: machine.facts(scene.seed, scene.host),
            containers: containers.map(|found| (found.name.clone(), shown(scene, found))).collect(),
            files: machine.changed_files().map(|(path, file)| (path.clone(), FileView::of(file))).collect(),
            directories: machine.directories.clone(),
            networks: machine.networks.clone(),
            volumes: machine.volumes.clone(),
            images: machine.images.clone(),
            inventories: inventories.map(|(lineage, stored)| (lineage.clone(), stored.inventory().clone())).collect(),
        }
    }
}

impl FileView {
    fn of(file: &StoredFile) -> Self {
        let FileStat { sha256, mode, owner, group, .. } = stat(file, None);
        let size = file.content.0.len();
        let text = std::str::from_utf8(&file.content.0).ok().filter(|_| size <= FileStat::MAX_TEXT);
        Self { sha256, size, mode, owner, group, text: text.map(str::to_owned) }
    }
}
