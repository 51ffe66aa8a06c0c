//! Values that are compared and never held.

use super::*;
use crate::expr::Expr;

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

/// A world with two keys, one made from the other, and a box and a page that use them.
fn keys() -> (World, &'static str) {
    let config = "
        key.ca size=1 renew=1
        key.leaf size=1 from=$key.ca.private >key.ca
        page.pem@n1 content=$key.leaf.private >key.leaf
        box.web@n1 image=1 >page.pem@n1!
        box.other@n1 token=$token";
    let mut world = World::new();
    let key = world.secrets.key.clone().unwrap();
    for of in ["key.ca", "key.leaf"] {
        world
            .secrets
            .entries
            .entry(text::address(of))
            .or_default()
            .insert("private".to_owned(), Value::from(of).into());
    }
    let plan = world.plan(&desired("key.ca size=1 renew=1\nkey.leaf size=1")).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Done);
    for of in ["key.ca", "key.leaf"] {
        let outputs = Map::from([("private".to_owned(), Value::sealed(key.digest(&Value::from(of))))]);
        world.state.resources.get_mut(&text::address(of)).unwrap().outputs = outputs.clone();
        world.places.get_mut(&text::address(of)).unwrap().current.as_mut().unwrap().outputs = outputs;
    }
    // What the boxes and pages hold was learned from the keys.
    let plan = world.plan(&desired(config)).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Done);
    (world, config)
}

