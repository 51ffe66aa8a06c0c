//! Kubeconfigs that cannot be used, and where they are looked for.

use std::fs;
use std::path::Path;

use hactl_core::cluster::ClusterConnection;
use secrecy::ExposeSecret;

use super::server::kubeconfig;
use crate::server::kubeconfig::{Access, Environment, read};

fn named(name: &str, context: Option<&str>) -> ClusterConnection {
    ClusterConnection { kubeconfig: Some(name.to_owned()), context: context.map(str::to_owned), via: None }
}

fn refused(result: Result<Access, String>, directory: &Path) -> String {
    let text = result.err().unwrap_or_else(|| "(it can be used)".to_owned());
    text.replace(directory.to_str().unwrap(), "DIRECTORY")
}

#[test]
fn every_wrong_kubeconfig_says_what_to_do_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let one = kubeconfig("https://10.0.0.1:6443", "{token: hunter2}");
    let wrong = [
        ("no-yaml", "users: [{name: one, user: {token: \"hunter2\n".to_owned()),
        ("a-list", "- hunter2".to_owned()),
        ("empty", String::new()),
        ("no-current", one.replace("current-context: one", "")),
        ("no-cluster", one.replace("{name: one, cluster:", "{name: two, cluster:")),
        ("no-user", one.replace("{name: one, user: {token", "{name: two, user: {token")),
        ("no-server", one.replace("server: \"https://10.0.0.1:6443\"", "")),
        ("no-url", one.replace("10.0.0.1:6443", "a b")),
        ("token-of-two-lines", one.replace("hunter2", "\"hunter2\\nhunter3\"")),
        ("no-token-file", one.replace("token: hunter2", "tokenFile: nowhere")),
        ("no-authority", one.replace("{server", "{certificate-authority: ca.crt, server")),
        ("no-base64", one.replace("{server", "{certificate-authority-data: \"hunter2-\", server")),
        ("no-certificate", one.replace("{server", "{certificate-authority-data: \"aHVudGVyMg==\", server")),
    ];
    let mut told = Vec::new();
    for (name, text) in wrong {
        fs::write(directory.path().join(name), text).unwrap();
        let result = read(&named(name, None), directory.path(), &Environment::default());
        told.push(refused(result, directory.path()));
    }
    fs::write(directory.path().join("good"), one).unwrap();
    let result = read(&named("good", Some("prod")), directory.path(), &Environment::default());
    told.push(refused(result, directory.path()));
    told.push(refused(read(&named("absent", None), directory.path(), &Environment::default()), directory.path()));
    told.push(refused(read(&named("~/x", None), directory.path(), &Environment::default()), directory.path()));
    let none = read(&ClusterConnection::default(), directory.path(), &Environment::default());
    told.push(refused(none, directory.path()));
    assert!(!told.concat().contains("hunter"), "{told:#?}");
    insta::assert_snapshot!(told.join("\n"), @"
    the kubeconfig no-yaml: not a kubeconfig: wrong in line 1, column 35
    the kubeconfig a-list: not a kubeconfig: wrong in line 1, column 1
    the kubeconfig empty has no current context; choose one with `kubernetes.context` (it has none at all)
    the kubeconfig no-current has no current context; choose one with `kubernetes.context` (it has one)
    the kubeconfig no-cluster has no cluster one, which its context one names
    the kubeconfig no-user has no user one, which its context one names
    the kubeconfig no-server: its cluster has no `server`
    the kubeconfig no-url: the `server` of its cluster is not a URL: invalid uri character
    the kubeconfig token-of-two-lines has a user one whose token is not one: it is empty or has characters that no token has
    the kubeconfig no-token-file has a user one whose token cannot be read: DIRECTORY/nowhere: No such file or directory (os error 2)
    the kubeconfig no-authority: its `certificate-authority`, DIRECTORY/ca.crt, cannot be read: No such file or directory (os error 2)
    the kubeconfig no-base64: its `certificate-authority-data` is not base64
    the kubeconfig no-certificate: its `certificate-authority` holds no certificate in PEM
    the kubeconfig good has no context prod (it has one)
    the kubeconfig absent is not there (DIRECTORY/absent); check `kubernetes.kubeconfig`
    the kubeconfig ~/x: HOME is not set
    there is no kubeconfig: name one in `kubernetes.kubeconfig` or in KUBECONFIG, or put it at ~/.kube/config
    ");
}

#[test]
fn kubeconfigs_are_found_as_kubectl_does() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    fs::create_dir(place.join(".kube")).unwrap();
    let write = |name: &str, server: &str| fs::write(place.join(name), kubeconfig(server, "{}")).unwrap();
    write("one", "https://one:6443");
    write(".kube/config", "10.0.0.2:6443");
    let home = Environment { home: Some(place.to_owned()), ..Environment::default() };
    let at_home = read(&ClusterConnection::default(), place, &home).unwrap();
    assert_eq!(at_home.names.server, "https://10.0.0.2:6443");
    assert_eq!(at_home.names.source, "the kubeconfig ~/.kube/config");
    assert_eq!(read(&named("~/one", None), "/".as_ref(), &home).unwrap().names.server, "https://one:6443");
    let second =
        kubeconfig("https://two:6443", "{}").replace("name: one", "name: two").replace("cluster: one", "cluster: two");
    fs::write(place.join("two"), second).unwrap();
    let both = std::env::join_paths(["absent", "one", "two"].map(|name| place.join(name))).unwrap();
    let both = Environment { kubeconfig: Some(both), ..home };
    let of = |context: &str| ClusterConnection { context: Some(context.to_owned()), ..ClusterConnection::default() };
    assert_eq!(read(&ClusterConnection::default(), place, &both).unwrap().names.server, "https://one:6443");
    assert_eq!(read(&of("two"), place, &both).unwrap().names.server, "https://two:6443");
    let none = Environment { kubeconfig: Some("/nowhere/a:/nowhere/b".into()), ..Environment::default() };
    let error = read(&ClusterConnection::default(), place, &none).err();
    assert_eq!(error.as_deref(), Some("none of the files that KUBECONFIG names is there: /nowhere/a:/nowhere/b"));
}

#[test]
fn the_line_end_of_a_token_file_is_no_part_of_the_token() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("token"), "abc\n").unwrap();
    fs::write(directory.path().join("config"), kubeconfig("https://one", "{tokenFile: token}")).unwrap();
    let access = read(&named("config", None), directory.path(), &Environment::default()).unwrap();
    assert_eq!(access.config.auth_info.token.unwrap().expose_secret(), "abc");
}
