use clap::Args;
use hactl_kinds::lower;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::{render, session};

/// Check a config, without looking at any host
///
/// Reports every mistake at once, each with its place and what to do. Exit code 0 where there is none, 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl validate -f production.yaml")]
pub(crate) struct Validate {}

impl Validate {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let config = session::load_config(global)?;
        output.message(&render::diagnostic::render(&config.warnings, &config.sources, output.colors_messages()));
        let desired = lower(&config, None).map_err(|diagnostics| Failure::of(&config.sources, diagnostics))?;
        output.data(&format!(
            "{} is valid: stack {}, {} nodes, {} resources.\n",
            global.file.display(),
            config.name,
            config.nodes.len(),
            desired.resources.len()
        ));
        Ok(0)
    }
}
