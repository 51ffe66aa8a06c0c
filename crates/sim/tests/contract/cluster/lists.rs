//! Lists: those whose items have keys, sets, and those that are owned as a whole.

use hactl_kube::{Applying, ClusterError};
use serde_json::{Value, json};

use crate::cluster::world::{ClusterWorld, OURS, THEIRS, at, owned, with};
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<ClusterWorld>] = cases![
    host_aliases_are_by_address,
    containers_are_by_name,
    env_is_by_name,
    container_ports_are_by_number_and_protocol,
    volumes_and_mounts_are_by_name_and_path,
    service_ports_are_by_number_and_protocol,
    finalizers_are_a_set,
    image_pull_secrets_are_by_name,
    other_lists_are_whole,
    an_item_changes_in_place,
    items_keep_the_order_that_was_sent,
    an_item_of_two_managers_stays,
    rules_of_roles_are_whole,
];

const POD: &str = "/spec/template/spec";

/// The part of the case's Deployment that has these fields in its pods' spec.
fn part(world: &ClusterWorld, spec: Value) -> Value {
    with(&world.object("apps/v1", "Deployment", "web"), "/spec", json!({"template": {"spec": spec}}))
}

/// The part with these fields in the container.
fn in_container(world: &ClusterWorld, fields: Value) -> Value {
    let mut container = fields;
    container["name"] = json!("main");
    part(world, json!({"containers": [container]}))
}

fn fields_of_pod(object: &hactl_kube::Object, manager: &str) -> Value {
    owned(object, manager).pointer("/f:spec/f:template/f:spec").cloned().unwrap_or_default()
}

async fn host_aliases_are_by_address(world: &ClusterWorld) {
    let alias = |ip: &str, name: &str| json!({"ip": ip, "hostnames": [name]});
    world.apply(&world.idle()).await;
    let of_ours = part(world, json!({"hostAliases": [alias("192.0.2.1", "a.example.com")]}));
    let third = Applying { manager: "contract-third", ..OURS };
    world.apply_as(&of_ours, third).await;
    let both =
        world.apply_as(&part(world, json!({"hostAliases": [alias("192.0.2.2", "b.example.com")]})), THEIRS).await;
    let mut found = at(&both, "/spec/template/spec/hostAliases").as_array().unwrap().clone();
    found.sort_by_key(|alias| alias["ip"].to_string());
    assert_eq!(found, [alias("192.0.2.1", "a.example.com"), alias("192.0.2.2", "b.example.com")]);
    let entry = json!({".": {}, "f:ip": {}, "f:hostnames": {}});
    assert_eq!(fields_of_pod(&both, third.manager), json!({"f:hostAliases": {"k:{\"ip\":\"192.0.2.1\"}": entry}}));

    let other = part(world, json!({"hostAliases": [alias("192.0.2.1", "c.example.com")]}));
    let Err(ClusterError::Conflict { conflicts }) = world.try_apply(&other, THEIRS).await else {
        panic!("it is no conflict");
    };
    assert_eq!(conflicts[0].field, ".spec.template.spec.hostAliases[ip=\"192.0.2.1\"].hostnames");
    assert_eq!(conflicts[0].manager, third.manager);

    let left = world.apply_as(&part(world, json!({})), third).await;
    assert_eq!(at(&left, "/spec/template/spec/hostAliases"), json!([alias("192.0.2.2", "b.example.com")]));
    let left = world.apply_as(&world.object("apps/v1", "Deployment", "web"), THEIRS).await;
    assert_eq!(at(&left, "/spec/template/spec/hostAliases"), Value::Null);
    assert_eq!(fields_of_pod(&left, THEIRS.manager), Value::Null);
}

