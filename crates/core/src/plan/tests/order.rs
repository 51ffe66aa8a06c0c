//! The steps, and what they wait for.

use super::*;

#[test]
fn what_is_needed_comes_first() {
    let world = World::new();
    let config = "
        box.a@n1 image=1 >box.b@n1
        box.b@n1 image=1 >page.c@n1 +gated
        page.c@n1 path=/c";
    assert_snapshot!(world.table(config), @r#"
    create box.a["n1"] because New
    create box.b["n1"] because New
    create page.c["n1"] because New
    0 create page.c["n1"]
    1 create box.b["n1"] after 0
    2 gate box.b["n1"] after 1
    3 create box.a["n1"] after 2
    "#);
}

#[test]
fn deletes_go_backwards() {
    let world = World::with(
        "
        box.a@n1 image=1 >box.b@n1
        box.b@n1 image=1 >page.c@n1
        page.c@n1 path=/c",
    );
    assert_snapshot!(world.table(""), @r#"
    delete box.a["n1"] because NotInConfig
    delete box.b["n1"] because NotInConfig
    delete page.c["n1"] because NotInConfig
    0 delete box.a["n1"]
    1 delete box.b["n1"] after 0
    2 delete page.c["n1"] after 1
    "#);
}

#[test]
fn what_stays_lets_go_before_a_delete() {
    let world = World::with(
        "
        net.old@n1 x=1
        box.a@n1 image=1 >net.old@n1",
    );
    assert_snapshot!(world.table("box.a@n1 image=2"), @r#"
    replace box.a["n1"] [image!] because ConfigChanged, CannotUpdate
    delete net.old["n1"] because NotInConfig
    0 swap box.a["n1"]
    1 settle box.a["n1"] after 0
    2 restore box.a["n1"] after 0(failure)
    3 delete net.old["n1"] after 1
    "#);
}

#[test]
fn a_renamed_resource_takes_over_a_port() {
    let world = World::with("box.old@n1 image=1 port=80");
    assert_snapshot!(world.table("box.new@n1 image=1 port=80"), @r#"
    create box.new["n1"] because New
    delete box.old["n1"] because NotInConfig
    0 delete box.old["n1"]
    1 create box.new["n1"] after 0
    "#);
}

#[test]
fn two_that_swap_ports_are_deleted_first() {
    let world = World::with(
        "
        box.a@n1 port=80
        box.b@n1 port=81",
    );
    let config = "
        box.a@n1 port=81
        box.b@n1 port=80";
    assert_snapshot!(world.table(config), @r#"
    replace box.a["n1"] [port!] because ConfigChanged, CannotUpdate
    replace box.b["n1"] [port!] because ConfigChanged, CannotUpdate
    0 delete box.a["n1"]
    1 delete box.b["n1"]
    2 create box.a["n1"] after 0 1
    3 create box.b["n1"] after 0 1
    "#);
}

#[test]
fn a_port_is_freed_by_a_swap() {
    let world = World::with("box.a@n1 port=80");
    let config = "
        box.a@n1 port=81
        box.b@n1 port=80";
    assert_snapshot!(world.table(config), @r#"
    replace box.a["n1"] [port!] because ConfigChanged, CannotUpdate
    create box.b["n1"] because New
    0 swap box.a["n1"]
    1 settle box.a["n1"] after 0
    2 restore box.a["n1"] after 0(failure)
    3 create box.b["n1"] after 1
    "#);
}

#[test]
fn a_name_given_up_in_place_is_free() {
    let world = World::with("box.a@n1 name=x +gated");
    let config = "
        box.a@n1 name=y +gated
        box.b@n1 name=x";
    assert_snapshot!(world.table(config), @r#"
    update box.a["n1"] [name] because ConfigChanged
    create box.b["n1"] because New
    0 update box.a["n1"]
    1 gate box.a["n1"] after 0
    2 create box.b["n1"] after 1
    "#);
}

#[test]
fn what_is_bound_goes_before_and_comes_after() {
    let world = World::with(
        "
        net.lan@n1 range=1
        box.web@n1 image=1 >net.lan@n1~",
    );
    let config = "
        net.lan@n1 range=2
        box.web@n1 image=1 >net.lan@n1~";
    assert_snapshot!(world.table(config), @r#"
    replace box.web["n1"] because DependencyReplaced(net.lan["n1"])
    replace net.lan["n1"] [range!] because ConfigChanged, CannotUpdate
    0 delete box.web["n1"]
    1 delete net.lan["n1"] after 0
    2 create net.lan["n1"] after 1
    3 create box.web["n1"] after 0 2
    "#);
}

#[test]
fn what_is_bound_to_what_is_missing_is_made_anew() {
    let world = World::with(
        "
        net.lan@n1 range=1
        box.web@n1 image=1 >net.lan@n1~",
    )
    .remove("net.lan@n1");
    let config = "
        net.lan@n1 range=1
        box.web@n1 image=1 >net.lan@n1~";
    assert_snapshot!(world.table(config), @r#"
    replace box.web["n1"] because DependencyReplaced(net.lan["n1"])
    create net.lan["n1"] because Missing
    0 delete box.web["n1"]
    1 create net.lan["n1"]
    2 create box.web["n1"] after 0 1
    "#);
}

#[test]
fn a_rollout_goes_in_waves() {
    let world = World::with(
        "
        box.web@n1 image=1
        box.web@n2 image=1
        box.web@n3 image=1",
    );
    let config = "
        box.web@n1 image=2 +gated +rollout:2
        box.web@n2 image=2 +gated +rollout:2
        box.web@n3 image=2 +gated +rollout:2";
    assert_snapshot!(world.table(config), @r#"
    replace box.web["n1"] [image!] wave 0 because ConfigChanged, CannotUpdate
    replace box.web["n2"] [image!] wave 0 because ConfigChanged, CannotUpdate
    replace box.web["n3"] [image!] wave 1 because ConfigChanged, CannotUpdate
    0 swap box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)
    4 swap box.web["n2"]
    5 gate box.web["n2"] after 4
    6 settle box.web["n2"] after 5
    7 restore box.web["n2"] after 4(failure) 5(failure)
    8 barrier  after 2 6
    9 swap box.web["n3"] after 8
    10 gate box.web["n3"] after 9
    11 settle box.web["n3"] after 10
    12 restore box.web["n3"] after 9(failure) 10(failure)
    "#);
}

#[test]
fn all_instances_are_awaited_through_one_barrier() {
    let world = World::new();
    let config = "
        page.site@n1 path=/a
        page.site@n2 path=/a
        box.web@n1 image=1 >page.site
        box.web@n2 image=1 >page.site";
    assert_snapshot!(world.table(config), @r#"
    create box.web["n1"] because New
    create box.web["n2"] because New
    create page.site["n1"] because New
    create page.site["n2"] because New
    0 create page.site["n1"]
    1 create page.site["n2"]
    2 barrier  after 0 1
    3 create box.web["n1"] after 2
    4 create box.web["n2"] after 2
    "#);
}

#[test]
fn circles_are_named() {
    let world = World::new();
    let config = "
        box.a@n1 x=1 >box.b@n1
        box.b@n1 x=1 >box.c@n1
        box.c@n1 x=1 >box.a@n1
        box.d@n1 x=1 >box.a@n1";
    assert_snapshot!(world.table(config), @r#"
    resources depend on each other in a circle
      each of these comes before the next: box.a["n1"] -> box.c["n1"] -> box.b["n1"] -> box.a["n1"]
      take one of the references or `dependsOn` entries out
    "#);
}

#[test]
fn a_circle_through_all_instances_is_named() {
    let world = World::new();
    let config = "
        box.a@n1 x=1 >box.b
        box.b@n1 x=1
        box.b@n2 x=1 >box.a@n1";
    assert_snapshot!(world.table(config), @r#"
    resources depend on each other in a circle
      each of these comes before the next: box.a["n1"] -> box.b["n2"] -> box.a["n1"]
      take one of the references or `dependsOn` entries out
    "#);
}

#[test]
fn two_that_want_one_port_clash() {
    let world = World::new();
    let config = "
        box.a@n1 port=80
        box.b@n1 port=80
        box.c@n2 port=80";
    assert_snapshot!(world.table(config), @r#"
    box.a["n1"] and box.b["n1"] both want port 80 on n1
      give one of them another, or other nodes
    "#);
}
