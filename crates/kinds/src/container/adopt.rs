//! A container that state does not hold, in the terms of what the config wants it to be.
//!
//! Only what the config sets is compared: the rest comes from the image, the engine or whoever made the container, and is
//! left as it is until the container is replaced. What can change in place is compared as for any other container.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::value::{Map, Value};
use hactl_core::{Digest, DigestKey};
use hactl_host::{Container, ContainerConfig, Healthcheck, MountKind};

use crate::container::config;
use crate::container::digests::IMAGE_DIGEST;
use crate::container::lower::size_text;
use crate::container::observe::overlay;
use crate::container::spec::{HealthcheckSpec, UlimitSpec};
use crate::decode::decode_value;
use crate::formats;

/// What a container is: as it is wanted, overlaid with what is different. Sensitive values are digests of what is there;
/// without the key they cannot be compared.
pub(super) fn shown(wanted: &Value, container: &Container, key: Option<&DigestKey>) -> Arc<Value> {
    let Value::Map(fields) = wanted else { return Arc::new(wanted.clone()) };
    let mut shown: Map = fields
        .iter()
        .filter_map(|(name, wanted)| Some((name.clone(), field(name, wanted, &container.config, key)?)))
        .collect();
    let pulls = fields.get("pull").and_then(Value::as_str) == Some("always");
    if let (true, Some((name, digest))) = (pulls, container.config.image.split_once('@')) {
        shown.insert(IMAGE_DIGEST.to_owned(), Value::from(digest));
        if let Some(wanted) = fields.get("image") {
            shown.insert("image".to_owned(), image(wanted, name));
        }
    }
    overlay(&Arc::new(Value::Map(shown)), container)
}

/// What a container of this stack was made with and the config no longer says, as far as it cannot come from the image.
pub(super) fn no_longer_wanted(wanted: &Value, container: &Container) -> Map {
    let config = &container.config;
    let left_out = |name: &&str| wanted.get(name).is_none();
    let none = Value::Null;
    let shown =
        ["capAdd", "capDrop", "devices", "dns", "extraHosts", "network", "ports", "privileged", "tmpfs", "volumes"]
            .into_iter()
            .filter(left_out)
            .filter_map(|name| Some((name.to_owned(), field(name, &none, config, None)?)));
    let is_default = |name: &str, value: &Value| match value {
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Bool(set) => !set,
        other => name == "network" && other.as_str().is_none_or(|network| network == "bridge"),
    };
    shown.filter(|(name, value)| !value.is_null() && !is_default(name, value)).collect()
}

/// A field as the engine shows it: what is wanted where it says the same; none where there is nothing.
fn field(name: &str, wanted: &Value, config: &ContainerConfig, key: Option<&DigestKey>) -> Option<Value> {
    let word = |now: &Option<String>| now.as_deref().map(|now| text(Some(wanted), now, key));
    Some(match name {
        "image" => image(wanted, &config.image),
        "entrypoint" => texts(wanted, config.entrypoint.as_deref()?, key),
        "command" => texts(wanted, config.command.as_deref()?, key),
        "env" => entries(wanted, &config.env, key),
        "labels" => entries(wanted, &config.labels, key),
        "sysctls" => entries(wanted, &config.sysctls, key),
        "ports" => set(wanted, config.ports.iter().map(formats::port_text).collect(), str::to_owned),
        "volumes" => {
            let named = config.mounts.iter().filter(|mount| mount.kind == MountKind::Bind || !mount.source.is_empty());
            let mut mounts: Vec<_> = named.cloned().collect();
            mounts.iter_mut().for_each(|mount| mount.options.sort());
            mounts.sort_by(|a, b| a.target.cmp(&b.target));
            set(wanted, mounts.iter().map(formats::mount_text).collect(), str::to_owned)
        }
        "tmpfs" => {
            let now = config.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone(), Value::string(&tmpfs.options)));
            Value::Map(now.collect())
        }
        "network" => Value::string(&config.network),
        "user" => word(&config.user)?,
        "workdir" => word(&config.workdir)?,
        "hostname" => word(&config.hostname)?,
        "pid" => word(&config.pid)?,
        "ipc" => word(&config.ipc)?,
        "stopSignal" => same_or(wanted, config.stop_signal.as_deref()?, |signal| {
            signal.strip_prefix("SIG").unwrap_or(signal).to_owned()
        }),
        "capAdd" => set(wanted, config.cap_add.clone(), capability),
        "capDrop" => set(wanted, config.cap_drop.clone(), capability),
        "privileged" => Value::Bool(config.privileged),
        "extraHosts" => set(wanted, config.extra_hosts.clone(), str::to_owned),
        "dns" => set(wanted, config.dns.clone(), str::to_owned),
        "devices" => {
            let now = config.devices.iter();
            let written = now.map(|device| format!("{}:{}:{}", device.host, device.container, device.permissions));
            set(wanted, written.collect(), |text| {
                let device = config::device(text);
                format!("{}:{}:{}", device.host, device.container, device.permissions)
            })
        }
        "ulimits" => ulimits(wanted, config),
        "shmSize" => {
            let now = config.shm_size?;
            let is_same = wanted.as_str().is_some_and(|text| formats::size(text) == Ok(now));
            if is_same { wanted.clone() } else { Value::from(size_text(now)) }
        }
        "logging" => logging(wanted, config, key)?,
        "healthcheck" => healthcheck(wanted, config.healthcheck.as_ref()?),
        "stopGracePeriod" => {
            // Docker's own default.
            let now = config.stop_grace_period.unwrap_or(10);
            let wanted_seconds = wanted.as_str().and_then(|text| formats::duration(text).ok());
            let is_same = wanted_seconds.is_some_and(|wanted| wanted.as_secs() == now);
            if is_same { wanted.clone() } else { Value::from(format!("{now}s")) }
        }
        // Compared as for any container, or nothing that the engine knows of.
        _ => wanted.clone(),
    })
}

