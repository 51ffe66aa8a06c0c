//! Secrets whose values went with a state.

use super::text::{address, table};
use super::*;

const CONFIG: &str = "key.ca size=2\npage.tls@n1 path=a content=$key.ca.id >key.ca\npage.other@n1 path=b content=1";

fn sensitive(config: &str) -> Desired {
    let mut desired = desired(config);
    for resource in &mut desired.resources {
        let Value::Map(spec) = Arc::make_mut(&mut resource.spec) else { unreachable!() };
        for value in spec.values_mut() {
            if let Value::Deferred(deferred) = value {
                *value = Value::deferred(deferred.expr.clone(), true);
            }
        }
    }
    desired
}

fn world() -> World {
    let mut world = World::new();
    let plan = world.plan(&sensitive(CONFIG)).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Done);
    world.lost("key.ca")
}

#[test]
fn nothing_is_made_anew_by_itself() {
    assert_snapshot!(table(&world().plan(&sensitive(CONFIG))), @"lost key.ca");
}

#[test]
fn what_does_not_need_the_value_can_change() {
    assert_snapshot!(table(&world().plan(&sensitive(&CONFIG.replace("content=1", "content=2")))), @r#"
    update page.other["n1"] [content] because ConfigChanged
    lost key.ca
    0 update page.other["n1"]
    "#);
}

#[test]
fn what_needs_the_value_cannot() {
    let world = world().remove("page.tls@n1");
    assert_snapshot!(table(&world.plan(&sensitive(CONFIG))), @r#"
    page.tls["n1"] cannot be changed: the value of key.ca was lost with the state
      put the state back that held it; or make it anew on purpose with `--replace key.ca`, which changes everything that uses it
    "#);
}

#[test]
fn on_request_it_is_made_anew_with_all_that_uses_it() {
    let replace = vec![address("key.ca")];
    let mut world = world().options(Options { replace, ..Options::default() });
    assert_snapshot!(table(&world.plan(&sensitive(CONFIG))), @r#"
    create key.ca because Requested
    update page.tls["n1"] [content] because DependencyRemade(key.ca)
    0 create key.ca
    1 update page.tls["n1"] after 0
    "#);
    let plan = world.plan(&sensitive(CONFIG)).unwrap();
    assert!(world.apply(&plan, &mut |_, _| Fate::Done));
    let world = world.options(Options::default());
    assert_snapshot!(table(&world.plan(&sensitive(CONFIG))), @"nothing to do");
}

#[test]
fn what_is_lost_as_well_is_made_anew_with_what_it_is_made_from() {
    let config =
        "key.ca size=2\nkey.tls from=$key.ca.id size=1 >key.ca\npage.tls@n1 path=a content=$key.tls.id >key.tls";
    let mut world = World::new();
    let plan = world.plan(&sensitive(config)).unwrap();
    world.apply(&plan, &mut |_, _| Fate::Done);
    let world = world.lost("key.ca").lost("key.tls");
    let one = |name: &str| Options { replace: vec![address(name)], ..Options::default() };
    let mut world = world.options(one("key.tls"));
    assert_snapshot!(table(&world.plan(&sensitive(config))), @"
    key.tls cannot be changed: the value of key.ca was lost with the state
      put the state back that held it; or make it anew on purpose with `--replace key.ca`, which changes everything that uses it
    ");
    world = world.options(one("key.ca"));
    assert_snapshot!(table(&world.plan(&sensitive(config))), @r#"
    create key.ca because Requested
    create key.tls because DependencyRemade(key.ca)
    update page.tls["n1"] [content] because DependencyRemade(key.tls)
    0 create key.ca
    1 create key.tls after 0
    2 update page.tls["n1"] after 1
    "#);
}

#[test]
fn what_is_no_longer_wanted_can_go() {
    assert_snapshot!(table(&world().plan(&Desired::default())), @r#"
    delete key.ca because NotInConfig
    delete page.other["n1"] because NotInConfig
    delete page.tls["n1"] because NotInConfig
    0 delete page.other["n1"]
    1 delete page.tls["n1"]
    2 delete key.ca after 1
    "#);
}
