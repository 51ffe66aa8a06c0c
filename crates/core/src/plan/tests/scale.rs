//! Sizes that must not be paid for twice.

use super::*;

/// 100 resources of 100 instances, each needing all instances of the one before.
#[test]
fn barriers_keep_the_edges_few() {
    let lines = (0..100).flat_map(|layer| {
        let needs = if layer > 0 { format!(">box.b{}", layer - 1) } else { String::new() };
        (0..100).map(move |node| format!("box.b{layer}@n{node} image=1 {needs}"))
    });
    let config: String = lines.collect::<Vec<_>>().join("\n");
    let plan = World::new().plan(&desired(&config)).unwrap();
    let edges: usize = plan.steps.iter().map(|step| step.after.len()).sum();
    assert_eq!((plan.steps.len(), edges), (10_099, 19_800));
}
