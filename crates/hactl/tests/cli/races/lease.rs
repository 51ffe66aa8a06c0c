//! What becomes of the lease when its holder is killed or interrupted, and of its holder when the lease is lost.

use std::fs;

use crate::races::team::{KEYS, Team, told};

/// An apply that takes its time, in the middle of its steps.
const APPLY: &str = "apply --auto-approve --parallelism 1";
const OTHER: &str = "apply --auto-approve --var value=other --target secret.given";

#[test]
fn of_a_run_that_was_killed_it_is_waited_for_and_taken_over() {
    let team = Team::with_keys();
    let mut run = team.follow("alice", APPLY);
    run.wait_for("creation complete");
    run.signal("KILL");
    run.end();
    // Nobody else can know that it is dead.
    let refused = team.run("bob", OTHER);
    let text = told(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("the stack is leased to hactl apply by alice@"), "{text}");
    let text = team.succeed("bob", &format!("{OTHER} --lock-timeout 120s"));
    assert!(text.contains("Waiting for hactl apply by alice@"), "{text}");
    assert!(text.contains("Took over the lease of a run that did not end"), "{text}");
    assert_eq!(team.lease(), "");
    // What alice made is in her journal, and must not get lost to what bob pushed.
    let text = told(&team.run("alice", OTHER));
    assert!(text.contains("bob@example.com"), "{text}");
}

#[test]
fn of_a_run_that_was_killed_it_is_taken_back_at_once_where_it_ran() {
    let team = Team::with_keys();
    let mut run = team.follow("alice", APPLY);
    run.wait_for("creation complete");
    run.signal("KILL");
    run.end();
    assert_ne!(team.lease(), "");
    let text = team.succeed("alice", OTHER);
    assert!(text.contains("Took back the lease that an earlier run here left: hactl apply by alice@"), "{text}");
    assert_eq!(team.lease(), "");
}

#[test]
fn an_interrupt_releases_it_at_the_end_and_a_second_one_at_once() {
    let team = Team::with_keys();
    for interrupts in [1, 2] {
        let before = team.serial("alice");
        let mut run = team.follow("alice", APPLY);
        run.wait_for("creation complete");
        run.signal("INT");
        run.wait_for("Stopping");
        if interrupts == 2 {
            run.signal("INT");
        }
        assert_eq!(run.end(), Some(130), "{}", run.told);
        assert_eq!(team.lease(), "", "{}", run.told);
        if interrupts == 1 {
            assert_eq!(team.serial("alice"), before + 1);
            assert_eq!(team.git("alice", "rev-parse HEAD"), team.git("remote.git", "rev-parse main"));
        }
    }
}

#[test]
fn an_interrupt_at_the_question_releases_it() {
    let team = Team::new();
    let mut run = team.follow("alice", "apply --var value=other");
    run.wait_for("Only `yes` is taken as approval.");
    assert_ne!(team.lease(), "");
    run.signal("INT");
    assert_eq!(run.end(), Some(130), "{}", run.told);
    assert_eq!(team.lease(), "", "{}", run.told);
    team.succeed("bob", OTHER);
}

#[test]
fn one_that_is_lost_stops_the_apply_which_says_so_and_saves_what_it_did() {
    let team = Team::with_keys();
    let mut run = team.follow("alice", APPLY);
    run.wait_for("creation complete");
    team.git("remote.git", "update-ref -d refs/hactl/lease/shop");
    run.wait_for("Stopping because the lease of the stack was removed by somebody else.");
    run.wait_for("Stopping: finishing what runs");
    assert_eq!(run.end(), Some(1), "{}", run.told);
    assert!(run.told.contains("error: the lease of the stack was removed by somebody else"), "{}", run.told);
    let made = run.told.matches("creation complete").count();
    assert!((1..KEYS).contains(&made), "{}", run.told);
    assert_eq!(team.serial("alice"), 2);
    assert_eq!(team.git("alice", "status --porcelain --untracked-files=no"), "");
    team.succeed("alice", OTHER);
}

#[test]
fn a_remote_that_vanishes_in_mid_apply_loses_nothing() {
    let team = Team::with_keys();
    let mut run = team.follow("alice", APPLY);
    run.wait_for("creation complete");
    fs::rename(team.path("remote.git"), team.path("away.git")).unwrap();
    run.signal("INT");
    assert_eq!(run.end(), Some(1), "{}", run.told);
    assert!(run.told.contains("does not appear to be a git repository"), "{}", run.told);
    assert_eq!(team.serial("alice"), 2);
    let refused = team.run("alice", OTHER);
    assert_eq!(refused.status.code(), Some(1));
    assert!(told(&refused).contains("the remote `origin` does not answer"), "{}", told(&refused));
    fs::rename(team.path("away.git"), team.path("remote.git")).unwrap();
    let text = team.succeed("alice", OTHER);
    assert!(text.contains("Took back the lease that an earlier run here left"), "{text}");
    assert_eq!(team.git("alice", "rev-parse HEAD"), team.git("remote.git", "rev-parse main"));
}
