use std::io::Write;

use clap::Args;
use hactl_core::Diagnostic;

use crate::cli::Global;
use crate::failure::Failure;
use crate::output::Output;

/// Write a small commented config
///
/// Writes hactl.yaml (or the file named by --file) with two nodes, a file and a container. An existing file is left
/// alone.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl init && hactl plan --sandbox")]
pub(crate) struct Init {}

const CONFIG: &str = include_str!("init.yaml");

impl Init {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let path = &global.file;
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(CONFIG.as_bytes()));
        match written {
            Ok(()) => {
                output.message(&format!(
                    "Wrote {0}. Try it on a simulated fleet:\n\n  hactl plan --sandbox{1}\n  hactl apply --sandbox{1}\n\nThen put the addresses of your hosts in, and leave out --sandbox.\n",
                    path.display(),
                    if path.as_os_str() == "hactl.yaml" { String::new() } else { format!(" -f {}", path.display()) },
                ));
                Ok(0)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Diagnostic::error(format!("{} exists already", path.display()))
                    .help("edit it, or name another file with --file")
                    .into())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Diagnostic::error(format!("{} cannot be written: there is no such directory", path.display()))
                    .help("make the directory first")
                    .into())
            }
            Err(error) => Err(Diagnostic::error(format!("{} cannot be written: {error}", path.display()))
                .help("go to a directory that exists and is writable")
                .into()),
        }
    }
}
