//! The plan: every change, why, and the steps that carry it out, decided before anything is touched.

mod adopt;
mod check;
mod compare;
mod decide;
mod lost;
mod order;
mod settled;
mod sight;
mod steps;
mod targets;
#[cfg(test)]
mod tests;
mod waves;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::cluster::{CLUSTER, ClusterConnection};
use crate::diagnostic::Diagnostic;
use crate::diff::Path;
use crate::digest::Digest;
use crate::moves::{Move, Removal, Renames};
use crate::node::Connection;
use crate::observed::{Observations, recover};
use crate::registry::RegistryLogin;
use crate::resolve::Secrets;
use crate::resource::{Dependency, Resource, Rollout, Rules};
use crate::state::State;
use crate::value::{Map, Value};

pub use check::{check, clashes};

/// Everything a plan is made from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// What the config wants.
    pub desired: &'a Desired,
    /// What was last applied, under the addresses that it has now.
    pub state: &'a State,
    /// The addresses that were replaced in that state for this plan.
    pub moved: &'a Renames,
    /// What is there now; what is missing here is taken to be as state says.
    pub observed: &'a Observations,
    /// What there is to know about kinds.
    pub rules: Rules,
    /// The sensitive values, to be compared but not kept.
    pub secrets: &'a Secrets,
    /// What was asked for.
    pub options: &'a Options,
}

/// What the config wants, lowered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// Resources, in any order.
    pub resources: Vec<Resource>,
    /// Outputs, by name.
    pub outputs: Map,
    /// Variables, by name; sensitive ones deferred.
    pub variables: Map,
    /// Nodes, by name.
    pub nodes: BTreeMap<String, Connection>,
    /// The Kubernetes cluster; none where the config has none.
    pub cluster: Option<ClusterConnection>,
    /// How to log in to image registries, by `host[:port]`. No part of any spec: other credentials change nothing.
    pub registries: BTreeMap<String, RegistryLogin>,
    /// What is due to be made anew although the config says the same.
    pub remakes: BTreeMap<Address, Remake>,
    /// What ends by itself.
    pub expiries: BTreeMap<Address, Expiry>,
    /// What had another address before.
    pub moves: Vec<Move>,
    /// What is no longer managed, and is left as it is.
    pub removed: Vec<Removal>,
}

/// That some outputs of a resource are due to be made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remake {
    /// Which of them.
    pub outputs: Vec<String>,
    /// Why.
    pub reason: Reason,
    /// Whether it has to wait until everything that uses the resource is as it is wanted.
    pub once_settled: bool,
}

/// When something ends that is valid for a time, as a certificate. Times are in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiry {
    /// From when on it is no longer valid.
    pub not_after: String,
    /// From when on a plan makes it anew; none where hactl did not make it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews_at: Option<String>,
    /// Until when its predecessor is trusted beside it; none where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_until: Option<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What kind of plan.
    pub mode: Mode,
    /// Only these and what they need; all where empty. An address without a key means all its instances.
    pub targets: Vec<Address>,
    /// Replace these, whatever changed. An address without a key means all its instances.
    pub replace: Vec<Address>,
    /// Delete volumes that are no longer wanted, with their data.
    pub remove_volumes: bool,
    /// Nodes that are gone for good: what was on them is forgotten.
    pub forget_nodes: Vec<String>,
}

/// What kind of plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Towards the config.
    #[default]
    Normal,
    /// Towards nothing.
    Destroy,
    /// Only bring state up to what is there.
    RefreshOnly,
}

