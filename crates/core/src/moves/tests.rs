//! What moves come to in small states.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::resource::Dependency;
use crate::state::ResourceState;
use crate::value::Value;

fn address(text: &str) -> Address {
    Address::parse(&text.replace('\'', "\"")).unwrap()
}

/// A state of these resources, on the node of their key, each with a dependency on the one before and on all of its like.
fn state(resources: &[&str]) -> State {
    let mut state = State::new("test", "lineage");
    let mut dependencies = Vec::new();
    for (number, text) in resources.iter().enumerate() {
        let address = address(text);
        let resource = ResourceState {
            node: address.key().filter(|key| !key.contains('/')).map(Into::into),
            spec: Arc::new(Value::from(number.to_string())),
            outputs: Map::new(),
            generation: format!("g{number}"),
            dependencies,
            protect: false,
            notified: false,
            unproven: false,
            lost: false,
            previous: None,
        };
        dependencies =
            vec![Dependency::on(address.clone()), Dependency::on(Address::new(address.kind(), address.name(), None))];
        dependencies.sort();
        dependencies.dedup();
        state.resources.insert(address, resource);
    }
    state
}

fn moves(texts: &[(&str, &str)]) -> Vec<Move> {
    texts.iter().map(|(from, to)| Move { from: address(from), to: address(to), span: None, to_span: None }).collect()
}

fn renamed(renames: &Renames) -> Vec<Renamed> {
    let one = |(from, to): (&Address, &Address)| Renamed { from: from.clone(), to: to.clone(), outputs: Map::new() };
    renames.iter().map(one).collect()
}

/// The addresses after moves, each with where it came from; or what is wrong.
fn after(resources: &[&str], texts: &[(&str, &str)]) -> String {
    let before = state(resources);
    match renames(&before, &moves(texts)) {
        Ok(renames) => {
            let mut after = before.clone();
            after.rename(&renamed(&renames));
            let line = |(address, resource): (&Address, &ResourceState)| {
                let spec = resource.spec.as_str().unwrap();
                let needs: Vec<&str> = resource.dependencies.iter().map(|on| on.on.as_str()).collect();
                format!("{spec} {address} needs {}\n", needs.join(" "))
            };
            after.resources.iter().map(line).collect()
        }
        Err(diagnostics) => {
            let line = |one: &Diagnostic| format!("{}\n  {}\n", one.summary, one.help.as_deref().unwrap_or_default());
            diagnostics.iter().map(line).collect()
        }
    }
}

#[test]
fn a_resource_moves_with_instances_and_parts_and_in_what_needs_it() {
    insta::assert_snapshot!(after(&["lb.a.file['n1']", "lb.a.box['n1']", "box.a['n1']", "page.p['n1']"], &[("lb.a", "lb.b"), ("box.a", "box.c")]), @r#"
    2 box.c["n1"] needs lb.b.box lb.b.box["n1"]
    1 lb.b.box["n1"] needs lb.b.file lb.b.file["n1"]
    0 lb.b.file["n1"] needs 
    3 page.p["n1"] needs box.c box.c["n1"]
    "#);
}

#[test]
fn chains_lead_to_their_end_and_an_instance_goes_its_own_way() {
    insta::assert_snapshot!(after(&["box.a['n1']", "box.a['n2']"], &[("box.b", "box.c"), ("box.a", "box.b"), ("box.a['n2']", "box.d['n2']")]), @r#"
    0 box.c["n1"] needs 
    1 box.d["n2"] needs box.c box.c["n1"]
    "#);
}

#[test]
fn what_is_not_there_is_nothing_to_do() {
    insta::assert_snapshot!(after(&["box.b['n1']"], &[("box.a", "box.b"), ("box.x['n1']", "box.y['n1']")]), @r#"0 box.b["n1"] needs"#);
}

#[test]
fn two_cannot_become_one() {
    insta::assert_snapshot!(after(&["box.a['n1']", "box.b['n1']", "box.c['n1']"], &[("box.a", "box.b")]), @r#"
    box.a["n1"] cannot become box.b["n1"]: the state has both
      without the move the plan removes box.a["n1"]; or take one of the two out of the state and leave it where it is, as in `hactl state rm 'box.b["n1"]'`
    "#);
    insta::assert_snapshot!(after(&["box.a['n1']", "box.b['n1']"], &[("box.a", "box.b"), ("box.b", "box.c")]), @r#"
    box.b["n1"] and box.a["n1"] cannot both become box.c["n1"]
      give each of them an address of its own
    "#);
}

#[test]
fn what_is_on_a_node_stays_there() {
    insta::assert_snapshot!(after(&["box.a['n1']"], &[("box.a['n1']", "box.a['n2']")]), @r#"
    box.a["n1"] cannot become box.a["n2"]: it lives on the node n1
      what is on a node stays there; without the move the plan makes it on the other node
    "#);
    insta::assert_snapshot!(after(&["manifest.a['Deployment/x/y']"], &[("manifest.a['Deployment/x/y']", "manifest.b['Deployment/x/y']")]), @r#"0 manifest.b["Deployment/x/y"] needs"#);
}

#[test]
fn a_circle_leads_nowhere() {
    insta::assert_snapshot!(after(&["box.a['n1']"], &[("box.a", "box.b"), ("box.b", "box.a"), ("box.x", "box.y")]), @r#"0 box.a["n1"] needs"#);
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

proptest! {
    /// Nothing is lost or doubled, whatever is said to move; and saying it again does nothing.
    #[test]
    fn a_rename_is_a_bijection(
        there in proptest::sample::subsequence(NAMES.to_vec(), 0..5),
        said in proptest::collection::vec((0..5_usize, 0..5_usize, 0..3_u8), 0..5),
    ) {
        let resources: Vec<String> =
            there.iter().flat_map(|name| [format!("box.{name}['n1']"), format!("box.{name}['n2']")]).collect();
        let before = state(&resources.iter().map(String::as_str).collect::<Vec<_>>());
        let text = |name: usize, key: u8| match key {
            0 => format!("box.{}", NAMES[name]),
            key => format!("box.{}['n{key}']", NAMES[name]),
        };
        let texts: Vec<(String, String)> =
            said.iter().map(|(from, to, key)| (text(*from, *key), text(*to, *key))).collect();
        let moves = moves(&texts.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect::<Vec<_>>());
        if let Ok(renames) = renames(&before, &moves) {
            let mut after = before.clone();
            after.rename(&renamed(&renames));
            let generations = |state: &State| {
                let mut all: Vec<String> = state.resources.values().map(|one| one.generation.clone()).collect();
                all.sort();
                all
            };
            prop_assert_eq!(generations(&before), generations(&after));
            prop_assert!(super::renames(&after, &moves).unwrap().is_empty());
            let back: Vec<Renamed> = renames
                .resources
                .iter()
                .map(|(from, to)| Renamed { from: to.clone(), to: from.clone(), outputs: Map::new() })
                .collect();
            after.rename(&back);
            prop_assert!(after.resources.keys().eq(before.resources.keys()));
        }
    }
}
