//! The golden journal of every format: each kind of record, with every field.

use std::fs;

use hactl_core::plan::Operation;
use hactl_core::state::{Intent, Outcome, State};
use hactl_core::{Digest, Value};
use hactl_state::{FORMAT, Header, Journal, Record, Store};

use crate::golden::{assert_kept, encrypted_variable, folder, golden};
use crate::samples::{LINEAGE, address, map};

#[test]
fn format_1_reads_as_it_was_meant() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "golden");
    fs::copy(folder().join("v1/golden.json"), store.state_path()).unwrap();
    fs::copy(folder().join("v1/golden.journal"), store.journal_path()).unwrap();
    let loaded = store.load().unwrap();
    let mut expected = State { serial: header().serial, encryption: header().encryption, ..golden() };
    records().into_iter().for_each(|record| record.fold(&mut expected));
    assert_eq!(loaded.state, Some(expected));
    let journal = loaded.journal.unwrap();
    assert_eq!((journal.header, journal.records), (header(), records().len() - 1));
}

#[test]
fn format_1_is_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path(), "golden");
    Journal::create(&store, &header()).unwrap().append(&records()).unwrap();
    assert_kept("v1/golden.journal", &fs::read_to_string(store.journal_path()).unwrap());
}

#[test]
fn every_kind_of_record_is_in_it() {
    for record in records() {
        // A new kind of record belongs here, and into the golden journal.
        match record {
            Record::Node { .. }
            | Record::Cluster(_)
            | Record::Intent { .. }
            | Record::Outcome { .. }
            | Record::Notify(_)
            | Record::Saved(_) => {}
        }
    }
}

fn header() -> Header {
    Header {
        format: FORMAT,
        stack: "golden".to_owned(),
        lineage: LINEAGE.to_owned(),
        serial: golden().serial + 1,
        base: Store::new(&folder().join("v1"), "golden").load().unwrap().digest,
        plan: Digest::sha256(b"the plan"),
        encryption: golden().encryption,
    }
}

fn records() -> Vec<Record> {
    let mut state = golden();
    let web = address("container.web[\"node1\"]");
    let resource = state.resources.remove(&web).unwrap();
    let (name, node) = state.nodes.pop_first().unwrap();
    let operations = [
        Operation::Create,
        Operation::Update,
        Operation::Swap,
        Operation::Gate,
        Operation::Settle,
        Operation::Restore,
        Operation::Delete,
        Operation::Forget,
        Operation::Record,
    ];
    let mut records = vec![Record::Node { name, node }, Record::Cluster(state.cluster.unwrap())];
    for (number, operation) in operations.into_iter().enumerate() {
        let address = address(&format!("file.f{number}[\"node1\"]"));
        let gone = matches!(operation, Operation::Delete | Operation::Forget);
        let intent = Intent { operation, resource: (!gone).then(|| resource.clone()) };
        records.push(Record::Intent { address, intent });
    }
    let outputs = map([("id", Value::from("77b1")), ("value", encrypted_variable())]);
    records.push(Record::Outcome { address: address("file.f0[\"node1\"]"), outcome: Outcome::Done(outputs) });
    let why = "no space left on device".to_owned();
    records.push(Record::Outcome { address: address("file.f1[\"node1\"]"), outcome: Outcome::Failed(why) });
    records.push(Record::Notify(vec![address("file.f0[\"node1\"]"), web]));
    // Of a state that did not get into its place, so that the records count.
    records.push(Record::Saved(Digest::sha256(b"the state")));
    records
}
