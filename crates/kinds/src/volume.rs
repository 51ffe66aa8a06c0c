//! `volume`: a volume of Docker Engine, made because a container names it.

use std::sync::Arc;

use hactl_core::observed::Observed;
use hactl_core::plan::Operation;
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::{EngineSurvey, Host, VolumeConfig};

use crate::named::{self, Seen};
use crate::target::failed;

pub(crate) const RULES: KindRules = KindRules {
    kind: "volume",
    replacement: Replacement::DeleteThenCreate,
    generations: false,
    in_place: InPlace::Fields(&[]),
    computed: &[],
    remakes: &[],
    keep_on_delete: true,
    claims: |spec| named::claims("volume", spec),
};

/// The spec of a volume that a container names.
pub(crate) fn spec(name: &str) -> Arc<Value> {
    named::spec(name, "local")
}

/// What a survey shows of a volume.
pub(crate) fn observe(request: &ReadRequest<'_>, survey: &EngineSurvey, lineage: &str) -> Observed {
    let wanted = named::wanted_name(request);
    let seen = survey.volumes.iter().find(|volume| Some(volume.name.as_str()) == wanted).map(|volume| Seen {
        name: &volume.name,
        driver: &volume.config.driver,
        labels: &volume.config.labels,
    });
    named::observe("volume", request, seen, lineage)
}

/// Does one step of a volume.
pub(crate) async fn execute(host: &dyn Host, job: &Job<'_>) -> Result<Map, StepError> {
    let (name, driver) = named::subject(job)?;
    match job.operation {
        Operation::Create | Operation::Update | Operation::Swap => {
            let config = VolumeConfig { driver: driver.to_owned(), labels: named::own_labels(job) };
            host.create_volume(name, &config).await.map_err(failed)?;
        }
        Operation::Delete => host.remove_volume(name).await.map_err(failed)?,
        Operation::Gate
        | Operation::Settle
        | Operation::Restore
        | Operation::Forget
        | Operation::Record
        | Operation::Adopt => {}
    }
    Ok(Map::new())
}
