//! Lowering a container's spec to its one canonical form.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::Diagnostic;
use hactl_core::value::{Map, Value};
use hactl_host::MountKind;

use crate::container::spec::{ContainerSpec, HealthSpec, MaxUnavailable, OnFailure, OnFileChange, RolloutSpec};
use crate::decode::{decode, refuse_sensitive};
use crate::formats;
use crate::registry::{Draft, Lowered, RolloutRule};
use crate::text::Text;
use crate::{network, volume};

/// Networks that Docker Engine has by itself.
const BUILT_IN_NETWORKS: [&str; 3] = ["bridge", "host", "none"];

pub(super) fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Lowered> {
    let spec: ContainerSpec = decode(draft, diagnostics)?;
    let before = diagnostics.len();
    check(&spec, draft, diagnostics);
    check_sensitive(&spec, draft, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    let mut needs = Vec::new();
    let mut map = draft.body.to_value().as_map().cloned().unwrap_or_default();
    // How a change is made is no part of what the container is.
    map.remove("rollout");
    map.insert("name".to_owned(), Value::string(spec.name.as_deref().unwrap_or(draft.name)));
    map.insert("running".to_owned(), Value::Bool(true));
    let restart = spec.restart.as_deref().unwrap_or("unless-stopped");
    if let Ok(policy) = formats::restart(restart) {
        map.insert("restart".to_owned(), Value::from(formats::restart_text(&policy)));
    }
    if let Some(memory) = spec.memory.as_deref().and_then(|text| formats::size(text).ok()) {
        map.insert("memory".to_owned(), Value::from(size_text(memory)));
    }
    texts(&mut map, "env", &spec.env);
    texts(&mut map, "labels", &spec.labels);
    texts(&mut map, "sysctls", &spec.sysctls);
    list(&mut map, "entrypoint", spec.entrypoint.as_deref());
    list(&mut map, "command", spec.command.as_deref());
    let mut ports: Vec<String> = spec
        .ports
        .iter()
        .filter_map(|text| formats::port(&text.0).ok())
        .map(|port| formats::port_text(&port))
        .collect();
    ports.sort();
    replace_list(&mut map, "ports", ports);
    let mut mounts: Vec<_> = spec.volumes.iter().filter_map(|text| formats::mount(&text.0).ok()).collect();
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
    for mount in mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
        needs.push(("volume", mount.source.clone(), volume::spec(&mount.source)));
    }
    replace_list(&mut map, "volumes", mounts.iter().map(formats::mount_text).collect());
    if let Some(name) = spec.network.as_deref().filter(|name| !BUILT_IN_NETWORKS.contains(name)) {
        needs.push(("network", name.to_owned(), network::spec(name)));
    }
    needs.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    needs.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
    map.retain(|_, value| !is_empty(value));
    Some(Lowered {
        spec: Arc::new(Value::Map(map)),
        needs,
        gated: spec.health.is_some() || spec.healthcheck.is_some(),
        rollout: rollout(spec.rollout.as_ref(), spec.health.is_some() || spec.healthcheck.is_some()),
        hears_of_files: spec.on_file_change != OnFileChange::Ignore,
        parts: Vec::new(),
    })
}

