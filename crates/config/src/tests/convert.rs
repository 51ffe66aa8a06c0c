//! RKE files as native config: what is written, and that it wants the same.

use std::path::Path;

use super::rke::{filled, templates};
use super::{load_path, show};
use crate::{Config, VariableInputs, convert};

/// Every key that is acted on, and some that are not.
const EVERYTHING: &str = r#"nodes:
  - {address: 10.0.0.1, hostname_override: one, user: root, port: '2222', role: etcd, labels: {app: "a b", zone: yes}}
  - {address: 10.0.0.2, user: root, role: [worker, controlplane], ssh_key_path: "keys/${two}", docker_socket: /run/d.sock, taints: []}
  - {address: "fe80::1", user: root, role: worker, ssh_agent_auth: true, ssh_key: hunter1}
ssh_key_path: ~/.ssh/cluster
bastion_host: {address: jump, user: me, port: 2022}
private_registries:
  - {url: "reg.example.com:5000", user: "ci${x}", password: hunter2, is_default: true}
  - {user: ci, password: hunter3}
  - {url: reg-example.com.5000, user: ci, password: hunter4}
  - {url: reg.example.com.5000, user: ci, password: hunter5}
  - {url: open.example.com}
services: {etcd: {}}
kubernetes_version: v1.20.15
addons: |

  # first
  kind: ConfigMap
  metadata: {name: a}
  data:
    script: |
      echo ${HOME} $${x} %{y}

    tab: "	"
  ---
  kind: Secret
  stringData: {a: hunter6}
addons_include:
  - more.yaml
  - with ${x}.json
"#;

const FILES: [(&str, &str); 2] = [("more.yaml", "kind: A\n---\nkind: B\n"), ("with ${x}.json", "{\"kind\": \"C\"}")];

/// Loads an RKE file and what it is converted to, and says where the two want something else.
fn both(text: &str) -> (String, Config, Config) {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let files = FILES.iter().chain(&[("kube_config_rancher-cluster.yml", "")]);
    files.for_each(|(name, text)| std::fs::write(at(name), text).unwrap());
    std::fs::write(at("rancher-cluster.yml"), text).unwrap();
    let rke = load_path(&at("rancher-cluster.yml"), &VariableInputs::default()).unwrap();

    let converted = convert(&at("rancher-cluster.yml"), text.to_owned()).unwrap();
    std::fs::write(at("hactl.yaml"), &converted).unwrap();
    let passwords = rke.registries.len();
    let given = VariableInputs {
        assignments: converted
            .lines()
            .filter_map(|line| line.trim().strip_suffix('}')?.split_once(": {sensitive: true"))
            .map(|(name, _)| format!("{name}=x"))
            .collect(),
        ..VariableInputs::default()
    };
    assert_eq!(given.assignments.len(), passwords);
    let native = load_path(&at("hactl.yaml"), &given).unwrap();
    assert_eq!(show(&native.sources, &native.warnings), "");
    (converted, rke, native)
}

fn assert_same(rke: &Config, native: &Config) {
    assert_eq!(rke.name, native.name);
    let nodes = |config: &Config| -> Vec<_> {
        let nodes = config.nodes.values().cloned();
        nodes.map(|node| (node.name, node.connection, node.roles, node.labels)).collect()
    };
    assert_eq!(nodes(rke), nodes(native));
    let registries = |config: &Config| -> Vec<_> {
        let registries = config.registries.values();
        registries.map(|registry| (registry.name.clone(), registry.login.username.clone())).collect()
    };
    assert_eq!(registries(rke), registries(native));
    let declarations = |config: &Config| -> Vec<_> {
        let declarations = config.declarations.iter();
        declarations.map(|one| (one.kind, one.name.clone(), one.body.to_value(), one.selector.clone())).collect()
    };
    assert_eq!(declarations(rke), declarations(native));
    let documents = |config: &Config| -> Vec<_> {
        let all = config.documents.iter();
        all.flat_map(|(name, all)| all.iter().map(|one| (name.clone(), one.node.to_value()))).collect()
    };
    assert_eq!(documents(rke), documents(native));
    let connection = |config: &Config| config.kubernetes.as_ref().map(|kubernetes| kubernetes.connection.clone());
    assert_eq!(connection(rke), connection(native));
}

