//! What holds of server-side apply whatever is applied.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::cluster::merge::{Managed, Refusal, Request, apply};
use crate::cluster::shape::Place;

fn nothing() -> Managed {
    Managed { value: json!({}), owners: Vec::new() }
}

fn request(manager: &str, force: bool) -> Request<'_> {
    Request { manager, api_version: "apps/v1", force }
}

fn place() -> Place {
    Place::top("Deployment", false)
}

fn object(rest: &[(&'static str, Value)]) -> Value {
    let mut object =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}});
    for (path, value) in rest {
        let mut here = &mut object;
        for key in path.split('.') {
            here = &mut here[key];
        }
        *here = value.clone();
    }
    object
}

/// Any part of a Deployment: labels, containers with environments and ports, hostAliases, finalizers, a strategy.
fn sent() -> impl Strategy<Value = Value> {
    let names = || prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
    let texts = move |values: u8| {
        let pairs = names()
            .prop_flat_map(move |names| names.into_iter().map(|name| (Just(name), 0..values)).collect::<Vec<_>>());
        pairs.prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), json!(value.to_string()))))
    };
    let map = move || texts(2).prop_map(|pairs| Value::Object(pairs.collect::<Map<_, _>>()));
    let env = move || {
        texts(2).prop_map(|pairs| pairs.map(|(name, value)| json!({"name": name, "value": value})).collect::<Value>())
    };
    let ports = prop::sample::subsequence(
        vec![json!({"containerPort": 80}), json!({"containerPort": 80, "protocol": "UDP"})],
        0..=2,
    );
    let container = (names(), env(), ports, 0..2_u8).prop_map(|(names, env, ports, image)| {
        names
            .into_iter()
            .map(|name| {
                let mut container = json!({"name": name, "image": format!("web:{image}")});
                for (field, list) in [("env", &env), ("ports", &Value::Array(ports.clone()))] {
                    // The server does not keep lists that are empty.
                    if list != &json!([]) {
                        container[field] = list.clone();
                    }
                }
                container
            })
            .collect::<Value>()
    });
    let aliases = prop::sample::subsequence(vec!["192.0.2.1", "192.0.2.2"], 0..=2);
    let aliases = (aliases, 0..2_u8).prop_map(|(ips, name)| {
        ips.into_iter().map(|ip| json!({"ip": ip, "hostnames": [format!("host{name}")]})).collect::<Value>()
    });
    let finalizers = names().prop_map(|names| json!(names));
    let replicas = prop::option::of(0..3_u8);
    (map(), container, aliases, finalizers, replicas).prop_map(|(labels, containers, aliases, finalizers, replicas)| {
        let mut parts = vec![("metadata.labels", labels), ("metadata.finalizers", finalizers)];
        parts.push(("spec.template.spec.containers", containers));
        parts.push(("spec.template.spec.hostAliases", aliases));
        parts.extend(replicas.map(|replicas| ("spec.replicas", json!(replicas))));
        parts.retain(|(_, value)| value.as_array().is_none_or(|list| !list.is_empty()));
        parts.retain(|(_, value)| value.as_object().is_none_or(|map| !map.is_empty()));
        object(&parts)
    })
}

fn owned(managed: &Managed, manager: &str) -> Vec<String> {
    let found = managed.owners.iter().find(|owner| owner.manager == manager);
    found.map(|owner| owner.fields.paths()).unwrap_or_default()
}

