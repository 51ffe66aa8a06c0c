//! Writing the state file and reading it back.

use std::fs;
use std::os::unix::fs::symlink;

use hactl_core::plan::Operation;
use hactl_core::state::{Intent, Outcome};
use hactl_core::{Digest, Value};
use hactl_state::{Journal, Record, Store};
use proptest::prelude::*;

use crate::samples::{LINEAGE, address, header, resource, saved_plan, small, states};

#[test]
fn a_stack_that_was_never_applied_has_no_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(&directory.path().join("state"), "web");
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state, None);
    assert_eq!(loaded.digest, None);
    assert!(!store.directory().exists(), "reading makes nothing");
}

#[test]
fn the_first_save_makes_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(&directory.path().join("deep/state"), "web");
    let digest = store.save(&small(1)).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state, Some(small(1)));
    assert_eq!(loaded.digest, Some(digest));
}

#[test]
fn the_checksum_covers_all_lines_but_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let digest = store.save(&small(1)).unwrap();
    let text = fs::read_to_string(store.state_path()).unwrap();
    let (content, _) = text.split_once("  \"sha256\"").unwrap();
    assert_eq!(Digest::sha256(content.as_bytes()), digest);
    insta::assert_snapshot!(text.replace(&digest.to_string(), "DIGEST"), @r#"
    {
      "format": 1,
      "stack": "web",
      "lineage": "6f2d6c5e-3c0b-4a53-9f0e-0a4de3f4b1c2",
      "serial": 1,
      "resources": {
        "file.site[\"node1\"]": {
          "spec": {
            "path": "/srv/site"
          }
        }
      },
      "sha256": "DIGEST"
    }
    "#);
}

#[test]
fn a_checkout_with_other_line_ends_reads_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let digest = store.save(&small(1)).unwrap();
    let text = fs::read_to_string(store.state_path()).unwrap();
    fs::write(store.state_path(), text.replace('\n', "\r\n")).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state, Some(small(1)));
    assert_eq!(loaded.digest, Some(digest));
}

#[test]
fn what_a_killed_save_left_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(1)).unwrap();
    fs::write(directory.path().join(".web.json.new"), "{\"format\": 1, ").unwrap();
    assert_eq!(store.load().unwrap().state, Some(small(1)));
    store.save(&small(2)).unwrap();
    assert_eq!(store.load().unwrap().state, Some(small(2)));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_save_that_fails_leaves_the_old_state() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(1)).unwrap();
    fs::create_dir(directory.path().join(".web.json.new")).unwrap();
    store.save(&small(2)).unwrap_err();
    assert_eq!(store.load().unwrap().state, Some(small(1)));
}

#[test]
fn large_states_are_sealed_in_pieces() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let mut state = small(1);
    for number in 0..2_000 {
        let text = "x".repeat(number % 200);
        state.resources.insert(address(&format!("file.f{number}[\"node1\"]")), resource(Value::from(text)));
    }
    state.resources.insert(address("file.large"), resource(Value::from("y".repeat(200_000))));
    store.save(&state).unwrap();
    assert_eq!(store.load().unwrap().state, Some(state));
}

#[test]
fn a_run_from_lock_to_finish() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let site = address("file.site[\"node1\"]");
    let mut state = hactl_core::state::State::new("web", LINEAGE);
    state.serial = 1;
    let mut journal = Journal::create(&store, &header(1)).unwrap();
    let records = [
        Record::Intent {
            address: site.clone(),
            intent: Intent { operation: Operation::Create, resource: Some(resource(Value::Null)) },
        },
        Record::Outcome { address: site.clone(), outcome: Outcome::Done(hactl_core::value::Map::new()) },
    ];
    for record in records {
        journal.append(std::slice::from_ref(&record)).unwrap();
        record.fold(&mut state);
    }
    assert_eq!(store.load().unwrap().state.as_ref(), Some(&state));
    assert!(store.load().unwrap().journal.is_some());
    let digest = journal.finish(&state).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state, Some(state));
    assert_eq!(loaded.digest, Some(digest));
    assert!(loaded.journal.is_none());
    assert!(!store.journal_path().exists());
    saved_plan(&store).check_fresh(&loaded, hactl_state::World::Real).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_saved_is_loaded(state in states(7)) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), "web");
        let digest = store.save(&state).unwrap();
        let first = fs::read(store.state_path()).unwrap();
        let loaded = store.load().unwrap();
        prop_assert_eq!(loaded.state.as_ref(), Some(&state));
        prop_assert_eq!(loaded.digest, Some(digest));
        store.save(&state).unwrap();
        prop_assert_eq!(first, fs::read(store.state_path()).unwrap());
    }

    #[test]
    fn no_byte_changes_unnoticed(state in states(7), place: prop::sample::Index, flip in 1..=255u8) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), "web");
        store.save(&state).unwrap();
        let mut bytes = fs::read(store.state_path()).unwrap();
        // The last line end and the brace before it may be any white space; what is before may not.
        let end = bytes.len() - "\n}\n".len();
        bytes[place.index(end)] ^= flip;
        fs::write(store.state_path(), &bytes).unwrap();
        match store.load() {
            Err(_) => {}
            // Hexadecimal digits may be in upper case, and a line end may gain a carriage return.
            Ok(loaded) => prop_assert_eq!(loaded.state, Some(state)),
        }
    }

    #[test]
    fn no_cut_is_unnoticed(state in states(7), place: prop::sample::Index) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), "web");
        store.save(&state).unwrap();
        let bytes = fs::read(store.state_path()).unwrap();
        fs::write(store.state_path(), &bytes[..place.index(bytes.len() - 1)]).unwrap();
        prop_assert!(store.load().is_err());
    }
}

#[test]
fn a_link_stays_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let store = Store::new(&directory.path().join("state"), "web");
    fs::create_dir(store.directory()).unwrap();
    symlink("../elsewhere/link.json", store.state_path()).unwrap();
    symlink("real.json", elsewhere.join("link.json")).unwrap();
    for serial in [1, 2] {
        store.save(&small(serial)).unwrap();
        assert_eq!(store.load().unwrap().state, Some(small(serial)));
        assert!(fs::symlink_metadata(store.state_path()).unwrap().is_symlink());
        assert!(fs::symlink_metadata(elsewhere.join("link.json")).unwrap().is_symlink());
        assert!(fs::symlink_metadata(elsewhere.join("real.json")).unwrap().is_file());
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 2, "nothing is left beside the file");
}

#[test]
fn a_serial_that_nobody_can_have_counted_to_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&hactl_core::state::State { serial: u64::MAX, ..small(1) }).unwrap();
    let error = store.load().unwrap_err();
    assert!(error.to_string().contains("no state has the serial 18446744073709551615"), "{error}");
}
