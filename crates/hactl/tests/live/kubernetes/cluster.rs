//! The lab's cluster through the eyes of kubectl, and a namespace for each test.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use crate::host::poll;
use crate::stack::Stack;

/// The environment variable that names the kubeconfig of the lab's cluster.
pub(crate) const KUBECONFIG: &str = "HACTL_LAB_KUBECONFIG";

/// The API server, as the lab's kubeconfigs have it.
pub(super) const SERVER: &str = "172.30.0.20:6443";

/// How long the cluster may take for what it does within some seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// A file beside the lab's kubeconfig.
pub(super) fn lab_file(name: &str) -> PathBuf {
    let admin = std::env::var(KUBECONFIG).expect("the cluster's tests run only where it is set");
    Path::new(&admin).with_file_name(name)
}

/// The config's line for the lab's cluster, with all rights.
pub(super) fn connection() -> String {
    format!("kubernetes: {{kubeconfig: \"{}\"}}\n", lab_file("admin.kubeconfig").display())
}

/// A stack whose config has one manifest, of the file `objects.yaml`; `options` are more keys of it, each `key: value, `.
pub(super) fn stack(objects: &str, options: &str) -> Stack {
    let stack = Stack::empty();
    stack.write("objects.yaml", objects);
    stack.configure(&manifest(options));
    stack
}

/// A config with one manifest, of the file `objects.yaml`.
pub(super) fn manifest(options: &str) -> String {
    format!("{}manifests:\n  live: {{{options}file: objects.yaml}}\n", connection())
}

/// Runs kubectl with these words; what it prints.
pub(super) fn kubectl(words: &str) -> String {
    let output = try_kubectl(words);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {words}: {told}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs kubectl, which may fail.
pub(super) fn try_kubectl(words: &str) -> Output {
    command(words).stdin(Stdio::null()).output().unwrap()
}

/// Gives kubectl a text to read.
pub(super) fn kubectl_reads(words: &str, text: &str) {
    let mut child = command(words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "kubectl {words}, of {text}");
}

pub(super) fn command(words: &str) -> Command {
    let mut command = Command::new("kubectl");
    // What it remembers of types goes with the build.
    command.env("KUBECACHEDIR", env!("CARGO_TARGET_TMPDIR")).arg("--kubeconfig").arg(lab_file("admin.kubeconfig"));
    command.args(words.split_whitespace());
    command
}

/// What is on the cluster of a stack, as `kind/name` lines; whether its state knows of it or not.
pub(super) fn labelled(stack: &Stack, kinds: &str) -> String {
    let state: Json = serde_json::from_str(&stack.read("state/live.json")).unwrap();
    let lineage = state["lineage"].as_str().unwrap();
    kubectl(&format!("get {kinds} --all-namespaces --ignore-not-found -o name -l hactl.io/lineage={lineage}"))
}

/// A namespace of one test. It and what is in it go with the value.
pub(super) struct Namespace {
    pub(super) name: String,
}

impl Namespace {
    /// A name for one that hactl makes.
    pub(super) fn named(topic: &str) -> Self {
        Self { name: format!("live-{topic}-{}", std::process::id()) }
    }

    /// One that is there already.
    pub(super) fn made(topic: &str) -> Self {
        let namespace = Self::named(topic);
        kubectl(&format!("create namespace {}", namespace.name));
        namespace
    }

    /// Runs kubectl in it.
    pub(super) fn kubectl(&self, words: &str) -> String {
        kubectl(&format!("--namespace {} {words}", self.name))
    }

    /// Applies objects to it as kubectl does.
    pub(super) fn apply(&self, options: &str, objects: &str) {
        kubectl_reads(&format!("--namespace {} apply {options} -f -", self.name), objects);
    }

    /// An object in it.
    pub(super) fn object(&self, reference: &str) -> Json {
        serde_json::from_str(&self.kubectl(&format!("get {reference} -o json"))).unwrap()
    }

    /// Some of an object, by a JSONPath without braces.
    pub(super) fn field(&self, reference: &str, path: &str) -> String {
        self.kubectl(&format!("get {reference} -o jsonpath={{{path}}}"))
    }

    /// Whether an object is in it.
    pub(super) fn has(&self, reference: &str) -> bool {
        !self.kubectl(&format!("get {reference} --ignore-not-found -o name")).is_empty()
    }

    /// `/etc/hosts` of every pod with the label `app=…` that is to stay.
    pub(super) fn hosts_files(&self, app: &str) -> Vec<String> {
        let pods: Json = serde_json::from_str(&self.kubectl(&format!("get pods -l app={app} -o json"))).unwrap();
        let pods =
            pods["items"].as_array().unwrap().iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        let names: Vec<&str> = pods.map(|pod| pod["metadata"]["name"].as_str().unwrap()).collect();
        assert!(!names.is_empty(), "there is no pod of {app}");
        names.iter().map(|name| self.kubectl(&format!("exec {name} -- cat /etc/hosts"))).collect()
    }

    /// Waits until a workload is as it is to be.
    pub(super) fn rolled_out(&self, reference: &str) {
        self.kubectl(&format!("rollout status {reference} --timeout {}s", LIMIT.as_secs()));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        try_kubectl(&format!("delete namespace {} --ignore-not-found --wait=false", self.name));
    }
}

/// Waits until something is not on the cluster any more.
pub(super) fn is_gone(reference: &str) {
    poll(LIMIT, &format!("{reference} is gone"), || {
        kubectl(&format!("get {reference} --ignore-not-found -o name")).is_empty()
    });
}

/// A workload with one container that waits to be ended. All its objects are of the application of its name.
pub(super) fn workload(kind: &str, namespace: &Namespace, name: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, namespace: {}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {{name: main, image: \"busybox:1.36\", command: [sleep, \"3600\"], env: [{{name: MODE, value: plain}}]}}
",
        namespace.name
    )
}

/// A ConfigMap with one entry.
pub(super) fn config_map(namespace: &Namespace, name: &str, value: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {}}}\ndata: {{key: \"{value}\"}}\n",
        namespace.name
    )
}
