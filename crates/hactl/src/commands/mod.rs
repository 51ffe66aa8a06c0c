//! One file per command.

pub(crate) mod apply;
pub(crate) mod completion;
pub(crate) mod convert;
pub(crate) mod destroy;
pub(crate) mod drift;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod output;
pub(crate) mod plan;
pub(crate) mod recover;
pub(crate) mod rollback;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod secret;
pub(crate) mod show;
pub(crate) mod state;
pub(crate) mod unlock;
pub(crate) mod validate;

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;

/// Runs the command; gives the exit code.
pub(crate) fn run(cli: &Cli, output: &Output) -> Result<u8, Failure> {
    let global = &cli.global;
    match &cli.command {
        Command::Init(command) => command.run(global, output),
        Command::Validate(command) => command.run(global, output),
        Command::Plan(command) => command.run(global, output),
        Command::Apply(command) => command.run(global, output),
        Command::Destroy(command) => command.run(global, output),
        Command::Show(command) => command.run(global, output),
        Command::History(command) => command.run(global, output),
        Command::Rollback(command) => command.run(global, output),
        Command::Secret(command) => command.run(global, output),
        Command::State(command) => command.run(global, output),
        Command::Drift(command) => command.run(global, output),
        Command::Import(command) => command.run(global, output),
        Command::Unlock(command) => command.run(global, output),
        Command::Graph(command) => command.run(global, output),
        Command::Output(command) => command.run(global, output),
        Command::Schema(command) => command.run(output),
        Command::Convert(command) => command.run(global, output),
        Command::Sandbox(command) => command.run(global, output),
        Command::Completion(command) => command.run(output),
    }
}
