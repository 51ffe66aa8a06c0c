//! What strikes at points.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

use super::Need;

static ARMED: OnceLock<Armed> = OnceLock::new();

/// What strikes, and how many points were passed at which it could have.
#[derive(Debug)]
struct Armed {
    strike: Strike,
    met: AtomicU64,
}

#[derive(Debug)]
enum Strike {
    Trace(Mutex<File>),
    Kill { at: u64 },
    Fail { errno: Errno, at: u64, on: bool },
}

/// What happens at a point.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Go,
    Kill,
    Fail(Errno),
}

pub(super) fn arm(text: &str) -> Result<(), String> {
    let strike = Strike::parse(text)?;
    ARMED.set(Armed { strike, met: AtomicU64::new(0) }).map_err(|_| "it was said before".to_owned())
}

pub(super) fn is_armed() -> bool {
    ARMED.get().is_some()
}

pub(super) fn meet(need: Need, name: &str, what: &dyn Display) -> io::Result<()> {
    let Some(armed) = ARMED.get() else { return Ok(()) };
    if let Strike::Trace(file) = &armed.strike {
        let need = match need {
            Need::Space => "space",
            Need::Disk => "disk",
            Need::Nothing => "port",
        };
        let line = format!("{need}\t{name}\t{what}\n");
        return file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
    match armed.verdict(need) {
        Verdict::Go => Ok(()),
        Verdict::Fail(errno) => Err(errno.into()),
        Verdict::Kill => {
            let _no_instruction_follows = kill_process(getpid(), Signal::KILL);
            std::process::abort()
        }
    }
}

impl Armed {
    fn verdict(&self, need: Need) -> Verdict {
        match self.strike {
            Strike::Trace(_) => Verdict::Go,
            Strike::Kill { at } if self.next() == at => Verdict::Kill,
            Strike::Kill { .. } => Verdict::Go,
            Strike::Fail { errno, at, on } if needs(need, errno) => match self.next() {
                number if number == at || (on && number > at) => Verdict::Fail(errno),
                _ => Verdict::Go,
            },
            Strike::Fail { .. } => Verdict::Go,
        }
    }

    /// The number of the point that is passed.
    fn next(&self) -> u64 {
        self.met.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Whether an effect can fail with an error.
fn needs(need: Need, errno: Errno) -> bool {
    match need {
        Need::Space => true,
        Need::Disk => errno != Errno::NOSPC,
        Need::Nothing => false,
    }
}

impl Strike {
    fn parse(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text:?} is none of trace:FILE, kill:N, enospc:N, enospc:N+, eio:N and eio:N+");
        let (name, rest) = text.split_once(':').ok_or_else(unknown)?;
        if name == "trace" {
            let file = open(Path::new(rest)).map_err(|error| format!("{rest} cannot be written: {error}"))?;
            return Ok(Self::Trace(Mutex::new(file)));
        }
        let (digits, on) = rest.strip_suffix('+').map_or((rest, false), |digits| (digits, true));
        let at = digits.parse().ok().filter(|at| *at > 0).ok_or_else(unknown)?;
        match (name, on) {
            ("kill", false) => Ok(Self::Kill { at }),
            ("enospc", on) => Ok(Self::Fail { errno: Errno::NOSPC, at, on }),
            ("eio", on) => Ok(Self::Fail { errno: Errno::IO, at, on }),
            _ => Err(unknown()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the trace is not an effect of hactl's")]
fn open(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of an operation that needs space, one that needs the disk and one that needs neither, in turn.
    fn verdicts(text: &str) -> Vec<Verdict> {
        let armed = Armed { strike: Strike::parse(text).unwrap(), met: AtomicU64::new(0) };
        let needs = [Need::Space, Need::Disk, Need::Nothing, Need::Space];
        needs.into_iter().map(|need| armed.verdict(need)).collect()
    }

    #[test]
    fn each_strikes_where_it_is_told_to() {
        use Verdict::{Fail, Go, Kill};
        let (full, broken) = (Errno::NOSPC, Errno::IO);
        assert_eq!(verdicts("kill:3"), [Go, Go, Kill, Go]);
        assert_eq!(verdicts("enospc:1"), [Fail(full), Go, Go, Go]);
        assert_eq!(verdicts("enospc:2"), [Go, Go, Go, Fail(full)]);
        assert_eq!(verdicts("enospc:1+"), [Fail(full), Go, Go, Fail(full)]);
        assert_eq!(verdicts("eio:2"), [Go, Fail(broken), Go, Go]);
        assert_eq!(verdicts("eio:2+"), [Go, Fail(broken), Go, Fail(broken)]);
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for text in ["", "kill", "kill:", "kill:0", "kill:one", "kill:1+", "enospc:-1", "eio:++", "explode:1"] {
            let refused = Strike::parse(text).unwrap_err();
            assert!(
                refused.ends_with("is none of trace:FILE, kill:N, enospc:N, enospc:N+, eio:N and eio:N+"),
                "{refused}"
            );
        }
        assert!(Strike::parse("trace:/nowhere/at/all").unwrap_err().starts_with("/nowhere/at/all cannot be written: "));
    }
}
