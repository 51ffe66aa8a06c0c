//! What a plan covers: everything, or the targets and what they need.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::plan::order::Index;
use crate::plan::{Desired, Options};
use crate::state::State;

/// Which numbers a plan covers, and which it is asked to replace.
pub(super) struct Selection {
    pub(super) covered: Vec<bool>,
    pub(super) replace: Vec<bool>,
}

/// Marks what the options name. A wanted target brings what it needs; one that goes, what needs it; so that
/// neither is done out of turn.
pub(super) fn select(
    index: &Index,
    desired: &Desired,
    state: &State,
    options: &Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Selection {
    let mut replace = vec![false; index.len()];
    for address in &options.replace {
        mark(index, address, "--replace", diagnostics, &mut |number| replace[number] = true);
    }
    if options.targets.is_empty() {
        return Selection { covered: vec![true; index.len()], replace };
    }
    let mut covered = vec![false; index.len()];
    let mut open = Vec::new();
    for address in &options.targets {
        mark(index, address, "--target", diagnostics, &mut |number| open.push(number));
    }
    let mut needed_by = needed_by(index, state);
    let mut expanded: BTreeSet<&Address> = BTreeSet::new();
    while let Some(number) = open.pop() {
        if std::mem::replace(&mut covered[number], true) {
            continue;
        }
        let Some(resource) = index.desired(number, desired) else {
            let address = index.address(number);
            for on in [address.as_str(), address.resource()] {
                open.extend(needed_by.remove(on).unwrap_or_default());
            }
            continue;
        };
        for dependency in &resource.dependencies {
            if expanded.insert(&dependency.on) {
                open.extend(index.matching(&dependency.on));
            }
        }
    }
    for address in &options.replace {
        let left = |number: usize| replace[number] && !covered[number];
        if index.matching(address).any(left) {
            diagnostics.push(
                Diagnostic::error(format!("--replace {address} is not among what --target covers"))
                    .help("target it too, or leave one of the two options out"),
            );
        }
    }
    Selection { covered, replace }
}

fn mark(
    index: &Index,
    address: &Address,
    option: &str,
    diagnostics: &mut Vec<Diagnostic>,
    found: &mut dyn FnMut(usize),
) {
    let numbers = index.matching(address);
    if numbers.is_empty() {
        let names = (0..index.len()).map(|number| match address.key() {
            Some(_) => index.address(number).as_str(),
            None => index.address(number).resource(),
        });
        let near = did_you_mean(address.as_str(), names);
        let help = near.map_or_else(
            || "`hactl state list` and `hactl plan` show the addresses there are".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        diagnostics.push(Diagnostic::error(format!("{option}: there is no resource {address}")).help(help));
    }
    numbers.for_each(found);
}

/// What needs an address according to state; an address without a key stands for all its instances.
fn needed_by<'a>(index: &Index, state: &'a State) -> BTreeMap<&'a str, Vec<usize>> {
    let mut needed_by: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (address, resource) in &state.resources {
        let Some(number) = index.number(address) else {
            continue;
        };
        for dependency in &resource.dependencies {
            needed_by.entry(dependency.on.as_str()).or_default().push(number);
        }
    }
    needed_by
}
