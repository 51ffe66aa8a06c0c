use std::time::Duration;

use clap::Args;
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::plan::Mode;

use crate::cli::Global;
use crate::commands::apply::plan_and_apply;
use crate::failure::Failure;
use crate::output::Output;
use crate::run::{self, ApplyOptions, PlanOptions};

/// Take what is there already for the stack's
///
/// The config says what it is to be. Shows how what is there compares with that, asks, and records it: what is equal is left
/// as it is, what differs is changed. It is `adopt: true` for these resources and this once.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl import 'container.web[\"node1\"]'")]
pub(crate) struct Import {
    /// What to import; an address without a key means all its instances
    #[arg(value_name = "ADDRESS", required = true)]
    addresses: Vec<String>,
    /// How long to wait for another run that holds the lock, as in 30s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = run::parse_wait)]
    lock_timeout: Duration,
    #[command(flatten)]
    applying: ApplyOptions,
}

impl Import {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let (mut import, mut mistakes) = (Vec::new(), Vec::new());
        for text in &self.addresses {
            match Address::parse(text) {
                Ok(address) => import.push(address),
                Err(error) => mistakes
                    .push(Diagnostic::error(error.to_string()).help("as in container.web or container.web[\"node1\"]")),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes.into());
        }
        let planning = PlanOptions { import, ..PlanOptions::of_command(self.lock_timeout) };
        plan_and_apply("import", Mode::Normal, &planning, &self.applying, global, output)
    }
}
