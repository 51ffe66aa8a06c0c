//! What is there already and not in state: refused, or made the stack's.

use crate::observed::{Foreign, Present};
use crate::plan::decide::{Deciding, about};
use crate::plan::sight::Refreshed;
use crate::plan::{Action, Adopted, Change, Reason};
use crate::resource::Resource;
use crate::state::ResourceState;

impl Deciding<'_, '_> {
    /// Fills in what becomes of something that is adopted: it is compared like what state holds, and recorded first.
    pub(super) fn adopt(
        &mut self,
        resource: &Resource,
        id: &str,
        found: &Present,
        requested: bool,
        change: &mut Change,
    ) {
        let known = ResourceState {
            node: resource.node.clone(),
            spec: found.spec.clone(),
            outputs: found.outputs.clone(),
            generation: found.generation.clone(),
            dependencies: resource.dependencies.clone(),
            protect: false,
            notified: false,
            unproven: false,
            lost: false,
            previous: None,
        };
        let now = Refreshed { state: &known, spec: found.spec.clone(), residue: found.residue, fixed: &found.fixed };
        self.compare(resource, &now, requested, change);
        for reason in &mut change.reasons {
            if matches!(reason, Reason::ConfigChanged | Reason::SourceChanged) {
                *reason = Reason::Differs;
            }
        }
        change.reasons.dedup();
        change.record = change.action == Action::NoOp;
        change.adopts = Some(Adopted { id: id.to_owned(), outputs: known.outputs, generation: known.generation });
    }

    /// Reports what stands in the way of a resource.
    pub(super) fn refuse_foreign(&mut self, resource: &Resource, foreign: &Foreign) {
        let address = &resource.address;
        let summary = format!("{address}: {} is there already and not managed by this stack", foreign.what);
        let take_over = match foreign.found {
            Some(_) => "`adopt: true` or `hactl import` takes it over",
            None => "`adopt: true` takes its place",
        };
        let help = format!(
            "{take_over}; or choose another name, or remove what is there if nothing needs it; if it was made from here and \
             the state was lost, `hactl state recover` rebuilds that"
        );
        self.diagnostics.push(about(resource, summary).help(help));
    }
}