proptest! {
    #[test]
    fn what_is_applied_again_changes_nothing(first in sent(), second in sent()) {
        let live = apply(&place(), &nothing(), &first, &request("a", false)).unwrap();
        let live = apply(&place(), &live, &second, &request("b", true)).unwrap();
        let again = apply(&place(), &live, &second, &request("b", false)).unwrap();
        prop_assert_eq!(again, live);
    }

    #[test]
    fn the_last_thing_applied_alone_is_all_there_is(first in sent(), second in sent()) {
        let live = apply(&place(), &nothing(), &first, &request("a", false)).unwrap();
        let live = apply(&place(), &live, &second, &request("a", false)).unwrap();
        let alone = apply(&place(), &nothing(), &second, &request("a", false)).unwrap();
        prop_assert_eq!(live, alone);
    }

    #[test]
    fn what_is_forced_is_there_and_owned(first in sent(), second in sent()) {
        let live = apply(&place(), &nothing(), &first, &request("a", false)).unwrap();
        let forced = apply(&place(), &live, &second, &request("b", true)).unwrap();
        let alone = apply(&place(), &nothing(), &second, &request("b", false)).unwrap();
        prop_assert_eq!(owned(&forced, "b"), owned(&alone, "b"));
        // Nobody else owns now what was contested.
        if let Err(Refusal::Conflict(conflicts)) = apply(&place(), &live, &second, &request("b", false)) {
            for conflict in conflicts {
                prop_assert_eq!(conflict.manager, "a");
                prop_assert!(!owned(&forced, "a").contains(&conflict.field));
            }
        } else {
            prop_assert_eq!(owned(&forced, "a"), owned(&live, "a"));
        }
    }

    #[test]
    fn what_a_manager_gives_up_leaves_what_others_own(first in sent(), second in sent()) {
        let live = apply(&place(), &nothing(), &first, &request("a", false)).unwrap();
        let Ok(both) = apply(&place(), &live, &second, &request("b", false)) else { return Ok(()) };
        let left = apply(&place(), &both, &object(&[]), &request("b", false)).unwrap();
        prop_assert_eq!(&left.owners, &live.owners);
        // Lists keep their items, in whatever order.
        let again = apply(&place(), &left, &first, &request("a", false)).unwrap();
        prop_assert_eq!(again, live);
    }

    #[test]
    fn what_is_written_is_read_again(first in sent(), second in sent()) {
        let live = apply(&place(), &nothing(), &first, &request("a", false)).unwrap();
        let live = apply(&place(), &live, &second, &request("b", true)).unwrap();
        prop_assert_eq!(Managed::read(&live.clone().write("now")), live);
    }
}

