//! Decrypting with SOPS (<https://getsops.io>): `sops -d`, run as the user would.

use std::collections::BTreeMap;
use std::path::Path;

use hactl_core::Diagnostic;
use hactl_core::sensitive::Sensitive;
use hactl_core::value::Value;

use crate::secret::command::{Run, TIME_LIMIT, Trouble, utf8};

const PROGRAM: &str = "sops";

/// The text of a file, or of one value in it: `key` is the value's path as it is written, and as `--extract` takes it.
pub(super) async fn decrypt(
    directory: &Path,
    environment: &BTreeMap<String, String>,
    file: &str,
    key: Option<&(String, String)>,
) -> Result<Sensitive<Value>, Diagnostic> {
    let path = std::path::absolute(directory.join(file)).unwrap_or_else(|_| directory.join(file));
    if !path.is_file() {
        return Err(Diagnostic::error(format!("cannot read the SOPS file `{file}`: there is no such file"))
            .help(format!("relative paths start at the config's directory; this one is {}", path.display())));
    }
    let path = path.to_string_lossy();
    let mut arguments = vec!["-d"];
    arguments.extend(key.iter().flat_map(|(_, extraction)| ["--extract", extraction]));
    arguments.push(&path);
    let run = Run { program: PROGRAM, arguments, directory, environment, limit: TIME_LIMIT };
    let printed = run.output().await.map_err(|trouble| told(trouble, file, key))?;
    let what = match key {
        Some((key, _)) => format!("`{key}` of the SOPS file `{file}`"),
        None => format!("the SOPS file `{file}`"),
    };
    let text = utf8(printed.expose(), &what)?;
    if text.is_empty() {
        return Err(Diagnostic::error(format!("{what} is empty")).help(format!("put the value in it: `sops {file}`")));
    }
    Ok(Sensitive::new(Value::string(text)))
}

fn told(trouble: Trouble, file: &str, key: Option<&(String, String)>) -> Diagnostic {
    match (trouble, key) {
        (Trouble::NotFound, _) => {
            Diagnostic::error("SOPS is not installed: there is no program `sops` in PATH").help(
                "get it from https://github.com/getsops/sops/releases, or take the value from another source than `sops`",
            )
        }
        (Trouble::Failed(_, said), Some((key, _))) if has_no_key(&said) => {
            Diagnostic::error(format!("the SOPS file `{file}` has no value `{key}`"))
                .help(format!("look which keys it has: `sops -d {file}`"))
        }
        (Trouble::Failed(how, said), _) => Diagnostic::error(format!("`sops` {how} on `{file}`")).detail(said).help(
            "run `sops -d` on it by hand; it needs one of the keys that the file is encrypted to, from SOPS_AGE_KEY_FILE, gpg \
             or your cloud login",
        ),
        (trouble, _) => trouble.told(PROGRAM),
    }
}

/// Whether SOPS says that a path leads nowhere: `component ["x"] not found` and the like in Go, exceptions in Python.
fn has_no_key(said: &str) -> bool {
    let last = said.lines().next_back().unwrap_or_default();
    let is_path = said.contains("component [") || said.contains("traversing");
    (is_path && said.contains("not found")) || ["KeyError", "IndexError"].iter().any(|name| last.starts_with(name))
}
