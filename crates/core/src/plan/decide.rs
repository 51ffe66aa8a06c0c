//! Deciding, resource by resource, what is to be done and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::diff::diff;
use crate::moves::with_what_is_bound;
use crate::observed::{Foreign, Observed};
use crate::plan::order::{Index, topological};
use crate::plan::sight::{Sight, look};
use crate::plan::targets::Selection;
use crate::plan::{Action, Change, Desired, Drift, Input, Mode, OutputChange, Reason};
use crate::resolve::{Outputs, fold};
use crate::resource::Resource;
use crate::state::State;
use crate::value::{Map, Value};

/// What was decided about everything.
pub(super) struct Decisions {
    pub(super) changes: Vec<Change>,
    pub(super) drift: Vec<Drift>,
    pub(super) outputs: BTreeMap<String, OutputChange>,
    pub(super) unreachable: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) left_out: Vec<Address>,
    pub(super) uncompared: Vec<Address>,
    pub(super) lost: Vec<Address>,
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
    let removed = removed(input, desired, state);
    let covered = |address: &Address| index.number(address).is_some_and(|number| selection.covered[number]);
    // What goes along is covered with what it is bound to.
    let taken_along =
        with_what_is_bound(state, removed.iter().copied().filter(|one| covered(one)).collect(), |address| {
            !removed.contains(address)
        });
    let mut deciding = Deciding {
        input,
        state,
        index,
        removed,
        verdicts: vec![None; index.len()],
        drift: Vec::new(),
        unreachable: BTreeMap::new(),
        left_out: BTreeSet::new(),
        uncompared: Vec::new(),
        lost: Vec::new(),
        diagnostics,
    };
    for number in order {
        if !selection.covered[number] && !taken_along.contains(index.address(number)) {
            continue;
        }
        deciding.verdicts[number] = match index.desired(number, desired) {
            Some(resource) => deciding
                .wanted(resource, selection.replace[number])
                .inspect(|change| deciding.refuse_what_needs_lost(resource, change)),
            None => deciding.unwanted(index.address(number)),
        };
    }
    deciding.keep_what_is_needed();
    let outputs = deciding.outputs(desired);
    let Deciding { verdicts, mut drift, unreachable, left_out, uncompared, lost, .. } = deciding;
    let changes: Vec<Change> = verdicts.into_iter().flatten().collect();
    drift.sort_by(|a, b| a.address.cmp(&b.address));
    Decisions { changes, drift, outputs, unreachable, left_out: left_out.into_iter().collect(), uncompared, lost }
}

/// What is no longer managed.
fn removed<'a>(input: &Input<'a>, desired: &Desired, state: &'a State) -> BTreeSet<&'a Address> {
    let removals = &input.desired.removed;
    if removals.is_empty() || input.options.mode == Mode::RefreshOnly {
        return BTreeSet::new();
    }
    let wanted: BTreeSet<&Address> = desired.resources.iter().map(|resource| &resource.address).collect();
    let known = state.resources.keys().chain(state.unfinished.keys());
    let named = known.filter(|address| removals.iter().any(|removal| address.is_of(&removal.address)));
    let named = named.filter(|address| !wanted.contains(address)).collect();
    with_what_is_bound(state, named, |address| wanted.contains(address))
}

