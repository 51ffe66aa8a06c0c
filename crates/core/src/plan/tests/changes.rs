//! What is done to one resource, and why.

use super::*;

#[test]
fn what_is_new_is_created() {
    let world = World::new();
    assert_snapshot!(world.table("box.web@n1 image=1 port=80 +gated"), @r#"
    create box.web["n1"] because New
    0 create box.web["n1"]
    1 gate box.web["n1"] after 0
    "#);
}

#[test]
fn nothing_to_do() {
    let world = World::with(
        "
        box.web@n1 image=1
        page.site@n1 path=/a content=x",
    );
    let config = "
        page.site@n1 path=/a content=x
        box.web@n1 image=1";
    assert_snapshot!(world.table(config), @"nothing to do");
}

#[test]
fn in_place_or_by_replacement() {
    let world = World::with(
        "
        box.web@n1 image=1 cpu=1
        page.site@n1 path=/a content=x
        page.home@n1 path=/b content=x",
    );
    let config = "
        box.web@n1 image=2 cpu=2
        page.site@n1 path=/a content=y
        page.home@n1 path=/c content=y";
    assert_snapshot!(world.table(config), @r#"
    replace box.web["n1"] [cpu, image!] because ConfigChanged, CannotUpdate
    replace page.home["n1"] [content, path!] because ConfigChanged, CannotUpdate
    update page.site["n1"] [content] because ConfigChanged
    0 swap box.web["n1"]
    1 settle box.web["n1"] after 0
    2 restore box.web["n1"] after 0(failure)
    3 delete page.home["n1"]
    4 create page.home["n1"] after 3
    5 update page.site["n1"]
    "#);
}

#[test]
fn only_what_can_change_in_place() {
    let world = World::with("box.web@n1 image=1 cpu=1 +gated");
    assert_snapshot!(world.table("box.web@n1 image=1 cpu=2 +gated"), @r#"
    update box.web["n1"] [cpu] because ConfigChanged
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    "#);
}

#[test]
fn drift_and_config_are_told_apart() {
    let world = World::with("box.web@n1 image=1 cpu=1").drift("box.web@n1", "image", "9");
    assert_snapshot!(world.table("box.web@n1 image=1 cpu=2"), @r#"
    replace box.web["n1"] [cpu, image! drifted] because Drifted, ConfigChanged, CannotUpdate
    0 swap box.web["n1"]
    1 settle box.web["n1"] after 0
    2 restore box.web["n1"] after 0(failure)
    "#);
}

#[test]
fn what_is_missing_is_created_again() {
    let world = World::with("box.web@n1 image=1 +protect").remove("box.web@n1");
    assert_snapshot!(world.table("box.web@n1 image=1 +protect"), @r#"
    create box.web["n1"] because Missing
    0 create box.web["n1"]
    "#);
}

#[test]
fn foreign_things_are_in_the_way() {
    let world = World::new().foreign("box.web@n1");
    assert_snapshot!(world.table("box.web@n1 image=1"), @r#"
    box.web["n1"]: a box of that name is there already and not managed by this stack
      `adopt: true` takes its place; or choose another name, or remove what is there if nothing needs it; if it was made from here and the state was lost, `hactl state recover` rebuilds that
    "#);
}

#[test]
fn foreign_things_are_in_the_way_of_what_state_knows() {
    let world = World::with("box.web@n1 image=1").foreign("box.web@n1");
    assert_snapshot!(world.table("box.web@n1 image=1"), @r#"
    box.web["n1"]: a box of that name is there already and not managed by this stack
      `adopt: true` takes its place; or choose another name, or remove what is there if nothing needs it; if it was made from here and the state was lost, `hactl state recover` rebuilds that
    "#);
}

#[test]
fn foreign_things_are_adopted_where_asked() {
    let world = World::new().foreign("box.web@n1");
    assert_snapshot!(world.table("box.web@n1 image=1 +adopt"), @r#"
    create box.web["n1"] because New
    0 create box.web["n1"]
    "#);
}

#[test]
fn foreign_things_are_not_deleted() {
    let world = World::with("box.web@n1 image=1").foreign("box.web@n1");
    assert_snapshot!(world.table(""), @r#"
    forget box.web["n1"] because Missing
    0 forget box.web["n1"]
    "#);
}

#[test]
fn changes_are_ignored_where_asked() {
    let world = World::with("box.web@n1 image=1 cpu=1 +ignore:cpu").drift("box.web@n1", "cpu", "4");
    assert_snapshot!(world.table("box.web@n1 image=1 cpu=2 +ignore:cpu"), @r#"
    noop box.web["n1"] (record)
    0 record box.web["n1"]
    "#);
}

#[test]
fn protected_resources_are_not_replaced() {
    let world = World::with("box.web@n1 image=1 +protect");
    assert_snapshot!(world.table("box.web@n1 image=2 +protect"), @r#"
    box.web["n1"] is protected and would be replaced
      it was applied with `protect: true`, which state remembers
      set `protect: false` on it and apply that first, if you mean it
    "#);
}

#[test]
fn protection_outlives_its_lines_in_the_config() {
    let world = World::with("box.web@n1 image=1 +protect");
    assert_snapshot!(world.table(""), @r#"
    box.web["n1"] is protected and would be destroyed
      it was applied with `protect: true`, which state remembers
      set `protect: false` on it and apply that first, if you mean it
    "#);
}

#[test]
fn protection_is_taken_off_by_an_apply() {
    let world = World::with("box.web@n1 image=1 +protect");
    assert_snapshot!(world.table("box.web@n1 image=1"), @r#"
    noop box.web["n1"] (record)
    0 record box.web["n1"]
    "#);
}

#[test]
fn what_a_change_is_told_to() {
    let world = World::with(
        "
        page.site@n1 path=/a content=x
        box.web@n1 image=1 >page.site@n1!
        box.api@n1 image=1 >page.site@n1",
    );
    let config = "
        page.site@n1 path=/a content=y
        box.web@n1 image=1 >page.site@n1!
        box.api@n1 image=1 >page.site@n1";
    assert_snapshot!(world.table(config), @r#"
    update box.web["n1"] because DependencyChanged(page.site["n1"])
    update page.site["n1"] [content] because ConfigChanged
    0 update page.site["n1"]
    1 update box.web["n1"] after 0
    "#);
}

#[test]
fn what_was_not_told_yet() {
    let mut world = World::with("page.site@n1 path=/a content=x\n box.web@n1 image=1 >page.site@n1!");
    let plan = world.plan(&desired("page.site@n1 path=/a content=y\n box.web@n1 image=1 >page.site@n1!")).unwrap();
    world.apply(&plan, &mut |number, _| if number == 1 { Fate::Cut(true) } else { Fate::Done });
    let config = "
        page.site@n1 path=/a content=y
        box.web@n1 image=1 >page.site@n1!";
    assert_snapshot!(world.table(config), @r#"
    update box.web["n1"] because NotYetNotified
    0 update box.web["n1"]
    "#);
}

#[test]
fn outputs_are_unknown_while_their_source_is_replaced() {
    let world = World::with(
        "
        box.db@n1 image=1
        box.web@n1 image=1 db=$box.db@n1.id
        output db=$box.db@n1.id
        output web=$box.web@n1.id
        output old=1",
    );
    let config = "
        box.db@n1 image=2
        box.web@n1 image=1 db=$box.db@n1.id >box.db@n1
        output db=$box.db@n1.id
        output web=1
        output new=2";
    assert_snapshot!(world.table(config), @r#"
    replace box.db["n1"] [image!] because ConfigChanged, CannotUpdate
    replace box.web["n1"] [db!] because DependencyRemade(box.db["n1"]), CannotUpdate
    output db: "id2" -> (known after apply)
    output new: - -> 2
    output old: 1 -> -
    output web: "id4" -> 1
    0 swap box.db["n1"]
    1 settle box.db["n1"] after 0
    2 restore box.db["n1"] after 0(failure)
    3 swap box.web["n1"] after 1
    4 settle box.web["n1"] after 3
    5 restore box.web["n1"] after 3(failure)
    "#);
}

#[test]
fn outputs_stay_while_their_source_is_updated() {
    let world = World::with(
        "
        box.db@n1 image=1 cpu=1
        box.web@n1 image=1 db=$box.db@n1.id >box.db@n1
        output db=$box.db@n1.id",
    );
    let config = "
        box.db@n1 image=1 cpu=2
        box.web@n1 image=1 db=$box.db@n1.id >box.db@n1
        output db=$box.db@n1.id";
    assert_snapshot!(world.table(config), @r#"
    update box.db["n1"] [cpu] because ConfigChanged
    0 update box.db["n1"]
    "#);
}

#[test]
fn what_its_place_refuses_to_change_forces_a_replacement() {
    let world = World::with("object.site@cluster a=1 b=1").fixed("object.site@cluster", "a");
    assert_snapshot!(world.table("object.site@cluster a=1 b=2"), @r#"
    update object.site["cluster"] [b] because ConfigChanged
    0 update object.site["cluster"]
    "#);
    let world = World::with("object.site@cluster a=1 b=1").fixed("object.site@cluster", "a");
    assert_snapshot!(world.table("object.site@cluster a=2 b=2"), @r#"
    replace object.site["cluster"] [a!, b] because ConfigChanged, CannotUpdate
    0 delete object.site["cluster"]
    1 create object.site["cluster"] after 0
    "#);
}
