use clap::{Args, Subcommand};
use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::diagnostic::did_you_mean;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;
use crate::{render, run};

/// Look at what was last applied
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
}

impl StateCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let session = Session::open_to_read(global)?;
        let loaded = run::load_to_read(&session, std::time::Duration::ZERO)?;
        let state = session.state(&loaded);
        match &self.command {
            StateSubcommand::List { addresses } => {
                let wanted = |address: &Address| {
                    addresses.is_empty()
                        || addresses.iter().any(|text| address.as_str() == text || address.resource() == text)
                };
                let lines: Vec<&str> =
                    state.resources.keys().filter(|address| wanted(address)).map(Address::as_str).collect();
                if !lines.is_empty() {
                    output.data(&format!("{}\n", lines.join("\n")));
                }
                Ok(0)
            }
            StateSubcommand::Show { address } => {
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
        }
    }
}