async fn containers_are_by_name(world: &ClusterWorld) {
    world.apply(&world.idle()).await;
    let side = json!({"name": "side", "image": "busybox:1.36"});
    let both = world.apply_as(&part(world, json!({"containers": [side]})), THEIRS).await;
    let names = |object: &hactl_kube::Object| -> Vec<String> {
        let containers = at(object, "/spec/template/spec/containers");
        containers.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&both), ["main", "side"]);
    assert_eq!(names(&world.apply(&world.idle()).await), ["main", "side"]);
    let left = world.apply_as(&world.object("apps/v1", "Deployment", "web"), THEIRS).await;
    assert_eq!(names(&left), ["main"]);
}

async fn env_is_by_name(world: &ClusterWorld) {
    let path = format!("{POD}/containers/0/env");
    let idle = with(&world.idle(), &path, json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
    world.apply(&idle).await;
    let theirs = in_container(world, json!({"env": [{"name": "C", "value": "3"}]}));
    let both = world.apply_as(&theirs, THEIRS).await;
    assert_eq!(at(&both, &path).as_array().map(Vec::len), Some(3));
    assert_eq!(
        fields_of_pod(&both, THEIRS.manager),
        json!({"f:containers": {"k:{\"name\":\"main\"}": {".": {}, "f:name": {}, "f:env": {
            "k:{\"name\":\"C\"}": {".": {}, "f:name": {}, "f:value": {}}}}}})
    );
    let less = world.apply(&with(&idle, &path, json!([{"name": "B", "value": "2"}]))).await;
    let mut names: Vec<String> =
        at(&less, &path).as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["B", "C"]);
    // From a value to a reference: the one goes, the other comes.
    let field = json!({"fieldRef": {"fieldPath": "metadata.name"}});
    let changed = world.apply(&with(&idle, &path, json!([{"name": "B", "valueFrom": field}]))).await;
    let env = at(&changed, &path);
    let found = env.as_array().unwrap().iter().find(|one| one["name"] == "B").unwrap();
    assert_eq!(found.get("value"), None);
    assert_eq!(found["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name");
}

async fn container_ports_are_by_number_and_protocol(world: &ClusterWorld) {
    let port = |number: u16, protocol: &str| json!({"containerPort": number, "protocol": protocol});
    let path = format!("{POD}/containers/0/ports");
    world.apply(&with(&world.idle(), &path, json!([port(53, "TCP"), port(80, "TCP")]))).await;
    let both = world.apply_as(&in_container(world, json!({"ports": [port(53, "UDP")]})), THEIRS).await;
    assert_eq!(at(&both, &path).as_array().map(Vec::len), Some(3));
    let fields = fields_of_pod(&both, THEIRS.manager);
    let ports = fields.pointer("/f:containers/k:{\"name\":\"main\"}/f:ports").unwrap();
    let entry = json!({".": {}, "f:containerPort": {}, "f:protocol": {}});
    assert_eq!(ports, &json!({"k:{\"containerPort\":53,\"protocol\":\"UDP\"}": entry}));
    let less = world.apply(&with(&world.idle(), &path, json!([port(80, "TCP")]))).await;
    let mut left = at(&less, &path).as_array().unwrap().clone();
    left.sort_by_key(|port| port["containerPort"].as_u64());
    assert_eq!(left, [port(53, "UDP"), port(80, "TCP")]);
}

async fn volumes_and_mounts_are_by_name_and_path(world: &ClusterWorld) {
    let volume = |name: &str| json!({"name": name, "emptyDir": {}});
    let mount = |name: &str, path: &str| json!({"name": name, "mountPath": path});
    let spec = |names: [&str; 2]| {
        let mounts: Vec<Value> = names.iter().map(|name| mount(name, &format!("/{name}"))).collect();
        let idle = with(&world.idle(), &format!("{POD}/volumes"), names.map(volume).into_iter().collect());
        with(&idle, &format!("{POD}/containers/0/volumeMounts"), Value::Array(mounts))
    };
    world.apply(&spec(["a", "b"])).await;
    let theirs =
        json!({"volumes": [volume("c")], "containers": [{"name": "main", "volumeMounts": [mount("c", "/c")]}]});
    world.apply_as(&part(world, theirs), THEIRS).await;
    let changed = world.apply(&spec(["b", "d"])).await;
    let names = |path: &str, key: &str| {
        let list = at(&changed, path).as_array().unwrap().clone();
        let mut names: Vec<String> = list.iter().map(|one| one[key].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&format!("{POD}/volumes"), "name"), ["b", "c", "d"]);
    assert_eq!(names(&format!("{POD}/containers/0/volumeMounts"), "mountPath"), ["/b", "/c", "/d"]);
}

async fn service_ports_are_by_number_and_protocol(world: &ClusterWorld) {
    let port = |name: &str, number: u16, protocol: &str| json!({"name": name, "port": number, "protocol": protocol});
    let service = |ports: Value| with(&world.service(), "/spec/ports", ports);
    world.apply(&service(json!([port("dns", 53, "TCP"), port("web", 80, "TCP")]))).await;
    let theirs = with(&world.object("v1", "Service", "web"), "/spec", json!({"ports": [port("dns-udp", 53, "UDP")]}));
    world.apply_as(&theirs, THEIRS).await;
    let changed = world.apply(&service(json!([port("web", 81, "TCP"), port("dns", 53, "TCP")]))).await;
    let mut found: Vec<(String, u64)> = at(&changed, "/spec/ports")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one["port"].as_u64().unwrap()))
        .collect();
    found.sort();
    assert_eq!(found, [("dns".to_owned(), 53), ("dns-udp".to_owned(), 53), ("web".to_owned(), 81)]);
    assert_eq!(
        owned(&changed, THEIRS.manager),
        json!({"f:spec": {"f:ports": {"k:{\"port\":53,\"protocol\":\"UDP\"}": {
            ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}}}}})
    );
}

