//! Values that are compared and never held.

use super::*;

#[test]
fn an_equal_digest_is_no_change() {
    let world = World::with("box.web@n1 image=1 token=$token");
    assert_snapshot!(world.table("box.web@n1 image=1 token=$token"), @"nothing to do");
}

#[test]
fn another_value_is_a_change() {
    let mut world = World::with("box.web@n1 image=1 token=$token");
    world.secrets.variables.insert("token".to_owned(), Value::from("correct horse").into());
    let plan = world.plan(&desired("box.web@n1 image=1 token=$token"));
    assert_snapshot!(text::table(&plan), @r#"
    replace box.web["n1"] [token!] because ConfigChanged, CannotUpdate
    0 swap box.web["n1"]
    1 settle box.web["n1"] after 0
    2 restore box.web["n1"] after 0(failure)
    "#);
    let saved = serde_json::to_string(&plan.unwrap()).unwrap();
    assert!(!saved.contains("horse") && !saved.contains("hunter2"));
}

#[test]
fn what_is_known_only_after_apply_is_a_change() {
    let world = World::with(
        "
        box.db@n1 image=1
        box.web@n1 image=1 db=1",
    );
    let config = "
        box.db@n1 image=2
        box.web@n1 image=1 db=$box.db@n1.id >box.db@n1";
    assert_snapshot!(world.table(config), @r#"
    replace box.db["n1"] [image!] because ConfigChanged, CannotUpdate
    replace box.web["n1"] [db!] because DependencyRemade(box.db["n1"]), CannotUpdate
    0 swap box.db["n1"]
    1 settle box.db["n1"] after 0
    2 restore box.db["n1"] after 0(failure)
    3 swap box.web["n1"] after 1
    4 settle box.web["n1"] after 3
    5 restore box.web["n1"] after 3(failure)
    "#);
}
