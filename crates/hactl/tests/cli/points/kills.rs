//! A run is killed at every point in turn, and the next one comes to what it would have come to.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::crash::similar;
use crate::points::look::look;
use crate::points::place::{History, Place, in_parallel, was_killed};
use crate::points::stack::{FIRST, SECOND};

#[test]
fn a_kill_at_any_point_of_a_create_loses_nothing() {
    let history = History { name: "create", before: None, config: FIRST, command: "apply" };
    let (points, changes) = kill_everywhere(&history);
    assert!(points > 350 && changes >= 40, "{points} points, {changes} changes");
}

#[test]
fn a_kill_at_any_point_of_a_change_loses_nothing() {
    let history = History { name: "change", before: Some(FIRST), config: SECOND, command: "apply" };
    let (points, changes) = kill_everywhere(&history);
    assert!(points > 350 && changes >= 40, "{points} points, {changes} changes");
}

#[test]
fn a_kill_at_any_point_of_a_destroy_loses_nothing() {
    let history = History { name: "destroy", before: Some(SECOND), config: SECOND, command: "destroy" };
    let (points, changes) = kill_everywhere(&history);
    assert!(points > 250 && changes >= 40, "{points} points, {changes} changes");
}

/// Kills the run of a history at every point, each in a place of its own. Returns how many points there are, and how
/// many resources the run changes, in at least one step each.
///
/// Between two points of which the first is not followed by a change of the disk nothing happens: what a kill leaves at both
/// is the same, and what becomes of it is tried once.
#[expect(clippy::print_stdout, reason = "how many points there are is a figure to be told")]
fn kill_everywhere(history: &History) -> (usize, usize) {
    let start = Place::before(history);
    let undisturbed = start.copy();
    let (trace, changes) = undisturbed.trace(history.command);
    let wanted = look(&undisturbed);
    let tried = AtomicUsize::new(0);
    in_parallel(trace.len(), |number| {
        let place = start.copy();
        let point = &trace[number - 1];
        let killed = place.run(history.command, Some(&format!("kill:{number}")));
        assert!(was_killed(&killed), "{}: not killed at point {number}, {point}: {killed:?}", history.name);
        if number == 1 || changes_the_disk(&trace[number - 2]) {
            tried.fetch_add(1, Ordering::Relaxed);
            converges(&place, history, &wanted, &format!("{}: killed at point {number}, {point}", history.name));
        }
    });
    println!("{}: {} points, {} different things that a kill leaves", history.name, trace.len(), tried.into_inner());
    (trace.len(), changes)
}

fn changes_the_disk(point: &str) -> bool {
    !point.starts_with("port\t") && !point.contains("\tdisk.sync")
}

/// Runs it again: everything is as it would be without the kill, and then there is nothing to do.
pub(crate) fn converges(place: &Place, history: &History, wanted: &str, what: &str) {
    let again = place.run(history.command, None);
    assert!(again.status.success(), "{what}: then {again:?}");
    similar(&look(place), wanted, what);
    let before = place.files();
    let idle = place.run(history.command, None);
    let told = String::from_utf8_lossy(&idle.stdout);
    let nothing = match history.command {
        "destroy" => "Resources: 0 destroyed.",
        _ => "Resources: 0 added, 0 changed, 0 destroyed.",
    };
    assert!(idle.status.success() && told.contains(nothing), "{what}: it does not end: {idle:?}");
    assert!(place.files() == before, "{what}: doing nothing wrote something");
}
