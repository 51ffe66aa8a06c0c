//! Invariants: what no plan may do, held over every plan that is made.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::cluster::CLUSTER;
use crate::diagnostic::Diagnostic;
use crate::plan::{Action, Operation, Plan};
use crate::resource::{Resource, Rules};

/// Resources that want the same thing for themselves: a port, a path, a name on one node.
pub fn clashes(resources: &[Resource], rules: Rules) -> Vec<Diagnostic> {
    let mut owners: IndexMap<(Option<&str>, String), &Resource> = IndexMap::new();
    // The first owner of a part of a claim, by the whole claim.
    let mut parts: IndexMap<(Option<&str>, String), &Resource> = IndexMap::new();
    let mut diagnostics = Vec::new();
    let mut reported: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    let mut sorted: Vec<&Resource> = resources.iter().collect();
    sorted.sort_by(|a, b| a.address.cmp(&b.address));
    for resource in sorted {
        let Some(rules) = rules.of(&resource.address) else {
            continue;
        };
        for claim in (rules.claims)(&resource.spec) {
            let node = resource.node.as_deref();
            let whole = claim.split_once(" on ").map(|(whole, _)| (node, whole.to_owned()));
            let overlapping = match &whole {
                Some(whole) => owners.get(whole),
                None if parts.is_empty() => None,
                None => parts.get(&(node, claim.clone())),
            }
            .copied();
            if let Some(whole) = whole {
                parts.entry(whole).or_insert(resource);
            }
            let owner = *owners.entry((node, claim.clone())).or_insert(resource);
            let owner = overlapping.unwrap_or(owner);
            if owner.address == resource.address {
                continue;
            }
            // Once for all nodes; and a name that is derived from another clashes with it.
            let seen = reported.entry((owner.address.resource(), resource.address.resource())).or_default();
            if seen.iter().all(|told| !claim.starts_with(told.as_str())) {
                diagnostics.push(clash(owner, resource, &claim));
                seen.push(claim);
            }
        }
    }
    diagnostics
}

fn clash(first: &Resource, second: &Resource, claim: &str) -> Diagnostic {
    let place = first.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
    let help = match first.node.as_deref() {
        Some(CLUSTER) => "take it out of one of them",
        _ => "give one of them another, or other nodes",
    };
    let mut diagnostic =
        Diagnostic::error(format!("{} and {} both want {claim}{place}", first.address, second.address))
            .about(second.address.as_str())
            .help(help);
    if let Some(span) = second.span {
        diagnostic = diagnostic.label(span, "wants it too");
    }
    if let Some(span) = first.span {
        diagnostic = diagnostic.label(span, "wants it");
    }
    diagnostic
}

/// Holds a plan against the invariants; an entry here is a bug in hactl, reported before anything is touched.
pub fn check(plan: &Plan) -> Vec<Diagnostic> {
    let mut broken = Vec::new();
    let mut steps_of = vec![0usize; plan.changes.len()];
    for (number, step) in plan.steps.iter().enumerate() {
        if step.after.iter().any(|edge| edge.step as usize >= number) {
            broken.push(format!("step {number} waits for a later one"));
        }
        if let Some(task) = step.task {
            steps_of[task.change as usize] += 1;
            let change = plan.change(task);
            if matches!(task.operation, Operation::Delete) && !matches!(change.action, Action::Delete | Action::Replace)
            {
                broken.push(format!("{} is deleted without being planned so", change.address));
            }
        }
    }
    let mut waves: BTreeMap<(&str, u32), (u32, u32)> = BTreeMap::new();
    for (change, steps) in plan.changes.iter().zip(steps_of) {
        let acts = change.action != Action::NoOp || change.record;
        if acts != (steps > 0) {
            broken.push(format!("{} has {steps} steps", change.address));
        }
        if let Some(wave) = change.wave {
            let (members, most) = waves
                .entry((change.address.resource(), wave.number))
                .or_insert((0, wave.rollout.max_unavailable.max(1)));
            *members += 1;
            if *members > *most {
                broken.push(format!("wave {} of {} is too large", wave.number, change.address.resource()));
            }
        }
    }
    broken
        .into_iter()
        .map(|what| {
            Diagnostic::error(format!("the plan broke a rule of its own: {what}"))
                .detail("this is a defect of hactl; nothing was touched")
                .help("please report it with the config and the output of `hactl state list`")
        })
        .collect()
}
