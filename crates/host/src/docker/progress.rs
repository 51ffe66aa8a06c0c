//! How far a pull is.

use std::collections::BTreeMap;

use crate::docker::wire::{PullLine, decode};

/// The most bytes of one line; longer ones hold nothing that is needed here.
const LONGEST_LINE: usize = 64 * 1024;

/// What an engine has told of a pull so far.
#[derive(Default)]
pub(super) struct Progress {
    unread: Vec<u8>,
    layers: BTreeMap<String, Layer>,
}

/// One layer of an image. Bytes are of what is downloaded.
#[derive(Default)]
struct Layer {
    done: bool,
    current: u64,
    total: u64,
}

impl Progress {
    /// Takes the next bytes of the engine's answer, which may be cut anywhere: lines of JSON.
    ///
    /// # Errors
    /// The engine's words when the pull has failed, which it tells in a line.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.unread.extend_from_slice(bytes);
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            self.take(&line)?;
        }
        if self.unread.len() > LONGEST_LINE {
            self.unread.clear();
        }
        Ok(())
    }

    /// The end of the answer, where the last line may lack its end.
    pub(super) fn finish(mut self) -> Result<(), String> {
        let line = std::mem::take(&mut self.unread);
        self.take(&line)
    }

    fn take(&mut self, line: &[u8]) -> Result<(), String> {
        let Ok(line) = decode::<PullLine>(line) else { return Ok(()) };
        if let Some(message) = line.error_detail.map(|detail| detail.message).or(line.error) {
            return Err(message);
        }
        let (downloaded, done) = match line.status.as_str() {
            "Pulling fs layer" | "Waiting" | "Downloading" => (false, false),
            "Verifying Checksum" | "Download complete" | "Extracting" => (true, false),
            "Pull complete" | "Already exists" => (true, true),
            _ => return Ok(()),
        };
        let layer = self.layers.entry(line.id).or_default();
        layer.done = done;
        if line.status == "Downloading" {
            layer.current = line.progress_detail.current;
            layer.total = line.progress_detail.total;
        }
        if downloaded {
            layer.current = layer.total;
        }
        Ok(())
    }

    /// As in `3 of 5 layers, 12 of 40 MB`; none before any layer is known.
    pub(super) fn text(&self) -> Option<String> {
        if self.layers.is_empty() {
            return None;
        }
        let done = self.layers.values().filter(|layer| layer.done).count();
        let megabytes = |bytes: u64| (bytes + 500_000) / 1_000_000;
        let current = megabytes(self.layers.values().map(|layer| layer.current).sum());
        let total = megabytes(self.layers.values().map(|layer| layer.total).sum());
        let bytes = if total > 0 { format!(", {current} of {total} MB") } else { String::new() };
        Some(format!("{done} of {} layers{bytes}", self.layers.len()))
    }
}
