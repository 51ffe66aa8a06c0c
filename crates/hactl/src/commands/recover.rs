use std::time::Duration;

use clap::Args;
use hactl_config::Config;
use hactl_core::Diagnostic;
use hactl_core::state::State;
use hactl_state::Condition;
use hactl_state::git::Message;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::recover::{Asked, Recovered, recover};
use crate::render::progress::Reporter;
use crate::session::{self, Session};
use crate::turn::{Turn, Wish};
use crate::{render, run};

/// Rebuild a state that was lost or damaged
///
/// Looks at the hosts and the API server for what carries this stack's marks, compares it with the config, and writes a state
/// that says what is there. Nothing on any host changes. Values of secrets that hactl made were in the state alone: they are
/// named, and stay lost. Where the state can be had from git or a backup, take that.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl state recover && hactl plan")]
pub(crate) struct Recover {
    /// The stack's identity, where several stacks of its name were on the hosts
    #[arg(long, value_name = "LINEAGE")]
    lineage: Option<String>,
    /// Rebuild the state although there is one that can be used, here or in git; the secrets of one that is here stay, and
    /// it is kept beside the new one
    #[arg(long)]
    force: bool,
    /// Leave out what is on hosts that do not answer, instead of refusing
    #[arg(long)]
    allow_unreachable: bool,
    /// Do not commit the state to git this time
    #[arg(long)]
    no_commit: bool,
    /// How long to wait for another run that holds the lock, as in 30s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = run::parse_wait)]
    lock_timeout: Duration,
}

impl Recover {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let config = session::load_config(global)?;
        let session = Session::open(global, &config)?;
        let wish = Wish {
            operation: "state recover",
            wait: self.lock_timeout,
            git: &config.git,
            no_commit: self.no_commit,
            output,
        };
        let turn = Turn::begin_unread(&session, &wish)?;
        let condition = session.store.condition()?;
        if let (Condition::Good, false) = (&condition, self.force) {
            return Err(Diagnostic::error(format!("there is a state: {}", session.store.state_path().display()))
                .help("`hactl plan` shows what differs from it; --force rebuilds it all the same, and keeps this one beside")
                .into());
        }
        let in_git = turn.kept()?;
        if let (Some((revision, state)), false) = (&in_git.good, self.force) {
            return Err(Diagnostic::error(format!(
                "git has a state of {}: that of {}, serial {}",
                session.store.stack(),
                revision.short,
                state.serial
            ))
            .detail("it holds more than can be rebuilt: the values of secrets, and what is not on the hosts any more")
            .help(format!(
                "bring it back: `{}`; then `hactl plan`. --force rebuilds the state all the same",
                turn.bring_back(revision)
            ))
            .into());
        }
        let highest = in_git.serial.max(session.store.named_serial());
        let former = match &condition {
            Condition::Good => session.store.load().ok().and_then(|loaded| loaded.state),
            Condition::Absent | Condition::Damaged(_) => None,
        };
        let recovered = self.rebuilt(&session, &config, (former.as_ref(), highest), output)?;
        let mut warnings = turn.warnings.clone();
        warnings.extend(recovered.warnings.iter().cloned());
        output.message(&render::diagnostic::render(&warnings, &config.sources, output.colors_messages()));
        let kept = match &condition {
            Condition::Absent => session.store.set_aside("stray")?,
            Condition::Good => session.store.set_aside("replaced")?,
            Condition::Damaged(_) => session.store.set_aside("damaged")?,
        };
        session.store.save(&recovered.state)?;
        let ended = turn.end(&Message {
            summary: format!(
                "hactl state recover {}: {} resources",
                session.store.stack(),
                recovered.state.resources.len()
            ),
            trailers: vec![("Hactl-Serial", recovered.state.serial.to_string())],
        });
        output.data(&render::recovered::report(&recovered, &kept));
        output.message(&ended?);
        Ok(0)
    }

    fn rebuilt(
        &self,
        session: &Session,
        config: &Config,
        (former, highest): (Option<&State>, u64),
        output: &Output,
    ) -> Result<Recovered, Failure> {
        let runtime = run::runtime(session.world)?;
        let reporter = Reporter::new(output, false);
        let lineage = self.lineage.as_deref();
        let asked = Asked { former, highest, lineage, allow_unreachable: self.allow_unreachable };
        let recovered = {
            let events = |event: hactl_engine::Event<'_>| reporter.take(&event);
            let say = |text: &str| output.message(&format!("\n{text}"));
            runtime.block_on(recover(session, config, &asked, &events, say))
        };
        reporter.finish();
        recovered
    }
}
