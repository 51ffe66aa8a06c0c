//! Every way the fleet can change, as data: the log holds these, and a live run and a replay share [`apply`].

use hactl_core::Address;
use hactl_host::{
    Container, ContainerConfig, InventoryEntry, NetworkConfig, Resources, RestartPolicy, Status, VolumeConfig,
};
use serde::{Deserialize, Serialize};

use crate::cluster::{ClusterChange, apply_changes};
use crate::containers::named_volumes;
use crate::faults::{self, InjectedFault};
use crate::fleet::Fleet;
use crate::machine::{Machine, StoredFile};

/// One change of the fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mutation {
    Host {
        name: String,
        change: Change,
    },
    Cluster {
        changes: Vec<ClusterChange>,
    },
    /// Somebody pushes another image under a tag.
    Push {
        image: String,
    },
    AddFault(InjectedFault),
    RemoveFault {
        id: u64,
    },
    /// An operation met these faults: their counters move.
    MeetFaults {
        ids: Vec<u64>,
    },
}

/// One change of a machine. Its preconditions were checked by whoever made it; where they do not hold, nothing happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    AddImage {
        image: String,
    },
    /// Makes the missing named volumes too.
    CreateContainer {
        id: String,
        name: String,
        config: Box<ContainerConfig>,
    },
    SetStatus {
        id: String,
        status: Status,
    },
    RenameContainer {
        id: String,
        name: String,
    },
    RemoveContainer {
        id: String,
    },
    UpdateContainer {
        id: String,
        resources: Resources,
        restart: RestartPolicy,
    },
    CreateNetwork {
        name: String,
        config: NetworkConfig,
    },
    RemoveNetwork {
        name: String,
    },
    CreateVolume {
        name: String,
        config: VolumeConfig,
    },
    RemoveVolume {
        name: String,
    },
    Claim {
        lineage: String,
        stack: String,
        serial: u64,
        addresses: Vec<Address>,
    },
    /// Gives an entry another address.
    Move {
        lineage: String,
        from: Address,
        to: Address,
    },
    /// Drops entries, and the inventory when none is left.
    Release {
        lineage: String,
        gone: Vec<Address>,
    },
    /// Writes one entry of an inventory, with the original where one is to be kept. Another entry of the same path gives
    /// it up.
    Record {
        lineage: String,
        address: Address,
        entry: InventoryEntry,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        original: Option<StoredFile>,
    },
    MakeDirectories {
        paths: Vec<String>,
    },
    /// Makes the directories too.
    WriteFile {
        path: String,
        file: StoredFile,
        directories: Vec<String>,
    },
    /// Removes a recorded file or restores its original, removes the directories made for it that are empty, and
    /// clears the entry.
    RemoveRecorded {
        lineage: String,
        address: Address,
    },
    RemoveFile {
        path: String,
    },
    RemoveInventory {
        lineage: String,
    },
    SetClock {
        /// Seconds ahead.
        offset: i64,
    },
    /// Another machine, with nothing on it.
    Replace,
}

/// Carries out a mutation.
pub(crate) fn apply(fleet: &mut Fleet, mutation: Mutation) {
    match mutation {
        Mutation::Host { name, change } => apply_change(fleet.machines.entry(name).or_default(), change),
        Mutation::Cluster { changes } => apply_changes(fleet, changes),
        Mutation::Push { image } => *fleet.pushes.entry(image).or_default() += 1,
        Mutation::AddFault(fault) => {
            fleet.faults_made = fleet.faults_made.max(fault.id);
            fleet.faults.push(fault);
        }
        Mutation::RemoveFault { id } => fleet.faults.retain(|fault| fault.id != id),
        Mutation::MeetFaults { ids } => faults::count(&mut fleet.faults, &ids),
    }
}

fn apply_change(machine: &mut Machine, change: Change) {
    match change {
        Change::AddImage { image } => {
            machine.images.insert(image);
        }
        Change::CreateContainer { id, name, config } => create_container(machine, id, name, *config),
        Change::SetStatus { id, status } => machine.containers.change(&id, |container| container.status = status),
        Change::RenameContainer { id, name } => machine.containers.change(&id, |container| container.name = name),
        Change::RemoveContainer { id } => machine.containers.remove(&id),
        Change::UpdateContainer { id, resources, restart } => machine.containers.change(&id, |container| {
            container.config.resources = resources;
            container.config.restart = restart;
        }),
        Change::CreateNetwork { name, config } => {
            machine.networks.insert(name, config);
        }
        Change::RemoveNetwork { name } => {
            machine.networks.remove(&name);
        }
        Change::CreateVolume { name, config } => {
            machine.volumes.insert(name, config);
        }
        Change::RemoveVolume { name } => {
            machine.volumes.remove(&name);
        }
        Change::Claim { lineage, stack, serial, addresses } => {
            let stored = machine.inventories.entry(lineage).or_default();
            stored.claim(stack, serial, addresses);
        }
        Change::Move { lineage, from, to } => {
            if let Some(stored) = machine.inventories.get_mut(&lineage) {
                stored.rename(&from, to);
            }
        }
        Change::Release { lineage, gone } => {
            if machine.inventories.get_mut(&lineage).is_some_and(|stored| stored.release(&gone)) {
                machine.inventories.remove(&lineage);
            }
        }
        Change::Record { lineage, address, entry, original } => {
            let stored = machine.inventories.entry(lineage).or_default();
            stored.record(address, entry, original);
        }
        Change::MakeDirectories { paths } => machine.directories.extend(paths),
        Change::WriteFile { path, file, directories } => {
            machine.directories.extend(directories);
            machine.files.insert(path, file);
        }
        Change::RemoveRecorded { lineage, address } => remove_recorded(machine, &lineage, &address),
        Change::RemoveFile { path } => {
            machine.files.remove(&path);
        }
        Change::RemoveInventory { lineage } => {
            machine.inventories.remove(&lineage);
        }
        Change::SetClock { offset } => machine.clock_offset = offset,
        Change::Replace => *machine = Machine { generation: machine.generation + 1, ..Machine::default() },
    }
}

