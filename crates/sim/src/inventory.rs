//! The inventory that a machine keeps of one stack, with the copies of the adopted originals.

use std::collections::BTreeMap;
use std::path::Path;

use hactl_core::Address;
use hactl_host::{Inventory, InventoryEntry};
use serde::{Deserialize, Serialize};

use crate::machine::StoredFile;

/// A stack's inventory on one machine. At most one entry holds a path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Unindexed")]
pub(crate) struct StoredInventory {
    inventory: Inventory,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    originals: BTreeMap<Address, StoredFile>,
    #[serde(skip)]
    holders: BTreeMap<String, Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unindexed {
    inventory: Inventory,
    #[serde(default)]
    originals: BTreeMap<Address, StoredFile>,
}

impl From<Unindexed> for StoredInventory {
    fn from(stored: Unindexed) -> Self {
        let entries = stored.inventory.entries.iter();
        Self {
            holders: entries.filter_map(|(address, entry)| Some((entry.path.clone()?, address.clone()))).collect(),
            inventory: stored.inventory,
            originals: stored.originals,
        }
    }
}

impl StoredInventory {
    /// The inventory as the port shows it.
    pub(crate) fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The resource that holds a path.
    pub(crate) fn holder(&self, path: &str) -> Option<&Address> {
        self.holders.get(path)
    }

    /// What is recorded of a resource.
    pub(crate) fn entry(&self, address: &Address) -> Option<&InventoryEntry> {
        self.inventory.entries.get(address)
    }

    /// The recorded directories on the way to a path.
    pub(crate) fn directories_above(&self, path: &str) -> impl Iterator<Item = String> {
        let recorded = self.inventory.entries.values().flat_map(|entry| &entry.directories);
        recorded.filter(move |directory| Path::new(path).starts_with(directory)).cloned()
    }

    /// The kept copy of what an adopted file was before.
    pub(crate) fn original(&self, address: &Address) -> Option<&StoredFile> {
        self.originals.get(address)
    }

    /// Notes who touches the machine, from which state, and what is about to be touched.
    pub(crate) fn claim(&mut self, stack: String, serial: u64, addresses: Vec<Address>) {
        self.inventory.stack = stack;
        self.inventory.serial = serial;
        for address in addresses {
            self.inventory.entries.entry(address).or_default();
        }
    }

    /// Gives an entry another address, with the original that it keeps; what is recorded under that is dropped.
    pub(crate) fn rename(&mut self, from: &Address, to: Address) {
        if !self.inventory.entries.contains_key(from) {
            return;
        }
        self.take(&to);
        let (mut entry, original) = self.take(from);
        self.inventory.entries.remove(from);
        if let Some(path) = &entry.path {
            self.holders.insert(path.clone(), to.clone());
        }
        if entry.is_labelled() {
            entry.labels.insert(from.clone());
            entry.labels.remove(&to);
        }
        self.originals.extend(original.map(|original| (to.clone(), original)));
        self.inventory.entries.insert(to, entry);
    }

    /// Forgets resources; answers whether none is left.
    pub(crate) fn release(&mut self, gone: &[Address]) -> bool {
        for address in gone {
            self.take(address);
            self.inventory.entries.remove(address);
        }
        self.inventory.entries.is_empty()
    }

    /// Writes one entry, and the original where one is kept. Whoever held the path before gives it up.
    pub(crate) fn record(&mut self, address: Address, entry: InventoryEntry, original: Option<StoredFile>) {
        self.take(&address);
        if let Some(path) = &entry.path
            && let Some(before) = self.holders.insert(path.clone(), address.clone())
        {
            self.inventory.entries.insert(before.clone(), InventoryEntry::default());
            self.originals.remove(&before);
        }
        if let Some(original) = original {
            self.originals.insert(address.clone(), original);
        }
        self.inventory.entries.insert(address, entry);
    }

    /// Clears an entry, which stays listed, and answers what it held.
    pub(crate) fn take(&mut self, address: &Address) -> (InventoryEntry, Option<StoredFile>) {
        let entry = self.inventory.entries.get_mut(address).map(std::mem::take).unwrap_or_default();
        if let Some(path) = &entry.path {
            self.holders.remove(path);
        }
        (entry, self.originals.remove(address))
    }
}
