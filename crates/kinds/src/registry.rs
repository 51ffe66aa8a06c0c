//! The kinds, one line each.

use std::sync::Arc;

use hactl_config::{Config, Node, Section};
use hactl_core::diagnostic::Span;
use hactl_core::eval::Scope;
use hactl_core::resource::{Dependency, KindRules, Rollout, Rules};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Diagnostic};

use crate::scope::Known;
use crate::uses::Declared;
use crate::{container, file, host_aliases, ingress, manifest, network, object, secret, volume};

/// A kind that a config can declare.
pub(crate) struct Kind {
    pub(crate) section: Section,
    /// What is known of an instance only after apply.
    pub(crate) outputs: &'static [&'static str],
    /// Whether the fields of a lowered spec can be referred to.
    pub(crate) shows_spec: bool,
    /// What follows from the address and lowered spec of an instance, and can be referred to as well.
    pub(crate) derived: fn(&Address, &Value) -> Map,
    /// The resources that a spec names without an expression: kind, name and place.
    pub(crate) named: fn(&Node) -> Vec<(&'static str, &str, Span)>,
    /// Lowers an evaluated spec; all that is wrong goes to the diagnostics.
    pub(crate) lower: fn(&Draft<'_>, &mut Vec<Diagnostic>) -> Option<Lowered>,
    /// Whether evaluated specs are held against the schema before they are lowered.
    pub(crate) validates: bool,
    /// Whether a spec without templates may still differ from node to node.
    pub(crate) per_node: fn(&Node) -> bool,
    /// Whether a declaration is no resource itself, but only what it is lowered to.
    pub(crate) composite: bool,
}

/// An evaluated spec, about to be lowered.
pub(crate) struct Draft<'a> {
    /// The resource's name.
    pub(crate) name: &'a str,
    /// Where it is declared.
    pub(crate) span: Span,
    /// The spec.
    pub(crate) body: &'a Node,
    /// The spec as it is written, before anything in it was evaluated.
    pub(crate) written: &'a Node,
    /// The names that a template file can use.
    pub(crate) scope: &'a dyn Scope,
    /// The config it is from.
    pub(crate) config: &'a Config,
    /// The specs of what was lowered before, which is all that it refers to.
    pub(crate) known: &'a Known,
    /// Every declared resource.
    pub(crate) declared: &'a Declared<'a>,
    /// The nodes that the declaration chooses.
    pub(crate) selector: &'a [String],
    /// Whether the declaration takes over what is there under its name.
    pub(crate) adopt: Option<Span>,
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
    /// The resources that come with it; all there is where its kind is composite.
    pub(crate) parts: Vec<Part>,
}

/// A resource that comes with a declaration.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its address.
    pub(crate) address: Address,
    /// The node it lives on, or the cluster.
    pub(crate) place: Arc<str>,
    /// What it is to be, in its kind's terms.
    pub(crate) spec: Arc<Value>,
    /// What must be there before it, beyond what its declaration needs.
    pub(crate) dependencies: Vec<Dependency>,
    /// Whether its changes end with waiting until it is ready.
    pub(crate) gated: bool,
    /// Where it is written.
    pub(crate) span: Span,
}

impl Lowered {
    /// A spec from which nothing else follows.
    pub(crate) fn plain(spec: Map) -> Self {
        Self {
            spec: Arc::new(Value::Map(spec)),
            needs: Vec::new(),
            gated: false,
            rollout: None,
            hears_of_files: false,
            parts: Vec::new(),
        }
    }
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
pub(crate) const KINDS: &[Kind] =
    &[secret::KIND, file::KIND, container::KIND, manifest::KIND, ingress::KIND, host_aliases::KIND];

/// The top-level keys of a config under which resources are declared.
pub const SECTIONS: &[Section] = &[
    secret::KIND.section,
    file::KIND.section,
    container::KIND.section,
    manifest::KIND.section,
    ingress::KIND.section,
    host_aliases::KIND.section,
];

/// What plan must know about the primitive kinds.
pub const RULES: Rules = Rules(PRIMITIVES);

const PRIMITIVES: &[KindRules] = &[
    container::RULES,
    file::RULES,
    host_aliases::RULES,
    host_aliases::hosts::RULES,
    network::RULES,
    object::RULES,
    KindRules { kind: "ingress", ..object::RULES },
    KindRules { kind: "manifest", ..object::RULES },
    secret::RULES,
    volume::RULES,
];

/// The declared kind of this name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.section.kind == name)
}
