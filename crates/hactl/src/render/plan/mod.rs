//! Plans as text: what differs on the hosts, what is done and why, in which order, and a last line that sums it up.

mod certificates;
mod changes;
mod drift;
mod fields;
mod moved;
mod object;
mod order;
mod page;
mod places;
mod reasons;
mod recorded;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use hactl_core::Address;
use hactl_core::cluster::{CLUSTER, ClusterConnection};
use hactl_core::diff::diff;
use hactl_core::plan::{Counts, Mode, OutputChange, PathChange, Plan};
use hactl_core::value::Value;

use crate::render::value::visible;
pub(crate) use certificates::day;
pub(crate) use moved::moved_lines;
use page::{Page, Tone, count, row};
use places::Places;
pub(crate) use recorded::{outputs, resource, state};

/// A whole plan for people to read. Ends with Terraform's line `Plan: 3 to add, 1 to change, 0 to destroy.`, or says
/// that there is nothing to do. No sensitive value is in it.
pub(crate) fn render(plan: &Plan, color: bool) -> String {
    let mut page = Page::new(color);
    drift::write(&mut page, plan);
    moved::write(&mut page, &plan.moved);
    changes::write(&mut page, plan);
    order::write(&mut page, plan);
    output_changes(&mut page, plan);
    certificates::write(&mut page, plan);
    left_out(&mut page, plan);
    if let Some(cluster) = plan.cluster.as_ref().filter(|_| plan.has_changes()).and_then(cluster) {
        page.gap();
        page.line(0, Tone::Plain, cluster);
    }
    if plan.targeted {
        page.gap();
        let with = if plan.mode == Mode::Destroy { "what needs it" } else { "what it needs" };
        page.line(0, Tone::Changed, format!("Only what was targeted, and {with}, is in this plan."));
        page.line(0, Tone::Plain, "Other changes may be due: `hactl plan` shows them afterwards.");
    }
    page.gap();
    page.line(0, Tone::Heading, last_line(plan));
    page.finish()
}

/// What differs from what was last applied, for people to read; ends with a line that sums it up. No sensitive value is in
/// it.
pub(crate) fn render_drift(plan: &Plan, color: bool) -> String {
    let mut page = Page::new(color);
    drift::write(&mut page, plan);
    left_out(&mut page, plan);
    page.gap();
    let places: Places = plan.changes.iter().map(|change| Places::of_node(change.node.as_deref())).sum();
    let looked_at =
        if plan.left_out.is_empty() { places.the().to_owned() } else { format!("{} that answered", places.the()) };
    let last = match plan.drift.len() {
        0 if plan.changes.is_empty() && plan.left_out.is_empty() => "No drift: nothing was applied yet.".to_owned(),
        0 => format!("No drift on {looked_at}."),
        count => format!(
            "Drift: {} not as last applied.",
            if count == 1 { "1 resource is".to_owned() } else { format!("{count} resources are") }
        ),
    };
    page.line(0, Tone::Heading, last);
    page.finish()
}

/// Which cluster is meant, as far as the config names it.
fn cluster(connection: &ClusterConnection) -> Option<String> {
    let kubeconfig = connection.kubeconfig.as_deref().map(|path| format!("of {path}"));
    let context = match (&connection.context, &kubeconfig) {
        (Some(context), _) => Some(format!("context {context}")),
        (None, Some(_)) => Some("the current context".to_owned()),
        (None, None) => None,
    };
    let via = connection.via.as_ref().map(|via| format!("through {}", via.node));
    let parts: Vec<String> = context.into_iter().chain(kubeconfig).chain(via).collect();
    (!parts.is_empty()).then(|| format!("Cluster: {}.", parts.join(" ")))
}

/// `Plan: 3 to add, 1 to change, 0 to destroy.`, with `, 2 to forget` and `, 1 to move` where there are any, and
/// `1 to import, ` at its beginning where something is adopted.
pub(crate) fn summary(counts: Counts) -> String {
    let import = if counts.import > 0 { format!("{} to import, ", counts.import) } else { String::new() };
    let also = also(&[(counts.forget, "to forget"), (counts.moves, "to move")]);
    format!("Plan: {import}{} to add, {} to change, {} to destroy{also}.", counts.add, counts.change, counts.destroy)
}

