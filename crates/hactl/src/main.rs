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
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            let _ = told.print();
            // Not clap's own 2, which `--detailed-exitcode` has given a meaning.
            return ExitCode::from(u8::from(told.use_stderr()));
        }
    };
    let output = output::Output::new(cli.global.color);
    match commands::run(&cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.report(&output);
            ExitCode::from(failure.exit_code())
        }
    }
}
