//! The scripts that change files and inventories: what they are told, and what their answers mean.

use hactl_core::{Address, Digest};

use crate::file::{normal_mode, normal_path};
use crate::linux::shell::{Login, Output, Script};
use crate::{BlockWrite, Claim, FileAdoption, FileContent, FileRemoval, FileWrite, HostError, Moved, Release};

/// A script with its input.
pub(crate) struct Call {
    pub(crate) script: Script,
    pub(crate) input: Vec<u8>,
    /// What follows the input.
    pub(crate) content: Option<FileContent>,
    /// What it is about, for errors: as in `write` and `/etc/motd`.
    pub(crate) operation: &'static str,
    pub(crate) path: String,
}

/// Where a block is.
pub(crate) struct Place<'a> {
    /// What is done with it, as in `write`.
    pub(crate) operation: &'static str,
    /// The file's path, as it is to be told; a normal one where it is used.
    pub(crate) path: &'a str,
    pub(crate) lineage: &'a str,
    pub(crate) address: &'a Address,
    /// Whether it is there afterwards.
    pub(crate) stays: bool,
}

macro_rules! script {
    ($name:literal) => {
        Script {
            name: $name,
            text: concat!(include_str!("scripts/prelude.sh"), include_str!(concat!("scripts/", $name, ".sh"))),
        }
    };
}

pub(crate) fn claim(root: &str, claim: &Claim) -> Call {
    let mut lines = vec![
        root.to_owned(),
        claim.lineage.clone(),
        claim.stack.clone(),
        claim.parent_serial.to_string(),
        claim.serial.to_string(),
    ];
    let moved = |moved: &Moved| format!("{} {} {}", entry_name(&moved.from), entry_name(&moved.to), moved.to);
    lines.extend(claim.moves.iter().map(moved));
    lines.push(String::new());
    lines.extend(claim.addresses.iter().map(|address| format!("{} {address}", entry_name(address))));
    Call {
        script: script!("claim"),
        input: joined(&lines),
        content: None,
        operation: "record",
        path: own(root, &claim.lineage),
    }
}

pub(crate) fn release(root: &str, release: &Release) -> Call {
    let mut lines = vec![root.to_owned(), release.lineage.clone()];
    lines.extend(release.gone.iter().map(entry_name));
    Call {
        script: script!("release"),
        input: joined(&lines),
        content: None,
        operation: "clear",
        path: own(root, &release.lineage),
    }
}

/// # Errors
/// [`HostError::File`] when the path or mode cannot be one.
pub(crate) fn write(root: &str, login: &Login, write: &FileWrite) -> Result<Call, HostError> {
    let fail = |reason: &str| failure("write", &write.path, reason);
    let path = normal_path(&write.path).map_err(fail)?;
    let mode = normal_mode(&write.mode).ok_or_else(|| fail("the mode is not octal"))?;
    let group = write.group.clone().unwrap_or_default();
    // Without sudo what is written is the user's own already.
    let own = if login.is_privileged() { login.user.as_str() } else { "" };
    let owner = write.owner.as_deref().unwrap_or(own);
    if [owner, &group].iter().any(|name| name.contains(|char: char| char.is_control() || char == ':')) {
        return Err(fail("the owner or group is no name"));
    }
    let lines = [
        root.to_owned(),
        write.lineage.clone(),
        entry_name(&write.address),
        write.address.to_string(),
        path.clone(),
        mode,
        owner.to_owned(),
        group,
        yes(write.adopt),
        yes(write.owned),
        yes(write.tmpfs),
        write.content.size().to_string(),
        match &write.content {
            FileContent::Bytes(_) => String::new(),
            FileContent::Local { sha256, .. } => sha256.to_string(),
        },
    ];
    let content = Some(write.content.clone());
    Ok(Call { script: script!("write"), input: joined(&lines), content, operation: "write", path })
}

/// # Errors
/// [`HostError::File`] when the path cannot be one.
pub(crate) fn adopt(root: &str, adoption: &FileAdoption) -> Result<Call, HostError> {
    let path = normal_path(&adoption.path).map_err(|reason| failure("adopt", &adoption.path, reason))?;
    let none = String::new;
    let lines = [
        root.to_owned(),
        adoption.lineage.clone(),
        entry_name(&adoption.address),
        adoption.address.to_string(),
        path.clone(),
        none(),
        none(),
        none(),
        yes(true),
        yes(false),
        yes(false),
        none(),
        none(),
    ];
    Ok(Call { script: script!("write"), input: joined(&lines), content: None, operation: "adopt", path })
}

/// # Errors
/// [`HostError::File`] when the path cannot be one.
pub(crate) fn remove(root: &str, removal: &FileRemoval) -> Result<Call, HostError> {
    let path = normal_path(&removal.path).map_err(|reason| failure("remove", &removal.path, reason))?;
    let lines =
        [root.to_owned(), removal.lineage.clone(), entry_name(&removal.address), path.clone(), yes(removal.owned)];
    Ok(Call { script: script!("remove"), input: joined(&lines), content: None, operation: "remove", path })
}

