use std::io::{ErrorKind, Write};
use std::path::Path;

use clap::Args;
use hactl_core::Diagnostic;
use hactl_effect::disk::{self, Access};
use hactl_state::encryption::{Identities, IdentityPath};

use crate::cli::Global;
use crate::failure::Failure;
use crate::keyring;
use crate::output::Output;

/// Write a small commented config, and make your identity
///
/// Writes hactl.yaml (or the file named by --file) with two nodes, a file and a container. An existing file is left
/// alone. Makes the key that the secrets in states are encrypted to where you have none yet, and names its public half.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl init && hactl plan --sandbox")]
pub(crate) struct Init {}

const CONFIG: &str = include_str!("init.yaml");

impl Init {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let path = &global.file;
        output.message(&match write(path) {
            Ok(()) => wrote(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                format!("{} is there already, and stays as it is.\n", path.display())
            }
            Err(error) => return Err(not_written(path, &error).into()),
        });
        let place = IdentityPath::of_user(|name| std::env::var_os(name)).map_err(Diagnostic::from)?;
        let (identities, made) = Identities::create(&place.path).map_err(Diagnostic::from)?;
        output.message(&match made {
            true => format!("\n{}", keyring::made_identity(&identities)),
            false => format!(
                "\nYour identity is {}; its public key, for `encryption.recipients`:\n  {}\n",
                identities.path().display(),
                identities.recipients().join("\n  ")
            ),
        });
        Ok(0)
    }
}

fn write(path: &Path) -> std::io::Result<()> {
    let mut file = disk::create_new(path, Access::Umask)?;
    file.write_all(CONFIG.as_bytes())
}

fn wrote(path: &Path) -> String {
    let file = match path.as_os_str() == "hactl.yaml" {
        true => String::new(),
        false => format!(" -f {}", path.display()),
    };
    format!(
        "Wrote {}. Try it on a simulated fleet:\n\n  hactl plan --sandbox{file}\n  hactl apply --sandbox{file}\n\n\
         Then put the addresses of your hosts in, and leave out --sandbox.\n",
        path.display(),
    )
}

fn not_written(path: &Path, error: &std::io::Error) -> Diagnostic {
    let path = path.display();
    match error.kind() {
        ErrorKind::NotFound => Diagnostic::error(format!("{path} cannot be written: there is no such directory"))
            .help("make the directory first"),
        _ => Diagnostic::error(format!("{path} cannot be written: {error}"))
            .help("go to a directory that exists and is writable"),
    }
}
