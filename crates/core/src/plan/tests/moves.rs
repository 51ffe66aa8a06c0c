//! Resources that get another address, and those that are let go of.

use super::text::{address, table};
use super::world::{Fate, World};
use super::*;

const BEFORE: &str = "
    net.lan@n1 range=1
    page.p@n1 path=/a content=1
    box.a@n1 image=1 cpu=1 >net.lan@n1~ >page.p@n1!
    box.top@n1 image=1 >box.a >box.a@n1";

fn moved(before: &str, after: &str) -> String {
    match World::with(before).moved(after) {
        Ok(world) => {
            let was = |(from, to): (&Address, &Address)| format!("{from} is {to}\n");
            let moved: String = world.moved.resources.iter().map(was).collect();
            moved + &world.table(after)
        }
        Err(diagnostics) => table(&Err(diagnostics)),
    }
}

#[test]
fn a_move_alone_plans_nothing() {
    let after = "
        moved box.a box.b
        moved page.p page.q
        net.lan@n1 range=1
        page.q@n1 path=/a content=1
        box.b@n1 image=1 cpu=1 >net.lan@n1~ >page.q@n1!
        box.top@n1 image=1 >box.b >box.b@n1";
    assert_snapshot!(moved(BEFORE, after), @r#"
    box.a["n1"] is box.b["n1"]
    page.p["n1"] is page.q["n1"]
    nothing to do
    "#);
    let world = World::with(BEFORE).moved(after).unwrap();
    let plan = world.plan(&desired(after)).unwrap();
    assert!(plan.has_changes());
    assert_eq!(plan.counts(), Counts { moves: 2, ..Counts::default() });
}

#[test]
fn a_move_with_a_change_is_that_change() {
    let after = "
        moved box.a box.b
        net.lan@n1 range=1
        page.p@n1 path=/a content=1
        box.b@n1 image=1 cpu=2 >net.lan@n1~ >page.p@n1!
        box.top@n1 image=1 >box.b >box.b@n1";
    assert_snapshot!(moved(BEFORE, after), @r#"
    box.a["n1"] is box.b["n1"]
    update box.b["n1"] (was box.a["n1"]) [cpu] because ConfigChanged
    0 update box.b["n1"]
    "#);
}

#[test]
fn both_there_is_an_error() {
    let after = "
        moved box.a box.top
        net.lan@n1 range=1
        page.p@n1 path=/a content=1
        box.top@n1 image=1";
    assert_snapshot!(moved(BEFORE, after), @r#"
    box.a["n1"] cannot become box.top["n1"]: the state has both
      without the move the plan removes box.a["n1"]; or take one of the two out of the state and leave it where it is, as in `hactl state rm 'box.top["n1"]'`
    "#);
}

#[test]
fn what_is_removed_stays_where_it_is_with_what_it_cannot_do_without() {
    let before = "
        net.lan@n1 range=1
        vol.data@n1 label=1
        page.p@n1 path=/a content=1
        box.a@n1 image=1 cpu=1 >net.lan@n1~ >vol.data@n1~ >page.p@n1! +protect
        box.top@n1 image=1 >box.a";
    let after = "
        removed box.a
        page.p@n1 path=/a content=1
        box.top@n1 image=1";
    assert_snapshot!(World::with(before).table(after), @r#"
    forget box.a["n1"] because Removed
    noop box.top["n1"] (record)
    forget net.lan["n1"] because Removed
    forget vol.data["n1"] because Removed
    0 record box.top["n1"]
    1 forget net.lan["n1"]
    2 forget vol.data["n1"]
    3 barrier  after 0
    4 forget box.a["n1"] after 1 2 3
    "#);
    let world = World::with(before).options(Options { mode: Mode::Destroy, ..Options::default() });
    assert_snapshot!(world.table(after), @r#"
    forget box.a["n1"] because Removed
    delete box.top["n1"] because Destroyed
    forget net.lan["n1"] because Removed
    delete page.p["n1"] because Destroyed
    forget vol.data["n1"] because Removed
    0 delete box.top["n1"]
    1 forget net.lan["n1"]
    2 delete page.p["n1"]
    3 forget vol.data["n1"]
    4 barrier  after 0
    5 forget box.a["n1"] after 1 3 4
    "#);
    let world = World::with(before).options(Options { mode: Mode::RefreshOnly, ..Options::default() });
    assert_snapshot!(world.table(after), @"nothing to do");
}

#[test]
fn a_network_that_others_use_is_let_go_of_after_they_are_gone() {
    let before = "
        net.lan@n1 range=1
        box.b@n1 image=1 >net.lan@n1~
        box.a@n1 image=1 >net.lan@n1~ >box.b@n1";
    assert_snapshot!(World::with(before).table("removed box.a"), @r#"
    forget box.a["n1"] because Removed
    delete box.b["n1"] because NotInConfig
    forget net.lan["n1"] because Removed
    0 delete box.b["n1"]
    1 forget net.lan["n1"] after 0
    2 forget box.a["n1"] after 1
    "#);
    let world = World::with(before).options(Options { targets: vec![address("box.a")], ..Options::default() });
    assert_snapshot!(world.table("removed box.a"), @r#"
    forget box.a["n1"] because Removed
    forget net.lan["n1"] because Removed
    0 forget net.lan["n1"]
    1 forget box.a["n1"] after 0
    "#);
}

#[test]
fn what_is_let_go_of_is_never_left_without_what_it_needs() {
    let before = "
        net.lan@n1 range=1
        vol.data@n1 label=1
        box.a@n1 image=1 >net.lan@n1~ >vol.data@n1~";
    for cut in 0..6 {
        let mut world = World::with(before);
        let plan = world.plan(&desired("removed box.a")).unwrap();
        world.apply(&plan, &mut |number, _| if number < cut { Fate::Done } else { Fate::Cut(cut % 2 == 0) });
        let plan = world.plan(&desired("removed box.a")).unwrap();
        assert!(plan.changes.iter().all(|change| change.action == Action::Forget), "{cut}: {:?}", plan.changes);
        world.apply(&plan, &mut |_, _| Fate::Done);
        assert!(world.state.is_empty());
        assert_eq!(world.places.len(), 3);
    }
}

#[test]
fn what_is_removed_and_gone_or_out_of_sight() {
    let after = "removed box.a";
    assert_snapshot!(World::with("box.a@n1 image=1").remove("box.a@n1").table(after), @r#"
    forget box.a["n1"] because Missing
    0 forget box.a["n1"]
    "#);
    assert_snapshot!(World::with("box.a@n1 image=1").unreachable("box.a@n1").table(after), @r#"left out box.a["n1"]"#);
}

#[test]
fn a_step_that_was_cut_short_is_settled_under_the_new_address() {
    for effect in [true, false] {
        let mut world = World::with("box.a@n1 image=1");
        let plan = world.plan(&desired("box.a@n1 image=2")).unwrap();
        world.apply(&plan, &mut |_, _| Fate::Cut(effect));
        let after = "
            moved box.a box.b
            box.b@n1 image=2";
        let mut world = world.moved(after).unwrap();
        let plan = world.plan(&desired(after)).unwrap();
        assert!(world.apply(&plan, &mut |_, _| Fate::Done));
        assert_eq!(world.table(after), "nothing to do");
    }
}
