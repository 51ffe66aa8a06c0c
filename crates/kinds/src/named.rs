//! What networks and volumes have in common: things of Docker Engine that are known by a name and a driver.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::observed::{Foreign, Observed, Present};
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::labels;

/// The output of one that was adopted: it carries no label of ours, and is known by its name, and by the lineage of the stack
/// that made it, empty where none did.
const ADOPTED: &str = "adopted";

/// The spec of one that a container names.
pub(crate) fn spec(name: &str, driver: &str) -> Arc<Value> {
    Arc::new(Value::Map(Map::from([
        ("driver".to_owned(), Value::from(driver)),
        ("name".to_owned(), Value::from(name)),
    ])))
}

fn text<'a>(spec: &'a Value, key: &str) -> Option<&'a str> {
    spec.get(key)?.as_str()
}

/// What it has for itself alone on its node.
pub(crate) fn claims(word: &str, spec: &Value) -> Vec<String> {
    text(spec, "name").map(|name| format!("the {word} name {name}")).into_iter().collect()
}

/// The name to ask a host about.
pub(crate) fn wanted_name<'a>(request: &ReadRequest<'a>) -> Option<&'a str> {
    let candidate = request.candidates.first().map(|candidate| &*candidate.spec);
    text(candidate.or(request.wanted)?, "name")
}

/// One that a survey found under the wanted name.
pub(crate) struct Seen<'a> {
    pub(crate) name: &'a str,
    pub(crate) driver: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
}

/// What a survey shows of it.
pub(crate) fn observe(word: &str, request: &ReadRequest<'_>, seen: Option<Seen<'_>>, lineage: &str) -> Observed {
    let Some(seen) = seen else { return Observed::Absent };
    let label = seen.labels.get(labels::LINEAGE);
    let is_own = label.is_some_and(|label| label == lineage);
    let is_adopted = |outputs: &Map| outputs.get(ADOPTED).is_some_and(|known| *known == adopted_from(&seen));
    let candidate = request.candidates.first().filter(|candidate| is_own || is_adopted(&candidate.outputs));
    let Some(candidate) = candidate else {
        // What is there under the name of one that is to go is somebody else's.
        if is_own && seen.labels.get(labels::ADDRESS).is_none_or(|address| address != request.address.as_str()) {
            return Observed::Absent;
        }
        return Observed::Foreign(foreign(word, &seen, is_own));
    };
    let spec = if text(&candidate.spec, "driver") == Some(seen.driver) {
        candidate.spec.clone()
    } else {
        spec(seen.name, seen.driver)
    };
    Observed::Present(Present {
        spec,
        outputs: candidate.outputs.clone(),
        generation: String::new(),
        residue: false,
        fixed: Vec::new(),
    })
}

/// What tells one that was adopted from another of its name, as far as anything does: the stack that it was made by.
fn adopted_from(seen: &Seen<'_>) -> Value {
    Value::from(seen.labels.get(labels::LINEAGE).map(String::as_str).unwrap_or_default())
}

fn foreign(word: &str, seen: &Seen<'_>, own: bool) -> Foreign {
    let outputs = if own { Map::new() } else { Map::from([(ADOPTED.to_owned(), adopted_from(seen))]) };
    let found = Present {
        spec: spec(seen.name, seen.driver),
        outputs,
        generation: String::new(),
        residue: false,
        fixed: Vec::new(),
    };
    let what = match own {
        true => format!("a {word} named {}, labelled as this one of this stack and not in its state,", seen.name),
        false => format!("a {word} named {}", seen.name),
    };
    Foreign { what, id: seen.name.to_owned(), own, found: Some(found) }
}

/// Name and driver of the one that a step is about.
pub(crate) fn subject<'a>(job: &Job<'a>) -> Result<(&'a str, &'a str), StepError> {
    let spec = job.spec.or(job.state.map(|state| &*state.spec));
    spec.and_then(|spec| Some((text(spec, "name")?, text(spec, "driver")?)))
        .ok_or_else(|| StepError::new("the plan holds no name for it"))
}

/// The labels by which it is known as ours.
pub(crate) fn own_labels(job: &Job<'_>) -> BTreeMap<String, String> {
    BTreeMap::from([
        (labels::LINEAGE.to_owned(), job.lineage.to_owned()),
        (labels::STACK.to_owned(), job.stack.to_owned()),
        (labels::ADDRESS.to_owned(), job.address.to_string()),
    ])
}
