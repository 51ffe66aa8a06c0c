//! The containers of one machine, with the indexes that keep every engine operation independent of their number.

use std::collections::{BTreeMap, BTreeSet};

use hactl_host::{Container, ContainerConfig, MountKind, Status};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Containers by id. Serialised as a list; the indexes are made anew when read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Containers {
    // Boxed, because a half-filled tree node would hold 11 places of about 1 KiB each.
    by_id: BTreeMap<String, Box<Container>>,
    by_name: BTreeMap<String, String>,
    bindings: BTreeMap<(u16, String), BTreeSet<Binding>>,
    volumes: BTreeMap<String, BTreeSet<String>>,
    endpoints: BTreeMap<String, BTreeSet<String>>,
    host_network: BTreeSet<String>,
}

/// A host port held by a running container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Binding {
    ip: Option<String>,
    container: String,
}

impl Containers {
    /// The fewest digits of an id that find a container; Docker's short ids have twelve.
    const SHORTEST_PREFIX: usize = 4;

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Container> {
        self.by_id.values().map(AsRef::as_ref)
    }

    /// The container of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Container> {
        self.by_id.get(self.by_name.get(name)?).map(AsRef::as_ref)
    }

    /// Container names in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// By id, then by name, then by an unambiguous beginning of an id, as Docker Engine looks containers up.
    pub(crate) fn find(&self, id_or_name: &str) -> Option<&Container> {
        if let Some(container) = self.by_id.get(id_or_name) {
            return Some(container);
        }
        if let Some(container) = self.named(id_or_name) {
            return Some(container);
        }
        if id_or_name.len() < Self::SHORTEST_PREFIX {
            return None;
        }
        let mut found = self.by_id.range(id_or_name.to_owned()..).take_while(|(id, _)| id.starts_with(id_or_name));
        match (found.next(), found.next()) {
            (Some((_, container)), None) => Some(container),
            _ => None,
        }
    }

    pub(crate) fn insert(&mut self, container: Container) {
        self.remove(&container.id);
        self.index(&container);
        self.by_id.insert(container.id.clone(), Box::new(container));
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(container) = self.by_id.remove(id) {
            self.unindex(&container);
        }
    }

    /// Changes a container; does nothing where there is none of this id.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Container)) {
        if let Some(mut container) = self.by_id.remove(id) {
            self.unindex(&container);
            change(&mut container);
            self.index(&container);
            self.by_id.insert(container.id.clone(), container);
        }
    }

    /// The running container that keeps `ip:port/protocol` from being bound. No address means all of them.
    pub(crate) fn holder(&self, ip: Option<&str>, port: u16, protocol: &str) -> Option<&Container> {
        let bindings = self.bindings.get(&(port, protocol.to_owned()))?;
        let binding = bindings.iter().find(|binding| overlap(binding.ip.as_deref(), ip))?;
        self.by_id.get(&binding.container).map(AsRef::as_ref)
    }

    /// Host ports in use, as `(port, protocol)`, with the running container behind each.
    pub(crate) fn published(&self) -> impl Iterator<Item = (u16, &str, &Container)> {
        self.bindings.iter().flat_map(|((port, protocol), bindings)| {
            bindings
                .iter()
                .filter_map(|binding| Some((*port, protocol.as_str(), self.by_id.get(&binding.container)?.as_ref())))
        })
    }

    /// Running containers that use the host's network.
    pub(crate) fn on_host_network(&self) -> impl Iterator<Item = &Container> {
        self.host_network.iter().filter_map(|id| self.by_id.get(id).map(AsRef::as_ref))
    }

    /// Whether a running container is connected to this network.
    pub(crate) fn network_in_use(&self, name: &str) -> bool {
        self.endpoints.contains_key(name)
    }

    /// The ids of the containers, running or not, that mount this volume.
    pub(crate) fn volume_users(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.volumes.get(name)
    }

    fn index(&mut self, container: &Container) {
        self.by_name.insert(container.name.clone(), container.id.clone());
        for volume in named_volumes(&container.config) {
            let users = self.volumes.entry(volume.to_owned()).or_default();
            users.insert(container.id.clone());
        }
        if container.status != Status::Running {
            return;
        }
        let endpoints = self.endpoints.entry(container.config.network.clone()).or_default();
        endpoints.insert(container.id.clone());
        if container.config.network == "host" {
            self.host_network.insert(container.id.clone());
            return;
        }
        for port in &container.config.ports {
            let bindings = self.bindings.entry((port.host, port.protocol.clone())).or_default();
            bindings.insert(Binding { ip: port.ip.clone(), container: container.id.clone() });
        }
    }

    fn unindex(&mut self, container: &Container) {
        if self.by_name.get(&container.name) == Some(&container.id) {
            self.by_name.remove(&container.name);
        }
        for volume in named_volumes(&container.config) {
            drop_user(&mut self.volumes, volume, &container.id);
        }
        drop_user(&mut self.endpoints, &container.config.network, &container.id);
        self.host_network.remove(&container.id);
        for port in &container.config.ports {
            let key = (port.host, port.protocol.clone());
            if let Some(bindings) = self.bindings.get_mut(&key) {
                bindings.retain(|binding| binding.container != container.id);
                if bindings.is_empty() {
                    self.bindings.remove(&key);
                }
            }
        }
    }
}

/// The named volumes that a container mounts.
pub(crate) fn named_volumes(config: &ContainerConfig) -> impl Iterator<Item = &str> {
    let volumes = config.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
    volumes.map(|mount| mount.source.as_str()).filter(|name| !name.is_empty())
}

/// Whether two bind addresses of one port exclude each other.
pub(crate) fn overlap(one: Option<&str>, other: Option<&str>) -> bool {
    let is_any = |ip: Option<&str>| matches!(ip, None | Some("" | "0.0.0.0" | "::"));
    is_any(one) || is_any(other) || one == other
}

fn drop_user(index: &mut BTreeMap<String, BTreeSet<String>>, key: &str, id: &str) {
    if let Some(users) = index.get_mut(key) {
        users.remove(id);
        if users.is_empty() {
            index.remove(key);
        }
    }
}

impl Serialize for Containers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Containers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut containers = Self::default();
        for container in Vec::<Container>::deserialize(deserializer)? {
            containers.insert(container);
        }
        Ok(containers)
    }
}
