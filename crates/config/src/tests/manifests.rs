//! Manifests: where objects are read from, and what is told of what is wrong with them.

use std::path::Path;

use super::{SECTIONS, START, load_path, show};
use crate::{Config, VariableInputs, load};

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// Loads a config that continues the usual start, with files beside it.
fn load_with(text: &str, files: &[(&str, &str)]) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files);
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, format!("{START}{text}")).unwrap();
    let shown = |text: String| text.replace(&directory.path().display().to_string(), "DIR");
    load_path(&path, &VariableInputs::default()).map_err(shown)
}

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = directory.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// Every object of a manifest on a line: where it begins, and what it is.
fn objects(config: &Config, manifest: &str) -> String {
    let mut text = String::new();
    for document in &config.documents[manifest] {
        let (line, column) = config.sources.position(document.node.span);
        let file = config.sources.path(document.node.span.source).file_name().unwrap().to_string_lossy();
        let json = serde_json::to_string(&document.node.to_value()).unwrap();
        text.push_str(&format!("{file}:{line}:{column}: {json}\n"));
    }
    text
}

#[test]
fn from_files_and_directories() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {kind: Service}\n- kind: List\n  items:\n  - {kind: Pod}\n  -\n";
    let typed = "kind: ConfigMapList\napiVersion: v1\nitems:\n- {metadata: {name: a}}\n- {apiVersion: v2, kind: X}\n";
    let files = [
        (
            "one.yaml",
            "# note\n---\n---\nkind: Namespace\nmetadata: {name: a}\n---\n# nothing\n---\nkind: Pod # é\n...\n",
        ),
        ("sub/b.json", "{\n\t\"kind\": \"Pod\",\n\t\"x\": \"\\u00e9\\/\"\n}\n"),
        ("sub/a.yml", list),
        ("sub/c.yaml", typed),
        ("sub/deeper/d.yaml", "kind: Never\n"),
        ("sub/.hidden.yaml", "kind: Never\n"),
        ("sub/notes.txt", "kind: Never\n"),
        ("anchors.yaml", "kind: &k Pod\nx: &x {a: 0644, b: yes}\ny: {<<: *x, a: \"0644\"}\nz: *k\ncopy: ${x} %{if}\n"),
    ];
    let config = load_with(
        "variables: {where: sub}\nmanifests:\n  files: {file: [one.yaml, anchors.yaml], wait: false}\n  \
         directory: {directory: 'x/../${var.where}'}\n",
        &[&files[..], &[("x/y", "")]].concat(),
    )
    .unwrap();
    insta::assert_snapshot!(objects(&config, "files"), @r#"
    one.yaml:4:1: {"kind":"Namespace","metadata":{"name":"a"}}
    one.yaml:9:1: {"kind":"Pod"}
    anchors.yaml:1:1: {"copy":"${x} %{if}","kind":"Pod","x":{"a":420,"b":true},"y":{"a":"0644","b":true},"z":"Pod"}
    "#);
    insta::assert_snapshot!(objects(&config, "directory"), @r#"
    a.yml:4:3: {"kind":"Service"}
    a.yml:7:5: {"kind":"Pod"}
    b.json:1:1: {"kind":"Pod","x":"é/"}
    c.yaml:4:3: {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}
    c.yaml:5:3: {"apiVersion":"v2","kind":"X"}
    "#);
    let bodies: Vec<String> = config
        .declarations
        .iter()
        .map(|declaration| serde_json::to_string(&declaration.body.to_value()).unwrap())
        .collect();
    assert_eq!(bodies, [r#"{"wait":false}"#, "{}"]);
}

#[test]
fn from_the_config_itself() {
    let config = load_with(
        "variables: {host: demo.example.com}\nmanifests:\n  map:\n    inline: {kind: Pod, x: '${var.host}', y: '$${z}', m: 0644}\n  \
         list:\n    inline:\n    - {kind: Pod}\n    - kind: List\n      items: [{kind: Service}]\n  text:\n    inline: |\n      \
         # ${is no template}\n      kind: Pod\n      x: a ${var.host} $${z}\n      m: 0644\n      ---\n\n      kind: ConfigMap\n      \
         data:\n        a: |\n          b\n          ${upper(var.host)}\n  folded:\n    inline: >-\n      {kind: Pod,\n      x: 1}\n  \
         quoted:\n    inline: \"kind: Pod\\nx: ${var.host}\\n\"\n  literal:\n    template: false\n    inline: |\n      kind: ${x}\n  \
         literalMap:\n    template: false\n    inline: {kind: \"${x}\", y: 1}\n  \
         template:\n    template: true\n    file: a.yaml\n  both:\n    inline: {kind: A}\n    file: b.yaml\n",
        &[("a.yaml", "kind: Pod\nhost: ${var.host}-${container.web.id}\n"), ("b.yaml", "kind: B\n")],
    )
    .unwrap();
    let all: String =
        config.documents.keys().map(|manifest| format!("{manifest}\n{}", objects(&config, manifest))).collect();
    insta::assert_snapshot!(all, @r#"
    both
    hactl.yaml:45:13: {"kind":"A"}
    b.yaml:1:1: {"kind":"B"}
    folded
    hactl.yaml:30:7: {"kind":"Pod","x":1}
    list
    hactl.yaml:12:7: {"kind":"Pod"}
    hactl.yaml:14:15: {"kind":"Service"}
    literal
    hactl.yaml:37:7: {"kind":"${x}"}
    literalMap
    hactl.yaml:40:13: {"kind":"${x}","y":1}
    map
    hactl.yaml:9:13: {"kind":"Pod","m":"0644","x":{"$hactl":{"deferred":{"expr":{"traversal":{"root":"var","steps":[{"attr":"host"}]}}}}},"y":"${z}"}
    quoted
    hactl.yaml:33:13: {"kind":"Pod","x":{"$hactl":{"deferred":{"expr":{"traversal":{"root":"var","steps":[{"attr":"host"}]}}}}}}
    template
    a.yaml:1:1: {"host":{"$hactl":{"deferred":{"expr":{"template":[{"traversal":{"root":"var","steps":[{"attr":"host"}]}},{"literal":"-"},{"traversal":{"root":"container","steps":[{"attr":"web"},{"attr":"id"}]}}]}}}},"kind":"Pod"}
    text
    hactl.yaml:18:7: {"kind":"Pod","m":420,"x":{"$hactl":{"deferred":{"expr":{"template":[{"literal":"a "},{"traversal":{"root":"var","steps":[{"attr":"host"}]}},{"literal":" ${z}"}]}}}}}
    hactl.yaml:23:7: {"data":{"a":{"$hactl":{"deferred":{"expr":{"template":[{"literal":"b\n"},{"call":["upper",[{"traversal":{"root":"var","steps":[{"attr":"host"}]}}],false]},{"literal":"\n"}]}}}}},"kind":"ConfigMap"}
    "#);
}

#[test]
fn mistakes_have_their_places() {
    let text = "manifests:
  missing: {file: [gone.yaml, sub, https://example.com/a.yaml, wrong.yaml]}
  none: {directory: empty}
  nowhere: {directory: gone}
  file: {directory: wrong.yaml}
  nothing: {}
  comments: {inline: '# nothing'}
  unknown: {flie: a, inline: {kind: A}}
  types: {file: 5, inline: [text], template: maybe}
  path: {file: '${node.n1.os}', directory: '${var.x}'}
  block:
    inline: |
      kind: Pod
      x: ${var.none}
      ---
      text
      ---
      - a
  twice:
    inline: |
      kind: Pod
      a: 1
      a: 2
  syntax:
    inline: >
      {kind: Pod,

      x: [}
  tab:
    inline: |
      kind: Pod
      \tx: 1
  reserved:
    inline: |
      kind: Pod
      $hactl: 1
  quoted:
    inline: \"kind: Pod\\na: 1\\na: 2\\n\"
  expression:
    inline: |
      kind: ConfigMap
      data:
        a: |
          b
          c ${+}
  template: {template: true, file: template.yaml}
";
    let files = [
        ("wrong.yaml", "kind: Pod\n---\nkind: {\n"),
        ("sub/x", ""),
        ("empty/x.txt", ""),
        ("template.yaml", "kind: Pod\nx: \"a ${var.y}\"\n"),
    ];
    insta::assert_snapshot!(load_with(text, &files).unwrap_err(), @"
    hactl.yaml:7:20: cannot read DIR/gone.yaml: there is no such file (relative paths start at the config's directory)
    hactl.yaml:7:31: cannot read DIR/sub: it is a directory (name it under `directory`)
    hactl.yaml:7:36: `https://example.com/a.yaml` is not a file, and hactl does not download manifests (save it beside this file and name that)
    hactl.yaml:8:21: there is no `*.yaml`, `*.yml` or `*.json` in the directory DIR/empty (directories in it are not looked into)
    hactl.yaml:9:24: cannot read the directory DIR/gone: there is no such directory (relative paths start at the config's directory)
    hactl.yaml:10:21: cannot read the directory DIR/wrong.yaml: it is not a directory (relative paths start at the config's directory)
    hactl.yaml:11:3: the manifest `nothing` has no objects (name a `file` or a `directory`, or write them under `inline`)
    hactl.yaml:12:3: the manifest `comments` has no objects (name a `file` or a `directory`, or write them under `inline`)
    hactl.yaml:13:13: unknown key `flie` (did you mean `file`?)
    hactl.yaml:14:17: `file` is a number, expected text or a list (put it in quotes)
    hactl.yaml:14:29: `inline[0]` is text, expected a map
    hactl.yaml:14:46: `template` is text, expected `true` or `false` (write `true` or `false`, without quotes)
    hactl.yaml:15:19: `node` cannot be used here (only variables (`var.…`) and functions can)
    hactl.yaml:15:47: there is no variable `x` (there are no variables)
    hactl.yaml:19:12: there is no variable `none` (there are no variables)
    hactl.yaml:21:7: an object of a manifest is a map, this is text (write `apiVersion`, `kind` and `metadata`; `---` on a line of its own stands between objects)
    hactl.yaml:23:7: an object of a manifest is a map, this is a list (write `apiVersion`, `kind` and `metadata`; `---` on a line of its own stands between objects)
    hactl.yaml:28:7: [first here hactl.yaml:27:7] the key `a` is there twice (keep one of the two)
    hactl.yaml:33:10: this is not valid YAML: mismatched bracket '[' closed by '}' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
    hactl.yaml:37:7: a tab is used for indentation (replace the tab by spaces)
    hactl.yaml:41:7: the key `$hactl` is reserved (use another name)
    hactl.yaml:43:13: [first here hactl.yaml:43:13] the key `a` is there twice (keep one of the two)
    hactl.yaml:50:15: the expression cannot be read: a value or a name is expected here (an expression is written `${…}`; `$${` stands for a literal `${`)
    wrong.yaml:3:7: this is not valid YAML: unclosed bracket '{' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
    template.yaml:2:9: there is no variable `y` (there are no variables)
    ");
}

#[test]
fn files_that_are_no_text() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), b"kind: \xff").unwrap();
    let path = directory.path().join("hactl.yaml");
    std::fs::write(&path, format!("{START}manifests: {{a: {{file: a.yaml}}}}\n")).unwrap();
    let message = load_path(&path, &VariableInputs::default()).unwrap_err();
    let message = message.replace(&directory.path().display().to_string(), "DIR");
    insta::assert_snapshot!(message, @"hactl.yaml:6:23: DIR/a.yaml: the file is not UTF-8 text: byte 6 is invalid (relative paths start at the config's directory)");
}

/// A Secret of many forms; `hunter` is in all that is secret.
const SECRET: &str = "kind: Secret
metadata:
  name: a
  annotations: {kubectl.kubernetes.io/last-applied-configuration: 'hunter1', other: open}
data: &data
  a: hunter2
  b: |
    hunter3
    hunter4
  c: \"hunter5 ${var.open}\"
stringData: {x: 'hunter6'}
datta: hunter7
";

#[test]
fn no_message_shows_what_is_in_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let indented: String = SECRET.lines().map(|line| format!("      {line}\n")).collect();
    let quoted = serde_json::to_string(SECRET).unwrap();
    let text = format!(
        "{START}variables: {{open: x}}\nmanifests:\n  map:\n    inline:\n{indented}  text:\n    inline: |\n{indented}  \
         list:\n    inline:\n    - kind: List\n      items:\n      - {{kind: Secret, data: {{a: hunter8}}}}\n  \
         quoted: {{inline: {quoted}}}\n  file: {{file: a.yaml}}\n  template: {{file: a.yaml, template: true}}\n"
    );
    let path = directory.path().join("hactl.yaml");
    let load = |text: &str, secret: &str| {
        write(directory.path(), &[("a.yaml", secret), ("hactl.yaml", text)]);
        load_path(&path, &VariableInputs::default()).unwrap()
    };
    let config = load(&text, SECRET);
    for source in 0..3 {
        let lines = config.sources.text(hactl_core::diagnostic::SourceId(source));
        assert!(!lines.contains("hunter"), "{lines}");
    }
    insta::assert_snapshot!(config.sources.text(hactl_core::diagnostic::SourceId(2)), @r#"
    kind: Secret
    metadata:
      name: a
      annotations: {kubectl.kubernetes.io/last-applied-configuration: *********, other: open}
    data: &data
      a: *******
      b: |
        *******
    ***********
    **c: "********${var.open}"
    stringData: {x: *********}
    datta: *******
    "#);
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter"), "{debug}");
    assert!(config.documents.values().all(|documents| documents[0].is_secret()));
    assert_eq!(
        config.documents["file"][0].node.at_path(&["data", "a"]).and_then(|node| node.as_str()),
        Some("hunter2")
    );

    let digest = config.digest();
    for number in 1..=8 {
        let (old, new) = (format!("hunter{number}"), "changed");
        assert_eq!(load(&text.replace(&old, new), &SECRET.replace(&old, new)).digest(), digest, "{old}");
    }
    for (old, new) in [("name: a", "name: b"), ("  c:", "  d:"), ("other: open", "other: shut"), ("datta", "dota")] {
        assert_ne!(load(&text, &SECRET.replace(old, new)).digest(), digest, "{old}");
    }
}

#[test]
fn nor_does_one_about_secrets_that_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let broken = "kind: Secret\ndata:\n  a: hunter2\n  hunter3: 1\n  hunter3: 2\n";
    let indented: String = broken.lines().map(|line| format!("      {line}\n")).collect();
    let quoted = serde_json::to_string(broken).unwrap();
    let text = format!(
        "{START}manifests:\n  block:\n    inline: |\n{indented}  quoted: {{inline: {quoted}}}\n  file: {{file: [a.yaml, b.yaml]}}\n"
    );
    write(
        directory.path(),
        &[("a.yaml", broken), ("b.yaml", "kind: Secret\ndata: {a: hunter2: x}\n"), ("hactl.yaml", &text)],
    );
    let failure = load(&directory.path().join("hactl.yaml"), SECTIONS, &VariableInputs::default()).unwrap_err();
    for source in 0..3 {
        assert!(!failure.sources.text(hactl_core::diagnostic::SourceId(source)).contains("hunter"));
    }
    let shown = show(&failure.sources, &failure.diagnostics).replace(&directory.path().display().to_string(), "DIR");
    assert!(!shown.contains("hunter"), "{shown}");
    insta::assert_snapshot!(shown, @"
    DIR/hactl.yaml:13:9: the key `…` is there twice (keep one of the two)
    DIR/hactl.yaml:14:20: the key `…` is there twice (keep one of the two)
    DIR/a.yaml:5:3: the key `…` is there twice (keep one of the two)
    DIR/b.yaml:2:18: this is not valid YAML: while parsing a flow mapping, did not find expected ',' or '}' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
    ");
}

#[test]
fn the_digest_is_that_of_the_objects() {
    let inline = |text: &str| format!("manifests:\n  a:\n    inline: |\n{text}");
    let digest = |text: &str| load_with(text, &[("a.yaml", CONFIG_MAP), ("b.yaml", CONFIG_MAP)]).unwrap().digest();
    let first = digest("manifests: {a: {file: a.yaml}}\n");
    assert_eq!(digest("manifests: {a: {file: b.yaml}}\n"), first);
    let indented: String = CONFIG_MAP.lines().map(|line| format!("      {line} # note\n")).collect();
    assert_eq!(digest(&inline(&indented)), first);
    assert_ne!(digest(&inline(&indented.replace("name: a", "name: b"))), first);
}
