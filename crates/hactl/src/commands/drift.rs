use std::time::Duration;

use clap::Args;
use hactl_config::SourceMap;

use crate::cli::Global;
use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;
use crate::render;
use crate::render::progress::Reporter;
use crate::run;
use crate::session::{self, Session};

/// Show what was changed on the hosts and the cluster since the last apply
///
/// Looks at everything that the state holds, and changes nothing. Exit code 0 where all of it is as it was applied, 2 where
/// something is not, 1 where something could not be looked at. The config need not be right for that: it only names the stack.
#[derive(Debug, Args)]
#[command(name = "drift", after_help = "Example:\n  hactl drift --json | jq '.resource_drift[].address'")]
pub(crate) struct DriftCommand {
    /// Write JSON, in the shape that `hactl show --json PLAN` has
    #[arg(long)]
    json: bool,
}

impl DriftCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let session = Session::open_to_read(global)?;
        let config = session::load_to_check(global).ok();
        let runtime = run::runtime(session.world)?;
        let loaded = run::load_to_read(&session, Duration::ZERO)?;
        let state = session.state(&loaded);
        let reporter = Reporter::new(output, false);
        let looked = {
            let events = |event: hactl_engine::Event<'_>| reporter.take(&event);
            runtime.block_on(run::look_for_drift(&session, config.as_ref(), &state, &events))
        };
        reporter.finish();
        let (plan, found) = looked?;
        output.message(&render::diagnostic::render(&found, &SourceMap::new(), output.colors_messages()));
        if self.json {
            output.data(&pretty(&render::plan_json::drift_only_json(&plan)));
        } else {
            output.data(&render::plan::render_drift(&plan, true));
        }
        let all_seen = plan.left_out.is_empty() && !found.iter().any(hactl_core::Diagnostic::is_error);
        Ok(match (all_seen, plan.drift.is_empty()) {
            (false, _) => 1,
            (true, false) => 2,
            (true, true) => 0,
        })
    }
}
