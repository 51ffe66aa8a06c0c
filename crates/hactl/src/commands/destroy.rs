use clap::Args;
use hactl_core::Diagnostic;
use hactl_core::plan::Mode;

use crate::cli::Global;
use crate::commands::apply::plan_and_apply;
use crate::failure::Failure;
use crate::output::Output;
use crate::run::{ApplyOptions, PlanOptions};

/// Remove everything that was applied
///
/// Shows what goes, asks, and removes it, each thing after what depends on it. Volumes are kept unless --volumes is
/// given; protected resources make it refuse.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl destroy --sandbox --target container.web")]
pub(crate) struct Destroy {
    #[command(flatten)]
    planning: PlanOptions,
    #[command(flatten)]
    applying: ApplyOptions,
}

impl Destroy {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        if self.planning.refresh_only || !self.planning.replace.is_empty() {
            return Err(Diagnostic::error("destroy takes neither --refresh-only nor --replace")
                .help("use them with `hactl apply`")
                .into());
        }
        plan_and_apply("destroy", Mode::Destroy, &self.planning, &self.applying, global, output)
    }
}
