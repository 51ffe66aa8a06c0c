//! Deciding, resource by resource, what is to be done and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::diff::{at_path, copy_path, diff, may_be_same};
use crate::expr::ExprKind;
use crate::observed::Observed;
use crate::plan::order::{Index, topological};
use crate::plan::sight::{Refreshed, Sight, look};
use crate::plan::targets::Selection;
use crate::plan::{Action, Change, Desired, Drift, Input, Mode, OutputChange, PathChange, Reason, Wave};
use crate::resolve::{Outputs, fold};
use crate::resource::{KindRules, Resource, Rollout};
use crate::state::{ResourceState, State};
use crate::value::{Map, Value};

/// What was decided about everything.
pub(super) struct Decisions {
    pub(super) changes: Vec<Change>,
    pub(super) drift: Vec<Drift>,
    pub(super) outputs: BTreeMap<String, OutputChange>,
    pub(super) unreachable: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) left_out: Vec<Address>,
    pub(super) uncompared: Vec<Address>,
}

pub(super) fn decide(
    input: &Input<'_>,
    desired: &Desired,
    state: &State,
    index: &Index,
    selection: &Selection,
    diagnostics: &mut Vec<Diagnostic>,
) -> Decisions {
    let order = match topological(index, desired) {
        Ok(order) => order,
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            Vec::new()
        }
    };
    let mut deciding = Deciding {
        input,
        state,
        index,
        verdicts: vec![None; index.len()],
        drift: Vec::new(),
        unreachable: BTreeMap::new(),
        left_out: BTreeSet::new(),
        uncompared: Vec::new(),
        diagnostics,
    };
    for number in order {
        if !selection.covered[number] {
            continue;
        }
        deciding.verdicts[number] = match index.desired(number, desired) {
            Some(resource) => deciding.wanted(resource, selection.replace[number]),
            None => deciding.unwanted(index.address(number)),
        };
    }
    deciding.keep_what_is_needed();
    let outputs = deciding.outputs(desired);
    let Deciding { verdicts, mut drift, unreachable, left_out, uncompared, .. } = deciding;
    let changes: Vec<Change> = verdicts.into_iter().flatten().collect();
    drift.sort_by(|a, b| a.address.cmp(&b.address));
    Decisions { changes, drift, outputs, unreachable, left_out: left_out.into_iter().collect(), uncompared }
}

struct Deciding<'a, 'b> {
    input: &'a Input<'a>,
    state: &'a State,
    index: &'a Index,
    verdicts: Vec<Option<Change>>,
    drift: Vec<Drift>,
    unreachable: BTreeMap<Arc<str>, Arc<str>>,
    left_out: BTreeSet<Address>,
    uncompared: Vec<Address>,
    diagnostics: &'b mut Vec<Diagnostic>,
}

