//! What a config says of a container.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Text;

/// A container on each of its nodes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContainerSpec {
    /// The image: a name with a tag or a digest.
    #[schemars(extend("format" = "image"))]
    pub(crate) image: String,
    /// When to pull the image.
    #[serde(default)]
    pub(crate) pull: PullPolicy,
    /// The container's name on its host; the resource's name where left out.
    #[schemars(extend("format" = "name"))]
    pub(crate) name: Option<String>,
    /// What is run, in place of the image's entrypoint.
    pub(crate) entrypoint: Option<Vec<Text>>,
    /// The arguments, in place of the image's command.
    pub(crate) command: Option<Vec<Text>>,
    /// Environment variables. Who may ask Docker Engine can read them, so secrets are better delivered as files.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, Text>,
    /// Labels.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, Text>,
    /// Published ports, `[IP:]HOST:CONTAINER[/PROTOCOL]`.
    #[serde(default)]
    pub(crate) ports: Vec<Port>,
    /// Mounts, `SOURCE:TARGET[:OPTIONS]`; a source that is no path is a named volume, made on demand.
    #[serde(default)]
    pub(crate) volumes: Vec<MountText>,
    /// In-memory file systems: target path to mount options, as in `{/tmp: size=64m}`.
    #[serde(default)]
    pub(crate) tmpfs: BTreeMap<String, String>,
    /// `bridge`, `host`, `none`, or the name of a network, made on demand.
    #[schemars(extend("format" = "name"))]
    pub(crate) network: Option<String>,
    /// `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`; `unless-stopped` where left out.
    #[schemars(extend("format" = "restart"))]
    pub(crate) restart: Option<String>,
    /// User, and group, as in `1000:1000`.
    pub(crate) user: Option<String>,
    /// The working directory.
    pub(crate) workdir: Option<String>,
    /// The host name inside.
    pub(crate) hostname: Option<String>,
    /// Capabilities to add.
    #[serde(default)]
    pub(crate) cap_add: Vec<String>,
    /// Capabilities to drop.
    #[serde(default)]
    pub(crate) cap_drop: Vec<String>,
    /// Give it all rights on the host.
    #[serde(default)]
    pub(crate) privileged: bool,
    /// `host` to share the host's processes.
    pub(crate) pid: Option<String>,
    /// `host`, `private` or `shareable`.
    pub(crate) ipc: Option<String>,
    /// Lines for its /etc/hosts, `NAME:IP`.
    #[serde(default)]
    pub(crate) extra_hosts: Vec<String>,
    /// Name servers.
    #[serde(default)]
    pub(crate) dns: Vec<String>,
    /// Kernel settings.
    #[serde(default)]
    pub(crate) sysctls: BTreeMap<String, Text>,
    /// Limits, as in `{nofile: 65536}` or `{nofile: {soft: 1024, hard: 4096}}`.
    #[serde(default)]
    pub(crate) ulimits: BTreeMap<String, UlimitSpec>,
    /// Devices, `HOST[:CONTAINER[:rwm]]`.
    #[serde(default)]
    pub(crate) devices: Vec<String>,
    /// The size of /dev/shm.
    #[schemars(extend("format" = "size"))]
    pub(crate) shm_size: Option<String>,
    /// Where its output goes.
    pub(crate) logging: Option<LoggingSpec>,
    /// The most processors it may use; changes in place.
    #[schemars(range(min = 0.01, max = 4096.0))]
    pub(crate) cpus: Option<f64>,
    /// The most memory it may use; changes in place.
    #[schemars(extend("format" = "size"))]
    pub(crate) memory: Option<String>,
    /// Docker Engine's own periodic check.
    pub(crate) healthcheck: Option<HealthcheckSpec>,
    /// The signal that stops it.
    pub(crate) stop_signal: Option<String>,
    /// How long it may take to stop before it is killed; 10s where left out.
    #[schemars(extend("format" = "duration"))]
    pub(crate) stop_grace_period: Option<String>,
    /// What must hold before the change counts as done and the next instance has its turn.
    pub(crate) health: Option<HealthSpec>,
    /// How changes are spread over the instances.
    pub(crate) rollout: Option<RolloutSpec>,
    /// What to do when a file that it uses changes; `restart` where left out.
    #[serde(default)]
    pub(crate) on_file_change: OnFileChange,
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PullPolicy {
    /// When the host does not have it.
    #[default]
    Missing,
    /// The registry is asked in every plan: a tag that was moved replaces the container.
    Always,
    /// Never; the host must have it.
    Never,
}

