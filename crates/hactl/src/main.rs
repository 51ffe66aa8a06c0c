//! hactl: plan and apply for highly available clusters on your own Linux hosts.
//!
//! Commands parse, call and render; what they call lives in the library crates.

mod cli;
mod commands;
mod failure;
mod interrupts;
mod keyring;
mod lease;
mod logging;
mod output;
mod recover;
mod render;
mod run;
mod session;
mod turn;
mod withheld;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

/// A plan of 100,000 resources is millions of small allocations: with this one it takes 0.6 times as long.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            let _ = told.print();
            // Not clap's own 2, which `--detailed-exitcode` has given a meaning.
            return ExitCode::from(u8::from(told.use_stderr()));
        }
    };
    let mut output = output::Output::new(cli.global.color);
    let code = match run(&cli, &mut output) {
        Ok(code) => code,
        Err(failure) => {
            failure.report(&output);
            failure.exit_code()
        }
    };
    if let Some(error) = output.lost() {
        let failure = failure::Failure::lost_output(error);
        failure.report(&output);
        return ExitCode::from(failure.exit_code());
    }
    ExitCode::from(code)
}

/// Starts the log, then the command; gives the exit code.
fn run(cli: &cli::Cli, output: &mut output::Output) -> Result<u8, failure::Failure> {
    #[cfg(debug_assertions)]
    arm_points()?;
    if logging::start()? == logging::Destination::StandardError {
        output.share_messages();
    }
    let started = Instant::now();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        command = cli.command.name(),
        config = %cli.global.file.display(),
        world = if cli.global.sandbox { "sandbox" } else { "real" },
        "hactl begins"
    );
    let ended = commands::run(cli, output);
    let exit_code = ended.as_ref().map_or_else(failure::Failure::exit_code, |code| *code);
    tracing::info!(exit_code, elapsed = ?started.elapsed(), "hactl ends");
    ended
}

/// Makes points of effects strike where a test wants them to; releases have none.
#[cfg(debug_assertions)]
fn arm_points() -> Result<(), hactl_core::Diagnostic> {
    use hactl_effect::point::{VARIABLE, arm};

    let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
    arm(&text)
        .map_err(|why| hactl_core::Diagnostic::error(format!("{VARIABLE}: {why}")).help("correct it, or unset it"))
}
