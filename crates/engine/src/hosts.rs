//! The hosts of an apply: taken before its first step, let go of after its last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hactl_core::Address;
use hactl_core::node::Connection;
use hactl_core::plan::{Operation, Plan};
use hactl_core::state::State;
use tokio::time::Instant;
use tracing::Instrument;

use crate::apply::Failure;
use crate::book::touches_host;
use crate::refresh::SeenNode;
use crate::target::{Claim, StepError, Target, Targets};

/// The connections of an apply, by node.
pub(crate) type Hosts = BTreeMap<String, Arc<dyn Target>>;

/// The resources that a plan touches, by node; each once.
pub(crate) fn touched(plan: &Plan) -> BTreeMap<&str, BTreeSet<&Address>> {
    let mut touched: BTreeMap<&str, BTreeSet<&Address>> = BTreeMap::new();
    for task in plan.steps.iter().filter_map(|step| step.task) {
        let change = plan.change(task);
        if let Some(node) = &change.node
            && touches_host(task.operation)
        {
            touched.entry(node).or_default().insert(&change.address);
        }
    }
    touched
}

/// The nodes that answered and have something that is taken out of state and stays: they need not record it any more.
pub(crate) fn let_go<'a>(plan: &'a Plan, seen: &'a BTreeMap<String, SeenNode>) -> impl Iterator<Item = &'a str> {
    let tasks = plan.steps.iter().filter_map(|step| step.task).filter(|task| task.operation == Operation::Forget);
    tasks.filter_map(|task| plan.change(task).node.as_deref()).filter(|node| seen.contains_key(*node))
}

/// What nodes still record and state no longer holds, by node.
pub(crate) fn forgotten<'a>(state: &State, seen: &'a BTreeMap<String, SeenNode>) -> BTreeMap<&'a str, Vec<Address>> {
    let forgotten = seen.iter().map(|(name, node)| (name.as_str(), node.forgotten(state).cloned().collect::<Vec<_>>()));
    forgotten.filter(|(_, addresses)| !addresses.is_empty()).collect()
}

/// The nodes that record something under another address than state has it.
pub(crate) fn outdated(seen: &BTreeMap<String, SeenNode>) -> impl Iterator<Item = &str> {
    seen.iter().filter(|(_, node)| !node.moved.is_empty()).map(|(name, _)| name.as_str())
}

/// Connects to every node and takes it for this apply, all at once. Those that cannot be taken are failures.
pub(crate) async fn take(
    plan: &Plan,
    targets: &dyn Targets,
    seen: &BTreeMap<String, SeenNode>,
    touched: BTreeMap<&str, BTreeSet<&Address>>,
    parent_serial: u64,
) -> (Hosts, Vec<Failure>) {
    let mut claims: FuturesUnordered<_> = touched
        .into_iter()
        .map(|(node, addresses)| async move {
            let claim = Claim {
                lineage: plan.lineage.clone(),
                stack: plan.stack.clone(),
                parent_serial,
                serial: parent_serial + 1,
                moves: seen.get(node).map(|seen| seen.moved.clone()).unwrap_or_default(),
                addresses: addresses.into_iter().cloned().collect(),
            };
            let connection = plan.nodes.get(node).or_else(|| seen.get(node).map(|seen| &seen.connection));
            let span = tracing::info_span!("claim", node);
            (node, take_one(targets, node, connection, &claim).instrument(span).await)
        })
        .collect();
    let mut hosts = Hosts::new();
    let mut failures = Vec::new();
    while let Some((node, taken)) = claims.next().await {
        match taken {
            Ok(target) => {
                hosts.insert(node.to_owned(), target);
            }
            Err(error) => failures.push(failure(node, error)),
        }
    }
    failures.sort_by(|a, b| a.node.cmp(&b.node));
    (hosts, failures)
}

async fn take_one(
    targets: &dyn Targets,
    node: &str,
    connection: Option<&Connection>,
    claim: &Claim,
) -> Result<Arc<dyn Target>, StepError> {
    let connection = connection.ok_or_else(|| StepError::new("the plan does not say how this node is reached"))?;
    let started = Instant::now();
    let target = targets.connect(node, connection).await.map_err(|reason| {
        tracing::warn!(elapsed = ?started.elapsed(), reason, "host does not answer");
        StepError {
            help: Some("mend the connection, then run it again".to_owned()),
            ..StepError::new(format!("it does not answer: {reason}"))
        }
    })?;
    let claimed = target.claim(claim).await;
    let stale = claimed.as_ref().is_err_and(|error| error.stale);
    let (resources, serial, elapsed) = (claim.addresses.len(), claim.serial, started.elapsed());
    match claimed {
        Ok(()) => tracing::info!(resources, serial, ?elapsed, "host claimed"),
        Err(_) => tracing::warn!(resources, serial, ?elapsed, stale, "host not claimed"),
    }
    claimed.map(|()| target)
}

/// Lets go of every host: what is gone need not be remembered there. Returns what went wrong.
pub(crate) async fn release(
    plan: &Plan,
    state: &State,
    seen: &BTreeMap<String, SeenNode>,
    hosts: &Hosts,
) -> Vec<Failure> {
    let mut gone: BTreeMap<&str, Vec<Address>> = hosts.keys().map(|node| (node.as_str(), Vec::new())).collect();
    for (node, forgotten) in forgotten(state, seen) {
        if let Some(gone) = gone.get_mut(node) {
            gone.extend(forgotten);
        }
    }
    for change in &plan.changes {
        let here = state.resources.contains_key(&change.address) || state.unfinished.contains_key(&change.address);
        if let (Some(node), false) = (change.node.as_deref(), here)
            && let Some(gone) = gone.get_mut(node)
        {
            gone.push(change.address.clone());
        }
    }
    let releases: FuturesUnordered<_> = hosts
        .iter()
        .zip(gone.values())
        .map(|((node, target), gone)| async move {
            let started = Instant::now();
            let released = target.release(&plan.lineage, gone).instrument(tracing::info_span!("release", node)).await;
            let (gone, ok, elapsed) = (gone.len(), released.is_ok(), started.elapsed());
            tracing::debug!(node, gone, ok, ?elapsed, "host released");
            (node, released)
        })
        .collect();
    let results: Vec<_> = releases.collect().await;
    let mut failures: Vec<Failure> =
        results.into_iter().filter_map(|(node, result)| Some(failure(node, result.err()?))).collect();
    failures.sort_by(|a, b| a.node.cmp(&b.node));
    failures
}

fn failure(node: &str, error: StepError) -> Failure {
    Failure { address: None, node: Some(node.to_owned()), operation: None, error }
}
