//! What stands under `git:`, and every mistake in it at once.

use std::time::Duration;

use super::{START, load_text};
use crate::Git;

#[test]
fn what_is_left_out_has_its_default() {
    let expected = Git {
        commit: true,
        push: false,
        remote: "origin".to_owned(),
        branch: None,
        lease_duration: Duration::from_secs(300),
    };
    assert_eq!(load_text(START).unwrap().git, expected);
    assert_eq!(load_text(format!("{START}git: {{}}\n")).unwrap().git, expected);
}

#[test]
fn values_may_use_variables() {
    let text = format!(
        "{START}variables: {{line: main}}\ngit: {{push: true, remote: team, branch: 'states/${{var.line}}', leaseDuration: 1m30s}}\n"
    );
    let expected = Git {
        commit: true,
        push: true,
        remote: "team".to_owned(),
        branch: Some("states/main".to_owned()),
        lease_duration: Duration::from_secs(90),
    };
    assert_eq!(load_text(text).unwrap().git, expected);
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = "git:\n  commit: false\n  push: true\n  remote: https://example.com/x.git\n  branch: --all\n  leaseDuration: 5s\n";
    insta::assert_snapshot!(load_text(format!("{START}{text}")).unwrap_err(), @r#"
    hactl.yaml:8:9: `push` needs `commit` (take one of the two out: what is pushed are commits)
    hactl.yaml:9:11: "https://example.com/x.git" cannot be the name of a remote (write a name that `git remote` lists, not an address)
    hactl.yaml:10:11: "--all" cannot be the name of a branch (write it as `git branch` shows it, as in `main`)
    hactl.yaml:11:18: `leaseDuration` is shorter than 15 s (a run renews its lease three times in this time; give it `1m` or more)
    "#);
    let others: String = [
        "git: {leaseDuration: soon}",
        "git: {leaseDuration: 5, psuh: true}",
        "git: off",
        "git: {branch: ''}",
        "variables: {a: {default: x, sensitive: true}}\ngit: {branch: '${var.a}'}",
    ]
    .iter()
    .map(|text| load_text(format!("{START}{text}\n")).unwrap_err())
    .collect();
    insta::assert_snapshot!(others, @r#"
    hactl.yaml:6:22: `soon` is not a duration; write one like 500ms, 30s, 1m30s or 2h (leave it out for 5m)
    hactl.yaml:6:22: `leaseDuration` is a number, expected text (put it in quotes)
    hactl.yaml:6:25: unknown key `psuh` (did you mean `push`?)
    hactl.yaml:6:6: this is text, expected a map
    hactl.yaml:6:15: "" cannot be the name of a branch (write it as `git branch` shows it, as in `main`)
    hactl.yaml:7:15: a sensitive value cannot be used here (use plain text or a variable that is not sensitive)
    "#);
}
