//! Somebody who applies: with a checkout and a state of their own, on hosts that are everybody's.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use hactl_config::{Config, VariableInputs, load};
use hactl_core::diagnostic::Diagnostic;
use hactl_core::moves::renames;
use hactl_core::observed::recover;
use hactl_core::plan::{Action, Desired, Input, Options, Plan, plan};
use hactl_core::resolve::{Entries, Secrets};
use hactl_core::state::State;
use hactl_core::{Address, DigestKey, Value};
use hactl_engine::{Applied, Apply, Recorder, Refresh, Refreshed, apply, refresh};
use hactl_kinds::{Hosts, Maker, RULES, SECTIONS, age, lower, read_secrets, resolve_images};
use hactl_pki::Entropy;
use hactl_sim::Sandbox;
use hactl_state::encryption::{Identities, Recipients, Vault, label};
use hactl_state::{FORMAT, Header, Journal, Loaded, Record, Store};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::fleet::{Killed, renamed, runtime};
use crate::soak::laws::Watch;

pub(crate) const LINEAGE: &str = "5c0b7b0e-0000-4000-8000-000000000000";

/// One checkout.
pub(crate) struct Operator {
    pub(crate) store: Store,
    directory: TempDir,
    sandbox: Sandbox,
    /// Differs from run to run: random ids and secrets follow from it.
    runs: u64,
    number: u64,
}

/// A config as one run reads it.
pub(crate) struct Wanted {
    config: Config,
    text: String,
    _directory: TempDir,
}

/// What came of a run.
pub(crate) enum Outcome {
    /// The plan was refused.
    Refused(Vec<Diagnostic>),
    /// A fault killed it on the way.
    Killed,
    /// It came to its end, well or not.
    Ended(Box<Applied>),
}

/// A plan with what it was made from.
struct Planned {
    plan: Plan,
    state: State,
    loaded: Loaded,
    seen: Refreshed,
    secrets: Secrets,
    vault: Vault,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(diagnostics) => write!(f, "refused: {diagnostics:?}"),
            Self::Killed => f.write_str("killed"),
            Self::Ended(applied) => {
                let failures = applied.failures.iter().map(|failure| (&failure.address, &failure.error.summary));
                write!(f, "{:?}, failures {:?}", applied.done, failures.collect::<Vec<_>>())
            }
        }
    }
}

struct JournalRecorder(Journal);

impl Recorder for JournalRecorder {
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic> {
        self.0.append(records).map_err(Diagnostic::from)
    }
}

/// The team's one identity; what it encrypts differs from run to run, what is in it does not.
static IDENTITIES: LazyLock<Identities> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    Identities::create(&directory.path().join("identity.txt")).unwrap().0
});

