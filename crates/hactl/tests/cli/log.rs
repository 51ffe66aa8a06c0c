//! The log: what it tells, where it goes, and what is never in it.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use crate::process::Place;

const APPLY: &str = "apply --sandbox --auto-approve";
const SECRET: &str = "correct-horse-battery";

/// Runs a command with some of the log's variables.
fn run(place: &Place, words: &str, variables: &[(&str, &str)]) -> Output {
    place.command(words).envs(variables.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What a program reads, without the times in it.
fn without_times(stdout: &[u8]) -> Vec<String> {
    let cut = |line: &str| match (line.find("\"@timestamp\""), line.find("\"type\"")) {
        (Some(start), Some(end)) => line[..start].to_owned() + &line[end..],
        _ => line.to_owned(),
    };
    text(stdout).lines().map(cut).collect()
}

#[test]
fn it_tells_the_steps_beside_messages_and_leaves_the_data_as_it_is() {
    for words in [APPLY.to_owned(), format!("{APPLY} --json")] {
        let (quiet, logged) = (Place::busy(), Place::busy());
        let expected = run(&quiet, &words, &[]);
        let output = run(&logged, &words, &[("HACTL_LOG", "trace")]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(without_times(&output.stdout), without_times(&expected.stdout));
        let told = text(&output.stderr);
        for part in [
            "INFO hactl: hactl begins version=\"",
            "command=\"apply\" config=hactl.yaml world=\"sandbox\"",
            "INFO look{node=\"n2\"}: hactl_engine::refresh: host looked at resources=8 elapsed=",
            "INFO claim{node=\"n3\"}: hactl_engine::hosts: host claimed resources=8 serial=1 elapsed=",
            "TRACE hactl_state::journal: intent address=container.web[\"n1\"] operation=Create",
            "INFO step{address=container.web[\"n1\"] node=\"n1\" operation=Create}: hactl_engine::log: step done elapsed=",
            "INFO hactl_engine::apply: apply ends failed=0 skipped=0 interrupted=false",
            "INFO hactl_state::store: state written path=",
            "INFO hactl: hactl ends exit_code=0 elapsed=",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        let said = |output: &Output| text(&output.stderr).lines().filter(|line| !is_log(line)).count();
        assert_eq!(said(&output), said(&expected), "{told}");
    }
}

fn is_log(line: &str) -> bool {
    ["TRACE ", "DEBUG ", " INFO ", " WARN ", "ERROR "].iter().any(|level| line.contains(&format!("Z {level}")))
}

#[test]
fn without_a_filter_there_is_none() {
    for filter in ["", "off", "OFF"] {
        let place = Place::busy();
        let output = run(&place, APPLY, &[("HACTL_LOG", filter), ("HACTL_LOG_FILE", "log"), ("RUST_LOG", "trace")]);
        assert!(output.status.success() && !text(&output.stderr).lines().any(is_log), "{output:?}");
        assert!(!place.path("log").exists());
    }
}

#[test]
fn a_level_holds_for_the_part_that_it_names() {
    let place = Place::busy();
    let output = run(&place, APPLY, &[("HACTL_LOG", "warn,hactl_state=debug")]);
    let told = text(&output.stderr);
    let mut lines = told.lines().filter(|line| is_log(line)).peekable();
    assert!(lines.peek().is_some() && lines.all(|line| line.contains(" hactl_state::")), "{told}");
}

#[test]
fn a_wrong_filter_is_told_before_anything_is_done() {
    for (filter, part) in [
        ("inof", "HACTL_LOG is no filter: \"inof\" is neither a level nor a part of hactl that logs"),
        ("hactl_host=loud", "HACTL_LOG is no filter: \"hactl_host=loud\": "),
        ("info,hyper=trace", "\"hyper\" is neither a level nor a part"),
    ] {
        let place = Place::busy();
        let output = run(&place, APPLY, &[("HACTL_LOG", filter)]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(part) && told.contains("help: give a level"), "{told}");
        assert!(output.stdout.is_empty() && !place.path(".hactl").exists());
    }
}

#[test]
fn in_a_file_it_is_for_its_owner_only_and_grows() {
    let place = Place::busy();
    let log = [("HACTL_LOG", "info"), ("HACTL_LOG_FILE", "hactl.log")];
    let output = run(&place, APPLY, &log);
    assert!(output.status.success() && !text(&output.stderr).lines().any(is_log), "{output:?}");
    let path = place.path("hactl.log");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read_to_string(&path).unwrap();
    assert!(before.contains("step done") && before.lines().all(is_log), "{before}");
    run(&place, "plan --sandbox", &log);
    let after = std::fs::read_to_string(&path).unwrap();
    assert!(after.starts_with(&before) && after[before.len()..].contains("command=\"plan\""), "{after}");

    let output = run(&place, "plan --sandbox", &[("HACTL_LOG", "info"), ("HACTL_LOG_FILE", "missing/hactl.log")]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("the log missing/hactl.log cannot be written: ") && told.contains("help: "), "{told}");
}

#[test]
fn a_sensitive_value_is_in_none_of_it() {
    let place = Place::new(
        "hactl: 1
name: busy
variables: {password: {sensitive: true}}
nodes: {n1: {address: 10.0.0.1}}
registries: {registry.example.com: {username: ops, password: \"${var.password}\"}}
files: {secret: {nodes: all, path: /etc/secret, content: \"${var.password}\"}}
containers:
  web:
    nodes: all
    image: \"registry.example.com/web:1\"
    env: {PASSWORD: \"${var.password}\"}
outputs: {url: {value: \"http://user:${var.password}@10.0.0.1/\", sensitive: true}}
",
    );
    let variables = [("HACTL_LOG", "trace"), ("HACTL_VAR_password", SECRET)];
    let mut told = String::new();
    let mut take = |words: &str| {
        let output = run(&place, words, &variables);
        told += text(&output.stdout);
        told += text(&output.stderr);
        output.status.code()
    };
    assert_eq!(take("plan --sandbox --out saved"), Some(0));
    take("sandbox fault refuse create_container --times 1 --node n1");
    assert_eq!(take(APPLY), Some(1));
    assert_eq!(take(&format!("{APPLY} --json")), Some(0));
    take("sandbox drift n1 write /etc/secret other");
    assert_eq!(take("plan --sandbox"), Some(0));
    take("state show --sandbox container.web[\"n1\"]");
    assert_eq!(take("destroy --sandbox --auto-approve"), Some(0));
    let failed = "operation=Create}: hactl_engine::log: step failed";
    assert!(told.contains(failed) && !told.contains(SECRET), "{told}");
}
