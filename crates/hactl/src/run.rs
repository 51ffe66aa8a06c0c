//! What plan, apply and destroy have in common: looking, planning, asking, applying.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use hactl_config::Config;
use hactl_core::address::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::observed::{Observations, recover};
use hactl_core::plan::{Action, Change, Desired, Input, Mode, Options, Plan, Reason, Remake, plan};
use hactl_core::resolve::Secrets;
use hactl_core::state::State;
use hactl_core::{Diagnostic, Value};
use hactl_engine::{Applied, Apply, Events, Identity, Recorder, Refresh, Refreshed, SeenNode, apply, refresh};
use hactl_kinds::{
    Hosts, Logins, RULES, ReadSecrets, age, end_of_overlap, is_on_cluster, lower_with_warnings, preflight,
    read_secrets, resolve_images, uses_facts, what_goes_along,
};
use hactl_state::{FORMAT, Header, Journal, Loaded, LockGuard, Record, World};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::output::Output;
use crate::session::{self, Session};

/// The environment variable that makes the sandbox's waits take no time.
const VIRTUAL_CLOCK: &str = "HACTL_SANDBOX_CLOCK";

/// Options of every command that makes a plan.
#[derive(Debug, Args)]
pub(crate) struct PlanOptions {
    /// Plan only for this resource and what it needs; can be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<String>,
    /// Replace this resource, whatever changed; can be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) replace: Vec<String>,
    /// Only bring the state up to what is on the hosts
    #[arg(long)]
    pub(crate) refresh_only: bool,
    /// Look at the hosts first; `--refresh=false` plans from the state alone
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true", num_args = 0..=1, require_equals = true, action = clap::ArgAction::Set)]
    pub(crate) refresh: bool,
    /// Remove volumes that are no longer wanted, with their data
    #[arg(long)]
    pub(crate) volumes: bool,
    /// Forget what is on this node, which is gone for good and no longer in the config
    #[arg(long, value_name = "NODE")]
    pub(crate) forget_node: Vec<String>,
    /// Accept that this node is another machine than before
    #[arg(long, value_name = "NODE")]
    pub(crate) replace_node: Vec<String>,
    /// Certificate authorities whose predecessors are no longer to be trusted beside them.
    #[arg(skip)]
    pub(crate) end_overlap: Vec<Address>,
    /// How long to wait for another run that holds the lock, as in 30s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_wait)]
    pub(crate) lock_timeout: Duration,
}

/// Options of every command that applies a plan.
#[derive(Debug, Args)]
pub(crate) struct ApplyOptions {
    /// Do not ask
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// The most steps at one time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) parallelism: u16,
    /// Leave out what is on hosts that do not answer, instead of refusing
    #[arg(long)]
    pub(crate) allow_unreachable: bool,
    /// Write machine-readable messages, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

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

impl PlanOptions {
    fn ended_overlaps(&self) -> impl Iterator<Item = (Address, Remake)> {
        let ended = |address: &Address| (address.clone(), end_of_overlap(Reason::Requested));
        self.end_overlap.iter().map(ended)
    }

    fn options(&self, mode: Mode, config: &Config) -> Result<Options, Failure> {
        let mut diagnostics = Vec::new();
        let mut addresses = |texts: &[String]| -> Vec<Address> {
            let parsed = texts.iter().filter_map(|text| match Address::parse(text) {
                Ok(address) => Some(address),
                Err(error) => {
                    diagnostics.push(
                        Diagnostic::error(error.to_string()).help("as in container.web or container.web[\"node1\"]"),
                    );
                    None
                }
            });
            parsed.collect()
        };
        let options = Options {
            mode: if self.refresh_only { Mode::RefreshOnly } else { mode },
            targets: addresses(&self.target),
            replace: addresses(&self.replace),
            remove_volumes: self.volumes,
            forget_nodes: self.forget_node.clone(),
        };
        let configured = |name: &str| match name {
            CLUSTER => config.kubernetes.is_some(),
            _ => config.nodes.contains_key(name),
        };
        for node in self.forget_node.iter().filter(|node| configured(node)) {
            let (what, help) = match node.as_str() {
                CLUSTER => ("the cluster", "take `kubernetes` and all that is on it out of the config first"),
                _ => ("this node", "take it out of the config first"),
            };
            diagnostics
                .push(Diagnostic::error(format!("--forget-node {node}: the config still has {what}")).help(help));
        }
        if diagnostics.is_empty() { Ok(options) } else { Err(diagnostics.into()) }
    }
}

/// The runtime of a world: in the sandbox one thread, so that a run is the same every time.
pub(crate) fn runtime(world: World) -> Result<Runtime, Failure> {
    let built = match world {
        World::Real => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        World::Sandbox => {
            let paused = std::env::var_os(VIRTUAL_CLOCK).is_some_and(|value| value == "virtual");
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build()
        }
    };
    built.map_err(|error| Diagnostic::error(format!("hactl cannot start: {error}")).into())
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
    let state = session.state(&loaded);
    let fail = |diagnostics| Failure::of(&config.sources, diagnostics);
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
        observed: &seen.observed,
        rules: RULES,
        secrets: &keyring.secrets,
        options: &options,
    })
    .map_err(fail)?;
    let (mut refused, taken): (Vec<_>, Vec<_>) = what_goes_along(&plan).into_iter().partition(Diagnostic::is_error);
    warnings.extend(taken);
    refused.extend(refusals(&plan, &desired, &mut seen.refusals));
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
    let work = Refresh { nodes: &nodes, cluster, state, desired: &desired.resources, secrets };
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
    let work = Refresh { nodes: &nodes, cluster, state: &state, desired: &[], secrets };
    let seen = refresh(hosts, &work, events).await;
    (settled(state, &seen.observed), seen)
}

