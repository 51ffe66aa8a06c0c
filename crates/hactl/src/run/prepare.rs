//! Looking at the hosts and making the plan.

use std::collections::BTreeMap;

use hactl_config::Config;
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::moves::renames;
use hactl_core::observed::{Observations, recover};
use hactl_core::plan::{Action, Change, Desired, Input, Mode, Plan, Reason, plan};
use hactl_core::resolve::Secrets;
use hactl_core::state::State;
use hactl_engine::{Events, Identity, Refresh, Refreshed, SeenNode, refresh};
use hactl_kinds::{
    Hosts, Logins, RULES, ReadSecrets, age, is_on_cluster, lower_with_warnings, preflight, read_secrets,
    resolve_images, uses_facts, what_goes_along,
};
use hactl_state::Loaded;

use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::run::{PlanOptions, import, rename};
use crate::session::{self, Session};

/// A plan, and what it was made from.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) loaded: Loaded,
    /// The state with everything unfinished settled by what was seen.
    pub(crate) state: State,
    pub(crate) nodes: BTreeMap<String, SeenNode>,
    pub(crate) cluster: Option<Identity>,
    pub(crate) keyring: Keyring,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Looks at the hosts and makes the plan.
pub(crate) async fn prepare(
    session: &Session,
    config: &Config,
    asked: &PlanOptions,
    mode: Mode,
    loaded: Loaded,
    events: Events<'_>,
) -> Result<Prepared, Failure> {
    let options = asked.options(mode, config)?;
    let mut state = session.state(&loaded);
    let fail = |diagnostics| Failure::of(&config.sources, diagnostics);
    let renames = renames(&state, &config.moved).map_err(fail)?;
    rename(session, &mut state, &renames)?;
    if options.mode == Mode::Normal {
        refuse_to_drop_addons(config, &state).map_err(|diagnostic| fail(vec![diagnostic]))?;
    }
    let read = read_values(session, config, options.mode).await?;
    let keyring = Keyring::unlock(session, Some(config), state.encryption.as_ref(), &state, read.values)?;
    let hosts = session.hosts(&state, keyring.secrets.key.as_ref());
    let mut seen = Refreshed::default();
    // Facts are part of the config, so they are asked for without a refresh as well.
    let facts = if uses_facts(config) {
        seen = look(&hosts, config, &state, &Desired::default(), &keyring.secrets, events).await;
        seen.nodes.iter().map(|(name, node)| (name.clone(), node.facts.clone())).collect()
    } else {
        BTreeMap::new()
    };
    let (mut desired, told) = lower_with_warnings(config, (!facts.is_empty()).then_some(&facts)).map_err(fail)?;
    let imported = import::adopt(&mut desired, &asked.import).map_err(fail)?;
    if asked.refresh {
        let logins = match options.mode {
            Mode::Normal => Logins::reveal(&desired.registries, &keyring.secrets).map_err(fail)?,
            Mode::Destroy | Mode::RefreshOnly => Logins::default(),
        };
        seen = look(&hosts.with_logins(logins), config, &state, &desired, &keyring.secrets, events).await;
    } else {
        seen.observed = Observations::default();
    }
    desired.resources.retain(|resource| !seen.unplaced.contains(&resource.address));
    complete(&mut desired, &state, &seen);
    age(&mut desired, &state, session.now, &read.certificates);
    desired.remakes.extend(asked.ended_overlaps());
    tracing::debug!(resources = desired.resources.len(), unreachable = seen.unreachable.len(), "planning");
    let mut diagnostics = preflight(&seen, &state, &asked.replace_node);
    let mut warnings: Vec<Diagnostic> = diagnostics.extract_if(.., |diagnostic| !diagnostic.is_error()).collect();
    if desired.resources.is_empty() && mode == Mode::Normal {
        warnings
            .push(Diagnostic::warning("the config wants nothing yet: its nodes are looked at, and that is all").help(
            "declare `files`, `containers` or `manifests`; of an RKE cluster file nodes and addons are acted on so far",
        ));
    }
    if !diagnostics.is_empty() {
        return Err(fail(diagnostics));
    }
    let plan = plan(&Input {
        desired: &desired,
        state: &state,
        moved: &renames,
        observed: &seen.observed,
        rules: RULES,
        secrets: &keyring.secrets,
        options: &options,
    })
    .map_err(fail)?;
    let (mut refused, taken): (Vec<_>, Vec<_>) = what_goes_along(&plan).into_iter().partition(Diagnostic::is_error);
    warnings.extend(taken);
    refused.extend(refusals(&plan, &desired, &mut seen.refusals));
    refused.extend(import::check(&plan, &asked.import, &imported));
    warnings.extend(lost(&plan));
    if !refused.is_empty() {
        return Err(fail(refused));
    }
    if let Some(address) = asked.end_overlap.iter().find(|address| plan.postponed.contains(address)) {
        return Err(Diagnostic::error(format!("the predecessor of {address} is still needed"))
            .detail("not everything that uses it is up to date; what still shows a certificate of the old one would be refused")
            .help("run `hactl apply` first, with all hosts reachable")
            .into());
    }
    // What is wrong with how something is wanted says nothing to whoever takes it away.
    if options.mode == Mode::Normal {
        warnings.extend(told);
    }
    warnings.extend(read.warnings);
    warnings.extend(keyring.warnings(&plan));
    tracing::info!(steps = plan.steps.len(), left_out = plan.left_out.len(), serial = plan.serial, "plan made");
    let mut state = settled(state, &seen.observed);
    remember_addresses(&mut state, config, &seen.nodes);
    Ok(Prepared {
        plan,
        loaded,
        state,
        nodes: seen.nodes,
        cluster: seen.cluster,
        keyring,
        warnings: config.warnings.iter().cloned().chain(warnings).chain(seen.warnings).collect(),
    })
}

