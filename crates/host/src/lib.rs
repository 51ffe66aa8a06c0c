//! A Linux host as hactl sees it: the port that every provider speaks to.
//!
//! [`Host`] has typed operations only; no shell text passes through it but users' own commands.
//! Two implementations stand behind it and are held to the same contract: real hosts over SSH with
//! their Docker Engine, and the sandbox's simulated ones (`hactl-sim`).
#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "tests make and damage files as they like"))]

mod block;
mod container;
mod docker;
mod error;
mod file;
mod inventory;
mod linux;
#[cfg(test)]
mod logged;
mod points;
mod registry;
mod survey;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hactl_core::node::Connection;

pub use block::{BlockRemoval, BlockWrite, block_addresses, block_lines, lines_of_others, with_block_of};
pub use container::{
    Container, ContainerConfig, Device, Environment, ExecOutput, Health, Healthcheck, Logging, Mount, MountKind,
    Network, NetworkConfig, PortBinding, Probe, Resources, RestartPolicy, Status, Tmpfs, Ulimit, Volume, VolumeConfig,
    labels,
};
pub use error::HostError;
pub use file::{FileAdoption, FileContent, FileRemoval, FileStat, FileWrite, normal_mode, normal_path};
pub use inventory::{Claim, Inventory, InventoryEntry, Moved, Release};
pub use linux::{LinuxFleet, Tunnel};
pub use points::with_points;
pub use registry::RegistryAuth;
pub use survey::{EngineRequest, EngineSurvey, Facts, FileRequest, ForeignClaim, ImageRequest, Survey, SurveyRequest};

/// Is told what is going on, as short texts.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Opens connections to hosts.
#[async_trait]
pub trait Fleet: Send + Sync {
    /// Connects to the node of this name. Cheap when called again: connections are kept. The connection's key path is
    /// one that ssh takes in any working directory.
    ///
    /// # Errors
    /// [`HostError::Unreachable`] when it does not answer or does not let us in.
    async fn connect(&self, node: &str, connection: &Connection) -> Result<Arc<dyn Host>, HostError>;
}

/// One Linux host with its Docker Engine.
///
/// Every operation is idempotent where the word allows it: removing what is absent succeeds, stopping what has
/// stopped succeeds. After [`HostError::Lost`] the outcome of an operation is unknown: observe again.
#[async_trait]
pub trait Host: Send + Sync {
    /// Facts, the state of files, texts that hold blocks, and the inventories, in one round trip.
    async fn survey(&self, request: &SurveyRequest) -> Result<Survey, HostError>;

    /// The containers, networks and volumes that are ours or have a name or id we want, and the registries' digests of images,
    /// all at once.
    async fn engine_survey(&self, request: &EngineRequest) -> Result<EngineSurvey, HostError>;

    /// The inventories of all stacks, by lineage: what is left of states that were lost.
    async fn inventories(&self) -> Result<BTreeMap<String, Inventory>, HostError>;

    /// The containers that carry the label of any stack, sorted by name.
    async fn labelled_containers(&self) -> Result<Vec<Container>, HostError>;

    /// Takes the host for an apply: refuses a state older than the last one that touched the host, and
    /// records, durably, what has another address by now and the addresses about to be touched.
    async fn claim(&self, claim: &Claim) -> Result<(), HostError>;

    /// Ends an apply: drops the addresses that are gone from the inventory, and the inventory when none is left.
    async fn release(&self, release: &Release) -> Result<(), HostError>;

    /// Writes a file atomically, makes missing parents, and records both in the inventory before.
    async fn write_file(&self, write: &FileWrite) -> Result<(), HostError>;

    /// Records a file that is there as the stack's, with a copy of it, to be restored when it is removed. The file itself
    /// stays as it is. What the stack's inventory holds already stays recorded as it is.
    async fn adopt_file(&self, adoption: &FileAdoption) -> Result<(), HostError>;

    /// Removes a file (or restores the adopted original) and the directories made for it that are now empty.
    async fn remove_file(&self, removal: &FileRemoval) -> Result<(), HostError>;

    /// Puts a block of lines into a text file of others atomically, in place of what is there of it, and records it in the
    /// inventory before. Nothing else of the file changes: not its other bytes, nor its mode, owner and attributes.
    ///
    /// # Errors
    /// [`HostError::File`], as where the file cannot be replaced or a file resource has all of it.
    async fn write_block(&self, write: &BlockWrite) -> Result<(), HostError>;

    /// Takes a block out of a text file of others, which stays, even if nothing else is in it.
    async fn remove_block(&self, removal: &BlockRemoval) -> Result<(), HostError>;

    /// Whether the host has this image already.
    async fn has_image(&self, image: &str) -> Result<bool, HostError>;

    /// Pulls an image, logged in to its registry where credentials are given; `progress` is told what is happening,
    /// as a short text.
    async fn pull_image(
        &self,
        image: &str,
        auth: Option<&RegistryAuth>,
        progress: Progress<'_>,
    ) -> Result<(), HostError>;

    /// Creates a container without starting it; returns its id.
    ///
    /// # Errors
    /// [`HostError::Conflict`] when the name is taken.
    async fn create_container(&self, name: &str, config: &ContainerConfig) -> Result<String, HostError>;

    /// One container by id or name; none where there is no such container.
    async fn inspect_container(&self, container: &str) -> Result<Option<Container>, HostError>;

    /// Starts a container. A container that exits at once has started all the same.
    async fn start_container(&self, container: &str) -> Result<(), HostError>;

    /// Watches a container that was just started for a moment (half a second on real hosts): what became of it where it
    /// did not stay up, also when its restart policy has started it again; none where it runs.
    ///
    /// # Errors
    /// [`HostError::NotFound`] when there is no such container.
    async fn early_end(&self, container: &str) -> Result<Option<Status>, HostError>;

    /// Stops a container, killing it after `grace` (its own stop grace period where none is given).
    async fn stop_container(&self, container: &str, grace: Option<Duration>) -> Result<(), HostError>;

    /// Gives a container another name.
    async fn rename_container(&self, container: &str, name: &str) -> Result<(), HostError>;

    /// Removes a container, running or not, with its anonymous volumes.
    async fn remove_container(&self, container: &str) -> Result<(), HostError>;

    /// Changes what Docker can change in place: limits and the restart policy.
    async fn update_container(
        &self,
        container: &str,
        resources: &Resources,
        restart: &RestartPolicy,
    ) -> Result<(), HostError>;

    /// Sends a signal, by name as in `HUP`.
    async fn signal_container(&self, container: &str, signal: &str) -> Result<(), HostError>;

    /// Runs a command in a running container and waits for it.
    async fn exec(&self, container: &str, command: &[String]) -> Result<ExecOutput, HostError>;

    /// The last lines a container printed, oldest first, at most `lines`.
    async fn container_logs(&self, container: &str, lines: usize) -> Result<Vec<String>, HostError>;

    /// Asks once whether something is healthy: `Ok(Err(why))` means not yet.
    async fn probe(&self, probe: &Probe) -> Result<Result<(), String>, HostError>;

    /// Creates a network.
    async fn create_network(&self, name: &str, config: &NetworkConfig) -> Result<(), HostError>;

    /// Removes a network.
    async fn remove_network(&self, name: &str) -> Result<(), HostError>;

    /// Creates a volume.
    async fn create_volume(&self, name: &str, config: &VolumeConfig) -> Result<(), HostError>;

    /// Removes a volume and its data.
    async fn remove_volume(&self, name: &str) -> Result<(), HostError>;
}
