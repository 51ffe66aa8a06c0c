//! From a container's configuration to the body of `POST /containers/create`.

use serde_json::{Map, Value, json};

use crate::container::{ContainerConfig, Healthcheck, Mount, MountKind, PortBinding, RestartPolicy};
use crate::docker::update::cpu_quota;

/// The body. It holds the environment: not to be shown.
pub(super) fn body(config: &ContainerConfig) -> Value {
    let env: Vec<String> = config.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let exposed: Map<String, Value> = config.ports.iter().map(|port| (port_key(port), json!({}))).collect();
    json!({
        "Image": config.image,
        "Entrypoint": config.entrypoint,
        "Cmd": config.command,
        "Env": env,
        "Labels": config.labels,
        "ExposedPorts": exposed,
        "User": config.user,
        "WorkingDir": config.workdir,
        "Hostname": config.hostname,
        "Healthcheck": config.healthcheck.as_ref().map(healthcheck),
        "StopSignal": config.stop_signal,
        "StopTimeout": config.stop_grace_period,
        "HostConfig": host_config(config),
    })
}

fn host_config(config: &ContainerConfig) -> Value {
    let binds: Vec<String> = config.mounts.iter().map(bind).collect();
    let tmpfs: Map<String, Value> =
        config.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone(), json!(tmpfs.options))).collect();
    let ulimits = config.ulimits.iter();
    let devices = config.devices.iter();
    json!({
        "Binds": binds,
        "PortBindings": port_bindings(&config.ports),
        "Tmpfs": tmpfs,
        "NetworkMode": if config.network.is_empty() { "bridge" } else { &config.network },
        "RestartPolicy": restart_policy(&config.restart),
        "CapAdd": config.cap_add,
        "CapDrop": config.cap_drop,
        "Privileged": config.privileged,
        "PidMode": config.pid.as_deref().unwrap_or_default(),
        "IpcMode": config.ipc.as_deref().unwrap_or_default(),
        "ExtraHosts": config.extra_hosts,
        "Dns": config.dns,
        "Sysctls": config.sysctls,
        "Ulimits": ulimits
            .map(|limit| json!({"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}))
            .collect::<Vec<_>>(),
        "Devices": devices
            .map(|device| json!({
                "PathOnHost": device.host,
                "PathInContainer": device.container,
                "CgroupPermissions": device.permissions,
            }))
            .collect::<Vec<_>>(),
        "ShmSize": config.shm_size.unwrap_or_default(),
        "LogConfig": match &config.logging {
            Some(logging) => json!({"Type": logging.driver, "Config": logging.options}),
            None => json!({}),
        },
        "CpuQuota": config.resources.milli_cpus.map_or(0, cpu_quota),
        "Memory": config.resources.memory.unwrap_or_default(),
    })
}

/// The restart policy in the API's form.
pub(super) fn restart_policy(policy: &RestartPolicy) -> Value {
    let name = if policy.name.is_empty() { "no" } else { &policy.name };
    json!({"Name": name, "MaximumRetryCount": policy.retries})
}

/// In the syntax of `docker run --volume`, because only there a missing source becomes a directory.
fn bind(mount: &Mount) -> String {
    let mut options: Vec<&str> = mount.options.iter().map(String::as_str).collect();
    if mount.read_only {
        options.insert(0, "ro");
    }
    let colon = if options.is_empty() { "" } else { ":" };
    match (mount.kind, mount.source.as_str()) {
        (MountKind::Volume, "") => mount.target.clone(),
        (_, source) => format!("{source}:{}{colon}{}", mount.target, options.join(",")),
    }
}

/// As in `80/tcp`.
fn port_key(port: &PortBinding) -> String {
    let protocol = if port.protocol.is_empty() { "tcp" } else { &port.protocol };
    format!("{}/{protocol}", port.container)
}

fn port_bindings(ports: &[PortBinding]) -> Map<String, Value> {
    let mut bindings = Map::new();
    for port in ports {
        let number = if port.host == 0 { String::new() } else { port.host.to_string() };
        let binding = json!({"HostIp": port.ip.as_deref().unwrap_or_default(), "HostPort": number});
        let bound = bindings.entry(port_key(port)).or_insert_with(|| json!([]));
        if let Value::Array(bound) = bound {
            bound.push(binding);
        }
    }
    bindings
}

/// The API counts in nanoseconds.
fn healthcheck(check: &Healthcheck) -> Value {
    let nanoseconds = |ms: u64| ms.saturating_mul(1_000_000);
    json!({
        "Test": check.test,
        "Interval": nanoseconds(check.interval_ms),
        "Timeout": nanoseconds(check.timeout_ms),
        "Retries": check.retries,
        "StartPeriod": nanoseconds(check.start_period_ms),
    })
}
