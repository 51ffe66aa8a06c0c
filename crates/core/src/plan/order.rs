//! Numbers for addresses, and the order in which resources are decided.

use indexmap::IndexMap;

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use crate::plan::Desired;
use crate::resource::Resource;
use crate::state::State;

/// Every address of the config and of state, what is unfinished included, numbered in order of address.
pub(super) struct Index {
    addresses: IndexMap<Address, Option<u32>>,
}

impl Index {
    pub(super) fn new(desired: &Desired, state: &State) -> Self {
        let mut all: Vec<(Address, Option<u32>)> = desired
            .resources
            .iter()
            .enumerate()
            .map(|(at, resource)| (resource.address.clone(), Some(at as u32)))
            .collect();
        all.extend(state.resources.keys().chain(state.unfinished.keys()).map(|address| (address.clone(), None)));
        // Of two entries for one address the one with a place in the config comes first and wins.
        all.sort_by(|(a, at), (b, bt)| a.cmp(b).then(at.is_none().cmp(&bt.is_none())));
        let mut addresses = IndexMap::with_capacity(all.len());
        for (address, at) in all {
            addresses.entry(address).or_insert(at);
        }
        Self { addresses }
    }

    pub(super) fn len(&self) -> usize {
        self.addresses.len()
    }

    pub(super) fn address(&self, number: usize) -> &Address {
        self.addresses
            .get_index(number)
            .map_or_else(|| unreachable!("numbers come from this index"), |(address, _)| address)
    }

    pub(super) fn number(&self, address: &Address) -> Option<usize> {
        self.addresses.get_index_of(address)
    }

    /// The resource the config wants under a number, if any.
    pub(super) fn desired<'a>(&self, number: usize, desired: &'a Desired) -> Option<&'a Resource> {
        let (_, at) = self.addresses.get_index(number)?;
        desired.resources.get((*at)? as usize)
    }

    /// The numbers of what an address means: one instance, or all instances of a resource.
    pub(super) fn matching(&self, address: &Address) -> std::ops::Range<usize> {
        if let Some(number) = self.number(address) {
            return number..number + 1;
        }
        if address.key().is_some() {
            return 0..0;
        }
        // Instances of one resource are neighbours: `kind.name[` is a common prefix.
        let prefix = format!("{address}[");
        let start = self.partition_point(|other| other.as_str() < prefix.as_str());
        let end = self.partition_point(|other| other.as_str() < prefix.as_str() || other.as_str().starts_with(&prefix));
        start..end
    }

    fn partition_point(&self, before: impl Fn(&Address) -> bool) -> usize {
        self.addresses.as_slice().partition_point(|address, _| before(address))
    }
}

/// The numbers of what the config wants, dependencies first.
pub(super) fn topological(index: &Index, desired: &Desired) -> Result<Vec<usize>, Diagnostic> {
    let mut graph = Graph::new(index.len());
    let mut barriers: IndexMap<&Address, usize> = IndexMap::new();
    for number in 0..index.len() {
        let Some(resource) = index.desired(number, desired) else {
            continue;
        };
        for dependency in &resource.dependencies {
            if let Some(first) = index.number(&dependency.on) {
                graph.add_edge(first, number);
                continue;
            }
            let barrier = *barriers.entry(&dependency.on).or_insert_with(|| {
                let barrier = graph.add_vertex();
                for first in index.matching(&dependency.on) {
                    graph.add_edge(first, barrier);
                }
                barrier
            });
            graph.add_edge(barrier, number);
        }
    }
    match graph.order() {
        Ok(order) => Ok(order.into_iter().filter(|vertex| *vertex < index.len()).collect()),
        Err(cycle) => Err(cycle_error(&cycle, index, desired)),
    }
}

fn cycle_error(cycle: &[usize], index: &Index, desired: &Desired) -> Diagnostic {
    let members: Vec<usize> = cycle.iter().copied().filter(|vertex| *vertex < index.len()).collect();
    let mut names: Vec<&str> = members.iter().map(|number| index.address(*number).as_str()).collect();
    names.extend(names.first().copied());
    let mut diagnostic = Diagnostic::error("resources depend on each other in a circle")
        .detail(format!("each of these comes before the next: {}", names.join(" -> ")))
        .help("take one of the references or `dependsOn` entries out");
    for number in members {
        if let Some(span) = index.desired(number, desired).and_then(|resource| resource.span) {
            diagnostic = diagnostic.label(span, format!("{} is part of it", index.address(number)));
        }
    }
    diagnostic
}
