//! `node`: a host. Never created: it has facts and a preflight.

mod facts;

use std::collections::BTreeMap;

use hactl_core::Diagnostic;
use hactl_core::cluster::CLUSTER;
use hactl_core::state::State;
use hactl_core::value::Value;
use hactl_engine::{Identity, Refreshed, SeenNode};

pub use facts::uses_facts;
pub(crate) use facts::{FACTS, facts};

/// The most seconds by which two clocks of one stack may differ.
const MAX_CLOCK_SKEW: u64 = 5;

/// The least free disk space, in bytes, with which an apply is begun.
const MIN_DISK_FREE: i64 = 256 << 20;

/// What is wrong with the nodes and the cluster that answered, taken together and against what state remembers of them.
///
/// `replaced` names the nodes that may be other machines than before; the cluster among them.
pub fn preflight(seen: &Refreshed, state: &State, replaced: &[String]) -> Vec<Diagnostic> {
    let nodes = &seen.nodes;
    let mut diagnostics = Vec::new();
    if let Some(cluster) = &seen.cluster {
        diagnostics.extend(other_cluster(cluster, state).filter(|_| !replaced.iter().any(|name| name == CLUSTER)));
    }
    let mut machines: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, node) in nodes {
        let identity = (node.identity.machine_id.as_str(), node.identity.engine_id.as_str());
        if identity != ("", "")
            && let Some(other) = machines.insert(identity, name)
        {
            diagnostics.push(
                Diagnostic::error(format!("{other} and {name} are the same machine"))
                    .about(format!("node.{name}"))
                    .detail("machine id and Docker Engine id are equal")
                    .help("give each node an address of its own, or keep one of them"),
            );
        }
        diagnostics.extend(other_machine(name, node, state).filter(|_| !replaced.contains(name)));
        let disk_free = node.facts.get("diskFree").and_then(whole_number).unwrap_or_default();
        if disk_free < MIN_DISK_FREE {
            diagnostics.push(
                Diagnostic::error(format!("{name} has less than {} MiB of free disk space", MIN_DISK_FREE >> 20))
                    .about(format!("node.{name}"))
                    .help("free some space where Docker Engine keeps its data"),
            );
        }
        diagnostics.extend(older_state(name, node, state));
    }
    diagnostics.extend(clock_skew(nodes));
    diagnostics
}

fn other_cluster(now: &Identity, state: &State) -> Option<Diagnostic> {
    let known = state.cluster.as_ref().map(|cluster| cluster.uid.as_str()).filter(|uid| !uid.is_empty())?;
    let other = !now.machine_id.is_empty() && known != now.machine_id;
    other.then(|| {
        Diagnostic::error("the cluster is another one than the one that was applied to")
            .about(CLUSTER)
            .detail("the uid of its namespace kube-system is not the one that state remembers")
            .help(format!(
                "check kubeconfig and context; if the cluster was made anew, run again with --replace-node {CLUSTER}"
            ))
    })
}

fn other_machine(name: &str, node: &SeenNode, state: &State) -> Option<Diagnostic> {
    let known = state.nodes.get(name)?;
    let differs = |known: &str, now: &str| !known.is_empty() && !now.is_empty() && known != now;
    let other =
        differs(&known.machine_id, &node.identity.machine_id) || differs(&known.engine_id, &node.identity.engine_id);
    other.then(|| {
        Diagnostic::error(format!("{name} is another machine than the one that was applied to"))
            .about(format!("node.{name}"))
            .detail("its machine id or Docker Engine id is not the one that state remembers")
            .help(format!(
                "check the node's address; if the machine was replaced, run again with --replace-node {name}"
            ))
    })
}

fn older_state(name: &str, node: &SeenNode, state: &State) -> Option<Diagnostic> {
    let serial = node.serial.filter(|serial| *serial > state.serial)?;
    let (at_hand, help) = match state.serial {
        0 => (
            "there is no state at hand".to_owned(),
            "bring the state file back from git or a backup; if it is lost, `hactl state recover` rebuilds it from the hosts".to_owned(),
        ),
        ours => (
            format!("the state at hand is serial {ours}"),
            "get the newest state first; another operator has applied since".to_owned(),
        ),
    };
    Some(
        Diagnostic::error(format!("{name} was last changed at serial {serial} of this stack's state, and {at_hand}"))
            .about(format!("node.{name}"))
            .help(help),
    )
}

/// Not an error: what hactl applies does not depend on the clocks, and may be what sets them right.
fn clock_skew(nodes: &BTreeMap<String, SeenNode>) -> Option<Diagnostic> {
    let offset = |node: &SeenNode| node.facts.get("clockOffset").and_then(whole_number);
    let offsets = || nodes.iter().filter_map(|(name, node)| Some((offset(node)?, name)));
    let (least, slow) = offsets().min()?;
    let (most, fast) = offsets().max()?;
    let apart = most.abs_diff(least);
    let of_each: Vec<String> = offsets().map(|(offset, name)| format!("{name} {offset:+} s")).collect();
    (apart > MAX_CLOCK_SKEW).then(|| {
        Diagnostic::warning(format!("the clocks of {slow} and {fast} are {apart} s apart"))
            .detail(format!("against this machine's clock: {}", of_each.join(", ")))
            .help("let all keep time by NTP; certificates, elections and logs depend on it")
    })
}

fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}