async fn finalizers_are_a_set(world: &ClusterWorld) {
    let map = |names: &[&str]| with(&world.config_map(json!({"a": "1"})), "/metadata/finalizers", json!(names));
    world.apply(&map(&["example.com/a", "example.com/b"])).await;
    let both = world.apply_as(&map(&["example.com/b", "example.com/c"]), THEIRS).await;
    let mut found = both.finalizers();
    found.sort_unstable();
    assert_eq!(found, ["example.com/a", "example.com/b", "example.com/c"]);
    let expected = json!({"f:data": {"f:a": {}}, "f:metadata": {"f:finalizers": {"v:\"example.com/b\"": {}, "v:\"example.com/c\"": {}}}});
    assert_eq!(owned(&both, THEIRS.manager), expected);
    let left = world.apply(&world.config_map(json!({"a": "1"}))).await;
    assert_eq!(left.finalizers(), ["example.com/b", "example.com/c"]);
}

async fn image_pull_secrets_are_by_name(world: &ClusterWorld) {
    let secrets = |name: &str| json!({"imagePullSecrets": [{"name": name}]});
    world.apply(&world.idle()).await;
    world.apply_as(&part(world, secrets("a")), THEIRS).await;
    let third = Applying { manager: "contract-third", ..OURS };
    let both = world.apply_as(&part(world, secrets("b")), third).await;
    assert_eq!(at(&both, "/spec/template/spec/imagePullSecrets").as_array().map(Vec::len), Some(2));
    let left = world.apply_as(&part(world, json!({})), THEIRS).await;
    assert_eq!(at(&left, "/spec/template/spec/imagePullSecrets"), json!([{"name": "b"}]));
}