/// A published port.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Port(#[schemars(extend("format" = "port"))] pub(crate) String);

/// A mount.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct MountText(#[schemars(extend("format" = "mount"))] pub(crate) String);

/// A limit: one number for both, or soft and hard.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum UlimitSpec {
    /// Soft and hard alike.
    Both(i64),
    /// Each on its own.
    Each {
        /// The limit that applies.
        soft: i64,
        /// The limit to which it can be raised.
        hard: i64,
    },
}

/// Where output goes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LoggingSpec {
    /// The logging driver.
    pub(crate) driver: String,
    /// Its options.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Text>,
}

/// The engine's own check.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HealthcheckSpec {
    /// The command.
    pub(crate) command: Vec<String>,
    /// Time between two checks.
    #[schemars(extend("format" = "duration"))]
    pub(crate) interval: Option<String>,
    /// Time one check may take.
    #[schemars(extend("format" = "duration"))]
    pub(crate) timeout: Option<String>,
    /// Failures in a row that make it unhealthy.
    pub(crate) retries: Option<u32>,
    /// Time in which failures do not count.
    #[schemars(extend("format" = "duration"))]
    pub(crate) start_period: Option<String>,
}

/// What must hold before a change counts as done; without a probe: that it runs, and passes its healthcheck.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HealthSpec {
    /// An HTTP request on the host answers with a status below 400.
    pub(crate) http: Option<HttpProbe>,
    /// A TCP connection on the host is accepted.
    pub(crate) tcp: Option<TcpProbe>,
    /// A command in the container exits with 0.
    pub(crate) exec: Option<Vec<String>>,
    /// How long to wait for it; 60s where left out.
    #[schemars(extend("format" = "duration"))]
    pub(crate) timeout: Option<String>,
    /// Time between two tries; 1s where left out.
    #[schemars(extend("format" = "duration"))]
    pub(crate) interval: Option<String>,
}

/// An HTTP request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HttpProbe {
    /// The port on the host.
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// The path; / where left out.
    pub(crate) path: Option<String>,
}

/// A TCP connection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TcpProbe {
    /// The port on the host.
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
}

/// How changes are spread over the instances.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RolloutSpec {
    /// The most instances changed at one time, as a number or a share like 25%.
    pub(crate) max_unavailable: Option<MaxUnavailable>,
    /// What to do with an instance that does not become healthy.
    #[serde(default)]
    pub(crate) on_failure: OnFailure,
}

/// A number of instances, or a share of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum MaxUnavailable {
    /// So many.
    Number(#[schemars(range(min = 1))] u32),
    /// Such a share, rounded down, at least one.
    Share(#[schemars(extend("format" = "max-unavailable"))] String),
}

/// What to do with an instance that does not become healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OnFailure {
    /// Put the old one back.
    #[default]
    Rollback,
    /// Leave it for you to look at.
    Stop,
}

/// What to do when a file that the container uses changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OnFileChange {
    /// Restart it.
    #[default]
    Restart,
    /// Nothing; it notices by itself.
    Ignore,
    /// Tell it to read its files again.
    Reload(Reload),
}

/// How to tell a container to read its files again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Reload {
    /// Send it this signal, as in HUP.
    Signal(String),
    /// Run this command in it.
    Exec(Vec<String>),
}
