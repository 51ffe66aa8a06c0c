//! What plan, apply and destroy have in common: looking, planning, asking, applying.

mod drift;
mod execute;
mod import;
mod moves;
mod options;
mod prepare;

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use hactl_core::Diagnostic;
use hactl_core::cluster::CLUSTER;
use hactl_core::plan::Plan;
use hactl_state::{Loaded, World};
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::turn;

pub(crate) use drift::look_for_drift;
pub(crate) use execute::{Start, execute, has_work};
pub(crate) use moves::rename;
pub(crate) use options::{ApplyOptions, PlanOptions};
pub(crate) use prepare::{Prepared, prepare, read_values, settle};

/// The environment variable that makes the sandbox's waits take no time.
const VIRTUAL_CLOCK: &str = "HACTL_SANDBOX_CLOCK";

/// The runtime of a world: in the sandbox one thread, so that a run is the same every time.
pub(crate) fn runtime(world: World) -> Result<Runtime, Failure> {
    let built = match world {
        World::Real => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        World::Sandbox => {
            let paused = std::env::var_os(VIRTUAL_CLOCK).is_some_and(|value| value == "virtual");
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build()
        }
    };
    built.map_err(|error| Diagnostic::error(format!("hactl cannot start: {error}")).into())
}

/// Reads the state for a command that changes nothing.
///
/// A journal that is there while nobody holds the lock is folded in; while somebody does, an apply is running.
pub(crate) fn load_to_read(session: &Session, wait: Duration) -> Result<Loaded, Failure> {
    let loaded = session.store.load()?;
    if loaded.state.is_none() {
        turn::check_present(session)?;
    }
    if loaded.journal.is_none() {
        return Ok(loaded);
    }
    let _lock = session.store.lock("plan", wait)?;
    Ok(session.store.load()?)
}

/// Refuses a plan that leaves out hosts that did not answer, unless that was asked for.
pub(crate) fn check_reachable(plan: &Plan, options: &ApplyOptions) -> Result<(), Failure> {
    if plan.left_out.is_empty() || options.allow_unreachable {
        return Ok(());
    }
    let nodes: Vec<String> =
        plan.unreachable.iter().map(|(node, reason)| format!("{node} did not answer: {reason}")).collect();
    let cluster = plan.unreachable.contains_key(CLUSTER);
    let what = match (plan.left_out.len(), cluster && plan.unreachable.len() == 1) {
        (1, false) => "1 resource is on a host that did not answer, or needs what is".to_owned(),
        (1, true) => "1 resource is on the cluster, which did not answer, or needs what is".to_owned(),
        (count, true) => format!("{count} resources are on the cluster, which did not answer, or need what is"),
        (count, false) => format!("{count} resources are on hosts that did not answer, or need what is"),
    };
    Err(Diagnostic::error(what)
        .detail(nodes.join("\n"))
        .help("mend that and run again, or leave them out with --allow-unreachable")
        .into())
}

/// Asks for the word `yes`.
pub(crate) fn approve(output: &Output, question: &str) -> Result<(), Failure> {
    output.message(&format!("\n{question}\n  Only `yes` is taken as approval.\n\n  Enter a value: "));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer).unwrap_or(0);
    if !std::io::stdin().is_terminal() {
        output.message("\n");
    }
    if answer.trim() == "yes" {
        output.message("\n");
        return Ok(());
    }
    if read == 0 {
        return Err(Diagnostic::error("there is nobody to ask: the input has ended")
            .help("run it in a terminal, or with --auto-approve")
            .into());
    }
    output.message("\nCancelled. Nothing was changed.\n");
    Err(Failure::Reported)
}

pub(crate) fn parse_wait(text: &str) -> Result<Duration, String> {
    hactl_kinds::parse_duration(text)
}
