use std::path::PathBuf;

use clap::Args;
use hactl_core::Diagnostic;
use hactl_core::state::State;
use hactl_state::SavedPlan;
use hactl_state::git::RepositoryError;

use crate::cli::Global;
use crate::commands::history;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{render, run};

/// Show the state, a saved plan, or the state at an older revision
///
/// With --json in Terraform's shapes, so that tools made for those read them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hactl show 1a2b3c4\n  hactl show --json change.plan | jq '.resource_changes[].address'"
)]
pub(crate) struct Show {
    /// A plan saved by `hactl plan --out`, or a revision as `hactl history` lists them; the state where left out
    #[arg(value_name = "PLAN|REVISION")]
    what: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        match &self.what {
            Some(name) if !name.exists() => {
                let session = Session::open_to_read(global)?;
                let state = state_at(&session, &name.to_string_lossy())?;
                self.show(&state, output);
                Ok(0)
            }
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
                self.show(&session.state(&loaded), output);
                Ok(0)
            }
        }
    }

    fn show(&self, state: &State, output: &Output) {
        if self.json {
            output.data(&pretty(&render::state_json::state_json(state)));
        } else {
            output.data(&render::plan::state(state));
        }
    }
}

/// The state at a revision.
fn state_at(session: &Session, name: &str) -> Result<State, Failure> {
    let no_such = |why: String| {
        Diagnostic::error(format!("{name} is neither a file nor a revision")).detail(why).help(
            "name a plan saved by `hactl plan --out`, a revision that `hactl history` lists, or nothing for the state",
        )
    };
    let repository = history::repository(session).map_err(|why| no_such(why.summary))?;
    let revision = repository.revision(name).map_err(|error| match error {
        RepositoryError::NoRevision { .. } => no_such(String::new()),
        other => other.into(),
    })?;
    Ok(repository.state_at(&revision, &session.store).map_err(Diagnostic::from)?)
}

/// JSON for people and programs alike.
pub(crate) fn pretty(json: &serde_json::Value) -> String {
    format!("{json:#}\n")
}
