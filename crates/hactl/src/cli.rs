//! The command line: what can be asked for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

/// Plan and apply for highly available clusters on your own Linux hosts.
///
/// One YAML file says what is wanted on which hosts. `hactl plan` shows what would change and why, `hactl apply` does
/// it, in order. Every command can run on a simulated fleet instead of real hosts: add `--sandbox`.
#[derive(Debug, Parser)]
#[command(name = "hactl", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where help shows the options that every command has.
const HEADING: &str = "Options of every command";

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The config: a file, or a directory of `*.yaml` files
    #[arg(short, long, global = true, help_heading = HEADING, value_name = "PATH", default_value = "hactl.yaml")]
    pub(crate) file: PathBuf,
    /// Act on a simulated fleet instead of real hosts
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) sandbox: bool,
    /// Set a variable of the config
    #[arg(long, global = true, help_heading = HEADING, value_name = "NAME=VALUE")]
    pub(crate) var: Vec<String>,
    /// Read variables from a YAML file
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub(crate) var_file: Vec<PathBuf>,
    /// The kubeconfig of the stack's cluster, in place of the config's
    #[arg(long, global = true, help_heading = HEADING, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// When to use colour
    #[arg(long, global = true, help_heading = HEADING, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorWhen,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::Init),
    Validate(commands::validate::Validate),
    Plan(commands::plan::PlanCommand),
    Apply(commands::apply::ApplyCommand),
    Destroy(commands::destroy::Destroy),
    Import(commands::import::Import),
    Show(commands::show::Show),
    Drift(commands::drift::DriftCommand),
    History(commands::history::History),
    Rollback(commands::rollback::Rollback),
    State(commands::state::StateCommand),
    Secret(commands::secret::SecretCommand),
    Unlock(commands::unlock::Unlock),
    Graph(commands::graph::Graph),
    Output(commands::output::OutputCommand),
    Schema(commands::schema::Schema),
    Convert(commands::convert::Convert),
    Sandbox(commands::sandbox::SandboxCommand),
    Completion(commands::completion::Completion),
}

impl Command {
    /// Its name on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Validate(_) => "validate",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Destroy(_) => "destroy",
            Self::Import(_) => "import",
            Self::Show(_) => "show",
            Self::Drift(_) => "drift",
            Self::History(_) => "history",
            Self::Rollback(_) => "rollback",
            Self::State(_) => "state",
            Self::Secret(_) => "secret",
            Self::Unlock(_) => "unlock",
            Self::Graph(_) => "graph",
            Self::Output(_) => "output",
            Self::Schema(_) => "schema",
            Self::Convert(_) => "convert",
            Self::Sandbox(_) => "sandbox",
            Self::Completion(_) => "completion",
        }
    }
}
