use clap::Args;
use hactl_kinds::SECTIONS;

use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;

/// Print the JSON Schema of configs, for editors
///
/// Editors with the YAML language server check a config that starts with
/// `# yaml-language-server: $schema=hactl.schema.json`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl schema > hactl.schema.json")]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, Failure> {
        output.data(&pretty(&hactl_config::editor_schema(SECTIONS)));
        Ok(0)
    }
}
