//! Ways to the API server, and who one is there.

use super::cluster::{Namespace, SERVER, config_map, lab_file};
use super::proxy::Proxy;
use crate::connect::refused;
use crate::host::NODE1;
use crate::stack::Stack;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    through_a_node on NODE1,
    by_tokens_and_plug_ins,
    under_another_name,
    as_kubectl_finds_it,
];

/// A stack of one object with a kubeconfig of its own; `options` are more keys of `kubernetes:`.
fn stack(namespace: &Namespace, kubeconfig: &str, options: &str) -> Stack {
    let stack = Stack::empty();
    stack.write("objects.yaml", config_map(namespace, "settings", "1"));
    stack.write("kubeconfig", kubeconfig);
    stack.configure(&config(options));
    stack
}

fn config(options: &str) -> String {
    format!("kubernetes: {{kubeconfig: kubeconfig{options}}}\nmanifests:\n  live: {{file: objects.yaml}}\n")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(lab_file(name)).unwrap()
}

fn comes_and_goes(stack: &Stack, namespace: &Namespace) {
    stack.converges();
    assert_eq!(namespace.field("configmap settings", ".data.key"), "1");
    stack.destroy();
    assert!(!namespace.has("configmap settings"));
}

fn through_a_node() {
    let namespace = Namespace::made("via");
    // A name that only the lab's hosts can resolve, so nobody gets there directly.
    let kubeconfig = read("admin.kubeconfig").replace(SERVER, "kube:6443");
    let stack = stack(&namespace, &kubeconfig, "");
    refused(&stack, &["kube:6443"]);
    stack.set(&[NODE1], &config(", via: node1"));
    comes_and_goes(&stack, &namespace);

    // Where the node cannot get there either, it says which way it was.
    stack.write("kubeconfig", read("admin.kubeconfig").replace(SERVER, "172.30.0.12:6443"));
    refused(&stack, &["172.30.0.12:6443", "node1"]);
}

/// The token of the lab's administrator.
fn token() -> String {
    let text = read("admin-token.kubeconfig");
    let (_, token) = text.split_once("token: \"").unwrap();
    token.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter)).collect()
}

fn by_tokens_and_plug_ins() {
    let namespace = Namespace::made("tokens");
    let by_token = read("admin-token.kubeconfig");
    let stack = stack(&namespace, &by_token, "");
    comes_and_goes(&stack, &namespace);

    // A plug-in that hands out the token, as those of cloud providers do.
    let credential = format!(
        r#"{{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {{"token": "{}"}}}}"#,
        token()
    );
    stack.write(
        "login",
        format!("#!/bin/sh\n[ \"$1\" = login ] || {{ echo 'no session' >&2; exit 1; }}\necho '{credential}'\n"),
    );
    let script = stack.path("login");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (cluster, _) = by_token.split_once("users:").unwrap();
    let (_, contexts) = by_token.split_once("contexts:").unwrap();
    let exec = |command: &str, argument: &str| {
        format!(
            "{cluster}users:\n- name: hactl-lab\n  user:\n    exec: {{apiVersion: client.authentication.k8s.io/v1beta1, \
             command: {command}, args: [{argument}], interactiveMode: Never}}\ncontexts:{contexts}"
        )
    };
    stack.write("kubeconfig", exec(&script.to_string_lossy(), "login"));
    comes_and_goes(&stack, &namespace);
    // One beside the kubeconfig, as relative paths in it are meant.
    stack.write("kubeconfig", exec("./login", "login"));
    comes_and_goes(&stack, &namespace);

    stack.write("kubeconfig", exec(&script.to_string_lossy(), "nothing"));
    refused(&stack, &["its credential plugin failed", "no session"]);
    stack.write("kubeconfig", exec("/nowhere/login", "login"));
    refused(&stack, &["its credential plugin cannot be started"]);
    stack.write("kubeconfig", by_token.replace(&token(), "none"));
    refused(&stack, &["does not know this user (401)", "kubeconfig"]);
}

fn under_another_name() {
    let namespace = Namespace::made("named");
    let proxy = Proxy::open();
    let port = proxy.address().port();
    // The certificate holds for 127.0.0.1 and not for 127.0.0.2, which leads to this machine as well.
    let other = read("admin.kubeconfig").replace(SERVER, &format!("127.0.0.1:{port}"));
    let stack = stack(&namespace, &other, "");
    comes_and_goes(&stack, &namespace);
    let named =
        |name: &str| other.replace("cluster: {server:", &format!("cluster: {{tls-server-name: {name}, server:"));
    stack.write("kubeconfig", named("kube"));
    comes_and_goes(&stack, &namespace);
    stack.write("kubeconfig", named("elsewhere.example.com"));
    refused(&stack, &["certificate", "elsewhere.example.com"]);
    // The authority of somebody else.
    let (before, rest) = other.split_once("certificate-authority-data: ").unwrap();
    let end = rest.find(['\n', ',', '}']).unwrap();
    stack.write("kubeconfig", format!("{before}tls-server-name: kube{}", &rest[end..]));
    refused(&stack, &["certificate"]);
}

fn as_kubectl_finds_it() {
    let namespace = Namespace::made("found");
    let mut stack = stack(&namespace, &read("admin.kubeconfig"), "");
    stack.configure("kubernetes: {}\nmanifests:\n  live: {file: objects.yaml}\n");
    stack.fail("apply --auto-approve").says(&["there is no kubeconfig", "KUBECONFIG", "~/.kube/config"]);
    stack.export("KUBECONFIG", &stack.path("kubeconfig").to_string_lossy());
    comes_and_goes(&stack, &namespace);
    stack.export("KUBECONFIG", "");
    std::fs::create_dir(stack.path(".kube")).unwrap();
    std::fs::rename(stack.path("kubeconfig"), stack.path(".kube/config")).unwrap();
    comes_and_goes(&stack, &namespace);
    // Another file for one run, and a context of it.
    stack.configure(&config(", context: other"));
    stack.fail("apply --kubeconfig .kube/config").says(&["other", "hactl-lab"]);
    stack.configure(&config(""));
    stack.succeed("apply --auto-approve --kubeconfig .kube/config");
    stack.succeed("destroy --auto-approve --kubeconfig .kube/config");
}
