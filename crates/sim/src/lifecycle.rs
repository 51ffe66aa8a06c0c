//! A container's life: created, started, stopped, renamed, removed.

use std::path::Path;

use hactl_host::{Container, ContainerConfig, HostError, MountKind, PortBinding, Resources, RestartPolicy, Status};

use crate::containers::{named_volumes, overlap};
use crate::engine::{canonical_image, check_volume_name, default_to, is_name, network_exists, shown};
use crate::faults::{Fault, Operation};
use crate::files;
use crate::machine::{Machine, derived};
use crate::mutation::Change;
use crate::scene::{Decision, Scene, change, unchanged};

/// The exit code of a process ended by SIGKILL: 128 + 9.
const KILLED: i64 = 137;

/// The least memory limit that Docker Engine takes, in bytes.
const LEAST_MEMORY: u64 = 6 << 20;

/// What every host has besides what the sandbox keeps: mounting it makes nothing.
const SYSTEM_PATHS: [&str; 10] = [
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/var/run",
    "/lib",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/resolv.conf",
    "/etc/os-release",
];

/// Finds a container by id or name.
pub(crate) fn find<'a>(machine: &'a Machine, container: &str) -> Result<&'a Container, HostError> {
    machine.containers.find(container).ok_or_else(|| HostError::NotFound { what: format!("container {container}") })
}

/// In Docker's order: the name is checked, then the image, then whether the name is free. The configuration is kept as
/// given, but for the engine's defaults: network `bridge`, restart `no`, protocol `tcp`. Missing named volumes are
/// made; a missing network is found at the start only.
pub(crate) fn create(scene: &Scene<'_>, name: &str, config: &ContainerConfig) -> Decision<String> {
    let machine = scene.machine;
    let refusal = |message: String| Err(Scene::refusal(Operation::CreateContainer, name, message));
    if !is_name(name) {
        let allowed = "[a-zA-Z0-9][a-zA-Z0-9_.-]";
        return refusal(format!("Invalid container name ({name}), only {allowed} are allowed"));
    }
    if !machine.images.contains(&canonical_image(&config.image)) {
        return Err(HostError::NotFound { what: format!("image {}", config.image) });
    }
    name_is_free(machine, name)?;
    if scene.struck(|fault| *fault == Fault::DiskFull) {
        return refusal("mkdir /var/lib/docker/overlay2: no space left on device".to_owned());
    }
    check_changeable(Operation::CreateContainer, name, &config.resources, &config.restart)?;
    for volume in named_volumes(config) {
        check_volume_name(Operation::CreateContainer, name, volume)?;
    }
    let mut config = config.clone();
    default_to(&mut config.network, "bridge");
    default_to(&mut config.restart.name, "no");
    for port in &mut config.ports {
        default_to(&mut port.protocol, "tcp");
    }
    let made = (machine.containers_made + 1).to_string();
    let generation = machine.generation.to_string();
    let id = derived(&["container", &scene.seed.to_string(), scene.host, &generation, &made]);
    let create = Change::CreateContainer { id: id.clone(), name: name.to_owned(), config: Box::new(config) };
    Ok((id, vec![create]))
}

pub(crate) fn inspect(scene: &Scene<'_>, container: &str) -> Decision<Option<Container>> {
    unchanged(scene.machine.containers.find(container).map(|found| shown(scene, found)))
}

