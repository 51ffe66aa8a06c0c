//! The addons of RKE files: which objects they are, where these go, and what is wrong with them.

use std::path::{Path, PathBuf};

use super::rke::{filled, templates};
use super::{SECTIONS, load_path, show};
use crate::{Config, VariableInputs, load};

const NODES: &str = "nodes:\n  - {address: a, role: etcd}\n";

/// Writes files beside a cluster file, and loads it.
fn load_beside(text: &str, files: &[(&str, &str)], given: &VariableInputs) -> Result<(Config, String), String> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    let path = directory.path().join("rancher-cluster.yml");
    std::fs::write(&path, format!("{NODES}{text}")).unwrap();
    let shown = |text: String| text.replace(&directory.path().display().to_string(), "DIR");
    let config = load_path(&path, given).map_err(shown)?;
    let warnings = shown(show(&config.sources, &config.warnings));
    Ok((config, warnings))
}

fn sandbox() -> VariableInputs {
    VariableInputs { sandbox: true, ..VariableInputs::default() }
}

/// Each object of a config as `MANIFEST FILE:LINE KIND`.
fn objects(config: &Config) -> Vec<String> {
    let show = |manifest: &str, document: &crate::Document| {
        let file = config.sources.path(document.node.span.source).file_name().unwrap().to_string_lossy();
        let (line, _) = config.sources.position(document.node.span);
        format!("{manifest} {file}:{line} {}", document.node.get("kind").unwrap().as_str().unwrap())
    };
    let all = config.documents.iter();
    all.flat_map(|(manifest, documents)| documents.iter().map(move |document| show(manifest, document))).collect()
}