/// Replaces a text in which a block is, unless it is not the one that was seen any more: see [`Call::is_outdated`]. `seen`
/// is none where there was none, `new` where it stays as it is.
pub(crate) fn replace(root: &str, place: &Place<'_>, seen: Option<&[u8]>, new: Option<Vec<u8>>) -> Call {
    let lines = [
        root.to_owned(),
        place.lineage.to_owned(),
        entry_name(place.address),
        place.address.to_string(),
        place.path.to_owned(),
        yes(place.stays),
        seen.map(|text| Digest::sha256(text).to_string()).unwrap_or_default(),
        new.as_ref().map(|text| text.len().to_string()).unwrap_or_default(),
    ];
    Call {
        script: script!("block"),
        input: joined(&lines),
        content: new.map(FileContent::from),
        operation: place.operation,
        path: place.path.to_owned(),
    }
}

impl Call {
    /// Whether the script answers that a text has changed since it was looked at.
    pub(crate) fn is_outdated(output: &Output) -> bool {
        output.stdout == b"moved\n"
    }

    /// What the script's answer means. `serial` is that of the state at hand.
    pub(crate) fn read(&self, output: &Output, serial: u64) -> Result<(), HostError> {
        let text = String::from_utf8_lossy(&output.stdout);
        let (word, rest) = text.trim_end().split_once(' ').unwrap_or((text.trim_end(), ""));
        match word {
            "ok" => Ok(()),
            "conflict" => Err(HostError::Conflict { what: format!("the file {}", self.path) }),
            "fenced" => Err(HostError::Fenced { host: rest.parse().unwrap_or_default(), ours: serial }),
            "changed" => Err(failure(self.operation, &self.path, FileContent::CHANGED)),
            "gone" => Err(failure(self.operation, &self.path, FileAdoption::GONE)),
            "disk" => Err(failure(self.operation, &self.path, FileWrite::NOT_IN_MEMORY)),
            "mounted" => Err(failure(self.operation, &self.path, BlockWrite::MOUNTED)),
            "held" => Err(failure(self.operation, &self.path, BlockWrite::HELD)),
            "error" => Err(failure(self.operation, &self.path, &told(rest))),
            _ => Err(failure(
                self.operation,
                &self.path,
                match (output.stderr.lines().last(), output.code) {
                    (Some(line), _) => line,
                    (None, Some(_)) => "the script ended early",
                    (None, None) => "the script was killed",
                },
            )),
        }
    }
}

/// The name of an address's entry: a file name.
pub(crate) fn entry_name(address: &Address) -> String {
    let text = address.as_str();
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'[' | b']' => name.push(byte.into()),
            b'"' => {}
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    const LONGEST: usize = 200;
    if name.len() > LONGEST {
        name.truncate(LONGEST - 17);
        name = format!("{name}-{}", &Digest::sha256(text.as_bytes()).to_string()[..16]);
    }
    name
}

/// What a tool complains of, without its own name and the path, which the error has already.
fn told(complaint: &str) -> String {
    let line = complaint.lines().last().unwrap_or_default();
    let reason = match line.rsplit_once(": ") {
        // As in `chown: invalid user: 'nobody-here'`.
        Some((before, name)) if name.starts_with('\'') => {
            format!("{}: {name}", before.rsplit_once(": ").map_or(before, |(_, reason)| reason))
        }
        Some((_, reason)) => reason.to_owned(),
        None => line.to_owned(),
    };
    let mut letters = reason.chars();
    let lower = letters.next().map(|first| first.to_lowercase().to_string() + letters.as_str());
    let reason = lower.unwrap_or_else(|| "it failed and did not say why".to_owned());
    match reason.as_str() {
        "permission denied" | "operation not permitted" => {
            format!("{reason}: log in as root, or as a user who may use sudo without a password")
        }
        _ => reason,
    }
}

pub(crate) fn failure(operation: &'static str, path: &str, reason: &str) -> HostError {
    HostError::File { operation, path: path.to_owned(), reason: reason.to_owned() }
}

fn own(root: &str, lineage: &str) -> String {
    format!("{root}/{lineage}")
}

fn joined(lines: &[String]) -> Vec<u8> {
    (lines.join("\n") + "\n").into_bytes()
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_file_name_of_its_own() {
        let name = |text: &str| entry_name(&Address::parse(text).unwrap());
        assert_eq!(name("container.web[\"node1\"]"), "container.web[node1]");
        assert_eq!(name("file.a[\"x/y z\"]"), "file.a[x%2Fy%20z]");
        let long = format!("file.a[\"{}\"]", "n".repeat(300));
        assert!(name(&long).len() <= 200);
        assert_ne!(name(&long), name(&long.replace("nn\"", "nm\"")));
    }

    #[test]
    fn a_complaint_is_told_without_the_tool_and_the_path() {
        for (complaint, reason) in [
            ("mkdir: cannot create directory '/x': No space left on device", "no space left on device"),
            ("chown: invalid user: 'nobody-here:'", "invalid user: 'nobody-here:'"),
            (
                "mv: cannot move 'a' to 'b': Permission denied",
                "permission denied: log in as root, or as a user who may use sudo without a password",
            ),
            ("is a directory", "is a directory"),
            ("", "it failed and did not say why"),
        ] {
            assert_eq!(told(complaint), reason);
        }
    }
}