/// Starting what runs succeeds. A start that fails leaves the container as it was. Missing sources of bind mounts
/// become directories, as with `docker run --volume`.
pub(crate) fn start(scene: &Scene<'_>, container: &str) -> Decision {
    let container = find(scene.machine, container)?;
    match container.status {
        Status::Running => return unchanged(()),
        Status::Paused => {
            let message = "cannot start a paused container, try unpause instead";
            return Err(Scene::refusal(Operation::StartContainer, &container.name, message));
        }
        _ => {}
    }
    let network = container.config.network.as_str();
    if !network.starts_with("container:") && !network_exists(scene, network) {
        let message = format!("network {network} not found");
        return Err(Scene::refusal(Operation::StartContainer, &container.name, message));
    }
    if let Some(message) = taken_address(scene.machine, container) {
        return Err(Scene::refusal(Operation::StartContainer, &container.name, message));
    }
    let mut changes = Vec::new();
    let directories = missing_sources(scene.machine, container)?;
    if !directories.is_empty() {
        changes.push(Change::MakeDirectories { paths: directories });
    }
    let exits = scene.strikes.iter().find_map(|fault| match fault {
        Fault::ContainerExits { code, .. } => Some(*code),
        _ => None,
    });
    changes.push(Change::SetStatus { id: container.id.clone(), status: exits.map_or(Status::Running, Status::Exited) });
    Ok(((), changes))
}

/// Nothing takes time here: what ends at once has ended when its start is answered.
pub(crate) fn early_end(scene: &Scene<'_>, container: &str) -> Decision<Option<Status>> {
    let container = find(scene.machine, container)?;
    unchanged(Some(container.status.clone()).filter(|status| *status != Status::Running))
}

/// A running container ends with 0, or with 137 when it has to be killed. Time does not pass.
pub(crate) fn stop(scene: &Scene<'_>, container: &str) -> Decision {
    let container = find(scene.machine, container)?;
    match container.status {
        Status::Running | Status::Paused | Status::Restarting => {
            let ignores = scene.struck(|fault| matches!(fault, Fault::IgnoresTerm { .. }));
            change(Change::SetStatus {
                id: container.id.clone(),
                status: Status::Exited(if ignores { KILLED } else { 0 }),
            })
        }
        _ => unchanged(()),
    }
}

/// Renaming to the name it has succeeds.
pub(crate) fn rename(scene: &Scene<'_>, container: &str, name: &str) -> Decision {
    let container = find(scene.machine, container)?;
    if container.name == name {
        return unchanged(());
    }
    if !is_name(name) {
        let message = format!("Invalid container name ({name})");
        return Err(Scene::refusal(Operation::RenameContainer, &container.name, message));
    }
    name_is_free(scene.machine, name)?;
    change(Change::RenameContainer { id: container.id.clone(), name: name.to_owned() })
}

pub(crate) fn remove(scene: &Scene<'_>, container: &str) -> Decision {
    match scene.machine.containers.find(container) {
        Some(found) => change(Change::RemoveContainer { id: found.id.clone() }),
        None => unchanged(()),
    }
}

pub(crate) fn update(scene: &Scene<'_>, container: &str, resources: &Resources, restart: &RestartPolicy) -> Decision {
    let container = find(scene.machine, container)?;
    check_changeable(Operation::UpdateContainer, &container.name, resources, restart)?;
    let mut restart = restart.clone();
    default_to(&mut restart.name, "no");
    if container.config.resources == *resources && container.config.restart == restart {
        return unchanged(());
    }
    change(Change::UpdateContainer { id: container.id.clone(), resources: resources.clone(), restart })
}

/// `KILL` ends a container with 137; its stop signal, `TERM`, `INT` and `QUIT` end it with 0; others change nothing.
pub(crate) fn signal(scene: &Scene<'_>, container: &str, signal: &str) -> Decision {
    const KNOWN: &str = " HUP INT QUIT TERM KILL USR1 USR2 WINCH CHLD CONT STOP TSTP ALRM ABRT PIPE ";
    let container = running(scene, container, Operation::SignalContainer)?;
    let bare = |signal: &str| signal.strip_prefix("SIG").unwrap_or(signal).to_ascii_uppercase();
    let name = bare(signal);
    if !KNOWN.contains(&format!(" {name} ")) {
        let message = format!("invalid signal: {signal}");
        return Err(Scene::refusal(Operation::SignalContainer, &container.name, message));
    }
    let ends = matches!(name.as_str(), "TERM" | "INT" | "QUIT")
        || container.config.stop_signal.as_deref().is_some_and(|stop| bare(stop) == name);
    let code = match name.as_str() {
        "KILL" => KILLED,
        _ if ends && !scene.struck(|fault| matches!(fault, Fault::IgnoresTerm { .. })) => 0,
        _ => return unchanged(()),
    };
    change(Change::SetStatus { id: container.id.clone(), status: Status::Exited(code) })
}

