//! `network`: a network of Docker Engine, made because a container names it.

use std::sync::Arc;

use hactl_core::observed::Observed;
use hactl_core::plan::Operation;
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::{EngineSurvey, Host, NetworkConfig};

use crate::named::{self, Seen};
use crate::target::failed;

pub(crate) const RULES: KindRules = KindRules {
    kind: "network",
    replacement: Replacement::DeleteThenCreate,
    generations: false,
    in_place: InPlace::Fields(&[]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims: |spec| named::claims("network", spec),
};

/// The spec of a network that a container names.
pub(crate) fn spec(name: &str) -> Arc<Value> {
    named::spec(name, "bridge")
}

/// What a survey shows of a network.
pub(crate) fn observe(request: &ReadRequest<'_>, survey: &EngineSurvey, lineage: &str) -> Observed {
    let wanted = named::wanted_name(request);
    let seen = survey.networks.iter().find(|network| Some(network.name.as_str()) == wanted).map(|network| Seen {
        name: &network.name,
        driver: &network.config.driver,
        labels: &network.config.labels,
    });
    named::observe("network", request, seen, lineage)
}

/// Does one step of a network.
pub(crate) async fn execute(host: &dyn Host, job: &Job<'_>) -> Result<Map, StepError> {
    let (name, driver) = named::subject(job)?;
    match job.operation {
        Operation::Create | Operation::Update | Operation::Swap => {
            let config = NetworkConfig { driver: driver.to_owned(), labels: named::own_labels(job) };
            host.create_network(name, &config).await.map_err(failed)?;
        }
        Operation::Delete => host.remove_network(name).await.map_err(failed)?,
        Operation::Gate
        | Operation::Settle
        | Operation::Restore
        | Operation::Forget
        | Operation::Record
        | Operation::Adopt => {}
    }
    Ok(Map::new())
}
