use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::plan::Mode;
use hactl_core::state::{ResourceState, State};
use hactl_core::value::Value;
use hactl_state::encryption::label;

use crate::cli::Global;
use crate::commands::apply::plan_and_apply;
use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;
use crate::run::{ApplyOptions, PlanOptions};
use crate::session::Session;
use crate::{keyring, render, run};

/// Look at secrets, renew them, write them to files
#[derive(Debug, Args)]
#[command(name = "secret", after_help = "Example:\n  hactl secret list --sandbox")]
pub(crate) struct SecretCommand {
    #[command(subcommand)]
    command: SecretSubcommand,
}

#[derive(Debug, Subcommand)]
enum SecretSubcommand {
    /// List the secrets of the last apply, and when certificates expire
    #[command(after_help = "Example:\n  hactl secret list --sandbox")]
    List {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    Rotate(Rotate),
    Export(Export),
}

/// Make secrets anew, and change everything that uses them
///
/// Makes a plan as `hactl apply` does, shows it, asks, and carries it out. A certificate authority keeps its predecessor
/// in its certificate for the time of its `overlap`, and the new one is signed by the old one as well, so that no
/// connection fails while the change is on its way.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl secret rotate --sandbox rancher-ca")]
struct Rotate {
    /// The secrets, as in rancher-tls
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Let go of the predecessors of certificate authorities, instead of making anything anew
    #[arg(long)]
    end_overlap: bool,
    /// How long to wait for another run that holds the lock, as in 30s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = run::parse_wait)]
    lock_timeout: Duration,
    #[command(flatten)]
    applying: ApplyOptions,
}

/// Write one entry of a secret to a file that only you can read
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl secret export --sandbox rancher-ca.certificate --out ca.pem")]
struct Export {
    /// The secret and its entry, as in rancher-ca.certificate
    #[arg(value_name = "NAME.ENTRY")]
    entry: String,
    /// The file, mode 0600
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl SecretCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        match &self.command {
            SecretSubcommand::List { json } => {
                let (session, state) = read(global)?;
                if *json {
                    output.data(&pretty(&render::secrets::secrets_json(&state)));
                } else {
                    output.data(&render::secrets::secrets(&state, session.now));
                }
                Ok(0)
            }
            SecretSubcommand::Rotate(rotate) => rotate.run(global, output),
            SecretSubcommand::Export(export) => export.run(global, output),
        }
    }
}

impl Rotate {
    fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let (_, state) = read(global)?;
        let (mut addresses, mut mistakes) = (Vec::new(), Vec::new());
        for name in &self.names {
            let found =
                find(&state, name).and_then(|(address, known)| self.check(address, known).map(|()| address.clone()));
            match found {
                Ok(address) => addresses.push(address),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes.into());
        }
        let (replace, end_overlap) = match self.end_overlap {
            true => (Vec::new(), addresses),
            false => (addresses.iter().map(ToString::to_string).collect(), Vec::new()),
        };
        let planning = PlanOptions { replace, end_overlap, ..PlanOptions::of_command(self.lock_timeout) };
        plan_and_apply("secret rotate", Mode::Normal, &planning, &self.applying, global, output)
    }

    /// Whether this can be done to a secret.
    fn check(&self, address: &Address, known: &ResourceState) -> Result<(), Diagnostic> {
        let Some(kind) = render::secrets::generated(&known.spec) else {
            return Err(Diagnostic::error(format!("{address} is not made by hactl"))
                .help("change it where it comes from; the next plan sees the new value"));
        };
        let overlaps = known.outputs.get(hactl_kinds::OVERLAP_UNTIL).and_then(Value::as_str);
        match (self.end_overlap, overlaps) {
            (false, None) | (true, Some(_)) => Ok(()),
            (false, Some(end)) => Err(Diagnostic::error(format!(
                "{address} is being rotated: its predecessor is trusted beside it until {}",
                render::plan::day(end)
            ))
            .detail("two predecessors at once would have to be trusted")
            .help(format!(
                "wait until then, or let go of the predecessor first: `hactl secret rotate --end-overlap {}`",
                address.name()
            ))),
            (true, None) if kind == "certificateAuthority" => {
                Err(Diagnostic::error(format!("{address} has no predecessor that is still trusted"))
                    .help("there is nothing to end; to make it anew, leave out --end-overlap"))
            }
            (true, None) => Err(Diagnostic::error(format!("{address} is no certificate authority"))
                .help("only these have predecessors; leave out --end-overlap")),
        }
    }
}

impl Export {
    fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let (session, state) = read(global)?;
        let address = self.entry.strip_prefix("secret.").filter(|rest| rest.contains('.'));
        let Some((name, entry)) = address.unwrap_or(&self.entry).split_once('.') else {
            return Err(Diagnostic::error(format!("{:?} names no entry", self.entry))
                .help("write it as in rancher-ca.certificate; `hactl secret list` shows them")
                .into());
        };
        let (address, known) = find(&state, name)?;
        let sealed = match known.outputs.get(entry) {
            Some(Value::Sealed(sealed)) => sealed,
            _ => return Err(no_entry(address, known, entry).into()),
        };
        let value = keyring::reveal(&session, &state, &label::resource_output(address, entry), sealed)?;
        let text = value.expose().as_str().unwrap_or_default();
        if !self.force && self.out.symlink_metadata().is_ok() {
            return Err(Diagnostic::error(format!("{} exists", self.out.display()))
                .help("name another file, or replace it with --force")
                .into());
        }
        hactl_state::write_private(&self.out, text.as_bytes()).map_err(|error| not_written(&self.out, &error))?;
        output.message(&format!(
            "Wrote {} of {address} to {}, for you alone (mode 0600).\n",
            entry,
            self.out.display()
        ));
        Ok(0)
    }
}

fn read(global: &Global) -> Result<(Session, State), Failure> {
    let session = Session::open_to_read(global)?;
    let state = session.state(&run::load_to_read(&session, Duration::ZERO)?);
    Ok((session, state))
}

/// A secret of the state by its name, or its address.
fn find<'a>(state: &'a State, name: &str) -> Result<(&'a Address, &'a ResourceState), Diagnostic> {
    let name = name.strip_prefix("secret.").unwrap_or(name);
    let secrets = || state.resources.iter().filter(|(address, _)| address.primitive() == "secret");
    secrets().find(|(address, _)| address.name() == name).ok_or_else(|| {
        let near = did_you_mean(name, secrets().map(|(address, _)| address.name()));
        let help = near.map_or_else(
            || "secrets are known after an apply; `hactl secret list` shows them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Diagnostic::error(format!("the state has no secret {name}")).help(help)
    })
}

fn no_entry(address: &Address, known: &ResourceState, entry: &str) -> Diagnostic {
    let entries = render::secrets::entries(known);
    let help = match did_you_mean(entry, entries.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has: {}", entries.join(", ")),
    };
    Diagnostic::error(format!("{address} has no entry {entry}")).help(help)
}

fn not_written(path: &Path, error: &std::io::Error) -> Diagnostic {
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Diagnostic::error(format!("{} cannot be written: {reason}", path.display()))
        .help("name a file in a directory that exists and is writable")
}
