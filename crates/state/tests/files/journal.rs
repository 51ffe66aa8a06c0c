//! The journal: what it tells equals what happened, wherever a run was cut.

use std::fs;

use hactl_core::Digest;
use hactl_core::state::State;
use hactl_state::{Header, Journal, Record, StateError, Store};
use proptest::prelude::*;

use crate::samples::{LINEAGE, address, encryption, header, records, small, states};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cut_journal_tells_what_was_whole(
        before in states(4),
        batches in prop::collection::vec(prop::collection::vec(records(), 1..4), 0..5),
        cut: prop::sample::Index,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), "web");
        store.save(&before).unwrap();
        let mut journal = Journal::create(&store, &header(5)).unwrap();
        let mut live = before.clone();
        live.serial = 5;
        let mut seen = vec![live.clone()];
        for batch in &batches {
            journal.append(batch).unwrap();
            for record in batch {
                record.clone().fold(&mut live);
                seen.push(live.clone());
            }
        }
        drop(journal);
        let running = store.load().unwrap();
        prop_assert_eq!(running.state.as_ref(), Some(&live));

        let whole = fs::read(store.journal_path()).unwrap();
        let cut = cut.index(whole.len() + 1);
        fs::write(store.journal_path(), &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let expected = lines.checked_sub(1).map_or(&before, |records| &seen[records]);
        let loaded = store.load().unwrap();
        prop_assert_eq!(loaded.state.as_ref(), Some(expected));

        let recovered = store.recover(loaded).unwrap();
        prop_assert!(!store.journal_path().exists());
        let again = store.load().unwrap();
        prop_assert_eq!(again.state.as_ref(), Some(expected));
        prop_assert_eq!(again.digest, recovered.digest);
    }
}

#[test]
fn the_first_apply_needs_no_state_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    drop(Journal::create(&store, &header(1)).unwrap());
    let loaded = store.load().unwrap();
    let state = loaded.state.clone().unwrap();
    assert_eq!((state.serial, state.is_empty()), (1, true));
    assert!(loaded.digest.is_some());
    store.recover(loaded).unwrap();
    assert_eq!(store.load().unwrap().state, Some(state));
}

#[test]
fn what_a_first_apply_encrypted_can_be_opened_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let header = Header { encryption: Some(encryption()), ..header(1) };
    drop(Journal::create(&store, &header).unwrap());
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state.as_ref().unwrap().encryption, Some(encryption()));
    store.recover(loaded).unwrap();
    assert_eq!(store.load().unwrap().state.unwrap().encryption, Some(encryption()));
}

#[test]
fn the_first_secret_of_a_stack_brings_its_encryption() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(2)).unwrap();
    drop(Journal::create(&store, &Header { encryption: Some(encryption()), ..header(3) }).unwrap());
    assert_eq!(store.load().unwrap().state.unwrap().encryption, Some(encryption()));
}

#[test]
fn a_header_without_encryption_leaves_that_of_the_state() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&State { encryption: Some(encryption()), ..small(2) }).unwrap();
    drop(Journal::create(&store, &header(3)).unwrap());
    assert_eq!(store.load().unwrap().state.unwrap().encryption, Some(encryption()));
}

#[test]
fn a_bad_last_line_was_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(1)).unwrap();
    let mut journal = Journal::create(&store, &header(2)).unwrap();
    let site = address("file.site[\"node1\"]");
    journal.append(&[Record::Notify(vec![site.clone()])]).unwrap();
    let mut bytes = fs::read(store.journal_path()).unwrap();
    bytes.extend_from_slice(b"00000000 {\"notify\":[]}\n");
    fs::write(store.journal_path(), &bytes).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.journal.as_ref().map(|journal| journal.records), Some(1));
    assert!(loaded.state.unwrap().resources[&site].notified);
}

#[test]
fn records_make_the_loaded_state_another() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let saved = store.save(&small(1)).unwrap();
    let mut journal = Journal::create(&store, &header(2)).unwrap();
    let begun = store.load().unwrap().digest;
    journal.append(&[Record::Notify(Vec::new())]).unwrap();
    let later = store.load().unwrap().digest;
    assert!(begun != Some(saved) && later != begun && later.is_some());
}

#[test]
fn a_journal_that_the_state_holds_already_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(1)).unwrap();
    let mut journal = Journal::create(&store, &header(2)).unwrap();
    let site = address("file.site[\"node1\"]");
    journal.append(&[Record::Notify(vec![site])]).unwrap();
    let copy = fs::read(store.journal_path()).unwrap();
    let digest = journal.finish(&small(2)).unwrap();
    // A kill between putting the state in place and removing the journal leaves this.
    put_back(&store, &copy, digest);
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state, Some(small(2)));
    assert!(loaded.journal.is_none());
    store.recover(loaded).unwrap();
    Journal::create(&store, &header(3)).unwrap();
}

#[test]
fn a_journal_whose_state_did_not_get_into_place_still_counts() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(1)).unwrap();
    let before = fs::read(store.state_path()).unwrap();
    let mut journal = Journal::create(&store, &header(2)).unwrap();
    let site = address("file.site[\"node1\"]");
    journal.append(&[Record::Notify(vec![site.clone()])]).unwrap();
    let copy = fs::read(store.journal_path()).unwrap();
    let digest = journal.finish(&small(2)).unwrap();
    put_back(&store, &copy, digest);
    fs::write(store.state_path(), before).unwrap();
    let loaded = store.load().unwrap();
    assert!(loaded.state.as_ref().unwrap().resources[&site].notified);
    store.recover(loaded).unwrap();
    assert!(store.load().unwrap().state.unwrap().resources[&site].notified);
}

#[test]
fn a_journal_is_neither_overwritten_nor_overtaken() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    store.save(&small(1)).unwrap();
    drop(Journal::create(&store, &header(2)).unwrap());
    let again = Journal::create(&store, &header(2)).unwrap_err();
    assert!(matches!(again, StateError::PendingJournal { .. }));
    let save = store.save(&small(2)).unwrap_err();
    assert!(matches!(save, StateError::PendingJournal { .. }));
}

/// Writes a journal again as it was, and that the state file with this digest holds it.
fn put_back(store: &Store, bytes: &[u8], digest: Digest) {
    let json = format!("{{\"saved\":\"{digest}\"}}");
    let checksum = Digest::sha256(json.as_bytes()).short();
    let mut bytes = bytes.to_vec();
    bytes.extend_from_slice(format!("{checksum} {json}\n").as_bytes());
    fs::write(store.journal_path(), bytes).unwrap();
}

#[test]
fn a_journal_is_not_folded_into_another_state_of_its_serial() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "web");
    let mut state = State::new("web", LINEAGE);
    state.serial = 1;
    let base = store.save(&state).unwrap();
    drop(Journal::create(&store, &Header { base: Some(base), ..header(2) }).unwrap());
    assert!(store.load().unwrap().journal.is_some());
    // As `git checkout` of another branch does.
    state.outputs.insert("url".to_owned(), "https://other".into());
    let other = Store::new(&directory.path().join("other"), "web");
    other.save(&state).unwrap();
    fs::copy(other.state_path(), store.state_path()).unwrap();
    assert!(matches!(store.load(), Err(StateError::UnrelatedJournal { serial: 2, .. })));
}
