use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl completion bash > /etc/bash_completion.d/hactl")]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "hactl", &mut script);
        output.data(&String::from_utf8_lossy(&script));
        Ok(0)
    }
}
