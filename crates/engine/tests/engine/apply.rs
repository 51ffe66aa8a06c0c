//! What apply does, in which order, and what it leaves in state and journal.

use std::collections::{BTreeMap, BTreeSet};

use hactl_core::Address;
use hactl_core::expr::Expr;
use hactl_core::plan::{Operation, OutputChange};
use hactl_core::resource::Dependency;
use hactl_core::state::State;
use hactl_core::value::Value;
use hactl_engine::{Applied, Reading};
use insta::assert_snapshot;

use crate::world::{World, address, known, plan};

fn empty() -> State {
    State::new("test", "lineage")
}

/// What came of an apply, in a few lines.
fn told(applied: &Applied) -> String {
    let resources: Vec<String> = applied
        .state
        .resources
        .iter()
        .map(|(address, resource)| match &resource.previous {
            Some(previous) => format!("{address} {} instead of {}", resource.generation, previous.generation),
            None => format!("{address} {}", resource.generation),
        })
        .collect();
    let unfinished: Vec<String> =
        applied.state.unfinished.iter().map(|(address, intent)| format!("{:?} {address}", intent.operation)).collect();
    let failures: Vec<String> = applied
        .failures
        .iter()
        .map(|failure| {
            let what = failure.address.as_ref().map(ToString::to_string).or(failure.node.clone()).unwrap_or_default();
            format!("{what}: {}", failure.error)
        })
        .collect();
    let skipped: Vec<&str> = applied.skipped.iter().map(Address::as_str).collect();
    format!(
        "state: {resources:?}\nunfinished: {unfinished:?}\nfailures: {failures:?}\nskipped: {skipped:?}\ninterrupted: {}",
        applied.interrupted
    )
}

