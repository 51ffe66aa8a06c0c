use std::path::PathBuf;

use clap::Args;
use hactl_core::Diagnostic;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;

/// Write an RKE cluster file as a native config
///
/// Prints a config that wants the same: nodes, registries and addons, under the same names, so that the state of the stack
/// stays what it is. What is not acted on yet is named in comments, each with its line.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl convert rancher-cluster.yml > hactl.yaml")]
pub(crate) struct Convert {
    /// The RKE cluster file; that of `--file` where left out
    #[arg(value_name = "FILE")]
    cluster: Option<PathBuf>,
}

impl Convert {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let path = self.cluster.as_ref().unwrap_or(&global.file);
        let text = std::fs::read_to_string(path).map_err(|error| {
            Diagnostic::error(format!("{} cannot be read: {error}", path.display()))
                .help("name the cluster file, as in `hactl convert rancher-cluster.yml`")
        })?;
        output.data(&hactl_config::convert(path, text)?);
        Ok(0)
    }
}
