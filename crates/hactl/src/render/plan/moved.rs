//! What gets another address.

use hactl_core::Address;
use hactl_core::moves::Renames;
use hactl_kinds::is_on_cluster;

use crate::render::plan::page::{Page, Tone, instances};

/// Writes the section; nothing where nothing moves.
pub(super) fn write(page: &mut Page, moved: &Renames) {
    if moved.resources.is_empty() {
        return;
    }
    page.gap();
    page.line(0, Tone::Heading, "Moved:");
    for line in moved_lines(moved) {
        page.line(2, Tone::Changed, line);
    }
}

/// What gets another address, a line each, instances of a resource together: `container.old on n1, n2 is now container.new`.
pub(crate) fn moved_lines(moved: &Renames) -> Vec<String> {
    let mut groups: Vec<(&str, &str, Vec<&Address>)> = Vec::new();
    for (from, to) in &moved.resources {
        let names = match from.key() == to.key() {
            true => (from.resource(), to.resource()),
            false => (from.as_str(), to.as_str()),
        };
        match groups.last_mut().filter(|group| (group.0, group.1) == names) {
            Some(group) => group.2.push(from),
            None => groups.push((names.0, names.1, vec![from])),
        }
    }
    let line = |(from, to, members): (&str, &str, Vec<&Address>)| match members.as_slice() {
        [one] if one.as_str() == from => format!("{from} is now {to}"),
        members => {
            let keys: Vec<_> = members.iter().map(|address| (address.key(), node(address))).collect();
            format!("{} is now {to}", instances(from, &keys))
        }
    };
    groups.into_iter().map(line).collect()
}

/// The node that a resource is on; none for what is on the cluster, whose keys are no nodes.
fn node(address: &Address) -> Option<&str> {
    if is_on_cluster(address) { None } else { address.key() }
}