#[test]
fn an_intent_is_written_before_its_step_begins_and_an_outcome_before_what_waited_for_it() {
    let plan = plan(
        r#"
        create box.a["n1"]
        create box.b["n2"]
        -                  after 0 1
        create box.c["n1"] after 2
        "#,
    );
    let (applied, world) = World::default().apply(&plan, empty(), 10);
    assert_snapshot!(world.log(), @r#"
    write node n1, node n2
    n1: claim 0..1 ["box.a[\"n1\"]", "box.c[\"n1\"]"]
    n2: claim 0..1 ["box.b[\"n2\"]"]
    write intent create box.a["n1"], intent create box.b["n2"]
    begin create box.a["n1"]
    begin create box.b["n2"]
    end create box.a["n1"]
    end create box.b["n2"]
    write done box.a["n1"], done box.b["n2"], intent create box.c["n1"]
    begin create box.c["n1"]
    end create box.c["n1"]
    write done box.c["n1"]
    n1: release []
    n2: release []
    "#);
    assert_snapshot!(told(&applied), @r#"
    state: ["box.a[\"n1\"] generation-1", "box.b[\"n2\"] generation-2", "box.c[\"n1\"] generation-3"]
    unfinished: []
    failures: []
    skipped: []
    interrupted: false
    "#);
    assert_eq!((applied.state.serial, applied.done.add), (1, 3));
}

#[test]
fn limits_hold_overall_and_per_host() {
    let many = |hosts: usize| -> String {
        (0..100).map(|number| format!("create box.b{number}[\"n{}\"]\n", number % hosts)).collect()
    };
    let (applied, world) = World::default().apply(&plan(&many(1)), empty(), 100);
    assert_eq!((world.most(""), world.most("n0"), applied.done.add), (32, 32, 100));
    let (_, world) = World::default().apply(&plan(&many(5)), empty(), 100);
    assert_eq!((world.most(""), world.most("n0")), (100, 20));
    let (applied, world) = World::default().apply(&plan(&many(5)), empty(), 7);
    assert_eq!((world.most(""), applied.done.add), (7, 100));
}

#[test]
fn an_error_stops_what_waits_for_it_and_nothing_else() {
    let plan = plan(
        r#"
        create box.a["n1"]
        create box.b["n1"] after 0
        create box.c["n1"] after 1
        create box.x["n1"]
        create box.y["n1"] after 3
        "#,
    );
    let world = World { fails: BTreeSet::from([r#"create box.a["n1"]"#]), ..World::default() };
    let (applied, world) = world.apply(&plan, empty(), 10);
    assert!(world.log().contains(r#"end create box.y["n1"]"#));
    assert_snapshot!(told(&applied), @r#"
    state: ["box.x[\"n1\"] generation-2", "box.y[\"n1\"] generation-3"]
    unfinished: ["Create box.a[\"n1\"]"]
    failures: ["box.a[\"n1\"]: it went wrong"]
    skipped: ["box.b[\"n1\"]", "box.c[\"n1\"]"]
    interrupted: false
    "#);
}

#[test]
fn what_waits_for_a_failure_runs_then_and_only_then() {
    let plan = plan(
        r#"
        swap    box.a["n1"]
        gate    box.a["n1"] after 0
        settle  box.a["n1"] after 1
        restore box.a["n1"] after 0! 1!
        swap    box.b["n1"]
        gate    box.b["n1"] after 4
        settle  box.b["n1"] after 5
        restore box.b["n1"] after 4! 5!
        "#,
    );
    let world = World { fails: BTreeSet::from([r#"gate box.a["n1"]"#]), ..World::default() };
    let (applied, world) = world.apply(&plan, empty(), 1);
    assert_snapshot!(world.log(), @r#"
    write node n1
    n1: claim 0..1 ["box.a[\"n1\"]", "box.b[\"n1\"]"]
    write intent swap box.a["n1"]
    begin swap box.a["n1"]
    end swap box.a["n1"]
    write done box.a["n1"], intent gate box.a["n1"]
    begin gate box.a["n1"]
    fail gate box.a["n1"]
    write failed box.a["n1"], intent restore box.a["n1"]
    begin restore box.a["n1"]
    end restore box.a["n1"]
    write done box.a["n1"], intent swap box.b["n1"]
    begin swap box.b["n1"]
    end swap box.b["n1"]
    write done box.b["n1"], intent gate box.b["n1"]
    begin gate box.b["n1"]
    end gate box.b["n1"]
    write done box.b["n1"], intent settle box.b["n1"]
    begin settle box.b["n1"]
    end settle box.b["n1"]
    write done box.b["n1"]
    n1: release []
    "#);
    assert_snapshot!(told(&applied), @r#"
    state: ["box.a[\"n1\"] generation-1", "box.b[\"n1\"] generation-2"]
    unfinished: []
    failures: ["box.a[\"n1\"]: it went wrong"]
    skipped: []
    interrupted: false
    "#);
}

#[test]
fn an_interrupt_brings_what_has_begun_to_its_end_and_begins_nothing_else() {
    let plan = plan(
        r#"
        delete box.a["n1"]
        create box.a["n1"] after 0
        gate   box.a["n1"] after 1
        create box.b["n1"] after 2
        create box.c["n1"]
        "#,
    );
    let world = World { interrupts: Some(r#"delete box.a["n1"]"#), ..World::default() };
    let (applied, world) = world.apply(&plan, empty(), 1);
    assert_snapshot!(world.log(), @r#"
    write node n1
    n1: claim 0..1 ["box.a[\"n1\"]", "box.b[\"n1\"]", "box.c[\"n1\"]"]
    write intent delete box.a["n1"]
    begin delete box.a["n1"]
    end delete box.a["n1"]
    write done box.a["n1"], intent create box.a["n1"]
    begin create box.a["n1"]
    end create box.a["n1"]
    write done box.a["n1"], intent gate box.a["n1"]
    begin gate box.a["n1"]
    end gate box.a["n1"]
    write done box.a["n1"]
    n1: release ["box.b[\"n1\"]", "box.c[\"n1\"]"]
    "#);
    assert_snapshot!(told(&applied), @r#"
    state: ["box.a[\"n1\"] generation-1"]
    unfinished: []
    failures: []
    skipped: ["box.b[\"n1\"]", "box.c[\"n1\"]"]
    interrupted: true
    "#);
}

#[test]
fn an_interrupt_at_the_last_step_interrupts_nothing() {
    let plan = plan(r#"create box.a["n1"]"#);
    let world = World { interrupts: Some(r#"create box.a["n1"]"#), ..World::default() };
    let (applied, _) = world.apply(&plan, empty(), 1);
    assert!(!applied.interrupted && applied.skipped.is_empty());
}

#[test]
fn a_step_whose_intent_cannot_be_written_does_not_begin() {
    let plan = plan(
        r#"
        swap    box.a["n1"]
        restore box.a["n1"] after 0!
        create  box.b["n1"] after 0
        create  box.c["n1"] after 0!
        "#,
    );
    for (full_at, unfinished) in [(1, None), (2, None), (3, Some(Operation::Swap))] {
        let fails = BTreeSet::from([r#"swap box.a["n1"]"#]);
        let world = World { fails, full_at: Some(full_at), ..World::default() };
        let (applied, world) = world.apply(&plan, empty(), 10);
        let log = world.log();
        let after = log.split_once("write fails").unwrap().1;
        assert!(!after.contains("begin"), "{log}");
        // An intent that was not written must not hide what was.
        let left = applied.state.unfinished.values().next().map(|intent| intent.operation);
        assert_eq!(left, unfinished, "{log}");
        let told = &applied.failures.last().unwrap().error;
        assert_eq!(
            (told.summary.as_str(), told.help.as_deref()),
            ("the journal cannot be written: disk full", Some("free some space"))
        );
    }
}

#[test]
fn a_node_that_does_not_answer_stops_an_apply_before_its_first_step() {
    let plan = plan("create box.a[\"n1\"]\ncreate box.a[\"n2\"]");
    let world = World { down: BTreeSet::from(["n2"]), ..World::default() };
    let (applied, world) = world.apply(&plan, empty(), 10);
    assert_snapshot!(world.log(), @r#"
    write node n1, node n2
    n1: claim 0..1 ["box.a[\"n1\"]"]
    n1: release ["box.a[\"n1\"]"]
    "#);
    assert_snapshot!(told(&applied), @r#"
    state: []
    unfinished: []
    failures: ["n2: it does not answer: connection refused"]
    skipped: ["box.a[\"n1\"]", "box.a[\"n2\"]"]
    interrupted: false
    "#);
}

#[test]
fn what_a_node_records_and_state_does_not_hold_is_let_go_of() {
    let record = plan(r#"record box.kept["n1"]"#);
    let state = World::default().apply(&record, empty(), 1).0.state;
    let vacant = vec![address(r#"box.gone["n1"]"#), address(r#"box.kept["n1"]"#)];
    let readings = BTreeMap::from([("n1", Reading { vacant, ..Reading::default() })]);
    let (applied, world) = World { readings, ..World::default() }.apply(&plan(""), state, 1);
    assert_snapshot!(world.log(), @r#"
    n1: claim 1..2 []
    n1: release ["box.gone[\"n1\"]"]
    "#);
    assert!(applied.failures.is_empty());
}

#[test]
fn outputs_that_depend_on_what_is_made_are_saved() {
    let mut plan = plan(r#"create box.a["n1"]"#);
    let id = Expr::output(address(r#"box.a["n1"]"#), "id");
    let lost = Expr::output(address(r#"box.b["n1"]"#), "id");
    let output = |expr, before| OutputChange { before, after: Some(Value::deferred(expr, false)) };
    plan.outputs.insert("id".to_owned(), output(id, None));
    plan.outputs.insert("lost".to_owned(), output(lost, Some(Value::from("as it was"))));
    plan.outputs.insert("gone".to_owned(), OutputChange { before: Some(Value::from("x")), after: None });
    let (applied, _) = World::default().apply(&plan, empty(), 1);
    let outputs: Vec<_> = applied.state.outputs.into_iter().collect();
    let expected = [("id", "id of generation-1"), ("lost", "as it was")];
    assert_eq!(outputs, expected.map(|(name, value)| (name.to_owned(), Value::from(value))));
}

#[test]
fn who_still_uses_what_changes_is_marked_to_be_told() {
    let plan = plan(
        r#"
        swap   box.former["n1"]
        update box.page["n1"] after 0
        "#,
    );
    let mut state = empty();
    let uses =
        [("all", "box.page"), ("one", r#"box.page["n1"]"#), ("other", r#"box.page["n2"]"#), ("former", "box.page")];
    for (name, on) in uses {
        let user = Address::new("box", name, Some("n1"));
        let mut resource = known(&user, "old", None);
        resource.dependencies.push(Dependency { notify: true, ..Dependency::on(address(on)) });
        state.resources.insert(user, resource);
    }
    let (applied, world) = World::default().apply(&plan, state, 1);
    assert!(world.log().contains(r#"notify [box.one["n1"], box.all["n1"]]"#), "{}", world.log());
    let told = applied.state.resources.iter().filter(|(_, resource)| resource.notified);
    assert_eq!(told.map(|(address, _)| address.name()).collect::<Vec<_>>(), ["all", "one"]);
}
