//! What a user is told about a [`StateError`] beyond its summary: why, and what to do next.

use std::io;
use std::path::Path;

use hactl_core::Diagnostic;
use hactl_effect::trouble;

use crate::error::{FileKind, StateError};
use crate::saved_plan::World;
use crate::sealed::Flaw;

impl From<StateError> for Diagnostic {
    fn from(error: StateError) -> Self {
        let diagnostic = Self::error(error.to_string()).help(help(&error));
        match detail(&error) {
            Some(detail) => diagnostic.detail(detail),
            None => diagnostic,
        }
    }
}

fn detail(error: &StateError) -> Option<String> {
    let detail = match error {
        StateError::Unreadable { .. } | StateError::NotReplaced { .. } | StateError::OtherWorld { .. } => return None,
        StateError::Unwritable { file, .. } => unwritable_detail(*file),
        StateError::Flawed { flaw, .. } => flaw_detail(flaw)?,
        StateError::OtherStack { .. } => {
            "each stack has files of its own, named after it; this one was renamed or copied"
        }
        StateError::Locked { path, waited, .. } => {
            let waited = if waited.is_zero() { String::new() } else { format!("waited {waited:?} for it; ") };
            return Some(format!(
                "{waited}one run at a time changes a stack: it holds the lock on {}; a run that dies lets go of it",
                path.display()
            ));
        }
        StateError::DamagedJournal { .. } => {
            "the journal says what an interrupted apply did; only its last line may be incomplete"
        }
        StateError::UnrelatedJournal { serial, state_serial, has_state, .. } => {
            let state = match (state_serial, has_state) {
                (Some(before), _) if before.checked_add(1) == Some(*serial) => {
                    format!("this is another state of serial {before}, as that of another branch is")
                }
                (Some(state_serial), _) => format!("the state has serial {state_serial}"),
                (None, true) => "the state has another lineage".to_owned(),
                (None, false) => "there is no state file".to_owned(),
            };
            return Some(format!(
                "the apply that leads to serial {serial} began it and was interrupted, but {state}: \
                 the state file was replaced or removed since"
            ));
        }
        StateError::PendingJournal { .. } => "it holds what that apply did, which the state file does not hold yet",
        StateError::StalePlan { .. } => "a plan is applied only to the state it was made from",
    };
    Some(detail.to_owned())
}

fn unwritable_detail(file: FileKind) -> &'static str {
    match file {
        FileKind::State => {
            "the state file is whole, as it was before or as it was to be; what an apply did is in the journal beside it"
        }
        FileKind::Journal => {
            "no step begins before it is in the journal: nothing further was started, \
             and what was done until now is kept"
        }
        FileKind::Lock => "nothing was started",
        FileKind::Plan => "no plan was saved; nothing else was changed",
        FileKind::Index => "the state file is as it was before, and not committed",
    }
}

fn flaw_detail(flaw: &Flaw) -> Option<&'static str> {
    Some(match flaw {
        Flaw::Empty | Flaw::Cut(_) => {
            "hactl puts whole files in place in one step: something else wrote to this one, \
             or its disk lost data"
        }
        Flaw::Conflict(_) => "two applies came to different states; these cannot be merged line by line",
        Flaw::NotJson(_) | Flaw::Unsealed | Flaw::Altered => {
            "it was edited by hand or damaged after hactl wrote it, \
             so it cannot be trusted to say what is applied"
        }
        Flaw::Malformed(_) => "its checksum is right: a hactl with a defect wrote it, or something else did",
        Flaw::Foreign | Flaw::Newer { .. } => return None,
    })
}

