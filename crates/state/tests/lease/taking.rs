//! Taking the lease: free, held, over, or left by a run that died.

use std::fs;
use std::time::Duration;

use hactl_state::git::LeaseError;

use crate::clones::{Clones, LONG, NAMES, REFERENCE, lease_of_eve};

#[test]
fn one_clone_holds_it_and_the_other_is_told_who() {
    let clones = Clones::new();
    let took = clones.take("alice", "a1").unwrap();
    assert!(took.told.is_empty());
    let lease = clones.lease().unwrap();
    assert_eq!((lease.id.as_str(), lease.holder.operation.as_str(), lease.heartbeats), ("a1", "apply", 0));
    assert_eq!(lease.holder.pid, std::process::id());
    let Err(LeaseError::Held { holder: Some(holder), .. }) = clones.take("bob", "b1") else { panic!() };
    assert_eq!(*holder, lease);
    took.guard.release().unwrap();
    assert_eq!(clones.lease(), None);
    drop(clones.take("bob", "b2").unwrap().guard);
    assert_eq!(clones.commit(), "", "dropping it releases it");
}

#[test]
fn plain_git_shows_it_and_the_clone_has_nothing_new() {
    let clones = Clones::new();
    let before = clones.git("alice", &["for-each-ref"]);
    let _took = clones.take("alice", "a1").unwrap();
    let shown = clones.git("remote.git", &["log", "-1", "--format=%s%n%an%n%b", REFERENCE]);
    assert!(shown.starts_with("hactl apply by "), "{shown}");
    assert!(shown.contains("\"id\": \"a1\""), "{shown}");
    assert_eq!(clones.git("alice", &["for-each-ref"]), before);
    assert_eq!(clones.git("alice", &["status", "--porcelain", "--untracked-files=no"]), "");
    assert!(!clones.path("alice").join(".git/FETCH_HEAD").exists());
}

#[test]
fn of_many_at_once_one_gets_it() {
    let clones = Clones::new();
    for round in 0..5 {
        let took: Vec<_> = std::thread::scope(|scope| {
            let take = |name: &'static str| clones.take(name, &format!("{name}{round}"));
            let runs: Vec<_> = NAMES.iter().map(|name| scope.spawn(move || take(name))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(took.iter().filter(|took| took.is_ok()).count(), 1);
    }
}

#[test]
fn who_waits_gets_it_when_it_is_released() {
    let clones = Clones::new();
    let took = clones.take("alice", "a1").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| clones.take_for("bob", "b1", LONG, Duration::from_secs(60)).unwrap());
        took.guard.release().unwrap();
        let took = waiting.join().unwrap();
        assert!(took.told.is_empty() || took.told == ["waiting for a1"], "{:?}", took.told);
    });
}

#[test]
fn one_that_is_over_is_taken_over_and_said_so() {
    let clones = Clones::new();
    clones.plant(&lease_of_eve("2020-01-01T00:00:00Z", "2020-01-01T00:05:00Z"));
    let took = clones.take("alice", "a1").unwrap();
    assert_eq!(took.told, ["took over e5e"]);
    assert_eq!(clones.lease().unwrap().id, "a1");
}

#[test]
fn one_that_does_not_move_for_its_duration_is_taken_over_whatever_the_clocks_say() {
    let clones = Clones::new();
    clones.plant(&lease_of_eve("2090-01-01T00:00:00Z", "2090-01-01T00:00:00.5Z"));
    let took = clones.take_for("alice", "a1", LONG, Duration::from_secs(60)).unwrap();
    assert_eq!(took.told, ["waiting for e5e", "took over e5e"]);
}

#[test]
fn one_that_a_dead_run_of_this_checkout_left_is_taken_back_at_once() {
    let clones = Clones::new();
    let took = clones.take("alice", "a1").unwrap();
    let note = fs::read(clones.note("alice")).unwrap();
    let lease = clones.lease().unwrap();
    took.guard.release().unwrap();
    // As a kill leaves it.
    fs::write(clones.note("alice"), note).unwrap();
    clones.plant(&lease);
    assert!(matches!(clones.take("bob", "b1"), Err(LeaseError::Held { .. })));
    let took = clones.take("alice", "a2").unwrap();
    assert_eq!(took.told, ["took back a1"]);
    took.guard.release().unwrap();
    assert!(!clones.note("alice").exists());
}

#[test]
fn a_run_that_does_not_get_it_forgets_none_of_those_it_took_before() {
    let clones = Clones::new();
    clones.plant(&lease_of_eve("2090-01-01T00:00:00Z", "2090-01-01T01:00:00Z"));
    fs::write(clones.note("alice"), "a1\n").unwrap();
    assert!(matches!(clones.take("alice", "a2"), Err(LeaseError::Held { .. })));
    assert!(fs::read_to_string(clones.note("alice")).unwrap().starts_with("a1\n"));
}

#[test]
fn a_remote_that_takes_only_fast_forwards_is_fine() {
    let clones = Clones::new();
    clones.git("remote.git", &["config", "receive.denyNonFastForwards", "true"]);
    clones.plant(&lease_of_eve("2020-01-01T00:00:00Z", "2020-01-01T00:05:00Z"));
    let took = clones.take("alice", "a1").unwrap();
    assert_eq!(clones.lease().unwrap().id, "a1");
    took.guard.release().unwrap();
}

#[test]
fn names_that_git_would_refuse_have_a_ref_too() {
    let clones = Clones::new();
    for stack in ["a..b", "web.lock", "web.", "v1.2"] {
        let leases = hactl_state::git::Leases::new(&clones.path("alice"), "origin", stack, &clones.note("alice"));
        let terms = hactl_state::git::Terms { id: "a1", operation: "apply", duration: LONG, wait: Duration::ZERO };
        leases.take(terms, &mut |_| {}, |_| {}).unwrap().release().unwrap();
    }
}
