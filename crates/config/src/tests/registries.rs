//! Credentials for image registries.

use super::{SECTIONS, START, load_path, load_text, show};
use crate::{VariableInputs, load};

#[test]
fn a_password_is_known_only_to_who_asks_for_sensitive_values() {
    let text = format!(
        "{START}variables: {{token: {{default: hunter2, sensitive: true}}, open: hunter3}}\n\
         registries:\n  x-note: 1\n  a.example.com: {{username: ci, password: '${{var.token}}'}}\n  \
         docker.io: {{username: '${{var.open}}-user', password: hunter4}}\n  \
         b:5000: {{username: ci, password: 'x${{var.open}}'}}\n"
    );
    let config = load_text(&text).unwrap();
    let passwords = config.sensitive_values();
    let names: Vec<(&str, &str)> =
        passwords.iter().map(|(name, value)| (name.as_str(), value.expose().as_str().unwrap())).collect();
    assert_eq!(
        names,
        [
            ("registries.b:5000.password", "xhunter3"),
            ("registries.docker.io.password", "hunter4"),
            ("token", "hunter2")
        ]
    );
    assert_eq!(config.registries["docker.io"].login.username.as_str(), Some("hunter3-user"));
    assert!(config.registries.values().all(|registry| registry.login.password.is_sensitive()));
    let debug = format!("{:?}", config.registries);
    assert!(!debug.contains("hunter4") && !debug.contains("xhunter3"), "{debug}");
    let lines = config.sources.text(hactl_core::diagnostic::SourceId(0));
    assert!(!lines.contains("hunter4"), "{lines}");
    insta::assert_snapshot!(show(&config.sources, &config.warnings), @"
hactl.yaml:10:55: the password of the registry `docker.io` stands in plain text in the config (declare a variable with `sensitive: true` and write `password: ${var.NAME}`)
hactl.yaml:11:36: the password of the registry `b:5000` does not come from a sensitive variable (mark the variable with `sensitive: true`, so that its value is never shown or stored)
");
    let other = load_text(text.replace("hunter4", "hunter5")).unwrap();
    assert_eq!(other.digest(), config.digest());
    let other = load_text(text.replace("username: ci, password: '${var.token}'", "username: cd, password: x")).unwrap();
    assert_ne!(other.digest(), config.digest());
}

#[test]
fn mistakes() {
    let message = load_text(format!(
        "{START}registries:\n  https://a.example.com/v2: {{username: ci, password: hunter2}}\n  \
         index.docker.io: {{username: ci, password: hunter2}}\n  \
         registry: {{username: ci, password: hunter2}}\n  \
         b.example.com: {{username: ci, pasword: hunter2}}\n  \
         c.example.com: {{username: ci}}\n  \
         d.example.com: hunter2\n  \
         e.example.com: {{username: ci, password: 12345}}\n  \
         f.example.com: {{username: ci, password: '${{node.n1.os}}'}}\n"
    ))
    .unwrap_err();
    insta::assert_snapshot!(message, @r#"
hactl.yaml:7:3: "https://a.example.com/v2" is not the name of a registry (write `a.example.com`, as image names begin with it)
hactl.yaml:8:3: "index.docker.io" is not the name of a registry (write `docker.io`)
hactl.yaml:9:3: "registry" is not the name of a registry (image names begin with a registry only where it has a dot or a port, as in `registry:5000`; Docker Hub is `docker.io`)
hactl.yaml:10:33: unknown key `pasword` (did you mean `password`?)
hactl.yaml:11:3: `password` is missing (add `password:` with text)
hactl.yaml:12:18: this is text, expected a map
hactl.yaml:13:43: `password` is a number, expected text (put it in quotes)
hactl.yaml:14:46: `node` cannot be used here (only variables (`var.…`) and functions can)
"#);
}

#[test]
fn no_message_shows_a_password() {
    for text in [
        "registries:\n  a.example.com: {username: ci, password: hunter2, extra: hunter2}\n",
        "registries: {a.example.com: hunter2}\n",
        "registries: [hunter2]\n",
        "registries:\n  a.example.com: {password: hunter2: x}\n",
        "registries:\n  a.example.com: {password: !hunter2 x}\n",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hactl.yaml");
        std::fs::write(&path, format!("{START}{text}")).unwrap();
        let failure = load(&path, SECTIONS, &VariableInputs::default()).unwrap_err();
        let mut shown = show(&failure.sources, &failure.diagnostics);
        for label in failure.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
            let (line, _) = failure.sources.position(label.span);
            shown.extend(failure.sources.text(label.span.source).lines().nth(line - 1));
        }
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn of_an_rke_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rancher-cluster.yml");
    let load = |registries: &str| {
        std::fs::write(&path, format!("nodes:\n  - {{address: 1.2.3.4, role: etcd}}\n{registries}")).unwrap();
        load_path(&path, &VariableInputs::default())
    };
    let config = load(
        "private_registries:\n  - {url: a.example.com, user: ci, password: hunter2, is_default: true}\n  \
         - {user: hub, password: hunter3}\n  - {url: b.example.com}\n",
    )
    .unwrap();
    let users = config.registries.values().map(|registry| (&*registry.name, registry.login.username.as_str()));
    assert_eq!(users.collect::<Vec<_>>(), [("a.example.com", Some("ci")), ("docker.io", Some("hub"))]);
    assert!(!config.sources.text(hactl_core::diagnostic::SourceId(0)).contains("hunter"));
    insta::assert_snapshot!(show(&config.sources, &config.warnings), @"rancher-cluster.yml:4:55: `is_default` of a registry is not acted on yet");
    let mistakes =
        load("private_registries:\n  - {url: '<URL>', user: x, password: hunter2}\n  - {url: https://a.b}\n");
    insta::assert_snapshot!(mistakes.unwrap_err(), @r#"
rancher-cluster.yml:4:11: `url` still holds the placeholder `<URL>` (put in the real value)
rancher-cluster.yml:5:11: "https://a.b" is not the name of a registry (write `a.b`, as image names begin with it)
"#);
    insta::assert_snapshot!(load("private_registries: {url: a.example.com}\n").unwrap_err(), @"rancher-cluster.yml:3:1: `private_registries` is a map, expected a list");
}
