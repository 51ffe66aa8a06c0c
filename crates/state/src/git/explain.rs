//! What a user is told about a [`RepositoryError`] beyond its summary: why, and what to do next.

use std::path::Path;

use hactl_core::Diagnostic;

use crate::git::command::GitError;
use crate::git::error::{ForeignCommit, RepositoryError};

/// What everything that is refused before the first step is told with.
const UNTOUCHED: &str = "nothing was begun";

impl From<RepositoryError> for Diagnostic {
    fn from(error: RepositoryError) -> Self {
        let summary = error.to_string();
        let (detail, help) = match error {
            RepositoryError::State(error) => return error.into(),
            RepositoryError::DamagedThere(error) => {
                let detail = Self::from(error).detail;
                (detail, "`hactl history` lists the others: look at the one before".to_owned())
            }
            RepositoryError::Git(error) => (said(&error), "mend what git says, then run the command again".to_owned()),
            other => explained(&other),
        };
        Self::error(summary).detail(detail).help(help)
    }
}

/// Why, and what to do next.
fn explained(error: &RepositoryError) -> (String, String) {
    use RepositoryError as E;
    match error {
        E::State(_) | E::Git(_) | E::DamagedThere(_) => (String::new(), String::new()),
        E::NoGit { top, .. } => (
            format!("{} has a .git; {UNTOUCHED}", top.display()),
            "install git, or turn commits off: `--no-commit`, or `git: {commit: false}` in the config".to_owned(),
        ),
        E::Refused { said, .. } => (format!("{said}\n{UNTOUCHED}"), "mend what git says, then run it again".to_owned()),
        E::InProgress { end, .. } => (UNTOUCHED.to_owned(), format!("end it first: {end}; then run the command again")),
        E::NoIdentity { said } => (
            format!("{}\n{UNTOUCHED}", said.lines().last().unwrap_or_default()),
            "tell git: `git config user.name NAME` and `git config user.email ADDRESS`; in CI set GIT_AUTHOR_NAME, \
             GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL"
                .to_owned(),
        ),
        E::Removed { path } => (
            format!("without it, what is on the hosts belongs to no state; {UNTOUCHED}"),
            format!(
                "bring it back: `git -C {} checkout HEAD -- {}`; to begin anew without it, commit that it is gone",
                directory(path),
                name(path)
            ),
        ),
        E::Older { path, .. } => (
            format!("it would say of newer resources that they are not there; {UNTOUCHED}"),
            format!(
                "bring the newer one back: `git -C {} checkout HEAD -- {}`; to go back to an older config, \
                 see `hactl rollback`",
                directory(path),
                name(path)
            ),
        ),
        E::NotCommitted { path, summary, source } => (
            said(source),
            format!(
                "mend that, then commit it: `git -C {0} add {1}` and `git -C {0} commit -m \"{summary}\" -- {1}`; \
                 or leave it to the next run, which commits it first",
                directory(path),
                name(path)
            ),
        ),
        E::Rewritten { path } => (
            "its checksum covers every byte: a state that something else formats cannot be read any more".to_owned(),
            format!("leave {} out of what the hook changes; the next run commits it as it has to be", name(path)),
        ),
        E::CommittedOtherwise { path, left } => (
            "its checksum covers every byte: a state that something else formats cannot be read any more; the state is \
             written here as it has to be"
                .to_owned(),
            match left {
                None => format!("leave {} out of what the hook changes; the next run commits it", name(path)),
                Some(short) => format!(
                    "leave {} out of what the hook changes, and take that commit out: `git rebase --onto {short}^ {short}`; \
                     the next run commits the state",
                    name(path)
                ),
            },
        ),
        E::NoBranch => {
            (UNTOUCHED.to_owned(), "name one in the config, `git: {branch: main}`, or `git switch` to one".to_owned())
        }
        E::OtherBranch { wanted, .. } => (
            format!("the commits of this branch would go there with the state; {UNTOUCHED}"),
            format!("`git switch {wanted}`, or take `branch` out of `git` in the config"),
        ),
        E::NoRemote { name, top } => (
            UNTOUCHED.to_owned(),
            format!(
                "add it: `git -C {} remote add {name} URL`, or name another one as `remote` under `git` in the config",
                top.display()
            ),
        ),
        E::Unreachable { remote, source } => (
            format!("{}\nwithout its answer another run may be going on, or have ended; {UNTOUCHED}", said(source)),
            format!(
                "see to the connection: `git ls-remote {remote}` has to work; to do without it, take `push` out of \
                 `git` in the config"
            ),
        ),
        E::Behind { commits, path, diverged, .. } => (
            format!("{}\n{UNTOUCHED}", listed(commits, path)),
            match *diverged && touch_state(commits) {
                true => after_race(commits, path),
                false => "`git pull --rebase`, then run it again".to_owned(),
            },
        ),
        E::Moved { commits, path, .. } => (listed(commits, path), after_race(commits, path)),
        E::NotPushed { command, source, .. } => {
            (said(source), format!("mend that, then `{command}`; or leave it to the next apply, which pushes it"))
        }
        E::NoRevision { .. } => (String::new(), "`hactl history` lists the revisions of the state".to_owned()),
        E::NoStateThere { .. } => (String::new(), "`hactl history` lists the revisions that have one".to_owned()),
        E::NotExported { source, .. } => (said(source), "mend what git says, then run it again".to_owned()),
    }
}

/// What to do about commits that came while a run was going on.
fn after_race(commits: &[ForeignCommit], path: &str) -> String {
    if touch_state(commits) {
        return format!(
            "two runs changed the same stack. `git pull --rebase` stops at the state: never merge it line by line, \
             take yours, `git checkout --theirs -- {path}`, `git add {path}`, `git rebase --continue`; \
             then `hactl plan` shows what the other run left on the hosts"
        );
    }
    "`git pull --rebase` and `git push`: they do not touch this state; or leave it to the next apply after a \
     `git pull --rebase`"
        .to_owned()
}

fn touch_state(commits: &[ForeignCommit]) -> bool {
    commits.iter().any(|commit| commit.touches_state)
}

/// One line for each commit.
fn listed(commits: &[ForeignCommit], path: &str) -> String {
    let line = |commit: &ForeignCommit| {
        let ForeignCommit { short, author, when, subject, touches_state } = commit;
        let state = if *touches_state { format!(" (changes {path})") } else { String::new() };
        format!("{short} by {author}, {when}: {subject}{state}")
    };
    commits.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What git said.
fn said(error: &GitError) -> String {
    match error {
        GitError::Failed { command, said } if said.is_empty() => format!("`git {command}` failed without a word"),
        GitError::Failed { said, .. } => {
            said.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
        }
        GitError::NotRun(_) => error.to_string(),
        GitError::TooLong { .. } => format!("{error}; it was stopped, with the hooks that it had started"),
    }
}

fn directory(path: &Path) -> std::path::Display<'_> {
    path.parent().unwrap_or(path).display()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
