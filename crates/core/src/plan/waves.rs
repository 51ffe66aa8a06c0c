//! The waves of rolling changes.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::plan::order::Index;
use crate::plan::{Action, Change, Desired, Reason, Wave};
use crate::resource::Rollout;
use crate::value::Value;

/// Which instances of a rolling change have their turn first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// Those that are down already, so that no wave takes down what still works while they are.
    Down,
    /// The smallest address.
    Address,
}

/// Gives every instance of a rolling change its wave. Instances that were left out count as down all the while.
pub(super) fn waves(changes: &mut [Change], index: &Index, desired: &Desired, left_out: &[Address], first: First) {
    let mut rolling: BTreeMap<String, (Rollout, Vec<usize>)> = BTreeMap::new();
    for (position, change) in changes.iter().enumerate() {
        if !matches!(change.action, Action::Update | Action::Replace) {
            continue;
        }
        let resource = index.number(&change.address).and_then(|number| index.desired(number, desired));
        if let Some(rollout) = resource.and_then(|resource| resource.rollout) {
            let name = change.address.resource().to_owned();
            rolling.entry(name).or_insert_with(|| (rollout, Vec::new())).1.push(position);
        }
    }
    for (name, (rollout, mut members)) in rolling {
        let out = left_out.iter().filter(|address| address.resource() == name).count();
        let most = rollout.max_unavailable.saturating_sub(u32::try_from(out).unwrap_or(u32::MAX)).max(1);
        members.sort_by_key(|position| first == First::Down && !is_down(&changes[*position]));
        for (turn, position) in members.into_iter().enumerate() {
            let number = u32::try_from(turn).unwrap_or(u32::MAX) / most;
            changes[position].wave = Some(Wave { rollout, number });
        }
    }
}

/// Whether an instance does not work now.
fn is_down(change: &Change) -> bool {
    let running = change.before.as_ref().and_then(|before| before.get("running"));
    running == Some(&Value::Bool(false))
        || change
            .reasons
            .iter()
            .any(|reason| matches!(reason, Reason::Unproven | Reason::Interrupted | Reason::Unfinished))
}
