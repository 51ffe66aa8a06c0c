//! Secrets whose values went with a state that was lost.
//!
//! A new value would have to replace the old one everywhere at once, so nobody gets one without asking for it: the secret
//! stays as it is, what was made with it stays as it is, and a change that needs the value is refused.

use std::sync::Arc;

use crate::address::Address;
use crate::diff::{at_path, copy_path, may_be_same};
use crate::plan::decide::{Deciding, about, waits_for};
use crate::plan::sight::Refreshed;
use crate::plan::{Action, Change, Reason};
use crate::resource::Resource;
use crate::state::ResourceState;
use crate::value::Value;

impl Deciding<'_, '_> {
    /// Why a secret that is lost is made anew: because that is asked for, or because what it is made from is.
    pub(super) fn why_made_anew(&self, resource: &Resource, requested: bool) -> Option<Reason> {
        if requested {
            return Some(Reason::Requested);
        }
        let mut remade = None;
        resource.spec.for_each_deferred(&mut |deferred| {
            deferred.expr.for_each_output(&mut |output| {
                if remade.is_none() && self.is_made_anew(&output.address) {
                    remade = Some(output.address.clone());
                }
            });
        });
        remade.map(Reason::DependencyRemade)
    }

    /// Nothing is done to a secret that is lost.
    pub(super) fn leave_lost(&mut self, resource: &Resource, known: &ResourceState) -> Change {
        self.lost.push(resource.address.clone());
        Change {
            address: resource.address.clone(),
            node: resource.node.clone(),
            action: Action::NoOp,
            before: Some(known.spec.clone()),
            after: Some(known.spec.clone()),
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
            previous_address: None,
        }
    }

    /// Takes what was made of a lost value to be as it is.
    pub(super) fn leave_what_is_made_of_lost(&self, now: &Refreshed<'_>, after: &mut Arc<Value>, change: &mut Change) {
        if !self.state.resources.values().any(|known| known.lost) {
            return;
        }
        let wanted = after.clone();
        change.paths.retain(|path| {
            let differs = match (at_path(&now.spec, &path.path), at_path(&wanted, &path.path)) {
                (Some(before), Some(after)) => !may_be_same(before, after) || !self.is_made_of_lost(after),
                _ => true,
            };
            if !differs {
                copy_path(&now.spec, Arc::make_mut(after), &path.path);
            }
            differs
        });
    }

    /// Refuses a change that cannot be made without a value that is lost.
    pub(super) fn refuse_what_needs_lost(&mut self, resource: &Resource, change: &Change) {
        if !matches!(change.action, Action::Create | Action::Update | Action::Replace) {
            return;
        }
        let mut needs: Vec<&Address> = Vec::new();
        resource.spec.for_each_deferred(&mut |deferred| {
            deferred.expr.for_each_output(&mut |output| {
                let known = self.state.resources.get_key_value(&output.address);
                needs.extend(known.map(|(address, _)| address).filter(|address| self.is_lost(address)));
            });
        });
        needs.sort();
        needs.dedup();
        for lost in needs {
            let summary = format!("{} cannot be changed: the value of {lost} was lost with the state", change.address);
            let help = format!(
                "put the state back that held it; or make it anew on purpose with `--replace {lost}`, which changes everything \
                 that uses it"
            );
            self.diagnostics.push(about(resource, summary).help(help));
        }
    }

    fn is_made_of_lost(&self, value: &Value) -> bool {
        waits_for(value, &|address| self.is_lost(address))
    }

    /// Whether the value of a resource is lost and not made anew in this plan.
    fn is_lost(&self, address: &Address) -> bool {
        let change = self.index.number(address).and_then(|number| self.verdicts[number].as_ref());
        self.state.resources.get(address).is_some_and(|known| known.lost)
            && change.is_none_or(|change| change.action != Action::Create)
    }
}
