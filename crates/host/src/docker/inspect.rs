//! From what the engine shows of a container to ours.

use std::collections::BTreeMap;

use crate::container::{
    Container, ContainerConfig, Device, Health, Healthcheck, Logging, Mount, MountKind, PortBinding, RestartPolicy,
    Status, Tmpfs, Ulimit,
};
use crate::docker::{update, wire};

/// A container as the engine shows it, the image's defaults included.
pub(super) fn container(shown: wire::InspectedContainer) -> Container {
    let config = config(&shown.id, shown.config, shown.host_config);
    Container {
        name: shown.name.strip_prefix('/').unwrap_or(&shown.name).to_owned(),
        config,
        status: status(&shown.state),
        health: health(&shown.state.health),
        id: shown.id,
    }
}

pub(super) fn status(state: &wire::State) -> Status {
    match state.status.as_str() {
        "created" | "initialized" => Status::Created,
        "running" => Status::Running,
        "paused" => Status::Paused,
        "restarting" => Status::Restarting,
        // Podman says "stopped" until it has cleaned up after a container.
        "exited" | "stopped" => Status::Exited(state.exit_code),
        other => Status::Other(other.to_owned()),
    }
}

fn health(health: &wire::HealthState) -> Option<Health> {
    match health.status.as_str() {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}

fn config(id: &str, config: wire::Config, host: wire::HostConfig) -> ContainerConfig {
    let resources = update::limits(&host);
    let env = config.env.iter().map(|entry| entry.split_once('=').unwrap_or((entry, "")));
    ContainerConfig {
        image: config.image,
        entrypoint: config.entrypoint,
        command: config.cmd,
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        labels: config.labels,
        ports: ports(&host.port_bindings),
        mounts: host
            .binds
            .iter()
            .map(|bind| mount(bind))
            .chain(host.mounts.into_iter().filter_map(long_mount))
            .collect(),
        tmpfs: host.tmpfs.into_iter().map(|(target, options)| Tmpfs { target, options }).collect(),
        network: match host.network_mode.as_str() {
            "" | "default" => "bridge".to_owned(),
            _ => host.network_mode,
        },
        restart: RestartPolicy {
            retries: host.restart_policy.maximum_retry_count,
            name: some(host.restart_policy.name).unwrap_or_else(|| "no".to_owned()),
        },
        user: some(config.user),
        workdir: some(config.working_dir),
        // By default it is the beginning of the id.
        hostname: some(config.hostname).filter(|hostname| !id.starts_with(hostname)),
        cap_add: host.cap_add.into_iter().map(capability).collect(),
        cap_drop: host.cap_drop.into_iter().map(capability).collect(),
        privileged: host.privileged,
        pid: some(host.pid_mode),
        ipc: some(host.ipc_mode),
        extra_hosts: host.extra_hosts,
        dns: host.dns,
        sysctls: host.sysctls,
        ulimits: host
            .ulimits
            .into_iter()
            .map(|limit| Ulimit { name: limit.name, soft: limit.soft, hard: limit.hard })
            .collect(),
        devices: host.devices.into_iter().map(device).collect(),
        shm_size: Some(host.shm_size).filter(|size| *size > 0),
        logging: some(host.log_config.driver).map(|driver| Logging { driver, options: host.log_config.config }),
        resources,
        healthcheck: config.healthcheck.filter(|check| !check.test.is_empty()).map(healthcheck),
        stop_signal: config.stop_signal.as_str().filter(|signal| !signal.is_empty()).map(str::to_owned),
        stop_grace_period: config.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok()),
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Engines differ in whether they show the prefix.
fn capability(name: String) -> String {
    name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
}

/// Ports of forms that hactl does not write (ranges) are left out.
fn ports(bindings: &BTreeMap<String, Vec<wire::HostPort>>) -> Vec<PortBinding> {
    let mut ports = Vec::new();
    for (key, bound) in bindings {
        let (container, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
        let Ok(container) = container.parse() else { continue };
        for port in bound {
            let host = if port.host_port.is_empty() { Ok(0) } else { port.host_port.parse() };
            let Ok(host) = host else { continue };
            ports.push(PortBinding { ip: some(port.host_ip.clone()), host, container, protocol: protocol.to_owned() });
        }
    }
    ports.sort();
    ports
}

/// Of the syntax of `docker run --volume`; a target alone is an anonymous volume.
fn mount(bind: &str) -> Mount {
    let mut parts = bind.splitn(3, ':');
    let (source, target) = match (parts.next().unwrap_or_default(), parts.next()) {
        (source, Some(target)) => (source, target),
        (target, None) => ("", target),
    };
    let options = parts.next().unwrap_or_default().split(',').filter(|option| !option.is_empty());
    let (modes, others): (Vec<&str>, Vec<&str>) = options.partition(|option| matches!(*option, "ro" | "rw"));
    Mount {
        kind: if source.starts_with('/') { MountKind::Bind } else { MountKind::Volume },
        source: source.to_owned(),
        target: target.to_owned(),
        read_only: modes.contains(&"ro"),
        options: others.into_iter().map(str::to_owned).collect(),
    }
}

/// A mount in the longer syntax; one of another kind (as `tmpfs`) is left out.
fn long_mount(mount: wire::HostMount) -> Option<Mount> {
    let kind = match mount.kind.as_str() {
        "bind" => MountKind::Bind,
        "volume" => MountKind::Volume,
        _ => return None,
    };
    Some(Mount { kind, source: mount.source, target: mount.target, read_only: mount.read_only, options: Vec::new() })
}

fn device(device: wire::Device) -> Device {
    Device { host: device.path_on_host, container: device.path_in_container, permissions: device.cgroup_permissions }
}

/// The API counts in nanoseconds.
fn healthcheck(check: wire::Healthcheck) -> Healthcheck {
    Healthcheck {
        test: check.test,
        interval_ms: check.interval / 1_000_000,
        timeout_ms: check.timeout / 1_000_000,
        retries: check.retries,
        start_period_ms: check.start_period / 1_000_000,
    }
}
