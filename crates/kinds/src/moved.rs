//! What a host still knows by an address that its resource no longer has.
//!
//! State says what an address is; the labels, inventory and blocks of a host say what it was when they were written. Which
//! of them are a resource's shows by what no move changes: the random id of a container, the path of a file, the lines of
//! a block. So a host needs nobody to tell it what moved, also where state was changed without it, or a run ended early.

use std::collections::{BTreeMap, BTreeSet};

use hactl_core::Address;
use hactl_core::value::Value;
use hactl_engine::{ReadRequest, Stray};
use hactl_host::{Container, Inventory, InventoryEntry, Survey, labels, normal_path};

use hactl_core::diagnostic::Diagnostic;

use crate::host_aliases::hosts::{self, Blocks};

/// The containers of a lineage, by the address of the resource that they are: what state says of their random ids, or else
/// their labels, which keep the address that a container was made with.
pub(crate) fn by_address<'a>(
    requests: &[ReadRequest<'a>],
    containers: &'a [Container],
    inventory: Option<&'a Inventory>,
    lineage: &str,
) -> BTreeMap<&'a str, Vec<&'a Container>> {
    let candidates = requests.iter().flat_map(|request| {
        let generations = request.candidates.iter().map(|candidate| candidate.generation.as_str());
        generations.map(|generation| (generation, request.address.as_str()))
    });
    let made: BTreeMap<&str, &str> = candidates.filter(|(generation, _)| !generation.is_empty()).collect();
    let mut own: BTreeMap<&str, Vec<&Container>> = BTreeMap::new();
    for container in containers.iter().filter(|container| container.label(labels::LINEAGE) == Some(lineage)) {
        let now = container.label(labels::SPEC).and_then(|generation| made.get(generation)).copied();
        let label = || container.label(labels::ADDRESS);
        let recorded = || Some(inventory?.labelled(&Address::parse(label()?).ok()?)?.as_str());
        if let Some(address) = now.or_else(recorded).or_else(label) {
            own.entry(address).or_default().push(container);
        }
    }
    own
}

