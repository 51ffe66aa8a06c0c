//! The private key files that nodes are reached with.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hactl_core::Diagnostic;
use hactl_core::node::{Connection, Method};

use crate::config::Config;

/// A key path as `ssh -i` takes it, wherever it is run: a relative one starts in `directory`, that of the config. What ssh
/// expands itself stays: `~` and `%` tokens.
///
/// State and plans keep paths as they are written, so that they are the same on every machine; this is for whoever
/// connects.
pub fn key_path(path: &str, directory: &Path) -> String {
    if is_expanded_by_ssh(path) { path.to_owned() } else { directory.join(path).to_string_lossy().into_owned() }
}

impl Config {
    /// Every key file that a node needs and that is not there, at the place that names it. `home` is the user's home
    /// directory, where `~/` starts; without one such paths are left to ssh.
    ///
    /// Not part of loading: the sandbox reads no key files, and neither does whoever only checks a config.
    pub fn check_key_files(&self, home: Option<&Path>) -> Vec<Diagnostic> {
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for node in self.nodes.values() {
            let Connection { method: Method::Ssh, key_path: Some(path), .. } = &node.connection else { continue };
            let Some(reason) = self.place_of(path, home).and_then(|place| why_unusable(&place)) else { continue };
            let diagnostic = Diagnostic::error(format!("the key file {path:?} {reason}"))
                .at(node.key_path_span.unwrap_or(node.span))
                .help(
                    "a relative path starts beside the config; leave the key out to use your ssh agent and ssh config",
                );
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        diagnostics
    }

    /// Where a key file is; none where only ssh can tell.
    fn place_of(&self, path: &str, home: Option<&Path>) -> Option<PathBuf> {
        match path.strip_prefix("~/") {
            Some(rest) => home.map(|home| home.join(rest)),
            None => (!is_expanded_by_ssh(path)).then(|| self.directory.join(path)),
        }
    }
}

fn is_expanded_by_ssh(path: &str) -> bool {
    path.starts_with('~') || path.contains('%')
}

/// Why a file cannot be read, as a clause; none where it can.
pub(crate) fn why_unusable(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Some("is a directory".to_owned()),
        Ok(_) => std::fs::File::open(path).err().map(|error| format!("cannot be read: {error}")),
        Err(error) if error.kind() == ErrorKind::NotFound => Some("does not exist".to_owned()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}
