use std::path::PathBuf;

use clap::Args;
use hactl_core::Diagnostic;
use hactl_state::SavedPlan;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{render, run};

/// Show the state, or a saved plan
///
/// With --json in Terraform's shapes, so that tools made for those read them.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl show --json change.plan | jq '.resource_changes[].address'")]
pub(crate) struct Show {
    /// A plan saved by `hactl plan --out`; the state where left out
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        match &self.plan {
            Some(path) if !path.exists() => Err(Diagnostic::error(format!("there is no file {}", path.display()))
                .help("name a plan saved by `hactl plan --out`, or nothing for the state")
                .into()),
            Some(path) => {
                let saved = SavedPlan::read(path)?;
                if self.json {
                    let stack = saved.plan.stack.clone();
                    let session = Session::at(saved.world, saved.directory.clone(), &stack)?;
                    let state = session.state(&session.store.load()?);
                    output.data(&pretty(&render::plan_json::plan_json(&saved.plan, &state)));
                } else {
                    output.data(&render::plan::render(&saved.plan, true));
                }
                Ok(0)
            }
            None => {
                let session = Session::open_to_read(global)?;
                let loaded = run::load_to_read(&session, std::time::Duration::ZERO)?;
                let state = session.state(&loaded);
                if self.json {
                    output.data(&pretty(&render::state_json::state_json(&state)));
                } else {
                    output.data(&render::plan::state(&state));
                }
                Ok(0)
            }
        }
    }
}

/// JSON for people and programs alike.
pub(crate) fn pretty(json: &serde_json::Value) -> String {
    format!("{json:#}\n")
}
