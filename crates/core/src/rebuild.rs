//! Rebuilding a state that was lost, from what the config wants and what is there.
//!
//! What is there and wanted is recorded as it is, so that the next plan shows what differs. What is there and not wanted is
//! recorded with the little that its place tells, so that the next plan removes it. Nothing is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::Address;
use crate::diff::{at_path, diff, may_be_same};
use crate::observed::{Observations, Observed, Present};
use crate::resolve::{Outputs, Secrets, fold};
use crate::resource::Resource;
use crate::state::{ResourceState, State};
use crate::value::{Map, Value};

/// What a state is rebuilt from.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What the config wants.
    pub desired: &'a [Resource],
    /// What was seen in the places of what is wanted, with nothing in state.
    pub observed: &'a Observations,
    /// What places record as the stack's, whether it is there or not.
    pub recorded: &'a BTreeSet<Address>,
    /// What is there of the stack, by what its places tell alone.
    pub there: &'a BTreeMap<Address, ResourceState>,
    /// Of what is wanted, what has no place and was made by hactl: its values are gone.
    pub generated: &'a BTreeSet<Address>,
    /// The sensitive values that are known.
    pub secrets: &'a Secrets,
}

/// What became of every resource.
#[derive(Debug, Default, PartialEq)]
pub struct Rebuilt {
    /// As the config wants it.
    pub equal: Vec<Address>,
    /// There, and different from what the config wants.
    pub different: Vec<Address>,
    /// There, and not in the config.
    pub unwanted: Vec<Address>,
    /// Secrets whose values are gone.
    pub lost: Vec<Address>,
    /// Wanted, and not there.
    pub missing: Vec<Address>,
    /// Wanted, and in its place is something that is not the stack's, in words.
    pub foreign: Vec<(Address, String)>,
    /// Its place did not answer, for this reason.
    pub unreachable: Vec<(Address, Arc<str>)>,
    /// Recorded as the stack's in a place, where nothing of it was found.
    pub vanished: Vec<Address>,
}

/// Fills a state, in which nothing is recorded yet but secrets whose values are still known, with what is there.
pub fn rebuild(state: &mut State, evidence: Evidence<'_>) -> Rebuilt {
    let mut rebuilt = Rebuilt::default();
    for resource in evidence.desired {
        let address = &resource.address;
        if resource.node.is_none() {
            if evidence.generated.contains(address) && !state.resources.contains_key(address) {
                let spec = Arc::new(known_part(&resource.spec).unwrap_or(Value::Map(Map::new())));
                let lost = ResourceState { lost: true, ..recorded(resource, spec, None) };
                state.resources.insert(address.clone(), lost);
                rebuilt.lost.push(address.clone());
            }
            continue;
        }
        match evidence.observed.get(address) {
            Some(Observed::Present(found)) => keep(state, resource, found, evidence.there.get(address)),
            Some(Observed::Foreign(foreign)) => match &foreign.found {
                Some(found) if foreign.own || evidence.recorded.contains(address) => {
                    keep(state, resource, found, evidence.there.get(address));
                }
                _ if evidence.there.contains_key(address) => {}
                _ => rebuilt.foreign.push((address.clone(), foreign.what.clone())),
            },
            Some(Observed::Unreachable(reason)) => rebuilt.unreachable.push((address.clone(), reason.clone())),
            Some(Observed::Absent) | None => {}
        }
        if let (None, Some(there)) = (state.resources.get(address), evidence.there.get(address)) {
            // Somewhere else than it is wanted.
            let dependencies = resource.dependencies.clone();
            let known = ResourceState { dependencies, protect: resource.protect, ..there.clone() };
            state.resources.insert(address.clone(), known);
        }
    }
    let wanted: BTreeSet<&Address> = evidence.desired.iter().map(|resource| &resource.address).collect();
    for (address, known) in evidence.there.iter().filter(|(address, _)| !wanted.contains(address)) {
        state.resources.insert(address.clone(), known.clone());
        rebuilt.unwanted.push(address.clone());
    }
    for resource in evidence.desired.iter().filter(|resource| resource.node.is_some()) {
        let address = &resource.address;
        let told = rebuilt.foreign.iter().any(|(other, _)| other == address)
            || rebuilt.unreachable.iter().any(|(other, _)| other == address);
        match state.resources.get(address) {
            Some(known) if is_as_wanted(resource, known, state, evidence.secrets) => {
                rebuilt.equal.push(address.clone())
            }
            Some(_) => rebuilt.different.push(address.clone()),
            None if !told => rebuilt.missing.push(address.clone()),
            None => {}
        }
    }
    let is_settled = |address: &&Address| wanted.contains(*address) || state.resources.contains_key(*address);
    rebuilt.vanished = evidence.recorded.iter().filter(|address| !is_settled(address)).cloned().collect();
    rebuilt
}

/// Records what was found. What it uses by what its place tells counts as needed, also where the config no longer says so.
fn keep(state: &mut State, resource: &Resource, found: &Present, there: Option<&ResourceState>) {
    let Some(spec) = known_part(&found.spec) else { return };
    let mut known = recorded(resource, Arc::new(spec), Some(found));
    for used in there.into_iter().flat_map(|there| &there.dependencies) {
        if known.dependencies.iter().all(|needed| needed.on != used.on) {
            known.dependencies.push(used.clone());
        }
    }
    known.dependencies.sort();
    state.resources.insert(resource.address.clone(), known);
}

fn recorded(resource: &Resource, spec: Arc<Value>, found: Option<&Present>) -> ResourceState {
    ResourceState {
        node: resource.node.clone(),
        spec,
        outputs: found.map(|found| found.outputs.clone()).unwrap_or_default(),
        generation: found.map(|found| found.generation.clone()).unwrap_or_default(),
        dependencies: resource.dependencies.clone(),
        protect: resource.protect,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    }
}

/// A value without what nobody knows yet.
fn known_part(value: &Value) -> Option<Value> {
    match value {
        Value::Deferred(_) => None,
        Value::List(items) => Some(Value::List(items.iter().filter_map(known_part).collect())),
        Value::Map(map) => {
            Some(Value::Map(map.iter().filter_map(|(key, value)| Some((key.clone(), known_part(value)?))).collect()))
        }
        known => Some(known.clone()),
    }
}

/// Whether a plan would find nothing to do about a resource, as far as its own spec goes.
fn is_as_wanted(resource: &Resource, known: &ResourceState, state: &State, secrets: &Secrets) -> bool {
    let Ok(wanted) = fold(&resource.spec, &Known(state), secrets) else { return false };
    diff(&known.spec, &wanted).iter().all(|path| {
        let values = (at_path(&known.spec, path), at_path(&wanted, path));
        matches!(values, (Some(known), Some(wanted)) if may_be_same(known, wanted))
    })
}

struct Known<'a>(&'a State);

impl Outputs for Known<'_> {
    fn output(&self, address: &Address, name: &str) -> Option<Value> {
        self.0.resources.get(address)?.outputs.get(name).cloned()
    }
}

#[cfg(test)]
mod tests;