/// What the inventory and the blocks of a host have under another address than state: that one, and the right one. In an
/// order in which one can be done after the other.
pub(crate) fn moved(
    requests: &[ReadRequest<'_>],
    inventory: Option<&Inventory>,
    own: &BTreeMap<&str, Vec<&Container>>,
    blocks: &Blocks<'_>,
) -> Vec<(Address, Address)> {
    let none = BTreeMap::new();
    let entries = inventory.map_or(&none, |inventory| &inventory.entries);
    let holders: BTreeMap<&str, &Address> =
        entries.iter().filter_map(|(address, entry)| Some((entry.path.as_deref()?, address))).collect();
    let known: BTreeSet<&Address> =
        requests.iter().filter(|request| !request.candidates.is_empty()).map(|request| request.address).collect();
    let mut moved: Vec<(Address, Address)> = blocks.moved().map(|(from, to)| (from.clone(), to.clone())).collect();
    for request in requests.iter().filter(|request| request.applied) {
        let address = request.address;
        let from = match address.primitive() {
            "file" => paths(request).find_map(|path| holders.get(path.as_str()).copied()),
            "container" => own.get(address.as_str()).into_iter().flatten().find_map(|container| {
                let label = Address::parse(container.label(labels::ADDRESS)?).ok()?;
                inventory?.labelled(&label).filter(|recorded| !known.contains(recorded))
            }),
            _ => None,
        };
        moved.extend(from.filter(|from| *from != address).map(|from| (from.clone(), address.clone())));
    }
    in_order(moved)
}

/// The normal paths of a file that state holds or that was begun.
fn paths(request: &ReadRequest<'_>) -> impl Iterator<Item = String> {
    let paths = request.candidates.iter().filter_map(|candidate| candidate.spec.get("path").and_then(Value::as_str));
    paths.filter_map(|path| normal_path(path).ok())
}

/// Moves in an order in which none takes an address that another one still has. Those that wait for each other in a circle
/// go by an address in between.
fn in_order(mut moves: Vec<(Address, Address)>) -> Vec<(Address, Address)> {
    let mut ordered = Vec::with_capacity(moves.len());
    while !moves.is_empty() {
        let free = moves.iter().position(|(_, to)| moves.iter().all(|(from, _)| from != to));
        match free {
            Some(free) => ordered.push(moves.swap_remove(free)),
            None => {
                let (from, to) = moves.swap_remove(0);
                let between = Address::new(from.kind(), &format!("{}-moving", from.name()), from.key());
                ordered.push((from, between.clone()));
                moves.push((between, to));
            }
        }
    }
    ordered
}

/// What carries the stack's labels or is in its inventory, at addresses that neither state nor config know.
pub(crate) fn strays(
    node: &str,
    requests: &[ReadRequest<'_>],
    inventory: Option<&Inventory>,
    own: &BTreeMap<&str, Vec<&Container>>,
    moved: &[(Address, Address)],
    vacant: &[Address],
) -> Vec<Stray> {
    let known: BTreeSet<&str> = requests.iter().map(|request| request.address.as_str()).collect();
    let labelled = own.iter().filter(|(address, _)| !known.contains(**address));
    let labelled = labelled.flat_map(|(address, containers)| containers.iter().map(move |one| (*address, one)));
    let containers = labelled.map(|(address, container)| Stray {
        recorded: inventory.is_some_and(|inventory| inventory.entries.keys().any(|known| known.as_str() == address)),
        address: Address::parse(address).ok(),
        warning: Diagnostic::warning(format!(
            "{node}: the container {} is {address} of this stack, but is not in its state",
            container.name
        ))
        .about(format!("node.{node}"))
        .help("it may be left from a lost state, or was taken out of it; remove it with `docker rm -f` if nothing needs it"),
    });
    let entries = inventory.into_iter().flat_map(|inventory| &inventory.entries);
    let unknown = entries.filter(|(address, _)| {
        !known.contains(address.as_str())
            && !vacant.contains(address)
            && moved.iter().all(|(from, to)| from != *address && to != *address)
    });
    let recorded = unknown.filter_map(|(address, entry)| {
        let what = match (&entry.path, &entry.block) {
            (Some(path), _) => format!("the file {path}"),
            (None, Some(path)) => format!("a block in {path}"),
            (None, None) => return None,
        };
        Some(Stray {
            address: Some(address.clone()),
            recorded: true,
            warning: Diagnostic::warning(format!(
                "{node}: {what} is recorded there as {address} of this stack, but is not in its state"
            ))
            .about(format!("node.{node}"))
            .help(format!(
                "declare it again to have it managed; with `removed: [{{from: {}}}]` the host lets go of it",
                address.resource()
            )),
        })
    });
    containers.chain(recorded).collect()
}

/// The addresses that an inventory records without anything being there: no file, no block, and no container.
pub(crate) fn vacant(
    survey: &Survey,
    lineage: &str,
    own: &BTreeMap<&str, Vec<&Container>>,
    moved: &[(Address, Address)],
) -> Vec<Address> {
    let entries = survey.inventory.iter().flat_map(|inventory| &inventory.entries);
    let nothing = |address: &Address, entry: &InventoryEntry| match (&entry.path, &entry.block) {
        (Some(_), _) => false,
        (None, Some(path)) => hosts::is_without_block(survey, path, lineage, address),
        (None, None) => !own.contains_key(address.as_str()),
    };
    let empty = entries.filter(|(address, entry)| nothing(address, entry));
    let stays = |address: &Address| moved.iter().all(|(from, to)| from != address && to != address);
    empty.map(|(address, _)| address.clone()).filter(|address| stays(address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        Address::new("file", name, Some("n1"))
    }

    fn ordered(moves: &[(&str, &str)]) -> String {
        let moves = moves.iter().map(|(from, to)| (address(from), address(to))).collect();
        let line = |(from, to): &(Address, Address)| format!("{} {}", from.name(), to.name());
        in_order(moves).iter().map(line).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn no_move_takes_an_address_that_is_still_used() {
        assert_eq!(ordered(&[("a", "b"), ("b", "c")]), "b c, a b");
        assert_eq!(ordered(&[("a", "b"), ("b", "a")]), "a a-moving, b a, a-moving b");
        assert_eq!(ordered(&[("a", "b"), ("x", "y")]), "a b, x y");
    }
}
