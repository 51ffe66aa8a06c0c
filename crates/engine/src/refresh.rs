//! Refresh: looking at every host at once, one connection and one read each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hactl_core::cluster::{CLUSTER, ClusterConnection};
use hactl_core::diagnostic::Diagnostic;
use hactl_core::node::Connection;
use hactl_core::observed::{Observations, Observed};
use hactl_core::resolve::{Secrets, reveal};
use hactl_core::resource::Resource;
use hactl_core::state::{ResourceState, State};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Sensitive};
use tokio::time::Instant;
use tracing::Instrument;

use crate::book::StateOutputs;
use crate::event::{Event, Events};
use crate::target::{Identity, ReadRequest, Reading, Stray, Targets};

/// What to look at.
pub struct Refresh<'a> {
    /// The nodes to look at: those of the config, and those that state still has something on.
    pub nodes: &'a BTreeMap<String, Connection>,
    /// What was last applied.
    pub state: &'a State,
    /// The cluster to look at: that of the config; where it has none, that of state.
    pub cluster: Option<&'a ClusterConnection>,
    /// What the config wants.
    pub desired: &'a [Resource],
    /// What is no longer managed and left as it is: nothing is said of finding it.
    pub removed: &'a [Address],
    /// The sensitive values, as far as they are known.
    pub secrets: &'a Secrets,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Every resource of state and config that lives on a node.
    pub observed: Observations,
    /// The nodes that answered.
    pub nodes: BTreeMap<String, SeenNode>,
    /// Which cluster it is, where it answered.
    pub cluster: Option<Identity>,
    /// The nodes that did not, and why; the cluster among them.
    pub unreachable: BTreeMap<String, Arc<str>>,
    /// Fields that belong to what the config wants and that only the hosts could tell, by address.
    pub computed: BTreeMap<Address, Map>,
    /// Why what is wanted would be refused, by address: for what is to be changed or made.
    pub refusals: BTreeMap<Address, Diagnostic>,
    /// What is wanted only if something is there that is not.
    pub unplaced: BTreeSet<Address>,
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
    /// Addresses that it still records although nothing of them is there, or although they are no longer managed.
    pub vacant: Vec<Address>,
    /// What it records under another address than state had when it was looked at: that one, and the right one.
    pub moved: Vec<(Address, Address)>,
}

impl SeenNode {
    /// What it still records and state no longer holds: the next apply lets it forget that.
    pub fn forgotten<'a>(&'a self, state: &'a State) -> impl Iterator<Item = &'a Address> {
        let moves = |address: &Address| self.moved.iter().any(|(from, to)| from == address || to == address);
        self.vacant.iter().filter(move |address| {
            !state.resources.contains_key(*address) && !state.unfinished.contains_key(*address) && !moves(address)
        })
    }
}

/// How a place is reached.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Node(&'a Connection),
    Cluster(&'a ClusterConnection),
}

/// Looks at everything, all places at once.
pub async fn refresh(targets: &dyn Targets, wanted: &Refresh<'_>, events: Events<'_>) -> Refreshed {
    let (places, at_home) = places(wanted);
    let mut reads: FuturesUnordered<_> = places
        .into_iter()
        .map(|(node, place, requests)| {
            let look = async move {
                events(Event::Reading { node, resources: requests.len() });
                let started = Instant::now();
                let target = match place {
                    Place::Node(connection) => targets.connect(node, connection).await,
                    Place::Cluster(connection) => Ok(targets.cluster(connection)),
                };
                let answer = match target {
                    Ok(target) => target.read(&wanted.state.lineage, &requests).await,
                    Err(reason) => Err(reason),
                };
                let (resources, elapsed) = (requests.len(), started.elapsed());
                match &answer {
                    Ok(_) => tracing::info!(resources, ?elapsed, "host looked at"),
                    Err(reason) => tracing::warn!(resources, ?elapsed, reason, "host did not answer"),
                }
                events(Event::Read { node, unreachable: answer.as_ref().err().map(String::as_str) });
                (node, place, requests, answer)
            };
            look.instrument(tracing::info_span!("look", node))
        })
        .collect();
    let mut refreshed = Refreshed::default();
    while let Some((node, place, requests, answer)) = reads.next().await {
        take(&mut refreshed, node, place, &requests, wanted.removed, answer);
    }
    if !at_home.is_empty() {
        let answer = targets.home().read(&wanted.state.lineage, &at_home).await;
        observe(&mut refreshed.observed, &at_home, answer.map(|reading| reading.observed));
    }
    refreshed.warnings.sort_by(|a, b| a.summary.cmp(&b.summary));
    refreshed
}

/// A place by its name, with what to look at there.
type PlaceOf<'a> = (&'a str, Place<'a>, Vec<ReadRequest<'a>>);

