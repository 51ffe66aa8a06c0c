//! Rebuilding a state that was lost or damaged from the config, the hosts and the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_config::Config;
use hactl_core::address::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::plan::{Desired, Mode};
use hactl_core::rebuild::{Evidence, Rebuilt, rebuild};
use hactl_core::resolve::{fold, reveal};
use hactl_core::state::{ClusterState, NodeState, State};
use hactl_core::{Diagnostic, Sensitive, Value};
use hactl_engine::{Answers, Events, Refresh, Refreshed, StateOutputs, Trace, refresh, remains, traces};
use hactl_kinds::{is_generated, lower, uses_facts};
use hactl_state::encryption::{Vault, label};

use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::run;
use crate::session::Session;

/// What was asked for.
pub(crate) struct Asked<'a> {
    /// The state at hand that is rebuilt all the same: the values of its secrets stay.
    pub(crate) former: Option<&'a State>,
    /// The highest serial that is known beside those of the hosts: of states in git, and of what is left of the one here.
    pub(crate) highest: u64,
    /// The stack's identity, where more than one stack of its name was on the hosts.
    pub(crate) lineage: Option<&'a str>,
    /// Go on without the hosts that do not answer.
    pub(crate) allow_unreachable: bool,
}

/// A state as it could be rebuilt.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) rebuilt: Rebuilt,
    /// Secrets that come from elsewhere: the next plan reads them again.
    pub(crate) external: Vec<Address>,
    /// The places that did not answer, and why.
    pub(crate) unreachable: BTreeMap<String, Arc<str>>,
    /// What could not be looked at on the places that did, in sentences.
    pub(crate) hidden: Vec<String>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Looks at every place and rebuilds the state. Writes nothing, but for an identity where one is needed and there is none:
/// that is told by `say`.
///
/// # Errors
/// When a place does not answer, nothing of the stack is there, or it is not clear which stack is meant.
pub(crate) async fn recover(
    session: &Session,
    config: &Config,
    asked: &Asked<'_>,
    events: Events<'_>,
    say: impl FnOnce(&str),
) -> Result<Recovered, Failure> {
    let fail = |diagnostics| Failure::of(&config.sources, diagnostics);
    let read = run::read_values(session, config, Mode::Normal).await?;
    let nothing = State::new(&config.name, "");
    let former = asked.former.unwrap_or(&nothing);
    let mut keyring = Keyring::unlock(session, Some(config), former.encryption.as_ref(), former, read.values)?;
    if keyring.is_closed() {
        return Err(Diagnostic::error("the secrets of the state at hand cannot be decrypted here, and would be lost")
            .help("name the identity that decrypts them in HACTL_AGE_IDENTITY, or move the state file away")
            .into());
    }
    let hosts = session.hosts(&nothing, keyring.secrets.key.as_ref());
    let nodes = config.nodes.values().map(|node| (node.name.clone(), node.connection.clone())).collect();
    let cluster = config.kubernetes.as_ref().map(|kubernetes| &kubernetes.connection);
    let none = Desired::default();
    let facts = if uses_facts(config) {
        let all = Refresh {
            nodes: &nodes,
            state: &nothing,
            cluster,
            desired: &none.resources,
            removed: &[],
            secrets: &keyring.secrets,
        };
        let seen = refresh(&hosts, &all, events).await;
        seen.nodes.into_iter().map(|(name, node)| (name, node.facts)).collect()
    } else {
        BTreeMap::new()
    };
    let mut desired = lower(config, (!facts.is_empty()).then_some(&facts)).map_err(fail)?;
    let on = |state| Refresh {
        nodes: &nodes,
        state,
        cluster,
        desired: &desired.resources,
        removed: &[],
        secrets: &keyring.secrets,
    };
    let found = traces(&hosts, &on(&nothing)).await;
    check_reachable(&found.unreachable, asked)?;
    let stack = Found::of(&found, &config.name, asked.lineage)?;
    let mut state = asked.beginning(&stack, config, &desired)?;
    let seen = refresh(&hosts, &on(&state), events).await;
    let left = remains(&hosts, &on(&state)).await;
    let unreachable: BTreeMap<String, Arc<str>> = seen
        .unreachable
        .iter()
        .chain(&left.unreachable)
        .chain(&found.unreachable)
        .map(|(name, reason)| (name.clone(), reason.clone()))
        .collect();
    check_reachable(&unreachable, asked)?;
    desired.resources.retain(|resource| !seen.unplaced.contains(&resource.address));
    let there = left.places.values().flat_map(|remains| remains.there.clone()).collect();
    let secrets = desired.resources.iter().filter(|resource| resource.address.primitive() == "secret");
    let (generated, external): (Vec<_>, Vec<_>) = secrets.partition(|resource| is_generated(&resource.spec));
    let is_read_anew = |address: &Address| !state.resources.contains_key(address);
    let external = external.into_iter().map(|resource| resource.address.clone()).filter(is_read_anew).collect();
    let generated = generated.into_iter().map(|resource| resource.address.clone()).collect();
    let rebuilt = rebuild(
        &mut state,
        Evidence {
            desired: &desired.resources,
            observed: &seen.observed,
            recorded: &stack.recorded,
            there: &there,
            generated: &generated,
            secrets: &keyring.secrets,
        },
    );
    remember_places(&mut state, config, &seen);
    let is_sensitive = state.resources.values().any(|known| known.spec.is_sensitive())
        || desired.outputs.values().chain(desired.variables.values()).any(Value::is_sensitive);
    let vault = keyring.vault_where(session, is_sensitive, say)?;
    state.encryption = vault.as_ref().map(|vault| vault.header().clone());
    state.variables = kept(&desired.variables, &state, &keyring, vault.as_ref(), label::variable);
    state.outputs = kept(&desired.outputs, &state, &keyring, vault.as_ref(), label::output);
    let hidden = left.places.values().flat_map(|remains| remains.hidden.iter().cloned()).collect();
    let warnings = config.warnings.iter().cloned().chain(read.warnings).collect();
    Ok(Recovered { state, rebuilt, external, unreachable, hidden, warnings })
}

