//! Faults: what can be made to go wrong on the simulated hosts and their cluster.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hactl_core::registry::registry_of;
use serde::{Deserialize, Serialize};

/// Something that goes wrong on a host, or on the cluster, whose name is `kubernetes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Fault {
    /// The host does not answer: connecting and every operation is unreachable, and has no effect.
    HostDown,
    /// Every operation takes so much longer.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// The operation takes effect, then the connection breaks.
    ConnectionLost {
        /// Which; every operation that has an effect where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<Operation>,
    },
    /// The engine refuses the operation; the API server forbids it.
    Refuse {
        /// Which.
        operation: Operation,
    },
    /// The registry does not have an image.
    PullFails {
        /// Which, with its tag; every image where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<String>,
    },
    /// A registry gives its images only to one who is logged in.
    RegistryNeedsLogin {
        /// The registry as in image names; `docker.io` for images without a host.
        registry: String,
        /// The user it lets in.
        username: String,
        /// That user's password.
        password: String,
    },
    /// No file, image or container can be written.
    DiskFull,
    /// A container ends as soon as it was started.
    ContainerExits {
        /// The container's name.
        name: String,
        /// Its exit code.
        code: i64,
    },
    /// A container's healthcheck and probes fail: it answers with status 503.
    Unhealthy {
        /// The container's name.
        name: String,
    },
    /// An object of the cluster does not become ready: its pods crash. Each look for a change of it
    /// ([`hactl_kube::Cluster::next`]) counts as an operation.
    Unready {
        /// Its kind, namespace and name: `Deployment/shop/web`.
        name: String,
    },
    /// A container does not end on its stop signal and has to be killed (exit code 137).
    IgnoresTerm {
        /// The container's name.
        name: String,
    },
    /// The hactl process itself dies.
    Crash {
        /// At which operation; every operation that has an effect where none is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<Operation>,
        /// Before or after the operation took effect.
        when: Moment,
    },
}

/// Before or after an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    /// The operation has had no effect.
    Before,
    /// The operation has taken effect; its answer is lost.
    After,
}

/// A fault with the operations it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectedFault {
    /// Its number in this sandbox, from 1.
    pub id: u64,
    /// The host it waits on; all of them where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What goes wrong.
    pub fault: Fault,
    /// So many matching operations pass first.
    #[serde(default)]
    pub skip: u32,
    /// Then it strikes so often and is gone; until it is cleared where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

macro_rules! operations {
    ($($variant:ident $name:literal $effect:literal,)*) => {
        /// An operation of the ports [`hactl_host::Fleet`] and [`hactl_host::Host`], or of [`hactl_kube::Cluster`], written
        /// as the function's name; an `apply` that only asks is `dry_run`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the functions of the port document themselves")]
        pub enum Operation { $(#[serde(rename = $name)] $variant,)* }

        impl Operation {
            /// All of them, in the ports' order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The function's name, as in `create_container`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it may change the host or the cluster.
            pub fn has_effect(self) -> bool {
                match self { $(Self::$variant => $effect,)* }
            }
        }
    };
}

operations! {
    Connect "connect" false,
    Survey "survey" false,
    EngineSurvey "engine_survey" false,
    Claim "claim" true,
    Release "release" true,
    WriteFile "write_file" true,
    RemoveFile "remove_file" true,
    WriteBlock "write_block" true,
    RemoveBlock "remove_block" true,
    HasImage "has_image" false,
    PullImage "pull_image" true,
    CreateContainer "create_container" true,
    InspectContainer "inspect_container" false,
    StartContainer "start_container" true,
    StopContainer "stop_container" true,
    RenameContainer "rename_container" true,
    RemoveContainer "remove_container" true,
    UpdateContainer "update_container" true,
    SignalContainer "signal_container" true,
    Exec "exec" true,
    ContainerLogs "container_logs" false,
    Probe "probe" false,
    CreateNetwork "create_network" true,
    RemoveNetwork "remove_network" true,
    CreateVolume "create_volume" true,
    RemoveVolume "remove_volume" true,
    Identity "identity" false,
    Served "served" false,
    List "list" false,
    Get "get" false,
    Apply "apply" true,
    DryRun "dry_run" false,
    Delete "delete" true,
    Next "next" false,
    Log "log" false,
}

impl Operation {
    /// As in `create container web`.
    pub(crate) fn describe(self, subject: &str) -> String {
        let mut text = self.as_str().replace('_', " ");
        if !subject.is_empty() {
            text.push(' ');
            text.push_str(subject);
        }
        text
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no operation `{0}`; operations are {list}", list = operation_names())]
pub struct UnknownOperation(pub String);

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|operation| operation.as_str() == text).ok_or_else(|| UnknownOperation(text.to_owned()))
    }
}

fn operation_names() -> String {
    Operation::ALL.iter().map(|operation| operation.as_str()).collect::<Vec<_>>().join(", ")
}

/// One call, as faults are matched with it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) host: &'a str,
    pub(crate) operation: Operation,
    /// Names of the containers, of the image or of the object it is about.
    pub(crate) subjects: Vec<&'a str>,
}

