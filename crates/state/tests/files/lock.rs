//! The lock.

use std::fs;
use std::time::Duration;

use hactl_state::{Holder, StateError, Store};

#[test]
fn one_run_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(&directory.path().join("state"), "web");
    let guard = store.lock("apply", Duration::ZERO).unwrap();
    let error = store.lock("destroy", Duration::ZERO).unwrap_err();
    let StateError::Locked { holder: Some(holder), .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(holder.operation, "apply");
    assert_eq!(holder.pid, std::process::id());
    assert!(!holder.host.is_empty());
    drop(guard);
    let _guard = store.lock("destroy", Duration::ZERO).unwrap();
    let note = fs::read(store.lock_path()).unwrap();
    let holder: Holder = serde_json::from_slice(&note).unwrap();
    assert_eq!(holder.operation, "destroy");
}

#[test]
fn the_lock_of_another_stack_is_another() {
    let directory = tempfile::tempdir().unwrap();
    let _web = Store::new(directory.path(), "web").lock("apply", Duration::ZERO).unwrap();
    let _api = Store::new(directory.path(), "api").lock("apply", Duration::ZERO).unwrap();
}

#[test]
fn a_file_that_a_dead_run_left_locks_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    fs::write(store.lock_path(), "{\"operation\":\"apply\", …").unwrap();
    let _guard = store.lock("apply", Duration::ZERO).unwrap();
}

#[test]
fn who_waits_gets_the_lock_when_it_is_let_go() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let guard = store.lock("apply", Duration::ZERO).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.lock("destroy", Duration::from_secs(60)).map(drop));
        drop(guard);
        waiting.join().unwrap().unwrap();
    });
}
