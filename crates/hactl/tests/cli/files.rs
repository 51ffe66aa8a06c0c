//! Files on the user's own machine: who may read them, what is in them, and how large a config may be.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::process::Place;

const SECRET: &str = "correct-horse-battery";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_hosts_hold_is_for_its_owner_only() {
    let place = Place::busy();
    place.succeed("apply --sandbox --auto-approve");
    place.succeed("plan --sandbox --out saved --var text=two");
    assert_eq!(mode(&place.path("saved")), 0o600);
    assert_eq!(mode(&place.path(".hactl")), 0o700);
    let fleet: Vec<_> = std::fs::read_dir(place.sandbox()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: Vec<_> = fleet.iter().filter(|path| path.is_file()).collect();
    assert!(!files.is_empty());
    for path in files {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_sensitive_value_is_in_no_file_but_the_fleet() {
    let place = Place::new(
        "hactl: 1
name: busy
variables: {password: {sensitive: true}}
nodes: {n1: {address: 10.0.0.1}}
files: {secret: {nodes: all, path: /etc/secret, content: \"${var.password}\"}}
containers: {web: {nodes: all, image: \"web:1\", env: {PASSWORD: \"${var.password}\"}}}
outputs: {url: {value: \"http://user:${var.password}@10.0.0.1/\", sensitive: true}}
",
    );
    let given = format!("--var password={SECRET}");
    let mut told = place.succeed(&format!("plan --sandbox --out saved {given}"));
    // Cut short, so that there is a journal to look into.
    place.succeed(&format!("sandbox fault refuse create_container --times 1 --node n1 {given}"));
    let failed = place.run(&format!("apply --sandbox --auto-approve {given}"));
    told += &String::from_utf8(failed.stderr).unwrap();
    let state = || std::fs::read_to_string(place.sandbox().join("state/busy.json")).unwrap();
    let mut kept = state();
    place.succeed(&format!("apply --sandbox --auto-approve {given}"));
    told += &place.succeed(&format!("plan --sandbox --json {given}"));
    told += &place.succeed(&format!("state show --sandbox container.web[\"n1\"] {given}"));
    told += &place.succeed(&format!("output --sandbox {given}"));
    kept += &state();
    kept += &std::fs::read_to_string(place.path("saved")).unwrap();
    assert!(!told.contains(SECRET) && !kept.contains(SECRET), "{told}\n{kept}");
    assert!(kept.contains("secret"));
}

#[test]
fn a_config_that_is_too_large_is_refused_at_once() {
    let mut config = "hactl: 1\nname: busy\nfiles:\n".to_owned();
    for number in 0.. {
        if config.len() > 50 << 20 {
            break;
        }
        writeln!(config, "  f{number}: {{nodes: all, path: /srv/f{number}, content: \"{:0>200}\"}}", number).unwrap();
    }
    let place = Place::new(&config);
    let start = Instant::now();
    let output = place.run("plan --sandbox");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("hactl.yaml") && told.contains("help: ") && told.contains("MiB"), "{told}");
    assert!(!place.path(".hactl").exists());
}

#[test]
fn nothing_panics_when_a_file_is_cut_at_any_byte() {
    let place = Place::busy();
    place.succeed("apply --sandbox --auto-approve");
    let path = place.sandbox().join("state/busy.json");
    let whole = std::fs::read(&path).unwrap();
    for part in 0..12 {
        std::fs::write(&path, &whole[..whole.len() * part / 12]).unwrap();
        let output = place.run("plan --sandbox");
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("busy.json") && told.contains("help: ") && !told.contains("panic"), "{told}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(place.succeed("plan --sandbox").contains("No changes."));
}

/// Where the user may do anything (root), there is nothing to see.
#[test]
fn what_may_not_be_read_or_written_is_told() {
    let place = Place::busy();
    let allow = |what: &str, mode| std::fs::set_permissions(place.path(what), PermissionsExt::from_mode(mode)).unwrap();
    allow("hactl.yaml", 0o000);
    if std::fs::read(place.path("hactl.yaml")).is_ok() {
        return;
    }
    let told = String::from_utf8(place.run("plan --sandbox").stderr).unwrap();
    assert!(told.contains("cannot read hactl.yaml") && told.contains("help: "), "{told}");
    allow("hactl.yaml", 0o600);
    allow(".", 0o500);
    let output = place.run("apply --sandbox --auto-approve");
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(".hactl") && told.contains("help: "), "{told}");
    allow(".", 0o700);
}
