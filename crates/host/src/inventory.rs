//! The inventory that each host keeps of what a stack made there, `/var/lib/hactl/<lineage>`.
//!
//! Containers carry labels; files cannot. The inventory is written before each effect, so that it is at once the
//! ownership check between stacks, the fence against an older state, and a source for recovery.

use std::collections::{BTreeMap, BTreeSet};

use hactl_core::Address;
use serde::{Deserialize, Serialize};

/// What one stack has on one host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// The stack's name, as a hint for people.
    pub stack: String,
    /// The serial of the last state that touched the host.
    pub serial: u64,
    /// What there is, or may be after an interrupted apply.
    pub entries: BTreeMap<Address, InventoryEntry>,
}

/// One resource on the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryEntry {
    /// For a file: its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// For a file: the parent directories that were made for it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directories: Vec<String>,
    /// For an adopted file: whether a copy of the original is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub original: bool,
    /// For a block of lines: the path of the file that it is in, which is not the stack's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// For what is neither file nor block: the addresses that it had before it was moved. A container's label may still
    /// say one of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub labels: BTreeSet<Address>,
}

impl InventoryEntry {
    /// Whether what it records cannot be told by its path, and so by labels only.
    pub fn is_labelled(&self) -> bool {
        self.path.is_none() && self.block.is_none()
    }
}

impl Inventory {
    /// The address that a resource has whose label says `label`. None where neither that address nor a move from it is
    /// recorded.
    pub fn labelled(&self, label: &Address) -> Option<&Address> {
        let moved = || self.entries.iter().find(|(_, entry)| entry.labels.contains(label));
        self.entries.get_key_value(label).or_else(moved).map(|(address, _)| address)
    }
}

/// The start of an apply on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The stack's identity.
    pub lineage: String,
    /// The stack's name.
    pub stack: String,
    /// The serial of the state that this apply starts from.
    pub parent_serial: u64,
    /// The serial of the state that this apply will write.
    pub serial: u64,
    /// What the inventory records under another address than the state at hand has it, to be recorded under that one. Done
    /// in this order, before the addresses are recorded; one that was done before is nothing to do.
    pub moves: Vec<Moved>,
    /// The resources about to be created or changed here.
    pub addresses: Vec<Address>,
}

/// That a resource has another address now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The address that the host knows it by. What is recorded under it is kept, an adopted file's original as well.
    pub from: Address,
    /// The address that it has. What is recorded under it is dropped.
    pub to: Address,
    /// For a block of lines: the path of the file that it is in, and in which it names its address.
    pub block: Option<String>,
}

/// The end of an apply on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The stack's identity.
    pub lineage: String,
    /// The resources that are gone.
    pub gone: Vec<Address>,
}
