//! No value of a secret is readable in anything that hactl leaves or shows, whatever is done and whatever goes wrong.

mod place;
mod sampler;
mod scanner;
mod stack;

use place::{Log, Place, text};

/// The entries of what hactl makes.
const MADE: [(&str, &[&str]); 5] = [
    ("made", &["value"]),
    ("number", &["value"]),
    ("login", &["publicKey", "privateKey"]),
    ("ca", &["certificate", "privateKey", "chain"]),
    ("tls", &["certificate", "privateKey", "chain"]),
];

#[test]
fn no_value_is_left_anywhere_while_the_log_goes_to_standard_error() {
    assert_no_leaks(Log::Stderr);
}

#[test]
fn no_value_is_left_anywhere_while_the_log_goes_to_a_file_in_the_work_tree() {
    assert_no_leaks(Log::File);
}

fn assert_no_leaks(log: Log) {
    let mut place = Place::new(log);
    begin(&mut place);
    first_apply(&mut place);
    look(&mut place);
    drift(&mut place);
    faults(&mut place);
    changed_sources(&mut place);
    rotation(&mut place);
    if log == Log::Stderr {
        mistakes(&mut place);
    }
    addons(&mut place);
    broken_sources(&mut place);
    broken_objects(&mut place);
    broken_state(&mut place);
    let leaks = place.leaks();
    assert!(leaks.is_empty(), "{} leaks\n{leaks}", leaks.lines().count());
}

/// Writes the sources and the config.
fn begin(place: &mut Place) {
    place.change_sources();
    std::fs::create_dir(place.path("outside/guide")).unwrap();
    place.write("outside/guide/hactl.yaml", stack::GUIDE);
    place.expect(0, "apply --auto-approve -f ../outside/guide/hactl.yaml");
    for (entry, file) in [
        ("tls.chain", "tls.crt"),
        ("tls.privateKey", "tls.key"),
        ("ca.certificate", "ca.crt"),
        ("ca.privateKey", "other.key"),
    ] {
        place.expect(0, &format!("secret export {entry} --out ../outside/{file} -f ../outside/guide/hactl.yaml"));
        let value = std::fs::read_to_string(place.path("outside").join(file)).unwrap();
        place.hide(&format!("the imported {file}"), &value);
    }
    place.write("tree/hactl.yaml", stack::STACK);
    place.write("tree/page.tpl", stack::PAGE);
    let inline = serde_json::to_string(&place.value("inline")).unwrap();
    let field = serde_json::to_string(&place.value("field")).unwrap();
    place.write(
        "tree/inline.yaml",
        &format!(
            "hactl: 1\nsecrets: {{inline: {{data: {{plain: {{value: {inline}}}}}}}}}\n\
             manifests: {{inline: {{inline: {{apiVersion: v1, kind: Secret, metadata: {{name: inline}}, stringData: {{field: {field}}}}}}}}}\n"
        ),
    );
    std::fs::create_dir(place.path("tree/rke")).unwrap();
}

/// Learns what was made since it was last learned.
fn learn(place: &mut Place) {
    for (secret, entries) in MADE {
        place.export(secret, entries);
    }
}

fn first_apply(place: &mut Place) {
    for words in ["validate", "graph", "graph --instances", "plan", "plan --json", "plan --refresh=false"] {
        place.expect(0, words);
    }
    place.expect(2, "plan --detailed-exitcode --out saved.plan");
    place.expect(0, "show saved.plan");
    place.expect(0, "show --json saved.plan");
    place.expect(0, "sandbox fault refuse write_file --times 1");
    place.expect(1, "apply saved.plan");
    learn_what_is_there(place);
    place.expect(0, "apply --json --auto-approve");
    learn(place);
    place.look_at_hosts();
    place.expect(0, "plan --detailed-exitcode --json");
}

/// As [`learn`], where an apply did not come to its end.
fn learn_what_is_there(place: &mut Place) {
    let listed = text(&place.expect(0, "secret list --json"));
    for (secret, entries) in MADE {
        if listed.contains(&format!("\"{secret}\"")) {
            place.export(secret, entries);
        }
    }
}

