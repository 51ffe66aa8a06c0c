use std::path::PathBuf;

use clap::Args;
use hactl_config::Config;
use hactl_core::plan::Mode;
use hactl_core::{Diagnostic, Sensitive, Value};
use hactl_state::SavedPlan;
use hactl_state::encryption::{Vault, label};

use crate::cli::Global;
use crate::failure::Failure;
use crate::keyring::has_sensitive_expressions;
use crate::output::Output;
use crate::render;
use crate::render::progress::Reporter;
use crate::render::stream::Stream;
use crate::run::{self, PlanOptions, Prepared};
use crate::session::{self, Session};
use crate::turn;
use crate::withheld::withhold;

/// Show what would change, on which host, in which order, and why
///
/// Looks at the hosts, compares them with the config and with what was last applied, and changes nothing.
#[derive(Debug, Args)]
#[command(
    name = "plan",
    after_help = "Example:\n  hactl plan --sandbox --out change.plan && hactl apply --sandbox change.plan"
)]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    pub(crate) options: PlanOptions,
    /// Save the plan, to be applied exactly as shown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 where there are changes, 0 where there are none, 1 on errors
    #[arg(long)]
    detailed_exitcode: bool,
    /// Plan to destroy everything
    #[arg(long, conflicts_with = "refresh_only")]
    destroy: bool,
    /// Write machine-readable messages, one JSON object a line
    #[arg(long)]
    json: bool,
}

impl PlanCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        streamed(self.json, output, || self.plan(global, output))
    }

    fn plan(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let config = session::load_config(global)?;
        let session = Session::open(global, &config)?;
        let runtime = run::runtime(session.world)?;
        let loaded = run::load_to_read(&session, self.options.lock_timeout)?;
        let reporter = Reporter::new(output, self.json);
        let mode = if self.destroy { Mode::Destroy } else { Mode::Normal };
        let prepared = {
            let events = |event: hactl_engine::Event<'_>| reporter.take(&event);
            runtime.block_on(run::prepare(&session, &config, &self.options, mode, loaded, &events))
        };
        reporter.finish();
        let mut prepared = prepared?;
        show(&prepared, &config, output, self.json);
        if let Some(path) = &self.out {
            let say = |text: &str| output.message(&format!("\n{text}"));
            let vault = prepared.keyring.vault(&session, &prepared.plan, say)?;
            let saved = save(&prepared, &config, &session, global);
            with_secrets(saved, vault.as_ref())?.write(path)?;
            if !self.json {
                output.message(&format!(
                    "\nSaved the plan to {0}. To do exactly this:\n\n  hactl apply{1} {0}\n",
                    path.display(),
                    if global.sandbox { " --sandbox" } else { "" }
                ));
            }
        }
        // What was not looked at cannot be said to be without changes.
        let looked_at_all = prepared.plan.left_out.is_empty() && !prepared.keyring.is_closed();
        let changes = prepared.plan.has_changes() || !looked_at_all;
        let code = if self.detailed_exitcode && changes { 2 } else { 0 };
        // The process ends here and gives all of it back at once; piece by piece takes a tenth of a large plan's time.
        std::mem::forget((prepared, config));
        Ok(code)
    }
}

/// Runs a command whose messages may be for programs: then the first one names the version, and what goes wrong is a
/// message as well.
pub(crate) fn streamed(
    json: bool,
    output: &Output,
    command: impl FnOnce() -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    if !json {
        return command();
    }
    let stream = Stream::new(output);
    stream.version();
    command().map_err(|failure| match failure {
        Failure::Diagnostics { sources, diagnostics } => {
            stream.diagnostics(&diagnostics, &sources);
            Failure::Reported
        }
        other => other,
    })
}

/// Shows a plan, its warnings first.
pub(crate) fn show(prepared: &Prepared, config: &Config, output: &Output, json: bool) {
    if json {
        let stream = Stream::new(output);
        stream.diagnostics(&prepared.warnings, &config.sources);
        stream.plan(&prepared.plan);
        return;
    }
    output.message(&render::diagnostic::render(&prepared.warnings, &config.sources, output.colors_messages()));
    output.data(&render::plan::render(&prepared.plan, true));
}

/// The plan with what its secrets need, encrypted.
fn with_secrets(saved: SavedPlan, vault: Option<&Vault>) -> Result<SavedPlan, Failure> {
    if !has_sensitive_expressions(&saved.plan) {
        return Ok(saved);
    }
    let (plan, texts) = withhold(&saved.plan)?;
    let Some(vault) = vault else {
        return match texts {
            None => Ok(saved),
            Some(_) => Err(Diagnostic::error("the plan cannot be saved: what is secret in it cannot be encrypted")
                .help("name the identity that decrypts the state in HACTL_AGE_IDENTITY")
                .into()),
        };
    };
    let seal = |texts: Sensitive<Value>| vault.seal(label::PLAN, texts.expose(), None).map_err(Diagnostic::from);
    let withheld = texts.map(seal).transpose()?;
    Ok(SavedPlan { plan, withheld, encryption: Some(vault.header().clone()), ..saved })
}

fn save(prepared: &Prepared, config: &Config, session: &Session, global: &Global) -> SavedPlan {
    SavedPlan {
        hactl: env!("CARGO_PKG_VERSION").to_owned(),
        world: session.world,
        directory: session.directory.clone(),
        config_digest: config.digest(),
        state_digest: prepared.loaded.digest,
        encryption: None,
        withheld: None,
        git: config.git.clone(),
        config_commit: turn::commit_of(session, config, global),
        plan: prepared.plan.clone(),
    }
}
