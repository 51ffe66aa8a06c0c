//! One state of every format ever released, in `state/` at the top of the repository, still reads; and is written the
//! same while the format is the current one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hactl_core::node::{Connection, HostKeys, Method};
use hactl_core::plan::Operation;
use hactl_core::resource::Dependency;
use hactl_core::state::{Intent, NodeState, ResourceState, State};
use hactl_core::{Digest, Value};
use hactl_state::Store;

use crate::samples::{LINEAGE, address, connection, map, resource};
use crate::schema;

#[test]
fn format_1_reads_as_it_was_meant() {
    let loaded = Store::new(&folder().join("v1"), "golden").load().unwrap();
    assert_eq!(loaded.state, Some(golden()));
}

#[test]
fn format_1_is_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "golden");
    store.save(&golden()).unwrap();
    let written = fs::read_to_string(store.state_path()).unwrap();
    let kept = fs::read_to_string(folder().join("v1/golden.json")).unwrap();
    assert_eq!(written, kept);
}

#[test]
fn the_schema_says_what_format_1_is() {
    let schema = schema::read(&folder().join("state.schema.json"));
    let state = schema::read(&folder().join("v1/golden.json"));
    assert_eq!(schema::violations(&schema, &state), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_format_1_is_not() {
    let schema = schema::read(&folder().join("state.schema.json"));
    let good = schema::read(&folder().join("v1/golden.json"));
    for (pointer, value) in [
        ("/serial", "-1"),
        ("/format", "2"),
        ("/sha256", "\"abc\""),
        ("/resources/container.web[\"node1\"]/protect", "\"yes\""),
        ("/resources/container.web[\"node1\"]/previous", "{}"),
        ("/unfinished/file.site[\"node2\"]/operation", "\"explode\""),
        ("/nodes/node1/connection/method", "\"telnet\""),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        assert!(!schema::violations(&schema, &bad).is_empty(), "{pointer} = {value}");
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../state")
}

/// A state with every field there is.
fn golden() -> State {
    let site = address("file.site[\"node1\"]");
    let web = address("container.web[\"node1\"]");
    let sealed = Value::sealed(Digest::sha256(b"a keyed digest in a real state"));
    let old = ResourceState {
        node: Some("node1".into()),
        generation: "5d0c1f6a".to_owned(),
        outputs: map([("id", Value::from("0f3a"))]),
        ..resource(Value::Map(map([("image", Value::from("registry.example.com/web:1.4"))])))
    };
    let new = ResourceState {
        node: Some("node1".into()),
        spec: Arc::new(Value::Map(map([
            ("env", Value::Map(map([("GREETING", Value::from("hello")), ("TOKEN", sealed.clone())]))),
            ("image", Value::from("registry.example.com/web:1.5")),
            ("memory", Value::Int(268_435_456)),
            ("cpus", Value::Float(1.5)),
            ("ports", Value::from(vec!["8080:80"])),
            ("readOnly", Value::Bool(true)),
            ("user", Value::Null),
        ]))),
        outputs: map([("id", Value::from("77b1"))]),
        generation: "9a3be2c4".to_owned(),
        dependencies: vec![
            Dependency { notify: true, binds: true, ..Dependency::on(site.clone()) },
            Dependency::on(address("network.front")),
        ],
        protect: true,
        notified: true,
        unproven: true,
        previous: Some(Box::new(old)),
    };
    let file = |node: &str| ResourceState {
        node: Some(node.into()),
        ..resource(Value::Map(map([
            ("content", Value::from("line 1\nline \"2\"\té\n")),
            ("path", Value::from("/srv/site/index.html")),
        ])))
    };
    let mut state = State::new("golden", LINEAGE);
    state.serial = 12;
    state.variables = map([("fqdn", Value::from("demo.rancher.com")), ("token", sealed.clone())]);
    state.outputs = map([("token", sealed), ("url", Value::from("https://demo.rancher.com"))]);
    state.nodes.insert(
        "node1".to_owned(),
        NodeState {
            connection: Connection {
                method: Method::Ssh,
                address: "10.0.0.11".to_owned(),
                user: Some("ops".to_owned()),
                port: Some(2222),
                key_path: Some("~/.ssh/id_ed25519".to_owned()),
                bastion: Some("ops@bastion.example.com:22".to_owned()),
                host_keys: HostKeys::AcceptNew,
                docker_socket: Some("/run/docker.sock".to_owned()),
            },
            machine_id: "b08dfa6083e7567a1921a715000001fb".to_owned(),
            engine_id: "d5c3b7c6-6a6e-4a53-8f5e-5e1c7b0a8f11".to_owned(),
        },
    );
    state.nodes.insert(
        "node2".to_owned(),
        NodeState {
            connection: Connection { method: Method::Local, ..connection("localhost") },
            machine_id: String::new(),
            engine_id: String::new(),
        },
    );
    state.resources.insert(site, file("node1"));
    state.resources.insert(web, new);
    state.unfinished.insert(
        address("file.site[\"node2\"]"),
        Intent { operation: Operation::Create, resource: Some(file("node2")) },
    );
    state.unfinished.insert(address("volume.data[\"node2\"]"), Intent { operation: Operation::Delete, resource: None });
    state
}
