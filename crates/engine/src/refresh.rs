//! Refresh: looking at every host at once, one connection and one read each.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hactl_core::Address;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::node::Connection;
use hactl_core::observed::{Observations, Observed};
use hactl_core::resource::Resource;
use hactl_core::state::State;
use hactl_core::value::Map;
use tokio::time::Instant;
use tracing::Instrument;

use crate::event::{Event, Events};
use crate::target::{Identity, ReadRequest, Reading, Targets};

/// What to look at.
pub struct Refresh<'a> {
    /// The nodes to look at: those of the config, and those that state still has something on.
    pub nodes: &'a BTreeMap<String, Connection>,
    /// What was last applied.
    pub state: &'a State,
    /// What the config wants.
    pub desired: &'a [Resource],
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Every resource of state and config that lives on a node.
    pub observed: Observations,
    /// The nodes that answered.
    pub nodes: BTreeMap<String, SeenNode>,
    /// The nodes that did not, and why.
    pub unreachable: BTreeMap<String, Arc<str>>,
    /// Fields that belong to what the config wants and that only the hosts could tell, by address.
    pub computed: BTreeMap<Address, Map>,
    /// What else there is to say.
    pub warnings: Vec<Diagnostic>,
}

/// A node that answered.
#[derive(Debug, Clone)]
pub struct SeenNode {
    /// How it was reached.
    pub connection: Connection,
    /// For `${node.NAME.os}` and the like.
    pub facts: Map,
    /// Which machine it is.
    pub identity: Identity,
    /// The serial of the last state that touched it; none where none did.
    pub serial: Option<u64>,
    /// Addresses that it still records although nothing of them is there.
    pub vacant: Vec<Address>,
}

impl SeenNode {
    /// What it still records and state no longer holds: the next apply lets it forget that.
    pub fn forgotten<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Address> {
        self.vacant
            .iter()
            .filter(|address| !state.resources.contains_key(*address) && !state.unfinished.contains_key(*address))
    }
}

/// Looks at everything, all nodes at once.
pub async fn refresh(targets: &dyn Targets, wanted: &Refresh<'_>, events: Events<'_>) -> Refreshed {
    let (mut requests, at_home) = requests(wanted);
    let mut reads: FuturesUnordered<_> = wanted
        .nodes
        .iter()
        .map(|(node, connection)| {
            let requests = requests.remove(node.as_str()).unwrap_or_default();
            let look = async move {
                events(Event::Reading { node, resources: requests.len() });
                let started = Instant::now();
                let answer = match targets.connect(node, connection).await {
                    Ok(target) => target.read(&wanted.state.lineage, &requests).await,
                    Err(reason) => Err(reason),
                };
                let (resources, elapsed) = (requests.len(), started.elapsed());
                match &answer {
                    Ok(_) => tracing::info!(resources, ?elapsed, "host looked at"),
                    Err(reason) => tracing::warn!(resources, ?elapsed, reason, "host did not answer"),
                }
                events(Event::Read { node, unreachable: answer.as_ref().err().map(String::as_str) });
                (node, connection, requests, answer)
            };
            look.instrument(tracing::info_span!("look", node))
        })
        .collect();
    let mut refreshed = Refreshed::default();
    while let Some((node, connection, requests, answer)) = reads.next().await {
        take(&mut refreshed, node, connection, &requests, answer);
    }
    if !at_home.is_empty() {
        let answer = targets.home().read(&wanted.state.lineage, &at_home).await;
        observe(&mut refreshed.observed, &at_home, answer.map(|reading| reading.observed));
    }
    refreshed.warnings.sort_by(|a, b| a.summary.cmp(&b.summary));
    refreshed
}

fn observe(observed: &mut Observations, requests: &[ReadRequest<'_>], answer: Result<Vec<Observed>, String>) {
    let addresses = requests.iter().map(|request| request.address.clone());
    match answer {
        Ok(seen) => observed.extend(addresses.zip(seen)),
        Err(reason) => {
            let reason: Arc<str> = reason.into();
            observed.extend(addresses.map(|address| (address, Observed::Unreachable(reason.clone()))));
        }
    }
}

fn take(
    refreshed: &mut Refreshed,
    node: &str,
    connection: &Connection,
    requests: &[ReadRequest<'_>],
    answer: Result<Reading, String>,
) {
    match answer {
        Ok(reading) => {
            observe(&mut refreshed.observed, requests, Ok(reading.observed));
            refreshed.computed.extend(reading.computed);
            refreshed.warnings.extend(reading.warnings);
            refreshed.nodes.insert(
                node.to_owned(),
                SeenNode {
                    connection: connection.clone(),
                    facts: reading.facts,
                    identity: reading.identity,
                    serial: reading.serial,
                    vacant: reading.vacant,
                },
            );
        }
        Err(reason) => {
            observe(&mut refreshed.observed, requests, Err(reason.clone()));
            refreshed.unreachable.insert(node.to_owned(), reason.into());
        }
    }
}

/// What to look at on each node, and on none: what was begun, what state holds, and what the config wants.
fn requests<'a>(wanted: &Refresh<'a>) -> (BTreeMap<&'a str, Vec<ReadRequest<'a>>>, Vec<ReadRequest<'a>>) {
    let mut by_address: BTreeMap<_, (Option<&'a Arc<str>>, ReadRequest<'a>)> = BTreeMap::new();
    let mut add = |address, node: Option<&'a Arc<str>>, candidate, spec| {
        let (_, request) = by_address.entry(address).or_insert_with(|| {
            let applied = wanted.state.resources.contains_key(address);
            (node, ReadRequest { address, candidates: Vec::new(), applied, wanted: None })
        });
        request.candidates.extend(candidate);
        request.wanted = request.wanted.or(spec);
    };
    for (address, intent) in &wanted.state.unfinished {
        if let Some(resource) = &intent.resource {
            add(address, resource.node.as_ref(), Some(resource), None);
        }
    }
    for (address, resource) in &wanted.state.resources {
        add(address, resource.node.as_ref(), Some(resource), None);
        if let Some(previous) = &resource.previous {
            add(address, previous.node.as_ref(), Some(&**previous), None);
        }
    }
    for resource in wanted.desired {
        add(&resource.address, resource.node.as_ref(), None, Some(&*resource.spec));
    }
    let mut on_nodes: BTreeMap<&str, Vec<ReadRequest<'_>>> = BTreeMap::new();
    let mut at_home = Vec::new();
    for (node, request) in by_address.into_values() {
        match node {
            Some(node) => on_nodes.entry(node).or_default().push(request),
            None => at_home.push(request),
        }
    }
    (on_nodes, at_home)
}
