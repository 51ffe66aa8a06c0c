//! The disk fails at every operation in turn: the run stops, says so, and the next one goes on from there.

use std::process::Output;

use crate::points::kills::converges;
use crate::points::look::look;
use crate::points::place::{History, Place, in_parallel};

/// One of each kind of file that a run writes, and of each kind of place that it acts on.
pub(crate) const SMALL: &str = r#"
hactl: 1
name: struck
nodes: {n1: {address: 10.0.0.1}}
kubernetes: {}
secrets:
  ca: {generate: {certificateAuthority: {commonName: Struck CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [www.example.com]}}}
files:
  ca: {nodes: all, path: /etc/web/ca.pem, content: "${secret.ca.certificate}"}
  tls: {nodes: all, path: /etc/web/tls.pem, content: "${secret.tls.chain}"}
containers:
  web: {nodes: all, image: "web:1", volumes: ["${file.tls.path}:/tls.pem:ro"], health: {tcp: {port: 80}, timeout: 3s}, ports: ["80:80"]}
manifests:
  settings: {inline: {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: default}, data: {a: "1"}}}
"#;

/// What becomes of it.
const OTHER: &str = r#"
hactl: 1
name: struck
nodes: {n1: {address: 10.0.0.1}}
kubernetes: {}
secrets:
  ca: {generate: {certificateAuthority: {commonName: Struck CA}}}
  tls: {generate: {certificate: {issuer: ca, dnsNames: [www.example.com, example.com]}}}
files:
  ca: {nodes: all, path: /etc/web/ca.pem, content: "${secret.ca.certificate}"}
  tls: {nodes: all, path: /etc/web/tls.pem, content: "${secret.tls.chain}"}
containers:
  web: {nodes: all, image: "web:2", volumes: ["${file.tls.path}:/tls.pem:ro"], health: {tcp: {port: 80}, timeout: 3s}, ports: ["80:80"]}
"#;

pub(crate) const CREATE: History = History { name: "create", before: None, config: SMALL, command: "apply" };
const CHANGE: History = History { name: "change", before: Some(SMALL), config: OTHER, command: "apply" };
const DESTROY: History = History { name: "destroy", before: Some(SMALL), config: SMALL, command: "destroy" };

#[test]
fn a_full_disk_at_any_operation_loses_nothing() {
    fail_everywhere(&["space"], |number| format!("enospc:{number}"), &FULL);
}

#[test]
fn a_disk_that_stays_full_loses_nothing() {
    fail_everywhere(&["space"], |number| format!("enospc:{number}+"), &FULL);
}

#[test]
fn a_broken_disk_at_any_operation_loses_nothing() {
    fail_everywhere(
        &["space", "disk"],
        |number| format!("eio:{number}"),
        &["input/output error", "see to the filesystem of"],
    );
}

/// What and what to do, of a disk that is full.
const FULL: [&str; 2] = ["no space left on device", "free space on the filesystem of"];

fn fail_everywhere(needs: &[&str], strike: impl Fn(usize) -> String + Sync, texts: &[&str]) {
    for history in [CREATE, CHANGE, DESTROY] {
        fail_in(&history, needs, &strike, texts);
    }
}

/// Lets each operation of a run that needs one of these fail, each in a place of its own; the message has these texts, and
/// names the place.
fn fail_in(history: &History, needs: &[&str], strike: &(impl Fn(usize) -> String + Sync), texts: &[&str]) {
    let start = Place::before(history);
    let undisturbed = start.copy();
    let (trace, _) = undisturbed.trace(history.command);
    let wanted = look(&undisturbed);
    let can_fail = |point: &&String| needs.iter().any(|need| point.starts_with(&format!("{need}\t")));
    let points: Vec<_> = trace.iter().filter(can_fail).collect();
    in_parallel(points.len(), |number| {
        let place = start.copy();
        let point = points[number - 1];
        let struck = place.run(history.command, Some(&strike(number)));
        let what = format!("{}: {} at {point}", history.name, strike(number));
        if struck.status.success() {
            // A host's trouble that passes is not ours: such steps are tried again.
            assert!(point.ends_with("fleet.log"), "{what}: nobody was told");
        } else {
            tells(&struck, &place, texts, &what);
        }
        converges(&place, history, &wanted, &what);
    });
    assert!(points.len() > 40, "{} points", points.len());
}

/// Checks that a run failed as it should: exit code 1, and a message of what, where and what to do.
pub(crate) fn tells(failed: &Output, place: &Place, texts: &[&str], what: &str) {
    let told = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{what}: {told}");
    assert!(!told.contains("panicked"), "{what}: {told}");
    let home = place.path().to_string_lossy();
    for text in texts.iter().copied().chain(["error: ", &home, "  help: "]) {
        assert!(told.contains(text), "{what}: {text:?} is not in\n{told}");
    }
}
