//! The cluster: `kubernetes:`, and the kubeconfig that a run names.

use std::path::Path;

use super::{START, load_path, load_text, show};
use crate::{Config, VariableInputs};

const CLUSTER: &str = "variables: {stage: live}\nkubernetes: {kubeconfig: '${var.stage}/config', context: admin, \
                       namespace: cattle-system, via: n2, dependsOn: ['container.web[\"n1\"]', file.a]}\n";

#[test]
fn all_its_keys() {
    let config = load_text(format!("{START}{CLUSTER}")).unwrap();
    let kubernetes = config.kubernetes.as_ref().unwrap();
    assert_eq!(kubernetes.connection.kubeconfig.as_deref(), Some("live/config"));
    assert_eq!(kubernetes.connection.context.as_deref(), Some("admin"));
    assert_eq!(kubernetes.namespace.as_deref(), Some("cattle-system"));
    let via = kubernetes.connection.via.as_ref().unwrap();
    assert_eq!((via.node.as_str(), &via.connection), ("n2", &config.nodes["n2"].connection));
    let needs: Vec<&str> = kubernetes.depends_on.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(needs, ["container.web[\"n1\"]", "file.a"]);
    assert_eq!(config.sources.position(kubernetes.span), (7, 1));
    assert_eq!(config.check_kubeconfig(None), None);
}

#[test]
fn nothing_else_depends_on_where_it_is() {
    let config = load_text(format!("{START}kubernetes: {{kubeconfig: a}}\n")).unwrap();
    let other = load_text(format!("{START}kubernetes: {{kubeconfig: b}}\n")).unwrap();
    assert_ne!(config.digest(), other.digest());
    assert_eq!(config.name, other.name);
    let minimal = load_text(format!("{START}kubernetes: {{}}\n")).unwrap().kubernetes.unwrap();
    assert_eq!((minimal.connection, minimal.namespace), (Default::default(), None));
    assert!(load_text(START).unwrap().kubernetes.is_none());
}

