//! What stacks have left on a host: what their inventories record and what carries their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_core::Address;
use hactl_core::resource::Dependency;
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::{Remains, Trace};
use hactl_host::{
    EngineRequest, EngineSurvey, FileRequest, Host, HostError, Inventory, MountKind, Survey, SurveyRequest, labels,
};

use crate::container;
use crate::host_aliases::hosts;
use crate::named;

/// The stacks that were on a host: those with an inventory, and those of labelled containers whose inventory is gone.
///
/// # Errors
/// When the host does not answer.
pub(crate) async fn traces(host: &dyn Host) -> Result<Vec<Trace>, HostError> {
    let mut traces: BTreeMap<String, Trace> = BTreeMap::new();
    for (lineage, inventory) in host.inventories().await? {
        let Inventory { stack, serial, entries } = inventory;
        let recorded = entries.into_keys().collect();
        traces.insert(lineage.clone(), Trace { lineage, stack, serial, recorded });
    }
    let containers = match host.labelled_containers().await {
        // Where there is no engine there are no containers.
        Err(HostError::EngineUnusable { .. }) => Vec::new(),
        containers => containers?,
    };
    for container in &containers {
        let (Some(lineage), Some(stack)) = (container.label(labels::LINEAGE), container.label(labels::STACK)) else {
            continue;
        };
        let new = || Trace { lineage: lineage.to_owned(), stack: stack.to_owned(), ..Trace::default() };
        traces.entry(lineage.to_owned()).or_insert_with(new);
    }
    Ok(traces.into_values().collect())
}

/// Everything that a stack has on a host, as far as inventory and labels tell.
///
/// # Errors
/// When the host does not answer.
pub(crate) async fn remains(host: &dyn Host, node: &str, lineage: &str) -> Result<Remains, HostError> {
    let inventory = host.inventories().await?.remove(lineage).unwrap_or_default();
    let paths = inventory.entries.values().filter_map(|entry| entry.path.clone());
    let survey = SurveyRequest {
        lineage: lineage.to_owned(),
        files: paths.map(|path| FileRequest { path, fetch_unless: None }).collect(),
        texts: inventory
            .entries
            .values()
            .filter_map(|entry| entry.block.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    let engine = EngineRequest { lineage: lineage.to_owned(), ..EngineRequest::default() };
    let (survey, engine) = futures_util::join!(host.survey(&survey), host.engine_survey(&engine));
    let engine = match engine {
        Err(HostError::EngineUnusable { .. }) => EngineSurvey::default(),
        engine => engine?,
    };
    let mut there = in_files(&inventory, &survey?, lineage);
    there.extend(in_engine(&engine, &inventory, lineage));
    for known in there.values_mut() {
        known.node = Some(node.into());
    }
    Ok(Remains { there, hidden: Vec::new() })
}

/// Files and blocks that the inventory records and that are there.
fn in_files(inventory: &Inventory, survey: &Survey, lineage: &str) -> BTreeMap<Address, ResourceState> {
    let found = inventory.entries.iter().filter_map(|(address, entry)| {
        if entry.block.is_some() {
            return Some((address.clone(), bare(hosts::spec_of(survey, lineage, address)?)));
        }
        let (path, stat) = survey.files.get_key_value(entry.path.as_ref()?)?;
        // What it holds may be a secret.
        let spec =
            Map::from([("mode".to_owned(), Value::string(&stat.mode)), ("path".to_owned(), Value::string(path))]);
        Some((address.clone(), bare(Value::Map(spec))))
    });
    found.collect()
}

/// What a container uses by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Network,
    Volume,
}

/// What carries the lineage's labels. Containers need the networks and volumes that they use, so that these go after them.
fn in_engine(engine: &EngineSurvey, inventory: &Inventory, lineage: &str) -> BTreeMap<Address, ResourceState> {
    let address_in = |labels: &BTreeMap<String, String>| {
        let own = labels.get(labels::LINEAGE).is_some_and(|label| label == lineage);
        labels.get(labels::ADDRESS).filter(|_| own).and_then(|address| Address::parse(address).ok())
    };
    let mut there = BTreeMap::new();
    let mut names: BTreeMap<(Kind, &str), Address> = BTreeMap::new();
    for network in &engine.networks {
        if let Some(address) = address_in(&network.config.labels) {
            names.insert((Kind::Network, &network.name), address.clone());
            there.insert(address, from_spec(named::spec(&network.name, &network.config.driver)));
        }
    }
    for volume in &engine.volumes {
        if let Some(address) = address_in(&volume.config.labels) {
            names.insert((Kind::Volume, &volume.name), address.clone());
            there.insert(address, from_spec(named::spec(&volume.name, &volume.config.driver)));
        }
    }
    let mut containers: BTreeMap<Address, Vec<_>> = BTreeMap::new();
    for container in &engine.containers {
        if let Some(label) = address_in(&container.config.labels) {
            let address = inventory.labelled(&label).cloned().unwrap_or(label);
            containers.entry(address).or_default().push(container);
        }
    }
    for (address, own) in containers {
        let Some(container) = container::current(&own, None) else { continue };
        let volumes = container.config.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
        let used = volumes.map(|mount| (Kind::Volume, mount.source.as_str()));
        let used = used.chain([(Kind::Network, container.config.network.as_str())]);
        let needs = used.filter_map(|name| names.get(&name));
        there.insert(
            address,
            ResourceState {
                outputs: Map::from([("id".to_owned(), Value::string(&container.id))]),
                generation: container.label(labels::SPEC).unwrap_or_default().to_owned(),
                dependencies: needs.map(|on| Dependency { binds: true, ..Dependency::on(on.clone()) }).collect(),
                ..from_spec(container::spec_of(container))
            },
        );
    }
    there
}

/// A resource of which nothing else is known.
pub(crate) fn bare(spec: Value) -> ResourceState {
    from_spec(Arc::new(spec))
}

fn from_spec(spec: Arc<Value>) -> ResourceState {
    ResourceState {
        node: None,
        spec,
        outputs: Map::new(),
        generation: String::new(),
        dependencies: Vec::new(),
        protect: false,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    }
}
