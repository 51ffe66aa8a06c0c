//! Looking for what differs from what was last applied.

use std::collections::BTreeMap;

use hactl_config::Config;
use hactl_core::diagnostic::Severity;
use hactl_core::moves::Renames;
use hactl_core::plan::{Desired, Input, Mode, Options, Plan, plan};
use hactl_core::state::State;
use hactl_core::{Address, Diagnostic};
use hactl_engine::{Events, Refresh, refresh};
use hactl_kinds::{RULES, preflight};

use crate::failure::Failure;
use crate::keyring::{Keyring, Values};
use crate::session::Session;

/// What differs on the hosts and the cluster from what was last applied, as a plan that does nothing; and what else was
/// found: that something could not be looked at is an error among it.
///
/// The config only helps: where it can be read, nodes are reached as it says.
pub(crate) async fn look_for_drift(
    session: &Session,
    config: Option<&Config>,
    state: &State,
    events: Events<'_>,
) -> Result<(Plan, Vec<Diagnostic>), Failure> {
    let keyring = Keyring::unlock(session, None, state.encryption.as_ref(), state, Values::new())?;
    let hosts = session.hosts(state, keyring.secrets.key.as_ref());
    let mut nodes: BTreeMap<_, _> =
        state.nodes.iter().map(|(name, node)| (name.clone(), node.connection.clone())).collect();
    for (name, connection) in &mut nodes {
        if let Some(node) = config.and_then(|config| config.nodes.get(name)) {
            *connection = node.connection.clone();
        }
    }
    let configured = config.and_then(|config| config.kubernetes.as_ref()).map(|kubernetes| &kubernetes.connection);
    let cluster = configured.or_else(|| state.cluster.as_ref().map(|cluster| &cluster.connection));
    let removals = config.map(|config| config.removed.as_slice()).unwrap_or_default();
    let removed: Vec<Address> = removals.iter().map(|removal| removal.address.clone()).collect();
    let work = Refresh { nodes: &nodes, cluster, state, desired: &[], removed: &removed, secrets: &keyring.secrets };
    let seen = refresh(&hosts, &work, events).await;
    let plan = plan(&Input {
        desired: &Desired::default(),
        state,
        moved: &Renames::default(),
        observed: &seen.observed,
        rules: RULES,
        secrets: &keyring.secrets,
        options: &Options { mode: Mode::RefreshOnly, ..Options::default() },
    })?;
    let mut found = preflight(&seen, state, &[]);
    found.extend(seen.warnings);
    if keyring.is_closed() {
        found.extend(
            keyring
                .warnings(&plan)
                .into_iter()
                .map(|diagnostic| Diagnostic { severity: Severity::Error, ..diagnostic }),
        );
    }
    Ok((plan, found))
}
