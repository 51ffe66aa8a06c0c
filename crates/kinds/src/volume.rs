//! `volume`: a volume of Docker Engine, made because a container names it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::observed::{Observed, Present};
use hactl_core::plan::Operation;
use hactl_core::resource::{KindRules, Replacement};
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::{EngineSurvey, Host, VolumeConfig, labels};

use crate::target::failed;

pub(crate) const RULES: KindRules = KindRules {
    kind: "volume",
    replacement: Replacement::DeleteThenCreate,
    generations: false,
    in_place: &[],
    keep_on_delete: true,
    claims: |spec| name_of(spec).map(|name| format!("the volume name {name}")).into_iter().collect(),
};

/// The spec of a volume that a container names.
pub(crate) fn spec(name: &str) -> Arc<Value> {
    Arc::new(Value::Map(Map::from([
        ("driver".to_owned(), Value::from("local")),
        ("name".to_owned(), Value::from(name)),
    ])))
}

fn name_of(spec: &Value) -> Option<&str> {
    spec.get("name")?.as_str()
}

/// The name to ask a host about.
pub(crate) fn wanted_name<'a>(request: &ReadRequest<'a>) -> Option<&'a str> {
    let candidate = request.candidates.first().map(|candidate| &*candidate.spec);
    candidate.or(request.wanted).and_then(name_of)
}

/// What a survey shows of a volume.
pub(crate) fn observe(request: &ReadRequest<'_>, survey: &EngineSurvey, lineage: &str) -> Observed {
    let name = wanted_name(request);
    let Some(seen) = survey.volumes.iter().find(|seen| Some(seen.name.as_str()) == name) else {
        return Observed::Absent;
    };
    let ours = seen.config.labels.get(labels::LINEAGE).is_some_and(|label| label == lineage);
    if !ours {
        return Observed::Foreign(format!("a volume named {}", seen.name));
    }
    let Some(candidate) = request.candidates.first() else {
        return Observed::Absent;
    };
    let driver = candidate.spec.get("driver").and_then(Value::as_str);
    let spec = if driver == Some(seen.config.driver.as_str()) {
        candidate.spec.clone()
    } else {
        let mut now = candidate.spec.as_map().cloned().unwrap_or_default();
        now.insert("driver".to_owned(), Value::string(&seen.config.driver));
        Arc::new(Value::Map(now))
    };
    Observed::Present(Present { spec, outputs: Map::new(), generation: String::new(), residue: false })
}

/// Does one step of a volume.
pub(crate) async fn execute(host: &dyn Host, job: &Job<'_>) -> Result<Map, StepError> {
    let spec = job.spec.or(job.state.map(|state| &*state.spec));
    let name = spec.and_then(name_of).ok_or_else(|| StepError::new("the plan holds no name for it"))?;
    match job.operation {
        Operation::Create | Operation::Update | Operation::Swap => {
            let config = VolumeConfig {
                driver: spec.and_then(|spec| spec.get("driver")).and_then(Value::as_str).unwrap_or("local").to_owned(),
                labels: BTreeMap::from([
                    (labels::LINEAGE.to_owned(), job.lineage.to_owned()),
                    (labels::STACK.to_owned(), job.stack.to_owned()),
                    (labels::ADDRESS.to_owned(), job.address.to_string()),
                ]),
            };
            host.create_volume(name, &config).await.map_err(failed)?;
        }
        Operation::Delete => host.remove_volume(name).await.map_err(failed)?,
        Operation::Gate | Operation::Settle | Operation::Restore | Operation::Forget | Operation::Record => {}
    }
    Ok(Map::new())
}
