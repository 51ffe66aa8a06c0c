//! Plans as text, and targets and a journal that write all they see into one log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hactl_core::cluster::{CLUSTER, ClusterConnection};
use hactl_core::diagnostic::Diagnostic;
use hactl_core::moves::Renames;
use hactl_core::node::Connection;
use hactl_core::plan::{Action, Change, Edge, Mode, Operation, Plan, Step, Task, When};
use hactl_core::resolve::Secrets;
use hactl_core::resource::{InPlace, KindRules, Replacement, Rules};
use hactl_core::state::{Outcome, ResourceState, State};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, DigestKey};
use hactl_engine::{
    Applied, Apply, Claim, Identity, Job, Produced, ReadRequest, Reading, Recorder, SeenNode, StepError, Target,
    Targets, apply,
};
use hactl_state::Record;
use tokio::sync::watch;

pub(crate) const RULES: Rules = Rules(&[KindRules {
    kind: "box",
    replacement: Replacement::Swap,
    generations: true,
    in_place: InPlace::Fields(&[]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims: |_| Vec::new(),
}]);

pub(crate) fn connection() -> Connection {
    serde_json::from_str(r#"{"method": "ssh", "address": "10.0.0.1"}"#).unwrap()
}

/// What happens, and what shall go wrong.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) log: Mutex<Vec<String>>,
    /// Steps that fail, as `create box.a@n1`.
    pub(crate) fails: BTreeSet<&'static str>,
    /// Nodes that do not answer.
    pub(crate) down: BTreeSet<&'static str>,
    /// The step that interrupts the apply when it begins.
    pub(crate) interrupts: Option<&'static str>,
    /// The write of the journal that fails, counted from 1.
    pub(crate) full_at: Option<usize>,
    /// What a node shows when it is read.
    pub(crate) readings: BTreeMap<&'static str, Reading>,
    pub(crate) running: Mutex<BTreeMap<String, usize>>,
    pub(crate) most: Mutex<BTreeMap<String, usize>>,
    pub(crate) interrupt: Option<watch::Sender<bool>>,
}

fn hold<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn note(&self, line: impl Into<String>) {
        hold(&self.log).push(line.into());
    }

    pub(crate) fn log(&self) -> String {
        hold(&self.log).join("\n")
    }

    /// The most steps that ran at one time: on a node, or on all (``).
    pub(crate) fn most(&self, node: &str) -> usize {
        hold(&self.most).get(node).copied().unwrap_or_default()
    }

    fn count(&self, node: &str, more: bool) {
        for name in ["", node] {
            let mut running = hold(&self.running);
            let count = running.entry(name.to_owned()).or_default();
            *count = if more { *count + 1 } else { *count - 1 };
            let mut most = hold(&self.most);
            let most = most.entry(name.to_owned()).or_default();
            *most = (*most).max(*count);
        }
    }

    /// Applies a plan to a state.
    pub(crate) fn apply(mut self, plan: &Plan, state: State, parallelism: usize) -> (Applied, Arc<Self>) {
        let (sender, interrupted) = watch::channel(false);
        self.interrupt = Some(sender);
        let world = Arc::new(self);
        let mut recorder = Journal { world: world.clone(), writes: 0 };
        let mut secrets = Secrets { key: Some(DigestKey::new([7; 32])), ..Secrets::default() };
        let nodes: BTreeMap<String, SeenNode> = world
            .readings
            .iter()
            .map(|(name, reading)| {
                let seen = SeenNode {
                    connection: connection(),
                    facts: Map::new(),
                    identity: Identity::default(),
                    serial: None,
                    vacant: reading.vacant.clone(),
                    moved: Vec::new(),
                };
                ((*name).to_owned(), seen)
            })
            .collect();
        let mut born = 0;
        let applied = runtime().block_on(apply(Apply {
            plan,
            state,
            rules: RULES,
            targets: &Everywhere(world.clone()),
            nodes: &nodes,
            cluster: None,
            recorder: &mut recorder,
            secrets: &mut secrets,
            encrypt: &|_, value, _| Ok(Value::sealed(DigestKey::new([7; 32]).digest(value))),
            generations: &mut || {
                born += 1;
                format!("generation-{born}")
            },
            parallelism,
            interrupted,
            events: &|_| {},
        }));
        (applied, world)
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// All nodes of a world.
pub(crate) struct Everywhere(pub(crate) Arc<World>);

#[async_trait]
impl Targets for Everywhere {
    async fn connect(&self, node: &str, _connection: &Connection) -> Result<Arc<dyn Target>, String> {
        if self.0.down.contains(node) {
            return Err("connection refused".to_owned());
        }
        Ok(Arc::new(Node { world: self.0.clone(), name: node.to_owned() }))
    }

    fn cluster(&self, _connection: &ClusterConnection) -> Arc<dyn Target> {
        Arc::new(Node { world: self.0.clone(), name: CLUSTER.to_owned() })
    }

    fn home(&self) -> Arc<dyn Target> {
        Arc::new(Node { world: self.0.clone(), name: "home".to_owned() })
    }
}

struct Node {
    world: Arc<World>,
    name: String,
}

#[async_trait]
impl Target for Node {
    async fn read(&self, _lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, String> {
        for request in requests {
            let wanted = if request.wanted.is_some() { ", wanted" } else { "" };
            let candidates: Vec<&str> =
                request.candidates.iter().map(|candidate| candidate.generation.as_str()).collect();
            self.world.note(format!("{}: read {} {candidates:?}{wanted}", self.name, request.address));
        }
        let reading = self.world.readings.get(self.name.as_str());
        Ok(Reading {
            observed: reading.map(|reading| reading.observed.clone()).unwrap_or_default(),
            ..Reading::default()
        })
    }

    async fn claim(&self, claim: &Claim) -> Result<(), StepError> {
        let addresses: Vec<&str> = claim.addresses.iter().map(Address::as_str).collect();
        let Claim { parent_serial, serial, .. } = claim;
        self.world.note(format!("{}: claim {parent_serial}..{serial} {addresses:?}", self.name));
        Ok(())
    }

    async fn release(&self, _lineage: &str, gone: &[Address]) -> Result<(), StepError> {
        let gone: Vec<&str> = gone.iter().map(Address::as_str).collect();
        self.world.note(format!("{}: release {gone:?}", self.name));
        Ok(())
    }

    async fn execute(&self, job: &Job<'_>) -> Result<Produced, StepError> {
        let step = format!("{} {}", operation_text(job.operation), job.address.as_str());
        self.world.note(format!("begin {step}"));
        if self.world.interrupts == Some(step.as_str())
            && let Some(interrupt) = &self.world.interrupt
        {
            interrupt.send(true).unwrap();
        }
        self.world.count(&self.name, true);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.world.count(&self.name, false);
        if self.world.fails.contains(step.as_str()) {
            self.world.note(format!("fail {step}"));
            return Err(StepError::new("it went wrong"));
        }
        self.world.note(format!("end {step}"));
        Ok(Map::from([("id".to_owned(), Value::from(format!("id of {}", job.generation)))]).into())
    }
}

struct Journal {
    world: Arc<World>,
    writes: usize,
}

impl Recorder for Journal {
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic> {
        self.writes += 1;
        if self.world.full_at == Some(self.writes) {
            self.world.note("write fails");
            return Err(Diagnostic::error("the journal cannot be written: disk full").help("free some space"));
        }
        let texts: Vec<String> = records.iter().map(record_text).collect();
        self.world.note(format!("write {}", texts.join(", ")));
        Ok(())
    }
}

fn record_text(record: &Record) -> String {
    match record {
        Record::Node { name, .. } => format!("node {name}"),
        Record::Cluster(_) => "cluster".to_owned(),
        Record::Intent { address, intent } => format!("intent {} {address}", operation_text(intent.operation)),
        Record::Outcome { address, outcome: Outcome::Done(_) } => format!("done {address}"),
        Record::Outcome { address, outcome: Outcome::Failed(_) } => format!("failed {address}"),
        Record::Notify(addresses) => format!("notify {addresses:?}"),
        Record::Saved(_) => "saved".to_owned(),
    }
}

fn operation_text(operation: Operation) -> String {
    format!("{operation:?}").to_lowercase()
}

/// A plan from one line per step: `create box.a["n1"]`, then what it waits for: ` after 0 1!`, by number, those with `!`
/// having failed. A line `-` is a barrier.
pub(crate) fn plan(text: &str) -> Plan {
    let mut changes: Vec<Change> = Vec::new();
    let mut steps = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (what, after) = line.split_once(" after ").unwrap_or((line, ""));
        let after = after.split_whitespace().map(|word| Edge {
            step: word.trim_end_matches('!').parse().unwrap(),
            when: if word.ends_with('!') { When::Failure } else { When::Success },
        });
        let task = what.trim().split_once(' ').map(|(operation, address)| {
            let address = Address::parse(address.trim()).unwrap();
            let known = changes.iter().position(|change| change.address == address);
            let change = known.unwrap_or_else(|| {
                changes.push(change(address));
                changes.len() - 1
            });
            Task { change: change as u32, operation: serde_json::from_value(operation.into()).unwrap() }
        });
        steps.push(Step { task, after: after.collect() });
    }
    let nodes = changes.iter().filter_map(|change| Some((change.node.as_deref()?.to_owned(), connection())));
    Plan {
        mode: Mode::Normal,
        stack: "test".to_owned(),
        lineage: "lineage".to_owned(),
        serial: 0,
        nodes: nodes.collect(),
        cluster: None,
        changes,
        drift: Vec::new(),
        steps,
        outputs: BTreeMap::new(),
        variables: Map::new(),
        registries: BTreeMap::new(),
        unreachable: BTreeMap::new(),
        left_out: Vec::new(),
        uncompared: Vec::new(),
        lost: Vec::new(),
        postponed: std::collections::BTreeSet::new(),
        expiries: BTreeMap::new(),
        moved: Renames::default(),
        removed: Vec::new(),
        targeted: false,
    }
}

fn change(address: Address) -> Change {
    Change {
        previous_address: None,
        node: address.key().map(Into::into),
        after: Some(Arc::new(Value::Map(Map::from([("name".to_owned(), Value::from(address.name()))])))),
        address,
        action: Action::Create,
        before: None,
        paths: Vec::new(),
        reasons: Vec::new(),
        dependencies: Vec::new(),
        protect: false,
        adopt: false,
        adopts: None,
        gated: false,
        wave: None,
        remakes: Vec::new(),
        record: false,
    }
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A resource as state holds it.
pub(crate) fn known(of: &Address, generation: &str, previous: Option<ResourceState>) -> ResourceState {
    ResourceState {
        node: of.key().map(Into::into),
        spec: Arc::new(Value::from("spec")),
        outputs: BTreeMap::new(),
        generation: generation.to_owned(),
        dependencies: Vec::new(),
        protect: false,
        notified: false,
        unproven: false,
        lost: false,
        previous: previous.map(Box::new),
    }
}