impl<'a> Deciding<'a, '_> {
    fn look(&mut self, address: &Address) -> Sight<'a> {
        let noted = self.drift.len();
        let sight = look(address, self.state, self.input.observed, &mut self.drift);
        if self.input.state.unfinished.contains_key(address) {
            // What a run that was cut short left is its own doing, not somebody else's.
            self.drift.truncate(noted);
        }
        sight
    }

    fn leave_out(&mut self, address: &Address, node: Option<&Arc<str>>, reason: Arc<str>) {
        if let Some(node) = node {
            self.unreachable.insert(node.clone(), reason);
        }
        self.left_out.insert(address.clone());
    }

    /// What to do about a resource that the config wants.
    fn wanted(&mut self, resource: &'a Resource, requested: bool) -> Option<Change> {
        let address = &resource.address;
        let sight = self.look(address);
        if let Sight::Dark(reason) = sight {
            self.leave_out(address, resource.node.as_ref(), reason);
            return None;
        }
        if self.needs_what_is_left_out(resource) {
            self.left_out.insert(address.clone());
            return None;
        }
        let after = match fold(&resource.spec, self, self.input.secrets) {
            Ok(after) => after,
            Err(error) => {
                let mut diagnostic = about(resource, format!("{address}: {}", error.message));
                diagnostic.help = error.help;
                self.diagnostics.push(diagnostic);
                return None;
            }
        };
        if self.waits_for_what_is_left_out(&after) {
            self.left_out.insert(address.clone());
            return None;
        }
        let mut change = Change {
            address: address.clone(),
            node: resource.node.clone(),
            action: Action::Create,
            before: None,
            after: Some(after.clone()),
            paths: Vec::new(),
            reasons: Vec::new(),
            dependencies: resource.dependencies.clone(),
            protect: resource.protect,
            adopt: resource.adopt,
            gated: resource.gated,
            wave: None,
            remakes: Vec::new(),
            record: false,
        };
        match sight {
            Sight::Dark(_) => None,
            Sight::Nothing => {
                change.reasons.push(Reason::New);
                Some(change)
            }
            // What vanished by itself may be made again, protected or not.
            Sight::Gone => {
                change.reasons.push(Reason::Missing);
                Some(change)
            }
            Sight::Foreign(what) if !resource.adopt => {
                let summary = format!("{address}: {what} is there already and not managed by this stack");
                let help = "choose another name, or remove what is there if nothing needs it; if it was made from here and the \
                            state was lost, get the state file back; a file can be taken over with `adopt: true`";
                self.diagnostics.push(about(resource, summary).help(help));
                None
            }
            Sight::Foreign(_) => {
                let known = self.state.resources.contains_key(address);
                change.reasons.push(if known { Reason::Missing } else { Reason::New });
                Some(change)
            }
            Sight::There(refreshed) => {
                self.compare(resource, &refreshed, requested, &mut change);
                Some(change)
            }
        }
    }

    /// Whether a resource is new and something it needs is left out: then it has to wait as well.
    fn needs_what_is_left_out(&self, resource: &Resource) -> bool {
        let some_instance = |on: &Address| {
            let first = Address::new(on.kind(), on.name(), Some(""));
            self.left_out.range(first..).next().is_some_and(|left| left.resource() == on.as_str())
        };
        !self.left_out.is_empty()
            && !self.state.resources.contains_key(&resource.address)
            && resource.dependencies.iter().any(|dependency| {
                let on = &dependency.on;
                self.left_out.contains(on) || (on.key().is_none() && some_instance(on))
            })
    }

    /// Whether a folded spec waits for the facts of a node (one that did not answer) or for what is left out.
    fn waits_for_what_is_left_out(&self, spec: &Value) -> bool {
        !spec.is_plain() && waits_for(spec, &|address| address.kind() == "node" || self.left_out.contains(address))
    }

    /// Leaves out what would go although something that was left out still needs it, according to state.
    fn keep_what_is_needed(&mut self) {
        let mut open: Vec<Address> = self.left_out.iter().cloned().collect();
        while let Some(known) = open.pop().map(|address| self.state.resources.get(&address)) {
            for dependency in known.into_iter().flat_map(|known| &known.dependencies) {
                for number in self.index.matching(&dependency.on) {
                    let goes =
                        |change: &mut Change| change.action == Action::Delete || change.reasons.contains(&Reason::Kept);
                    if let Some(change) = self.verdicts[number].take_if(goes) {
                        self.left_out.insert(change.address.clone());
                        open.push(change.address);
                    }
                }
            }
        }
    }

    /// Fills in what a resource that is there differs in, and what follows from that.
    fn compare(&mut self, resource: &Resource, now: &Refreshed<'_>, requested: bool, change: &mut Change) {
        let Some(rules) = self.input.rules.of(resource.address.kind()) else {
            return;
        };
        let mut after = change.after.clone().unwrap_or_else(|| resource.spec.clone());
        if !resource.ignore_changes.is_empty() {
            let mut kept = (*after).clone();
            for path in resource.ignore_changes.iter() {
                let path: Vec<String> = path.split('.').map(str::to_owned).collect();
                copy_path(&now.spec, &mut kept, &path);
            }
            after = Arc::new(kept);
        }
        change.before = Some(now.spec.clone());
        if !Arc::ptr_eq(&now.spec, &after) {
            change.paths = path_changes(&now.state.spec, &now.spec, &after, rules);
            if self.input.secrets.key.is_none() {
                self.leave_uncompared(now, &mut after, change);
            }
        }
        change.after = Some(after.clone());
        if change.paths.iter().any(|path| path.drifted) {
            let unfinished = self.input.state.unfinished.contains_key(&resource.address);
            change.reasons.push(if unfinished { Reason::Unfinished } else { Reason::Drifted });
            change.paths.iter_mut().for_each(|path| path.drifted &= !unfinished);
        }
        if !change.reasons.contains(&Reason::Unfinished) {
            let reasons = self.why_wanted(change, &after, rules);
            change.reasons.extend(reasons);
        }
        self.hear_of_dependencies(resource, now.state, change);
        if now.residue {
            change.reasons.push(Reason::Interrupted);
        }
        self.remake(resource, now.state, requested, rules, change);
        if now.state.unproven && resource.gated {
            change.reasons.push(Reason::Unproven);
        }
        let bound = change.reasons.iter().any(|reason| matches!(reason, Reason::DependencyReplaced(_)));
        let renewable = !rules.remakes.is_empty();
        if requested {
            change.reasons.push(Reason::Requested);
        }
        change.action = if requested && !renewable {
            Action::Replace
        } else if change.paths.iter().any(|path| path.forces_replacement) {
            change.reasons.push(Reason::CannotUpdate);
            Action::Replace
        } else if bound {
            Action::Replace
        } else if change.reasons.is_empty() {
            Action::NoOp
        } else {
            Action::Update
        };
        change.record = change.action == Action::NoOp
            && (now.state.dependencies != resource.dependencies
                || now.state.protect != resource.protect
                || now.state.notified
                || now.state.node != resource.node
                || self.was_recovered(&resource.address)
                || (!Arc::ptr_eq(&now.state.spec, &now.spec) && !diff(&now.state.spec, &after).is_empty()));
        if change.action == Action::Replace && now.state.protect {
            self.refuse_protected(&resource.address, "replaced", resource.span);
        }
    }

    /// Why the config wants something else than before, as far as it does.
    fn why_wanted(&self, change: &Change, after: &Value, rules: &KindRules) -> Vec<Reason> {
        let mut reasons = BTreeSet::new();
        let mut remade = BTreeSet::new();
        for path in change.paths.iter().filter(|path| !path.drifted) {
            let mut is_remade = false;
            if let Some(value) = at_path(after, &path.path) {
                for_each_output(value, &mut |address| {
                    if self.is_made_anew(address) {
                        is_remade = true;
                        remade.insert(address.clone());
                    }
                });
            }
            if !is_remade {
                reasons.insert(is_computed(path, rules));
            }
        }
        let own = match (reasons.contains(&false), reasons.contains(&true)) {
            (true, _) => Some(Reason::ConfigChanged),
            (false, true) => Some(Reason::SourceChanged),
            (false, false) => None,
        };
        own.into_iter().chain(remade.into_iter().map(Reason::DependencyRemade)).collect()
    }

    /// Fills in which outputs are made anew in place, and why, where no field of the spec tells.
    fn remake(
        &self,
        resource: &Resource,
        known: &ResourceState,
        requested: bool,
        rules: &KindRules,
        change: &mut Change,
    ) {
        let differs =
            |path: &PathChange| path.path.first().is_some_and(|field| rules.remakes.contains(&field.as_str()));
        if (requested && !rules.remakes.is_empty()) || change.paths.iter().any(differs) {
            let sensitive = known.outputs.iter().filter(|(_, output)| output.is_sensitive());
            change.remakes = sensitive.map(|(name, _)| name.clone()).collect();
        }
        if let Some(due) = self.input.desired.remakes.get(&resource.address) {
            change.reasons.push(due.reason.clone());
            let new = due.outputs.iter().filter(|name| !change.remakes.contains(name)).cloned();
            change.remakes.extend(new.collect::<Vec<_>>());
        }
    }

    /// Without the key of their digests nobody can say whether sensitive values differ: what may be the same is taken to
    /// be as it is.
    fn leave_uncompared(&mut self, now: &Refreshed<'_>, after: &mut Arc<Value>, change: &mut Change) {
        let made_anew = |value: &Value| waits_for(value, &|address| self.is_made_anew(address));
        let unclear = |path: &PathChange| match (at_path(&now.spec, &path.path), at_path(after, &path.path)) {
            (Some(before), Some(after)) => may_be_same(before, after) && !made_anew(after),
            _ => false,
        };
        let (uncompared, differing): (Vec<_>, Vec<_>) =
            std::mem::take(&mut change.paths).into_iter().partition(unclear);
        change.paths = differing;
        if !uncompared.is_empty() {
            uncompared.iter().for_each(|path| copy_path(&now.spec, Arc::make_mut(after), &path.path));
            self.uncompared.push(change.address.clone());
        }
    }

    /// Whether a resource has outputs in this plan that are not those of before.
    fn is_made_anew(&self, address: &Address) -> bool {
        let change = self.index.number(address).and_then(|number| self.verdicts[number].as_ref());
        change.is_some_and(|change| match change.action {
            Action::Replace => true,
            Action::Create => change.reasons.contains(&Reason::Missing),
            _ => !change.remakes.is_empty(),
        })
    }

    /// Whether what is known of it is not what state was read as, so that it has to be written.
    fn was_recovered(&self, address: &Address) -> bool {
        !std::ptr::eq(self.input.state, self.state)
            && (self.input.state.unfinished.contains_key(address)
                || self.input.state.resources.get(address) != self.state.resources.get(address))
    }

    fn hear_of_dependencies(&self, resource: &Resource, known: &ResourceState, change: &mut Change) {
        for dependency in resource.dependencies.iter().filter(|dependency| dependency.notify || dependency.binds) {
            for other in self.index.matching(&dependency.on).filter_map(|number| self.verdicts[number].as_ref()) {
                let made_anew = match other.action {
                    Action::Replace => true,
                    Action::Create => other.reasons.contains(&Reason::Missing),
                    _ => false,
                };
                if dependency.binds && made_anew {
                    change.reasons.push(Reason::DependencyReplaced(other.address.clone()));
                } else if dependency.notify && matches!(other.action, Action::Create | Action::Update | Action::Replace)
                {
                    change.reasons.push(Reason::DependencyChanged(other.address.clone()));
                }
            }
        }
        if known.notified && resource.dependencies.iter().any(|dependency| dependency.notify) {
            change.reasons.push(Reason::NotYetNotified);
        }
    }

    fn refuse_protected(&mut self, address: &Address, what: &str, span: Option<crate::diagnostic::Span>) {
        let mut diagnostic = Diagnostic::error(format!("{address} is protected and would be {what}"))
            .about(address.as_str())
            .detail("it was applied with `protect: true`, which state remembers")
            .help("set `protect: false` on it and apply that first, if you mean it");
        if let Some(span) = span {
            diagnostic = diagnostic.at(span);
        }
        self.diagnostics.push(diagnostic);
    }

    /// What to do about a resource that is in state and not wanted.
    fn unwanted(&mut self, address: &Address) -> Option<Change> {
        let intended = || self.state.unfinished.get(address)?.resource.as_ref();
        let known = self.state.resources.get(address).or_else(intended)?;
        let mut change = Change {
            address: address.clone(),
            node: known.node.clone(),
            action: Action::Delete,
            before: Some(known.spec.clone()),
            after: None,
            paths: Vec::new(),
            reasons: Vec::new(),
            dependencies: known.dependencies.clone(),
            protect: known.protect,
            adopt: false,
            gated: false,
            wave: None,
            remakes: Vec::new(),
            record: false,
        };
        let sight = self.look(address);
        let refresh_only = self.input.options.mode == Mode::RefreshOnly;
        match sight {
            _ if self.is_forgotten(address, known.node.as_deref()) => {
                change.action = Action::Forget;
                change.reasons.push(Reason::NodeForgotten);
                return Some(change);
            }
            Sight::Dark(reason) => {
                self.leave_out(address, known.node.as_ref(), reason);
                return None;
            }
            // It was begun, and nobody looked at what became of it.
            Sight::Nothing => return None,
            Sight::Gone | Sight::Foreign(_) => {
                change.action = Action::Forget;
                change.reasons.push(Reason::Missing);
                return Some(change);
            }
            Sight::There(now) if refresh_only => {
                change.action = Action::NoOp;
                change.record = self.was_recovered(address) || !diff(&known.spec, &now.spec).is_empty();
                change.after = Some(now.spec.clone());
                change.before = Some(known.spec.clone());
                return Some(change);
            }
            Sight::There(now) => change.before = Some(now.spec),
        }
        change.reasons.push(match self.input.options.mode {
            Mode::Destroy => Reason::Destroyed,
            Mode::Normal | Mode::RefreshOnly => Reason::NotInConfig,
        });
        let keep = self.input.rules.of(address.kind()).is_some_and(|rules| rules.keep_on_delete);
        if keep && !self.input.options.remove_volumes {
            change.action = Action::Forget;
            change.reasons.push(Reason::Kept);
        } else if known.protect {
            self.refuse_protected(address, "destroyed", None);
        }
        Some(change)
    }

    /// Whether its node is said to be gone for good, and did not answer.
    fn is_forgotten(&self, address: &Address, node: Option<&str>) -> bool {
        node.is_some_and(|node| self.input.options.forget_nodes.iter().any(|forgotten| forgotten == node))
            && matches!(self.input.observed.get(address), None | Some(Observed::Unreachable(_)))
    }

    /// What the outputs come to; one that waits for what this plan does not make stays as it is.
    fn outputs(&mut self, desired: &Desired) -> BTreeMap<String, OutputChange> {
        let keep = self.input.options.mode == Mode::RefreshOnly || !self.input.options.targets.is_empty();
        let mut outputs: BTreeMap<String, OutputChange> = self
            .state
            .outputs
            .iter()
            .map(|(name, before)| {
                let after = keep.then(|| before.clone());
                (name.clone(), OutputChange { before: Some(before.clone()), after })
            })
            .collect();
        for (name, value) in &desired.outputs {
            match fold(&Arc::new(value.clone()), self, self.input.secrets) {
                Ok(after) => {
                    let before = outputs.get(name).and_then(|output| output.before.clone());
                    let after = if self.comes_later(&after) { before.clone() } else { Some((*after).clone()) };
                    if before.is_some() || after.is_some() {
                        outputs.insert(name.clone(), OutputChange { before, after });
                    }
                }
                Err(error) => self.diagnostics.push(Diagnostic::error(format!("output {name}: {}", error.message))),
            }
        }
        outputs
    }

    /// Whether a value waits for a resource that this plan does not make, in part or as a whole.
    fn comes_later(&self, value: &Value) -> bool {
        waits_for(value, &|address| {
            let made = self.index.number(address).and_then(|number| self.verdicts[number].as_ref());
            !made.is_some_and(|change| {
                matches!(change.action, Action::Create | Action::Replace) || !change.remakes.is_empty()
            })
        })
    }
}

