//! Files of a machine, and the inventories that say whose they are.

use std::collections::BTreeMap;

use hactl_core::Digest;
use hactl_host::{
    BlockWrite, Claim, FileAdoption, FileContent, FileRemoval, FileStat, FileWrite, ForeignClaim, HostError, Inventory,
    InventoryEntry, Moved, Release, Survey, SurveyRequest, normal_mode, normal_path,
};

use crate::blocks;
use crate::faults::Fault;
use crate::machine::{Content, Machine, StoredFile};
use crate::mutation::Change;
use crate::scene::{Decision, Scene, change, unchanged};

/// Facts, files and inventories. A directory at a requested path is not a file: it is left out.
pub(crate) fn survey(scene: &Scene<'_>, request: &SurveyRequest) -> Decision<Survey> {
    let machine = scene.machine;
    let mut survey = Survey {
        facts: machine.facts(scene.seed, scene.host),
        inventory: machine.inventories.get(&request.lineage).map(|stored| stored.inventory().clone()),
        ..Survey::default()
    };
    for wanted in &request.files {
        let Ok(path) = normal_path(&wanted.path) else { continue };
        if let Some(file) = machine.files.get(&path) {
            survey.files.insert(wanted.path.clone(), stat(file, wanted.fetch_unless.as_ref()));
        }
        survey.foreign.extend(held_by_others(machine, &request.lineage, &wanted.path, &path));
    }
    for wanted in &request.texts {
        let Ok(path) = normal_path(wanted) else { continue };
        if let Some(file) = machine.files.get(&path) {
            if file.content.0.len() > BlockWrite::MAX_TEXT {
                return Err(failure("read", wanted, BlockWrite::TOO_LARGE));
            }
            survey.texts.insert(wanted.clone(), file.content.0.to_vec());
        }
        survey.foreign.extend(held_by_others(machine, &request.lineage, wanted, &path));
    }
    unchanged(survey)
}

/// The inventories of all stacks.
pub(crate) fn inventories(scene: &Scene<'_>) -> Decision<BTreeMap<String, Inventory>> {
    let stored = scene.machine.inventories.iter();
    unchanged(stored.map(|(lineage, stored)| (lineage.clone(), stored.inventory().clone())).collect())
}

/// Which resources of other stacks have a file, which was asked for by a path that may not be normal.
fn held_by_others(machine: &Machine, lineage: &str, asked: &str, path: &str) -> impl Iterator<Item = ForeignClaim> {
    let others = machine.inventories.iter().filter(move |(other, _)| *other != lineage);
    others.filter_map(move |(_, stored)| {
        Some(ForeignClaim {
            path: asked.to_owned(),
            stack: stored.inventory().stack.clone(),
            address: stored.holder(path)?.clone(),
        })
    })
}

/// Refused when the machine was last touched by an apply that the state at hand knows nothing of. One that was cut short
/// is in the journal, so its serial is that of the state at hand: an equal serial from elsewhere is another operator's.
pub(crate) fn claim(scene: &Scene<'_>, claim: &Claim) -> Decision {
    if let Some(stored) = scene.machine.inventories.get(&claim.lineage) {
        let host = stored.inventory().serial;
        if host > claim.parent_serial {
            return Err(HostError::Fenced { host, ours: claim.parent_serial });
        }
    }
    let lineage = || claim.lineage.clone();
    let moved = |moved: &Moved| Change::Move { lineage: lineage(), from: moved.from.clone(), to: moved.to.clone() };
    let mut changes: Vec<Change> = claim.moves.iter().map(moved).collect();
    changes.push(Change::Claim {
        lineage: lineage(),
        stack: claim.stack.clone(),
        serial: claim.serial,
        addresses: claim.addresses.clone(),
    });
    changes.extend(blocks::renamed(scene.machine, claim));
    Ok(((), changes))
}

pub(crate) fn release(scene: &Scene<'_>, release: &Release) -> Decision {
    if !scene.machine.inventories.contains_key(&release.lineage) {
        return unchanged(());
    }
    change(Change::Release { lineage: release.lineage.clone(), gone: release.gone.clone() })
}

/// Where hosts have a tmpfs.
const IN_MEMORY: [&str; 2] = ["/run/", "/dev/shm/"];

