//! What refresh asks each node, and what it makes of silence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_core::Address;
use hactl_core::observed::{Foreign, Observed};
use hactl_core::plan::Operation;
use hactl_core::resolve::Secrets;
use hactl_core::resource::Resource;
use hactl_core::state::{Intent, State};
use hactl_core::value::Value;
use hactl_engine::{Reading, Refresh, refresh};
use insta::assert_snapshot;

use crate::world::{Everywhere, World, address, connection, known, runtime};

fn wanted(of: &Address) -> Resource {
    Resource {
        address: of.clone(),
        node: of.key().map(Into::into),
        spec: Arc::new(Value::from("spec")),
        dependencies: Vec::new(),
        protect: false,
        ignore_changes: Arc::new([]),
        adopt: false,
        rollout: None,
        gated: false,
        span: None,
    }
}

#[test]
fn each_node_is_asked_once_for_what_was_begun_what_is_known_and_what_is_wanted() {
    let [swapped, new, left, silent] =
        [r#"box.swapped["n1"]"#, r#"box.new["n1"]"#, r#"box.left["n2"]"#, r#"box.silent["n3"]"#].map(address);
    let mut state = State::new("test", "lineage");
    let older = known(&swapped, "older", None);
    state.resources.insert(swapped.clone(), known(&swapped, "old", Some(older)));
    state.resources.insert(left.clone(), known(&left, "left", None));
    let begun = Intent { operation: Operation::Swap, resource: Some(known(&swapped, "begun", None)) };
    state.begin(&swapped, begun);
    let desired = [&swapped, &new, &silent].map(wanted);
    let nodes = ["n1", "n2", "n3", "n4"].map(|name| (name.to_owned(), connection())).into();
    let observed = vec![Observed::Absent, Observed::Foreign(Foreign::new("a box"))];
    let readings = BTreeMap::from([
        ("n1", Reading { observed, ..Reading::default() }),
        ("n2", Reading { observed: vec![Observed::Absent], ..Reading::default() }),
    ]);
    let world = Arc::new(World { down: BTreeSet::from(["n3"]), readings, ..World::default() });
    let targets = Everywhere(world.clone());
    let work = Refresh {
        nodes: &nodes,
        cluster: None,
        state: &state,
        desired: &desired,
        removed: &[],
        secrets: &Secrets::default(),
    };
    let refreshed = runtime().block_on(refresh(&targets, &work, &|_| {}));
    assert_snapshot!(world.log(), @r#"
    n1: read box.new["n1"] [], wanted
    n1: read box.swapped["n1"] ["begun", "old", "older"], wanted
    n2: read box.left["n2"] ["left"]
    "#);
    assert_snapshot!(format!("{:#?}\n{:?}", refreshed.observed, refreshed.unreachable), @r#"
    {
        box.left["n2"]: Absent,
        box.new["n1"]: Absent,
        box.silent["n3"]: Unreachable(
            "connection refused",
        ),
        box.swapped["n1"]: Foreign(
            Foreign {
                what: "a box",
                id: "",
                own: false,
                found: None,
            },
        ),
    }
    {"n3": "connection refused"}
    "#);
    assert_eq!(refreshed.nodes.keys().collect::<Vec<_>>(), ["n1", "n2", "n4"]);
}