#[test]
fn a_file_with_every_key() {
    let (converted, rke, native) = both(EVERYTHING);
    insta::assert_snapshot!(converted, @r#"
    # Converted from rancher-cluster.yml.
    # What hactl does not act on is not in here:
    #   line 3: `taints` of a node is not acted on yet
    #   line 4: `ssh_key` of a node is not acted on yet
    #   line 8: `is_default` of a registry is not acted on yet
    #   line 13: `services` is not acted on yet
    #   line 14: `kubernetes_version` is not acted on yet
    hactl: 1
    name: rancher-cluster
    variables:
      registry_reg_example_com_5000_password: {sensitive: true, description: "the password for the registry reg.example.com:5000"}
      registry_docker_io_password: {sensitive: true, description: "the password for the registry docker.io"}
      registry_reg_example_com_5000_password_2: {sensitive: true, description: "the password for the registry reg-example.com.5000"}
      registry_reg_example_com_5000_password_3: {sensitive: true, description: "the password for the registry reg.example.com.5000"}
    ssh: {user: root, bastion: me@jump:2022}
    nodes:
      one: {address: 10.0.0.1, roles: [etcd], labels: {app: "a b", zone: "yes"}, ssh: {port: 2222, keyPath: ~/.ssh/cluster}}
      10.0.0.2: {address: 10.0.0.2, roles: [worker, controlplane], ssh: {keyPath: "keys/$${two}"}, dockerSocket: /run/d.sock}
      fe80::1: {address: fe80::1, roles: [worker]}
    registries:
      reg.example.com:5000: {username: "ci$${x}", password: "${var.registry_reg_example_com_5000_password}"}
      docker.io: {username: ci, password: "${var.registry_docker_io_password}"}
      reg-example.com.5000: {username: ci, password: "${var.registry_reg_example_com_5000_password_2}"}
      reg.example.com.5000: {username: ci, password: "${var.registry_reg_example_com_5000_password_3}"}
    kubernetes: {kubeconfig: kube_config_rancher-cluster.yml}
    manifests:
      addons:
        file: [more.yaml, "with $${x}.json"]
        template: false
        inline: |2

          # first
          kind: ConfigMap
          metadata: {name: a}
          data:
            script: |
              echo ${HOME} $${x} %{y}

            tab: "	"
          ---
          kind: Secret
          stringData: {a: hunter6}
    "#);
    assert_same(&rke, &native);
    assert_eq!(native.documents["addons"].len(), 5);
    assert_eq!(native.registries.len(), 4);
    assert!(!(1..=5).any(|number| converted.contains(&format!("hunter{number}"))));
}

#[test]
fn the_guides_templates() {
    for path in templates() {
        let (converted, rke, native) = both(&filled(&std::fs::read_to_string(path).unwrap()));
        let head: Vec<&str> = converted.lines().take(16).collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(head.join("\n"), @"
            # Converted from rancher-cluster.yml.
            hactl: 1
            name: rancher-cluster
            ssh: {user: root, keyPath: ~/.ssh/id}
            nodes:
              10.0.0.1: {address: 10.0.0.1, roles: [controlplane, etcd, worker]}
              10.0.0.2: {address: 10.0.0.2, roles: [controlplane, etcd, worker]}
              10.0.0.3: {address: 10.0.0.3, roles: [controlplane, etcd, worker]}
            kubernetes: {kubeconfig: kube_config_rancher-cluster.yml}
            manifests:
              addons:
                inline: |-
                  ---
                  kind: Namespace
                  apiVersion: v1
                  metadata:
            ");
        }
        assert_same(&rke, &native);
        assert_eq!(rke.digest(), native.digest());
    }
}

#[test]
fn a_file_without_addons() {
    let (converted, rke, native) = both("nodes:\n  - {address: a, role: etcd}\naddons: ''\n");
    insta::assert_snapshot!(converted, @"
    # Converted from rancher-cluster.yml.
    hactl: 1
    name: rancher-cluster
    nodes:
      a: {address: a, roles: [etcd]}
    ");
    assert_same(&rke, &native);
}

#[test]
fn mistakes() {
    let convert = |name: &str, text: &str| {
        let failure = convert(Path::new(name), text.to_owned()).unwrap_err();
        show(&failure.sources, &failure.diagnostics)
    };
    insta::assert_snapshot!(convert("hactl.yaml", "hactl: 1\nnodes: {}\n"), @"hactl.yaml:1:1: this is no RKE cluster file: it has no list of `nodes`, or has the key `hactl` (name the file that `rke up` takes; a native config needs no conversion)");
    insta::assert_snapshot!(convert("cluster.yml", "nodes: [\n"), @"cluster.yml:1:8: this is not valid YAML: unclosed bracket '[' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)");
    insta::assert_snapshot!(
        convert(
            "my cluster.yml",
            "nodes:\n  - {address: <IP>, role: etcd}\n  - {address: kubernetes, role: etcd}\naddons: |\n  kind: A\n  \
             host: <FQDN>\naddons_include: [http://a/b]\nservices: {}\n"
        ),
        @r#"
    my cluster.yml:1:1: the file's name "my cluster" cannot be the name of a stack (rename the file: letters, digits, `-`, `_` and `.`, starting with a letter or digit)
    my cluster.yml:2:15: `address` still holds the placeholder `<IP>` (put in the real value)
    my cluster.yml:3:15: a node cannot be named `kubernetes` (give the node another name)
    my cluster.yml:6:9: `addons` still holds the placeholder `<FQDN>` (put in the real value)
    my cluster.yml:7:18: `http://a/b` is not a file, and hactl does not download manifests (save it beside this file and name that)
    my cluster.yml:8:1: `services` is not acted on yet
    "#
    );
}