fn help(error: &StateError) -> String {
    match error {
        StateError::Unreadable { file, path, source } => match source.kind() {
            io::ErrorKind::NotFound => "look at the path".to_owned(),
            io::ErrorKind::IsADirectory if *file == FileKind::Plan => "name the plan's file".to_owned(),
            io::ErrorKind::IsADirectory => "move the directory of that name away".to_owned(),
            io::ErrorKind::PermissionDenied => {
                format!("run hactl as a user who may read {}", path.display())
            }
            _ => "see to the disk, or bring the file back from a backup".to_owned(),
        },
        StateError::Unwritable { file, path, source } => {
            let again = match file {
                FileKind::State | FileKind::Journal => "run `hactl apply` again",
                FileKind::Lock | FileKind::Plan | FileKind::Index => "run the command again",
            };
            format!("{}, then {again}", trouble::remedy(path, source))
        }
        StateError::NotReplaced { .. } => "name another file with `--out`".to_owned(),
        StateError::Flawed { file, path, flaw } => flaw_help(*file, path, flaw),
        StateError::OtherStack { found, .. } => format!(
            "give the file back its name, or set `name: {found}` in the config \
             if that is the stack you mean"
        ),
        StateError::Locked { .. } => {
            "wait for it to end, or have hactl wait, as with `hactl apply --lock-timeout 10m`".to_owned()
        }
        StateError::DamagedJournal { path, line: 1, .. } => format!(
            "bring {} back from a backup; without one, move it away and run `hactl state recover`, which rebuilds the state \
             from the hosts",
            path.display()
        ),
        // The first line alone keeps the serial, by which the hosts know that this is not an older state.
        StateError::DamagedJournal { path, line, .. } => format!(
            "bring the journal back from a backup; without one, cut it before that line, `sed -i '{line},$d' {}`, \
             and look at `hactl plan`: it finds what that apply made on the hosts",
            path.display()
        ),
        StateError::UnrelatedJournal { path, has_state, .. } => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let stack = name.trim_start_matches('.').trim_end_matches(".journal");
            let rebuilt =
                if *has_state { "" } else { "; where there is none, `hactl state recover` rebuilds it from the hosts" };
            format!(
                "bring back the state file that the journal continues, `git -C {} show REV:./{stack}.json` or a backup\
                 {rebuilt}; if the apply that the journal tells of does not matter any more, move {} away",
                directory(path).display(),
                path.display()
            )
        }
        StateError::PendingJournal { .. } => "run `hactl apply`, which takes it over first".to_owned(),
        StateError::StalePlan { .. } => "make a new plan: `hactl plan --out FILE`".to_owned(),
        StateError::OtherWorld { made_for } => match made_for {
            World::Sandbox => "run it with `--sandbox`".to_owned(),
            World::Real => "run it without `--sandbox`".to_owned(),
        },
    }
}

fn flaw_help(file: FileKind, path: &Path, flaw: &Flaw) -> String {
    match (file, flaw) {
        (_, Flaw::Newer { hactl: Some(version), .. }) => format!("use hactl {version} or a later one"),
        (_, Flaw::Newer { hactl: None, .. }) => "use the version of hactl that wrote it, or a later one".to_owned(),
        (FileKind::Plan, Flaw::Foreign) => {
            "give a file that `hactl plan --out FILE` wrote; a config is given with `-f`".to_owned()
        }
        (FileKind::Plan, _) => format!("make a new plan: `hactl plan --out {}`", path.display()),
        (_, Flaw::Conflict(_)) => format!(
            "take one side as a whole, `git checkout --ours {0}` or `git checkout --theirs {0}`, \
             then look at `hactl plan`",
            path.display()
        ),
        _ if is_in_sandbox(path) => {
            "`hactl state recover --sandbox` rebuilds the state from what is in the sandbox".to_owned()
        }
        _ => format!(
            "bring back the last good one, `git -C {} checkout HEAD -- ./{}` or a backup, and leave a journal beside it where it \
             is; where there is none, `hactl state recover` rebuilds the state from the hosts",
            directory(path).display(),
            path.file_name().unwrap_or_default().to_string_lossy()
        ),
    }
}

/// Whether a file belongs to a sandbox, which is not in git.
fn is_in_sandbox(path: &Path) -> bool {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str()).collect();
    parts.windows(2).any(|pair| pair[0] == ".hactl" && pair[1] == "sandbox")
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