#[test]
fn mistakes() {
    let text = format!(
        "{START}variables: {{secret: {{sensitive: true, default: x}}}}\nkubernetes:\n  kubeconfg: a\n  context: ${{var.secret}}\n  \
         namespace: 5\n  dependsOn: {{a: b}}\n"
    );
    insta::assert_snapshot!(load_text(text).unwrap_err(), @"
    hactl.yaml:8:3: unknown key `kubeconfg` (did you mean `kubeconfig`?)
    hactl.yaml:9:12: a sensitive value cannot be used here (use plain text or a variable that is not sensitive)
    hactl.yaml:10:14: `namespace` is a number, expected text (put it in quotes)
    hactl.yaml:11:14: `dependsOn` is a map, expected a list
    ");
    let text = format!(
        "{START}kubernetes: {{kubeconfig: '${{node.n1.os}}', namespace: Cattle-System, via: n3, dependsOn: [web]}}\n"
    );
    insta::assert_snapshot!(load_text(text).unwrap_err(), @"hactl.yaml:6:29: `node` cannot be used here (only variables (`var.…`) and functions can)");
    let text = format!("{START}kubernetes: {{namespace: Cattle-System, via: n3, dependsOn: [web]}}\n");
    insta::assert_snapshot!(load_text(text).unwrap_err(), @r#"
    hactl.yaml:6:25: "Cattle-System" cannot be the name of a namespace (a name has lower-case letters, digits and `-`, none of these at its ends; at most 63 of them)
    hactl.yaml:6:45: there is no node `n3` (did you mean `n1`?)
    hactl.yaml:6:61: `web` is not an address: it is written kind.name or kind.name["key"]
    "#);
    let text = format!("{START}  broken: {{adress: x}}\nkubernetes: {{via: broken}}\n");
    insta::assert_snapshot!(load_text(text).unwrap_err(), @"hactl.yaml:6:12: unknown key `adress` (did you mean `address`?)");
    insta::assert_snapshot!(load_text(format!("{START}kubernetes: kubeconfig\n")).unwrap_err(), @"hactl.yaml:6:13: this is text, expected a map");
}

#[test]
fn no_node_has_the_name_of_the_cluster() {
    let text = format!("{START}  kubernetes: {{address: 10.0.0.3}}\n");
    insta::assert_snapshot!(load_text(text).unwrap_err(), @"hactl.yaml:6:3: a node cannot be named `kubernetes` (give the node another name)");
}

#[test]
fn a_kubeconfig_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let at = |file: &str| directory.path().join(file);
    std::fs::create_dir_all(at("home/.kube")).unwrap();
    std::fs::write(at("home/.kube/config"), "").unwrap();
    std::fs::write(at("here"), "").unwrap();
    let check = |kubernetes: &str, given: Option<&Path>| {
        std::fs::write(at("hactl.yaml"), format!("{START}{kubernetes}")).unwrap();
        let given = VariableInputs { kubeconfig: given.map(Path::to_owned), ..VariableInputs::default() };
        let config = load_path(&at("hactl.yaml"), &given).unwrap();
        show(&config.sources, config.check_kubeconfig(Some(&at("home"))).as_slice())
    };
    for found in
        ["", "kubernetes: {}\n", "kubernetes: {kubeconfig: here}\n", "kubernetes: {kubeconfig: ~/.kube/config}\n"]
    {
        assert_eq!(check(found, None), "", "{found}");
    }
    assert_eq!(check("kubernetes: {kubeconfig: gone, dependsOn: [container.a]}\n", None), "");
    insta::assert_snapshot!(check("kubernetes: {kubeconfig: gone}\n", None), @r#"hactl.yaml:6:26: the kubeconfig "gone" does not exist (a relative path starts beside the config; where this config makes the cluster, say what it needs with `kubernetes.dependsOn`)"#);
    insta::assert_snapshot!(check("kubernetes: {kubeconfig: ~/.kube/other}\n", None), @r#"hactl.yaml:6:26: the kubeconfig "~/.kube/other" does not exist (a relative path starts beside the config; where this config makes the cluster, say what it needs with `kubernetes.dependsOn`)"#);
    insta::assert_snapshot!(check("kubernetes: {kubeconfig: home}\n", None), @r#"hactl.yaml:6:26: the kubeconfig "home" is a directory (a relative path starts beside the config; where this config makes the cluster, say what it needs with `kubernetes.dependsOn`)"#);
    assert_eq!(check("kubernetes: {kubeconfig: gone}\n", Some(&at("here"))), "");
    insta::assert_snapshot!(check("kubernetes: {kubeconfig: here}\n", Some(&at("nowhere"))), @r#"the kubeconfig "nowhere" does not exist (look at the path that `--kubeconfig` names)"#);
}

#[test]
fn the_run_names_another_kubeconfig() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    let connection = |text: &str, kubeconfig: &Path| {
        std::fs::write(&path, text).unwrap();
        let given = VariableInputs { kubeconfig: Some(kubeconfig.to_owned()), ..VariableInputs::default() };
        let config: Config = load_path(&path, &given).unwrap();
        config.kubernetes.unwrap().connection
    };
    let inside = connection(&format!("{START}{CLUSTER}"), &directory.path().join("sub/config"));
    assert_eq!((inside.kubeconfig.as_deref(), inside.context.as_deref()), (Some("sub/config"), Some("admin")));
    assert!(inside.via.is_some());
    let outside = connection(START, Path::new("/etc/kubernetes/admin.conf"));
    assert_eq!(outside.kubeconfig.as_deref(), Some("/etc/kubernetes/admin.conf"));
    let relative = connection(START, Path::new("admin.conf"));
    assert_eq!(relative.kubeconfig, Some(std::env::current_dir().unwrap().join("admin.conf").to_string_lossy().into()));
}
