//! Identities, vaults and tools to test with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use hactl_core::value::Sealed;
use hactl_core::{Diagnostic, DigestKey, Value};
use hactl_state::encryption::{Identities, IdentityError, IdentityPath, Recipients, Vault};
use tempfile::TempDir;

/// The identity of somebody of this name.
pub(crate) fn identity(directory: &TempDir, name: &str) -> Identities {
    Identities::create(&directory.path().join(name)).unwrap().0
}

/// What is found in a file that a user named.
pub(crate) fn load(path: &Path) -> Result<Identities, IdentityError> {
    Identities::load(&IdentityPath { path: path.to_owned(), named: true }).map(Option::unwrap)
}

pub(crate) fn recipients(identities: &[&Identities]) -> Recipients {
    let texts: Vec<String> = identities.iter().flat_map(|identities| identities.recipients()).cloned().collect();
    Recipients::parse(&texts).unwrap()
}

/// A vault with the key 07….
pub(crate) fn vault(identities: &[&Identities]) -> Vault {
    Vault::new(recipients(identities), DigestKey::new([7; 32])).unwrap()
}

pub(crate) fn sealed(value: &Value) -> Arc<Sealed> {
    match value {
        Value::Sealed(sealed) => sealed.clone(),
        other => panic!("{} is not sealed", other.type_name()),
    }
}

/// A file of this text, which only its owner can read.
pub(crate) fn file(directory: &TempDir, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// What a user reads, with the test's directory taken out.
pub(crate) fn rendered(diagnostic: impl Into<Diagnostic>, directory: &TempDir) -> String {
    let diagnostic = diagnostic.into();
    let mut text = format!("error: {}\n", diagnostic.summary);
    if !diagnostic.detail.is_empty() {
        text += &format!("  {}\n", diagnostic.detail);
    }
    text += &format!("  help: {}", diagnostic.help.unwrap_or_default());
    text.replace(&directory.path().display().to_string(), "DIR")
}

/// Whether these tools are there. Without them a test ends with a message; in CI they have to be there.
pub(crate) fn have(tools: &[&str]) -> bool {
    let missing: Vec<&&str> = tools
        .iter()
        .filter(|tool| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            !std::env::split_paths(&path).any(|directory| directory.join(tool).is_file())
        })
        .collect();
    assert!(missing.is_empty() || std::env::var_os("CI").is_none(), "not installed: {missing:?}");
    #[expect(clippy::print_stderr, reason = "says why nothing is tested")]
    if !missing.is_empty() {
        eprintln!("skipped: not installed: {missing:?}");
    }
    missing.is_empty()
}

/// Runs a tool with this input; gives its output.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A new key of OpenSSH's: the file of the private one; the public one is in its text with `.pub` added.
pub(crate) fn ssh_key(directory: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let path = directory.path().join(name);
    let file = path.to_str().unwrap();
    run("ssh-keygen", &[&["-q", "-f", file, "-C", "ops@node"], arguments].concat(), "");
    path
}

/// The public key beside a private one.
pub(crate) fn public(path: &Path) -> String {
    fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned()
}
