//! Hosts and objects in one plan, the cluster itself among them.

use super::cluster::{Namespace, SERVER, lab_file};
use crate::host::{NODE2, REGISTRY};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![a_cluster_that_the_plan_makes on NODE2];

/// A container without which nobody gets to the API server, and what is there.
fn a_cluster_that_the_plan_makes() {
    let namespace = Namespace::named("together");
    let name = &namespace.name;
    let stack = Stack::empty();
    let kubeconfig = std::fs::read_to_string(lab_file("admin.kubeconfig")).unwrap();
    let server = format!("{}:16443", NODE2.address);
    let kubeconfig = kubeconfig.replace("cluster: {server:", "cluster: {tls-server-name: kube, server:");
    stack.write("kubeconfig", kubeconfig.replace(SERVER, &server));
    let (host, port) = SERVER.split_once(':').unwrap();
    stack.set(
        &[NODE2],
        &format!(
            "secrets:
  password: {{generate: {{password: {{length: 20}}}}, kubernetes: {{namespace: {name}}}}}
containers:
  apiserver:
    nodes: all
    image: {REGISTRY}/library/busybox:1.36
    command: [nc, -ll, -p, \"6443\", -e, nc, {host}, \"{port}\"]
    ports: [\"16443:6443\"]
    health: {{tcp: {{port: 16443}}, timeout: 20s}}
  after: {{nodes: all, image: \"{REGISTRY}/web:1.0\", dependsOn: [manifest.base]}}
kubernetes:
  kubeconfig: kubeconfig
  dependsOn: [container.apiserver]
manifests:
  base: {{inline: {{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}}}
  site:
    dependsOn: [container.after]
    inline: {{apiVersion: v1, kind: ConfigMap, metadata: {{name: site, namespace: {name}}}, data: {{id: \"${{container.after[\\\"node2\\\"].id}}\"}}}}
"
        ),
    );
    let told = stack.ends("plan --detailed-exitcode", 2);
    told.says(&["Plan: 6 to add, 0 to change, 0 to destroy."]).does_not_say(&["error"]);
    stack.converges();
    assert_eq!(namespace.field("configmap site", ".data.id"), NODE2.inspect("after", "{{.Id}}"));
    let encoded = namespace.field("secret password", ".data.value");
    assert_eq!(encoded.len(), 28, "20 letters in base64");

    // Once it was there, its silence is not absence.
    NODE2.sh("docker stop --time 0 apiserver");
    let told = stack.fail("apply --auto-approve");
    told.says(&["kubernetes did not answer: connection refused", "--allow-unreachable"]);
    stack.succeed("apply --auto-approve --allow-unreachable");
    stack.converges();
    stack.destroy();
    assert_eq!(super::cluster::kubectl(&format!("get namespace {name} --ignore-not-found -o name")), "");
    assert_eq!(NODE2.sh("docker ps --all --quiet"), "");
}