/// Every place to look at, and what to look at that is on none.
pub(crate) fn places<'a>(wanted: &Refresh<'a>) -> (Vec<PlaceOf<'a>>, Vec<ReadRequest<'a>>) {
    let (mut requests, at_home) = requests(wanted);
    let on_cluster = requests.remove(CLUSTER).unwrap_or_default();
    let cluster = wanted.cluster.filter(|_| !on_cluster.is_empty());
    let nodes = wanted.nodes.iter().map(|(node, connection)| {
        (node.as_str(), Place::Node(connection), requests.remove(node.as_str()).unwrap_or_default())
    });
    let places = nodes.chain(cluster.map(|connection| (CLUSTER, Place::Cluster(connection), on_cluster)));
    (places.collect(), at_home)
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
    place: Place<'_>,
    requests: &[ReadRequest<'_>],
    removed: &[Address],
    answer: Result<Reading, String>,
) {
    match answer {
        Ok(mut reading) => {
            let is_removed = |stray: &Stray| {
                stray.address.as_ref().is_some_and(|address| removed.iter().any(|whole| address.is_of(whole)))
            };
            let (left, strays): (Vec<_>, Vec<_>) = reading.strays.into_iter().partition(is_removed);
            reading.vacant.extend(left.into_iter().filter(|stray| stray.recorded).filter_map(|stray| stray.address));
            refreshed.warnings.extend(strays.into_iter().map(|stray| stray.warning));
            observe(&mut refreshed.observed, requests, Ok(reading.observed));
            refreshed.computed.extend(reading.computed);
            refreshed.refusals.extend(reading.refusals);
            refreshed.unplaced.extend(reading.unplaced);
            refreshed.warnings.extend(reading.warnings);
            let Place::Node(connection) = place else {
                refreshed.cluster = Some(reading.identity);
                return;
            };
            refreshed.nodes.insert(
                node.to_owned(),
                SeenNode {
                    connection: connection.clone(),
                    facts: reading.facts,
                    identity: reading.identity,
                    serial: reading.serial,
                    vacant: reading.vacant,
                    moved: reading.moved,
                },
            );
        }
        Err(reason) => {
            observe(&mut refreshed.observed, requests, Err(reason.clone()));
            refreshed.unreachable.insert(node.to_owned(), reason.into());
        }
    }
}

/// What the config wants with every value in plain text; none where something is not known by now.
fn in_plain_text(spec: &Arc<Value>, wanted: &Refresh<'_>) -> Option<Sensitive<Value>> {
    reveal(spec, &StateOutputs(wanted.state), wanted.secrets).ok().map(Sensitive::new)
}

/// The requests of a refresh, each with the place that it goes to.
#[derive(Default)]
struct Requests<'a>(BTreeMap<&'a Address, (Option<&'a Arc<str>>, ReadRequest<'a>)>);

impl<'a> Requests<'a> {
    /// The request for a resource; the place that was named first counts.
    fn of(&mut self, address: &'a Address, node: Option<&'a Arc<str>>) -> &mut ReadRequest<'a> {
        &mut self.0.entry(address).or_insert_with(|| (node, ReadRequest::new(address))).1
    }

    fn add(&mut self, address: &'a Address, known: &'a ResourceState) {
        self.of(address, known.node.as_ref()).candidates.push(known);
    }
}

/// What to look at on each node, and on none: what was begun, what state holds, and what the config wants.
fn requests<'a>(wanted: &Refresh<'a>) -> (BTreeMap<&'a str, Vec<ReadRequest<'a>>>, Vec<ReadRequest<'a>>) {
    let mut requests = Requests::default();
    for (address, intent) in &wanted.state.unfinished {
        if let Some(resource) = &intent.resource {
            requests.add(address, resource);
        }
    }
    for (address, resource) in &wanted.state.resources {
        requests.add(address, resource);
        if let Some(previous) = &resource.previous {
            requests.add(address, previous);
        }
        requests.of(address, None).applied = true;
    }
    for resource in wanted.desired {
        let request = requests.of(&resource.address, resource.node.as_ref());
        request.wanted = Some(&*resource.spec);
        request.adopt = resource.adopt;
        if resource.node.as_deref() == Some(CLUSTER) {
            request.revealed = in_plain_text(&resource.spec, wanted);
        }
    }
    let mut on_nodes: BTreeMap<&str, Vec<ReadRequest<'_>>> = BTreeMap::new();
    let mut at_home = Vec::new();
    for (node, request) in requests.0.into_values() {
        match node {
            Some(node) => on_nodes.entry(node).or_default().push(request),
            None => at_home.push(request),
        }
    }
    (on_nodes, at_home)
}
