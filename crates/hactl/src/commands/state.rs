mod surgery;

use std::time::Duration;

use clap::{Args, Subcommand};
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::state::State;
use hactl_state::git::Message;

use crate::cli::Global;
use crate::commands::recover::Recover;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::{self, Session};
use crate::turn::{Turn, Wish};
use crate::{keyring, render, run};

/// Look at what was last applied, or change what the state says of it
#[derive(Debug, Args)]
#[command(name = "state", after_help = "Example:\n  hactl state list --sandbox container.web")]
pub(crate) struct StateCommand {
    #[command(subcommand)]
    command: StateSubcommand,
}

#[derive(Debug, Subcommand)]
enum StateSubcommand {
    /// List the addresses of everything that was applied
    #[command(after_help = "Example:\n  hactl state list --sandbox")]
    List {
        /// Only these; an address without a key means all its instances
        #[arg(value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Show one resource as it was applied
    #[command(after_help = "Example:\n  hactl state show --sandbox 'container.web[\"node1\"]'")]
    Show {
        /// Its address
        #[arg(value_name = "ADDRESS")]
        address: String,
    },
    Mv(surgery::Mv),
    Rm(surgery::Rm),
    /// Encrypt the secrets in the state to the recipients that the config names now
    ///
    /// Needed after adding or removing one under `encryption.recipients`. Changes the state file alone, nothing on hosts.
    /// What a removed recipient could read before is still in older revisions of the file: rotate such secrets.
    #[command(after_help = "Example:\n  hactl state reencrypt")]
    Reencrypt {
        /// Do not commit the state to git this time
        #[arg(long)]
        no_commit: bool,
        /// How long to wait for another run that holds the lock, as in 30s
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = run::parse_wait)]
        lock_timeout: Duration,
    },
    Recover(Recover),
}

impl StateCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        match &self.command {
            StateSubcommand::Recover(command) => command.run(global, output),
            StateSubcommand::Reencrypt { lock_timeout, no_commit } => {
                reencrypt(global, *lock_timeout, *no_commit, output)
            }
            StateSubcommand::Mv(command) => command.run(global, output),
            StateSubcommand::Rm(command) => command.run(global, output),
            StateSubcommand::List { addresses } => list(addresses, global, output),
            StateSubcommand::Show { address } => show(address, global, output),
        }
    }
}
/// The state, to be read.
fn read(global: &Global) -> Result<State, Failure> {
    let session = Session::open_to_read(global)?;
    let loaded = run::load_to_read(&session, Duration::ZERO)?;
    Ok(session.state(&loaded))
}

fn list(addresses: &[String], global: &Global, output: &Output) -> Result<u8, Failure> {
    let state = read(global)?;
    let wanted = |address: &Address| {
        addresses.is_empty() || addresses.iter().any(|text| address.as_str() == text || address.resource() == text)
    };
    let lines: Vec<&str> = state.resources.keys().filter(|address| wanted(address)).map(Address::as_str).collect();
    if !lines.is_empty() {
        output.data(&format!("{}\n", lines.join("\n")));
    }
    Ok(0)
}

fn show(address: &str, global: &Global, output: &Output) -> Result<u8, Failure> {
    let state = read(global)?;
    let found = Address::parse(address).ok().and_then(|address| state.resources.get_key_value(&address));
    let Some((address, resource)) = found else {
        let near = did_you_mean(address, state.resources.keys().map(Address::as_str));
        let help = near.map_or_else(
            || "`hactl state list` shows the addresses there are".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Diagnostic::error(format!("the state has no resource {address}")).help(help).into());
    };
    output.data(&render::plan::resource(address, resource));
    Ok(0)
}

fn reencrypt(global: &Global, wait: Duration, no_commit: bool, output: &Output) -> Result<u8, Failure> {
    let config = session::load_to_check(global)?;
    let session = Session::open(global, &config)?;
    let wish = Wish { operation: "state reencrypt", wait, git: &config.git, no_commit, output };
    let (turn, loaded) = Turn::begin(&session, &wish)?;
    output.message(&render::diagnostic::render(&turn.warnings, &config.sources, output.colors_messages()));
    let loaded = session.store.recover(loaded)?;
    let state = session.state(&loaded);
    let identities = keyring::identities(&session, state.encryption.as_ref())?;
    let recipients = match keyring::recipients_of(&session, &config)? {
        Some(recipients) => recipients,
        None => keyring::recipients_alone(&identities)?,
    };
    let before = state.encryption.as_ref().map(|header| header.recipients.as_slice()).unwrap_or_default();
    if before == recipients.as_slice() {
        output.message("The secrets in the state are encrypted to these recipients already.\n");
        output.message(&turn.end_unchanged()?);
        return Ok(0);
    }
    if !identities.recipients().iter().any(|own| recipients.as_slice().contains(own)) {
        return Err(Diagnostic::error(
            "you are not among the recipients that the config names: you could not read what you write",
        )
        .detail(format!("yours: {}", identities.recipients().join(", ")))
        .help("add your public key to `encryption.recipients`, or leave it to one of those who stay")
        .into());
    }
    let removed: Vec<&String> = before.iter().filter(|one| !recipients.as_slice().contains(one)).collect();
    let encrypted = hactl_state::encryption::reencrypt(&state, &identities, recipients.clone(), session.fresh_key())
        .map_err(Vec::<Diagnostic>::from)?;
    session.store.save(&encrypted)?;
    let ended = turn.end(&Message {
        summary: format!("hactl state reencrypt {}: {} recipients", session.store.stack(), recipients.as_slice().len()),
        trailers: vec![("Hactl-Serial", encrypted.serial.to_string())],
    });
    let list = recipients.as_slice().iter().map(|one| format!("  {one}\n")).collect::<String>();
    output.message(&format!("The secrets in the state are now encrypted to:\n{list}"));
    if !removed.is_empty() {
        output.message(
            "Whoever was removed can still read older revisions of the state: rotate the secrets in them with \
             `hactl secret rotate`, and change those that come from elsewhere.\n",
        );
    }
    output.message(&ended?);
    Ok(0)
}