impl Asked<'_> {
    /// The state to begin with: nothing is in it but the secrets of the one at hand.
    fn beginning(&self, stack: &Found, config: &Config, desired: &Desired) -> Result<State, Diagnostic> {
        let mut state =
            State { serial: stack.serial.max(self.highest) + 1, ..State::new(&config.name, &stack.lineage) };
        let Some(former) = self.former else { return Ok(state) };
        if former.lineage != stack.lineage {
            return Err(Diagnostic::error("the state at hand is another stack's than the one on the hosts")
                .detail(format!("its lineage is {}, that of the hosts {}", former.lineage, stack.lineage))
                .help("move the state file away, if the one on the hosts is meant"));
        }
        state.serial = state.serial.max(former.serial + 1);
        let secrets = desired.resources.iter().filter(|resource| resource.address.primitive() == "secret");
        let kept = secrets.filter_map(|resource| former.resources.get_key_value(&resource.address));
        let kept = kept.filter(|(_, known)| !known.lost);
        state.resources.extend(kept.map(|(address, known)| (address.clone(), known.clone())));
        Ok(state)
    }
}

/// The stack that is meant, of those that were on the hosts.
struct Found {
    lineage: String,
    serial: u64,
    recorded: BTreeSet<Address>,
}

impl Found {
    fn of(answers: &Answers<Vec<Trace>>, name: &str, lineage: Option<&str>) -> Result<Self, Diagnostic> {
        let mut stacks: BTreeMap<&str, (Found, BTreeSet<&str>)> = BTreeMap::new();
        let all = || answers.places.iter().flat_map(|(place, traces)| traces.iter().map(move |trace| (place, trace)));
        let is_meant = |trace: &Trace| lineage.map_or(trace.stack == name, |lineage| trace.lineage == lineage);
        for (place, trace) in all().filter(|(_, trace)| is_meant(trace)) {
            let new = Found { lineage: trace.lineage.clone(), serial: 0, recorded: BTreeSet::new() };
            let (found, places) = stacks.entry(&trace.lineage).or_insert_with(|| (new, BTreeSet::new()));
            found.serial = found.serial.max(trace.serial);
            found.recorded.extend(trace.recorded.iter().cloned());
            places.insert(place);
        }
        if stacks.len() > 1 {
            let lines = stacks.iter().map(|(lineage, (found, places))| {
                let places: Vec<&str> = places.iter().copied().collect();
                format!(
                    "{lineage}: serial {}, {} recorded, on {}",
                    found.serial,
                    found.recorded.len(),
                    places.join(", ")
                )
            });
            return Err(Diagnostic::error(format!("more than one stack named {name} was applied to these hosts"))
                .detail(lines.collect::<Vec<_>>().join("\n"))
                .help("name the one that is meant with --lineage; the highest serial is likely the latest"));
        }
        if let Some((found, _)) = stacks.into_values().next() {
            return Ok(found);
        }
        let others: BTreeSet<String> = all().map(|(_, trace)| format!("{} ({})", trace.stack, trace.lineage)).collect();
        let others: Vec<String> = others.into_iter().collect();
        let what = lineage.map_or_else(|| format!("a stack named {name}"), |lineage| format!("lineage {lineage}"));
        let error = Diagnostic::error(format!("nothing of {what} is on these hosts: there is nothing to recover"));
        Err(match others.as_slice() {
            [] => error.help("if nothing was applied yet, `hactl apply` begins a state"),
            others => error.detail(format!("there are: {}", others.join(", "))).help(
                "correct `name` in the config; or, if the stack had another name, name its lineage with --lineage",
            ),
        })
    }
}