#[test]
fn what_is_made_anew_changes_all_that_is_made_from_it() {
    let (world, config) = keys();
    assert_snapshot!(world.table(config), @"nothing to do");
    assert_snapshot!(world.table(&config.replace("key.ca size=1", "key.ca size=2")), @r#"
    update box.web["n1"] because DependencyChanged(page.pem["n1"])
    update key.ca [size] makes private anew because ConfigChanged
    update key.leaf [from] makes private anew because DependencyRemade(key.ca)
    update page.pem["n1"] [content] because DependencyRemade(key.leaf)
    0 update key.ca
    1 update key.leaf after 0
    2 update page.pem["n1"] after 1
    3 update box.web["n1"] after 2
    "#);
    assert_snapshot!(world.table(&config.replace("renew=1", "renew=2")), @"
update key.ca [renew] because ConfigChanged
0 update key.ca
");
}

#[test]
fn what_is_due_is_made_anew() {
    let (world, config) = keys();
    let mut desired = desired(config);
    let reason = Reason::Expires("2027-01-01T00:00:00Z".to_owned());
    desired
        .remakes
        .insert(text::address("key.leaf"), Remake { outputs: vec!["private".to_owned()], reason, once_settled: false });
    assert_snapshot!(text::table(&world.plan(&desired)), @r#"
    update box.web["n1"] because DependencyChanged(page.pem["n1"])
    update key.leaf makes private anew because Expires("2027-01-01T00:00:00Z")
    update page.pem["n1"] [content] because DependencyRemade(key.leaf)
    0 update key.leaf
    1 update page.pem["n1"] after 0
    2 update box.web["n1"] after 1
    "#);
    let asked = Options { replace: vec![text::address("key.leaf")], ..Options::default() };
    assert_snapshot!(world.options(asked).table(config), @r#"
    update box.web["n1"] because DependencyChanged(page.pem["n1"])
    update key.leaf makes private anew because Requested
    update page.pem["n1"] [content] because DependencyRemade(key.leaf)
    0 update key.leaf
    1 update page.pem["n1"] after 0
    2 update box.web["n1"] after 1
    "#);
}

#[test]
fn an_output_of_what_is_made_anew_changes_with_it() {
    let (mut world, config) = keys();
    let with_output = |config: &str| {
        let mut desired = desired(config);
        let value = Value::deferred(Expr::output(text::address("key.leaf"), "private"), true);
        desired.outputs.insert("key".to_owned(), value);
        desired
    };
    let sealed = world.state.resources[&text::address("key.leaf")].outputs["private"].clone();
    world.state.outputs.insert("key".to_owned(), sealed);
    let changes = |config: &str| world.plan(&with_output(config)).unwrap().outputs["key"].is_change();
    assert!(!changes(config));
    assert!(changes(&config.replace("key.leaf size=1", "key.leaf size=2")));
    // By way of what it is made from, too.
    assert!(changes(&config.replace("key.ca size=1", "key.ca size=2")));
}

#[test]
fn without_a_key_nothing_sensitive_is_compared() {
    let (mut world, config) = keys();
    (world.secrets.key, world.secrets.entries) = (None, BTreeMap::new());
    assert_snapshot!(world.table(config), @r#"not compared box.other["n1"]"#);
    assert_snapshot!(world.table(&config.replace("key.leaf size=1", "key.leaf size=2")), @r#"
    update box.web["n1"] because DependencyChanged(page.pem["n1"])
    update key.leaf [size] makes private anew because ConfigChanged
    update page.pem["n1"] [content] because DependencyRemade(key.leaf)
    not compared box.other["n1"]
    0 update key.leaf
    1 update page.pem["n1"] after 0
    2 update box.web["n1"] after 1
    "#);
}

#[test]
fn what_has_to_wait_for_its_users_is_postponed() {
    let (mut world, config) = keys();
    let due = |config: &str| {
        let mut desired = desired(config);
        let reason = Reason::OverlapEnded("2027-01-01T00:00:00Z".to_owned());
        let remake = Remake { outputs: vec!["bundle".to_owned()], reason, once_settled: true };
        desired.remakes.insert(text::address("key.ca"), remake);
        desired
    };
    assert_snapshot!(text::table(&world.plan(&due(config))), @r#"
    update key.ca makes bundle anew because OverlapEnded("2027-01-01T00:00:00Z")
    0 update key.ca
    "#);
    // A page made from a key made from it is not as it is wanted, or was not looked at.
    let changed = config.replace("content=$key.leaf.private", "content=$key.leaf.private mode=1");
    assert_snapshot!(text::table(&world.plan(&due(&changed))), @r#"
    update box.web["n1"] because DependencyChanged(page.pem["n1"])
    replace page.pem["n1"] [mode!] because ConfigChanged, CannotUpdate
    postponed key.ca
    0 delete page.pem["n1"]
    1 create page.pem["n1"] after 0
    2 update box.web["n1"] after 1
    "#);
    let known = world.plan(&due(&config.replace("box.other@n1", "box.other@n1 image=2")));
    assert!(known.unwrap().postponed.is_empty(), "nobody uses it there");
    world.seen.insert(text::address("page.pem@n1"), Observed::Unreachable("no route to host".into()));
    assert_eq!(world.plan(&due(config)).unwrap().postponed.len(), 1);
}

#[test]
fn an_output_follows_the_secret_that_it_shows() {
    let (mut world, config) = keys();
    let config = format!("{config}\noutput key=$key.leaf.private");
    let plan = world.plan(&desired(&config)).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Done);
    assert_snapshot!(world.table(&config), @"nothing to do");
    assert_snapshot!(world.table(&config.replace("output key=$key.leaf", "output key=$key.ca")), @"output key: (sensitive) -> (sensitive)");
    assert_snapshot!(world.table(&config.replace("key.leaf size=1", "key.leaf size=2")), @r#"
    update box.web["n1"] because DependencyChanged(page.pem["n1"])
    update key.leaf [size] makes private anew because ConfigChanged
    update page.pem["n1"] [content] because DependencyRemade(key.leaf)
    output key: (sensitive) -> (known after apply)
    0 update key.leaf
    1 update page.pem["n1"] after 0
    2 update box.web["n1"] after 1
    "#);
    world.secrets.key = None;
    assert_snapshot!(world.table(&config), @r#"not compared box.other["n1"]"#);
}
