//! What is done only once everything that uses a resource is as it is wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::plan::{Action, Desired, Plan};

/// What is wanted, without what has to wait until its users are settled; none where nothing has to.
pub(super) fn without_waiting(desired: &Desired) -> Option<Desired> {
    let waits = desired.remakes.values().any(|remake| remake.once_settled);
    waits.then(|| {
        let mut without = desired.clone();
        without.remakes.retain(|_, remake| !remake.once_settled);
        without
    })
}

/// The resources whose turn has not come: a plan still does something to what uses them, or cannot tell.
pub(super) fn not_yet(desired: &Desired, plan: &Plan) -> BTreeSet<Address> {
    let mut users: BTreeMap<&str, Vec<&Address>> = BTreeMap::new();
    for resource in &desired.resources {
        for dependency in &resource.dependencies {
            users.entry(dependency.on.as_str()).or_default().push(&resource.address);
        }
    }
    let changing = plan.changes.iter().filter(|change| change.action != Action::NoOp).map(|change| &change.address);
    let unsettled: BTreeSet<&Address> = changing.chain(&plan.left_out).chain(&plan.uncompared).collect();
    let waiting = desired.remakes.iter().filter(|(_, remake)| remake.once_settled).map(|(address, _)| address);
    waiting.filter(|address| all_users(address, &users).any(|user| unsettled.contains(user))).cloned().collect()
}

/// Everything that uses a resource, directly or by something else.
fn all_users<'a>(of: &'a Address, users: &BTreeMap<&str, Vec<&'a Address>>) -> impl Iterator<Item = &'a Address> {
    let mut found: BTreeSet<&Address> = BTreeSet::new();
    let mut open = vec![of];
    while let Some(address) = open.pop() {
        // A dependency names one instance, or all instances of a resource.
        let names = [address.as_str(), address.resource()];
        let direct = names.into_iter().filter_map(|name| users.get(name)).flatten();
        for user in direct {
            if found.insert(*user) {
                open.push(*user);
            }
        }
    }
    found.into_iter()
}