#[test]
fn managers_of_other_fields_do_not_meet() {
    let of_manifest = object(&[
        ("spec.replicas", json!(2)),
        ("spec.template.spec.containers", json!([{"name": "web", "image": "web:1"}])),
    ]);
    let aliases =
        |ip: &str| object(&[("spec.template.spec.hostAliases", json!([{"ip": ip, "hostnames": ["rancher"]}]))]);
    let live = apply(&place(), &nothing(), &of_manifest, &request("manifest", false)).unwrap();
    let live = apply(&place(), &live, &aliases("192.0.2.1"), &request("aliases", false)).unwrap();
    let live = apply(&place(), &live, &aliases("192.0.2.9"), &request("others", false)).unwrap();
    assert_eq!(live.value["spec"]["template"]["spec"]["hostAliases"].as_array().map(Vec::len), Some(2));

    let env =
        object(&[("spec.template.spec.containers", json!([{"name": "web", "env": [{"name": "A", "value": "1"}]}]))]);
    let live = apply(&place(), &live, &env, &request("env", false)).unwrap();
    assert_eq!(
        live.value["spec"]["template"]["spec"]["containers"],
        json!([{"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}]}])
    );
    let live = apply(&place(), &live, &object(&[]), &request("aliases", false)).unwrap();
    assert_eq!(
        live.value["spec"]["template"]["spec"]["hostAliases"],
        json!([{"ip": "192.0.2.9", "hostnames": ["rancher"]}])
    );
}

#[test]
fn a_conflict_names_field_and_owner() {
    let image = |image: &str| object(&[("spec.template.spec.containers", json!([{"name": "web", "image": image}]))]);
    let selector = |app: &str| object(&[("spec.selector", json!({"matchLabels": {"app": app}}))]);
    let live = apply(&place(), &nothing(), &image("web:1"), &request("kubectl", false)).unwrap();
    let live = apply(&place(), &live, &selector("web"), &request("helm", false)).unwrap();
    for (sent, path, manager) in [
        (image("web:2"), ".spec.template.spec.containers[name=\"web\"].image", "kubectl"),
        (selector("shop"), ".spec.selector", "helm"),
    ] {
        let Err(Refusal::Conflict(conflicts)) = apply(&place(), &live, &sent, &request("hactl", false)) else {
            panic!("{sent} is no conflict");
        };
        let found: Vec<_> = conflicts.iter().map(|found| (found.field.as_str(), found.manager.as_str())).collect();
        assert_eq!(found, [(path, manager)]);
    }
    assert!(apply(&place(), &live, &image("web:1"), &request("hactl", false)).is_ok());
}

#[test]
fn lists_that_break_their_rules_are_refused() {
    let env = json!([{"name": "A"}, {"name": "A"}]);
    for (spec, path, reason) in [
        (
            json!({"hostAliases": [{"hostnames": ["a"]}]}),
            "spec.template.spec.hostAliases",
            "element 0: associative list with keys has an element that omits key field \"ip\"",
        ),
        (
            json!({"containers": [{"name": "web", "env": env}]}),
            "spec.template.spec.containers[name=\"web\"].env",
            "duplicate entries for key [name=\"A\"]",
        ),
    ] {
        let sent = object(&[("spec.template.spec", spec)]);
        let Err(Refusal::BadList(bad)) = apply(&place(), &nothing(), &sent, &request("a", false)) else {
            panic!("{sent} is taken");
        };
        assert_eq!((bad.path.as_str(), bad.reason.as_str()), (path, reason));
    }
}

#[test]
fn items_stay_in_the_order_that_was_sent_last() {
    let env = |names: &[&str]| {
        let env: Vec<Value> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        object(&[("spec.template.spec.containers", json!([{"name": "web", "env": env}]))])
    };
    let live = apply(&place(), &nothing(), &env(&["a", "b", "c"]), &request("a", false)).unwrap();
    let live = apply(&place(), &live, &env(&["x", "b"]), &request("b", false)).unwrap();
    let live = apply(&place(), &live, &env(&["c", "a"]), &request("a", false)).unwrap();
    let env = live.value["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap().clone();
    let names: Vec<&str> = env.iter().filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(names, ["c", "a", "x", "b"]);
}

#[test]
fn custom_resources_have_maps_field_by_field_and_whole_lists() {
    let place = Place::top("Widget", true);
    let live = apply(&place, &nothing(), &json!({"spec": {"list": [{"name": "a"}]}}), &request("a", false)).unwrap();
    let other = json!({"spec": {"size": {"x": 1}}});
    let live = apply(&place, &live, &other, &request("b", false)).unwrap();
    assert_eq!(live.value, json!({"spec": {"list": [{"name": "a"}], "size": {"x": 1}}}));
    assert_eq!(owned(&live, "a"), [".spec.list"]);
    let other = json!({"spec": {"list": [{"name": "b"}]}});
    assert!(matches!(apply(&place, &live, &other, &request("b", false)), Err(Refusal::Conflict(_))));
}

#[test]
fn what_nobody_owns_stays_when_its_owner_leaves() {
    let labels = |labels: Value| object(&[("spec.template.metadata.labels", labels)]);
    let mut live = apply(&place(), &nothing(), &labels(json!({"a": "1"})), &request("a", false)).unwrap();
    live.value["spec"]["template"]["metadata"]["labels"]["job-name"] = json!("made by the server");
    let left = apply(&place(), &live, &object(&[]), &request("a", false)).unwrap();
    assert_eq!(left.value["spec"]["template"]["metadata"]["labels"], json!({"job-name": "made by the server"}));
}