/// A text that is there: what is wanted where it is the same, a digest where the wanted one is sensitive.
fn text(wanted: Option<&Value>, now: &str, key: Option<&DigestKey>) -> Value {
    match wanted {
        Some(wanted) if wanted.is_sensitive() => {
            Value::sealed(key.map_or_else(|| Digest::sha256(b""), |key| key.digest(&Value::string(now))))
        }
        _ => Value::string(now),
    }
}

fn texts(wanted: &Value, now: &[String], key: Option<&DigestKey>) -> Value {
    let wanted = wanted.as_list().unwrap_or_default();
    Value::List(now.iter().enumerate().map(|(index, now)| text(wanted.get(index), now, key)).collect())
}

/// Of a map, the entries that are wanted.
fn entries(wanted: &Value, now: &BTreeMap<String, String>, key: Option<&DigestKey>) -> Value {
    let wanted = wanted.as_map().into_iter().flatten();
    let shown = wanted.filter_map(|(name, wanted)| Some((name.clone(), text(Some(wanted), now.get(name)?, key))));
    Value::Map(shown.collect())
}

/// A list whose order says nothing.
fn set(wanted: &Value, mut now: Vec<String>, normal: impl Fn(&str) -> String) -> Value {
    let sorted = |texts: Vec<String>| {
        let mut texts: Vec<String> = texts.iter().map(|text| normal(text)).collect();
        texts.sort();
        texts
    };
    let list: Vec<String> =
        wanted.as_list().unwrap_or_default().iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    if sorted(list) == sorted(now.clone()) {
        return wanted.clone();
    }
    now.sort();
    Value::from(now)
}

fn same_or(wanted: &Value, now: &str, normal: impl Fn(&str) -> String) -> Value {
    if wanted.as_str().is_some_and(|wanted| normal(wanted) == normal(now)) { wanted.clone() } else { Value::from(now) }
}

/// Engines show names without Docker Hub's defaults, or with them.
fn image(wanted: &Value, now: &str) -> Value {
    same_or(wanted, now, |image| {
        let short = image.strip_prefix("docker.io/").unwrap_or(image);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let last = short.rsplit('/').next().unwrap_or(short);
        if last.contains([':', '@']) { short.to_owned() } else { format!("{short}:latest") }
    })
}

fn capability(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
}

fn ulimits(wanted: &Value, config: &ContainerConfig) -> Value {
    let limit = |(name, wanted): (&String, &Value)| {
        let now = config.ulimits.iter().find(|limit| limit.name == *name)?;
        let is_same = match decode_value(wanted) {
            Ok(UlimitSpec::Both(both)) => (now.soft, now.hard) == (both, both),
            Ok(UlimitSpec::Each { soft, hard }) => (now.soft, now.hard) == (soft, hard),
            Err(_) => false,
        };
        let shown = || {
            let both = [("hard", now.hard), ("soft", now.soft)];
            Value::Map(both.map(|(name, limit)| (name.to_owned(), Value::Int(limit))).into_iter().collect())
        };
        Some((name.clone(), if is_same { wanted.clone() } else { shown() }))
    };
    Value::Map(wanted.as_map().into_iter().flatten().filter_map(limit).collect())
}

fn logging(wanted: &Value, config: &ContainerConfig, key: Option<&DigestKey>) -> Option<Value> {
    let now = config.logging.as_ref()?;
    let mut shown = Map::from([("driver".to_owned(), Value::string(&now.driver))]);
    if let Some(options) = wanted.get("options") {
        shown.insert("options".to_owned(), entries(options, &now.options, key));
    }
    Some(Value::Map(shown))
}

/// The engine's check; times that are not wanted are its defaults.
fn healthcheck(wanted: &Value, now: &Healthcheck) -> Value {
    let spec = decode_value::<HealthcheckSpec>(wanted).ok();
    let asked = spec.and_then(|spec| config::healthcheck(&spec).ok());
    let is_same = asked.is_some_and(|asked| {
        let times = [
            (asked.interval_ms, now.interval_ms),
            (asked.timeout_ms, now.timeout_ms),
            (asked.start_period_ms, now.start_period_ms),
            (asked.retries.into(), now.retries.into()),
        ];
        asked.test == now.test && times.iter().all(|(asked, now)| *asked == 0 || asked == now)
    });
    if is_same {
        wanted.clone()
    } else {
        Value::Map(Map::from([("command".to_owned(), Value::from(now.test.clone()))]))
    }
}

#[cfg(test)]
mod tests;
