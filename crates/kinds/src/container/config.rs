//! From a spec to what Docker Engine is told.

use std::collections::BTreeMap;

use hactl_core::value::Value;
use hactl_engine::Job;
use hactl_host::{ContainerConfig, Device, Healthcheck, Logging, Resources, Tmpfs, Ulimit, labels};

use crate::container::digests::IMAGE_DIGEST;
use crate::container::observe::milli_cpus;
use crate::container::spec::{ContainerSpec, HealthSpec, HealthcheckSpec, OnFileChange, PullPolicy, UlimitSpec};
use crate::decode::decode_value;
use crate::formats;
use crate::text::Text;

/// A container about to be made.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) config: ContainerConfig,
    pub(super) pull: PullPolicy,
    pub(super) health: Option<HealthSpec>,
    pub(super) on_file_change: OnFileChange,
}

/// What to make, from a spec without anything deferred.
pub(super) fn made(spec: &Value, job: &Job<'_>) -> Result<Made, String> {
    let mut map = spec.as_map().cloned().unwrap_or_default();
    map.remove("running");
    let digest = map.remove(IMAGE_DIGEST);
    let spec: ContainerSpec = decode_value(&Value::Map(map))?;
    let name = spec.name.clone().unwrap_or_else(|| job.address.name().to_owned());
    let mut config = ContainerConfig {
        image: match digest.as_ref().and_then(Value::as_str) {
            Some(digest) => format!("{}@{digest}", spec.image),
            None => spec.image.clone(),
        },
        entrypoint: spec.entrypoint.as_deref().map(texts),
        command: spec.command.as_deref().map(texts),
        env: map_of(&spec.env).into_iter().collect(),
        labels: map_of(&spec.labels),
        ports: spec.ports.iter().map(|text| formats::port(&text.0)).collect::<Result<_, _>>()?,
        mounts: spec.volumes.iter().map(|text| formats::mount(&text.0)).collect::<Result<_, _>>()?,
        tmpfs: spec
            .tmpfs
            .iter()
            .map(|(target, options)| Tmpfs { target: target.clone(), options: options.clone() })
            .collect(),
        network: spec.network.clone().unwrap_or_else(|| "bridge".to_owned()),
        restart: formats::restart(spec.restart.as_deref().unwrap_or("unless-stopped"))?,
        user: spec.user.clone(),
        workdir: spec.workdir.clone(),
        hostname: spec.hostname.clone(),
        cap_add: spec.cap_add.clone(),
        cap_drop: spec.cap_drop.clone(),
        privileged: spec.privileged,
        pid: spec.pid.clone(),
        ipc: spec.ipc.clone(),
        extra_hosts: spec.extra_hosts.clone(),
        dns: spec.dns.clone(),
        sysctls: map_of(&spec.sysctls),
        ulimits: spec.ulimits.iter().map(|(name, limit)| ulimit(name, limit)).collect(),
        devices: spec.devices.iter().map(|text| device(text)).collect(),
        shm_size: spec.shm_size.as_deref().map(formats::size).transpose()?,
        logging: spec
            .logging
            .as_ref()
            .map(|logging| Logging { driver: logging.driver.clone(), options: map_of(&logging.options) }),
        resources: Resources {
            milli_cpus: spec.cpus.and_then(|cpus| milli_cpus(Some(&Value::Float(cpus)))),
            memory: spec.memory.as_deref().map(formats::size).transpose()?,
        },
        healthcheck: spec.healthcheck.as_ref().map(healthcheck).transpose()?,
        stop_signal: spec.stop_signal.clone(),
        stop_grace_period: spec
            .stop_grace_period
            .as_deref()
            .map(formats::duration)
            .transpose()?
            .map(|grace| grace.as_secs()),
    };
    config.labels.extend([
        (labels::LINEAGE.to_owned(), job.lineage.to_owned()),
        (labels::STACK.to_owned(), job.stack.to_owned()),
        (labels::ADDRESS.to_owned(), job.address.to_string()),
        (labels::SPEC.to_owned(), job.generation.to_owned()),
    ]);
    Ok(Made { name, config, pull: spec.pull, health: spec.health, on_file_change: spec.on_file_change })
}

fn texts(texts: &[Text]) -> Vec<String> {
    texts.iter().filter_map(|text| text.known().map(str::to_owned)).collect()
}

fn map_of(texts: &BTreeMap<String, Text>) -> BTreeMap<String, String> {
    texts.iter().filter_map(|(name, text)| Some((name.clone(), text.known()?.to_owned()))).collect()
}

fn ulimit(name: &str, limit: &UlimitSpec) -> Ulimit {
    let (soft, hard) = match limit {
        UlimitSpec::Both(both) => (*both, *both),
        UlimitSpec::Each { soft, hard } => (*soft, *hard),
    };
    Ulimit { name: name.to_owned(), soft, hard }
}

pub(super) fn device(text: &str) -> Device {
    let mut parts = text.split(':');
    let host = parts.next().unwrap_or_default().to_owned();
    Device {
        container: parts.next().unwrap_or(&host).to_owned(),
        permissions: parts.next().unwrap_or("rwm").to_owned(),
        host,
    }
}

pub(super) fn healthcheck(spec: &HealthcheckSpec) -> Result<Healthcheck, String> {
    let millis = |text: &Option<String>| -> Result<u64, String> {
        let duration = text.as_deref().map(formats::duration).transpose()?.unwrap_or_default();
        Ok(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    };
    Ok(Healthcheck {
        test: std::iter::once("CMD".to_owned()).chain(spec.command.iter().cloned()).collect(),
        interval_ms: millis(&spec.interval)?,
        timeout_ms: millis(&spec.timeout)?,
        retries: spec.retries.unwrap_or_default(),
        start_period_ms: millis(&spec.start_period)?,
    })
}
