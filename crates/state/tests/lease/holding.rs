//! Holding the lease: heartbeats, release, removal.

use std::time::Duration;

use crate::clones::{Clones, lease_of_eve};

#[test]
fn it_is_renewed_while_it_is_held() {
    let clones = Clones::new();
    let took = clones.take_for("alice", "a1", Duration::from_secs(6), Duration::ZERO).unwrap();
    let first = clones.lease().unwrap();
    let later = std::iter::repeat_with(|| clones.lease().unwrap()).find(|lease| lease.heartbeats >= 2).unwrap();
    assert_eq!((&later.id, &later.holder), (&first.id, &first.holder));
    assert!(later.expires > first.expires);
    assert!(took.guard.loss().is_none());
    took.guard.release().unwrap();
    assert_eq!(clones.commit(), "");
}

#[test]
fn whoever_ends_the_process_can_release_it() {
    let clones = Clones::new();
    let took = clones.take("alice", "a1").unwrap();
    took.guard.held().release(Duration::from_secs(30)).unwrap();
    assert_eq!(clones.commit(), "");
    let other = clones.take("bob", "b1").unwrap();
    drop(took.guard);
    assert_eq!(clones.lease().unwrap().id, "b1", "it is released once");
    drop(other);
}

#[test]
fn a_panic_releases_it() {
    let clones = Clones::new();
    let took = clones.take("alice", "a1").unwrap();
    let panicked = std::thread::scope(|scope| {
        let run = scope.spawn(move || {
            let _guard = took.guard;
            panic!("on purpose");
        });
        run.join().is_err()
    });
    assert!(panicked);
    assert_eq!(clones.commit(), "");
}

#[test]
fn exactly_what_was_seen_is_removed() {
    let clones = Clones::new();
    clones.plant(&lease_of_eve("2090-01-01T00:00:00Z", "2090-01-01T01:00:00Z"));
    let leases = clones.leases("bob");
    let seen = leases.see().unwrap().unwrap();
    clones.plant(&lease_of_eve("2090-01-01T00:30:00Z", "2090-01-01T01:30:00Z"));
    assert!(!leases.remove(&seen).unwrap(), "it was renewed since");
    let seen = leases.see().unwrap().unwrap();
    assert!(leases.remove(&seen).unwrap());
    assert_eq!(leases.see().unwrap(), None);
}
