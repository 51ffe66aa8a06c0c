//! Refresh and apply: where async begins, and the only scheduler.
//!
//! The engine knows plans, targets and the journal. It does not know kinds: the binary hands it [`Targets`].

mod apply;
mod book;
mod event;
mod hosts;
mod log;
mod refresh;
mod remains;
mod schedule;
mod target;

pub use apply::{Applied, Apply, Encrypt, Failure, Recorder, apply};
pub use book::StateOutputs;
pub use event::{Event, Events};
pub use refresh::{Refresh, Refreshed, SeenNode, refresh};
pub use remains::{Answers, Remains, Trace, remains, traces};
pub use target::{Claim, Identity, Job, Produced, ReadRequest, Reading, StepError, Stray, Target, Targets};
