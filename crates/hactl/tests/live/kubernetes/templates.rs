//! The guide's cluster files of RKE, filled in: their addons from nothing to nothing again.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cluster::{is_gone, kubectl, lab_file};
use crate::host::{NODE1, NODE2, NODE3};
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    a_certificate_of_ones_own on NODE1 NODE2 NODE3,
    a_certificate_that_everybody_knows on NODE1 NODE2 NODE3,
];

/// Both use the namespace `cattle-system`.
static SYSTEM: Mutex<()> = Mutex::new(());

const FILE: &str = "rancher-cluster.yml";

fn template(name: &str) -> Option<String> {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/rke-templates"));
    let text = std::fs::read_to_string(directory.join(name)).ok();
    if text.is_none() {
        eprintln!("{name} is not here, and not tested");
    }
    text
}

/// A template with all of its placeholders filled in.
fn filled_in(template: &str) -> String {
    let key = Path::new(&std::env::var("HACTL_LAB").unwrap()).join("ssh/id_ed25519");
    let mut text = template
        .replace("<USER>", "ops")
        .replace("<PEM_FILE>", &key.to_string_lossy())
        .replace("<FQDN>", "rancher.example.com")
        .replace("<BASE64_CA>", &STANDARD.encode(std::fs::read(lab_file("ca.crt")).unwrap()));
    for node in [NODE1, NODE2, NODE3] {
        text = text.replacen("<IP>", node.address, 1);
    }
    text
}

fn a_certificate_of_ones_own() {
    comes_and_goes("3-node-externalssl-certificate.yml", true);
}

fn a_certificate_that_everybody_knows() {
    comes_and_goes("3-node-externalssl-recognizedca.yml", false);
}

fn comes_and_goes(name: &str, has_secret: bool) {
    let Some(template) = template(name) else { return };
    let _alone = SYSTEM.lock().unwrap_or_else(PoisonError::into_inner);
    is_gone("namespace/cattle-system");
    let stack = Stack::empty();
    stack.write(&format!("kube_config_{FILE}"), std::fs::read(lab_file("admin.kubeconfig")).unwrap());
    stack.write(FILE, &template);
    stack.fail(&format!("plan -f {FILE}")).says(&["<IP>", "<FQDN>", &format!("{FILE}:2:")]);

    let text = filled_in(&template);
    stack.write(FILE, &text);
    let count = if has_secret { 7 } else { 6 };
    let told = stack.succeed(&format!("apply --auto-approve -f {FILE}"));
    told.says(&[&format!("Apply complete! Resources: {count} added, 0 changed, 0 destroyed.")]).says(&[
        "extensions/v1beta1",
        "apps/v1",
        "networking.k8s.io/v1",
    ]);
    stack.ends(&format!("plan --detailed-exitcode -f {FILE}"), 0).says(&["No changes"]);
    are_as_the_template_says(has_secret);

    let changed = text.replacen("proxy-read-timeout: \"1800\"", "proxy-read-timeout: \"3600\"", 1);
    assert_ne!(changed, text);
    stack.write(FILE, &changed);
    stack.ends(&format!("plan --detailed-exitcode -f {FILE}"), 2).says(&["Plan: 0 to add, 1 to change, 0 to destroy."]);
    stack.succeed(&format!("apply --auto-approve -f {FILE}"));
    stack.ends(&format!("plan --detailed-exitcode -f {FILE}"), 0);
    let annotations = kubectl("-n cattle-system get ingress cattle-ingress-http -o jsonpath={.metadata.annotations}");
    assert!(annotations.contains("proxy-read-timeout\":\"3600\""), "{annotations}");

    stack.succeed(&format!("destroy --auto-approve -f {FILE}"));
    for left in ["namespace/cattle-system", "clusterrolebinding/cattle-crb"] {
        assert_eq!(kubectl(&format!("get {left} --ignore-not-found -o name")), "", "after destroy");
    }
}

fn are_as_the_template_says(has_secret: bool) {
    let shown = |words: &str| kubectl(&format!("--namespace cattle-system get {words}"));
    assert_eq!(shown("deployment cattle -o jsonpath={.status.readyReplicas}"), "1");
    assert_eq!(shown("service cattle-service -o jsonpath={.spec.ports[0].port}{.spec.selector.app}"), "80cattle");
    let rule = "{.spec.rules[0].host}";
    assert_eq!(shown(&format!("ingress cattle-ingress-http -o jsonpath={rule}")), "rancher.example.com");
    assert_eq!(shown("clusterrolebinding cattle-crb -o jsonpath={.subjects[0].name}"), "cattle-admin");
    if has_secret {
        let encoded = shown("secret cattle-keys-server -o jsonpath={.data.cacerts\\.pem}");
        assert_eq!(STANDARD.decode(encoded).unwrap(), std::fs::read(lab_file("ca.crt")).unwrap());
        let path = "/etc/rancher/ssl/cacerts.pem";
        let mounted = kubectl(&format!("--namespace cattle-system exec deployment/cattle -- cat {path}"));
        assert_eq!(mounted, std::fs::read_to_string(lab_file("ca.crt")).unwrap().trim());
    }
}
