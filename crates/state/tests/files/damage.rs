//! Damage to journals and saved plans is noticed, wherever it is; to states, `state_file` looks.

use std::fs;

use hactl_state::{Journal, SavedPlan, Store};
use proptest::prelude::*;

use crate::samples::{header, records, saved_plan, small};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_byte_of_a_plan_changes_unnoticed(place: prop::sample::Index, flip in 1..=255u8) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("change.plan");
        let saved = saved_plan(&Store::new(directory.path(), "web"));
        saved.write(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        fs::write(&path, &bytes).unwrap();
        // Space around the document is none of its content.
        if let Ok(read) = SavedPlan::read(&path) {
            prop_assert_eq!(read, saved);
            prop_assert!(bytes[place].is_ascii_whitespace());
        }
    }

    #[test]
    fn no_cut_of_a_plan_is_unnoticed(place: prop::sample::Index) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("change.plan");
        saved_plan(&Store::new(directory.path(), "web")).write(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        // Without its line end it is whole.
        fs::write(&path, &bytes[..place.index(bytes.len() - 1)]).unwrap();
        prop_assert!(SavedPlan::read(&path).is_err());
    }

    /// A damaged last line is taken for one that was being written when the run died: it does not count. So is what is the
    /// last line because the end of the one before was damaged.
    #[test]
    fn no_byte_of_a_journal_changes_unnoticed(
        all in prop::collection::vec(records(), 1..6), place: prop::sample::Index, flip in 1..=255u8
    ) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), "web");
        store.save(&small(1)).unwrap();
        Journal::create(&store, &header(2)).unwrap().append(&all).unwrap();
        let mut bytes = fs::read(store.journal_path()).unwrap();
        let place = place.index(bytes.len());
        let line = bytes[..place].iter().filter(|byte| **byte == b'\n').count();
        let last = line == all.len() || (bytes[place] == b'\n' && line + 1 == all.len());
        bytes[place] ^= flip;
        fs::write(store.journal_path(), &bytes).unwrap();
        match store.load() {
            Ok(loaded) => {
                prop_assert!(last, "damage of line {line} of {} was not noticed", all.len());
                prop_assert_eq!(loaded.journal.map_or(0, |journal| journal.records), line.saturating_sub(1));
            }
            // A line end in its middle makes two of the last line, of which one is not the last.
            Err(_) => prop_assert!(line < all.len() || bytes[place] == b'\n', "the last line may be incomplete"),
        }
    }
}
