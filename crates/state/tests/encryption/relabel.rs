//! Secrets that get another address.

use std::sync::Arc;

use hactl_core::state::ResourceState;
use hactl_core::value::Map;
use hactl_core::{Address, Value};
use hactl_state::encryption::{label, names_its_address, relabel};

use crate::support::{identity, sealed, vault};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

#[test]
fn values_and_digests_stay_and_open_under_the_new_address_alone() {
    let directory = tempfile::tempdir().unwrap();
    let [alice, bob] = ["alice", "bob"].map(|name| identity(&directory, name));
    let vault = vault(&[&alice]);
    let (old, new) = (address("secret.db"), address("secret.database"));
    let password = vault.seal(&label::resource_output(&old, "value"), &Value::from("hunter2"), None).unwrap();
    let outputs = Map::from([("value".to_owned(), password.clone()), ("public".to_owned(), Value::from("yes"))]);
    let resource = ResourceState {
        node: None,
        spec: Arc::new(Value::Null),
        outputs,
        generation: String::new(),
        dependencies: Vec::new(),
        protect: false,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    };
    assert!(names_its_address(&resource));
    let renamed = relabel(&resource, &old, &new, &vault, &alice).unwrap();
    assert_eq!(renamed["public"], Value::from("yes"));
    let entry = sealed(&renamed["value"]);
    assert_eq!(entry.digest, sealed(&password).digest);
    let open = |at: &Address| vault.unseal(&label::resource_output(at, "value"), &entry, &alice);
    assert_eq!(open(&new).unwrap().expose(), &Value::from("hunter2"));
    assert!(open(&old).is_err());
    assert_eq!(relabel(&resource, &old, &new, &vault, &bob).unwrap_err().len(), 1);
    assert_eq!(relabel(&resource, &new, &old, &vault, &alice).unwrap_err().len(), 1);
}