/// What will be done, in which order, and why. Plain data: it can be saved, read and reviewed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What kind of plan.
    pub mode: Mode,
    /// The stack's name.
    pub stack: String,
    /// The stack's identity.
    pub lineage: String,
    /// The serial of the state it was made from.
    pub serial: u64,
    /// One entry per resource looked at, by address; [`Action::NoOp`] ones included.
    pub changes: Vec<Change>,
    /// What differs from state on the hosts.
    pub drift: Vec<Drift>,
    /// What to do, each after what it waits for.
    pub steps: Vec<Step>,
    /// Outputs, by name: changed ones and others.
    pub outputs: BTreeMap<String, OutputChange>,
    /// Variables, by name; sensitive ones deferred.
    pub variables: Map,
    /// How to reach the node of every change.
    pub nodes: BTreeMap<String, Connection>,
    /// How to reach the cluster, where a change is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterConnection>,
    /// How to log in to image registries, by `host[:port]`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub registries: BTreeMap<String, RegistryLogin>,
    /// When what the config wants ends by itself, as far as it is there by now.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expiries: BTreeMap<Address, Expiry>,
    /// Nodes that did not answer, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreachable: BTreeMap<Arc<str>, Arc<str>>,
    /// Resources left out because their node, or that of something they need, did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Address>,
    /// Resources with sensitive values that could not be compared, because nobody here can decrypt the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncompared: Vec<Address>,
    /// Secrets whose values went with a state that was lost, and that this plan does not make anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Address>,
    /// What is due, and has to wait until what uses it is as it is wanted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub postponed: BTreeSet<Address>,
    /// What gets another address in state before anything else.
    #[serde(default, skip_serializing_if = "Renames::is_empty")]
    pub moved: Renames,
    /// What is no longer managed and left as it is: whatever still records it lets go of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Address>,
    /// Whether the plan covers only what was targeted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub targeted: bool,
}

/// What becomes of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The resource.
    pub address: Address,
    /// The address that it had before, where that was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_address: Option<Address>,
    /// The node it lives on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Arc<str>>,
    /// What to do.
    pub action: Action,
    /// What it is now; none where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Arc<Value>>,
    /// What it will be; none where it will be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Arc<Value>>,
    /// What differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathChange>,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// Whether it is protected from now on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// Whether something foreign under its name is taken over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopt: bool,
    /// What is there already and becomes the stack's, before anything else is done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopts: Option<Adopted>,
    /// Whether waiting for health ends it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gated: bool,
    /// How it is spread over instances, and its wave, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<Wave>,
    /// The outputs that are made anew although the resource itself stays: what uses them learns them only then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remakes: Vec<String>,
    /// Whether state has to be written although nothing is done to the resource.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub record: bool,
}

/// Something that is there already, as it is recorded when it becomes the stack's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// What its place knows it by: a container's id, an object's uid, a file's path.
    pub id: String,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: Map,
    /// The creation it stems from; empty where it carries no mark of one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub generation: String,
}

/// When in a rolling change an instance has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wave {
    /// How the change is spread.
    pub rollout: Rollout,
    /// The wave, counted from 0.
    pub number: u32,
}

/// What to do with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    NoOp,
    Create,
    Update,
    Replace,
    Delete,
    /// Take it out of state and leave it where it is.
    Forget,
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathChange {
    /// Keys from the outside in.
    pub path: Path,
    /// Whether it cannot change in place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forces_replacement: bool,
    /// Whether the host differs from what was applied, rather than the config.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drifted: bool,
}

/// Why a resource changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// It is new in the config.
    New,
    /// It was deleted on its host, not by hactl.
    Missing,
    /// The config says something else than before.
    ConfigChanged,
    /// What is there already and is adopted differs from what the config says.
    Differs,
    /// The config says the same, and what it names outside has changed: a tag names another image.
    SourceChanged,
    /// It was changed on its host, not by hactl.
    Drifted,
    /// Some of what differs cannot change in place.
    CannotUpdate,
    /// What it cannot outlive is made anew.
    DependencyReplaced(Address),
    /// A value that it takes from another resource is made anew.
    DependencyRemade(Address),
    /// What it uses changes, and it has to be told.
    DependencyChanged(Address),
    /// What it uses changed in an earlier run, and it was not told yet.
    NotYetNotified,
    /// `--replace` names it.
    Requested,
    /// The config no longer has it.
    NotInConfig,
    /// Everything is to be destroyed.
    Destroyed,
    /// An earlier run began to make or change it and did not finish.
    Unfinished,
    /// An earlier replacement was interrupted; it goes on from there.
    Interrupted,
    /// It was made or changed, but did not prove healthy.
    Unproven,
    /// It is no longer valid after this time (RFC 3339), and due to be made anew.
    Expires(String),
    /// The time (RFC 3339) until which its predecessor is trusted beside it has passed.
    OverlapEnded(String),
    /// Its node is gone for good (`--forget-node`).
    NodeForgotten,
    /// It holds data and is kept.
    Kept,
    /// The config says that it is no longer managed.
    Removed,
}

