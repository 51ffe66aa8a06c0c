//! A stack on a simulated fleet, driven as the commands drive it, in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use hactl_config::{VariableInputs, load};
use hactl_core::diagnostic::Diagnostic;
use hactl_core::moves::{Renamed, Renames, renames};
use hactl_core::observed::recover;
use hactl_core::plan::{Action, Desired, Input, Mode, Options, Plan, plan};
use hactl_core::rebuild::{Evidence, rebuild};
use hactl_core::resolve::Secrets;
use hactl_core::state::{NodeState, State};
use hactl_core::value::Map;
use hactl_core::{Address, DigestKey, Value};
use hactl_engine::{Applied, Apply, Recorder, Refresh, Refreshed, apply, refresh, remains, traces};
use hactl_kinds::{Hosts, Maker, RULES, SECTIONS, lower};
use hactl_sim::Sandbox;
use hactl_state::{FORMAT, Header, Journal, Loaded, Record, Store};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::sync::watch;

/// A fleet in memory, and a directory with the state.
pub(crate) struct Fleet {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: Store,
    /// Gone when the fleet is.
    _directory: TempDir,
    hosts: Hosts,
    secrets: Secrets,
    born: u64,
}

/// What a config wants.
pub(crate) struct Wanted(Desired);

impl Wanted {
    pub(crate) fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hactl.yaml");
        std::fs::write(&path, config).unwrap();
        let config = load(&path, SECTIONS, &VariableInputs::default())
            .unwrap_or_else(|failure| panic!("{:?}", failure.diagnostics));
        Self(lower(&config, None).unwrap_or_else(|diagnostics| panic!("{diagnostics:?}")))
    }
}

/// What a simulated crash unwinds with.
pub(crate) struct Killed;

struct JournalRecorder(Journal);

