//! What a survey shows of a container.
//!
//! Most of a container cannot change after it was made, so the random id in its label tells all about that part.
//! What Docker Engine can change in place is compared: whether it runs, its name, its limits, its restart policy.

use std::sync::Arc;

use hactl_core::observed::{Observed, Present};
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::ReadRequest;
use hactl_host::{Container, EngineSurvey, Status, labels};

use crate::container::lower::size_text;
use crate::formats::{restart_text, size};

/// The name to ask a host about.
pub(crate) fn wanted_name<'a>(request: &ReadRequest<'a>) -> Option<&'a str> {
    request.wanted.and_then(name_of)
}

fn name_of(spec: &Value) -> Option<&str> {
    spec.get("name")?.as_str()
}

/// What a survey shows of a container.
pub(crate) fn observe(request: &ReadRequest<'_>, survey: &EngineSurvey, own: &[&Container], lineage: &str) -> Observed {
    for candidate in &request.candidates {
        let made = own.iter().find(|container| container.label(labels::SPEC) == Some(&candidate.generation));
        if let Some(container) = made {
            return Observed::Present(Present {
                spec: overlay(candidate, container),
                outputs: Map::from([("id".to_owned(), Value::string(&container.id))]),
                generation: candidate.generation.clone(),
                residue: own.len() > 1,
                fixed: Vec::new(),
            });
        }
    }
    let wanted = request.wanted.and_then(name_of);
    let taken = survey.containers.iter().find(|container| Some(container.name.as_str()) == wanted);
    match taken {
        // Another resource's of this stack goes first, or the two clash, which the plan finds.
        Some(container) if container.label(labels::LINEAGE) != Some(lineage) => {
            Observed::Foreign(format!("a container named {}", container.name))
        }
        _ => Observed::Absent,
    }
}

/// The spec with what is different on the host put in its place.
fn overlay(candidate: &ResourceState, container: &Container) -> Arc<Value> {
    let Value::Map(before) = &*candidate.spec else { return candidate.spec.clone() };
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
        return candidate.spec.clone();
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
