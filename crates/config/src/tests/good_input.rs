//! Configs that are right, and where the values of variables come from.

use super::{START, load_path, load_text, show};
use crate::{Data, Format, Node, SourceMap, VariableInputs, editor_schema, evaluate};
use hactl_core::Value;
use hactl_core::node::{HostKeys, Method};

#[test]
fn a_whole_config() {
    let config = load_text(
        "\
hactl: 1
name: shop-${var.stage}
variables:
  stage: test
  token: {default: hunter2, sensitive: true, description: of the API}
ssh: {user: ops, keyPath: ~/.ssh/id, bastion: jump}
nodes:
  n1: {address: 10.0.0.1, roles: [worker], ssh: {port: 2222, hostKeys: acceptNew}}
  n2: {connection: local, labels: {zone: a}}
containers:
  web: &web
    nodes: {role: worker}
    image: web:${var.stage}
    env: {TOKEN: '${var.token}'}
    dependsOn: [file.site, 'file.site[\"n1\"]']
    protect: true
    ignoreChanges: [env.TOKEN]
    adopt: true
  other:
    <<: *web
    nodes: {label: zone=a}
  both: {nodes: [n2, n1], image: x}
x-notes: ${not evaluated
outputs:
  url: https://${var.stage}
  map: {value: 1, sensitive: true, description: d}
"
        .replace("x-notes: ${not evaluated\n", ""),
    )
    .unwrap();
    assert_eq!((config.name.as_str(), config.format), ("shop-test", Format::Native));
    let n1 = &config.nodes["n1"].connection;
    assert_eq!((n1.address.as_str(), n1.user.as_deref(), n1.port), ("10.0.0.1", Some("ops"), Some(2222)));
    assert_eq!((n1.bastion.as_deref(), n1.host_keys), (Some("jump"), HostKeys::AcceptNew));
    assert_eq!(config.nodes["n2"].connection.method, Method::Local);
    let selected: Vec<_> = config
        .declarations
        .iter()
        .map(|declaration| (declaration.name.as_str(), declaration.selector.join(",")))
        .collect();
    assert_eq!(selected, [("web", "n1".to_owned()), ("other", "n2".to_owned()), ("both", "n1,n2".to_owned())]);
    let web = &config.declarations[0];
    assert_eq!(
        web.depends_on.iter().map(|(address, _)| address.as_str()).collect::<Vec<_>>(),
        ["file.site", "file.site[\"n1\"]"]
    );
    assert!(web.protect && web.adopt && *web.ignore_changes == ["env.TOKEN".to_owned()]);
    assert!(web.body.get("nodes").is_none());

    let mut mistakes = Vec::new();
    let body = evaluate(&web.body, &config.variable_scope(), &config.sources, &mut mistakes);
    assert_eq!(show(&config.sources, &mistakes), "");
    assert_eq!(body.get("image").and_then(Node::as_str), Some("web:test"));
    assert!(
        matches!(body.at_path(&["env", "TOKEN"]).map(|node| &node.data), Some(Data::Deferred(deferred)) if deferred.sensitive)
    );
    assert!(!format!("{config:?} {body:?}").contains("hunter2"));
    let outputs: Vec<_> = config.outputs.iter().map(|output| (output.name.as_str(), output.sensitive)).collect();
    assert_eq!(outputs, [("url", false), ("map", true)]);
}

#[test]
fn the_digest_sees_what_is_wanted_only() {
    let digest = |text: &str| load_text(text).unwrap().digest();
    let variables = |value: &str| format!("{START}variables: {{t: {{default: {value}, sensitive: true}}}}\n");
    assert_eq!(digest(&variables("a")), digest(&variables("b")));
    let one = format!("{START}containers:\n  a: {{nodes: all, image: x}}\n  b: {{nodes: all, image: x}}\n");
    let two = format!("{START}# a note\ncontainers:\n  b: {{image: x, nodes: all}}\n  a: {{nodes: all, image: x}}\n");
    assert_eq!(digest(&one), digest(&two));
    assert_ne!(digest(&one), digest(&one.replace("image: x}\n  b", "image: y}\n  b")));
}

#[test]
fn yaml_keeps_what_looks_like_text() {
    let mut sources = SourceMap::new();
    let id = sources.add("x", "{a: 0777, b: yes, c: 1_000, d: 1.5, e: true, 80: x, true: y, f: 0x10, g: ~}".to_owned());
    let node = crate::yaml::parse(&sources, id).unwrap();
    insta::assert_debug_snapshot!(node.to_value(), @r#"
{
    "80": "x",
    "a": "0777",
    "b": "yes",
    "c": "1_000",
    "d": 1.5,
    "e": true,
    "f": 16,
    "g": null,
    "true": "y",
}
"#);
}

fn with_variables(given: VariableInputs) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hactl.yaml");
    let text = "hactl: 1\nname: a\nvariables:\n  text: default\n  number: 1\n  flag: false\n  list: [a]\n  needed: {description: d}\n  secret: {default: 7, sensitive: true}\n";
    std::fs::write(&path, text).unwrap();
    std::fs::write(directory.path().join("one.yaml"), "text: from one\nnumber: 2\n").unwrap();
    std::fs::write(directory.path().join("two.yaml"), "number: 3\nneeded: x\n").unwrap();
    std::fs::write(directory.path().join("bad.yaml"), "text: 1.4\nnumbre: 3\nneeded: x\n").unwrap();
    let files = given.files.iter().map(|file| directory.path().join(file)).collect();
    let config = load_path(&path, &VariableInputs { files, ..given })?;
    let shown: Vec<String> = config.variables.iter().map(|(name, variable)| format!("{name}={variable:?}")).collect();
    Ok(format!("{}\n{}", shown.join(" "), show(&config.sources, &config.warnings)))
}

#[test]
fn precedence_of_variables() {
    let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let environment = |items: &[(&str, &str)]| {
        items.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    insta::assert_snapshot!(with_variables(VariableInputs {
        assignments: texts(&["number=5", "list=[x, y]"]),
        files: vec!["one.yaml".into(), "two.yaml".into()],
        environment: environment(&[("HACTL_VAR_text", "env"), ("HACTL_VAR_flag", "true"), ("HACTL_VAR_falg", "true"), ("HOME", "/")]), ..VariableInputs::default() }).unwrap(), @r#"
text="from one" number=5 flag=true list=["x", "y"] needed="x" secret=(sensitive)
the environment sets `falg`, but there is no such variable (did you mean `flag`?)
"#);
    insta::assert_snapshot!(with_variables(VariableInputs {
        assignments: texts(&["number=five", "flag=yes", "secret=hunter2", "nubmer=1", "oops"]),
        files: vec!["bad.yaml".into()],
        environment: Vec::new(), ..VariableInputs::default() }).unwrap_err(), @r#"
`--var` takes `name=value`, but there is no `=`
`--var` sets `nubmer`, but there is no such variable (did you mean `number`?)
hactl.yaml:5:3: the variable `number` is a number, but `--var` gives something else
hactl.yaml:6:3: the variable `flag` is a boolean, but `--var` gives something else
hactl.yaml:9:3: the variable `secret` is a number, but `--var` gives something else
bad.yaml:1:1: [its default decides the type hactl.yaml:4:3] the variable `text` is text, but the file has a number
bad.yaml:2:1: the file sets `numbre`, but there is no such variable (did you mean `number`?)
"#);
    insta::assert_snapshot!(with_variables(VariableInputs::default()).unwrap_err(), @"hactl.yaml:8:3: the variable `needed` has no value (pass `--var needed=…`, set HACTL_VAR_needed, name a file with `--var-file`, or give it a `default`)");
}

#[test]
fn selectors_may_use_variables() {
    let config = load_text(format!(
        "{START}variables: {{role: lb}}\ncontainers:\n  a: {{nodes: {{role: '${{var.role}}'}}, image: x}}\n"
    ))
    .unwrap();
    assert_eq!(*config.declarations[0].selector, ["n1".to_owned()]);
}

#[test]
fn a_file_can_be_no_template() {
    let config = load_text(format!(
        "{START}files:\n  f: {{nodes: all, path: '/${{1}}', template: false, content: 'a ${{ b'}}\n"
    ))
    .unwrap();
    let body = &config.declarations[0].body;
    assert_eq!(body.get("content").and_then(Node::as_str), Some("a ${ b"));
    assert!(body.get("path").is_some_and(Node::has_templates));
}

#[test]
fn no_message_can_show_a_sensitive_value() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write(
        "hactl.yaml",
        "hactl: 1\nname: ${var.token}\nvariables: {a: {sensitive: true}, token: {default: [hunter2], sensitive: true}}\n",
    );
    write("secrets.yaml", "token: {user: hunter3}\ntokne: hunter4\n");
    write("broken.yaml", "token: hunter5: x\n");
    let given = VariableInputs {
        assignments: vec!["other=hunter6".to_owned(), "a=hunter7".to_owned()],
        files: ["secrets.yaml", "broken.yaml"].iter().map(|name| directory.path().join(name)).collect(),
        environment: Vec::new(),
        ..VariableInputs::default()
    };
    assert!(!format!("{given:?}").contains("hunter"));
    let failure = crate::load(&directory.path().join("hactl.yaml"), super::SECTIONS, &given).unwrap_err();
    assert!(!format!("{failure:?}").contains("hunter"));
    let places = failure.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels);
    for label in places {
        let (line, _) = failure.sources.position(label.span);
        let shown = failure.sources.text(label.span.source).lines().nth(line - 1).unwrap_or("");
        assert!(!shown.contains("hunter"), "{shown}");
    }
    assert_eq!(failure.diagnostics.len(), 4, "{}", show(&failure.sources, &failure.diagnostics));
}

#[test]
fn declarations_of_variables() {
    let message = load_text(format!(
        "{START}variables:\n  a: {{x: 1}}\n  b: '${{var.a}}'\n  c d: 1\n  e: {{sensitive: maybe}}\n"
    ))
    .unwrap_err();
    insta::assert_snapshot!(message, @r#"
hactl.yaml:7:7: unknown key `x` (known keys: `default`, `description`, `sensitive`)
hactl.yaml:8:3: the variable `b` cannot use `${…}` (put the expression where the variable is used; `$${` stands for a literal `${`)
hactl.yaml:9:3: `c d` cannot be the name of a variable (a name starts with a letter and holds letters, digits, `-` and `_`)
hactl.yaml:10:7: `sensitive` is text, expected `true` or `false`
"#);
}

#[test]
fn files_are_read_once_and_relative_to_the_config() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(directory.path().join(name), text).unwrap();
    write("hactl.yaml", format!("{START}files:\n  f: {{nodes: all, path: /x, content: '${{file(\"a.txt\")}}${{templatefile(\"b.tpl\", {{n = 1}})}}'}}\n").as_bytes());
    write("a.txt", b"hello ");
    write("b.tpl", b"n=${n}");
    write("binary", b"\xff");
    write("bad.tpl", b"a\n${\n");
    let config = load_path(&directory.path().join("hactl.yaml"), &VariableInputs::default()).unwrap();
    let before = config.digest();
    let mut mistakes = Vec::new();
    let body = evaluate(&config.declarations[0].body, &config.variable_scope(), &config.sources, &mut mistakes);
    assert_eq!(show(&config.sources, &mistakes), "");
    assert_eq!(body.get("content").map(Node::to_value), Some(Value::from("hello n=1")));
    assert_ne!(config.digest(), before);
    write("a.txt", b"changed");
    assert_eq!(&*config.inputs.text("a.txt").unwrap(), "hello ");
    let error = |path: &str| config.inputs.template(path).unwrap_err().message;
    assert_eq!(error("none"), "cannot read the file `none`: there is no such file");
    assert_eq!(error("binary"), "the file `binary` is not UTF-8 text: byte 0 is invalid");
    assert!(error("bad.tpl").starts_with("`bad.tpl` line 2: the expression cannot be read"), "{}", error("bad.tpl"));
}

#[test]
fn the_schema_for_editors() {
    let schema = editor_schema(super::SECTIONS);
    let container = &schema["properties"]["containers"]["additionalProperties"]["properties"];
    insta::assert_json_snapshot!(container["retries"], @r#"
{
  "description": "How many times to try.",
  "anyOf": [
    {
      "type": [
        "integer",
        "null"
      ],
      "format": "uint8",
      "minimum": 1,
      "maximum": 10
    },
    {
      "type": "string",
      "pattern": "\\$\\{"
    }
  ]
}
"#);
    insta::assert_json_snapshot!(container["image"], @r#"
{
  "type": "string",
  "description": "The image to run."
}
"#);
    insta::assert_json_snapshot!(container["nodes"], @r##"
{
  "description": "The nodes it lives on: `all`, `{role: x}`, `{label: key=value}`, or a list of names.",
  "anyOf": [
    {
      "$ref": "#/$defs/container.SelectorSpec"
    },
    {
      "type": "string",
      "pattern": "\\$\\{"
    }
  ]
}
"##);
    insta::assert_json_snapshot!(schema["$defs"]["container.MatchSpec"], @r#"
{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "role": {
      "description": "A role that the node has.",
      "anyOf": [
        {
          "type": [
            "string",
            "null"
          ]
        },
        {
          "type": "string",
          "pattern": "\\$\\{"
        }
      ]
    },
    "label": {
      "description": "A label that the node has, as `key=value`.",
      "anyOf": [
        {
          "type": [
            "string",
            "null"
          ]
        },
        {
          "type": "string",
          "pattern": "\\$\\{"
        }
      ]
    }
  },
  "patternProperties": {
    "^x-": true
  }
}
"#);
}
