//! Interrupts, kills, and two runs at one time.

use std::time::Duration;

use crate::process::Place;

const APPLY: &str = "apply --sandbox --auto-approve --parallelism 2";

fn slow(milliseconds: u32) -> Place {
    let place = Place::busy();
    place.succeed(&format!("sandbox fault latency {milliseconds}"));
    place
}

fn resources(place: &Place) -> usize {
    place.succeed("state list --sandbox").lines().count()
}

/// Applies what is left and looks whether all is as it should be.
fn goes_on(place: &Place) {
    place.succeed("sandbox clear");
    place.succeed("apply --sandbox --auto-approve");
    assert!(place.succeed("plan --sandbox").contains("No changes."));
    assert_eq!(resources(place), 24);
    let left: Vec<_> =
        std::fs::read_dir(place.sandbox().join("state")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name == ".busy.journal"), "{left:?}");
}

#[test]
fn an_interrupt_finishes_what_runs_and_saves_it() {
    for signal in ["INT", "TERM"] {
        let place = slow(40);
        let mut apply = place.start(APPLY);
        apply.wait_for("creation complete");
        apply.signal(signal);
        apply.wait_for("Stopping: finishing what runs, beginning nothing new. Interrupt again to stop at once.");
        let stopped = apply.told.len();
        assert_eq!(apply.end(), Some(130), "{}", apply.told);
        // One more batch may have begun before the signal was heard.
        let begun = apply.told[stopped..].matches("creating...").count();
        assert!(begun <= 2, "{}", apply.told);
        assert!(apply.told.contains("Interrupted."), "{}", apply.told);
        let done = apply.told.matches("creation complete").count();
        assert_eq!(resources(&place), done, "{}", apply.told);
        assert!((1..24).contains(&done));
        goes_on(&place);
    }
}

#[test]
fn a_second_interrupt_ends_it_at_once_and_loses_nothing() {
    let place = slow(400);
    let mut apply = place.start(APPLY);
    apply.wait_for("creating...");
    apply.signal("INT");
    apply.wait_for("Stopping");
    apply.signal("INT");
    assert_eq!(apply.end(), Some(130), "{}", apply.told);
    assert!(!apply.told.contains("complete"), "{}", apply.told);
    goes_on(&place);
}

#[test]
fn a_kill_at_any_instant_loses_nothing() {
    for round in 0..8 {
        let place = slow(4);
        place.start(APPLY).kill_after(Duration::from_millis(40 + round * 37));
        goes_on(&place);
        place.succeed("sandbox fault latency 4");
        let change = format!("{APPLY} --var text=two");
        place.start(&change).kill_after(Duration::from_millis(60 + round * 41));
        goes_on(&place);
    }
}

#[test]
fn of_two_applies_one_goes_on_and_the_other_names_it() {
    let place = slow(100);
    let mut first = place.start(APPLY);
    first.wait_for("creating...");
    let second = place.run(APPLY);
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("hactl apply by ops@") && told.contains(&format!("pid {}", first.id())), "{told}");
    assert!(told.contains("help: "), "{told}");
    // A plan would look at a fleet that is changing under its eyes.
    let plan = String::from_utf8(place.run("plan --sandbox").stderr).unwrap();
    assert!(plan.contains(&format!("pid {}", first.id())), "{plan}");
    // One that waits goes on from where the first one ends.
    let mut third = place.start(&format!("{APPLY} --lock-timeout 60s"));
    assert_eq!(first.end(), Some(0), "{}", first.told);
    assert_eq!(third.end(), Some(0), "{}", third.told);
    assert!(!third.told.contains("creating..."), "{}", third.told);
    goes_on(&place);
}