async fn other_lists_are_whole(world: &ClusterWorld) {
    let toleration = |key: &str| json!([{"key": key, "operator": "Exists"}]);
    for (one, other, field) in [
        (
            part(world, json!({"tolerations": toleration("a")})),
            part(world, json!({"tolerations": toleration("b")})),
            ".spec.template.spec.tolerations",
        ),
        (
            in_container(world, json!({"args": ["a", "b"]})),
            in_container(world, json!({"args": ["a"]})),
            ".spec.template.spec.containers[name=\"main\"].args",
        ),
        (
            with(
                &world.object("apps/v1", "Deployment", "web"),
                "/spec",
                json!({"selector": {"matchLabels": {"app": "web"}}}),
            ),
            with(
                &world.object("apps/v1", "Deployment", "web"),
                "/spec",
                json!({"selector": {"matchLabels": {"app": "other"}}}),
            ),
            ".spec.selector",
        ),
    ] {
        world.apply(&world.idle()).await;
        world.apply_as(&one, THEIRS).await;
        let third = Applying { manager: "contract-third", dry_run: true, ..OURS };
        let Err(ClusterError::Conflict { conflicts }) = world.try_apply(&other, third).await else {
            panic!("it is no conflict: {other}");
        };
        assert!(conflicts.iter().all(|conflict| conflict.field == field), "{conflicts:?}");
        assert!(conflicts.iter().any(|conflict| conflict.manager == THEIRS.manager), "{conflicts:?}");
    }
}

async fn an_item_changes_in_place(world: &ClusterWorld) {
    let path = format!("{POD}/containers/0/env");
    let env = |a: &str, b: &str| json!([{"name": "A", "value": a}, {"name": "B", "value": b}]);
    world.apply(&with(&world.idle(), &path, env("1", "2"))).await;
    let changed = world.apply(&with(&world.idle(), &path, env("1", "3"))).await;
    assert_eq!(at(&changed, &path), env("1", "3"));
}

async fn items_keep_the_order_that_was_sent(world: &ClusterWorld) {
    let path = format!("{POD}/containers/0/env");
    let env = |names: &[&str]| {
        let env: Vec<Value> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        with(&world.idle(), &path, Value::Array(env))
    };
    for names in [&["B", "A", "C"][..], &["C", "B", "A"], &["D", "C", "A"], &["A"], &["A", "Z", "B"]] {
        let applied = world.apply(&env(names)).await;
        let found = at(&applied, &path);
        let found: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(found, names);
    }
}

async fn an_item_of_two_managers_stays(world: &ClusterWorld) {
    let idle = world.idle();
    let aliases = |names: Value| part(world, json!({"hostAliases": [{"ip": "192.0.2.1", "hostnames": names}]}));
    world.apply(&idle).await;
    world.apply_as(&aliases(json!(["a"])), THEIRS).await;
    let third = Applying { manager: "contract-third", ..OURS };
    world.apply_as(&aliases(json!(["a"])), third).await;
    let left = world.apply_as(&part(world, json!({})), third).await;
    assert_eq!(at(&left, "/spec/template/spec/hostAliases"), json!([{"ip": "192.0.2.1", "hostnames": ["a"]}]));
    // Who owns the item alone takes all of it along.
    let env = |value: Value| in_container(world, json!({"env": [value]}));
    world.apply_as(&env(json!({"name": "A", "value": "1"})), THEIRS).await;
    world.apply_as(&env(json!({"name": "A", "value": "1"})), third).await;
    let left = world.apply_as(&part(world, json!({})), THEIRS).await;
    assert_eq!(at(&left, "/spec/template/spec/containers/0/env"), json!([{"name": "A", "value": "1"}]));
    let left = world.apply_as(&part(world, json!({})), third).await;
    assert_eq!(at(&left, "/spec/template/spec/containers/0/env"), Value::Null);
}

async fn rules_of_roles_are_whole(world: &ClusterWorld) {
    let role = |verbs: &[&str]| {
        let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]);
        with(&world.object("rbac.authorization.k8s.io/v1", "Role", "web"), "/rules", rules)
    };
    let made = world.apply(&role(&["get"])).await;
    assert_eq!(owned(&made, OURS.manager), json!({"f:rules": {}}));
    let refused = world.try_apply(&role(&["get", "list"]), THEIRS).await;
    assert!(matches!(refused, Err(ClusterError::Conflict { .. })), "{refused:?}");
    assert_eq!(at(&world.apply(&role(&["list"])).await, "/rules/0/verbs"), json!(["list"]));
}
