//! Carrying a plan out: journal, steps, state.

use std::collections::BTreeMap;

use hactl_core::plan::Plan;
use hactl_core::state::State;
use hactl_core::{Diagnostic, Value};
use hactl_engine::{Applied, Apply, Event, Events, Identity, Recorder, SeenNode, apply};
use hactl_kinds::{Logins, RULES};
use hactl_state::{FORMAT, Header, Journal, Loaded, Record};

use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::output::Output;
use crate::run::Prepared;
use crate::session::Session;
use crate::turn::Turn;

/// What an apply starts from.
pub(crate) struct Start<'a> {
    pub(crate) turn: &'a Turn<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) loaded: Loaded,
    pub(crate) state: State,
    pub(crate) nodes: &'a BTreeMap<String, SeenNode>,
    pub(crate) cluster: Option<&'a Identity>,
    pub(crate) parallelism: usize,
}

/// Whether there is anything to do or to write down: also what an interrupted apply left in the journal or on hosts.
pub(crate) fn has_work(prepared: &Prepared) -> bool {
    let plan = &prepared.plan;
    !plan.steps.is_empty()
        || plan.outputs.values().any(hactl_core::plan::OutputChange::is_change)
        || prepared.loaded.state.as_ref().is_some_and(|state| *state != prepared.state)
        || prepared.loaded.journal.is_some()
        || prepared
            .nodes
            .values()
            .any(|node| !node.moved.is_empty() || node.forgotten(&prepared.state).next().is_some())
}

/// Applies a plan: journal, steps, state. The journal is left to [`Turn::end`](crate::turn::Turn::end).
pub(crate) async fn execute(
    session: &Session,
    keyring: &mut Keyring,
    mut start: Start<'_>,
    output: &Output,
    events: Events<'_>,
) -> Result<Applied, Failure> {
    let logins = Logins::reveal(&start.plan.registries, &keyring.secrets)?;
    let hosts = session.hosts(&start.state, keyring.secrets.key.as_ref()).with_logins(logins);
    let vault = keyring.vault(session, start.plan, |text| output.message(&format!("\n{text}")))?;
    if let Some(vault) = &vault {
        let header = Some(vault.header().clone());
        if start.state.encryption.is_some() && start.state.encryption != header {
            // Nobody could open these any more.
            start.state.variables.retain(|_, value| !value.is_sensitive());
            start.state.outputs.retain(|_, value| !value.is_sensitive());
        }
        start.state.encryption = header;
    }
    let interrupted = start.turn.begin_steps()?;
    let told = |event: Event<'_>| {
        if let (Event::Stopping, Some(loss)) = (&event, start.turn.loss()) {
            output.message(&format!("\nStopping because {loss}.\n"));
        }
        events(event);
    };
    let base = session.store.settle(start.loaded, &start.state)?;
    let mut generations = session.generations(&start.state);
    let header = Header {
        format: FORMAT,
        stack: start.state.stack.clone(),
        lineage: start.state.lineage.clone(),
        serial: start.state.serial + 1,
        base,
        plan: start.plan.digest(),
        encryption: start.state.encryption.clone(),
    };
    let mut recorder = JournalRecorder(Journal::create(&session.store, &header)?);
    let encrypt = |label: &str, value: &Value, known: Option<&Value>| {
        let vault =
            vault.as_ref().ok_or_else(|| Diagnostic::error(format!("there is nothing to encrypt {label} with")))?;
        let known = match known {
            Some(Value::Sealed(sealed)) => Some(&**sealed),
            _ => None,
        };
        vault.seal(label, value, known).map_err(Diagnostic::from)
    };
    let applied = apply(Apply {
        plan: start.plan,
        state: start.state,
        rules: RULES,
        targets: &hosts,
        nodes: start.nodes,
        cluster: start.cluster,
        recorder: &mut recorder,
        secrets: &mut keyring.secrets,
        encrypt: &encrypt,
        generations: &mut generations,
        parallelism: start.parallelism,
        interrupted,
        events: &told,
    })
    .await;
    recorder.0.save(&applied.state)?;
    Ok(applied)
}

struct JournalRecorder(Journal);

impl Recorder for JournalRecorder {
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic> {
        self.0.append(records).map_err(Diagnostic::from)
    }
}
