//! What a user is told about a [`StateError`] beyond its summary: why, and what to do next.

use std::io;
use std::path::Path;

use hactl_core::Diagnostic;

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
        StateError::Locked { path, .. } => {
            return Some(format!(
                "one run at a time changes a stack: it holds the lock on {}; a run that dies lets go of it",
                path.display()
            ));
        }
        StateError::DamagedJournal { .. } => {
            "the journal says what an interrupted apply did; only its last line may be incomplete"
        }
        StateError::UnrelatedJournal { serial, state_serial, has_state, .. } => {
            let state = match (state_serial, has_state) {
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
        FileKind::State => "the state file is as it was before; what an apply did is in the journal beside it",
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
        Flaw::Foreign | Flaw::Newer(_) => return None,
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
            format!("{}, then {again}", make_writable(path, source.kind()))
        }
        StateError::NotReplaced { .. } => "name another file with `--out`".to_owned(),
        StateError::Flawed { file, path, flaw } => flaw_help(*file, path, flaw),
        StateError::OtherStack { found, .. } => format!(
            "give the file back its name, or set `name: {found}` in the config \
             if that is the stack you mean"
        ),
        StateError::Locked { .. } => "wait for it to end".to_owned(),
        StateError::DamagedJournal { path, line: 1, .. } => {
            format!("bring {} back from a backup", path.display())
        }
        // The first line alone keeps the serial, by which the hosts know that this is not an older state.
        StateError::DamagedJournal { path, line, .. } => format!(
            "bring the journal back from a backup; without one, cut it before that line, `sed -i '{line},$d' {}`, \
             and look at `hactl plan`: it finds what that apply made on the hosts",
            path.display()
        ),
        StateError::UnrelatedJournal { path, .. } => format!(
            "bring back the state file that the journal continues; \
             if the apply it tells of does not matter any more, move {} away",
            path.display()
        ),
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
        (_, Flaw::Newer(_)) => "use the version of hactl that wrote it, or a later one".to_owned(),
        (FileKind::Plan, Flaw::Foreign) => {
            "give a file that `hactl plan --out FILE` wrote; a config is given with `-f`".to_owned()
        }
        (FileKind::Plan, _) => format!("make a new plan: `hactl plan --out {}`", path.display()),
        (_, Flaw::Conflict(_)) => format!(
            "take one side as a whole, `git checkout --ours {0}` or `git checkout --theirs {0}`, \
             then look at `hactl plan`",
            path.display()
        ),
        _ => format!(
            "bring back the last good one, `git -C {} show HEAD:./{}` or a backup; \
             leave a journal beside it where it is",
            directory(path).display(),
            path.file_name().unwrap_or_default().to_string_lossy()
        ),
    }
}

fn make_writable(path: &Path, kind: io::ErrorKind) -> String {
    let directory = directory(path).display();
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("free space on the filesystem of {directory}")
        }
        io::ErrorKind::ReadOnlyFilesystem => format!("make the filesystem of {directory} writable"),
        io::ErrorKind::PermissionDenied => format!("make sure that you may write to {directory}"),
        io::ErrorKind::NotFound => format!("make the directory {directory}"),
        io::ErrorKind::IsADirectory => format!("move the directory {} away", path.display()),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            format!("move the file away that stands where the directory {directory} has to be")
        }
        _ => format!("see to the filesystem of {directory}"),
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
