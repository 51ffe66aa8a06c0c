//! Runs that were cut short, and what the next plan makes of them.

use super::text::address;
use super::*;

/// Applies a config and cuts it short at the first step with this operation; then plans it again.
fn after_a_cut(before: &str, config: &str, operation: Operation, effect: bool) -> String {
    let mut world = World::with(before);
    let plan = world.plan(&desired(config)).unwrap();
    world.apply(&plan, &mut |_, task| if task.operation == operation { Fate::Cut(effect) } else { Fate::Done });
    let kept: Vec<&Operation> = world.state.unfinished.values().map(|intent| &intent.operation).collect();
    assert_eq!(kept, [&operation]);
    world.table(config)
}

/// Both ends of a cut: the effect was not there yet, and it was.
fn cut(before: &str, config: &str, operation: Operation) -> String {
    let [without, with] = [false, true].map(|effect| after_a_cut(before, config, operation, effect));
    format!("-- without effect\n{without}\n-- with effect\n{with}")
}

const ONE: &str = "box.web@n1 image=1 cpu=1 +gated";
const TWO: &str = "box.web@n1 image=2 cpu=1 +gated";

#[test]
fn create() {
    assert_snapshot!(cut("", ONE, Operation::Create), @r#"
    -- without effect
    create box.web["n1"] because New
    0 create box.web["n1"]
    1 gate box.web["n1"] after 0

    -- with effect
    update box.web["n1"] because Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    "#);
}

#[test]
fn create_of_what_carries_no_generation() {
    assert_snapshot!(cut("", "page.a@n1 path=/a content=x", Operation::Create), @r#"
    -- without effect
    create page.a["n1"] because New
    0 create page.a["n1"]

    -- with effect
    noop page.a["n1"] (record)
    0 record page.a["n1"]
    "#);
}

#[test]
fn update() {
    assert_snapshot!(cut(ONE, "box.web@n1 image=1 cpu=2 +gated", Operation::Update), @r#"
    -- without effect
    update box.web["n1"] [cpu] because ConfigChanged
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0

    -- with effect
    update box.web["n1"] because Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    "#);
}

#[test]
fn swap() {
    assert_snapshot!(cut(ONE, TWO, Operation::Swap), @r#"
    -- without effect
    replace box.web["n1"] [image!] because ConfigChanged, CannotUpdate
    0 swap box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)

    -- with effect
    update box.web["n1"] because Interrupted, Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)
    "#);
}

#[test]
fn gate() {
    assert_snapshot!(cut(ONE, TWO, Operation::Gate), @r#"
    -- without effect
    update box.web["n1"] because Interrupted, Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)

    -- with effect
    update box.web["n1"] because Interrupted, Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)
    "#);
}

#[test]
fn settle() {
    assert_snapshot!(cut(ONE, TWO, Operation::Settle), @r#"
    -- without effect
    update box.web["n1"] because Interrupted
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)

    -- with effect
    noop box.web["n1"] (record)
    0 record box.web["n1"]
    "#);
}

#[test]
fn delete() {
    assert_snapshot!(cut(ONE, "", Operation::Delete), @r#"
    -- without effect
    delete box.web["n1"] because NotInConfig
    0 delete box.web["n1"]

    -- with effect
    nothing to do
    "#);
}

#[test]
fn delete_of_a_replacement() {
    assert_snapshot!(cut("page.a@n1 path=/a", "page.a@n1 path=/b", Operation::Delete), @r#"
    -- without effect
    replace page.a["n1"] [path!] because ConfigChanged, CannotUpdate
    0 delete page.a["n1"]
    1 create page.a["n1"] after 0

    -- with effect
    create page.a["n1"] because New
    0 create page.a["n1"]
    "#);
}

#[test]
fn create_of_a_replacement() {
    assert_snapshot!(cut("page.a@n1 path=/a", "page.a@n1 path=/b", Operation::Create), @r#"
    -- without effect
    create page.a["n1"] because New
    0 create page.a["n1"]

    -- with effect
    noop page.a["n1"] (record)
    0 record page.a["n1"]
    "#);
}

#[test]
fn forget() {
    assert_snapshot!(cut("vol.v@n1 label=1", "", Operation::Forget), @r#"
    -- without effect
    forget vol.v["n1"] because NotInConfig, Kept
    0 forget vol.v["n1"]

    -- with effect
    forget vol.v["n1"] because NotInConfig, Kept
    0 forget vol.v["n1"]
    "#);
}

#[test]
fn record() {
    assert_snapshot!(cut(ONE, "box.web@n1 image=1 cpu=1 +gated +protect", Operation::Record), @r#"
    -- without effect
    noop box.web["n1"] (record)
    0 record box.web["n1"]

    -- with effect
    noop box.web["n1"] (record)
    0 record box.web["n1"]
    "#);
}

#[test]
fn restore() {
    let restored = |effect| {
        let mut world = World::with(ONE);
        let plan = world.plan(&desired(TWO)).unwrap();
        world.apply(&plan, &mut |_, task| match task.operation {
            Operation::Gate => Fate::Fails(true),
            Operation::Restore => Fate::Cut(effect),
            _ => Fate::Done,
        });
        world.table(TWO)
    };
    assert_snapshot!(restored(false), @r#"
    update box.web["n1"] because Interrupted, Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)
    "#);
    assert_snapshot!(restored(true), @r#"
    replace box.web["n1"] [image!] because ConfigChanged, CannotUpdate
    0 swap box.web["n1"]
    1 gate box.web["n1"] after 0
    2 settle box.web["n1"] after 1
    3 restore box.web["n1"] after 0(failure) 1(failure)
    "#);
}

#[test]
fn a_failed_swap_is_rolled_back() {
    let mut world = World::with(ONE);
    let plan = world.plan(&desired(TWO)).unwrap();
    let gate_fails = |_, task: Task| if task.operation == Operation::Gate { Fate::Fails(true) } else { Fate::Done };
    assert!(!world.apply(&plan, &mut { gate_fails }));
    // What was put back has to prove healthy again.
    assert_snapshot!(world.table(ONE), @r#"
    update box.web["n1"] because Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    "#);
}

#[test]
fn a_removal_after_an_interrupted_swap() {
    let mut world = World::with(ONE);
    let plan = world.plan(&desired(TWO)).unwrap();
    world.apply(&plan, &mut |_, task| if task.operation == Operation::Gate { Fate::Cut(true) } else { Fate::Done });
    assert_snapshot!(world.table(""), @r#"
    delete box.web["n1"] because NotInConfig
    0 delete box.web["n1"]
    "#);
}

#[test]
fn what_did_not_prove_healthy_is_tried_again() {
    let mut world = World::new();
    let plan = world.plan(&desired(ONE)).unwrap();
    world.apply(&plan, &mut |_, task| if task.operation == Operation::Gate { Fate::Fails(true) } else { Fate::Done });
    assert_snapshot!(world.table(ONE), @r#"
    update box.web["n1"] because Unproven
    0 update box.web["n1"]
    1 gate box.web["n1"] after 0
    "#);
}

#[test]
fn what_was_put_back_by_hand() {
    let mut world = World::with(ONE);
    let plan = world.plan(&desired(TWO)).unwrap();
    world
        .apply(&plan, &mut |_, task| if task.operation == Operation::Settle { Fate::Fails(false) } else { Fate::Done });
    world.state.unfinished.clear();
    let place = world.places.get_mut(&address("box.web@n1")).unwrap();
    place.current = place.aside.take();
    assert_snapshot!(world.table(ONE), @r#"
    noop box.web["n1"] (record)
    0 record box.web["n1"]
    "#);
}

#[test]
fn what_cannot_be_seen_stays_unfinished() {
    let mut world = World::with(ONE);
    let plan = world.plan(&desired(TWO)).unwrap();
    world.apply(&plan, &mut |_, task| if task.operation == Operation::Swap { Fate::Cut(true) } else { Fate::Done });
    let world = world.unreachable("box.web@n1");
    assert_eq!(recover(&world.state, &world.observe()), world.state);
    assert_snapshot!(world.table(TWO), @r#"left out box.web["n1"]"#);
}

#[test]
fn an_interrupted_create_on_a_node_that_is_gone() {
    let mut world = World::new();
    let plan = world.plan(&desired(ONE)).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Cut(true));
    let world = world.unreachable("box.web@n1");
    assert_snapshot!(world.table(""), @r#"left out box.web["n1"]"#);
    let world = world.options(Options { forget_nodes: vec!["n1".to_owned()], ..Options::default() });
    assert_snapshot!(world.table(""), @r#"
    forget box.web["n1"] because NodeForgotten
    0 forget box.web["n1"]
    "#);
}
