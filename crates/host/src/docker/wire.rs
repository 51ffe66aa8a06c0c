//! What the engine answers, as far as hactl reads it.
//!
//! Decoding is tolerant: unknown fields are passed over, null is as good as absent, and words such as a container's
//! state stay text. Podman's compatible API answers in these shapes as well.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Decodes an answer. The error names the place in it and never a value, which may be secret.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "it is not JSON".to_owned())?;
    serde_path_to_error::deserialize(without_nulls(value)).map_err(|error| format!("`{}` is wrong", error.path()))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().filter(|item| !item.is_null()).map(without_nulls).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

pub(super) type Texts = BTreeMap<String, String>;

/// Of `GET /version`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) api_version: String,
    #[serde(default, rename = "MinAPIVersion")]
    pub(super) min_api_version: String,
    #[serde(default)]
    pub(super) components: Vec<Component>,
}

/// A program that the engine is made of: `Engine`, or `Podman Engine`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Component {
    #[serde(default)]
    pub(super) name: String,
}

/// Of `GET /info`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Info {
    #[serde(default, rename = "ID")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) docker_root_dir: String,
}

/// Why a request was refused. Podman adds a cause.
#[derive(Deserialize)]
pub(super) struct Refusal {
    pub(super) message: String,
}

/// The answer of whatever makes something.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Made {
    pub(super) id: String,
}

/// One of `GET /containers/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedContainer {
    pub(super) id: String,
    /// With slashes: `/web`, and `/other/alias` for what links call it.
    pub(super) names: Vec<String>,
    #[serde(default)]
    pub(super) labels: Texts,
    #[serde(default)]
    pub(super) state: String,
    /// Also those of a container that does not run, where the engine is Podman.
    #[serde(default)]
    pub(super) ports: Vec<ListedPort>,
}

impl ListedContainer {
    /// Its own name, without the slash.
    pub(super) fn name(&self) -> &str {
        let names = self.names.iter().map(|name| name.strip_prefix('/').unwrap_or(name));
        names.into_iter().find(|name| !name.contains('/')).unwrap_or_default()
    }
}

/// A port of a listed container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedPort {
    /// Absent where it is not published.
    #[serde(default)]
    pub(super) public_port: u16,
    #[serde(default, rename = "Type")]
    pub(super) protocol: String,
}

/// Of `GET /volumes`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedVolumes {
    #[serde(default)]
    pub(super) volumes: Vec<ListedNamed>,
}

/// A network or a volume in a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedNamed {
    pub(super) name: String,
    #[serde(default)]
    pub(super) driver: String,
    #[serde(default)]
    pub(super) labels: Texts,
}

/// Of `GET /containers/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InspectedContainer {
    pub(super) id: String,
    /// With its slash.
    pub(super) name: String,
    pub(super) state: State,
    /// Since it was started by hand.
    #[serde(default)]
    pub(super) restart_count: u64,
    pub(super) config: Config,
    pub(super) host_config: HostConfig,
}

/// The end of a container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ended {
    pub(super) status_code: i64,
}

/// What a container is doing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct State {
    pub(super) status: String,
    pub(super) exit_code: i64,
    pub(super) health: HealthState,
}

/// What a healthcheck says: `none`, `starting`, `healthy`, `unhealthy`, or nothing.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HealthState {
    pub(super) status: String,
}

/// The part of a container that does not depend on its host.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Config {
    pub(super) image: String,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) env: Vec<String>,
    pub(super) labels: Texts,
    pub(super) user: String,
    pub(super) working_dir: String,
    pub(super) hostname: String,
    pub(super) tty: bool,
    pub(super) healthcheck: Option<Healthcheck>,
    /// Text, but a number in early versions of Podman.
    pub(super) stop_signal: Value,
    pub(super) stop_timeout: Option<i64>,
}

/// Times are in nanoseconds.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Healthcheck {
    pub(super) test: Vec<String>,
    pub(super) interval: u64,
    pub(super) timeout: u64,
    pub(super) retries: u32,
    pub(super) start_period: u64,
}

/// A mount in the longer syntax.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HostMount {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) read_only: bool,
}

/// The part of a container that depends on its host.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HostConfig {
    pub(super) binds: Vec<String>,
    /// What was mounted in the longer syntax, as Compose does.
    pub(super) mounts: Vec<HostMount>,
    pub(super) port_bindings: BTreeMap<String, Vec<HostPort>>,
    pub(super) tmpfs: Texts,
    pub(super) network_mode: String,
    pub(super) restart_policy: RestartPolicy,
    pub(super) cap_add: Vec<String>,
    pub(super) cap_drop: Vec<String>,
    pub(super) privileged: bool,
    pub(super) pid_mode: String,
    pub(super) ipc_mode: String,
    pub(super) extra_hosts: Vec<String>,
    pub(super) dns: Vec<String>,
    pub(super) sysctls: Texts,
    pub(super) ulimits: Vec<Ulimit>,
    pub(super) devices: Vec<Device>,
    pub(super) shm_size: u64,
    pub(super) log_config: LogConfig,
    pub(super) nano_cpus: i64,
    pub(super) cpu_period: i64,
    pub(super) cpu_quota: i64,
    pub(super) memory: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HostPort {
    pub(super) host_ip: String,
    pub(super) host_port: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RestartPolicy {
    pub(super) name: String,
    pub(super) maximum_retry_count: u32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Ulimit {
    pub(super) name: String,
    pub(super) soft: i64,
    pub(super) hard: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Device {
    pub(super) path_on_host: String,
    pub(super) path_in_container: String,
    pub(super) cgroup_permissions: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LogConfig {
    #[serde(rename = "Type")]
    pub(super) driver: String,
    pub(super) config: Texts,
}

/// Of `GET /exec/ID/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InspectedExec {
    #[serde(default)]
    pub(super) running: bool,
    #[serde(default)]
    pub(super) exit_code: Option<i64>,
}

/// One line of the answer to `POST /images/create`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PullLine {
    pub(super) status: String,
    /// A layer's, but the tag's in the first line.
    pub(super) id: String,
    pub(super) progress_detail: ProgressDetail,
    pub(super) error: Option<String>,
    pub(super) error_detail: Option<Refusal>,
}

/// Bytes.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ProgressDetail {
    pub(super) current: u64,
    pub(super) total: u64,
}

/// Of `GET /distribution/NAME/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Distribution {
    pub(super) descriptor: Descriptor,
}

#[derive(Deserialize)]
pub(super) struct Descriptor {
    pub(super) digest: String,
}