#[test]
fn the_objects_of_the_guides_templates() {
    let mut all = Vec::new();
    for path in templates() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("rancher-cluster.yml");
        std::fs::write(&file, filled(&std::fs::read_to_string(path).unwrap())).unwrap();
        let config = load_path(&file, &sandbox()).unwrap();
        assert_eq!(show(&config.sources, &config.warnings), "");
        let [manifest] = config.declarations.as_slice() else { panic!("one manifest") };
        assert_eq!((manifest.kind, manifest.name.as_str()), ("manifest", "addons"));
        assert_eq!(config.sources.position(config.kubernetes.as_ref().unwrap().span), (15, 1));
        all.push(objects(&config).join("\n"));
    }
    if let [certificate, recognised] = all.as_slice() {
        insta::assert_snapshot!(certificate, @"
        addons rancher-cluster.yml:17 Namespace
        addons rancher-cluster.yml:22 ServiceAccount
        addons rancher-cluster.yml:28 ClusterRoleBinding
        addons rancher-cluster.yml:42 Secret
        addons rancher-cluster.yml:51 Service
        addons rancher-cluster.yml:67 Ingress
        addons rancher-cluster.yml:86 Deployment
        ");
        insta::assert_snapshot!(recognised, @"
        addons rancher-cluster.yml:17 Namespace
        addons rancher-cluster.yml:22 ServiceAccount
        addons rancher-cluster.yml:28 ClusterRoleBinding
        addons rancher-cluster.yml:42 Service
        addons rancher-cluster.yml:58 Ingress
        addons rancher-cluster.yml:77 Deployment
        ");
    }
}

#[test]
fn what_the_templates_leave_to_fill_in() {
    for path in templates() {
        let template = std::fs::read_to_string(&path).unwrap();
        let failure = load(&path, SECTIONS, &sandbox()).unwrap_err();
        let shown = show(&failure.sources, &failure.diagnostics);
        let places: Vec<&str> = shown
            .lines()
            .filter(|line| line.contains("`addons`"))
            .map(|line| line.split_once(':').unwrap().1)
            .collect();
        let has_certificate = template.contains("<BASE64_CA>");
        let (first, last) = (places.first().unwrap(), places.last().unwrap());
        if has_certificate {
            assert_eq!(*first, "49:18: `addons` still holds the placeholder `<BASE64_CA>` (put in the real value)");
            assert_eq!(*last, "79:13: `addons` still holds the placeholder `<FQDN>` (put in the real value)");
        } else {
            assert_eq!(*first, "70:13: `addons` still holds the placeholder `<FQDN>` (put in the real value)");
        }
        assert_eq!(places.len(), if has_certificate { 2 } else { 1 });
        // What is filled in there is a secret; that it is not filled in is none.
        let lines = failure.sources.text(hactl_core::diagnostic::SourceId(0));
        assert_eq!(lines.contains("cacerts.pem: <BASE64_CA>"), has_certificate);
    }
}

#[test]
fn text_and_files_are_one_manifest() {
    let text = "addons: |\n  # <NOT> one\n  kind: Secret\n  stringData: {a: hunter2, b: 'x${y}'}\naddons_include: [a.yaml, b.json]\n";
    let files = [
        ("a.yaml", "kind: A\nx: ${var.x}\n---\nkind: B\n"),
        ("b.json", "{\"kind\": \"C\"}"),
        ("kube_config_rancher-cluster.yml", ""),
    ];
    let (config, warnings) = load_beside(text, &files, &VariableInputs::default()).unwrap();
    assert_eq!(warnings, "");
    assert_eq!(
        objects(&config),
        ["addons rancher-cluster.yml:5 Secret", "addons a.yaml:1 A", "addons a.yaml:4 B", "addons b.json:1 C"]
    );
    assert_eq!(config.declarations.len(), 1);
    assert_eq!(config.documents["addons"][1].node.get("x").unwrap().as_str(), Some("${var.x}"));
    assert!(!config.sources.text(hactl_core::diagnostic::SourceId(0)).contains("hunter2"));
}

#[test]
fn where_they_go() {
    let kubeconfig = |files: &[(&str, &str)], given: &VariableInputs| {
        let (config, warnings) = load_beside("addons: '{kind: A}'\n", files, given).unwrap();
        let kubeconfig = config.kubernetes.map(|kubernetes| kubernetes.connection.kubeconfig);
        (kubeconfig, config.declarations.len(), warnings)
    };
    let beside = [("kube_config_rancher-cluster.yml", "")];
    let default = VariableInputs::default();
    let given = VariableInputs { kubeconfig: Some(PathBuf::from("/etc/admin.conf")), ..default.clone() };
    let path = |path: &str| Some(Some(path.to_owned()));
    assert_eq!(kubeconfig(&beside, &default), (path("kube_config_rancher-cluster.yml"), 1, String::new()));
    assert_eq!(kubeconfig(&beside, &given), (path("/etc/admin.conf"), 1, String::new()));
    assert_eq!(kubeconfig(&[], &given), (path("/etc/admin.conf"), 1, String::new()));
    assert_eq!(kubeconfig(&beside, &sandbox()), (Some(None), 1, String::new()));
    let (found, manifests, warnings) = kubeconfig(&[], &default);
    assert_eq!((found, manifests), (None, 0));
    insta::assert_snapshot!(warnings, @"rancher-cluster.yml:3:1: `addons` is not acted on: there is no kubeconfig (name one with `--kubeconfig`, or put `kube_config_rancher-cluster.yml` beside the file, as RKE does)");
}

#[test]
fn a_kubeconfig_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rancher-cluster.yml");
    std::fs::write(&path, format!("{NODES}addons: '{{kind: A}}'\n")).unwrap();
    std::fs::create_dir(directory.path().join("kube_config_rancher-cluster.yml")).unwrap();
    let config = load_path(&path, &VariableInputs::default()).unwrap();
    insta::assert_snapshot!(show(&config.sources, config.check_kubeconfig(None).as_slice()), @r#"rancher-cluster.yml:3:1: the kubeconfig "kube_config_rancher-cluster.yml" is a directory (mend it, or name another with `--kubeconfig`)"#);
}

#[test]
fn empty_ones_are_none() {
    for text in
        ["", "addons: \"\"\naddons_include: []\n", "addons:\naddons_include:\n", "addons: |\n  # later\n  ---\n"]
    {
        let (config, warnings) = load_beside(text, &[], &sandbox()).unwrap();
        assert!(config.kubernetes.is_none() && config.documents.is_empty() && config.declarations.is_empty(), "{text}");
        assert_eq!(warnings, "", "{text}");
    }
}

#[test]
fn mistakes() {
    let text = "addons: |
  kind: A
  host: https://<HOST>/v3
  ---
  kind: ConfigMap
  data:
    page: |
      <HTML><BR>
      usage: x <FILE>
    nginx: |
      # <IP>
      server_name <FQDN>;
  ---
  text
addons_include: [https://example.com/a.yaml, gone.yaml, 5, a.yaml, <MINE>]
";
    let files = [("a.yaml", "kind: A\nip: <IP>:80\n<FQDN>: \"x <FQDN>\"\n")];
    insta::assert_snapshot!(load_beside(text, &files, &sandbox()).unwrap_err(), @"
    rancher-cluster.yml:5:17: `addons` still holds the placeholder `<HOST>` (put in the real value)
    rancher-cluster.yml:13:9: `addons` still holds the placeholder `<IP>` (put in the real value)
    rancher-cluster.yml:14:19: `addons` still holds the placeholder `<FQDN>` (put in the real value)
    rancher-cluster.yml:16:3: an object of a manifest is a map, this is text (write `apiVersion`, `kind` and `metadata`; `---` on a line of its own stands between objects)
    rancher-cluster.yml:17:18: `https://example.com/a.yaml` is not a file, and hactl does not download manifests (save it beside this file and name that)
    rancher-cluster.yml:17:46: cannot read DIR/gone.yaml: there is no such file (relative paths start at the config's directory)
    rancher-cluster.yml:17:57: an item of `addons_include` is a number, expected the path of a file
    rancher-cluster.yml:17:68: `addons_include` still holds the placeholder `<MINE>` (put in the real value)
    a.yaml:2:5: `addons` still holds the placeholder `<IP>` (put in the real value)
    a.yaml:3:1: `addons` still holds the placeholder `<FQDN>` (put in the real value)
    a.yaml:3:12: `addons` still holds the placeholder `<FQDN>` (put in the real value)
    ");
    insta::assert_snapshot!(load_beside("addons: {a: b}\naddons_include: a.yaml\n", &[], &sandbox()).unwrap_err(), @"
    rancher-cluster.yml:3:1: `addons` is a map, expected text
    rancher-cluster.yml:4:1: `addons_include` is text, expected a list of files
    ");
    insta::assert_snapshot!(load_beside("addons: |\n  a: 1\n  a: 2\n", &[], &sandbox()).unwrap_err(), @"rancher-cluster.yml:5:3: [first here rancher-cluster.yml:4:3] the key `a` is there twice (keep one of the two)");
    // Without a cluster for them only what was not filled in is an error.
    let text = text.replace("5, ", "").replace(", <MINE>", "");
    let unfilled = load_beside(text.as_str(), &files, &VariableInputs::default()).unwrap_err();
    assert!(unfilled.contains("still holds the placeholder"), "{unfilled}");
    let filled = ["<HOST>", "<IP>", "<FQDN>"].iter().fold(text, |text, word| text.replace(word, "web"));
    let files = files.map(|(name, text)| (name, text.replace("<IP>", "web").replace("<FQDN>", "web")));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (_, warnings) = load_beside(&filled, &files, &VariableInputs::default()).unwrap();
    insta::assert_snapshot!(warnings, @"
    rancher-cluster.yml:3:1: `addons` is not acted on: there is no kubeconfig (name one with `--kubeconfig`, or put `kube_config_rancher-cluster.yml` beside the file, as RKE does)
    rancher-cluster.yml:16:3: an object of a manifest is a map, this is text (write `apiVersion`, `kind` and `metadata`; `---` on a line of its own stands between objects)
    rancher-cluster.yml:17:1: `addons_include` is not acted on: there is no kubeconfig (name one with `--kubeconfig`, or put `kube_config_rancher-cluster.yml` beside the file, as RKE does)
    rancher-cluster.yml:17:18: `https://example.com/a.yaml` is not a file, and hactl does not download manifests (save it beside this file and name that)
    rancher-cluster.yml:17:46: cannot read DIR/gone.yaml: there is no such file (relative paths start at the config's directory)
    ");
}

#[test]
fn before_there_are_manifests_they_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = &directory.path().join("rancher-cluster.yml");
    std::fs::write(path, format!("{NODES}addons: '{{kind: A}}'\n")).unwrap();
    let config = load(path, &SECTIONS[..3], &sandbox()).unwrap();
    insta::assert_snapshot!(show(&config.sources, &config.warnings), @"rancher-cluster.yml:3:1: `addons` is not acted on yet");
}