/// What the schema cannot say.
fn check(spec: &ContainerSpec, draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let mut report = |key: &str, summary: String, help: &str| {
        let span = draft.body.entry(key).map_or(draft.span, |entry| entry.key_span);
        diagnostics.push(Diagnostic::error(summary).at(span).help(help));
    };
    if spec.name.is_none()
        && let Err(reason) = formats::name(draft.name)
    {
        report("name", reason, "give the container a `name`, or rename the resource");
    }
    if matches!(spec.network.as_deref(), Some("host" | "none")) && !spec.ports.is_empty() {
        report(
            "ports",
            format!("ports cannot be published on network {}", spec.network.as_deref().unwrap_or_default()),
            "leave `ports` out, or take another network",
        );
    }
    let mut targets: BTreeMap<String, usize> = BTreeMap::new();
    for mount in spec.volumes.iter().filter_map(|text| formats::mount(&text.0).ok()) {
        *targets.entry(mount.target).or_default() += 1;
    }
    for (target, _) in targets.into_iter().filter(|(_, times)| *times > 1) {
        report("volumes", format!("two volumes are mounted at {target}"), "give one of them another target");
    }
    let mut published: BTreeMap<String, usize> = BTreeMap::new();
    for port in spec.ports.iter().filter_map(|text| formats::port(&text.0).ok()) {
        *published
            .entry(format!("{}{}/{}", port.ip.map(|ip| format!("{ip}:")).unwrap_or_default(), port.host, port.protocol))
            .or_default() += 1;
    }
    for (port, _) in published.into_iter().filter(|(_, times)| *times > 1) {
        report("ports", format!("port {port} is published twice"), "take one of them out");
    }
    if let Some(HealthSpec { http, tcp, exec, .. }) = &spec.health {
        let probes = [http.is_some(), tcp.is_some(), exec.is_some()].into_iter().filter(|has| *has).count();
        if probes > 1 {
            report("health", "`http`, `tcp` and `exec` exclude each other".to_owned(), "keep one of them");
        }
        let port = http.as_ref().map(|http| http.port).or(tcp.as_ref().map(|tcp| tcp.port));
        if let Some((port, host)) = port.and_then(|port| Some((port, host_port(spec, port)?))) {
            let help = format!("write {host}, which is the host's; the question is asked on the host");
            report("health", format!("{port} is the port inside the container"), &help);
        }
        if exec.as_ref().is_some_and(Vec::is_empty) {
            report("health", "`exec` names no command".to_owned(), "write it as a list: [program, argument]");
        }
    }
    for device in spec.devices.iter().filter(|device| !device.starts_with('/')) {
        report(
            "devices",
            format!("`{device}` is not a device; write HOST[:CONTAINER[:rwm]]"),
            "devices start with /dev/",
        );
    }
}

/// Reports sensitive values where everybody can read them who may ask Docker Engine or list processes. `env` is such a place
/// too, but often the only one that an image takes.
fn check_sensitive(spec: &ContainerSpec, draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for (key, texts) in [("entrypoint", &spec.entrypoint), ("command", &spec.command)] {
        for text in texts.iter().flatten() {
            refuse_sensitive(draft, &[key], text.value(), diagnostics);
        }
    }
    for (key, texts) in [("labels", &spec.labels), ("sysctls", &spec.sysctls)] {
        for (name, text) in texts {
            refuse_sensitive(draft, &[key, name], text.value(), diagnostics);
        }
    }
    for (name, text) in spec.logging.iter().flat_map(|logging| &logging.options) {
        refuse_sensitive(draft, &["logging", "options", name], text.value(), diagnostics);
    }
}

fn rollout(spec: Option<&RolloutSpec>, gated: bool) -> Option<RolloutRule> {
    let rollback = spec.is_none_or(|spec| spec.on_failure == OnFailure::Rollback);
    match spec.and_then(|spec| spec.max_unavailable.as_ref()) {
        Some(MaxUnavailable::Number(number)) => Some(RolloutRule::Number(*number, rollback)),
        Some(MaxUnavailable::Share(share)) => {
            formats::percent(share).ok().map(|percent| RolloutRule::Percent(percent, rollback))
        }
        // Without a way to tell that an instance is well, taking turns would be for show.
        None if gated => Some(RolloutRule::Number(1, rollback)),
        None if spec.is_some() => Some(RolloutRule::Percent(100, rollback)),
        None => None,
    }
}

fn texts(map: &mut Map, key: &str, texts: &BTreeMap<String, Text>) {
    if !texts.is_empty() {
        let texts = texts.iter().map(|(name, text)| (name.clone(), text.value().clone())).collect();
        map.insert(key.to_owned(), Value::Map(texts));
    }
}

fn list(map: &mut Map, key: &str, texts: Option<&[Text]>) {
    if let Some(texts) = texts {
        map.insert(key.to_owned(), Value::List(texts.iter().map(|text| text.value().clone()).collect()));
    }
}

fn replace_list(map: &mut Map, key: &str, texts: Vec<String>) {
    map.insert(key.to_owned(), Value::from(texts));
}

/// Whether leaving it out says the same.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// A size with the largest unit that leaves no rest.
pub(super) fn size_text(bytes: u64) -> String {
    for (shift, unit) in [(40, "t"), (30, "g"), (20, "m"), (10, "k")] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// The host's port that leads to this port of the container, where the host publishes nothing at that port itself.
fn host_port(spec: &ContainerSpec, port: u16) -> Option<u16> {
    let published: Vec<_> = spec.ports.iter().filter_map(|text| formats::port(&text.0).ok()).collect();
    if published.iter().any(|published| published.host == port) {
        return None;
    }
    published.iter().find(|published| published.container == port).map(|published| published.host)
}
