//! The command lines of all processes of this machine, as anybody could have read them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// Reads `/proc/*/cmdline` again and again until it is asked what it saw.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<Vec<u8>>>,
}

impl Sampler {
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = spawn(move || {
            let mut seen = BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                sample(&mut seen);
                sleep(Duration::from_millis(8));
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends, and tells each command line that it saw, its words with a zero byte after each.
    pub(crate) fn end(self) -> BTreeSet<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn sample(seen: &mut BTreeSet<Vec<u8>>) {
    for entry in Path::new("/proc").read_dir().unwrap().flatten() {
        // Only processes have the file, and one that has ended has it no more.
        if let Ok(line) = std::fs::read(entry.path().join("cmdline")) {
            seen.insert(line);
        }
    }
}

#[test]
fn a_value_on_a_command_line_is_seen() {
    let sampler = Sampler::start();
    let script = ["-c", "sleep 0.3; :", "Zq7nUmber4Kx-argument"];
    assert!(std::process::Command::new("/bin/sh").args(script).status().unwrap().success());
    let seen = sampler.end();
    assert!(seen.iter().any(|line| line.ends_with(b"Zq7nUmber4Kx-argument\0")), "{} lines", seen.len());
}
