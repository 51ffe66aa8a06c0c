//! Saved plans.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use hactl_state::{SavedPlan, StateError, Store, World};

use crate::samples::{encryption, rendered, saved_plan, small};

#[test]
fn what_is_saved_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(2)).unwrap();
    let saved = SavedPlan { encryption: Some(encryption()), ..saved_plan(&store) };
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
    saved_plan(&store).write(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    saved_plan(&store).write(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn nothing_but_a_saved_plan_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(2)).unwrap();
    let saved = saved_plan(&store);
    let named = |name: &str| directory.path().join(name);
    fs::write(named("hactl.yaml"), "hactl: 1\n").unwrap();
    fs::write(named("config.json"), r#"{"hactl": 1, "name": "web"}"#).unwrap();
    fs::create_dir(named("directory")).unwrap();
    saved.write(&named("good.plan")).unwrap();
    symlink("good.plan", named("link")).unwrap();
    symlink("nowhere", named("dangling")).unwrap();
    for name in ["hactl.yaml", "config.json", "web.json", "directory", "link", "dangling"] {
        let before = fs::read(named(name)).ok();
        let error = saved.write(&named(name)).unwrap_err();
        assert!(matches!(error, StateError::NotReplaced { .. }), "{name}: {error}");
        assert_eq!(fs::read(named(name)).ok(), before, "{name}");
    }
    let device = saved.write(Path::new("/dev/null")).unwrap_err();
    assert!(matches!(device, StateError::NotReplaced { .. }), "{device}");
    let error = saved.write(&named("hactl.yaml")).unwrap_err();
    insta::assert_snapshot!(rendered(error, directory.path()), @r#"
    error: DIR/hactl.yaml exists and is no saved plan; it is left alone
      help: name another file with `--out`
    "#);
}

#[test]
fn a_saved_plan_is_replaced_whatever_became_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let saved = saved_plan(&store);
    let path = directory.path().join("change.plan");
    saved.write(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let newer = text.replacen("\"format\": 1", "\"format\": 20", 1);
    let edited = text.replace("web", "api");
    assert_ne!(edited, text);
    for before in ["", &text, &text[..text.len() / 2], &newer, &edited, &format!("{text}more")] {
        fs::write(&path, before).unwrap();
        saved.write(&path).unwrap();
        assert_eq!(SavedPlan::read(&path).unwrap(), saved);
    }
}