/// Writes a file as its lineage's.
///
/// A path that an entry of the lineage's inventory holds is ours, present or not; another resource of the lineage
/// that held it gives it up, with its directories and its original. Anything else that exists there or that another
/// lineage holds is foreign. Directories that the lineage has made are recorded with every file below them, so that the
/// last one to go takes them along. The record is made before the file, as two changes.
pub(crate) fn write(scene: &Scene<'_>, write: &FileWrite, user: &str) -> Decision {
    let machine = scene.machine;
    let fail = |reason: &str| failure("write", &write.path, reason);
    let path = normal_path(&write.path).map_err(fail)?;
    let mode = normal_mode(&write.mode).ok_or_else(|| fail("the mode is not octal"))?;
    for (what, name) in [("user", &write.owner), ("group", &write.group)] {
        if let Some(name) = name.as_ref().filter(|name| !can_be_user(name)) {
            return Err(fail(&format!("invalid {what}: '{name}'")));
        }
    }
    if machine.is_directory(&path) {
        return Err(fail("is a directory"));
    }
    if write.tmpfs && !IN_MEMORY.iter().any(|directory| path.starts_with(directory)) {
        return Err(fail(FileWrite::NOT_IN_MEMORY));
    }
    let directories = missing_parents(machine, &path).map_err(fail)?;
    let stored = machine.inventories.get(&write.lineage);
    let holder = stored.and_then(|stored| stored.holder(&path));
    let existing = machine.files.get(&path);

    let recorded = stored.and_then(|stored| stored.entry(&write.address));
    let other_path = recorded.and_then(|entry| entry.path.as_ref()).filter(|held| **held != path);
    if let Some(held) = other_path.filter(|held| machine.files.contains_key(*held)) {
        return Err(fail(&format!("{} still has the file {held}, which must be removed first", write.address)));
    }
    let (mut entry, original) = match (stored, holder) {
        (Some(stored), Some(holder)) => {
            (stored.entry(holder).cloned().unwrap_or_default(), stored.original(holder).cloned())
        }
        _ => {
            let theirs = machine.inventories.values().any(|stored| stored.holder(&path).is_some());
            let foreign = theirs || (existing.is_some() && !write.owned);
            if foreign && !write.adopt {
                return Err(HostError::Conflict { what: format!("the file {path}") });
            }
            let entry = InventoryEntry {
                path: Some(path.clone()),
                original: foreign && existing.is_some(),
                ..recorded.cloned().unwrap_or_default()
            };
            (entry, existing.filter(|_| foreign).cloned())
        }
    };
    entry.directories.extend(recorded.into_iter().flat_map(|entry| entry.directories.clone()));
    entry.directories.extend(stored.into_iter().flat_map(|stored| stored.directories_above(&path)));
    entry.directories.extend(directories.iter().cloned());
    entry.directories.sort();
    entry.directories.dedup();
    if scene.struck(|fault| *fault == Fault::DiskFull) {
        return Err(fail("no space left on device"));
    }

    let mut changes = Vec::new();
    if recorded != Some(&entry) {
        changes.push(Change::Record {
            lineage: write.lineage.clone(),
            address: write.address.clone(),
            entry,
            original,
        });
    }
    let content = match &write.content {
        FileContent::Bytes(bytes) => bytes.expose().as_slice().into(),
        FileContent::Local { path, sha256, .. } => {
            let bytes = std::fs::read(path).map_err(|error| fail(&error.to_string()))?;
            if Digest::sha256(&bytes) != *sha256 {
                return Err(fail(FileContent::CHANGED));
            }
            bytes.into()
        }
    };
    let owner = user_name(write.owner.as_deref().unwrap_or(user));
    let file = StoredFile {
        content: Content(content),
        group: write.group.as_deref().map_or_else(|| owner.clone(), user_name),
        mode,
        owner,
    };
    if existing != Some(&file) {
        changes.push(Change::WriteFile { path, file, directories });
    }
    Ok(((), changes))
}