fn look(place: &mut Place) {
    for words in [
        "show",
        "show --json",
        "state list",
        "output",
        "output --json",
        "output colour",
        "secret list",
        "secret list --json",
        "sandbox show",
    ] {
        place.expect(0, words);
    }
    for address in text(&place.expect(0, "state list")).lines().filter(|line| line.contains('.') && !line.contains(' '))
    {
        place.expect(0, &format!("state show {address}"));
    }
    for words in ["output token", "output --json all", "output --raw bundle"] {
        place.expect(1, words);
    }
    let token = place.variable("HACTL_VAR_token");
    assert_eq!(place.reveal("token"), token);
    assert!(place.reveal("bundle").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(place.reveal("all").starts_with('{'), "a map is JSON");
}

/// Somebody changes what is on hosts by hand.
fn drift(place: &mut Place) {
    for change in
        ["write /etc/scan/text by-hand", "chmod /etc/scan/page 0640", "remove-file /run/scan/keys", "stop app"]
    {
        place.expect(0, &format!("sandbox drift n1 {change}"));
    }
    for words in [
        "plan",
        "plan --json",
        "plan --refresh-only",
        "apply --refresh-only --auto-approve",
        "apply --auto-approve --json",
    ] {
        place.expect(0, words);
    }
    for change in [
        r#"patch-object Secret/scan/delivered {"data":{"env":"YQ==","more":"YQ=="}}"#,
        r#"patch-object Secret/scan/objects {"data":{"text":null}}"#,
        r#"patch-object Deployment/scan/app {"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"app","args":["a"]}]}}}}"#,
        "delete-object Secret/scan/app",
    ] {
        place.expect(0, &format!("sandbox drift kubernetes {change}"));
    }
    for words in ["plan", "plan --json", "apply --auto-approve", "plan --detailed-exitcode"] {
        place.expect(0, words);
    }
    place.expect(
        0,
        r#"sandbox drift kubernetes patch-object Secret/scan/delivered {"data":{"env":"Yg=="}} --manager helm"#,
    );
    place.change_sources();
    place.run("plan");
    place.run("apply --auto-approve --json");
    place.expect(0, "sandbox drift n2 replace-machine");
    place.run("plan");
    place.expect(0, "plan --replace-node n2 --json");
    place.expect(0, "apply --replace-node n2 --auto-approve");
}

/// Everything that can go wrong with hosts, while everything is made anew.
fn faults(place: &mut Place) {
    for fault in [
        "refuse write_file",
        "refuse create_container",
        "refuse start_container",
        "refuse remove_container",
        "connection-lost write_file",
        "connection-lost create_container",
        "container-exits app",
        "unhealthy app",
        "ignores-term app",
        "disk-full",
        "refuse dry_run",
        "refuse apply",
        "connection-lost apply",
        "unready Deployment/scan/app",
        "host-down --node kubernetes",
        "host-down --node kubernetes --skip 30",
        "crash before apply --times 1",
        "crash after apply --times 1",
        "crash after delete --times 1",
        "pull-fails",
        "registry-needs-login registry.example.com ops another-password",
        "host-down",
        "crash before write_file --times 1",
        "crash after create_container --times 1",
        "crash after --skip 7 --times 1",
    ] {
        place.change_sources();
        place.expect(0, &format!("sandbox fault {fault}"));
        for words in ["apply --auto-approve --replace container.app", "apply --auto-approve --json"] {
            place.run(words);
        }
        place.expect(0, "sandbox clear");
        place.expect(0, "apply --auto-approve");
    }
    let mut stopped_at_journal = false;
    for blocks in [1, 8, 16, 24, 32, 48] {
        place.change_sources();
        let output =
            place.run_on_a_full_disk("apply --auto-approve --replace secret.made --replace secret.tls", blocks);
        stopped_at_journal |= !output.status.success() && text(&output).contains("journal");
        place.run("plan --json");
        learn(place);
    }
    assert!(stopped_at_journal);
    place.expect(0, "apply --auto-approve");
    learn(place);
}

/// A saved plan is not for other values than it was made with.
fn changed_sources(place: &mut Place) {
    place.change_sources();
    place.expect(0, "plan --out changed.plan");
    place.expect(0, "show --json changed.plan");
    place.change_sources();
    place.expect(1, "apply changed.plan");
    place.expect(0, "plan --json --out changed.plan");
    place.expect(0, "apply --json changed.plan");
}

fn rotation(place: &mut Place) {
    place.expect(1, "secret rotate --auto-approve guide");
    place.expect(0, "secret rotate --auto-approve made number login tls");
    learn(place);
    place.expect(0, "sandbox fault refuse write_file --times 1");
    place.expect(1, "secret rotate --auto-approve ca");
    learn(place);
    place.expect(0, "apply --auto-approve --json");
    learn(place);
    place.expect(1, "secret rotate --auto-approve ca");
    place.expect(0, "secret rotate --auto-approve --json --end-overlap ca");
    learn(place);
    place.set("HACTL_SANDBOX_TIME", "2027-09-30T00:00:00Z");
    for words in ["plan", "plan --json", "secret list", "apply --auto-approve"] {
        place.expect(0, words);
    }
    learn(place);
    place.expect(0, "state reencrypt");
    place.expect(0, "plan");
    place.look_at_hosts();
}

/// Secrets in the wrong places, each in a stack of its own.
fn mistakes(place: &mut Place) {
    let mut taken = Vec::new();
    for (number, mistake) in stack::mistakes().into_iter().enumerate() {
        let file = format!("mistakes/{number}.yaml");
        place.write(&format!("tree/{file}"), &stack::with_mistake(number, &mistake));
        // In turn, because what is told to people and what is told to programs is written by different code.
        let json = if number % 2 == 0 { " --json" } else { "" };
        let output = place.run_apart(&format!("apply --auto-approve{json} -f {file}"));
        if output.status.success() {
            taken.push(mistake);
        }
    }
    assert!(taken.is_empty(), "these are taken: {taken:#?}");
    for words in ["validate", "plan", "plan --json"] {
        place.run(&format!("{words} -f mistakes"));
    }
}

/// An RKE cluster file with a secret in it.
fn addons(place: &mut Place) {
    for words in ["plan --json", "plan --out addons.plan", "apply addons.plan", "apply --auto-approve --json"] {
        let value = serde_json::to_string(&place.value("addon")).unwrap();
        if !words.ends_with(".plan") || words.starts_with("plan") {
            place.write("tree/rke/inline.yaml", &stack::cluster_file(&value));
        }
        place.expect(0, &format!("{words} -f rke/inline.yaml"));
    }
    for words in
        ["show --json", "state list", "state show manifest.addons[\"Secret/default/addon\"]", "destroy --auto-approve"]
    {
        place.expect(0, &format!("{words} -f rke/inline.yaml"));
    }
}

/// Files of objects with mistakes in them.
fn broken_objects(place: &mut Place) {
    let path = place.path("outside/objects.yaml");
    let before = std::fs::read(&path).unwrap();
    for broken in stack::BROKEN_OBJECTS {
        let heart = place.value("object").replace(|c: char| !c.is_ascii_alphanumeric(), "");
        place.write("outside/objects.yaml", &broken.replace("HEART", &heart));
        for words in ["validate", "plan --json", "apply --auto-approve"] {
            place.run(words);
        }
    }
    std::fs::write(&path, before).unwrap();
    place.expect(0, "apply --auto-approve");
}

/// Sources that cannot be read, or bring what is no secret.
fn broken_sources(place: &mut Place) {
    let heart = place.value("broken").replace(['"', '\\'], "");
    for variables in
        ["password: [", "pasword: X", "password: {a: X}", "- X", "password: X\npassword: X", "\"X\"", "password: X: X"]
    {
        place.write("outside/variables.yaml", &variables.replace('X', &heart));
        for words in ["plan", "validate", "output"] {
            place.run(words);
        }
    }
    place.change_sources();
    let long = format!("{heart}\n").repeat(40_000);
    let no_text = [heart.as_bytes(), b"\xff\xfe"].concat();
    for bytes in [long.as_bytes(), &no_text, b""] {
        for source in ["file", "exec", "sops", "tls.key", "tls.crt"] {
            let path = place.path("outside").join(source);
            let before = std::fs::read(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            place.expect(1, "apply --auto-approve");
            std::fs::write(&path, before).unwrap();
        }
    }
    let right = place.path("outside/tls.key");
    let before = std::fs::read(&right).unwrap();
    std::fs::copy(place.path("outside/other.key"), &right).unwrap();
    place.expect(1, "plan --json");
    std::fs::write(&right, before).unwrap();
    place.fail_commands();
    place.expect(1, "plan");
    place.expect(1, "apply --auto-approve --json");
    place.mend_commands();
    place.expect(0, "apply --auto-approve");
}

/// A state that somebody altered, and an identity that is not there or not the right one.
fn broken_state(place: &mut Place) {
    let runs = [
        "plan",
        "plan --json",
        "apply --auto-approve",
        "secret export made.value --out ../outside/none",
        "show --json",
    ];
    let identity = place.path("tree/.hactl/sandbox/scan/identity.txt");
    let right = std::fs::read(&identity).unwrap();
    place.change_sources();
    for wrong in [None, Some("outside/guide/.hactl/sandbox/guide/identity.txt"), Some("outside/tls.key")] {
        std::fs::remove_file(&identity).unwrap();
        if let Some(wrong) = wrong {
            std::fs::copy(place.path(wrong), &identity).unwrap();
        }
        for words in runs {
            place.run(words);
        }
        std::fs::write(&identity, &right).unwrap();
    }
    let state = place.path("tree/.hactl/sandbox/scan/state/scan.json");
    let before = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, before.replacen("AGE ENCRYPTED", "AGE ALTERED", 3)).unwrap();
    for words in runs {
        place.run(words);
    }
    std::fs::write(&state, before).unwrap();
    place.expect(0, "apply --auto-approve");
    place.expect(0, "destroy --auto-approve --json");
}