/// What differs on a host from what was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The resource.
    pub address: Address,
    /// What was applied.
    pub before: Arc<Value>,
    /// What is there; none where it is gone.
    pub after: Option<Arc<Value>>,
}

/// An output now and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputChange {
    /// As in state; none for a new one.
    pub before: Option<Value>,
    /// As it will be; none for one that goes.
    pub after: Option<Value>,
}

impl OutputChange {
    /// Whether it changes.
    pub fn is_change(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => !crate::diff::same(before, after),
            (before, after) => before.is_some() || after.is_some(),
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What to do to which change; none for a barrier, which only gathers others.
    pub task: Option<Task>,
    /// What it waits for: numbers of earlier steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Edge>,
}

/// An operation on a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Index into [`Plan::changes`].
    pub change: u32,
    /// What to do.
    pub operation: Operation,
}

/// That a step waits for another.
///
/// A step runs when every step it waits for has ended, all of those behind [`When::Success`] edges well, and, where
/// it has [`When::Failure`] edges, at least one of those badly. Otherwise it is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Index into [`Plan::steps`].
    pub step: u32,
    /// How that one must have ended.
    #[serde(default, skip_serializing_if = "When::is_success")]
    pub when: When,
}

/// How a step that is waited for must have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Well.
    #[default]
    Success,
    /// Badly.
    Failure,
    /// In any way, skipped included.
    Always,
}

impl When {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_success(&self) -> bool {
        *self == Self::Success
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// Make it.
    Create,
    /// Take what is there already, as it is, for the stack's.
    Adopt,
    /// Change it in place.
    Update,
    /// Put a new one in the place of the old one, which is kept.
    Swap,
    /// Wait until it is healthy.
    Gate,
    /// Remove the old one that a swap kept.
    Settle,
    /// Put the old one that a swap kept back.
    Restore,
    /// Remove it.
    Delete,
    /// Take it out of state only.
    Forget,
    /// Write it to state only.
    Record,
}

impl Plan {
    /// How many resources are added, changed, destroyed, let go of and moved; a replacement counts as one of each end.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { moves: self.moved.resources.len(), ..Counts::default() };
        for change in &self.changes {
            counts.import += usize::from(change.adopts.is_some());
            match change.action {
                Action::Create => counts.add += 1,
                Action::Update => counts.change += 1,
                Action::Replace => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::Delete => counts.destroy += 1,
                Action::Forget => counts.forget += 1,
                Action::NoOp => {}
            }
        }
        counts
    }

    /// Whether applying it would do something to a host, adopt something, give something another address, or change an
    /// output.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|change| change.action != Action::NoOp || change.adopts.is_some())
            || !self.moved.resources.is_empty()
            || self.outputs.values().any(OutputChange::is_change)
            || (self.mode == Mode::RefreshOnly && !self.drift.is_empty())
    }

    /// The change a task is about.
    pub fn change(&self, task: Task) -> &Change {
        &self.changes[task.change as usize]
    }

    /// The keyless digest of the whole plan; no secret value is part of it.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// How many resources a plan touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub import: usize,
    pub add: usize,
    pub change: usize,
    pub destroy: usize,
    pub forget: usize,
    pub moves: usize,
}

