//! Comparing a resource that is there with what is wanted: what differs, why, and what is to be done.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::address::Address;
use crate::diff::{Path, at_path, copy_path, diff, may_be_same};
use crate::plan::decide::{Deciding, waits_for};
use crate::plan::sight::Refreshed;
use crate::plan::{Action, Change, PathChange, Reason};
use crate::resource::{KindRules, Resource};
use crate::state::ResourceState;
use crate::value::Value;

impl Deciding<'_, '_> {
    /// Fills in what a resource that is there differs in, and what follows from that.
    pub(super) fn compare(&mut self, resource: &Resource, now: &Refreshed<'_>, requested: bool, change: &mut Change) {
        let Some(rules) = self.input.rules.of(&resource.address) else {
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
            change.paths = path_changes(now, &after, rules);
            if self.input.secrets.key.is_none() {
                self.leave_uncompared(now, &mut after, change);
            }
            self.leave_what_is_made_of_lost(now, &mut after, change);
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
        let is_chosen = self.remake(resource, now.state, requested, rules, change);
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
        if is_chosen && now.state.protect {
            self.refuse_protected(&resource.address, "made anew", resource.span);
        }
    }

    /// Why the config wants something else than before, as far as it does.
    fn why_wanted(&self, change: &Change, after: &Value, rules: &KindRules) -> Vec<Reason> {
        let mut reasons = BTreeSet::new();
        let mut remade = BTreeSet::new();
        for path in change.paths.iter().filter(|path| !path.drifted) {
            let mut is_remade = false;
            let value = at_path(after, &path.path).unwrap_or(&Value::Null);
            value.for_each_deferred(&mut |deferred| {
                deferred.expr.for_each_output(&mut |output| {
                    if self.is_made_anew(&output.address) {
                        is_remade = true;
                        remade.insert(output.address.clone());
                    }
                });
            });
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

    /// Fills in which outputs are made anew in place, and why, where no field of the spec tells; returns whether somebody
    /// chose that they are, by asking for it or in the config.
    fn remake(
        &self,
        resource: &Resource,
        known: &ResourceState,
        requested: bool,
        rules: &KindRules,
        change: &mut Change,
    ) -> bool {
        let differs =
            |path: &PathChange| path.path.first().is_some_and(|field| rules.remakes.contains(&field.as_str()));
        let is_remade = (requested && !rules.remakes.is_empty()) || change.paths.iter().any(differs);
        if is_remade {
            let sensitive = known.outputs.iter().filter(|(_, output)| output.is_sensitive());
            change.remakes = sensitive.map(|(name, _)| name.clone()).collect();
        }
        if let Some(due) = self.input.desired.remakes.get(&resource.address) {
            change.reasons.push(due.reason.clone());
            let new = due.outputs.iter().filter(|name| !change.remakes.contains(name)).cloned();
            change.remakes.extend(new.collect::<Vec<_>>());
        }
        is_remade && (requested || change.reasons.contains(&Reason::ConfigChanged))
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
    pub(super) fn is_made_anew(&self, address: &Address) -> bool {
        let change = self.index.number(address).and_then(|number| self.verdicts[number].as_ref());
        let anew =
            |reason: &Reason| matches!(reason, Reason::Missing | Reason::Requested | Reason::DependencyRemade(_));
        change.is_some_and(|change| match change.action {
            Action::Replace => true,
            Action::Create => change.reasons.iter().any(anew),
            _ => !change.remakes.is_empty(),
        })
    }

    /// Whether what is known of it is not what state was read as, so that it has to be written.
    pub(super) fn was_recovered(&self, address: &Address) -> bool {
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
}

fn path_changes(now: &Refreshed<'_>, after: &Value, rules: &KindRules) -> Vec<PathChange> {
    let paths = diff(&now.spec, after);
    if paths.is_empty() {
        return Vec::new();
    }
    let applied = &now.state.spec;
    let drifted = if *applied == now.spec { Vec::new() } else { diff(applied, &now.spec) };
    let meets = |path: &Path, other: &Path| other.starts_with(path) || path.starts_with(other);
    paths
        .into_iter()
        .map(|path| PathChange {
            forces_replacement: !rules.in_place.allows(&path) || now.fixed.iter().any(|fixed| meets(&path, fixed)),
            drifted: drifted.iter().any(|drifted| meets(&path, drifted)),
            path,
        })
        .collect()
}

fn is_computed(path: &PathChange, rules: &KindRules) -> bool {
    path.path.first().is_some_and(|field| rules.computed.contains(&field.as_str()))
}
