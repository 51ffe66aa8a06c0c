//! What was changed since the last apply, and not by hactl.

use std::collections::BTreeMap;

use hactl_core::Address;
use hactl_core::diff::diff;
use hactl_core::plan::{Drift, PathChange, Plan};

use crate::render::plan::fields;
use crate::render::plan::page::{Page, Tone, instances};
use crate::render::plan::places::Places;

/// Writes the section, instances that differ alike together; nothing where nothing drifted.
pub(super) fn write(page: &mut Page, plan: &Plan) {
    if plan.drift.is_empty() {
        return;
    }
    let mut order: Vec<(&str, Option<String>)> = Vec::new();
    let mut members: BTreeMap<(&str, Option<String>), Vec<&Drift>> = BTreeMap::new();
    for drift in &plan.drift {
        let key = (drift.address.resource(), difference(page, drift));
        let drifts = members.entry(key.clone()).or_default();
        if drifts.is_empty() {
            order.push(key);
        }
        drifts.push(drift);
    }
    page.gap();
    let places: Places = plan.drift.iter().map(|drift| Places::of_address(&drift.address)).sum();
    page.line(0, Tone::Heading, format!("Changed on {} since the last apply:", places.the()));
    for key in order {
        let drifts = members.get(&key).map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<_> = drifts.iter().map(|drift| (drift.address.key(), node(&drift.address))).collect();
        let title = instances(key.0, &keys);
        match &key.1 {
            Some(difference) => {
                page.line(2, Tone::Changed, format!("~ {title}"));
                page.add(difference);
            }
            None => page.line(2, Tone::Removed, format!("- {title} (no longer there)")),
        }
    }
}

/// The node that a resource is on; none for what is on the cluster, whose keys are no nodes.
fn node(address: &Address) -> Option<&str> {
    if hactl_kinds::is_on_cluster(address) { None } else { address.key() }
}

/// The lines that say what differs; none where the resource is gone.
fn difference(page: &Page, drift: &Drift) -> Option<String> {
    let after = drift.after.as_ref()?;
    let paths: Vec<PathChange> = diff(&drift.before, after)
        .into_iter()
        .map(|path| PathChange { path, forces_replacement: false, drifted: false })
        .collect();
    let mut lines = page.empty();
    fields::different(&mut lines, 6, &drift.before, after, &paths, None);
    Some(lines.finish())
}