pub(super) struct Deciding<'a, 'b> {
    pub(super) input: &'a Input<'a>,
    pub(super) state: &'a State,
    pub(super) index: &'a Index,
    /// What the config says is no longer managed, and what goes out of state with it.
    pub(super) removed: BTreeSet<&'a Address>,
    pub(super) verdicts: Vec<Option<Change>>,
    pub(super) drift: Vec<Drift>,
    pub(super) unreachable: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) left_out: BTreeSet<Address>,
    pub(super) uncompared: Vec<Address>,
    pub(super) lost: Vec<Address>,
    pub(super) diagnostics: &'b mut Vec<Diagnostic>,
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
        let mut sight = self.look(address);
        let mut anew = None;
        if let Some(known) = self.state.resources.get(address).filter(|known| known.lost) {
            anew = self.why_made_anew(resource, requested);
            if anew.is_none() {
                return Some(self.leave_lost(resource, known));
            }
            sight = Sight::Gone;
        }
        if matches!(sight, Sight::Dark(_)) && self.is_place_to_come(resource) {
            sight = if self.state.resources.contains_key(address) { Sight::Gone } else { Sight::Nothing };
        }
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
            previous_address: None,
            node: resource.node.clone(),
            action: Action::Create,
            before: None,
            after: Some(after.clone()),
            paths: Vec::new(),
            reasons: Vec::new(),
            dependencies: resource.dependencies.clone(),
            protect: resource.protect,
            adopt: resource.adopt,
            adopts: None,
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
                change.reasons.push(anew.unwrap_or(Reason::Missing));
                Some(change)
            }
            Sight::Foreign(foreign) if !resource.adopt && !foreign.own => {
                self.refuse_foreign(resource, foreign);
                None
            }
            Sight::Foreign(Foreign { found: Some(found), id, .. }) => {
                self.adopt(resource, id, found, requested, &mut change);
                Some(change)
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

    /// Whether the place where a resource lives is made in this plan.
    fn is_place_to_come(&self, resource: &Resource) -> bool {
        let mut carriers = resource.dependencies.iter().filter(|dependency| dependency.carries);
        carriers.any(|dependency| {
            let mut instances = self.index.matching(&dependency.on).filter_map(|number| self.verdicts[number].as_ref());
            instances.any(|change| matches!(change.action, Action::Create | Action::Replace))
        })
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

    pub(super) fn refuse_protected(&mut self, address: &Address, what: &str, span: Option<crate::diagnostic::Span>) {
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
            previous_address: None,
            node: known.node.clone(),
            action: Action::Delete,
            before: Some(known.spec.clone()),
            after: None,
            paths: Vec::new(),
            reasons: Vec::new(),
            dependencies: known.dependencies.clone(),
            protect: known.protect,
            adopt: false,
            adopts: None,
            gated: false,
            wave: None,
            remakes: Vec::new(),
            record: false,
        };
        let sight = self.look(address);
        let removed = self.removed.contains(address);
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
        if removed {
            change.action = Action::Forget;
            change.reasons.push(Reason::Removed);
            return Some(change);
        }
        change.reasons.push(match self.input.options.mode {
            Mode::Destroy => Reason::Destroyed,
            Mode::Normal | Mode::RefreshOnly => Reason::NotInConfig,
        });
        let keep = self.input.rules.of(address).is_some_and(|rules| rules.keep_on_delete);
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

    /// Whether a value waits for a resource that this plan does not make.
    fn comes_later(&self, value: &Value) -> bool {
        let is_made = |address: &Address| {
            let change = self.index.number(address).and_then(|number| self.verdicts[number].as_ref());
            change.is_some_and(|change| {
                matches!(change.action, Action::Create | Action::Replace) || !change.remakes.is_empty()
            })
        };
        let mut later = false;
        value.for_each_deferred(&mut |deferred| {
            // What has a digest is known, and only not held here.
            if deferred.digest.is_none() {
                deferred.expr.for_each_output(&mut |output| later |= !is_made(&output.address));
            }
        });
        later
    }
}

pub(super) fn about(resource: &Resource, summary: String) -> Diagnostic {
    let diagnostic = Diagnostic::error(summary).about(resource.address.as_str());
    match resource.span {
        Some(span) => diagnostic.at(span),
        None => diagnostic,
    }
}

/// Whether a value is made of an output of a resource that passes the test.
pub(super) fn waits_for(value: &Value, test: &dyn Fn(&Address) -> bool) -> bool {
    let mut waits = false;
    value
        .for_each_deferred(&mut |deferred| deferred.expr.for_each_output(&mut |output| waits |= test(&output.address)));
    waits
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
            if let Some(adopted) = &change.adopts {
                return adopted.outputs.get(name).cloned();
            }
        }
        let outputs: &Map = match self.input.observed.get(address) {
            Some(Observed::Present(present)) => &present.outputs,
            _ => &self.state.resources.get(address)?.outputs,
        };
        outputs.get(name).cloned()
    }
}
