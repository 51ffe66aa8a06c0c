//! Scripted runs in the sandbox: every `tests/sim/NAME.txt` is a test, and `NAME.out` beside it is what it prints.
//!
//! A script holds `# comments`, and commands: a line that starts with `$ `, and the lines after it that start with `> `,
//! are given to `sh` in an empty directory that has a copy of `examples/`. What a command prints on standard output
//! and error follows it in the output, then its exit code where it is not 0. `# requires: PATH` (relative to the
//! repository) skips the script where the path is missing. With `HACTL_UPDATE=1` the outputs are written instead.
#![expect(clippy::disallowed_methods, reason = "tests make and damage files as they like")]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut scripts: Vec<PathBuf> = fs::read_dir(repository.join("tests/sim"))
        .expect("tests/sim exists")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    scripts.sort();
    let trials = scripts
        .into_iter()
        .map(|script| {
            let name = script.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let skipped = is_missing_something(&script, &repository);
            let repository = repository.clone();
            Trial::test(name, move || compare(&script, &repository)).with_ignored_flag(skipped)
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn is_missing_something(script: &Path, repository: &Path) -> bool {
    let text = fs::read_to_string(script).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("# requires: ")).any(|path| !repository.join(path.trim()).exists())
}

fn compare(script: &Path, repository: &Path) -> Result<(), Failed> {
    let actual = play(script, repository)?;
    let expected_path = script.with_extension("out");
    if std::env::var_os("HACTL_UPDATE").is_some() {
        fs::write(&expected_path, actual)?;
        return Ok(());
    }
    let expected = fs::read_to_string(&expected_path).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&expected, &actual);
    let diff = diff.unified_diff().context_radius(3).header("expected", "actual").to_string();
    Err(format!("{} prints something else; HACTL_UPDATE=1 takes it over\n{diff}", script.display()).into())
}

fn play(script: &Path, repository: &Path) -> Result<String, Failed> {
    let home = tempfile::tempdir()?;
    let directory = home.path().canonicalize()?.join("work");
    fs::create_dir(&directory)?;
    copy(&repository.join("examples"), &directory.join("examples"))?;
    let text = fs::read_to_string(script)?;
    let mut output = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        output.push_str(line);
        output.push('\n');
        let Some(command) = line.strip_prefix("$ ") else { continue };
        let mut command = command.to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with('>')) {
            output.push_str(more);
            output.push('\n');
            command.push('\n');
            command.push_str(more.strip_prefix("> ").unwrap_or_default());
        }
        output.push_str(&run(&command, &directory, repository)?);
    }
    Ok(output)
}

/// Runs one command in a cleared environment; standard output and error go to one file, as to a terminal.
fn run(command: &str, directory: &Path, repository: &Path) -> Result<String, Failed> {
    let binary = Path::new(env!("CARGO_BIN_EXE_hactl"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap_or(directory).display());
    let (log, config) = (directory.with_file_name("printed"), directory.with_file_name("config"));
    let file = File::create(&log)?;
    let status = Command::new("/bin/sh")
        .args(["-c", command])
        .current_dir(directory)
        .env_clear()
        .env("PATH", path)
        .env("HOME", directory)
        .env("LC_ALL", "C.UTF-8")
        .env("REPO", repository.canonicalize()?)
        .env("RUST_BACKTRACE", "1")
        .env("XDG_CONFIG_HOME", &config)
        .env("HACTL_SANDBOX_CLOCK", "virtual")
        .env("HACTL_SANDBOX_TIME", "2026-11-22T12:00:00Z")
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()?;
    let mut printed = String::new();
    File::open(&log)?.read_to_string(&mut printed)?;
    let printed = printed.replace(&directory.display().to_string(), "$DIR");
    let mut printed = without_keys(&printed.replace(&config.display().to_string(), "$CONFIG"));
    if !printed.is_empty() && !printed.ends_with('\n') {
        printed.push('\n');
    }
    if !status.success() {
        let how = status.code().map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
        printed.push_str(&format!("[{how}]\n"));
    }
    Ok(printed)
}

/// The text with every public key of age as `age1…`: identities are random, in the sandbox as well.
fn without_keys(text: &str) -> String {
    let mut parts = text.split("age1");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let word = if part.len() - rest.len() == 58 { "age1…" } else { "age1" };
        kept.push_str(word);
        kept.push_str(if word == "age1" { part } else { rest });
    }
    kept
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let target = to.join(name);
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