/// The container, if it runs.
pub(crate) fn running<'a>(
    scene: &Scene<'a>,
    container: &str,
    operation: Operation,
) -> Result<&'a Container, HostError> {
    let container = find(scene.machine, container)?;
    if container.status != Status::Running {
        let message = format!("container {} is not running", container.name);
        return Err(Scene::refusal(operation, &container.name, message));
    }
    Ok(container)
}

/// What Docker Engine checks of the part that can change in place.
fn check_changeable(
    operation: Operation,
    container: &str,
    resources: &Resources,
    restart: &RestartPolicy,
) -> Result<(), HostError> {
    if resources.memory.is_some_and(|memory| memory < LEAST_MEMORY) {
        return Err(Scene::refusal(operation, container, "Minimum memory limit allowed is 6MB"));
    }
    let name = restart.name.as_str();
    if !matches!(name, "" | "no" | "always" | "unless-stopped" | "on-failure") {
        return Err(Scene::refusal(operation, container, format!("invalid restart policy '{name}'")));
    }
    if restart.retries > 0 && name != "on-failure" {
        let message = format!("maximum retry count cannot be used with restart policy '{name}'");
        return Err(Scene::refusal(operation, container, message));
    }
    Ok(())
}

fn name_is_free(machine: &Machine, name: &str) -> Result<(), HostError> {
    match machine.containers.named(name) {
        None => Ok(()),
        Some(_) => Err(HostError::Conflict { what: format!("a container named {name}") }),
    }
}

/// What the engine says of the first address that the container publishes and that is held by another, or twice by
/// itself. It keeps account of ports for each address; where one is all addresses, the kernel is who notices.
fn taken_address(machine: &Machine, container: &Container) -> Option<String> {
    if container.config.network == "host" {
        return None;
    }
    let ports = &container.config.ports;
    ports.iter().enumerate().filter(|(_, port)| port.host != 0).find_map(|(index, port)| {
        let clashes = |other: &&PortBinding| {
            (other.host, &other.protocol) == (port.host, &port.protocol)
                && overlap(other.ip.as_deref(), port.ip.as_deref())
        };
        let holder = machine.containers.holder(port.ip.as_deref(), port.host, &port.protocol);
        let held = holder.into_iter().flat_map(|holder| &holder.config.ports);
        let taken = ports[..index].iter().chain(held).find(clashes)?;
        let address = format!("{}:{}", bound_to(port), port.host);
        Some(if bound_to(taken) == bound_to(port) {
            format!("Bind for {address} failed: port is already allocated")
        } else {
            format!("Error starting userland proxy: listen {}4 {address}: bind: address already in use", port.protocol)
        })
    })
}

fn bound_to(port: &PortBinding) -> &str {
    port.ip.as_deref().filter(|ip| !matches!(*ip, "" | "::")).unwrap_or("0.0.0.0")
}

fn missing_sources(machine: &Machine, container: &Container) -> Result<Vec<String>, HostError> {
    let mut missing: Vec<String> = Vec::new();
    for mount in container.config.mounts.iter().filter(|mount| mount.kind == MountKind::Bind) {
        let refusal = |why: &str| {
            let message = format!("error while creating mount source path '{0}': mkdir {0}: {why}", mount.source);
            Scene::refusal(Operation::StartContainer, &container.name, message)
        };
        let source = hactl_host::normal_path(&mount.source).map_err(&refusal)?;
        let is_system = SYSTEM_PATHS.iter().any(|system| Path::new(&source).starts_with(system));
        if is_system || machine.files.contains_key(&source) || machine.is_directory(&source) {
            continue;
        }
        let inside = format!("{source}/.");
        for directory in files::missing_parents(machine, &inside).map_err(refusal)? {
            if !missing.contains(&directory) {
                missing.push(directory);
            }
        }
    }
    Ok(missing)
}
