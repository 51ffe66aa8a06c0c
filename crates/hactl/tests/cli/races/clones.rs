//! Two clones of one repository whose states are pushed: the lease lets one of them at a time in.

use crate::races::team::{Team, told};

/// Two applies at once, `rounds` times: exactly one goes on, and the other one says who that is.
fn race(rounds: u64, more: &str) -> u64 {
    let team = Team::new();
    let mut met = 0;
    for round in 0..rounds {
        for name in ["alice", "bob"] {
            team.git(name, "pull --quiet --rebase");
        }
        let runs = ["alice", "bob"].map(|name| {
            let words = format!("apply --auto-approve --var value={name}-{round} {more}");
            (name, team.start(name, &words))
        });
        let ended = runs.map(|(name, run)| (name, run.wait_with_output().unwrap()));
        let texts =
            ended.iter().map(|(name, output)| format!("{name}: {}", told(output))).collect::<Vec<_>>().join("\n");
        let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(|(_, output)| output.status.success());
        assert_eq!((won.len(), lost.len()), (1, 1), "round {round}: {texts}");
        let ((winner, _), (_, output)) = (&won[0], &lost[0]);
        let leased = format!("leased to hactl apply by {winner}@");
        let moved = format!("{winner}@example.com");
        let refusal = told(output);
        assert_eq!(output.status.code(), Some(1), "round {round}: {texts}");
        assert!(refusal.contains(&leased) || refusal.contains(&moved), "round {round}: {texts}");
        met +=
            u64::from(refusal.contains(&leased) || refusal.contains(&format!("Waiting for hactl apply by {winner}@")));
        assert_eq!(team.lease(), "", "round {round}: {texts}");
    }
    // Nothing was lost, and nothing merged.
    assert_eq!(team.git("remote.git", "rev-list --merges --count main"), "0");
    let serials = team.git(
        "remote.git",
        "log --reverse --format=%(trailers:key=Hactl-Serial,valueonly,separator=) main -- state/shop.json",
    );
    let wanted: Vec<String> = (1..=rounds + 1).map(|serial| serial.to_string()).collect();
    assert_eq!(serials.lines().collect::<Vec<_>>(), wanted);
    met
}

#[test]
fn of_two_clones_one_goes_on_and_the_other_names_it() {
    assert!(race(25, "") > 0, "they never met");
}

#[test]
fn of_two_clones_that_wait_the_second_one_finds_what_the_first_one_pushed() {
    assert!(race(25, "--lock-timeout 60s") > 0, "they never met");
}
