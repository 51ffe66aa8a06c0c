//! JSON documents that begin with their format and end with their own SHA-256.
//!
//! The checksum covers every byte before its own line, line ends taken as `\n`, so `head -n -2 FILE | sha256sum`
//! computes it too. Nothing in JSON holds a raw `\r`, so a checkout with `\r\n` reads the same.

use std::borrow::Cow;
use std::io::{self, Write};

use hactl_core::Digest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::FORMAT;

/// What is wrong with a file that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is nothing in it.
    Empty,
    /// It ends in the middle, after so many bytes.
    Cut(usize),
    /// It holds the marks of a git merge conflict, the first of them in this line, counted from 1.
    Conflict(usize),
    /// It is no JSON, for this reason.
    NotJson(String),
    /// It is JSON, but none of ours.
    Foreign,
    /// It has a format that is newer than [`FORMAT`].
    Newer {
        /// The format.
        format: u64,
        /// The version of hactl that it names as the one to be read with, where it names one.
        hactl: Option<String>,
    },
    /// Its last field is no checksum.
    Unsealed,
    /// It is not what its checksum was made over.
    Altered,
    /// It is as it was written, but no document of its format, for this reason.
    Malformed(String),
}

/// Writes a value, which must be a JSON object with at least one field; gives its checksum.
///
/// The value is streamed: memory does not grow with it.
pub(crate) fn write(output: impl Write, value: &impl Serialize) -> io::Result<Digest> {
    #[derive(Serialize)]
    struct Document<'a, T> {
        format: u32,
        #[serde(flatten)]
        value: &'a T,
    }
    let mut writer = SealingWriter { output, hasher: Sha256::new(), buffer: Vec::with_capacity(CAPACITY) };
    let format = FORMAT;
    serde_json::to_writer_pretty(&mut writer, &Document { format, value })?;
    writer.seal()
}

/// Reads what [`write`] wrote, and its checksum.
///
/// `T` must let fields named `format` and `sha256` pass.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Digest), Flaw> {
    let Some(digest) = split(bytes)
        .filter(|(content, digest)| begins_with_format(content) && checksum(content) == *digest)
        .map(|(_, digest)| digest)
    else {
        return Err(diagnose(bytes));
    };
    let value = serde_json::from_slice(bytes).map_err(|why| Flaw::Malformed(why.to_string()))?;
    Ok((value, digest))
}

/// Whether bytes begin as what [`write`] wrote of a value with this first field, in whatever format, damaged or not.
pub(crate) fn begins_with_field(bytes: &[u8], field: &str) -> bool {
    let after_format = || {
        let rest = bytes.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"format\":")?;
        let rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest[digits..].trim_ascii_start().strip_prefix(b",")
    };
    after_format().is_some_and(|rest| rest.trim_ascii_start().starts_with(format!("\"{field}\":").as_bytes()))
}

const CAPACITY: usize = 64 * 1024;
const END: &[u8] = b"\n}";
const SEAL: &[u8] = b"  \"sha256\": \"";

/// Buffers and hashes what is written, and keeps the end back, because the checksum comes before it.
struct SealingWriter<W> {
    output: W,
    hasher: Sha256,
    buffer: Vec<u8>,
}

impl<W: Write> SealingWriter<W> {
    fn pass_on(&mut self, keep: usize) -> io::Result<()> {
        let ready = self.buffer.len().saturating_sub(keep);
        self.hasher.update(&self.buffer[..ready]);
        self.output.write_all(&self.buffer[..ready])?;
        self.buffer.drain(..ready);
        Ok(())
    }

    fn seal(mut self) -> io::Result<Digest> {
        if !self.buffer.ends_with(END) {
            return Err(io::Error::other("only an object with fields can be sealed"));
        }
        self.buffer.truncate(self.buffer.len() - END.len());
        self.buffer.extend_from_slice(b",\n");
        self.pass_on(0)?;
        let digits: String = self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.output.write_all(SEAL)?;
        self.output.write_all(digits.as_bytes())?;
        self.output.write_all(b"\"\n}\n")?;
        Digest::parse(&digits).ok_or_else(|| io::Error::other("SHA-256 has 64 digits"))
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > CAPACITY {
            self.pass_on(END.len())?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the checksum covers, and the checksum.
fn split(bytes: &[u8]) -> Option<(&[u8], Digest)> {
    let bytes = bytes.trim_ascii_end().strip_suffix(b"}")?;
    let bytes = bytes.trim_ascii_end().strip_suffix(b"\"")?;
    let (bytes, digits) = bytes.split_at_checked(bytes.len().checked_sub(64)?)?;
    let content = bytes.strip_suffix(SEAL)?;
    let digest = Digest::parse(std::str::from_utf8(digits).ok()?)?;
    content.ends_with(b"\n").then_some((content, digest))
}

fn begins_with_format(content: &[u8]) -> bool {
    content
        .strip_prefix(b"{")
        .and_then(|rest| rest.trim_ascii_start().strip_prefix(format!("\"format\": {FORMAT}").as_bytes()))
        .is_some_and(|rest| rest.starts_with(b","))
}

fn checksum(content: &[u8]) -> Digest {
    let normal = if content.contains(&b'\r') {
        let kept = content.iter().copied().filter(|byte| *byte != b'\r');
        Cow::Owned(kept.collect::<Vec<u8>>())
    } else {
        Cow::Borrowed(content)
    };
    Digest::sha256(&normal)
}

/// What a file of any format says of itself.
#[derive(Deserialize)]
pub(crate) struct Peek {
    format: Option<u64>,
    /// From format 2 on every file names the version that it needs; of format 1 only plans do.
    #[serde(default)]
    hactl: serde_json::Value,
}

impl Peek {
    /// Refuses a newer format.
    pub(crate) fn newer(&self) -> Option<Flaw> {
        let format = self.format.filter(|format| *format > u64::from(FORMAT))?;
        let is_version = |text: &&str| {
            text.len() <= 40 && text.chars().all(|letter| letter.is_ascii_alphanumeric() || ".+-".contains(letter))
        };
        let hactl = self.hactl.as_str().filter(|text| !text.is_empty()).filter(is_version).map(str::to_owned);
        Some(Flaw::Newer { format, hactl })
    }
}

/// Finds out what is wrong with bytes that are not a sealed document of this format.
fn diagnose(bytes: &[u8]) -> Flaw {
    if bytes.trim_ascii().is_empty() {
        return Flaw::Empty;
    }
    let conflict = bytes.split(|byte| *byte == b'\n').position(|line| line.starts_with(b"<<<<<<< "));
    if let Some(line) = conflict {
        return Flaw::Conflict(line + 1);
    }
    match serde_json::from_slice::<Peek>(bytes) {
        Err(why) if why.is_eof() => Flaw::Cut(bytes.len()),
        Err(why) if why.is_data() => Flaw::Foreign,
        Err(why) => Flaw::NotJson(why.to_string()),
        Ok(Peek { format: None | Some(0), .. }) => Flaw::Foreign,
        Ok(peek) => match peek.newer() {
            Some(newer) => newer,
            None if split(bytes).is_none() => Flaw::Unsealed,
            None => Flaw::Altered,
        },
    }
}
