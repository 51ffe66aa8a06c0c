//! What state and observation together say of one resource.

use std::sync::Arc;

use crate::address::Address;
use crate::diff::{Path, diff};
use crate::observed::{Foreign, Observations, Observed};
use crate::plan::Drift;
use crate::state::{ResourceState, State};
use crate::value::Value;

/// What is known of a resource before anything is decided about it.
pub(super) enum Sight<'a> {
    /// Not in state and not on its host.
    Nothing,
    /// In state, and gone from its host.
    Gone,
    There(Refreshed<'a>),
    /// Its host did not answer, for this reason.
    Dark(Arc<str>),
    /// Something that state does not hold has its place, whether state knows the resource or not.
    Foreign(&'a Foreign),
}

/// A resource as state has it, brought up to what was observed.
pub(super) struct Refreshed<'a> {
    pub(super) state: &'a ResourceState,
    pub(super) spec: Arc<Value>,
    /// Whether an interrupted replacement has left something.
    pub(super) residue: bool,
    /// The paths of which its place says that they cannot change in place.
    pub(super) fixed: &'a [Path],
}

/// Looks at one resource, and notes how its host differs from what was applied.
pub(super) fn look<'a>(
    address: &Address,
    state: &'a State,
    observed: &'a Observations,
    drift: &mut Vec<Drift>,
) -> Sight<'a> {
    let known = state.resources.get(address);
    let mut differs = |after: Option<&Arc<Value>>| {
        if let Some(known) = known {
            drift.push(Drift { address: address.clone(), before: known.spec.clone(), after: after.cloned() });
        }
    };
    match (observed.get(address), known) {
        (Some(Observed::Unreachable(reason)), _) => Sight::Dark(reason.clone()),
        (Some(Observed::Foreign(foreign)), _) => {
            differs(None);
            Sight::Foreign(foreign)
        }
        (Some(Observed::Absent), Some(_)) => {
            differs(None);
            Sight::Gone
        }
        (Some(Observed::Present(present)), Some(known)) => {
            if !Arc::ptr_eq(&present.spec, &known.spec) && !diff(&known.spec, &present.spec).is_empty() {
                differs(Some(&present.spec));
            }
            let residue = present.residue || known.previous.is_some();
            Sight::There(Refreshed { state: known, spec: present.spec.clone(), residue, fixed: &present.fixed })
        }
        (None, Some(known)) => {
            let residue = known.previous.is_some();
            Sight::There(Refreshed { state: known, spec: known.spec.clone(), residue, fixed: &[] })
        }
        (None | Some(Observed::Absent | Observed::Present(_)), None) => Sight::Nothing,
    }
}
