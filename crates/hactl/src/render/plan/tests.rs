//! Whole plans as they are read.

use hactl_core::Address;
use hactl_core::observed::Observed;
use hactl_core::plan::{Mode, Options};
use hactl_core::resource::{Dependency, Rollout};
use hactl_core::value::Value;
use insta::assert_snapshot;
use serde_json::json;

use super::samples::{self, SECRET, Sample, resource, site, web};
use super::*;
use crate::render::plan_json::plan_json;
use crate::render::state_json::state_json;

#[test]
fn first_apply() {
    assert_snapshot!(render(&samples::small().plan(), false), @r#"
    + file.site on node1, node2
        why: new in the config
        content = (3 lines)
          | <h1>Shop</h1>
          | <p>one</p>
          | <p>two</p>
        mode    = "0644"
        path    = "/srv/index.html"

    + container.web on node1, node2
        why: new in the config
        how: waits until it is healthy
        env.GREETING = "hello"
        image        = "nginx:1.25"
        password     = (sensitive)

    Order:
      1.  create file.site on node1, node2
      2.  create container.web on node1, node2 (after file.site)

    Outputs:
      + token = (sensitive)
      + url = "https://shop.example.com"

    Plan: 4 to add, 0 to change, 0 to destroy.
    "#);
}

#[test]
fn drift_replacement_creation_and_removal() {
    assert_snapshot!(render(&samples::small_plan(), false), @r#"
    Changed on the hosts since the last apply:
      ~ file.site on node2
          ~ mode = "0644" -> "0777"

    ~ file.site on node2
        why: changed on the host, not by hactl
        ~ mode = "0777" -> "0644"  # changed on the host

    -/+ container.web on node1
        why: the config changed; cannot change in place: image, password
        how: one at a time: node1, node2; waits until it is healthy; the old one is put back if that fails
        ~ image = "nginx:1.25" -> "nginx:1.27"  # forces replacement
        ~ password = (sensitive)  # changed, forces replacement

    -/+ container.web on node2
        why: the config changed; file.site changes, and it is told; cannot change in place: image, password
        how: one at a time: node1, node2; waits until it is healthy; the old one is put back if that fails
        ~ image = "nginx:1.25" -> "nginx:1.27"  # forces replacement
        ~ password = (sensitive)  # changed, forces replacement

    + container.proxy on node1
        why: new in the config
        image    = "haproxy:3"
        password = (sensitive)
        ports    = ["80:80"]
        upstream = (known after apply)

    To be destroyed:
      - container.old on node1 (no longer in the config)

    Order:
      1.  destroy container.old on node1
          update file.site on node2
      2.  replace container.web on node1, node2, one at a time (after file.site)
      3.  create container.proxy on node1 (after container.web)

    Outputs:
      ~ token = (sensitive)  # changed

    Plan: 3 to add, 1 to change, 3 to destroy.
    "#);
}

#[test]
fn texts_and_lists_show_what_differs_in_them() {
    let mut sample = Sample::default();
    sample.want(site("node1")).want(web("node1"));
    sample.change("container.web", "ports", Value::from(vec!["80:80", "81:81"]));
    let mut sample = sample.applied();
    sample.change("file.site", "content", Value::from("<h1>Shop</h1>\n<p>1</p>\n<p>two</p>\n"));
    sample.change("container.web", "ports", Value::from(vec!["81:81", "82:82"]));
    sample.change("container.web", "env", samples::value(json!({"HELLO": "there"})));
    assert_snapshot!(render(&sample.plan(), false), @r#"
    ~ file.site on node1
        why: the config changed
        ~ content:
              <h1>Shop</h1>
            - <p>one</p>
            + <p>1</p>
              <p>two</p>

    -/+ container.web on node1
        why: the config changed; file.site changes, and it is told; cannot change in place: env, ports
        how: waits until it is healthy; the old one is put back if that fails
        - env.GREETING = "hello"  # forces replacement
        + env.HELLO = "there"  # forces replacement
        ~ ports:  # forces replacement
            - "80:80"
            + "82:82"

    Order:
      1.  update file.site on node1
      2.  replace container.web on node1 (after file.site)

    Plan: 1 to add, 1 to change, 1 to destroy.
    "#);
}

#[test]
fn many_nodes_make_short_lines() {
    let mut sample = Sample::default();
    for number in 1..=98 {
        sample.want(site(&format!("node{number:03}"))).want(web(&format!("node{number:03}")));
    }
    let mut sample = sample.applied();
    for wanted in &mut sample.desired.resources {
        wanted.rollout = wanted.rollout.map(|_| Rollout { max_unavailable: 4, rollback: false });
    }
    sample.change("file.site", "mode", Value::from("0600"));
    assert_snapshot!(render(&sample.plan(), false), @r#"
    ~ file.site on node001, node002, node003, … and 95 more (98)
        why: the config changed
        ~ mode = "0644" -> "0600"

    ~ container.web on node001, node002, node003, … and 95 more (98)
        why: file.site changes, and it is told (restart)
        how: 4 at a time: node001, node002, node003, … and 95 more (98); waits until it is healthy

    Order:
      1.  update file.site on node001, node002, node003, … and 95 more (98)
      2.  update container.web on node001, node002, node003, … and 95 more (98), 4 at a time (after file.site)

    Plan: 0 to add, 196 to change, 0 to destroy.
    "#);
}

#[test]
fn nothing_to_do() {
    let mut sample = Sample::default();
    sample.want(site("node1"));
    let mut sample = sample.applied();
    assert_snapshot!(render(&sample.plan(), false), @"No changes. The hosts match the config.");
    sample.options.mode = Mode::RefreshOnly;
    assert_snapshot!(render(&sample.plan(), false), @"No changes. The state matches the hosts.");
    sample.options.mode = Mode::Destroy;
    sample.state = None;
    assert_snapshot!(render(&sample.plan(), false), @"Nothing to destroy.");
}

#[test]
fn destroy_in_reverse_and_keep_volumes() {
    let mut sample = samples::small();
    sample.want(resource("volume", "data", "node1", json!({"name": "data"})));
    let mut sample = sample.applied();
    sample.options.mode = Mode::Destroy;
    assert_snapshot!(render(&sample.plan(), false), @r"
    Taken out of the state, with nothing done on the hosts:
      . volume.data on node1 (it holds data and is kept, --volumes removes it)

    To be destroyed:
      - container.web on node1, node2
      - file.site on node1, node2

    Order:
      1.  destroy container.web on node1, node2
          forget volume.data on node1
      2.  destroy file.site on node1, node2 (after container.web)

    Plan: 0 to add, 0 to change, 4 to destroy, 1 to forget.
    ");
}

#[test]
fn what_is_left_out_and_what_is_targeted() {
    let mut sample = Sample::default();
    sample.want(site("node1")).want(site("node2")).want(web("node2"));
    for name in ["site", "web"] {
        let kind = if name == "site" { "file" } else { "container" };
        let address = Address::new(kind, name, Some("node2"));
        sample.observed.insert(address, Observed::Unreachable("connection refused".into()));
    }
    sample.options = Options { targets: vec![Address::new("file", "site", None)], ..Options::default() };
    assert_snapshot!(render(&sample.plan(), false), @r#"
    + file.site on node1
        why: new in the config
        content = (3 lines)
          | <h1>Shop</h1>
          | <p>one</p>
          | <p>two</p>
        mode    = "0644"
        path    = "/srv/index.html"

    Left out:
      node2 did not answer: connection refused; 1 resource on it is left out

    Only what was targeted, and what it needs, is in this plan.
    Other changes may be due: `hactl plan` shows them afterwards.

    Plan: 1 to add, 0 to change, 0 to destroy.
    "#);
}

#[test]
fn refresh_only() {
    let mut sample = Sample::default();
    sample.want(site("node1")).want(site("node2"));
    let mut sample = sample.applied();
    for node in ["node1", "node2"] {
        sample.see(
            &format!("file.site[\"{node}\"]"),
            json!({"path": "/srv/index.html", "content": "hacked", "mode": "0644"}),
        );
    }
    sample.options.mode = Mode::RefreshOnly;
    assert_snapshot!(render(&sample.plan(), false), @r"
    Changed on the hosts since the last apply:
      ~ file.site on node1, node2
          ~ content:
              - <h1>Shop</h1>
              - <p>one</p>
              - <p>two</p>
              + hacked
                (no newline at the end after)

    Only the state is brought up to what is on the hosts; nothing is done to them.
    ");
}

#[test]
fn recorded_state() {
    assert_snapshot!(state(&samples::small_state()), @r#"
    shop at serial 4: 4 resources on 0 nodes

    container.web["node1"]
        env.GREETING = "hello"
        image        = "nginx:1.25"
        password     = (sensitive)
        outputs:
          id = "c0ffee"
        needs: file.site["node1"]

    container.web["node2"]
        env.GREETING = "hello"
        image        = "nginx:1.25"
        password     = (sensitive)
        outputs:
          id = "c0ffee"
        needs: file.site["node2"]

    file.site["node1"]
        content = (3 lines)
          | <h1>Shop</h1>
          | <p>one</p>
          | <p>two</p>
        mode    = "0644"
        path    = "/srv/index.html"
        outputs:
          id = "c0ffee"

    file.site["node2"]
        content = (3 lines)
          | <h1>Shop</h1>
          | <p>one</p>
          | <p>two</p>
        mode    = "0644"
        path    = "/srv/index.html"
        outputs:
          id = "c0ffee"

    Outputs:

    token = (sensitive)
    url = "https://shop.example.com"
    "#);
}

#[test]
fn last_lines() {
    let counts = Counts { add: 3, change: 1, ..Counts::default() };
    assert_eq!(summary(counts), "Plan: 3 to add, 1 to change, 0 to destroy.");
    assert_eq!(summary(Counts { forget: 2, ..counts }), "Plan: 3 to add, 1 to change, 0 to destroy, 2 to forget.");
    assert_eq!(summary(Counts { moves: 1, ..counts }), "Plan: 3 to add, 1 to change, 0 to destroy, 1 to move.");
    assert_eq!(applied(counts, false), "Apply complete! Resources: 3 added, 1 changed, 0 destroyed.");
    let also = Counts { forget: 2, moves: 1, ..counts };
    assert_eq!(
        applied(also, false),
        "Apply complete! Resources: 3 added, 1 changed, 0 destroyed, 2 forgotten, 1 moved."
    );
    let destroyed = Counts { destroy: 3, ..Counts::default() };
    assert_eq!(applied(destroyed, true), "Destroy complete! Resources: 3 destroyed.");
}

#[test]
fn no_renderer_shows_a_sensitive_value() {
    let (plan, recorded) = (samples::small_plan(), samples::small_state());
    let sealed = recorded.outputs["token"].clone();
    let Value::Sealed(sealed) = sealed else { panic!("the token is sealed") };
    for text in [
        render(&plan, true),
        plan_json(&plan, &recorded).to_string(),
        state(&recorded),
        state_json(&recorded).to_string(),
    ] {
        assert!(!text.contains(SECRET), "{text}");
        assert!(!text.contains(&sealed.digest.to_string()), "{text}");
    }
}

#[test]
fn order_is_by_resource_even_where_instances_take_turns() {
    let mut sample = Sample::default();
    for node in ["node1", "node2", "node3"] {
        let mut api = resource("container", "api", node, json!({"image": "api:1"}));
        api.dependencies = vec![Dependency::on(Address::new("container", "web", Some(node)))];
        sample.want(site(node)).want(web(node)).want(api);
    }
    sample.want(resource("file", "motd", "node1", json!({"path": "/etc/motd"})));
    let mut sample = sample.applied();
    sample.change("container.web", "image", Value::from("nginx:1.27"));
    sample.change("container.api", "image", Value::from("api:2"));
    sample.change("file.motd", "content", Value::from("hello"));
    sample.change("file.site", "path", Value::from("/srv/www/index.html"));
    let text = render(&sample.plan(), false);
    let order = text.split("Order:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    assert_snapshot!(order, @r"
    1.  update file.motd on node1
        remove the old file.site on node1, node2, node3
    2.  create the new file.site on node1, node2, node3
    3.  replace container.web on node1, node2, node3, one at a time (after file.site)
    4.  replace container.api on node1, node2, node3 (after container.web)
    ");
}

#[test]
fn ten_thousand_changes_are_a_few_lines() {
    let mut sample = Sample::default();
    for number in 0..5_000 {
        sample.want(site(&format!("node{number:04}"))).want(web(&format!("node{number:04}")));
    }
    let text = render(&sample.plan(), false);
    assert!(text.lines().count() < 30, "{text}");
}

#[test]
fn instances_that_differ_in_values_only_are_folded() {
    let mut sample = Sample::default();
    for number in 1..=12 {
        let node = format!("node{number:02}");
        sample.want(resource("file", "id", &node, json!({"path": "/etc/id", "content": node})));
    }
    assert_snapshot!(render(&sample.plan(), false), @r#"
    + file.id on node01
        why: new in the config
        content = "node01"
        path    = "/etc/id"

    + file.id on node02
        why: new in the config
        content = "node02"
        path    = "/etc/id"

    + file.id on node03
        why: new in the config
        content = "node03"
        path    = "/etc/id"

    + file.id on node04, node05, node06, … and 6 more (9)
        why: new in the config
        as above, each with values of its own: `hactl show --json PLAN` has them all

    Plan: 12 to add, 0 to change, 0 to destroy.
    "#);
}
