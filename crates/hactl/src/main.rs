//! hactl: plan and apply for highly available clusters on your own Linux hosts.
//!
//! Commands parse, call and render; what they call lives in the library crates.

mod cli;
mod commands;
mod failure;
mod output;
mod render;
mod run;
mod session;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output::new(cli.global.color);
    match commands::run(&cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report(&output);
            ExitCode::from(failure.exit_code())
        }
    }
}
