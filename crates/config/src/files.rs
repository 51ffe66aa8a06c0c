//! Finding and reading the files of a config.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use hactl_core::Diagnostic;

use crate::inputs::io_reason;
use crate::yaml;

const WHAT_TO_DO: &str = "name the config with `-f`, or run `hactl init` to write a first one";

/// The text of one YAML file.
pub(crate) fn read(path: &Path) -> Result<String, Box<Diagnostic>> {
    let shown = path.display();
    let limit = yaml::FILE_LIMIT as u64;
    let named = |mut diagnostic: Diagnostic| {
        diagnostic.summary = format!("{shown}: {}", diagnostic.summary);
        Box::new(diagnostic)
    };
    let mut bytes = Vec::new();
    let outcome = fs::File::open(path).and_then(|file| {
        let size = file.metadata()?.len();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(size)
    });
    match outcome {
        Ok(size) if size.max(bytes.len() as u64) > limit => {
            Err(named(yaml::too_large(usize::try_from(size).unwrap_or(usize::MAX))))
        }
        Ok(_) => yaml::decode(bytes).map_err(|diagnostic| named(*diagnostic)),
        Err(error) => {
            let diagnostic = Diagnostic::error(format!("cannot read {shown}: {}", io_reason(&error)));
            Err(Box::new(if error.kind() == std::io::ErrorKind::NotFound {
                diagnostic.help(WHAT_TO_DO)
            } else {
                diagnostic
            }))
        }
    }
}

/// The config files at a path: the file itself, or the `*.yaml` and `*.yml` of a directory in the order of their names.
pub(crate) fn list(path: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let found = in_directory(path, &["yaml", "yml"])?;
    if found.is_empty() {
        let diagnostic = Diagnostic::error(format!("there is no `*.yaml` in the directory {}", path.display()));
        return Err(Box::new(diagnostic.help(WHAT_TO_DO)));
    }
    Ok(found)
}

/// The files of a directory that have one of these extensions, in the order of their names; hidden ones are left out.
pub(crate) fn in_directory(path: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let fail = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such directory".to_owned(),
            std::io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
            _ => io_reason(&error),
        };
        Box::new(Diagnostic::error(format!("cannot read the directory {}: {reason}", path.display())))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        let has_extension =
            file.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known));
        let is_hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if has_extension && !is_hidden && file.is_file() {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}
