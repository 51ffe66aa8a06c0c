//! What can change in place: limits and the restart policy.
//!
//! Docker Engine takes 0 for "unchanged", so that limits can be set but not plainly removed. Tried on Engine 20.10:
//!
//! - Processors as `NanoCpus` can never be lifted again: values from 0.01 to the number of processors are accepted, and
//!   nothing else. As `CpuQuota` they can: -1 lifts the limit, a later value sets it again, and both outlive a restart.
//!   So containers are made with `CpuQuota`. One that was given `NanoCpus` by hand keeps that form.
//! - Memory can only get a limit that nothing reaches, which is shown as none. Swap has to move along, or the engine
//!   refuses a memory limit above the old one of both together.

use serde_json::{Map, Value, json};

use crate::container::{Resources, RestartPolicy};
use crate::docker::create::restart_policy;
use crate::docker::wire::HostConfig;

/// Microseconds over which `CpuQuota` counts where no period is given.
const CPU_PERIOD: i64 = 100_000;

/// Bytes that stand for no limit: 8 PiB, which twice fits where the kernel counts pages.
const UNLIMITED_MEMORY: u64 = 1 << 53;

/// The body of `POST /containers/ID/update` that brings a container to these limits and this policy.
pub(super) fn body(now: &HostConfig, resources: &Resources, restart: &RestartPolicy) -> Value {
    let mut body = Map::from_iter([("RestartPolicy".to_owned(), restart_policy(restart))]);
    let current = limits(now);
    if current.milli_cpus != resources.milli_cpus {
        let (name, value) = match resources.milli_cpus {
            Some(milli) if now.nano_cpus > 0 && now.cpu_quota == 0 => {
                ("NanoCpus", signed(milli).saturating_mul(1_000_000))
            }
            Some(milli) => ("CpuQuota", cpu_quota(milli)),
            None => ("CpuQuota", -1),
        };
        body.insert(name.to_owned(), json!(value));
    }
    if current.memory != resources.memory {
        let memory = resources.memory.unwrap_or(UNLIMITED_MEMORY);
        body.insert("Memory".to_owned(), json!(memory));
        body.insert("MemorySwap".to_owned(), json!(memory.saturating_mul(2)));
    }
    Value::Object(body)
}

/// The limits that hold.
pub(super) fn limits(config: &HostConfig) -> Resources {
    let period = if config.cpu_period > 0 { config.cpu_period } else { CPU_PERIOD };
    let milli_cpus = match config.cpu_quota {
        0 => config.nano_cpus / 1_000_000,
        quota => quota.saturating_mul(1000) / period,
    };
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    Resources {
        milli_cpus: positive(milli_cpus),
        memory: positive(config.memory).filter(|memory| *memory < UNLIMITED_MEMORY),
    }
}

/// Thousandths of a processor as microseconds in every [`CPU_PERIOD`].
pub(super) fn cpu_quota(milli_cpus: u64) -> i64 {
    signed(milli_cpus).saturating_mul(CPU_PERIOD / 1000)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
