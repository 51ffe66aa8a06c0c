//! What an operation sees when it decides: one machine and the faults that strike.

use std::collections::BTreeMap;

use hactl_host::HostError;

use crate::faults::{Fault, InjectedFault, Operation};
use crate::machine::Machine;
use crate::mutation::Change;

/// The world of one operation. Deciding is pure: it answers with the changes to be made, in order.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) seed: u64,
    /// The host's name.
    pub(crate) host: &'a str,
    pub(crate) machine: &'a Machine,
    /// How often another image was pushed under a tag.
    pub(crate) pushes: &'a BTreeMap<String, u64>,
    /// All faults of the fleet.
    pub(crate) faults: &'a [InjectedFault],
    /// Those that strike this operation.
    pub(crate) strikes: &'a [Fault],
}

/// What an operation answers, and the changes that make it true.
pub(crate) type Decision<T = ()> = Result<(T, Vec<Change>), HostError>;

impl Scene<'_> {
    /// Whether a fault of this kind strikes.
    pub(crate) fn struck(&self, is: impl Fn(&Fault) -> bool) -> bool {
        self.strikes.iter().any(is)
    }

    /// Docker Engine's refusal.
    pub(crate) fn refusal(operation: Operation, subject: &str, message: impl Into<String>) -> HostError {
        HostError::Engine { operation: operation.describe(subject), message: message.into() }
    }
}

/// An answer that changes nothing.
pub(crate) fn unchanged<T>(answer: T) -> Decision<T> {
    Ok((answer, Vec::new()))
}

/// One change, and nothing to answer.
pub(crate) fn change(change: Change) -> Decision {
    Ok(((), vec![change]))
}
