//! Ordering: a dependency graph over numbered vertices.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// A directed graph over the vertices `0..n`; an edge says that its source comes first.
#[derive(Debug, Default)]
pub struct Graph {
    after: Vec<Vec<u32>>,
}

impl Graph {
    /// A graph of `n` vertices without edges.
    pub fn new(n: usize) -> Self {
        Self { after: vec![Vec::new(); n] }
    }

    /// Adds a vertex and returns its number.
    pub fn add_vertex(&mut self) -> usize {
        self.after.push(Vec::new());
        self.after.len() - 1
    }

    /// Says that `first` comes before `then`.
    pub fn add_edge(&mut self, first: usize, then: usize) {
        self.after[first].push(then as u32);
    }

    /// The vertices that come right after one.
    pub fn successors(&self, vertex: usize) -> impl Iterator<Item = usize> + '_ {
        self.after[vertex].iter().map(|next| *next as usize)
    }

    /// All vertices, each after everything that comes before it; among those that are free to go, the smallest
    /// number first, so that the order does not depend on the order in which edges were added.
    ///
    /// # Errors
    /// The vertices of one cycle, in order, where there is one.
    pub fn order(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut waiting = vec![0u32; self.after.len()];
        for next in self.after.iter().flatten() {
            waiting[*next as usize] += 1;
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..self.after.len()).filter(|vertex| waiting[*vertex] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(self.after.len());
        while let Some(Reverse(vertex)) = ready.pop() {
            order.push(vertex);
            for next in self.successors(vertex) {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        if order.len() == self.after.len() { Ok(order) } else { Err(self.a_cycle()) }
    }

    /// The vertices that lie on a cycle, in order.
    pub fn cyclic(&self) -> Vec<usize> {
        let mut graph = DiGraph::<(), ()>::with_capacity(self.after.len(), 0);
        for _ in &self.after {
            graph.add_node(());
        }
        for (vertex, next) in self.after.iter().enumerate() {
            for next in next {
                graph.add_edge(NodeIndex::new(vertex), NodeIndex::new(*next as usize), ());
            }
        }
        let mut cyclic: Vec<usize> = kosaraju_scc(&graph)
            .into_iter()
            .filter(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
            .flatten()
            .map(NodeIndex::index)
            .collect();
        cyclic.sort_unstable();
        cyclic
    }

    /// A shortest cycle through the smallest vertex that lies on one.
    fn a_cycle(&self) -> Vec<usize> {
        let start = self.cyclic().first().copied().unwrap_or_default();
        let mut came_from = vec![None; self.after.len()];
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(vertex) = queue.pop_front() {
            for next in self.successors(vertex) {
                if next == start {
                    let mut cycle = vec![vertex];
                    while let Some(before) = cycle.last().and_then(|last| came_from[*last]) {
                        cycle.push(before);
                    }
                    cycle.reverse();
                    return cycle;
                }
                if came_from[next].is_none() {
                    came_from[next] = Some(vertex);
                    queue.push_back(next);
                }
            }
        }
        vec![start]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(n: usize, edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(n);
        for (first, then) in edges {
            graph.add_edge(*first, *then);
        }
        graph
    }

    #[test]
    fn smallest_first_among_the_free() {
        assert_eq!(graph(4, &[(3, 0), (2, 0)]).order(), Ok(vec![1, 2, 3, 0]));
    }

    #[test]
    fn a_cycle_is_named_in_order() {
        assert_eq!(graph(5, &[(0, 1), (1, 3), (3, 4), (4, 1), (2, 0)]).order(), Err(vec![1, 3, 4]));
        assert_eq!(graph(2, &[(1, 1)]).order(), Err(vec![1]));
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let edges: Vec<_> = (1..100_000).map(|vertex| (vertex - 1, vertex)).collect();
        assert!(graph(100_000, &edges).order().is_ok());
        let ring: Vec<_> = (0..100_000).map(|vertex| (vertex, (vertex + 1) % 100_000)).collect();
        assert_eq!(graph(100_000, &ring).order().unwrap_err().len(), 100_000);
    }
}
