//! Clones of one bare repository, and the plain git that looks at it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use hactl_state::git::{Lease, LeaseError, LeaseGuard, Leases, Loss, Taking, Terms};
use tempfile::TempDir;

/// The ref of the lease that these tests are about.
pub(crate) const REFERENCE: &str = "refs/hactl/lease/shop";
/// A lease that no test waits for.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Who has a clone.
pub(crate) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

pub(crate) struct Clones(TempDir);

/// A lease that was taken, and what was told meanwhile.
pub(crate) struct Took {
    pub(crate) guard: LeaseGuard,
    pub(crate) told: Vec<String>,
    /// Tells how it was lost.
    pub(crate) loss: Receiver<Loss>,
}

impl Clones {
    pub(crate) fn new() -> Self {
        let clones = Self(tempfile::tempdir().unwrap());
        clones.git("", &["init", "--quiet", "--bare", "remote.git"]);
        for name in NAMES {
            clones.git("", &["clone", "--quiet", "remote.git", name]);
            fs::create_dir(clones.path(name).join(".hactl")).unwrap();
        }
        clones
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs git in a directory; what it printed, also where it failed.
    pub(crate) fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.path(directory));
        for config in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
            command.env(config, "/dev/null");
        }
        let output = command.output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned()
    }

    pub(crate) fn leases(&self, name: &str) -> Leases {
        Leases::new(&self.path(name), "origin", "shop", &self.note(name))
    }

    pub(crate) fn note(&self, name: &str) -> PathBuf {
        self.path(name).join(".hactl/lease-shop")
    }

    pub(crate) fn take(&self, name: &str, id: &str) -> Result<Took, LeaseError> {
        self.take_for(name, id, LONG, Duration::ZERO)
    }

    pub(crate) fn take_for(
        &self,
        name: &str,
        id: &str,
        duration: Duration,
        wait: Duration,
    ) -> Result<Took, LeaseError> {
        let (sender, loss) = mpsc::channel();
        let mut told = Vec::new();
        let mut tell = |taking: Taking<'_>| {
            told.push(match taking {
                Taking::Waiting(lease) => format!("waiting for {}", lease.id),
                Taking::TookOver(lease) => format!("took over {}", lease.id),
                Taking::TookBack(lease) => format!("took back {}", lease.id),
            });
        };
        let terms = Terms { id, operation: "apply", duration, wait };
        let lost = move |loss: &Loss| {
            let _the_test_may_be_over = sender.send(loss.clone());
        };
        let guard = self.leases(name).take(terms, &mut tell, lost)?;
        Ok(Took { guard, told, loss })
    }

    /// The lease on the remote.
    pub(crate) fn lease(&self) -> Option<Lease> {
        self.leases("bob").see().unwrap().and_then(|seen| seen.lease)
    }

    /// The commit that the ref of the remote is at; empty where there is none.
    pub(crate) fn commit(&self) -> String {
        self.git("remote.git", &["for-each-ref", "--format=%(objectname)", REFERENCE])
    }

    /// Puts a lease on the remote that somebody who is not here took, with other times than it has.
    pub(crate) fn plant(&self, lease: &Lease) {
        let message = format!("a lease\n\n{}", serde_json::to_string(lease).unwrap());
        let tree = self.git("remote.git", &["hash-object", "-t", "tree", "-w", "/dev/null"]);
        let who = ["-c", "user.name=eve", "-c", "user.email=eve@example.com"];
        let commit = self.git("remote.git", &[&who[..], &["commit-tree", &tree, "-m", &message]].concat());
        self.git("remote.git", &["update-ref", REFERENCE, &commit]);
    }
}

/// A lease of somebody who is not here, renewed and ending at these times.
pub(crate) fn lease_of_eve(renewed: &str, expires: &str) -> Lease {
    serde_json::from_value(serde_json::json!({
        "id": "e5e", "operation": "apply", "user": "eve", "host": "elsewhere", "pid": 7,
        "since": "2027-01-31T12:00:00Z", "renewed": renewed, "expires": expires, "heartbeats": 3,
    }))
    .unwrap()
}
