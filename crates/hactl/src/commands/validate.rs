use clap::Args;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::{render, session};

/// Check a config, without looking at any host
///
/// Reports every mistake at once, each with its place and what to do. Exit code 0 where there is none, 1 otherwise.
/// Variables need no values: what depends on one that has none is not judged.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl validate -f production.yaml")]
pub(crate) struct Validate {}

impl Validate {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let config = session::load_to_check(global)?;
        output.message(&render::diagnostic::render(&config.warnings, &config.sources, output.colors_messages()));
        let mistakes = hactl_kinds::mistakes(&config);
        if !mistakes.is_empty() {
            return Err(Failure::of(&config.sources, mistakes));
        }
        let warnings = hactl_kinds::warnings(&config);
        output.message(&render::diagnostic::render(&warnings, &config.sources, output.colors_messages()));
        // What is on no node has one instance.
        let instances: usize = config.declarations.iter().map(|declaration| declaration.selector.len().max(1)).sum();
        output.data(&format!(
            "{} is valid: stack {}, {}, {}.\n",
            global.file.display(),
            config.name,
            count(config.nodes.len(), "node"),
            count(instances, "resource"),
        ));
        Ok(0)
    }
}

/// `1 node`, `2 nodes`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
