//! RKE cluster files, the real ones among them.

use std::path::{Path, PathBuf};

use super::{load_path, show};
use crate::{Format, VariableInputs};

fn load(text: &str) -> Result<(crate::Config, String), String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rancher-cluster.yml");
    std::fs::write(&path, text).unwrap();
    let config = load_path(&path, &VariableInputs::default())?;
    let warnings = show(&config.sources, &config.warnings);
    Ok((config, warnings))
}

/// The templates that the guide links to; none where they are not there.
pub(super) fn templates() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/rke-templates");
    match std::fs::read_dir(&directory) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(_) => {
            eprintln!("skipped: {} is not there", directory.display());
            Vec::new()
        }
    }
}

/// A template with every placeholder filled in.
pub(super) fn filled(template: &str) -> String {
    let mut text = template.replace("<USER>", "root").replace("<PEM_FILE>", "~/.ssh/id");
    text = text.replace("<FQDN>", "demo.example.com").replace("<BASE64_CA>", "LS0t");
    for node in 1..=3 {
        text = text.replacen("<IP>", &format!("10.0.0.{node}"), 1);
    }
    text
}

#[test]
fn the_guides_templates_with_values() {
    for path in templates() {
        let template = std::fs::read_to_string(&path).unwrap();
        let text = filled(&template);
        let (config, warnings) = load(&text).unwrap();
        assert_eq!((config.name.as_str(), config.format), ("rancher-cluster", Format::Rke));
        assert_eq!(config.nodes.keys().collect::<Vec<_>>(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(config.nodes[0].roles, ["controlplane", "etcd", "worker"]);
        assert_eq!(config.nodes[0].connection.key_path.as_deref(), Some("~/.ssh/id"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(warnings, @"rancher-cluster.yml:15:1: `addons` is not acted on: there is no kubeconfig (name one with `--kubeconfig`, or put `kube_config_rancher-cluster.yml` beside the file, as RKE does)");
        }
    }
}

#[test]
fn the_guides_templates_as_they_are() {
    for path in templates() {
        let message = load_path(&path, &VariableInputs::default()).unwrap_err();
        let message: String =
            message.lines().filter(|line| !line.contains("`addons` still")).map(|line| format!("{line}\n")).collect();
        let message = message.replace(&*path.file_name().unwrap().to_string_lossy(), "FILE");
        insta::allow_duplicates! {
            insta::assert_snapshot!(message, @"
            FILE:2:14: `address` still holds the placeholder `<IP>` (put in the real value)
            FILE:3:11: `user` still holds the placeholder `<USER>` (put in the real value)
            FILE:5:19: `ssh_key_path` still holds the placeholder `<PEM_FILE>` (put in the real value)
            FILE:6:14: `address` still holds the placeholder `<IP>` (put in the real value)
            FILE:7:11: `user` still holds the placeholder `<USER>` (put in the real value)
            FILE:9:19: `ssh_key_path` still holds the placeholder `<PEM_FILE>` (put in the real value)
            FILE:10:14: `address` still holds the placeholder `<IP>` (put in the real value)
            FILE:11:11: `user` still holds the placeholder `<USER>` (put in the real value)
            FILE:13:19: `ssh_key_path` still holds the placeholder `<PEM_FILE>` (put in the real value)
            FILE:15:1: `addons` is not acted on: there is no kubeconfig (name one with `--kubeconfig`, or put `kube_config_FILE` beside the file, as RKE does)
            ");
        }
    }
}

#[test]
fn what_is_acted_on_and_what_is_not() {
    let (config, warnings) = load(
        "\
nodes:
  - {address: 1.2.3.4, hostname_override: one, user: root, port: '2222', role: etcd, labels: {app: a}, taints: []}
  - {address: 1.2.3.5, port: 22, role: [worker], ssh_agent_auth: true, docker_socket: /run/d.sock, internal_adress: x}
ssh_key_path: ~/.ssh/cluster
bastion_host: {address: jump, user: me, port: 2022, ssh_key_path: x}
services: {etcd: {}}
servces: {}
kubernetes_version:
addons: |-
  ${not a template
",
    )
    .unwrap();
    let one = &config.nodes["one"].connection;
    assert_eq!((one.address.as_str(), one.user.as_deref(), one.port), ("1.2.3.4", Some("root"), Some(2222)));
    assert_eq!((one.key_path.as_deref(), one.bastion.as_deref()), (Some("~/.ssh/cluster"), Some("me@jump:2022")));
    assert_eq!(config.nodes["one"].roles, ["etcd"]);
    let two = &config.nodes["1.2.3.5"].connection;
    assert_eq!(
        (two.key_path.as_deref(), two.docker_socket.as_deref(), two.port),
        (None, Some("/run/d.sock"), Some(22))
    );
    insta::assert_snapshot!(warnings, @"
    rancher-cluster.yml:2:104: `taints` of a node is not acted on yet
    rancher-cluster.yml:3:100: `internal_adress` of a node is not a key of RKE and is not acted on (did you mean `internal_address`?)
    rancher-cluster.yml:5:53: `ssh_key_path` of `bastion_host` is not acted on yet
    rancher-cluster.yml:6:1: `services` is not acted on yet
    rancher-cluster.yml:7:1: `servces` is not a key of RKE and is not acted on (did you mean `services`?)
    rancher-cluster.yml:8:1: `kubernetes_version` is not acted on yet
    rancher-cluster.yml:9:1: `addons` is not acted on: there is no kubeconfig (name one with `--kubeconfig`, or put `kube_config_rancher-cluster.yml` beside the file, as RKE does)
    rancher-cluster.yml:10:3: an object of a manifest is a map, this is text (write `apiVersion`, `kind` and `metadata`; `---` on a line of its own stands between objects)
    ");
}

#[test]
fn mistakes() {
    let message = load(
        "\
nodes:
  - {address: <IP>, role: [etcd, <ROLE>]}
  - {role: etcd}
  - {address: a b, role: etcd}
  - {address: x, role: etcd, port: ssh}
  - {address: y, role: etcd}
  - {address: y, role: 5}
  - {address: y, role: worker}
  - plain
",
    )
    .unwrap_err();
    insta::assert_snapshot!(message, @r#"
rancher-cluster.yml:2:15: `address` still holds the placeholder `<IP>` (put in the real value)
rancher-cluster.yml:2:34: `role` still holds the placeholder `<ROLE>` (put in the real value)
rancher-cluster.yml:3:5: `address` is missing (add `address:` with text)
rancher-cluster.yml:4:15: "a b" cannot be the name of a node (set `hostname_override` or `address` to a host name or IP address)
rancher-cluster.yml:5:36: `port` is "ssh", expected a whole number from 1 to 65535
rancher-cluster.yml:7:24: `role` is a number, expected text or a list (put it in quotes)
rancher-cluster.yml:8:15: [first here rancher-cluster.yml:6:15] two nodes have the name `y` (give one of them another `address` or `hostname_override`)
rancher-cluster.yml:9:5: this is text, expected a map
"#);
}