/// Reads the state for a command that changes nothing.
///
/// A journal that is there while nobody holds the lock is folded in; while somebody does, an apply is running.
pub(crate) fn load_to_read(session: &Session, wait: Duration) -> Result<Loaded, Failure> {
    let loaded = session.store.load()?;
    if loaded.journal.is_none() {
        return Ok(loaded);
    }
    let _lock = session.store.lock("plan", wait)?;
    Ok(session.store.load()?)
}

/// Takes the lock and reads the state for a command that changes something.
pub(crate) fn lock_and_load(
    session: &Session,
    operation: &str,
    wait: Duration,
) -> Result<(LockGuard, Loaded), Failure> {
    session.keep_out_of_git()?;
    let lock = session.store.lock(operation, wait)?;
    Ok((lock, session.store.load()?))
}

/// Refuses a plan that leaves out hosts that did not answer, unless that was asked for.
pub(crate) fn check_reachable(plan: &Plan, options: &ApplyOptions) -> Result<(), Failure> {
    if plan.left_out.is_empty() || options.allow_unreachable {
        return Ok(());
    }
    let nodes: Vec<String> =
        plan.unreachable.iter().map(|(node, reason)| format!("{node} did not answer: {reason}")).collect();
    let cluster = plan.unreachable.contains_key(CLUSTER);
    let what = match (plan.left_out.len(), cluster && plan.unreachable.len() == 1) {
        (1, false) => "1 resource is on a host that did not answer, or needs what is".to_owned(),
        (1, true) => "1 resource is on the cluster, which did not answer, or needs what is".to_owned(),
        (count, true) => format!("{count} resources are on the cluster, which did not answer, or need what is"),
        (count, false) => format!("{count} resources are on hosts that did not answer, or need what is"),
    };
    Err(Diagnostic::error(what)
        .detail(nodes.join("\n"))
        .help("mend that and run again, or leave them out with --allow-unreachable")
        .into())
}

/// Asks for the word `yes`.
pub(crate) fn approve(output: &Output, question: &str) -> Result<(), Failure> {
    output.message(&format!("\n{question}\n  Only `yes` is taken as approval.\n\n  Enter a value: "));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer).unwrap_or(0);
    if !std::io::stdin().is_terminal() {
        output.message("\n");
    }
    if answer.trim() == "yes" {
        output.message("\n");
        return Ok(());
    }
    if read == 0 {
        return Err(Diagnostic::error("there is nobody to ask: the input has ended")
            .help("run it in a terminal, or with --auto-approve")
            .into());
    }
    output.message("\nCancelled. Nothing was changed.\n");
    Err(Failure::Reported)
}

struct JournalRecorder(Journal);

impl Recorder for JournalRecorder {
    fn append(&mut self, records: &[Record]) -> Result<(), Diagnostic> {
        self.0.append(records).map_err(Diagnostic::from)
    }
}

/// What an apply starts from.
pub(crate) struct Start<'a> {
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
        || prepared.nodes.values().any(|node| node.forgotten(&prepared.state).next().is_some())
}

/// Applies a plan: journal, steps, state.
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
    session.store.recover(start.loaded)?;
    let mut generations = session.generations(&start.state);
    let header = Header {
        format: FORMAT,
        stack: start.state.stack.clone(),
        lineage: start.state.lineage.clone(),
        serial: start.state.serial + 1,
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
        interrupted: interrupts(),
        events,
    })
    .await;
    recorder.0.finish(&applied.state)?;
    Ok(applied)
}

/// Turns true at the first interrupt; the second one ends the process at once.
fn interrupts() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return;
        };
        for count in 0.. {
            tokio::select! {
                heard = tokio::signal::ctrl_c() => if heard.is_err() { return },
                _ = terminate.recv() => {}
                // The terminal is gone; the work is not.
                _ = hang_up.recv() => {}
            }
            if count > 0 {
                tracing::warn!("interrupted again: stopped at once");
                // The journal already tells the truth.
                let _ = std::io::stderr().write_all(
                    b"\nStopped at once. What was begun is in the journal; run apply again to go on from there.\n",
                );
                std::process::exit(130);
            }
            let _ = sender.send(true);
        }
    });
    receiver
}

pub(crate) fn parse_wait(text: &str) -> Result<Duration, String> {
    hactl_kinds::parse_duration(text)
}
