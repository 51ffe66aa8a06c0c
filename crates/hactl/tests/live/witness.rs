//! Looks for private keys where nobody may see them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::host::Host;

/// What a host writes down outside of /run: the inventory, logs, containers as the engine knows them, everybody's files.
const ON_DISK: &str = "etc home root srv tmp var/lib/hactl var/log var/lib/docker/containers var/lib/docker/volumes";

/// Private keys, in every form in which they could turn up.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    forms: BTreeSet<Vec<u8>>,
}

impl Keys {
    /// Looks for one more: an ECDSA key on P-256, PKCS#8 in PEM. Its last line holds nothing but the public key.
    pub(crate) fn add(&mut self, pem: &str) {
        let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        assert!(pem.contains("PRIVATE KEY") && body.len() == 3, "this is no key of that kind");
        let der = STANDARD.decode(body.concat()).unwrap();
        // RFC 5208 and RFC 5915: the number itself is at 36 in this encoding.
        let number = &der[36..68];
        let hex: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
        let again = STANDARD.encode(format!("{}\n", pem.trim_end()));
        let mut texts = vec![hex.to_uppercase(), hex, again[80..128].to_owned(), body[..2].concat()];
        for line in &body[..2] {
            texts.push((*line).to_owned());
            texts.push(line.replace('+', "%2B").replace('/', "%2F"));
            texts.push(line.replace('+', "-").replace('/', "_"));
        }
        self.forms.extend(texts.into_iter().map(String::into_bytes));
        self.forms.insert(number.to_vec());
    }

    /// Whether one of them is in some bytes.
    pub(crate) fn are_in(&self, bytes: &[u8]) -> bool {
        // A look at the first two bytes spares most comparisons.
        let mut starts = vec![false; 1 << 16];
        for form in &self.forms {
            starts[start(form)] = true;
        }
        let places = (0..bytes.len().saturating_sub(1)).filter(|at| starts[start(&bytes[*at..])]);
        places.into_iter().any(|at| self.forms.iter().any(|form| bytes[at..].starts_with(form)))
    }

    /// Asserts that none of them is on a host, but for tmpfs; in what its engine tells of containers; in its logs.
    pub(crate) fn are_not_on(&self, host: Host) {
        let inspected = host.sh("docker ps --all --quiet | xargs -r docker inspect; docker ps --all --no-trunc");
        assert!(inspected.contains("io.hactl.address"), "{}: there are no containers to look at", host.name);
        assert!(!self.are_in(inspected.as_bytes()), "{}: a key is in docker inspect", host.name);
        let archive = host.try_sh(&format!("tar -C / -cf - --ignore-failed-read {ON_DISK} 2>/dev/null")).stdout;
        for path in ["var/lib/hactl/", "var/log/", "var/lib/docker/containers/"] {
            assert!(archive.windows(path.len()).any(|window| window == path.as_bytes()), "{path} was not looked at");
        }
        assert!(!self.are_in(&archive), "{}: a key is on the disk", host.name);
    }

    /// Asserts that none of them is in a file of a directory here.
    pub(crate) fn are_not_below(&self, directory: &Path) {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                self.are_not_below(&path);
            } else if let Ok(content) = std::fs::read(&path) {
                assert!(!self.are_in(&content), "a key is in {}", path.display());
            }
        }
    }
}

fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// Notes the command lines of all processes, those on the hosts of the lab among them: they are containers here.
pub(crate) struct CommandLines {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<Vec<u8>>>,
}

impl CommandLines {
    pub(crate) fn watch() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
                let numbered =
                    |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit());
                for process in processes.filter(|path| numbered(path)) {
                    seen.extend(
                        ["cmdline", "environ"].iter().filter_map(|name| std::fs::read(process.join(name)).ok()),
                    );
                }
                // How often it looks: nothing waits for this.
                std::thread::sleep(Duration::from_millis(10));
            }
            seen
        });
        Self { stop, thread }
    }

    /// All that were seen, one behind the other.
    pub(crate) fn end(self) -> Vec<u8> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().into_iter().collect::<Vec<_>>().join(&b'\n')
    }
}
