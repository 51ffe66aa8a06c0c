//! What the log is told of steps: which, where and how long; never with what values, nor in a host's own words, which
//! may quote them.

use std::time::Duration;

use hactl_core::plan::{Plan, Task};
use tracing::Span;

use crate::target::{Produced, StepError};

/// The span of a step: everything that is logged while it runs names it.
pub(crate) fn step(plan: &Plan, task: Task) -> Span {
    let change = plan.change(task);
    tracing::info_span!(
        "step",
        address = %change.address,
        node = change.node.as_deref(),
        operation = ?task.operation
    )
}

/// A step begins.
pub(crate) fn step_begins() {
    tracing::info!("step begins");
}

/// How a step ended.
pub(crate) fn step_ended(result: &Result<Produced, StepError>, elapsed: Duration) {
    match result {
        Ok(_) => tracing::info!(?elapsed, "step done"),
        Err(error) => tracing::warn!(?elapsed, stale = error.stale, "step failed"),
    }
}
