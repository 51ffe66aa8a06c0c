use clap::Args;
use hactl_core::Diagnostic;
use hactl_state::git::{Place, Repository};

use crate::cli::Global;
use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;
use crate::render;
use crate::session::Session;

/// List the revisions of the state: when, who, and what was applied
///
/// Every run that changes the state is a commit in git. `hactl show REVISION` shows the state as it was then,
/// `hactl rollback REVISION` goes back to its config.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl history -n 5")]
pub(crate) struct History {
    /// Only the newest ones
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl History {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let session = Session::open_to_read(global)?;
        let revisions =
            repository(&session)?.history(self.limit.map(|limit| limit as usize)).map_err(Diagnostic::from)?;
        if self.json {
            output.data(&pretty(&render::history::history_json(&revisions)));
        } else if revisions.is_empty() {
            output.message(&format!("The state of {} was never committed.\n", session.store.stack()));
        } else {
            output.data(&render::history::history(&revisions));
        }
        Ok(0)
    }
}

/// The repository that the state of a stack is versioned in.
///
/// # Errors
/// When it is in none.
pub(crate) fn repository(session: &Session) -> Result<Repository, Diagnostic> {
    let none = |what: String| {
        Diagnostic::error(what).detail("revisions of a state are commits in git, one for each run that changed it")
    };
    if session.is_sandbox() {
        return Err(none("runs in the sandbox are not committed".to_owned()).help("leave out `--sandbox`"));
    }
    match Repository::find(&session.store)? {
        Place::Versioned(repository) => Ok(*repository),
        Place::Ignored(path) => {
            Err(none(format!("git ignores the state file {}", path.display())).help("take it out of .gitignore"))
        }
        Place::Nowhere => Err(none(format!("{} is in no git repository", session.directory.display()))
            .help("`git init` there, and commit the config; from then on every apply is a commit")),
    }
}
