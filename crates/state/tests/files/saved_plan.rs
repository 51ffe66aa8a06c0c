//! Saved plans.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hactl_state::{SavedPlan, Store, World};

use crate::samples::{saved_plan, small};

#[test]
fn what_is_saved_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(2)).unwrap();
    let saved = saved_plan(&store);
    let path = directory.path().join("change.plan");
    saved.write(&path).unwrap();
    let read = SavedPlan::read(&path).unwrap();
    assert_eq!(read, saved);
    read.check_fresh(&store.load().unwrap(), World::Real).unwrap();
}

#[test]
fn only_the_owner_can_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let path = directory.path().join("change.plan");
    fs::write(&path, "open to all").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    saved_plan(&store).write(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
