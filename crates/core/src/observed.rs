//! What was observed of a resource, and what it tells about steps that were cut short.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::address::Address;
use crate::diff::{Path, diff};
use crate::plan::Operation;
use crate::state::{Intent, State};
use crate::value::{Map, Value};

/// What a host or API server shows of one resource now. Unknown is not absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// It is not there.
    Absent,
    /// It is there and ours.
    Present(Present),
    /// It, or something of its name, is there, and state does not hold it.
    Foreign(Foreign),
    /// Its host or API server did not answer, for this reason.
    Unreachable(Arc<str>),
}

/// What is there in the place of a resource, and not in state.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreign {
    /// What it is, as in `a container named web`.
    pub what: String,
    /// What its place knows it by: a container's id, an object's uid, a file's path.
    pub id: String,
    /// Whether it is this very resource: made by this stack, and marked or recorded with this address.
    pub own: bool,
    /// What it is as a resource: as the config wants it, overlaid with what is different. None where that cannot be told:
    /// then it can be overwritten, and no more.
    pub found: Option<Present>,
}

impl Foreign {
    /// Something that is not ours, and of which nothing else is known.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), id: String::new(), own: false, found: None }
    }
}

/// A resource that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Present {
    /// What it is, in its kind's terms: the spec it was compared with, overlaid with what is different.
    pub spec: Arc<Value>,
    /// Its outputs.
    pub outputs: Map,
    /// The creation it stems from; empty where the kind has none.
    pub generation: String,
    /// Whether the remains of an interrupted replacement lie beside it.
    pub residue: bool,
    /// The paths of which its place says that they cannot change in place, among those that are to change.
    pub fixed: Vec<Path>,
}

/// What was observed, by address. What is missing was not looked at.
pub type Observations = BTreeMap<Address, Observed>;

/// Settles every unfinished step by what was observed, and returns the state as it should have been written.
///
/// A resource that could not be observed stays unfinished. A replaced instance that is found back in its place is
/// what state holds again.
pub fn recover(state: &State, observed: &Observations) -> State {
    let mut recovered = state.clone();
    for (address, intent) in &state.unfinished {
        let outputs = match observed.get(address) {
            None | Some(Observed::Unreachable(_)) => continue,
            Some(Observed::Present(present)) => present.outputs.clone(),
            Some(Observed::Absent | Observed::Foreign(_)) => Map::new(),
        };
        recovered.unfinished.remove(address);
        if !took_effect(intent, observed.get(address)) {
            continue;
        }
        // Nothing shows whether it was told before the end.
        let notified = state.resources.get(address).is_some_and(|resource| resource.notified);
        recovered.settle(address, intent.clone(), outputs);
        if let (Operation::Update, Some(resource)) = (intent.operation, recovered.resources.get_mut(address)) {
            resource.notified = notified;
        }
    }
    for (address, seen) in observed {
        let Observed::Present(present) = seen else {
            continue;
        };
        let Some(resource) = recovered.resources.get_mut(address) else {
            continue;
        };
        if present.generation == resource.generation && !present.residue {
            // What the swap kept is gone.
            resource.previous = None;
        }
        let put_back = resource
            .previous
            .take_if(|previous| present.generation == previous.generation && present.generation != resource.generation);
        if let Some(previous) = put_back {
            *resource = *previous;
        }
    }
    recovered
}

/// Whether a host shows that an intent did what it was to do.
///
/// Steps that neither make nor remove anything are simply done again: never seen here as done.
fn took_effect(intent: &Intent, seen: Option<&Observed>) -> bool {
    match (seen, &intent.resource) {
        (Some(Observed::Present(present)), Some(wanted)) if present.generation == wanted.generation => {
            let as_wanted = || diff(&wanted.spec, &present.spec).is_empty();
            match intent.operation {
                // What is not as it should be shows as drift.
                Operation::Create | Operation::Adopt => true,
                Operation::Swap => !wanted.generation.is_empty() || as_wanted(),
                Operation::Update => as_wanted(),
                _ => false,
            }
        }
        (Some(Observed::Absent | Observed::Foreign(_)), None) => {
            matches!(intent.operation, Operation::Delete | Operation::Forget)
        }
        _ => false,
    }
}
