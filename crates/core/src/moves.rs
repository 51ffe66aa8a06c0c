//! Moves: resources that get another address, and those that are let go of.
//!
//! An address is a name, not what a resource is: after a move it is the same resource, with its generation, its outputs
//! and its place. So a move is done in state before anything is compared, and is never a change by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::diagnostic::{Diagnostic, Span};
use crate::state::State;
use crate::value::Map;

/// That what had one address has another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The address that it had: one instance; or, without a key, a resource with all its instances and parts.
    pub from: Address,
    /// The address that it has now, of the same form.
    pub to: Address,
    /// Where the old one is said.
    pub span: Option<Span>,
    /// Where the new one is said.
    pub to_span: Option<Span>,
}

/// That a resource is no longer managed, and left as it is where it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// One instance; or, without a key, a resource with all its instances and parts.
    pub address: Address,
    /// Where that is said.
    pub span: Option<Span>,
}

/// What moves come to in a state: new addresses by the old ones. No new address is an old one as well, so they can be
/// taken over in any order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Renames {
    /// The instances that state holds or has begun.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<Address, Address>,
    /// What dependencies name besides: all instances of a resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<Address, Address>,
}

/// One address that is replaced in a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Renamed {
    /// The old address.
    pub from: Address,
    /// The new one.
    pub to: Address,
    /// The outputs, where some are encrypted: what is encrypted names its address, and so is encrypted anew.
    pub outputs: Map,
}

impl Renames {
    /// Whether nothing gets another address.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.names.is_empty()
    }

    /// Every old address with the new one.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Address)> {
        self.resources.iter().chain(&self.names)
    }
}

/// What moves come to in a state. One of what state no longer holds, or holds under its new address already, is nothing to
/// do.
///
/// # Errors
/// Where two resources would get one address, and where one would get to another node.
pub fn renames(state: &State, moves: &[Move]) -> Result<Renames, Vec<Diagnostic>> {
    let mut renames = Renames::default();
    if moves.is_empty() {
        return Ok(renames);
    }
    let known: BTreeSet<&Address> = state.resources.keys().chain(state.unfinished.keys()).collect();
    let mut diagnostics = Vec::new();
    let mut taken: BTreeMap<Address, &Address> = BTreeMap::new();
    for address in &known {
        let Some((to, by)) = destination(address, moves) else { continue };
        if let Some(diagnostic) = to_another_node(state, address, &to) {
            diagnostics.push(placed(diagnostic, by));
            continue;
        }
        // What is there and does not move itself keeps its address.
        let holder = known.get(&to).filter(|holder| destination(holder, moves).is_none());
        match taken.insert(to.clone(), address).or(holder.copied()) {
            Some(other) => diagnostics.push(placed(both(address, &to, other), by)),
            None => {
                renames.resources.insert((*address).clone(), to);
            }
        }
    }
    for dependency in dependencies(state).filter(|on| !known.contains(*on)) {
        if let Some((to, _)) = destination(dependency, moves) {
            renames.names.insert(dependency.clone(), to);
        }
    }
    if diagnostics.is_empty() { Ok(renames) } else { Err(diagnostics) }
}

/// Resources, and what they cannot do without and nothing that is kept needs, as a container's network and volumes: who
/// lets go of the ones must not destroy the others.
pub fn with_what_is_bound<'a>(
    state: &'a State,
    mut resources: BTreeSet<&'a Address>,
    is_kept: impl Fn(&Address) -> bool,
) -> BTreeSet<&'a Address> {
    let mut open: Vec<&Address> = resources.iter().copied().collect();
    while let Some(address) = open.pop() {
        let dependencies = state.resources.get(address).map(|resource| &resource.dependencies);
        for dependency in dependencies.into_iter().flatten().filter(|dependency| dependency.binds) {
            if !is_kept(&dependency.on) && resources.insert(&dependency.on) {
                open.push(&dependency.on);
            }
        }
    }
    resources
}

/// Where an address ends, and the last move on the way there; none where it stays. A circle ends nowhere.
fn destination<'a>(address: &Address, moves: &'a [Move]) -> Option<(Address, &'a Move)> {
    let (mut here, mut last) = step(address, moves)?;
    for _ in 0..moves.len() {
        let Some(next) = step(&here, moves) else { return Some((here, last)) };
        (here, last) = next;
    }
    None
}

/// The next address on the way, and the move that leads there. An instance's own move goes before that of its resource.
fn step<'a>(here: &Address, moves: &'a [Move]) -> Option<(Address, &'a Move)> {
    let exact = moves.iter().find(|one| one.from == *here).map(|one| (one.to.clone(), one));
    exact.or_else(|| moves.iter().find_map(|one| Some((here.rebased(&one.from, &one.to)?, one))))
}

fn dependencies(state: &State) -> impl Iterator<Item = &Address> {
    let begun = state.unfinished.values().filter_map(|intent| intent.resource.as_ref());
    let all = state.resources.values().chain(begun);
    let all = all.flat_map(|resource| std::iter::once(resource).chain(resource.previous.as_deref()));
    all.flat_map(|resource| &resource.dependencies).map(|dependency| &dependency.on)
}

/// What lives on a node stays there, and its key is the node's name.
fn to_another_node(state: &State, from: &Address, to: &Address) -> Option<Diagnostic> {
    let resource = state.resources.get(from)?;
    let moves = resource.node.as_deref().is_some_and(|node| from.key() == Some(node)) && from.key() != to.key();
    moves.then(|| {
        Diagnostic::error(format!("{from} cannot become {to}: it lives on the node {}", from.key().unwrap_or_default()))
            .about(from.as_str())
            .help("what is on a node stays there; without the move the plan makes it on the other node")
    })
}

fn both(from: &Address, to: &Address, other: &Address) -> Diagnostic {
    let (what, help) = if other == to {
        (
            format!("{from} cannot become {to}: the state has both"),
            format!(
                "without the move the plan removes {from}; or take one of the two out of the state and leave it where it \
                 is, as in `hactl state rm '{to}'`"
            ),
        )
    } else {
        (format!("{from} and {other} cannot both become {to}"), "give each of them an address of its own".to_owned())
    };
    Diagnostic::error(what).about(from.as_str()).help(help)
}

fn placed(diagnostic: Diagnostic, by: &Move) -> Diagnostic {
    match by.span {
        Some(span) => diagnostic.at(span),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests;