/// What the user should know of secrets whose values are lost.
fn lost(plan: &Plan) -> Option<Diagnostic> {
    let names: Vec<&str> = plan.lost.iter().map(Address::as_str).collect();
    let (first, values) = (names.first()?, if names.len() == 1 { "value" } else { "values" });
    let warning = Diagnostic::warning(format!("the {values} of {} went with a lost state", names.join(", ")));
    Some(warning.detail("what was made with them stays as it is, and cannot be changed").help(format!(
        "put the state back that held them, or make them anew on purpose, as with `--replace {first}`, which changes \
                 everything that uses it"
    )))
}

/// Refuses to take addons that are in the file, but that nothing names a cluster for in this run, for gone.
fn refuse_to_drop_addons(config: &Config, state: &State) -> Result<(), Diagnostic> {
    let applied = state.resources.keys().any(is_on_cluster);
    let Some(span) = config.ignored_addons.filter(|_| applied) else { return Ok(()) };
    let known = state.cluster.as_ref().and_then(|cluster| cluster.connection.kubeconfig.as_deref());
    let known = known.map(|path| format!(", as in `--kubeconfig {path}`")).unwrap_or_default();
    Err(Diagnostic::error("addons were applied to a cluster before, and nothing says now which one that is")
        .at(span)
        .help(format!("name its kubeconfig{known}; to remove the addons, take them out of the file")))
}

/// The sensitive values that a plan of this kind needs: variables always, secrets that come from elsewhere only where
/// something is wanted of them.
pub(crate) async fn read_values(session: &Session, config: &Config, mode: Mode) -> Result<ReadSecrets, Failure> {
    let mut read = match mode {
        Mode::Normal => {
            let environment = session::environment().into_iter().collect();
            let read = read_secrets(config, &environment, session.now).await;
            read.map_err(|diagnostics| Failure::of(&config.sources, diagnostics))?
        }
        Mode::Destroy | Mode::RefreshOnly => ReadSecrets::default(),
    };
    read.values.extend(config.sensitive_values());
    Ok(read)
}

