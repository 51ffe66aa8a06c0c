//! One state of every format ever released, in `state/` at the top of the repository, still reads; and is written the
//! same while the format is the current one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hactl_core::cluster::{ClusterConnection, Via};
use hactl_core::node::{Connection, HostKeys, Method};
use hactl_core::plan::Operation;
use hactl_core::resource::Dependency;
use hactl_core::state::{ClusterState, Encryption, Intent, NodeState, ResourceState, State};
use hactl_core::value::Sealed;
use hactl_core::{DigestKey, Value};
use hactl_state::Store;
use hactl_state::encryption::{Identities, IdentityPath, Vault, label};

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
    assert_kept("v1/golden.json", &fs::read_to_string(store.state_path()).unwrap());
}

#[test]
fn what_is_encrypted_in_format_1_still_opens() {
    let state = Store::new(&folder().join("v1"), "golden").load().unwrap().state.unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/golden/identity.txt");
    let identities = Identities::load(&IdentityPath { path, named: true }).unwrap().unwrap();
    let vault = Vault::open(state.encryption.as_ref().unwrap(), &identities).unwrap();
    for (label, entry) in [
        (label::variable("token"), &state.variables["token"]),
        (label::output("token"), &state.outputs["token"]),
        (
            label::resource_output(&address("secret.token"), "value"),
            &state.resources[&address("secret.token")].outputs["value"],
        ),
    ] {
        let Value::Sealed(sealed) = entry else { panic!("{label} is not sealed") };
        assert_eq!(vault.unseal(&label, sealed, &identities).unwrap().expose(), &Value::from("hunter2"), "{label}");
    }
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
        ("/encryption/recipients", "[]"),
        ("/encryption/key", "null"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        assert!(!schema::violations(&schema, &bad).is_empty(), "{pointer} = {value}");
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../state")
}

/// Checks that what is written is what is kept. With `HACTL_UPDATE=1` it is kept from now on, which only a format that was
/// never released may be.
pub(crate) fn assert_kept(file: &str, written: &str) {
    let path = folder().join(file);
    if std::env::var_os("HACTL_UPDATE").is_some_and(|update| update == "1") {
        fs::write(&path, written).unwrap();
    }
    assert_eq!(written, fs::read_to_string(path).unwrap());
}

const RECIPIENT: &str = "age1adkz204veckpdnqjkd8zyl9fk6uqqhvnn7jepjzlc69k92d8w3eq7rnjcp";
const KEY: &str = include_str!("golden/encryption.age");
const VARIABLE: &str = include_str!("golden/var.token.age");
const OUTPUT: &str = include_str!("golden/output.token.age");
const ENTRY: &str = include_str!("golden/secret.token.value.age");

/// A variable that is kept encrypted.
pub(crate) fn encrypted_variable() -> Value {
    golden().variables["token"].clone()
}

/// A state with every field there is.
pub(crate) fn golden() -> State {
    let site = address("file.site[\"node1\"]");
    let web = address("container.web[\"node1\"]");
    let digest = DigestKey::new([7; 32]).digest(&Value::from("hunter2"));
    let sealed = Value::sealed(digest);
    let encrypted = |age: &str| Value::Sealed(Arc::new(Sealed { digest, ciphertext: Some(age.into()) }));
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
        lost: true,
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
    state.encryption = Some(Encryption { recipients: vec![RECIPIENT.to_owned()], key: KEY.to_owned() });
    state.variables = map([("fqdn", Value::from("demo.rancher.com")), ("token", encrypted(VARIABLE))]);
    state.outputs = map([("token", encrypted(OUTPUT)), ("url", Value::from("https://demo.rancher.com"))]);
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
    state.cluster = Some(ClusterState {
        connection: ClusterConnection {
            kubeconfig: Some("kube_config_rancher-cluster.yml".to_owned()),
            context: Some("admin".to_owned()),
            via: Some(Via { node: "node1".to_owned(), connection: connection("10.0.0.11") }),
        },
        uid: "0f6c1f0e-8f0b-4f43-9d53-2f6c4a0d9b11".to_owned(),
    });
    state.resources.insert(
        address("secret.token"),
        ResourceState {
            outputs: map([("value", encrypted(ENTRY)), ("notAfter", Value::from("2027-11-22T00:00:00Z"))]),
            ..resource(Value::Map(map([("generate", Value::from("token"))])))
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
