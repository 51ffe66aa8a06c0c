//! What policy and review tools read.

use insta::assert_snapshot;

use super::*;
use crate::render::plan::samples;

fn small() -> Json {
    plan_json(&samples::small_plan(), &samples::small_state())
}

fn lines(items: &Json) -> String {
    items.as_array().into_iter().flatten().map(|item| format!("{item}\n")).collect()
}

#[test]
fn top_level() {
    let plan = small();
    let keys: Vec<&String> = plan.as_object().unwrap().keys().collect();
    assert_snapshot!(format!("{keys:?}"), @r#"["format_version", "terraform_version", "hactl_version", "variables", "planned_values", "resource_drift", "resource_changes", "output_changes", "prior_state", "checks", "errored", "hactl"]"#);
    assert_eq!(plan["format_version"], "1.2");
    assert_eq!(plan["prior_state"], state_json(&samples::small_state()));
    assert_snapshot!(plan["variables"], @r#"{"fqdn":{"value":"shop.example.com"},"password":{"sensitive":true}}"#);
    assert_snapshot!(plan["output_changes"], @r#"{"token":{"actions":["update"],"before":null,"after":null,"after_unknown":true,"before_sensitive":true,"after_sensitive":true},"url":{"actions":["no-op"],"before":"https://shop.example.com","after":"https://shop.example.com","after_unknown":false,"before_sensitive":false,"after_sensitive":false}}"#);
}

#[test]
fn changes_hold_neither_unknown_nor_sensitive_values() {
    let mut plan = small();
    for change in plan["resource_changes"].as_array_mut().unwrap() {
        change.as_object_mut().unwrap().retain(|key, _| matches!(key.as_str(), "address" | "change" | "action_reason"));
    }
    assert_snapshot!(lines(&plan["resource_changes"]), @r#"
    {"address":"container.old[\"node1\"]","change":{"actions":["delete"],"before":{"image":"redis:6"},"after":null,"after_unknown":{},"before_sensitive":{},"after_sensitive":false},"action_reason":"delete_because_no_resource_config"}
    {"address":"container.proxy[\"node1\"]","change":{"actions":["create"],"before":null,"after":{"image":"haproxy:3","password":null,"ports":["80:80"],"upstream":null},"after_unknown":{"password":true,"upstream":true},"before_sensitive":false,"after_sensitive":{"password":true}}}
    {"address":"container.web[\"node1\"]","change":{"actions":["delete","create"],"before":{"env":{"GREETING":"hello"},"image":"nginx:1.25","password":null},"after":{"env":{"GREETING":"hello"},"image":"nginx:1.27","password":null},"after_unknown":{"password":true},"before_sensitive":{"password":true},"after_sensitive":{"password":true},"replace_paths":[["image"],["password"]]},"action_reason":"replace_because_cannot_update"}
    {"address":"container.web[\"node2\"]","change":{"actions":["delete","create"],"before":{"env":{"GREETING":"hello"},"image":"nginx:1.25","password":null},"after":{"env":{"GREETING":"hello"},"image":"nginx:1.27","password":null},"after_unknown":{"password":true},"before_sensitive":{"password":true},"after_sensitive":{"password":true},"replace_paths":[["image"],["password"]]},"action_reason":"replace_because_cannot_update"}
    {"address":"file.site[\"node1\"]","change":{"actions":["no-op"],"before":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0644","path":"/srv/index.html"},"after":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0644","path":"/srv/index.html"},"after_unknown":{},"before_sensitive":{},"after_sensitive":{}}}
    {"address":"file.site[\"node2\"]","change":{"actions":["update"],"before":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0777","path":"/srv/index.html"},"after":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0644","path":"/srv/index.html"},"after_unknown":{},"before_sensitive":{},"after_sensitive":{}}}
    "#);
}

#[test]
fn a_change_says_what_it_is_about() {
    let mut plan = small();
    plan["resource_changes"][0]["change"].take();
    assert_snapshot!(plan["resource_changes"][0], @r#"{"address":"container.old[\"node1\"]","mode":"managed","type":"container","name":"old","index":"node1","provider_name":"hactl","change":null,"action_reason":"delete_because_no_resource_config"}"#);
}

#[test]
fn drift() {
    assert_snapshot!(lines(&small()["resource_drift"]), @r#"{"address":"file.site[\"node2\"]","mode":"managed","type":"file","name":"site","index":"node2","provider_name":"hactl","change":{"actions":["update"],"before":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0644","path":"/srv/index.html"},"after":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0777","path":"/srv/index.html"},"after_unknown":{},"before_sensitive":{},"after_sensitive":{}}}"#);
}

#[test]
fn planned_values() {
    let plan = small();
    assert_snapshot!(plan["planned_values"]["outputs"], @r#"{"token":{"sensitive":true},"url":{"sensitive":false,"type":"string","value":"https://shop.example.com"}}"#);
    assert_snapshot!(lines(&plan["planned_values"]["root_module"]["resources"]), @r#"
    {"address":"container.proxy[\"node1\"]","mode":"managed","type":"container","name":"proxy","index":"node1","provider_name":"hactl","schema_version":0,"values":{"image":"haproxy:3","password":null,"ports":["80:80"],"upstream":null},"sensitive_values":{"password":true}}
    {"address":"container.web[\"node1\"]","mode":"managed","type":"container","name":"web","index":"node1","provider_name":"hactl","schema_version":0,"values":{"env":{"GREETING":"hello"},"image":"nginx:1.27","password":null},"sensitive_values":{"password":true}}
    {"address":"container.web[\"node2\"]","mode":"managed","type":"container","name":"web","index":"node2","provider_name":"hactl","schema_version":0,"values":{"env":{"GREETING":"hello"},"image":"nginx:1.27","password":null},"sensitive_values":{"password":true}}
    {"address":"file.site[\"node1\"]","mode":"managed","type":"file","name":"site","index":"node1","provider_name":"hactl","schema_version":0,"values":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0644","path":"/srv/index.html"},"sensitive_values":{}}
    {"address":"file.site[\"node2\"]","mode":"managed","type":"file","name":"site","index":"node2","provider_name":"hactl","schema_version":0,"values":{"content":"<h1>Shop</h1>\n<p>one</p>\n<p>two</p>\n","mode":"0644","path":"/srv/index.html"},"sensitive_values":{}}
    "#);
}

#[test]
fn steps_are_beside_what_terraform_has() {
    let mut plan = small();
    assert_snapshot!(lines(&plan["hactl"]["steps"]), @r#"
    {"operation":"delete","address":"container.old[\"node1\"]","node":"node1","wave":null,"after":[]}
    {"operation":"swap","address":"container.web[\"node1\"]","node":"node1","wave":0,"after":[]}
    {"operation":"gate","address":"container.web[\"node1\"]","node":"node1","wave":0,"after":[{"step":1}]}
    {"operation":"settle","address":"container.web[\"node1\"]","node":"node1","wave":0,"after":[{"step":2}]}
    {"operation":"restore","address":"container.web[\"node1\"]","node":"node1","wave":0,"after":[{"step":1,"when":"failure"},{"step":2,"when":"failure"}]}
    {"operation":"update","address":"file.site[\"node2\"]","node":"node2","wave":null,"after":[]}
    {"after":[{"step":3}]}
    {"operation":"swap","address":"container.web[\"node2\"]","node":"node2","wave":1,"after":[{"step":5},{"step":6}]}
    {"operation":"gate","address":"container.web[\"node2\"]","node":"node2","wave":1,"after":[{"step":7}]}
    {"operation":"settle","address":"container.web[\"node2\"]","node":"node2","wave":1,"after":[{"step":8}]}
    {"operation":"restore","address":"container.web[\"node2\"]","node":"node2","wave":1,"after":[{"step":7,"when":"failure"},{"step":8,"when":"failure"}]}
    {"after":[{"step":3},{"step":9}]}
    {"operation":"create","address":"container.proxy[\"node1\"]","node":"node1","wave":null,"after":[{"step":11}]}
    "#);
    plan["hactl"]["steps"].take();
    assert_snapshot!(plan["hactl"], @r#"{"stack":"shop","lineage":"lineage","serial":4,"mode":"normal","targeted":false,"reasons":{"container.old[\"node1\"]":["notInConfig"],"container.proxy[\"node1\"]":["new"],"container.web[\"node1\"]":["configChanged","cannotUpdate"],"container.web[\"node2\"]":["configChanged",{"dependencyChanged":"file.site[\"node2\"]"},"cannotUpdate"],"file.site[\"node2\"]":["drifted"]},"steps":null,"unreachable":{},"left_out":[],"moved":{},"expiries":{},"uncompared":[],"lost":[],"postponed":[]}"#);
}