/// Which faults a call met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// Those that strike.
    pub(crate) strikes: Vec<Fault>,
    /// Those whose counters are to be moved, see [`count`].
    pub(crate) counted: Vec<u64>,
}

/// The faults that a call meets, among those of interest.
pub(crate) fn meet(faults: &[InjectedFault], call: &Call<'_>, of_interest: impl Fn(&Fault) -> bool) -> Met {
    let mut met = Met::default();
    for injected in faults.iter().filter(|injected| is_on(injected, call.host)) {
        if !of_interest(&injected.fault) || !matches(&injected.fault, call) {
            continue;
        }
        if injected.skip == 0 {
            met.strikes.push(injected.fault.clone());
        }
        if injected.skip > 0 || injected.times.is_some() {
            met.counted.push(injected.id);
        }
    }
    met
}

/// Moves the counters of faults that a call met; those that have struck often enough are gone.
pub(crate) fn count(faults: &mut Vec<InjectedFault>, ids: &[u64]) {
    for fault in faults.iter_mut().filter(|fault| ids.contains(&fault.id)) {
        if fault.skip > 0 {
            fault.skip -= 1;
        } else if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
        }
    }
    faults.retain(|fault| fault.times != Some(0));
}

/// Whether a container fails its healthcheck now; looking does not count as an operation.
pub(crate) fn is_unhealthy(faults: &[InjectedFault], host: &str, container: &str) -> bool {
    standing(faults, host).any(|fault| matches!(fault, Fault::Unhealthy { name } if name == container))
}

/// Whether an object of the cluster is kept from being ready now, and for how many looks where that is limited; this
/// look does not count as an operation.
pub(crate) fn unready(faults: &[InjectedFault], host: &str, object: &str) -> Option<Option<u32>> {
    let standing = faults.iter().filter(|injected| injected.skip == 0 && is_on(injected, host));
    let mut found = standing.filter(|injected| matches!(&injected.fault, Fault::Unready { name } if name == object));
    found.next().map(|injected| injected.times)
}

/// The faults that would strike a pull now; looking at a registry does not count as an operation.
pub(crate) fn on_pull<'a>(
    faults: &'a [InjectedFault],
    host: &'a str,
    image: &'a str,
) -> impl Iterator<Item = &'a Fault> {
    let call = Call { host, operation: Operation::PullImage, subjects: vec![image] };
    standing(faults, host).filter(move |fault| matches(fault, &call))
}

fn standing<'a>(faults: &'a [InjectedFault], host: &'a str) -> impl Iterator<Item = &'a Fault> {
    let standing = faults.iter().filter(move |injected| injected.skip == 0 && is_on(injected, host));
    standing.map(|injected| &injected.fault)
}

fn is_on(injected: &InjectedFault, host: &str) -> bool {
    injected.host.as_deref().is_none_or(|name| name == host)
}

/// How much longer a call takes because of the faults that strike it.
pub(crate) fn delay(strikes: &[Fault]) -> Duration {
    let ms = strikes.iter().map(|fault| match fault {
        Fault::Latency { ms } => *ms,
        _ => 0,
    });
    Duration::from_millis(ms.fold(0, u64::saturating_add))
}

/// An image's name without its digest.
fn tag_of(image: &str) -> &str {
    image.split('@').next().unwrap_or(image)
}

fn matches(fault: &Fault, call: &Call<'_>) -> bool {
    let operation = call.operation;
    let about = |name: &str| call.subjects.contains(&name);
    match fault {
        Fault::HostDown | Fault::Latency { .. } => true,
        Fault::ConnectionLost { operation: wanted } | Fault::Crash { operation: wanted, .. } => match wanted {
            Some(wanted) => *wanted == operation,
            None => operation.has_effect(),
        },
        Fault::Refuse { operation: wanted } => *wanted == operation,
        Fault::PullFails { image } => {
            operation == Operation::PullImage
                && image.as_deref().is_none_or(|image| {
                    let image = crate::engine::canonical_image(image);
                    call.subjects.iter().any(|subject| *subject == image || tag_of(subject) == image)
                })
        }
        Fault::RegistryNeedsLogin { registry, .. } => {
            operation == Operation::PullImage && call.subjects.iter().any(|image| registry_of(image) == registry)
        }
        Fault::DiskFull => {
            use Operation::{CreateContainer, PullImage, WriteBlock, WriteFile};
            matches!(operation, WriteFile | WriteBlock | PullImage | CreateContainer)
        }
        Fault::ContainerExits { name, .. } => operation == Operation::StartContainer && about(name),
        Fault::Unhealthy { name } => operation == Operation::Probe && about(name),
        Fault::Unready { name } => operation == Operation::Next && about(name),
        Fault::IgnoresTerm { name } => {
            matches!(operation, Operation::StopContainer | Operation::SignalContainer) && about(name)
        }
    }
}