/// Makes the plan.
///
/// # Errors
/// Every reason why there can be none: clashes, cycles, protected resources to be deleted, foreign things in the way.
pub fn plan(input: &Input<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let Some(mut desired) = settled::without_waiting(input.desired) else { return plan_at_once(input) };
    let first = plan_at_once(&Input { desired: &desired, ..*input })?;
    let postponed = settled::not_yet(input.desired, &first);
    if input.desired.remakes.iter().all(|(address, remake)| !remake.once_settled || postponed.contains(address)) {
        return Ok(Plan { postponed, ..first });
    }
    let due = input.desired.remakes.iter().filter(|(address, _)| !postponed.contains(*address));
    desired.remakes = due.map(|(address, remake)| (address.clone(), remake.clone())).collect();
    Ok(Plan { postponed, ..plan_at_once(&Input { desired: &desired, ..*input })? })
}

fn plan_at_once(input: &Input<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let mut diagnostics = clashes(&input.desired.resources, input.rules);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let recovered;
    let state = if input.state.is_settled() {
        input.state
    } else {
        recovered = recover(input.state, input.observed);
        &recovered
    };
    let empty = Desired::default();
    let desired = match input.options.mode {
        Mode::Normal => input.desired,
        Mode::Destroy | Mode::RefreshOnly => &empty,
    };
    let index = order::Index::new(desired, state);
    let scope = targets::select(&index, desired, state, input.options, &mut diagnostics);
    let mut decisions = decide::decide(input, desired, state, &index, &scope, &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let steps = ordered(&mut decisions, &index, desired, state, input.rules).map_err(|diagnostic| vec![diagnostic])?;
    let names: BTreeSet<&str> = decisions.changes.iter().filter_map(|change| change.node.as_deref()).collect();
    let connection = |name: &str| {
        input.desired.nodes.get(name).or_else(|| state.nodes.get(name).map(|node| &node.connection)).cloned()
    };
    let nodes = names.iter().filter_map(|name| Some(((*name).to_owned(), connection(name)?))).collect();
    let cluster = names.contains(CLUSTER).then(|| cluster_of(input.desired, state)).flatten();
    let mut plan = Plan {
        mode: input.options.mode,
        stack: state.stack.clone(),
        lineage: state.lineage.clone(),
        serial: input.state.serial,
        changes: decisions.changes,
        drift: decisions.drift,
        steps,
        outputs: decisions.outputs,
        variables: input.desired.variables.clone(),
        nodes,
        cluster,
        registries: desired.registries.clone(),
        expiries: input.desired.expiries.clone(),
        unreachable: decisions.unreachable,
        left_out: decisions.left_out,
        uncompared: decisions.uncompared,
        lost: decisions.lost,
        postponed: BTreeSet::new(),
        moved: input.moved.clone(),
        removed: input.desired.removed.iter().map(|removal| removal.address.clone()).collect(),
        targeted: !input.options.targets.is_empty(),
    };
    let previous: BTreeMap<&Address, &Address> = input.moved.resources.iter().map(|(from, to)| (to, from)).collect();
    for change in plan.changes.iter_mut().filter(|_| !previous.is_empty()) {
        change.previous_address = previous.get(&change.address).map(|from| (*from).clone());
    }
    let broken = check(&plan);
    if broken.is_empty() { Ok(plan) } else { Err(broken) }
}

/// How the cluster is reached: as the config says; where it no longer does, as state does.
fn cluster_of(desired: &Desired, state: &State) -> Option<ClusterConnection> {
    desired.cluster.as_ref().or_else(|| state.cluster.as_ref().map(|cluster| &cluster.connection)).cloned()
}

/// The waves of rolling changes, and the steps.
///
/// Two rolling changes of which one waits for the other can only take turns in one common order of instances: where
/// those that are down cannot go first, all go by address.
fn ordered(
    decisions: &mut decide::Decisions,
    index: &order::Index,
    desired: &Desired,
    state: &State,
    rules: Rules,
) -> Result<Vec<Step>, Diagnostic> {
    let mut steps = |first| {
        waves::waves(&mut decisions.changes, index, desired, &decisions.left_out, first);
        steps::build(&decisions.changes, index, state, rules)
    };
    steps(waves::First::Down).or_else(|_| steps(waves::First::Address))
}
