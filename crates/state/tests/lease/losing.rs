//! Losing the lease while it is held.

use std::fs;
use std::time::Duration;

use hactl_core::Diagnostic;
use hactl_state::git::Loss;

use crate::clones::{Clones, REFERENCE, lease_of_eve};

/// Long enough for the slowest of machines to renew it in a third.
const SHORT: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn one_that_somebody_took_over_is_lost_and_left_to_them() {
    let clones = Clones::new();
    let took = clones.take_for("alice", "a1", SHORT, Duration::ZERO).unwrap();
    let eve = lease_of_eve("2090-01-01T00:00:00Z", "2090-01-01T01:00:00Z");
    clones.plant(&eve);
    let loss = took.loss.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(&loss, Loss::Taken(Some(lease)) if *lease == eve), "{loss:?}");
    assert_eq!(
        loss.to_string(),
        "the lease of the stack was taken over by hactl apply by eve@elsewhere, pid 7, since 2027-01-31T12:00:00Z, \
         expires 2090-01-01T01:00:00Z"
    );
    assert!(took.guard.loss().is_some());
    took.guard.release().unwrap();
    assert_eq!(clones.lease(), Some(eve));
}

#[test]
fn one_that_was_removed_is_lost() {
    let clones = Clones::new();
    let took = clones.take_for("alice", "a1", SHORT, Duration::ZERO).unwrap();
    clones.git("remote.git", &["update-ref", "-d", REFERENCE]);
    let loss = took.loss.recv_timeout(PATIENCE).unwrap();
    assert_eq!(loss.to_string(), "the lease of the stack was removed by somebody else");
}

#[test]
fn one_that_cannot_be_renewed_is_lost_when_it_ends() {
    let clones = Clones::new();
    let took = clones.take_for("alice", "a1", SHORT / 3, Duration::ZERO).unwrap();
    fs::rename(clones.path("remote.git"), clones.path("away.git")).unwrap();
    let loss = took.loss.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(loss, Loss::NotRenewed { .. }), "{loss:?}");
    let told = Diagnostic::from(loss);
    assert!(told.summary.starts_with("the lease of the stack could not be renewed and ended at 2"), "{told:?}");
    assert!(told.detail.contains("does not appear to be a git repository"));
    // The note stays, so the next run here knows it for its own.
    assert!(took.guard.release().is_ok());
    fs::rename(clones.path("away.git"), clones.path("remote.git")).unwrap();
    assert_eq!(clones.take("alice", "a2").unwrap().told, ["took back a1"]);
}

#[test]
fn a_remote_that_is_away_for_a_moment_is_no_loss() {
    let clones = Clones::new();
    let took = clones.take_for("alice", "a1", SHORT, Duration::ZERO).unwrap();
    let before = clones.lease().unwrap().heartbeats;
    fs::rename(clones.path("remote.git"), clones.path("away.git")).unwrap();
    assert!(took.loss.recv_timeout(Duration::from_millis(2500)).is_err());
    fs::rename(clones.path("away.git"), clones.path("remote.git")).unwrap();
    std::iter::repeat_with(|| clones.lease().unwrap()).find(|lease| lease.heartbeats > before).unwrap();
    assert!(took.guard.loss().is_none());
}
