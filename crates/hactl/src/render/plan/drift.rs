//! What was changed on the hosts since the last apply.

use std::collections::BTreeMap;

use hactl_core::diff::diff;
use hactl_core::plan::{Drift, PathChange, Plan};

use hactl_kinds::is_on_cluster;

use crate::render::plan::fields;
use crate::render::plan::page::{Page, Tone, instances};

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
    let on_cluster = plan.drift.iter().filter(|drift| is_on_cluster(&drift.address)).count();
    let places = match on_cluster {
        0 => "the hosts",
        all if all == plan.drift.len() => "the cluster",
        _ => "the hosts and the cluster",
    };
    page.line(0, Tone::Heading, format!("Changed on {places} since the last apply:"));
    for key in order {
        let drifts = members.get(&key).map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<_> = drifts
            .iter()
            .map(|Drift { address, .. }| (address.key(), address.key().filter(|_| !is_on_cluster(address))))
            .collect();
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

/// The lines that say what differs; none where the resource is gone.
fn difference(page: &Page, drift: &Drift) -> Option<String> {
    let after = drift.after.as_ref()?;
    let paths: Vec<PathChange> = diff(&drift.before, after)
        .into_iter()
        .map(|path| PathChange { path, forces_replacement: false, drifted: false })
        .collect();
    let mut lines = page.empty();
    fields::different(&mut lines, 6, &drift.before, after, &paths, "");
    Some(lines.finish())
}