fn check_reachable(unreachable: &BTreeMap<String, Arc<str>>, asked: &Asked<'_>) -> Result<(), Diagnostic> {
    if unreachable.is_empty() || asked.allow_unreachable {
        return Ok(());
    }
    let lines = unreachable.iter().map(|(name, reason)| format!("{name} did not answer: {reason}"));
    Err(Diagnostic::error("not every place answered: a state without what is there would make it anew")
        .detail(lines.collect::<Vec<_>>().join("\n"))
        .help("mend that and run again; with --allow-unreachable what is there has to be recovered or imported later"))
}

/// Keeps how the places were reached that hold something, and which they are.
fn remember_places(state: &mut State, config: &Config, seen: &Refreshed) {
    let used: BTreeSet<Arc<str>> = state.resources.values().filter_map(|known| known.node.clone()).collect();
    for (name, node) in seen.nodes.iter().filter(|(name, _)| used.contains(name.as_str())) {
        let known = NodeState {
            connection: node.connection.clone(),
            machine_id: node.identity.machine_id.clone(),
            engine_id: node.identity.engine_id.clone(),
        };
        state.nodes.insert(name.clone(), known);
    }
    let connection = config.kubernetes.as_ref().map(|kubernetes| kubernetes.connection.clone());
    state.cluster = connection.filter(|_| used.contains(CLUSTER)).map(|connection| {
        let uid = seen.cluster.as_ref().map(|cluster| cluster.machine_id.clone()).unwrap_or_default();
        ClusterState { connection, uid }
    });
}

/// Variables or outputs as a state keeps them; those that wait for what is lost are left out.
fn kept(
    wanted: &hactl_core::value::Map,
    state: &State,
    keyring: &Keyring,
    vault: Option<&Vault>,
    label: fn(&str) -> String,
) -> hactl_core::value::Map {
    let outputs = StateOutputs(state);
    let one = |(name, value): (&String, &Value)| {
        let folded = fold(&Arc::new(value.clone()), &outputs, &keyring.secrets).ok()?;
        let open = Sensitive::new(reveal(&folded, &outputs, &keyring.secrets).ok()?);
        let kept = match folded.is_sensitive() {
            true => vault?.seal(&label(name), open.expose(), None).ok()?,
            false => open.expose().clone(),
        };
        Some((name.clone(), kept))
    };
    wanted.iter().filter_map(one).collect()
}
