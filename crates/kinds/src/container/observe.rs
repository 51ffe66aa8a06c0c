//! What a survey shows of a container.
//!
//! Most of a container cannot change after it was made, so the random id in its label tells all about that part.
//! What Docker Engine can change in place is compared: whether it runs, its name, its limits, its restart policy.

use std::sync::Arc;

use hactl_core::DigestKey;
use hactl_core::observed::{Foreign, Observed, Present};
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::ReadRequest;
use hactl_host::{Container, EngineSurvey, Status, labels};

use crate::container::adopt::{no_longer_wanted, shown};
use crate::container::lower::size_text;
use crate::container::provider::ASIDE;
use crate::formats::{restart_text, size};

/// The names and ids to ask a host about: what is wanted, and what was adopted, which carries no label.
pub(crate) fn names<'a>(request: &ReadRequest<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let adopted: Vec<&str> = request.candidates.iter().filter_map(|candidate| adopted_id(candidate)).collect();
    request.wanted.and_then(name_of).into_iter().chain(adopted)
}

/// The id by which an adopted container is known until it is first replaced.
fn adopted_id(known: &ResourceState) -> Option<&str> {
    known.outputs.get("id").and_then(Value::as_str).filter(|_| known.generation.is_empty())
}

/// Whether a container is the one that state holds.
pub(super) fn is_this(container: &Container, known: &ResourceState) -> bool {
    match known.generation.as_str() {
        "" => adopted_id(known) == Some(&container.id),
        generation => container.label(labels::SPEC) == Some(generation),
    }
}

fn name_of(spec: &Value) -> Option<&str> {
    spec.get("name")?.as_str()
}

/// What a survey shows of a container.
pub(crate) fn observe(
    request: &ReadRequest<'_>,
    survey: &EngineSurvey,
    own: &[&Container],
    lineage: &str,
    key: Option<&DigestKey>,
) -> Observed {
    for candidate in &request.candidates {
        let adopted = survey.containers.iter().filter(|_| candidate.generation.is_empty());
        let mut made = own.iter().copied().chain(adopted);
        if let Some(container) = made.find(|container| is_this(container, candidate)) {
            return Observed::Present(Present {
                spec: overlay(&candidate.spec, container),
                outputs: Map::from([("id".to_owned(), Value::string(&container.id))]),
                generation: candidate.generation.clone(),
                residue: own.len() > 1,
                fixed: Vec::new(),
            });
        }
    }
    let Some(wanted) = request.wanted else { return Observed::Absent };
    let name = name_of(wanted);
    if let Some(container) = current(own, name).filter(|_| request.candidates.is_empty()) {
        let what =
            format!("a container named {}, labelled as this one of this stack and not in its state,", container.name);
        let generation = container.label(labels::SPEC).unwrap_or_default().to_owned();
        let mut found = Present { generation, residue: own.len() > 1, ..found(wanted, container, key) };
        if let Value::Map(spec) = Arc::make_mut(&mut found.spec) {
            spec.extend(no_longer_wanted(wanted, container));
        }
        return Observed::Foreign(Foreign { what, id: container.id.clone(), own: true, found: Some(found) });
    }
    let taken = survey.containers.iter().find(|container| Some(container.name.as_str()) == name);
    match taken {
        // Another resource's of this stack goes first, or the two clash, which the plan finds.
        Some(container) if container.label(labels::LINEAGE) != Some(lineage) => Observed::Foreign(Foreign {
            id: container.id.clone(),
            found: Some(found(wanted, container, key)),
            ..Foreign::new(format!("a container named {}", container.name))
        }),
        _ => Observed::Absent,
    }
}

/// Of the containers labelled as one resource, the one that an interrupted replacement did not put aside.
pub(crate) fn current<'a>(own: &[&'a Container], name: Option<&str>) -> Option<&'a Container> {
    let named = own.iter().find(|container| Some(container.name.as_str()) == name);
    let other = || own.iter().find(|container| !container.name.ends_with(ASIDE));
    named.or_else(other).or_else(|| own.first()).copied()
}

/// The little that is told of a container without its config.
pub(crate) fn spec_of(container: &Container) -> Arc<Value> {
    let spec = Map::from([
        ("image".to_owned(), Value::string(&container.config.image)),
        ("name".to_owned(), Value::string(&container.name)),
        ("restart".to_owned(), Value::from(restart_text(&container.config.restart))),
        ("running".to_owned(), Value::Bool(true)),
    ]);
    overlay(&Arc::new(Value::Map(spec)), container)
}

/// What a container is that state does not hold.
fn found(wanted: &Value, container: &Container, key: Option<&DigestKey>) -> Present {
    Present {
        spec: shown(wanted, container, key),
        outputs: Map::from([("id".to_owned(), Value::string(&container.id))]),
        generation: String::new(),
        residue: false,
        fixed: Vec::new(),
    }
}

/// The spec with what is different on the host put in its place.
pub(super) fn overlay(spec: &Arc<Value>, container: &Container) -> Arc<Value> {
    let Value::Map(before) = &**spec else { return spec.clone() };
    let mut changes: Vec<(&str, Value)> = Vec::new();
    if container.status != Status::Running {
        changes.push(("running", Value::Bool(false)));
    }
    if before.get("name").and_then(Value::as_str) != Some(&container.name) {
        changes.push(("name", Value::string(&container.name)));
    }
    let restart = restart_text(&container.config.restart);
    if before.get("restart").and_then(Value::as_str).is_some_and(|before| before != restart) {
        changes.push(("restart", Value::from(restart)));
    }
    let resources = &container.config.resources;
    if milli_cpus(before.get("cpus")) != resources.milli_cpus {
        let cpus = resources.milli_cpus.map_or(Value::Null, |milli| Value::Float(milli as f64 / 1000.0));
        changes.push(("cpus", cpus));
    }
    let memory = before.get("memory").and_then(Value::as_str).and_then(|text| size(text).ok());
    if memory != resources.memory {
        changes.push(("memory", resources.memory.map_or(Value::Null, |bytes| Value::from(size_text(bytes)))));
    }
    if changes.is_empty() {
        return spec.clone();
    }
    let mut now = before.clone();
    for (name, value) in changes {
        if value.is_null() {
            now.remove(name);
        } else {
            now.insert(name.to_owned(), value);
        }
    }
    Arc::new(Value::Map(now))
}

/// Processors in thousandths, from a spec.
pub(super) fn milli_cpus(cpus: Option<&Value>) -> Option<u64> {
    match cpus? {
        Value::Int(cpus) => u64::try_from(*cpus).ok().map(|cpus| cpus * 1000),
        Value::Float(cpus) if *cpus > 0.0 => Some((cpus * 1000.0).round() as u64),
        _ => None,
    }
}
