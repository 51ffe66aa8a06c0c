//! Resources as the config wants them, and what plan must know about their kinds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::diagnostic::Span;
use crate::value::Value;

/// One resource instance as the config wants it, lowered to a primitive kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// The node it lives on, or [`CLUSTER`](crate::cluster::CLUSTER); none for what is in the state alone.
    pub node: Option<Arc<str>>,
    /// What it is to be, in its kind's terms.
    pub spec: Arc<Value>,
    /// What must be there before it.
    pub dependencies: Vec<Dependency>,
    /// Refuse any plan that deletes or replaces it.
    pub protect: bool,
    /// Dotted paths whose changes are left alone.
    pub ignore_changes: Arc<[String]>,
    /// Take over what is there under its name, made by someone else.
    pub adopt: bool,
    /// How changes of its instances are spread over time; none for all at once.
    pub rollout: Option<Rollout>,
    /// Whether its changes end with waiting until it is healthy.
    pub gated: bool,
    /// Where the config declares it.
    pub span: Option<Span>,
}

/// That one resource needs another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependency {
    /// An instance; or, without a key, every instance of the resource.
    pub on: Address,
    /// Whether a change of it is to be told to the dependent (which restarts or reloads).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notify: bool,
    /// Whether the dependent cannot outlive it: replacing it replaces the dependent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub binds: bool,
    /// Whether the place where the dependent lives is made by it: while that is still to come, a place that does not answer
    /// is not there yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carries: bool,
}

impl Dependency {
    /// A plain dependency.
    pub fn on(address: Address) -> Self {
        Self { on: address, notify: false, binds: false, carries: false }
    }
}

/// How a change is spread over the instances of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The most instances changed at one time; at least 1.
    pub max_unavailable: u32,
    /// Whether an instance that fails is put back as it was.
    pub rollback: bool,
}

/// How a kind replaces an instance that cannot change in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// The new one takes the old one's place in one step, and the old one is kept until the new one is healthy.
    Swap,
    /// The old one is deleted, then the new one created.
    DeleteThenCreate,
}

/// What of a kind can change in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InPlace {
    /// These top-level fields.
    Fields(&'static [&'static str]),
    /// Everything but what the place where it lives says of each instance.
    UnlessRefused,
}

impl InPlace {
    /// Whether what a path leads to can change in place. An empty path is the whole instance.
    pub fn allows(self, path: &[String]) -> bool {
        match self {
            Self::Fields(fields) => path.first().is_some_and(|field| fields.contains(&field.as_str())),
            Self::UnlessRefused => true,
        }
    }
}

/// What plan must know about a primitive kind.
pub struct KindRules {
    /// The kind.
    pub kind: &'static str,
    /// How an instance is replaced.
    pub replacement: Replacement,
    /// Whether every creation carries a random id of its own, by which it is known on its host again.
    pub generations: bool,
    /// What can change in place; a change of anything else replaces the instance.
    pub in_place: InPlace,
    /// The top-level fields that no config says: they differ where something outside of it has changed.
    pub computed: &'static [&'static str],
    /// The top-level fields of which a change makes its outputs anew, although the resource changes in place: what uses
    /// them changes as well. A kind that has any is made anew, not replaced, when that is asked for.
    pub remakes: &'static [&'static str],
    /// Whether deleting keeps the thing itself and only forgets it, unless asked for (volumes hold data).
    pub keep_on_delete: bool,
    /// What an instance with this spec has for itself alone on its node, in words: `port 8080/tcp`, `path /etc/x`.
    /// Two instances on one node with an equal claim clash, and so do a claim and a part of it, written with ` on `:
    /// `port 8080/tcp` and `port 8080/tcp on 127.0.0.1`, but not two different parts.
    pub claims: fn(&Value) -> Vec<String>,
}

/// The rules of every primitive kind.
#[derive(Clone, Copy)]
pub struct Rules(pub &'static [KindRules]);

impl Rules {
    /// The rules of a resource's kind; none for a kind this build does not know.
    pub fn of(&self, address: &Address) -> Option<&'static KindRules> {
        let kind = address.primitive();
        self.0.iter().find(|rules| rules.kind == kind)
    }
}
