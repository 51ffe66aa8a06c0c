//! What is there already and not in state.

use super::text::address;
use super::*;

/// Plans, applies and plans again; what was found is seen like anything else then.
fn adopted(mut world: World, config: &str) -> String {
    let first = world.table(config);
    let plan = world.plan(&desired(config)).unwrap();
    world.seen.clear();
    assert!(world.apply(&plan, &mut |_, _| Fate::Done));
    assert_eq!(world.table(config), "nothing to do");
    first
}

#[test]
fn what_is_equal_is_only_recorded() {
    let world = World::new().found("box.web@n1 image=1", false);
    assert_snapshot!(adopted(world, "box.web@n1 image=1 +adopt +gated +protect"), @r#"
    noop box.web["n1"] (adopts id-there)
    0 adopt box.web["n1"]
    "#);
}

#[test]
fn what_differs_is_recorded_as_it_is_and_changed_then() {
    let world = || World::new().found("box.web@n1 image=1 cpu=1", false);
    assert_snapshot!(adopted(world(), "box.web@n1 image=1 cpu=2 +adopt +gated"), @r#"
    update box.web["n1"] (adopts id-there) [cpu] because Differs
    0 adopt box.web["n1"]
    1 update box.web["n1"] after 0
    2 gate box.web["n1"] after 1
    "#);
    assert_snapshot!(adopted(world(), "box.web@n1 image=2 cpu=1 +adopt +gated +protect"), @r#"
    replace box.web["n1"] (adopts id-there) [image!] because Differs, CannotUpdate
    0 adopt box.web["n1"]
    1 swap box.web["n1"] after 0
    2 gate box.web["n1"] after 1
    3 settle box.web["n1"] after 2
    4 restore box.web["n1"] after 1(failure) 2(failure)
    "#);
}

#[test]
fn what_cannot_be_kept_beside_the_new_one_is_recorded_first_as_well() {
    let world = World::new().found("net.front@n1 driver=x", false);
    assert_snapshot!(adopted(world, "net.front@n1 driver=y +adopt"), @r#"
    replace net.front["n1"] (adopts id-there) [driver!] because Differs, CannotUpdate
    0 adopt net.front["n1"]
    1 delete net.front["n1"] after 0
    2 create net.front["n1"] after 0 1
    "#);
}

#[test]
fn what_the_stack_made_itself_is_adopted_unasked() {
    let world = World::new().found("box.web@n1 image=1", true).found("box.db@n1 image=1", false);
    assert_snapshot!(world.table("box.web@n1 image=1"), @r#"
    noop box.web["n1"] (adopts id-there)
    0 adopt box.web["n1"]
    "#);
    assert_snapshot!(world.table("box.web@n1 image=1\nbox.db@n1 image=1"), @r#"
    box.db["n1"]: a box is there already and not managed by this stack
      `adopt: true` or `hactl import` takes it over; or choose another name, or remove what is there if nothing needs it; if it was made from here and the state was lost, `hactl state recover` rebuilds that
    "#);
}

#[test]
fn what_took_the_place_of_what_state_holds_is_adopted_where_asked() {
    let world = World::with("box.web@n1 image=1").found("box.web@n1 image=3", false);
    assert_snapshot!(adopted(world, "box.web@n1 image=3 +adopt"), @r#"
    noop box.web["n1"] (adopts id-there)
    0 adopt box.web["n1"]
    "#);
}

#[test]
fn outputs_of_what_is_adopted_are_known() {
    let world = World::new().found("box.web@n1 image=1", false);
    assert_snapshot!(adopted(world, "box.web@n1 image=1 +adopt\npage.site@n1 content=$box.web@n1.id >box.web@n1"), @r#"
    noop box.web["n1"] (adopts id-there)
    create page.site["n1"] because New
    0 adopt box.web["n1"]
    1 create page.site["n1"] after 0
    "#);
}

/// Whatever an adoption is cut short after, the next plan goes on from there.
#[test]
fn an_adoption_that_is_cut_short_goes_on() {
    let config = "box.web@n1 image=2 +adopt +gated";
    for cut in 0..5 {
        for effect in [false, true] {
            let mut world = World::new().found("box.web@n1 image=1", false);
            let plan = world.plan(&desired(config)).unwrap();
            let seen = world.seen.clone();
            world.seen.clear();
            world.apply(&plan, &mut |number, _| if number == cut { Fate::Cut(effect) } else { Fate::Done });
            if !world.state.resources.contains_key(&address("box.web@n1")) && world.state.unfinished.is_empty() {
                world.seen = seen;
            }
            for _ in 0..2 {
                let plan = world.plan(&desired(config)).unwrap_or_else(|wrong| panic!("cut {cut}: {wrong:?}"));
                world.seen.clear();
                assert!(world.apply(&plan, &mut |_, _| Fate::Done), "cut {cut}");
            }
            assert_eq!(world.table(config), "nothing to do", "cut {cut} effect {effect}");
        }
    }
}
