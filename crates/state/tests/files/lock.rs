//! The lock.

use std::fs;
use std::time::Duration;

use hactl_state::{Holder, Locked, StateError, Store};

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

#[test]
fn whoever_asks_is_told_who_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    assert_eq!(store.locked_by().unwrap(), Locked::Nobody);
    let guard = store.lock("apply", Duration::ZERO).unwrap();
    let Locked::By(holder) = store.locked_by().unwrap() else { panic!() };
    assert_eq!((holder.operation.as_str(), holder.pid), ("apply", std::process::id()));
    fs::write(store.lock_path(), "").unwrap();
    assert_eq!(store.locked_by().unwrap(), Locked::Unknown);
    drop(guard);
    assert_eq!(store.locked_by().unwrap(), Locked::Nobody);
}

#[test]
fn who_waits_is_told_for_whom() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let guard = std::cell::Cell::new(Some(store.lock("apply", Duration::ZERO).unwrap()));
    let mut told = Vec::new();
    let mut tell = |holder: &Holder| {
        told.push(holder.operation.clone());
        drop(guard.take());
    };
    let _guard = store.lock_telling("destroy", Duration::from_secs(60), &mut tell).unwrap();
    assert_eq!(told, ["apply"]);
}

#[test]
fn a_run_that_died_is_not_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let guard = store.lock("apply", Duration::ZERO).unwrap();
    let mut dead = std::process::Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let note = fs::read_to_string(store.lock_path()).unwrap();
    let pid = std::process::id().to_string();
    fs::write(store.lock_path(), note.replace(&pid, &dead.id().to_string())).unwrap();
    let error = store.lock("destroy", Duration::ZERO).unwrap_err();
    assert!(matches!(error, StateError::Locked { holder: None, .. }), "{error}");
    drop(guard);
}