impl Wanted {
    pub(crate) fn new(text: &str, token: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hactl.yaml");
        std::fs::write(&path, text).unwrap();
        let given =
            VariableInputs { assignments: vec![format!("token={token}")], sandbox: true, ..VariableInputs::default() };
        let config =
            load(&path, SECTIONS, &given).unwrap_or_else(|failure| panic!("{:?}\n{text}", failure.diagnostics));
        Self { config, text: text.to_owned(), _directory: directory }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl Operator {
    pub(crate) fn new(sandbox: &Sandbox, number: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(&directory.path().join("state"), "test");
        Self { store, directory, sandbox: sandbox.clone(), runs: 0, number }
    }

    /// The state file as it would be committed; none before the first apply.
    pub(crate) fn state_file(&self) -> Option<Vec<u8>> {
        std::fs::read(self.store.state_path()).ok()
    }

    /// Takes what was committed, as `git pull` does.
    pub(crate) fn pull(&self, state: &[u8]) {
        std::fs::create_dir_all(self.store.directory()).unwrap();
        std::fs::write(self.store.state_path(), state).unwrap();
    }

    /// The serial of this operator's state; 0 before the first apply.
    pub(crate) fn serial(&self) -> u64 {
        self.store.load().ok().and_then(|loaded| loaded.state).map_or(0, |state| state.serial)
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Whether a run of this operator was interrupted and left a journal.
    pub(crate) fn has_journal(&self) -> bool {
        self.store.journal_path().exists()
    }

    /// Plans and applies; the laws are held over every event. `stop_after` so many events it is interrupted.
    pub(crate) fn apply(&mut self, wanted: &Wanted, watch: &Watch, stop_after: Option<usize>) -> Outcome {
        self.runs += 1;
        let runtime = runtime();
        match catch_unwind(AssertUnwindSafe(|| runtime.block_on(self.plan_and_apply(wanted, watch, stop_after)))) {
            Ok(Ok(applied)) => Outcome::Ended(Box::new(applied)),
            Ok(Err(refused)) => Outcome::Refused(refused),
            Err(payload) if payload.is::<Killed>() => Outcome::Killed,
            Err(payload) => resume_unwind(payload),
        }
    }

    /// What a plan would do now, one line per change.
    pub(crate) fn pending(&self, wanted: &Wanted) -> Result<String, Vec<Diagnostic>> {
        let planned = runtime().block_on(self.plan(wanted))?;
        let changes = planned.plan.changes.iter().filter(|change| change.action != Action::NoOp || change.record);
        Ok(changes
            .map(|change| format!("{:?} {} {:?} {:?}\n", change.action, change.address, change.reasons, change.paths))
            .collect())
    }

    async fn plan(&self, wanted: &Wanted) -> Result<Planned, Vec<Diagnostic>> {
        let loaded = self.store.load().map_err(|error| vec![Diagnostic::from(error)])?;
        let mut state = loaded.state.clone().unwrap_or_else(|| State::new("test", LINEAGE));
        let config = &wanted.config;
        let moved = renames(&state, &config.moved)?;
        state.rename(&renamed(&moved));
        let vault = match &state.encryption {
            Some(header) => Vault::open(header, &IDENTITIES).unwrap(),
            None => Vault::new(Recipients::parse(IDENTITIES.recipients()).unwrap(), DigestKey::new([7; 32])).unwrap(),
        };
        let read = read_secrets(config, &BTreeMap::new(), now()).await?;
        let mut secrets =
            Secrets { key: Some(vault.key().clone()), variables: read.values, entries: entries(&state, &vault) };
        secrets.variables.extend(config.sensitive_values());
        let mut desired = lower(config, None)?;
        let hosts = self.hosts(&secrets);
        let seen = look(&hosts, &state, &desired, &secrets).await;
        desired.resources.retain(|resource| !seen.unplaced.contains(&resource.address));
        resolve_images(&mut desired, &recover(&state, &seen.observed), &seen.computed);
        age(&mut desired, &state, now(), &read.certificates);
        let input = Input {
            desired: &desired,
            state: &state,
            moved: &moved,
            observed: &seen.observed,
            rules: RULES,
            secrets: &secrets,
            options: &Options::default(),
        };
        let plan = plan(&input)?;
        let state = recover(&state, &seen.observed);
        Ok(Planned { plan, state, loaded, seen, secrets, vault })
    }

    async fn plan_and_apply(
        &self,
        wanted: &Wanted,
        watch: &Watch,
        stop_after: Option<usize>,
    ) -> Result<Applied, Vec<Diagnostic>> {
        let Planned { plan, mut state, loaded, seen, mut secrets, vault } = self.plan(wanted).await?;
        watch.begin(&plan, &state);
        let base = self.store.settle(loaded, &state).unwrap();
        state.encryption = Some(vault.header().clone());
        let header = Header {
            format: FORMAT,
            stack: state.stack.clone(),
            lineage: state.lineage.clone(),
            serial: state.serial + 1,
            base,
            plan: plan.digest(),
            encryption: state.encryption.clone(),
        };
        let mut recorder = JournalRecorder(Journal::create(&self.store, &header).unwrap());
        let (sender, interrupted) = watch::channel(false);
        let mut born = (self.number << 32) + (self.runs << 16);
        let hosts = self.hosts(&secrets);
        let applied = apply(Apply {
            plan: &plan,
            state,
            rules: RULES,
            targets: &hosts,
            nodes: &seen.nodes,
            cluster: seen.cluster.as_ref(),
            recorder: &mut recorder,
            secrets: &mut secrets,
            encrypt: &|label, value, known| {
                let known = match known {
                    Some(Value::Sealed(sealed)) => Some(&**sealed),
                    _ => None,
                };
                vault.seal(label, value, known).map_err(Diagnostic::from)
            },
            generations: &mut || {
                born += 1;
                format!("{born:016x}")
            },
            parallelism: 4,
            interrupted,
            events: &|event| {
                let count = watch.take(&event);
                if stop_after == Some(count) {
                    let _nobody_listens = sender.send(true);
                }
            },
        })
        .await;
        watch.learn(&secrets);
        recorder.0.finish(&applied.state).unwrap();
        Ok(applied)
    }

    fn hosts(&self, secrets: &Secrets) -> Hosts {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.runs.to_be_bytes());
        seed[8..16].copy_from_slice(&self.number.to_be_bytes());
        let maker = Maker { now: now(), entropy: Entropy::seeded(seed) };
        let (fleet, clusters) = (Arc::new(self.sandbox.clone()), Arc::new(self.sandbox.clone()));
        Hosts::new(fleet, clusters, self.directory.path().to_owned(), maker).with_key(secrets.key.clone())
    }
}

/// The time of every run: nothing expires in a history.
fn now() -> Timestamp {
    Timestamp::constant(1_767_225_600, 0)
}

async fn look(hosts: &Hosts, state: &State, desired: &Desired, secrets: &Secrets) -> Refreshed {
    let mut nodes: BTreeMap<_, _> =
        state.nodes.iter().map(|(name, node)| (name.clone(), node.connection.clone())).collect();
    nodes.extend(desired.nodes.clone());
    let wanted = Refresh {
        nodes: &nodes,
        cluster: desired.cluster.as_ref(),
        state,
        desired: &desired.resources,
        removed: &[],
        secrets,
    };
    refresh(hosts, &wanted, &|_| {}).await
}

/// What state holds of secrets, opened.
fn entries(state: &State, vault: &Vault) -> BTreeMap<Address, Entries> {
    let mut found: BTreeMap<Address, Entries> = BTreeMap::new();
    for (address, resource) in &state.resources {
        for (name, output) in &resource.outputs {
            if let Value::Sealed(sealed) = output {
                let value = vault.unseal(&label::resource_output(address, name), sealed, &IDENTITIES).unwrap();
                found.entry(address.clone()).or_default().insert(name.clone(), value);
            }
        }
    }
    found
}