fn about(resource: &Resource, summary: String) -> Diagnostic {
    let diagnostic = Diagnostic::error(summary).about(resource.address.as_str());
    match resource.span {
        Some(span) => diagnostic.at(span),
        None => diagnostic,
    }
}

/// Whether a value holds an output that is not known of a resource that passes the test.
fn waits_for(value: &Value, test: &dyn Fn(&Address) -> bool) -> bool {
    let mut waits = false;
    for_each_output(value, &mut |address| waits |= test(address));
    waits
}

/// Calls `visit` with the resource of every output that a value still waits for.
fn for_each_output(value: &Value, visit: &mut dyn FnMut(&Address)) {
    value.for_each_deferred(&mut |deferred| {
        deferred.expr.walk(&mut |expr| {
            if let ExprKind::Output(output) = &expr.kind {
                visit(&output.address);
            }
        });
    });
}

/// Outputs stay known as long as the resource is neither made anew nor gone.
impl Outputs for Deciding<'_, '_> {
    fn output(&self, address: &Address, name: &str) -> Option<Value> {
        let number = self.index.number(address)?;
        if let Some(change) = &self.verdicts[number] {
            let stays = matches!(change.action, Action::NoOp | Action::Update);
            if !stays || change.remakes.iter().any(|remade| remade == name) {
                return None;
            }
        }
        let outputs: &Map = match self.input.observed.get(address) {
            Some(Observed::Present(present)) => &present.outputs,
            _ => &self.state.resources.get(address)?.outputs,
        };
        outputs.get(name).cloned()
    }
}