/// Records a file that is there as its lineage's, with a copy of it; what the lineage has already stays as recorded.
pub(crate) fn adopt(scene: &Scene<'_>, adoption: &FileAdoption) -> Decision {
    let machine = scene.machine;
    let fail = |reason: &str| failure("adopt", &adoption.path, reason);
    let path = normal_path(&adoption.path).map_err(fail)?;
    if machine.is_directory(&path) {
        return Err(fail("is a directory"));
    }
    let Some(file) = machine.files.get(&path) else { return Err(fail(FileAdoption::GONE)) };
    let stored = machine.inventories.get(&adoption.lineage);
    let holder = stored.and_then(|stored| stored.holder(&path));
    if holder == Some(&adoption.address) {
        return unchanged(());
    }
    let original = match (stored, holder) {
        (Some(stored), Some(holder)) => stored.original(holder).cloned(),
        _ => Some(file.clone()),
    };
    let entry = InventoryEntry { path: Some(path), original: original.is_some(), ..InventoryEntry::default() };
    change(Change::Record { lineage: adoption.lineage.clone(), address: adoption.address.clone(), entry, original })
}

/// Removes a file that the inventory records for the resource. What is absent, or was removed before (the entry is
/// there and holds no path), is done already; a file that neither a record nor state says to be ours is left alone and
/// is a conflict.
pub(crate) fn remove(scene: &Scene<'_>, removal: &FileRemoval) -> Decision {
    let machine = scene.machine;
    let fail = |reason: &str| failure("remove", &removal.path, reason);
    let path = normal_path(&removal.path).map_err(fail)?;
    let stored = machine.inventories.get(&removal.lineage);
    match stored.and_then(|stored| stored.entry(&removal.address)) {
        Some(entry) if entry.path.as_ref() == Some(&path) => {
            if machine.is_directory(&path) {
                return Err(fail("is a directory"));
            }
            change(Change::RemoveRecorded { lineage: removal.lineage.clone(), address: removal.address.clone() })
        }
        _ if !machine.files.contains_key(&path) => unchanged(()),
        _ if removal.owned && !machine.inventories.values().any(|stored| stored.holder(&path).is_some()) => {
            change(Change::RemoveFile { path })
        }
        Some(entry) if entry.path.is_none() => unchanged(()),
        _ => Err(HostError::Conflict { what: format!("the file {path}") }),
    }
}

/// What a survey says of a file; the text where it differs from `fetch_unless`.
pub(crate) fn stat(file: &StoredFile, fetch_unless: Option<&Digest>) -> FileStat {
    let sha256 = Digest::sha256(&file.content.0);
    let wanted = fetch_unless.is_some_and(|known| *known != sha256) && file.content.0.len() <= FileStat::MAX_TEXT;
    FileStat {
        sha256,
        mode: file.mode.clone(),
        owner: file.owner.clone(),
        group: file.group.clone(),
        owner_number: user_number(&file.owner),
        group_number: user_number(&file.group),
        text: std::str::from_utf8(&file.content.0).ok().filter(|_| wanted).map(str::to_owned),
    }
}

/// The parents of a normal path that do not exist, outermost first.
pub(crate) fn missing_parents(machine: &Machine, path: &str) -> Result<Vec<String>, &'static str> {
    let slashes = path.match_indices('/').map(|(index, _)| index).filter(|index| *index > 0);
    let mut missing = Vec::new();
    for parent in slashes.map(|index| &path[..index]) {
        if machine.files.contains_key(parent) {
            return Err("not a directory");
        }
        if !machine.is_directory(parent) {
            missing.push(parent.to_owned());
        }
    }
    Ok(missing)
}

/// Whether a user or group can be called this. All that can be exist in the sandbox.
fn can_be_user(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-$".contains(&byte))
}

/// A user's or group's name; of the numbers, only 0 has one.
pub(crate) fn user_name(name_or_number: &str) -> String {
    if name_or_number == "0" { "root".to_owned() } else { name_or_number.to_owned() }
}

/// A user's or group's number; of the names, only root's has one.
fn user_number(name_or_number: &str) -> Option<u32> {
    if name_or_number == "root" { Some(0) } else { name_or_number.parse().ok() }
}

pub(crate) fn failure(operation: &'static str, path: &str, reason: &str) -> HostError {
    HostError::File { operation, path: path.to_owned(), reason: reason.to_owned() }
}
