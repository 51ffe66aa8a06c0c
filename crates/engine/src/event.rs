//! What happens, as it happens; the binary decides how to show it.

use std::time::Duration;

use hactl_core::Address;
use hactl_core::plan::Operation;

use crate::target::StepError;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A node is being looked at.
    Reading {
        /// Its name.
        node: &'a str,
        /// How many resources are looked at there.
        resources: usize,
    },
    /// A node was looked at, or did not answer.
    Read {
        /// Its name.
        node: &'a str,
        /// Why it did not answer, where it did not.
        unreachable: Option<&'a str>,
    },
    /// A step began.
    Started {
        /// The resource.
        address: &'a Address,
        /// Its node.
        node: Option<&'a str>,
        /// What is being done.
        operation: Operation,
    },
    /// A step says what it is doing.
    Progress {
        /// The resource.
        address: &'a Address,
        /// What, as a short text.
        text: &'a str,
    },
    /// A step ended.
    Ended {
        /// The resource.
        address: &'a Address,
        /// Its node.
        node: Option<&'a str>,
        /// What was done.
        operation: Operation,
        /// How long it took.
        elapsed: Duration,
        /// How it ended.
        result: Result<(), &'a StepError>,
    },
    /// An interrupt was heard: what runs is finished, nothing else begins.
    Stopping,
    /// A step was not begun because something before it failed.
    Skipped {
        /// The resource.
        address: &'a Address,
        /// What would have been done.
        operation: Operation,
    },
}

/// Takes events; called from one thread at a time, in order.
pub type Events<'a> = &'a (dyn Fn(Event<'_>) + Send + Sync);
