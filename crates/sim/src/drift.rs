//! Drift: what somebody does to a host by hand, past hactl and past all faults.

use hactl_host::{ContainerConfig, HostError, PortBinding, Resources, RestartPolicy};

use crate::error::SandboxError;
use hactl_host::{normal_mode, normal_path};

use crate::files::{missing_parents, user_name};
use crate::machine::{Content, StoredFile};
use crate::mutation::{Change, Mutation};
use crate::sandbox::Sandbox;
use crate::scene::{Decision, Scene};
use crate::world::World;
use crate::{engine, lifecycle};

/// Each function fails with [`SandboxError::Unknown`] when what it changes does not exist, and with
/// [`SandboxError::Host`] when the simulated host refuses. What makes something makes the host too.
impl Sandbox {
    /// Stops a container.
    ///
    /// # Errors
    /// See above.
    pub fn stop_container(&self, host: &str, container: &str) -> Result<(), SandboxError> {
        self.on_container(host, container, lifecycle::stop)
    }

    /// Starts a container.
    ///
    /// # Errors
    /// See above.
    pub fn start_container(&self, host: &str, container: &str) -> Result<(), SandboxError> {
        self.on_container(host, container, lifecycle::start)
    }

    /// Removes a container.
    ///
    /// # Errors
    /// See above.
    pub fn remove_container(&self, host: &str, container: &str) -> Result<(), SandboxError> {
        self.on_container(host, container, lifecycle::remove)
    }

    /// Gives a container another name.
    ///
    /// # Errors
    /// See above.
    pub fn rename_container(&self, host: &str, container: &str, name: &str) -> Result<(), SandboxError> {
        self.on_container(host, container, |scene, container| lifecycle::rename(scene, container, name))
    }

    /// Changes a container's limits and restart policy; what is not given stays.
    ///
    /// # Errors
    /// See above.
    pub fn update_container(
        &self,
        host: &str,
        container: &str,
        resources: Option<Resources>,
        restart: Option<RestartPolicy>,
    ) -> Result<(), SandboxError> {
        self.on_container(host, container, |scene, container| {
            let config = &lifecycle::find(scene.machine, container)?.config;
            let resources = resources.as_ref().unwrap_or(&config.resources);
            lifecycle::update(scene, container, resources, restart.as_ref().unwrap_or(&config.restart))
        })
    }

    /// Runs a container that no stack knows of, as `docker run --detach` does.
    ///
    /// # Errors
    /// See above.
    pub fn run_container(
        &self,
        host: &str,
        name: &str,
        image: &str,
        ports: Vec<PortBinding>,
    ) -> Result<(), SandboxError> {
        let config = ContainerConfig { image: image.to_owned(), ports, ..ContainerConfig::default() };
        let mut world = self.world();
        world.acquire()?;
        let refused = |source| refusal(host, source);
        world.decide(host, &[], |scene| engine::pull_image(scene, image, None)).map_err(refused)?;
        let id = world.decide(host, &[], |scene| lifecycle::create(scene, name, &config)).map_err(refused)?;
        world.decide(host, &[], |scene| lifecycle::start(scene, &id)).map_err(refused)
    }