fn create_container(machine: &mut Machine, id: String, name: String, config: ContainerConfig) {
    for volume in named_volumes(&config) {
        if !machine.volumes.contains_key(volume) {
            machine
                .volumes
                .insert(volume.to_owned(), VolumeConfig { driver: "local".to_owned(), ..VolumeConfig::default() });
        }
    }
    machine.containers_made += 1;
    machine.containers.insert(Container { id, name, config, status: Status::Created, health: None });
}

fn remove_recorded(machine: &mut Machine, lineage: &str, address: &Address) {
    let Some(stored) = machine.inventories.get_mut(lineage) else {
        return;
    };
    let (entry, original) = stored.take(address);
    let Some(path) = entry.path else { return };
    match original {
        Some(original) => machine.files.insert(path, original),
        None => machine.files.remove(&path),
    };
    for directory in entry.directories.iter().rev() {
        if machine.is_empty_directory(directory) {
            machine.directories.remove(directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hactl_host::{Mount, MountKind, PortBinding};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cluster::Key;

    fn change() -> impl Strategy<Value = Change> {
        let id = || (0..6_u8).prop_map(|id| format!("{id:064x}"));
        let name = || (0..6_u8).prop_map(|name| format!("name{name}"));
        let address = || (0..4_u8).prop_map(|name| Address::new("file", &format!("f{name}"), None));
        let status = prop_oneof![Just(Status::Created), Just(Status::Running), Just(Status::Exited(1))];
        let create = (id(), name(), 0..3_u16, name()).prop_map(|(id, name, port, volume)| Change::CreateContainer {
            // Names are unique per machine: it is the decision that sees to it.
            name: format!("{name}-{}", &id[60..]),
            config: Box::new(ContainerConfig {
                network: ["host", "bridge", "blue"][usize::from(port)].to_owned(),
                ports: vec![PortBinding {
                    ip: (port == 1).then(|| "127.0.0.1".to_owned()),
                    host: 80 + port % 2,
                    container: 80,
                    protocol: "tcp".to_owned(),
                }],
                mounts: vec![Mount {
                    kind: MountKind::Volume,
                    source: volume,
                    target: "/data".to_owned(),
                    read_only: false,
                    options: Vec::new(),
                }],
                ..ContainerConfig::default()
            }),
            id,
        });
        let record = (address(), 0..3_u8, any::<bool>()).prop_map(|(address, path, original)| Change::Record {
            lineage: "lineage".to_owned(),
            address,
            entry: InventoryEntry {
                path: Some(format!("/srv/{path}")),
                directories: vec!["/srv/made".to_owned()],
                original,
                ..InventoryEntry::default()
            },
            original: original.then(|| StoredFile {
                content: crate::machine::Content(vec![path, 255].into()),
                mode: "0644".to_owned(),
                owner: "root".to_owned(),
                group: "root".to_owned(),
            }),
        });
        prop_oneof![
            4 => create,
            4 => (id(), status).prop_map(|(id, status)| Change::SetStatus { id, status }),
            2 => id().prop_map(|id| Change::RemoveContainer { id }),
            1 => id().prop_map(|id| Change::RenameContainer { name: format!("renamed-{}", &id[60..]), id }),
            4 => record,
            1 => address().prop_map(|address| Change::RemoveRecorded { lineage: "lineage".to_owned(), address }),
            1 => address().prop_map(|address| Change::Release { lineage: "lineage".to_owned(), gone: vec![address] }),
        ]
    }

    fn cluster_change() -> impl Strategy<Value = ClusterChange> {
        let name = || (0..4_u8).prop_map(|name| format!("map{name}"));
        let put = (name(), 0..3_u8, 1..90_u8).prop_map(|(name, owner, revision)| {
            let metadata = json!({"name": name, "namespace": "default", "resourceVersion": revision.to_string(),
                "ownerReferences": [{"uid": format!("uid{owner}")}]});
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
            ClusterChange::Put { object: serde_json::from_value(object).unwrap() }
        });
        let remove = name().prop_map(|name| ClusterChange::Remove { key: Key::new("", "ConfigMap", "default", &name) });
        prop_oneof![8 => put, 4 => remove, 1 => Just(ClusterChange::Replace)]
    }

    proptest! {
        #[test]
        fn the_clusters_index_made_step_by_step_is_that_made_anew(changes in prop::collection::vec(cluster_change(), 0..40)) {
            let mut fleet = Fleet::new(1);
            apply(&mut fleet, Mutation::Cluster { changes });
            let text = serde_json::to_string(&fleet).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Fleet>(&text).unwrap(), &fleet);
        }

        #[test]
        fn indexes_made_step_by_step_are_those_made_anew(changes in prop::collection::vec(change(), 0..40)) {
            let mut fleet = Fleet::new(1);
            for change in changes {
                let name = "node1".to_owned();
                apply(&mut fleet, Mutation::Host { name, change });
            }
            let text = serde_json::to_string(&fleet).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Fleet>(&text).unwrap(), &fleet);
            let paths = fleet.machine("node1").inventories.values().flat_map(|stored| stored.inventory().entries.values());
            let mut held: BTreeMap<&str, u32> = BTreeMap::new();
            for path in paths.filter_map(|entry| entry.path.as_deref()) {
                *held.entry(path).or_default() += 1;
            }
            prop_assert!(held.values().all(|count| *count == 1));
        }
    }
}
