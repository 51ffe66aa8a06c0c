//! What the journal of an apply costs, from its first record to the state that takes its place: linear in the steps.

use std::path::Path;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion};
use hactl_core::plan::Operation;
use hactl_core::state::{Intent, Outcome, ResourceState, State};
use hactl_core::value::Map;
use hactl_core::{Address, Digest, Value};
use hactl_state::{FORMAT, Header, Journal, Record, Store};
use tempfile::TempDir;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("journal");
    for steps in [5_000, 10_000] {
        apply(steps)?;
        group.bench_with_input(BenchmarkId::from_parameter(steps), &steps, |bencher, &steps| {
            bencher.iter(|| apply(steps).map_err(|error| error.to_string()));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// An apply that makes so many resources one after the other, is read by somebody else half-way, dies, and is taken over.
fn apply(steps: usize) -> Result<(), Failure> {
    let directory = directory()?;
    let store = Store::new(directory.path(), "bench");
    let header = Header {
        format: FORMAT,
        stack: "bench".to_owned(),
        lineage: LINEAGE.to_owned(),
        serial: 1,
        base: None,
        plan: Digest::sha256(b"the plan"),
        encryption: None,
    };
    let mut journal = Journal::create(&store, &header)?;
    let mut state = State::new("bench", LINEAGE);
    for step in 0..steps {
        let address = Address::new("file", &format!("f{step}"), Some("node1"));
        let intent = Intent { operation: Operation::Create, resource: Some(resource(step)) };
        let outcome = Outcome::Done(Map::new());
        for record in [Record::Intent { address: address.clone(), intent }, Record::Outcome { address, outcome }] {
            journal.append(std::slice::from_ref(&record))?;
            record.fold(&mut state);
        }
        if step == steps / 2 {
            store.load()?;
        }
    }
    drop(journal);
    let recovered = store.recover(store.load()?)?;
    if recovered.state.map(|recovered| recovered.resources.len()) != Some(steps) {
        return Err("the journal does not hold every step".into());
    }
    Ok(())
}

const LINEAGE: &str = "6f2d6c5e-3c0b-4a53-9f0e-0a4de3f4b1c2";

/// In memory where the machine has a place for that: what is measured is hactl, not the disk.
#[expect(clippy::disallowed_methods, reason = "where the bench writes is no effect of hactl's")]
fn directory() -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::Builder::new().tempdir_in(memory) } else { tempfile::tempdir() }
}

fn resource(number: usize) -> ResourceState {
    let spec = [("path", format!("/srv/f{number}")), ("content", "hello\n".repeat(20)), ("mode", "0644".to_owned())];
    ResourceState {
        node: Some("node1".into()),
        spec: Arc::new(Value::Map(spec.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect())),
        outputs: Map::new(),
        generation: format!("{number:016x}"),
        dependencies: Vec::new(),
        protect: false,
        notified: false,
        unproven: false,
        lost: false,
        previous: None,
    }
}