/// Looks at every node of the config, and at those that state still has something on.
async fn look(
    hosts: &Hosts,
    config: &Config,
    state: &State,
    desired: &Desired,
    secrets: &Secrets,
    events: Events<'_>,
) -> Refreshed {
    let mut nodes: BTreeMap<_, _> =
        state.nodes.iter().map(|(name, node)| (name.clone(), node.connection.clone())).collect();
    nodes.extend(config.nodes.values().map(|node| (node.name.clone(), node.connection.clone())));
    let configured = config.kubernetes.as_ref().map(|kubernetes| &kubernetes.connection);
    let cluster = configured.or_else(|| state.cluster.as_ref().map(|cluster| &cluster.connection));
    let removed: Vec<Address> = config.removed.iter().map(|removal| removal.address.clone()).collect();
    let work = Refresh { nodes: &nodes, cluster, state, desired: &desired.resources, removed: &removed, secrets };
    refresh(hosts, &work, events).await
}

/// What the plan would do and the place where it is to happen would not take.
fn refusals(plan: &Plan, desired: &Desired, told: &mut BTreeMap<Address, Diagnostic>) -> Vec<Diagnostic> {
    let spans: BTreeMap<&Address, _> =
        desired.resources.iter().map(|resource| (&resource.address, resource.span)).collect();
    let acts = |change: &&Change| match change.action {
        Action::Create | Action::Update => true,
        // What was tried is a change in place, which is not what was asked for.
        Action::Replace => !change.reasons.contains(&Reason::Requested),
        Action::NoOp | Action::Delete | Action::Forget => false,
    };
    let refused = plan.changes.iter().filter(acts).filter_map(|change| {
        let refusal = told.remove(&change.address)?.about(change.address.as_str());
        Some(match spans.get(&change.address) {
            Some(Some(span)) if refusal.labels.is_empty() => refusal.at(*span),
            _ => refusal,
        })
    });
    refused.collect()
}

/// Adds to what the config wants what only the hosts could tell, or state still knows.
fn complete(desired: &mut Desired, state: &State, seen: &Refreshed) {
    let recovered;
    let state = if state.is_settled() {
        state
    } else {
        recovered = recover(state, &seen.observed);
        &recovered
    };
    resolve_images(desired, state, &seen.computed);
}

/// The state with every unfinished step settled by what is on the hosts.
fn settled(state: State, observed: &Observations) -> State {
    if state.is_settled() { state } else { recover(&state, observed) }
}

/// Keeps how the nodes that answered are reached now, so that one that leaves the config later is still found.
fn remember_addresses(state: &mut State, config: &Config, seen: &BTreeMap<String, SeenNode>) {
    for (name, node) in &mut state.nodes {
        if let Some(configured) = config.nodes.get(name).filter(|_| seen.contains_key(name)) {
            node.connection = configured.connection.clone();
        }
    }
}

/// Before a saved plan is applied: looks at the nodes of plan and state, to know which machines they are and to settle what
/// an earlier run left.
pub(crate) async fn settle(
    hosts: &Hosts,
    plan: &Plan,
    state: State,
    secrets: &Secrets,
    events: Events<'_>,
) -> (State, Refreshed) {
    let mut nodes: BTreeMap<_, _> =
        state.nodes.iter().map(|(name, node)| (name.clone(), node.connection.clone())).collect();
    nodes.extend(plan.nodes.clone());
    let cluster = plan.cluster.as_ref().or_else(|| state.cluster.as_ref().map(|cluster| &cluster.connection));
    let work = Refresh { nodes: &nodes, cluster, state: &state, desired: &[], removed: &plan.removed, secrets };
    let seen = refresh(hosts, &work, events).await;
    (settled(state, &seen.observed), seen)
}
