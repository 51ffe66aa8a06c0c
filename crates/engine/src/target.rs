//! Where resources live: hosts, an API server and the state itself, as the engine sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::cluster::ClusterConnection;
use hactl_core::diagnostic::Diagnostic;
use hactl_core::node::Connection;
use hactl_core::observed::Observed;
use hactl_core::plan::{Adopted, Operation, PathChange};
use hactl_core::resolve::Entries;
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Sensitive};

use crate::remains::{Remains, Trace};

/// Opens targets.
#[async_trait]
pub trait Targets: Send + Sync {
    /// Connects to a node.
    ///
    /// # Errors
    /// Why it cannot be reached, as a clause.
    async fn connect(&self, node: &str, connection: &Connection) -> Result<Arc<dyn Target>, String>;

    /// The API server that a connection leads to. Whether it answers shows when something is asked of it: it may be made
    /// in the very run.
    fn cluster(&self, connection: &ClusterConnection) -> Arc<dyn Target>;

    /// Where what is on no node lives: in the state alone.
    fn home(&self) -> Arc<dyn Target>;
}

/// One place where resources live.
#[async_trait]
pub trait Target: Send + Sync {
    /// Looks at resources, in as few round trips as the target allows.
    ///
    /// # Errors
    /// Why the target did not answer, as a clause; then nothing is known about any of them.
    async fn read(&self, lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, String>;

    /// The stacks that were here, by what they left. `wanted` is what the config has on this target: where a target keeps no
    /// list of what is on it, these are looked at.
    ///
    /// # Errors
    /// Why the target did not answer, as a clause.
    async fn traces(&self, _wanted: &[ReadRequest<'_>]) -> Result<Vec<Trace>, String> {
        Ok(Vec::new())
    }

    /// Everything that a stack has here, whether the config wants it or not.
    ///
    /// # Errors
    /// Why the target did not answer, as a clause.
    async fn remains(&self, _lineage: &str, _wanted: &[ReadRequest<'_>]) -> Result<Remains, String> {
        Ok(Remains::default())
    }

    /// Takes the target for an apply, before its first step there.
    ///
    /// # Errors
    /// When it was last touched from a newer state, or does not answer.
    async fn claim(&self, claim: &Claim) -> Result<(), StepError>;

    /// Ends an apply: what is gone need not be remembered there.
    ///
    /// # Errors
    /// When it does not answer; nothing is lost by that.
    async fn release(&self, lineage: &str, gone: &[Address]) -> Result<(), StepError>;

    /// Does one step; returns the outputs of the resource, or none where they stay as they are.
    ///
    /// # Errors
    /// What failed and what to do about it.
    async fn execute(&self, job: &Job<'_>) -> Result<Produced, StepError>;
}

/// The outputs of a resource after a step.
#[derive(Debug, Default)]
pub struct Produced {
    /// Those that anybody may see.
    pub outputs: Map,
    /// Those that are kept encrypted.
    pub entries: Entries,
}

impl From<Map> for Produced {
    fn from(outputs: Map) -> Self {
        Self { outputs, entries: Entries::new() }
    }
}

/// One resource to be looked at.
#[derive(Debug, Clone)]
pub struct ReadRequest<'a> {
    /// Its address.
    pub address: &'a Address,
    /// What it may be, the likeliest first: what an unfinished step intended, what state holds, what that replaced.
    pub candidates: Vec<&'a ResourceState>,
    /// Whether state holds it; otherwise the candidates are only what a step that did not finish intended.
    pub applied: bool,
    /// What the config wants it to be: where to look for something foreign of its name.
    pub wanted: Option<&'a Value>,
    /// The same with every value in plain text; only on a cluster, and where all of it is known by now.
    pub revealed: Option<Sensitive<Value>>,
    /// Whether the config says that something foreign under its name is taken over.
    pub adopt: bool,
}

impl<'a> ReadRequest<'a> {
    /// A request for a resource of which nothing is known yet.
    pub fn new(address: &'a Address) -> Self {
        Self { address, candidates: Vec::new(), applied: false, wanted: None, revealed: None, adopt: false }
    }
}

/// What a target answered.
#[derive(Debug, Default)]
pub struct Reading {
    /// One per request, in their order.
    pub observed: Vec<Observed>,
    /// Facts of a node, for `${node.NAME.os}` and the like.
    pub facts: Map,
    /// Which machine it is.
    pub identity: Identity,
    /// The serial of the last state that touched it; none where none did.
    pub serial: Option<u64>,
    /// Addresses that the target still records although nothing of them is there: what a cut-short removal leaves.
    pub vacant: Vec<Address>,
    /// What the target records under another address than the state at hand has it: that one, and the right one.
    pub moved: Vec<(Address, Address)>,
    /// What it records and nobody asked for: neither state nor config know it.
    pub strays: Vec<Stray>,
    /// Fields that belong to what the config wants and that only the target can tell, as the digest of an image, by
    /// address.
    pub computed: BTreeMap<Address, Map>,
    /// Why the target would not do what the config wants of it, by address: for what is to be changed or made.
    pub refusals: BTreeMap<Address, Diagnostic>,
    /// What the config wants only if something is there that is not, by address.
    pub unplaced: BTreeSet<Address>,
    /// What else there is to say.
    pub warnings: Vec<Diagnostic>,
}

/// Something on a target that is marked as the stack's own, and that neither state nor config know.
#[derive(Debug, Clone, PartialEq)]
pub struct Stray {
    /// The address that it is marked with; none where that is not an address.
    pub address: Option<Address>,
    /// Whether the target's own record of it is what is meant: the next apply may drop that.
    pub recorded: bool,
    /// What to say of it.
    pub warning: Diagnostic,
}

/// Which machine a node is. Both parts count: cloned machines share the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `/etc/machine-id`; of a cluster, the uid of its namespace `kube-system`.
    pub machine_id: String,
    /// Docker Engine's id; empty where there is no engine.
    pub engine_id: String,
}

/// The start of an apply on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The stack's identity.
    pub lineage: String,
    /// The stack's name.
    pub stack: String,
    /// The serial of the state that the apply starts from.
    pub parent_serial: u64,
    /// The serial of the state that it will write.
    pub serial: u64,
    /// What the target records under another address than it has by now, and that one; to be done in this order.
    pub moves: Vec<(Address, Address)>,
    /// The resources about to be touched there.
    pub addresses: Vec<Address>,
}

/// One step, with everything it takes to do it.
pub struct Job<'a> {
    /// The stack's identity.
    pub lineage: &'a str,
    /// The stack's name.
    pub stack: &'a str,
    /// The resource.
    pub address: &'a Address,
    /// What to do.
    pub operation: Operation,
    /// What it is to be, with every value in plain text; none where it is to be gone.
    pub spec: Option<&'a Value>,
    /// The same as the plan has it: with stand-ins for what is sensitive.
    pub planned: Option<&'a Value>,
    /// The random id of the creation that this step is or belongs to.
    pub generation: &'a str,
    /// What state holds of it.
    pub state: Option<&'a ResourceState>,
    /// The random ids of all creations that state held when the apply began. What carries one of another resource's is
    /// that resource's, whatever address it is marked with: marks keep the address from before a move.
    pub held: &'a BTreeSet<String>,
    /// What differs.
    pub paths: &'a [PathChange],
    /// The sensitive outputs that it has now, in plain text.
    pub entries: &'a Entries,
    /// The outputs that are to be made anew; all where it is created.
    pub remakes: &'a [String],
    /// Whether something it uses changed.
    pub notified: bool,
    /// Whether something foreign under its name is taken over.
    pub adopt: bool,
    /// What was there already and becomes the stack's with this change.
    pub adopts: Option<&'a Adopted>,
    /// Told what is going on, as short texts.
    pub progress: &'a (dyn Fn(&str) + Send + Sync),
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{summary}")]
pub struct StepError {
    /// What failed, as a clause.
    pub summary: String,
    /// More about it, as the last lines a container printed; may be empty.
    pub detail: String,
    /// What to do next.
    pub help: Option<String>,
    /// Whether the target refused because it was last touched from a newer state than the one at hand.
    pub stale: bool,
}

impl StepError {
    /// An error with a summary only.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), detail: String::new(), help: None, stale: false }
    }
}
