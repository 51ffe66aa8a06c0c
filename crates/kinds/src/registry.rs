//! The kinds, one line each.

use std::sync::Arc;

use hactl_config::{Node, Section};
use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;
use hactl_core::eval::Scope;
use hactl_core::resource::{KindRules, Rollout, Rules};
use hactl_core::value::{Map, Value};

use crate::{container, file, network, volume};

/// A kind that a config can declare.
pub(crate) struct Kind {
    pub(crate) section: Section,
    /// What is known of an instance only after apply.
    pub(crate) outputs: &'static [&'static str],
    /// What follows from a lowered spec and can be referred to besides its fields.
    pub(crate) derived: fn(&Value) -> Map,
    /// Lowers an evaluated spec; all that is wrong goes to the diagnostics.
    pub(crate) lower: fn(&Draft<'_>, &mut Vec<Diagnostic>) -> Option<Lowered>,
    /// Whether a spec without templates may still differ from node to node.
    pub(crate) per_node: fn(&Node) -> bool,
}

/// An evaluated spec, about to be lowered.
pub(crate) struct Draft<'a> {
    /// The resource's name.
    pub(crate) name: &'a str,
    /// Where it is declared.
    pub(crate) span: Span,
    /// The spec.
    pub(crate) body: &'a Node,
    /// The names that a template file can use.
    pub(crate) scope: &'a dyn Scope,
    /// The files that the config names.
    pub(crate) inputs: &'a hactl_config::Inputs,
}

/// A spec in its one canonical form, and what follows from it; the same on every node.
#[derive(Debug, Clone)]
pub(crate) struct Lowered {
    pub(crate) spec: Arc<Value>,
    /// Networks and volumes it names: kind, name, spec.
    pub(crate) needs: Vec<(&'static str, String, Arc<Value>)>,
    /// Whether its changes end with waiting for health.
    pub(crate) gated: bool,
    /// How its changes are spread over so many instances.
    pub(crate) rollout: Option<RolloutRule>,
    /// Whether it is told when a file that it uses changes.
    pub(crate) hears_of_files: bool,
}

/// How changes are spread over instances, before their number is known.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RolloutRule {
    Number(u32, bool),
    Percent(u32, bool),
}

impl RolloutRule {
    pub(crate) fn of(self, instances: usize) -> Rollout {
        let (max_unavailable, rollback) = match self {
            Self::Number(number, rollback) => (number, rollback),
            Self::Percent(percent, rollback) => {
                let share = instances as u64 * u64::from(percent) / 100;
                (u32::try_from(share).unwrap_or(u32::MAX), rollback)
            }
        };
        Rollout { max_unavailable: max_unavailable.max(1), rollback }
    }
}

/// The kinds that a config can declare.
pub(crate) const KINDS: &[Kind] = &[file::KIND, container::KIND];

/// The top-level keys of a config under which resources are declared.
pub const SECTIONS: &[Section] = &[file::KIND.section, container::KIND.section];

/// What plan must know about the primitive kinds.
pub const RULES: Rules = Rules(PRIMITIVES);

const PRIMITIVES: &[KindRules] = &[container::RULES, file::RULES, network::RULES, volume::RULES];

/// The declared kind of this name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.section.kind == name)
}