/// `Apply complete! Resources: 3 added, 1 changed, 0 destroyed.`, or `Destroy complete! Resources: 3 destroyed.`
pub(crate) fn applied(counts: Counts, destroy: bool) -> String {
    if destroy {
        let also = also(&[(counts.forget, "forgotten"), (counts.moves, "moved")]);
        return format!("Destroy complete! Resources: {} destroyed{also}.", counts.destroy);
    }
    format!("Apply complete! Resources: {}.", done(counts))
}

/// `3 added, 1 changed, 0 destroyed`, with `, 2 forgotten` and `, 1 moved` where there are any, and `1 imported, ` at its
/// beginning where something was adopted.
pub(crate) fn done(counts: Counts) -> String {
    let imported = if counts.import > 0 { format!("{} imported, ", counts.import) } else { String::new() };
    let also = also(&[(counts.forget, "forgotten"), (counts.moves, "moved")]);
    format!("{imported}{} added, {} changed, {} destroyed{also}", counts.add, counts.change, counts.destroy)
}

/// What is told only where there is any of it: `, 2 forgotten`.
fn also(counts: &[(usize, &str)]) -> String {
    let told = counts.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, what)| format!(", {count} {what}")).collect()
}

fn last_line(plan: &Plan) -> String {
    let places: Places = plan.changes.iter().map(|change| Places::of_node(change.node.as_deref())).sum();
    if plan.mode == Mode::RefreshOnly && plan.has_changes() {
        let (the, them) = (places.the(), places.them());
        return format!("Only the state is brought up to what is on {the}; nothing is done to {them}.");
    }
    if plan.has_changes() {
        return summary(plan.counts());
    }
    let text = match plan.mode {
        _ if !plan.uncompared.is_empty() => "No changes, as far as can be told without the sensitive values.",
        _ if plan.unreachable.contains_key(CLUSTER) || (!plan.left_out.is_empty() && places.has_cluster()) => {
            "No changes on what answered."
        }
        _ if !plan.left_out.is_empty() => "No changes on the hosts that answered.",
        Mode::Normal if plan.targeted => "No changes to what was targeted.",
        // Secrets are in the state alone.
        Mode::Normal if places.is_none() && !plan.changes.is_empty() => "No changes. The state matches the config.",
        Mode::Normal => return format!("No changes. {} the config.", places.that_match()),
        Mode::Destroy => "Nothing to destroy.",
        Mode::RefreshOnly => return format!("No changes. The state matches {}.", places.the()),
    };
    text.to_owned()
}

fn output_changes(page: &mut Page, plan: &Plan) {
    let changed: Vec<(&String, &OutputChange)> = plan.outputs.iter().filter(|(_, change)| change.is_change()).collect();
    if changed.is_empty() {
        return;
    }
    page.gap();
    page.line(0, Tone::Heading, "Outputs:");
    let side = |pick: fn(&OutputChange) -> Option<&Value>| {
        let values = changed.iter().filter_map(|(name, change)| Some(((*name).clone(), pick(change)?.clone())));
        Value::Map(values.collect())
    };
    let (before, after) = (side(|change| change.before.as_ref()), side(|change| change.after.as_ref()));
    let paths: Vec<PathChange> = diff(&before, &after)
        .into_iter()
        .map(|path| PathChange { path, forces_replacement: false, drifted: false })
        .collect();
    fields::different(page, 2, &before, &after, &paths, None);
}

fn left_out(page: &mut Page, plan: &Plan) {
    if plan.unreachable.is_empty() && plan.left_out.is_empty() {
        return;
    }
    page.gap();
    page.line(0, Tone::Heading, "Left out:");
    let mut others = plan.left_out.len();
    for (node, reason) in &plan.unreachable {
        let on_it = plan.left_out.iter().filter(|address| is_on(address, node)).count();
        others -= on_it;
        let verb = if on_it == 1 { "is" } else { "are" };
        let what = format!("{} on it {verb} left out", count(on_it, "resource"));
        page.line(2, Tone::Changed, format!("{node} did not answer: {}; {what}", visible(reason)));
    }
    if others > 0 {
        let elsewhere: Vec<&str> = plan
            .left_out
            .iter()
            .filter(|address| !plan.unreachable.keys().any(|node| is_on(address, node)))
            .map(|address| address.as_str())
            .collect();
        page.line(2, Tone::Changed, format!("waiting for what is left out: {}", row(&elsewhere)));
    }
}

/// Whether something that was left out is on a node, or on the cluster.
fn is_on(address: &Address, node: &str) -> bool {
    if node == CLUSTER { hactl_kinds::is_on_cluster(address) } else { address.key() == Some(node) }
}