    /// Pushes another image to the registry under the tag of this one.
    ///
    /// # Errors
    /// [`SandboxError::Busy`] or [`SandboxError::File`] when it cannot be stored.
    pub fn push_image(&self, image: &str) -> Result<(), SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        world.commit(Mutation::Push { image: engine::canonical_image(image) })
    }

    /// Writes a file, with its parents. A new one is root's and has mode 0644; of an existing one, only the content
    /// changes. No inventory records it.
    ///
    /// # Errors
    /// See above.
    pub fn write_file(&self, host: &str, path: &str, content: &[u8]) -> Result<(), SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        let machine = world.fleet.machine(host);
        let fail = |reason: &str| refusal(host, file_error("write", path, reason));
        let normal = normal_path(path).map_err(fail)?;
        if machine.is_directory(&normal) {
            return Err(fail("is a directory"));
        }
        let directories = missing_parents(machine, &normal).map_err(fail)?;
        let content = Content(content.into());
        let file = match machine.files.get(&normal) {
            Some(existing) => StoredFile { content, ..existing.clone() },
            None => StoredFile::of_root(content),
        };
        let path = normal;
        world.change(host, Change::WriteFile { path, file, directories })
    }

    /// Changes a file's mode (octal), owner and group; what is not given stays.
    ///
    /// # Errors
    /// See above; [`SandboxError::Invalid`] when the mode is not octal.
    pub fn change_file(
        &self,
        host: &str,
        path: &str,
        mode: Option<&str>,
        owner: Option<&str>,
        group: Option<&str>,
    ) -> Result<(), SandboxError> {
        let mut world = self.ready(host)?;
        let (path, file) = known_file(&world, host, path)?;
        let mut file = file.clone();
        if let Some(mode) = mode {
            file.mode = normal_mode(mode).ok_or_else(|| SandboxError::Invalid {
                what: format!("mode {mode}"),
                reason: "a mode is octal, as in 0644".to_owned(),
            })?;
        }
        if let Some(owner) = owner {
            file.owner = user_name(owner);
        }
        if let Some(group) = group {
            file.group = user_name(group);
        }
        let directories = Vec::new();
        world.change(host, Change::WriteFile { path, file, directories })
    }

    /// Removes a file.
    ///
    /// # Errors
    /// See above.
    pub fn remove_file(&self, host: &str, path: &str) -> Result<(), SandboxError> {
        let mut world = self.ready(host)?;
        let (path, _) = known_file(&world, host, path)?;
        world.change(host, Change::RemoveFile { path })
    }

    /// Removes a network.
    ///
    /// # Errors
    /// See above.
    pub fn remove_network(&self, host: &str, name: &str) -> Result<(), SandboxError> {
        let mut world = self.ready(host)?;
        let networks = &world.fleet.machine(host).networks;
        if !networks.contains_key(name) {
            return Err(unknown(host, "network", name, networks.keys()));
        }
        let removed = world.decide(host, &[], |scene| engine::remove_network(scene, name));
        removed.map_err(|source| refusal(host, source))
    }

    /// Removes a volume with its data.
    ///
    /// # Errors
    /// See above.
    pub fn remove_volume(&self, host: &str, name: &str) -> Result<(), SandboxError> {
        let mut world = self.ready(host)?;
        let volumes = &world.fleet.machine(host).volumes;
        if !volumes.contains_key(name) {
            return Err(unknown(host, "volume", name, volumes.keys()));
        }
        let removed = world.decide(host, &[], |scene| engine::remove_volume(scene, name));
        removed.map_err(|source| refusal(host, source))
    }

    /// Removes the inventory of a lineage, or all inventories where none is given.
    ///
    /// # Errors
    /// See above.
    pub fn remove_inventory(&self, host: &str, lineage: Option<&str>) -> Result<(), SandboxError> {
        let mut world = self.ready(host)?;
        let inventories = &world.fleet.machine(host).inventories;
        let lineages: Vec<String> = match lineage {
            Some(lineage) if !inventories.contains_key(lineage) => {
                return Err(unknown(host, "inventory", lineage, inventories.keys()));
            }
            Some(lineage) => vec![lineage.to_owned()],
            None => inventories.keys().cloned().collect(),
        };
        lineages.into_iter().try_for_each(|lineage| world.change(host, Change::RemoveInventory { lineage }))
    }

    /// Sets a host's clock so many seconds ahead of this machine's; behind where negative.
    ///
    /// # Errors
    /// See above.
    pub fn set_clock(&self, host: &str, offset: i64) -> Result<(), SandboxError> {
        self.ready(host)?.change(host, Change::SetClock { offset })
    }

    /// Puts another machine in a host's place: other machine and engine ids, and nothing on it.
    ///
    /// # Errors
    /// See above.
    pub fn replace_machine(&self, host: &str) -> Result<(), SandboxError> {
        self.ready(host)?.change(host, Change::Replace)
    }

    fn on_container(
        &self,
        host: &str,
        container: &str,
        decide: impl FnOnce(&Scene<'_>, &str) -> Decision,
    ) -> Result<(), SandboxError> {
        let mut world = self.ready(host)?;
        let containers = &world.fleet.machine(host).containers;
        if containers.find(container).is_none() {
            let what = format!("container {container} on host {host}");
            return Err(SandboxError::unknown(what, container, containers.names()));
        }
        let decided = world.decide(host, &[], |scene| decide(scene, container));
        decided.map_err(|source| refusal(host, source))
    }

    /// The world, ready to be changed, if the host exists.
    fn ready(&self, host: &str) -> Result<std::sync::MutexGuard<'_, World>, SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        if !world.fleet.machines.contains_key(host) {
            let hosts = world.fleet.machines.keys().map(String::as_str);
            return Err(SandboxError::unknown(format!("host {host}"), host, hosts));
        }
        Ok(world)
    }
}

fn known_file<'a>(world: &'a World, host: &str, path: &str) -> Result<(String, &'a StoredFile), SandboxError> {
    let files = &world.fleet.machine(host).files;
    let normal = normal_path(path).map_err(|reason| refusal(host, file_error("change", path, reason)))?;
    match files.get(&normal) {
        Some(file) => Ok((normal, file)),
        None => Err(unknown(host, "file", path, files.keys())),
    }
}

fn unknown<'a>(host: &str, kind: &str, name: &str, names: impl Iterator<Item = &'a String>) -> SandboxError {
    SandboxError::unknown(format!("{kind} {name} on host {host}"), name, names.map(String::as_str))
}

fn refusal(host: &str, source: HostError) -> SandboxError {
    SandboxError::Host { host: host.to_owned(), source }
}

fn file_error(operation: &'static str, path: &str, reason: &str) -> HostError {
    HostError::File { operation, path: path.to_owned(), reason: reason.to_owned() }
}
