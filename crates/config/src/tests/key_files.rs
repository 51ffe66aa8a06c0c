//! The private key files of nodes.

use std::path::Path;

use super::{load_path, show};
use crate::{VariableInputs, key_path};

#[test]
fn a_relative_path_starts_beside_the_config() {
    let path = |path| key_path(path, Path::new("/srv/cluster"));
    assert_eq!(path("keys/id"), "/srv/cluster/keys/id");
    for other in ["/etc/id", "~/.ssh/id", "~ops/.ssh/id", "%d/.ssh/id"] {
        assert_eq!(path(other), other);
    }
}

#[test]
fn every_key_file_that_is_not_there_is_named_once() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    for file in ["id", "home/.ssh/id"] {
        std::fs::write(directory.path().join(file), "a key").unwrap();
    }
    let check = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        let config = load_path(&path, &VariableInputs::default()).unwrap();
        assert_eq!(config.nodes[0].connection.key_path.as_deref(), Some("keys/default"));
        show(&config.sources, &config.check_key_files(Some(&home)))
    };
    let native = "\
hactl: 1
name: keys
ssh: {keyPath: keys/default}
nodes:
  n1: {address: a}
  n2: {address: b}
  n3: {address: c, ssh: {keyPath: id}}
  n4: {address: d, ssh: {keyPath: ~/.ssh/id}}
  n5: {address: e, ssh: {keyPath: ~/.ssh/other}}
  n6: {address: f, ssh: {keyPath: ~somebody/id}}
  n7: {address: g, ssh: {keyPath: home}}
  n8: {connection: local, ssh: {keyPath: other}}
";
    insta::assert_snapshot!(check("hactl.yaml", native), @r#"
hactl.yaml:3:16: the key file "keys/default" does not exist (a relative path starts beside the config; leave the key out to use your ssh agent and ssh config)
hactl.yaml:9:35: the key file "~/.ssh/other" does not exist (a relative path starts beside the config; leave the key out to use your ssh agent and ssh config)
hactl.yaml:11:35: the key file "home" is a directory (a relative path starts beside the config; leave the key out to use your ssh agent and ssh config)
"#);
    let rke = "\
ssh_key_path: keys/default
nodes:
  - {address: a, role: etcd}
  - {address: b, role: etcd, ssh_key_path: id}
  - {address: c, role: etcd, ssh_key_path: other}
  - {address: d, role: etcd, ssh_key_path: other, ssh_agent_auth: true}
";
    insta::assert_snapshot!(check("rancher-cluster.yml", rke), @r#"
rancher-cluster.yml:1:15: the key file "keys/default" does not exist (a relative path starts beside the config; leave the key out to use your ssh agent and ssh config)
rancher-cluster.yml:5:44: the key file "other" does not exist (a relative path starts beside the config; leave the key out to use your ssh agent and ssh config)
"#);
}
