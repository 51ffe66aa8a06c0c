//! The simulated fleet as data: machines by name, their cluster, and the faults that wait for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cluster::Cluster;
use crate::faults::InjectedFault;
use crate::machine::Machine;

/// Everything the sandbox remembers. Changed by [`crate::mutation::apply`] only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fleet {
    pub(crate) seed: u64,
    /// Machines come to exist by their first change; before that, [`Fleet::machine`] answers with a new one.
    pub(crate) machines: BTreeMap<String, Machine>,
    /// Comes to exist by its first change, see [`Cluster::of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<Cluster>,
    /// How often another image was pushed under a tag, by canonical image name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pushes: BTreeMap<String, u64>,
    pub(crate) faults: Vec<InjectedFault>,
    pub(crate) faults_made: u64,
    #[serde(skip)]
    untouched: Machine,
}

impl Fleet {
    /// A fleet where nothing has happened yet.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The machine of this name; any name has one.
    pub(crate) fn machine(&self, name: &str) -> &Machine {
        self.machines.get(name).unwrap_or(&self.untouched)
    }
}