impl Recorder for JournalRecorder {
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic> {
        self.0.append(records).map_err(Diagnostic::from)
    }
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::in_memory(0);
        sandbox.on_crash(|| resume_unwind(Box::new(Killed)));
        let key = DigestKey::new([7; 32]);
        let maker = Maker { now: jiff::Timestamp::UNIX_EPOCH, entropy: hactl_pki::Entropy::seeded([7; 32]) };
        Self {
            hosts: Hosts::new(Arc::new(sandbox.clone()), Arc::new(sandbox.clone()), directory.path().to_owned(), maker)
                .with_key(Some(key.clone())),
            store: Store::new(&directory.path().join("state"), "test"),
            secrets: Secrets { key: Some(key), ..Secrets::default() },
            sandbox,
            _directory: directory,
            born: 0,
        }
    }

    /// A fleet on which configs were applied, one after the other.
    pub(crate) fn with(configs: &[&Wanted]) -> Self {
        let mut fleet = Self::new();
        for config in configs {
            let applied = fleet.apply(config).unwrap();
            assert!(applied.failures.is_empty(), "{:?}", applied.failures);
        }
        fleet
    }

    /// Looks at the hosts and plans; also the state as it is with everything unfinished settled.
    pub(crate) async fn plan(&self, wanted: &Wanted) -> (Plan, State, Loaded, Refreshed) {
        let loaded = self.store.load().unwrap();
        let mut state =
            loaded.state.clone().unwrap_or_else(|| State::new("test", "5c0b7b0e-0000-4000-8000-000000000000"));
        let desired = &wanted.0;
        let moved = renames(&state, &desired.moves).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
        state.rename(&renamed(&moved));
        let mut nodes: BTreeMap<_, _> =
            state.nodes.iter().map(|(name, node)| (name.clone(), node.connection.clone())).collect();
        nodes.extend(desired.nodes.clone());
        let wanted = Refresh {
            nodes: &nodes,
            cluster: desired.cluster.as_ref(),
            state: &state,
            desired: &desired.resources,
            removed: &desired.removed.iter().map(|removal| removal.address.clone()).collect::<Vec<_>>(),
            secrets: &self.secrets,
        };
        let seen = refresh(&self.hosts, &wanted, &|_| {}).await;
        let options = Options { mode: Mode::Normal, ..Options::default() };
        let plan = plan(&Input {
            desired,
            state: &state,
            moved: &moved,
            observed: &seen.observed,
            rules: RULES,
            secrets: &self.secrets,
            options: &options,
        })
        .unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}"));
        let state = recover(&state, &seen.observed);
        (plan, state, loaded, seen)
    }

    async fn plan_and_apply(&mut self, wanted: &Wanted) -> Applied {
        let (plan, state, loaded, seen) = self.plan(wanted).await;
        let base = self.store.settle(loaded, &state).unwrap();
        let header = Header {
            format: FORMAT,
            stack: state.stack.clone(),
            lineage: state.lineage.clone(),
            serial: state.serial + 1,
            base,
            plan: plan.digest(),
            encryption: None,
        };
        let mut recorder = JournalRecorder(Journal::create(&self.store, &header).unwrap());
        let (_sender, interrupted) = watch::channel(false);
        let born = &mut self.born;
        let key = DigestKey::new([7; 32]);
        let applied = apply(Apply {
            plan: &plan,
            state,
            rules: RULES,
            targets: &self.hosts,
            nodes: &seen.nodes,
            cluster: seen.cluster.as_ref(),
            recorder: &mut recorder,
            secrets: &mut self.secrets,
            encrypt: &|_, value, _| Ok(Value::sealed(key.digest(value))),
            generations: &mut || {
                *born += 1;
                format!("{born:016x}")
            },
            parallelism: 10,
            interrupted,
            events: &|_| {},
        })
        .await;
        recorder.0.finish(&applied.state).unwrap();
        applied
    }

    /// Plans and applies a config; none where a fault killed it on the way.
    pub(crate) fn apply(&mut self, wanted: &Wanted) -> Option<Applied> {
        let runtime = runtime();
        match catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.plan_and_apply(wanted)))) {
            Ok(applied) => Some(applied),
            Err(payload) if payload.is::<Killed>() => None,
            Err(payload) => resume_unwind(payload),
        }
    }

    /// Loses the state, and rebuilds it from a config and what is on the hosts, as `hactl state recover` does.
    pub(crate) fn lose_and_recover(&mut self, wanted: &Wanted) {
        let lost = self.store.load().unwrap().state.unwrap();
        std::fs::remove_file(self.store.state_path()).unwrap();
        let state = runtime().block_on(self.rebuilt(wanted, &lost.lineage));
        self.store.save(&state).unwrap();
    }

    async fn rebuilt(&self, wanted: &Wanted, lineage: &str) -> State {
        let desired = &wanted.0;
        let nothing = State::new("test", lineage);
        let place = |state| Refresh {
            nodes: &desired.nodes,
            cluster: desired.cluster.as_ref(),
            state,
            desired: &desired.resources,
            removed: &[],
            secrets: &self.secrets,
        };
        let found = traces(&self.hosts, &place(&nothing)).await;
        let found: Vec<_> = found.places.into_values().flatten().filter(|trace| trace.lineage == lineage).collect();
        let serial = 1 + found.iter().map(|trace| trace.serial).max().unwrap_or_default();
        let seen = refresh(&self.hosts, &place(&nothing), &|_| {}).await;
        let left = remains(&self.hosts, &place(&nothing)).await;
        let evidence = Evidence {
            desired: &desired.resources,
            observed: &seen.observed,
            recorded: &found.into_iter().flat_map(|trace| trace.recorded).collect(),
            there: &left.places.into_values().flat_map(|remains| remains.there).collect(),
            generated: &BTreeSet::new(),
            secrets: &self.secrets,
        };
        let mut state = State { serial, ..nothing.clone() };
        rebuild(&mut state, evidence);
        let used: BTreeSet<_> = state.resources.values().filter_map(|known| known.node.clone()).collect();
        for (name, node) in seen.nodes.iter().filter(|(name, _)| used.contains(name.as_str())) {
            let known = NodeState {
                connection: node.connection.clone(),
                machine_id: node.identity.machine_id.clone(),
                engine_id: node.identity.engine_id.clone(),
            };
            state.nodes.insert(name.clone(), known);
        }
        state
    }

    /// What a plan would do now, one line per change; nothing where everything is as it should be.
    pub(crate) fn pending(&self, wanted: &Wanted) -> String {
        let (plan, ..) = runtime().block_on(self.plan(wanted));
        let changes = plan.changes.iter().filter(|change| change.action != Action::NoOp || change.record);
        changes
            .map(|change| format!("{:?} {} {:?} {:?}\n", change.action, change.address, change.reasons, change.paths))
            .collect()
    }

    /// What is on the hosts, without what differs from one history to the next.
    pub(crate) fn view(&self) -> Json {
        view(&self.sandbox)
    }

    /// What state holds, without what differs from one history to the next.
    pub(crate) fn state(&self) -> String {
        let mut state = self.store.load().unwrap().state.unwrap();
        state.serial = 0;
        for resource in state.resources.values_mut() {
            resource.generation = String::new();
            resource.outputs.retain(|name, _| name != "id" && name != "uid");
        }
        format!("{:#?}\n{:#?}\n{:#?}", state.resources, state.unfinished, state.nodes)
    }
}

pub(crate) fn renamed(moved: &Renames) -> Vec<Renamed> {
    let one = |(from, to): (&Address, &Address)| Renamed { from: from.clone(), to: to.clone(), outputs: Map::new() };
    moved.iter().map(one).collect()
}

/// One thread, and waits that take no time.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// What is in a sandbox, without what differs from one history to the next.
pub(crate) fn view(sandbox: &Sandbox) -> Json {
    let mut view = serde_json::to_value(sandbox.view()).unwrap();
    view["faults"] = Json::Null;
    for host in view["hosts"].as_object_mut().unwrap().values_mut() {
        host["facts"] = Json::Null;
        for container in host["containers"].as_object_mut().unwrap().values_mut() {
            container["id"] = Json::Null;
            container["config"]["labels"]["io.hactl.spec"] = Json::Null;
        }
        for inventory in host["inventories"].as_object_mut().unwrap().values_mut() {
            inventory["serial"] = Json::Null;
        }
    }
    let objects = view["cluster"]["objects"].as_object_mut().into_iter().flatten();
    for (_, object) in objects {
        // Managers have the id of a creation in their names; how many there are tells whether one was left behind.
        object["managers"] = object["managers"].as_array().map_or(0, Vec::len).into();
        object["object"]["status"] = Json::Null;
        for key in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
            object["object"]["metadata"][key] = Json::Null;
        }
        if let Some(spec) = object["object"].get_mut("spec").filter(|spec| spec.get("clusterIP").is_some()) {
            spec["clusterIP"] = Json::Null;
        }
    }
    view
}
