//! What can be asked for, and hosts that do not answer.

use super::text::address;
use super::*;

#[test]
fn a_target_brings_what_it_needs() {
    let world = World::new().options(Options { targets: vec![address("box.a@n1")], ..Options::default() });
    let config = "
        box.a@n1 image=1 >page.p
        page.p@n1 path=/a
        page.p@n2 path=/a
        box.b@n1 image=1
        output b=$box.b@n1.id";
    assert_snapshot!(world.table(config), @r#"
    create box.a["n1"] because New
    create page.p["n1"] because New
    create page.p["n2"] because New
    0 create page.p["n1"]
    1 create page.p["n2"]
    2 barrier  after 0 1
    3 create box.a["n1"] after 2
    "#);
}

#[test]
fn a_target_without_a_key_means_all_instances() {
    let world = World::new().options(Options { targets: vec![address("box.a")], ..Options::default() });
    let config = "
        box.a@n1 image=1
        box.a@n2 image=1
        box.a-b@n1 image=1";
    assert_snapshot!(world.table(config), @r#"
    create box.a["n1"] because New
    create box.a["n2"] because New
    0 create box.a["n1"]
    1 create box.a["n2"]
    "#);
}

#[test]
fn a_target_that_goes_brings_what_needs_it() {
    let world = World::with(
        "
        net.lan@n1 x=1
        box.a@n1 image=1 >net.lan@n1
        box.b@n1 image=1",
    )
    .options(Options { targets: vec![address("net.lan@n1")], ..Options::default() });
    let config = "
        box.a@n1 image=2
        box.b@n1 image=2";
    assert_snapshot!(world.table(config), @r#"
    replace box.a["n1"] [image!] because ConfigChanged, CannotUpdate
    delete net.lan["n1"] because NotInConfig
    0 swap box.a["n1"]
    1 settle box.a["n1"] after 0
    2 restore box.a["n1"] after 0(failure)
    3 delete net.lan["n1"] after 1
    "#);
}

#[test]
fn a_target_that_is_not_there() {
    let world = World::new().options(Options { targets: vec![address("box.wev@n1")], ..Options::default() });
    assert_snapshot!(world.table("box.web@n1 image=1"), @r#"
    --target: there is no resource box.wev["n1"]
      did you mean `box.web["n1"]`?
    "#);
}

#[test]
fn replaced_because_asked_for() {
    let world = World::with(
        "
        box.web@n1 image=1
        box.web@n2 image=1",
    )
    .options(Options { replace: vec![address("box.web")], ..Options::default() });
    let config = "
        box.web@n1 image=1
        box.web@n2 image=1";
    assert_snapshot!(world.table(config), @r#"
    replace box.web["n1"] because Requested
    replace box.web["n2"] because Requested
    0 swap box.web["n1"]
    1 settle box.web["n1"] after 0
    2 restore box.web["n1"] after 0(failure)
    3 swap box.web["n2"]
    4 settle box.web["n2"] after 3
    5 restore box.web["n2"] after 3(failure)
    "#);
}

#[test]
fn destroy_goes_backwards_and_keeps_volumes() {
    let world = World::with(
        "
        box.a@n1 image=1 >vol.v@n1
        vol.v@n1 label=1
        box.b@n1 image=1",
    )
    .options(Options { mode: Mode::Destroy, ..Options::default() });
    let config = "
        box.a@n1 image=1 >vol.v@n1
        vol.v@n1 label=1
        box.b@n1 image=1";
    assert_snapshot!(world.table(config), @r#"
    delete box.a["n1"] because Destroyed
    delete box.b["n1"] because Destroyed
    forget vol.v["n1"] because Destroyed, Kept
    0 delete box.a["n1"]
    1 delete box.b["n1"]
    2 forget vol.v["n1"] after 0
    "#);
}

#[test]
fn destroy_takes_volumes_where_asked() {
    let world = World::with(
        "
        box.a@n1 image=1 >vol.v@n1
        vol.v@n1 label=1
        box.b@n1 image=1",
    )
    .options(Options { mode: Mode::Destroy, remove_volumes: true, ..Options::default() });
    let config = "
        box.a@n1 image=1 >vol.v@n1
        vol.v@n1 label=1
        box.b@n1 image=1";
    assert_snapshot!(world.table(config), @r#"
    delete box.a["n1"] because Destroyed
    delete box.b["n1"] because Destroyed
    delete vol.v["n1"] because Destroyed
    0 delete box.a["n1"]
    1 delete box.b["n1"]
    2 delete vol.v["n1"] after 0
    "#);
}

#[test]
fn destroying_a_target_brings_what_needs_it() {
    let world = World::with(
        "
        box.a@n1 image=1 >vol.v@n1
        vol.v@n1 label=1
        box.b@n1 image=1",
    )
    .options(Options {
        mode: Mode::Destroy,
        remove_volumes: true,
        targets: vec![address("vol.v@n1")],
        ..Options::default()
    });
    let config = "
        box.a@n1 image=1 >vol.v@n1
        vol.v@n1 label=1
        box.b@n1 image=1";
    assert_snapshot!(world.table(config), @r#"
    delete box.a["n1"] because Destroyed
    delete vol.v["n1"] because Destroyed
    0 delete box.a["n1"]
    1 delete vol.v["n1"] after 0
    "#);
}

#[test]
fn destroy_refuses_what_is_protected() {
    let world = World::with("box.a@n1 image=1 +protect").options(Options { mode: Mode::Destroy, ..Options::default() });
    assert_snapshot!(world.table(""), @r#"
    box.a["n1"] is protected and would be destroyed
      it was applied with `protect: true`, which state remembers
      set `protect: false` on it and apply that first, if you mean it
    "#);
}

#[test]
fn refresh_only_brings_state_up_to_date() {
    let world = World::with(
        "
        box.a@n1 image=1 cpu=1 +protect
        box.b@n1 image=1",
    )
    .drift("box.a@n1", "cpu", "2")
    .remove("box.b@n1")
    .options(Options { mode: Mode::RefreshOnly, ..Options::default() });
    assert_snapshot!(world.table("box.a@n1 image=7"), @r#"
    noop box.a["n1"] (record)
    forget box.b["n1"] because Missing
    0 record box.a["n1"]
    1 forget box.b["n1"]
    "#);
}

#[test]
fn refresh_only_keeps_protection() {
    let mut world = World::with("box.a@n1 cpu=1 +protect").drift("box.a@n1", "cpu", "2");
    world.options.mode = Mode::RefreshOnly;
    let plan = world.plan(&Desired::default()).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Done);
    assert!(world.state.resources[&address("box.a@n1")].protect);
}

#[test]
fn what_is_on_a_silent_host_is_left_out() {
    let world = World::with("box.a@n1 image=1").unreachable("box.a@n1");
    let config = "
        box.a@n1 image=2
        box.b@n2 image=1 >box.a
        box.c@n2 image=1 >box.b@n2
        box.d@n2 image=1
        output a=$box.b@n2.id";
    assert_snapshot!(world.table(config), @r#"
    create box.d["n2"] because New
    left out box.a["n1"]
    left out box.b["n2"]
    left out box.c["n2"]
    0 create box.d["n2"]
    "#);
}

#[test]
fn what_a_silent_host_still_needs_stays() {
    let world = World::with(
        "
        net.lan@n1 x=1
        box.a@n2 image=1 >net.lan@n1
        box.b@n1 image=1",
    )
    .unreachable("box.a@n2");
    assert_snapshot!(world.table(""), @r#"
    delete box.b["n1"] because NotInConfig
    left out box.a["n2"]
    left out net.lan["n1"]
    0 delete box.b["n1"]
    "#);
}

#[test]
fn what_is_on_a_forgotten_node_is_forgotten() {
    let world = World::with(
        "
        vol.v@n1 label=1
        box.a@n1 image=1 >vol.v@n1 +protect
        box.a@n2 image=1",
    )
    .unreachable("box.a@n1")
    .unreachable("vol.v@n1")
    .options(Options { forget_nodes: vec!["n1".to_owned()], ..Options::default() });
    assert_snapshot!(world.table("box.a@n2 image=1"), @r#"
    forget box.a["n1"] because NodeForgotten
    forget vol.v["n1"] because NodeForgotten
    0 forget box.a["n1"]
    1 forget vol.v["n1"] after 0
    "#);
}

#[test]
fn what_waits_for_the_facts_of_a_silent_node_is_left_out() {
    let world = World::with("box.a@n2 image=1");
    let config = "
        box.a@n2 image=$node.facts@n1.cores
        box.b@n2 image=1 >box.c@n2
        box.c@n2 image=$node.facts@n1.cores
        output cores=$node.facts@n1.cores";
    assert_snapshot!(world.table(config), @r#"
    left out box.a["n2"]
    left out box.b["n2"]
    left out box.c["n2"]
    "#);
}

#[test]
fn a_place_that_is_still_to_be_made_is_not_silent() {
    let config = "
        box.server@n1 image=1
        object.site@cluster a=1 >box.server^
        object.other@cluster a=1 >box.server";
    let world = World::new().unreachable("object.site@cluster").unreachable("object.other@cluster");
    assert_snapshot!(world.table(config), @r#"
    create box.server["n1"] because New
    create object.site["cluster"] because New
    left out object.other["cluster"]
    0 create box.server["n1"]
    1 barrier  after 0
    2 create object.site["cluster"] after 1
    "#);
}

#[test]
fn a_place_that_is_made_and_silent_is_unreachable() {
    let config = "
        box.server@n1 image=1
        object.site@cluster a=1 >box.server^";
    let world = World::with(config).unreachable("object.site@cluster");
    assert_snapshot!(world.table(config), @r#"left out object.site["cluster"]"#);
}

#[test]
fn a_place_that_is_made_again_gets_its_resources_again() {
    let config = "
        box.server@n1 image=1
        object.site@cluster a=1 >box.server^";
    let world = World::with(config).remove("box.server@n1").unreachable("object.site@cluster");
    assert_snapshot!(world.table(config), @r#"
    create box.server["n1"] because Missing
    create object.site["cluster"] because Missing
    0 create box.server["n1"]
    1 barrier  after 0
    2 create object.site["cluster"] after 1
    "#);
}