fn path_changes(applied: &Value, now: &Value, after: &Value, rules: &KindRules) -> Vec<PathChange> {
    let paths = diff(now, after);
    if paths.is_empty() {
        return Vec::new();
    }
    let drifted = if applied == now { Vec::new() } else { diff(applied, now) };
    paths
        .into_iter()
        .map(|path| PathChange {
            forces_replacement: path.first().is_none_or(|field| !rules.in_place.contains(&field.as_str())),
            drifted: drifted.iter().any(|drifted| drifted.starts_with(&path) || path.starts_with(drifted)),
            path,
        })
        .collect()
}

fn is_computed(path: &PathChange, rules: &KindRules) -> bool {
    path.path.first().is_some_and(|field| rules.computed.contains(&field.as_str()))
}

/// Which instances of a rolling change have their turn first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// Those that are down already, so that no wave takes down what still works while they are.
    Down,
    /// The smallest address.
    Address,
}

/// Gives every instance of a rolling change its wave. Instances that were left out count as down all the while.
pub(super) fn waves(changes: &mut [Change], index: &Index, desired: &Desired, left_out: &[Address], first: First) {
    let mut rolling: BTreeMap<String, (Rollout, Vec<usize>)> = BTreeMap::new();
    for (position, change) in changes.iter().enumerate() {
        if !matches!(change.action, Action::Update | Action::Replace) {
            continue;
        }
        let resource = index.number(&change.address).and_then(|number| index.desired(number, desired));
        if let Some(rollout) = resource.and_then(|resource| resource.rollout) {
            let name = change.address.resource().to_owned();
            rolling.entry(name).or_insert_with(|| (rollout, Vec::new())).1.push(position);
        }
    }
    for (name, (rollout, mut members)) in rolling {
        let out = left_out.iter().filter(|address| address.resource() == name).count();
        let most = rollout.max_unavailable.saturating_sub(u32::try_from(out).unwrap_or(u32::MAX)).max(1);
        members.sort_by_key(|position| first == First::Down && !is_down(&changes[*position]));
        for (turn, position) in members.into_iter().enumerate() {
            let number = u32::try_from(turn).unwrap_or(u32::MAX) / most;
            changes[position].wave = Some(Wave { rollout, number });
        }
    }
}

/// Whether an instance does not work now.
fn is_down(change: &Change) -> bool {
    let running = change.before.as_ref().and_then(|before| before.get("running"));
    running == Some(&Value::Bool(false))
        || change
            .reasons
            .iter()
            .any(|reason| matches!(reason, Reason::Unproven | Reason::Interrupted | Reason::Unfinished))
}
