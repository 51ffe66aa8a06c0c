//! What networks and volumes have in common: things of Docker Engine that are known by a name and a driver.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::observed::{Observed, Present};
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::labels;

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
    if seen.labels.get(labels::LINEAGE).is_none_or(|label| label != lineage) {
        return Observed::Foreign(format!("a {word} named {}", seen.name));
    }
    let Some(candidate) = request.candidates.first() else {
        return Observed::Absent;
    };
    let spec = if text(&candidate.spec, "driver") == Some(seen.driver) {
        candidate.spec.clone()
    } else {
        spec(seen.name, seen.driver)
    };
    Observed::Present(Present {
        spec,
        outputs: Map::new(),
        generation: String::new(),
        residue: false,
        fixed: Vec::new(),
    })
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
