//! Blocks of lines in text files of others.

use std::collections::BTreeMap;

use hactl_core::Address;
use hactl_host::{BlockRemoval, BlockWrite, Claim, InventoryEntry, Moved, normal_path, with_block_of};

use crate::faults::Fault;
use crate::files::failure;
use crate::machine::{Content, Machine, StoredFile};
use crate::mutation::Change;
use crate::scene::{Decision, Scene};

/// Puts a block into a file; a missing one is made. The record is made before.
pub(crate) fn write(scene: &Scene<'_>, write: &BlockWrite) -> Decision {
    let machine = scene.machine;
    let fail = |reason: &str| failure("write", &write.path, reason);
    let path = normal_path(&write.path).map_err(fail)?;
    let existing = existing(machine, &path).map_err(fail)?;
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    if !parent.is_empty() && !machine.is_directory(parent) {
        return Err(fail(BlockWrite::NO_DIRECTORY));
    }
    if machine.inventories.values().any(|stored| stored.holder(&path).is_some()) {
        return Err(fail(BlockWrite::HELD));
    }
    let text = write.put_into(text(existing)).map_err(fail)?;
    if text.len() > BlockWrite::MAX_TEXT {
        return Err(fail(BlockWrite::TOO_LARGE));
    }
    if scene.struck(|fault| *fault == Fault::DiskFull) {
        return Err(fail("no space left on device"));
    }
    let entry = InventoryEntry { block: Some(path.clone()), ..InventoryEntry::default() };
    let mut changes: Vec<Change> = record(machine, &write.lineage, &write.address, entry).into_iter().collect();
    changes.extend(replace(path, existing, text));
    Ok(((), changes))
}

/// Takes a block out of a file, which stays. The record is cleared after it.
pub(crate) fn remove(scene: &Scene<'_>, removal: &BlockRemoval) -> Decision {
    let machine = scene.machine;
    let fail = |reason: &str| failure("change", &removal.path, reason);
    let path = normal_path(&removal.path).map_err(fail)?;
    let existing = existing(machine, &path).map_err(fail)?;
    let text = removal.take_from(text(existing));
    let mut changes: Vec<Change> = existing.and_then(|file| replace(path, Some(file), text)).into_iter().collect();
    let stored = machine.inventories.get(&removal.lineage);
    if stored.is_some_and(|stored| stored.entry(&removal.address).is_some()) {
        changes.extend(record(machine, &removal.lineage, &removal.address, InventoryEntry::default()));
    }
    Ok(((), changes))
}

/// The files in which blocks name their address, with the addresses that they have by now.
pub(crate) fn renamed(machine: &Machine, claim: &Claim) -> Vec<Change> {
    let mut files: BTreeMap<&String, (&StoredFile, Vec<u8>)> = BTreeMap::new();
    for Moved { from, to, block } in &claim.moves {
        let Some((path, file)) = block.as_ref().and_then(|path| machine.files.get_key_value(path)) else { continue };
        let (_, text) = files.entry(path).or_insert_with(|| (file, file.content.0.to_vec()));
        *text = with_block_of(text, &claim.lineage, from, to);
    }
    let replaced = files.into_iter().filter_map(|(path, (file, text))| replace(path.clone(), Some(file), text));
    replaced.collect()
}

fn existing<'a>(machine: &'a Machine, path: &str) -> Result<Option<&'a StoredFile>, &'static str> {
    match machine.files.get(path) {
        _ if machine.is_directory(path) => Err("is a directory"),
        Some(file) if file.content.0.len() > BlockWrite::MAX_TEXT => Err(BlockWrite::TOO_LARGE),
        file => Ok(file),
    }
}

fn text(existing: Option<&StoredFile>) -> &[u8] {
    existing.map_or(&[], |file| &file.content.0)
}

fn record(machine: &Machine, lineage: &str, address: &Address, entry: InventoryEntry) -> Option<Change> {
    let recorded = machine.inventories.get(lineage).and_then(|stored| stored.entry(address));
    let (lineage, address) = (lineage.to_owned(), address.clone());
    (recorded != Some(&entry)).then_some(Change::Record { lineage, address, entry, original: None })
}

/// The file with another text: its mode and owner stay, a new one is root's.
fn replace(path: String, existing: Option<&StoredFile>, text: Vec<u8>) -> Option<Change> {
    let content = Content(text.into());
    let file = match existing {
        Some(file) => StoredFile { content, ..file.clone() },
        None => StoredFile::of_root(content),
    };
    (existing != Some(&file)).then_some(Change::WriteFile { path, file, directories: Vec::new() })
}
