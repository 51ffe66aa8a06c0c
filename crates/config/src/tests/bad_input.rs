//! Configs that are wrong: what is said, where, and what to do.

use super::{START, load_path, load_text};
use crate::VariableInputs;

fn errors(text: &str) -> String {
    load_text(text).unwrap_err()
}

/// The mistakes of a config that starts with nodes.
fn errors_after_start(text: &str) -> String {
    load_text(format!("{START}{text}")).unwrap_err()
}

#[test]
fn no_yaml() {
    insta::assert_snapshot!(errors("hactl: 1\nname: [a\n"), @"hactl.yaml:2:7: this is not valid YAML: unclosed bracket '[' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)");
    insta::assert_snapshot!(errors("hactl: 1\n\tname: a\n"), @"hactl.yaml:2:1: a tab is used for indentation (replace the tab by spaces)");
    insta::assert_snapshot!(errors("hactl: 1\nnodes:\n  a:\n\t  address: x\n"), @"hactl.yaml:4:1: a tab is used for indentation (replace the tab by spaces)");
    insta::assert_snapshot!(errors("hactl: 1\nname: a: b\n"), @"hactl.yaml:2:8: this is not valid YAML: mapping values are not allowed in this context (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)");
    insta::assert_snapshot!(errors("hactl: 1\n---\nname: a\n"), @"hactl.yaml:2:1: the file holds more than one YAML document (put each document into a file of its own and name their directory with `-f`)");
    insta::assert_snapshot!(errors("hactl: 1\nname: *x\n"), @"hactl.yaml:2:7: an alias names an anchor that does not exist (define it before its use, as in `&name`; quote text that starts with `*`)");
    insta::assert_snapshot!(errors("hactl: 1\nname: !vault x\n"), @"hactl.yaml:2:14: the YAML tag `!vault` is not known (remove it, or quote text that starts with `!`)");
}

#[test]
fn empty_and_other_roots() {
    insta::assert_snapshot!(errors(""), @"hactl.yaml:1:1: the file is empty (start it with `hactl: 1` and `name: …`, or run `hactl init` to write a first one)");
    insta::assert_snapshot!(errors("# only a comment\n"), @"hactl.yaml:1:1: the file is empty (start it with `hactl: 1` and `name: …`, or run `hactl init` to write a first one)");
    insta::assert_snapshot!(errors("- a\n"), @"hactl.yaml:1:1: a config is a map, this is a list (start it with `hactl: 1` and `name: …`, or run `hactl init` to write a first one)");
}

#[test]
fn not_utf8() {
    let message = load_text(b"hactl: 1\nname: \xff\n").unwrap_err();
    assert!(
        message.contains("hactl.yaml: the file is not UTF-8 text: byte 15 is invalid (save the file as UTF-8)"),
        "{message}"
    );
}

#[test]
fn missing_files() {
    let directory = tempfile::tempdir().unwrap();
    let missing = load_path(&directory.path().join("hactl.yaml"), &VariableInputs::default()).unwrap_err();
    assert!(
        missing.contains("hactl.yaml: there is no such file (name the config with `-f`, or run `hactl init`"),
        "{missing}"
    );
    let empty = load_path(directory.path(), &VariableInputs::default()).unwrap_err();
    assert!(empty.contains("there is no `*.yaml` in the directory"), "{empty}");
}

#[test]
fn duplicate_keys() {
    insta::assert_snapshot!(errors("hactl: 1\nname: a\nname: b\nnodes:\n  n: {address: a, address: b}\n"), @r#"
hactl.yaml:3:1: [first here hactl.yaml:2:1] the key `name` is there twice (keep one of the two)
hactl.yaml:5:19: [first here hactl.yaml:5:7] the key `address` is there twice (keep one of the two)
"#);
}

#[test]
fn bombs_and_large_files() {
    let mut bomb = String::from("hactl: 1\nname: a\nx-0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("x-{level}: &a{level} [{}]\n", vec![alias; 9].join(", ")));
    }
    insta::assert_snapshot!(errors(&bomb), @"hactl.yaml:8:10: the aliases of the file expand to more than 1000000 values (write out what they repeat, or use a variable)");
    let large = format!("hactl: 1\n# {}\n", "x".repeat(50_000_000));
    let message = errors(&large);
    assert!(message.contains("the file is too large: 48 MiB, the limit is 32 MiB"), "{message}");
    insta::assert_snapshot!(errors(&format!("x-a: {}{}\n", "[".repeat(70), "]".repeat(70))), @"hactl.yaml:1:69: lists and maps are nested deeper than 64 levels (look for brackets that are not closed)");
    let deepest = format!("{START}x-a: {}{}\n", "[".repeat(60), "]".repeat(60));
    assert!(load_text(&deepest).is_ok());
    insta::assert_snapshot!(errors(&format!("x-a: {}\n", "[".repeat(100_000))), @"hactl.yaml:1:134: lists and maps are nested deeper than 64 levels (look for brackets that are not closed)");
}

#[test]
fn format_and_top_level_keys() {
    insta::assert_snapshot!(errors("name: a\n"), @"hactl.yaml:1:1: the key `hactl` is missing (start the file with `hactl: 1`, the version of its format)");
    insta::assert_snapshot!(errors("hactl: 2\nname: a\n"), @"hactl.yaml:1:1: the file is made for a newer hactl: its format is 2, this version reads 1 (update hactl)");
    insta::assert_snapshot!(errors("hactl: one\nname: \"a b\"\n"), @r#"
hactl.yaml:1:1: `hactl` is not the number of a format (write `hactl: 1`)
hactl.yaml:2:7: "a b" cannot be the name of a stack (a name starts with a letter or digit and holds letters, digits, `-`, `_` and `.`; at most 100 of them)
"#);
    insta::assert_snapshot!(errors("hactl: 1\nname: a\nnode: {}\nsecrets: {}\nx-mine: 1\ncontainers: []\nzzz: 1\n"), @"
    hactl.yaml:3:1: unknown key `node` (did you mean `nodes`?)
    hactl.yaml:6:1: `containers` is a list, expected a map of names
    hactl.yaml:7:1: unknown key `zzz` (known keys: `hactl`, `name`, `ssh`, `encryption`, `git`, `kubernetes`, `variables`, `nodes`, `registries`, `outputs`, `moved`, `removed`, `containers`, `files`, `secrets`, `manifests`)
    ");
}

#[test]
fn specs() {
    insta::assert_snapshot!(errors_after_start("\
containers:
  web:
    nodes: all
    imgae: nginx
    env: {PORT: 8080, ok: fine}
    ports: 8080
    restart: allways
    retries: 11
    timeout: 30 seconds
    privileged: yes
    command: {a: b}
    x-note: fine
    health: {htp: {port: 1}}
  api:
    nodes: all
    image:
    health:
      http: {prot: 1}
    ports: [[1]]
  job: nginx
  \"a b\": {nodes: all, image: x}
  reserved: {nodes: all, image: x, env: {$hactl: x}}
"), @r#"
hactl.yaml:9:5: unknown key `imgae` (did you mean `image`?)
hactl.yaml:10:17: `env.PORT` is a number, expected text (put it in quotes)
hactl.yaml:11:12: `ports` is a number, expected a list
hactl.yaml:12:14: `restart` cannot be `allways` (did you mean `always`?)
hactl.yaml:13:14: `retries` is 11, expected from 1 to 10
hactl.yaml:14:14: `timeout` is not valid: write a duration like `30s`
hactl.yaml:15:17: `privileged` is text, expected `true` or `false` (write `true` or `false`, without quotes)
hactl.yaml:16:14: `command` is a map, expected text or a list
hactl.yaml:18:14: unknown key `htp` in `health` (did you mean `http`?)
hactl.yaml:21:5: `image` is empty, expected text
hactl.yaml:23:14: unknown key `prot` in `health.http` (did you mean `port`?)
hactl.yaml:24:13: `ports[0]` is a list, expected text
hactl.yaml:25:8: this is text, expected a map
hactl.yaml:26:3: "a b" cannot be the name of a container (a name starts with a letter and holds letters, digits, `-` and `_`)
hactl.yaml:27:42: the key `$hactl` is reserved (use another name)
"#);
}

#[test]
fn common_keys() {
    insta::assert_snapshot!(errors_after_start("\
containers:
  a: {image: x}
  b: {image: x, nodes: everywhere}
  c: {image: x, nodes: {role: wroker}}
  d: {image: x, nodes: {label: zone=b}}
  e: {image: x, nodes: {role: lb, label: zone=a}}
  f: {image: x, nodes: [n1, n3]}
  g: {image: x, nodes: []}
  h: {image: x, nodes: {}}
  i: {image: x, nodes: {label: zone}}
  j: {image: x, nodes: all, dependsOn: [web, container.b, 'container.b[n1]']}
  l: {image: x, nodes: all, protect: maybe}
  k: {image: x, nodes: {rol: lb}}
"), @r#"
hactl.yaml:7:3: `nodes` is missing (say where it lives: `nodes: all`, `nodes: {role: …}`, `nodes: {label: key=value}` or a list of names)
hactl.yaml:8:24: `nodes` cannot be `everywhere` (allowed words: `all`)
hactl.yaml:9:31: no node has the role `wroker` (did you mean `worker`?)
hactl.yaml:10:32: no node has the label `zone=b` (did you mean `zone=a`?)
hactl.yaml:11:17: the selector chooses no node (choose at least one node, as in `nodes: all`)
hactl.yaml:12:29: there is no node `n3` (did you mean `n1`?)
hactl.yaml:13:17: the selector chooses no node (choose at least one node, as in `nodes: all`)
hactl.yaml:14:17: the selector chooses no node (choose at least one node, as in `nodes: all`)
hactl.yaml:15:32: a label is chosen by key and value (write `label: key=value`)
hactl.yaml:16:41: `web` is not an address: it is written kind.name or kind.name["key"]
hactl.yaml:16:59: `container.b[n1]` is not an address: an instance key is written ["key"]
hactl.yaml:17:38: `protect` is text, expected `true` or `false` (write `true` or `false`, without quotes)
hactl.yaml:18:25: unknown key `rol` in `nodes` (did you mean `role`?)
"#);
}

#[test]
fn nodes() {
    insta::assert_snapshot!(errors("\
hactl: 1
name: a
ssh: {user: 1, hostKeys: never, usr: x}
nodes:
  n1: {}
  'n\"2': {address: x}
  n3: {address: x, ssh: {port: 0}, labels: {zone: 1}}
  n4: 10.0.0.1
  n5: {address: x, connection: telnet}
"), @r#"
hactl.yaml:3:13: `user` is a number, expected text (put it in quotes)
hactl.yaml:3:26: `hostKeys` cannot be `never` (allowed words: `strict`, `acceptNew`)
hactl.yaml:3:33: unknown key `usr` (did you mean `user`?)
hactl.yaml:5:3: the node `n1` has no `address` (add `address:` with a host name or IP address, or `connection: local`)
hactl.yaml:6:3: "n\"2" cannot be the name of a node (a name starts with a letter or digit and holds letters, digits, `.`, `_`, `-` and `:`; at most 253 of them)
hactl.yaml:7:32: `ssh.port` is 0, expected from 1 to 65535
hactl.yaml:7:51: `labels.zone` is a number, expected text (put it in quotes)
hactl.yaml:8:7: this is text, expected a map
hactl.yaml:9:32: `connection` cannot be `telnet` (allowed words: `ssh`, `local`)
"#);
}

#[test]
fn names_of_nodes() {
    let with_name = |name: &str| load_text(format!("hactl: 1\nname: a\nnodes:\n  ? {name:?}\n  : {{address: x}}\n"));
    for name in ["n", "1", "10.0.0.1", "fe80::1", "lb-1.example_x.com", &"n".repeat(253)] {
        assert!(with_name(name).is_ok(), "{name}");
    }
    for name in ["", "-n", ".n", "_n", "::1", "a b", "a/b", "../a", "a;b", "$(a)", "a\nb", "é", &"n".repeat(254)] {
        let message = with_name(name).unwrap_err();
        let expected = format!("hactl.yaml:4:5: {name:?} cannot be the name of a node (a name starts with a letter");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn expressions() {
    insta::assert_snapshot!(errors_after_start("\
variables: {webVersion: '1', token: {default: s3cret, sensitive: true}}
containers:
  web:
    nodes: all
    image: web:${var.webVersio}
    env:
      A: '${'
      B: \"text ${1 +}\"
      C: |
        first
        second ${var.nope}
      D: '%{http_code}'
  api: {nodes: '${node.x}', image: x}
  job: {nodes: ['${var.token}'], image: x}
outputs:
  url: ${var.url}
"), @r#"
hactl.yaml:10:18: there is no variable `webVersio` (did you mean `webVersion`?)
hactl.yaml:12:11: the expression cannot be read: `${` holds nothing, or is not closed by `}` (an expression is written `${…}`; `$${` stands for a literal `${`)
hactl.yaml:13:21: the expression cannot be read: a value or a name is expected here (an expression is written `${…}`; `$${` stands for a literal `${`)
hactl.yaml:16:18: there is no variable `nope` (variables: `webVersion`, `token`)
hactl.yaml:17:11: the expression cannot be read: `%{` starts no directive (a directive is written `%{if …}…%{endif}` or `%{for …}…%{endfor}`; `%%{` stands for a literal `%{`)
hactl.yaml:18:19: `node` cannot be used here (only variables (`var.…`) and functions can)
hactl.yaml:19:17: a sensitive value cannot be used here (use plain text or a variable that is not sensitive)
hactl.yaml:21:10: there is no variable `url` (variables: `webVersion`, `token`)
"#);
}

#[test]
fn many_mistakes_are_cut() {
    let lines: String = (0..150).map(|index| format!("key{index}: 1\n")).collect();
    let shown = errors(&format!("hactl: 1\nname: a\n{lines}"));
    assert_eq!(shown.lines().count(), 101);
    assert!(shown.ends_with("and 50 more (mend those above first)\n"));
}

#[test]
fn several_files() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("a.yaml", &format!("{START}containers:\n  web: {{nodes: all, image: x}}\n"));
    write("b.yml", "hactl: 1\nname: other\ncontainers:\n  web: {nodes: all, image: y}\n");
    write("c.yaml", "containers:\n  more: {nodes: all, image: y}\n");
    write("notes.txt", "[");
    let shown = load_path(directory.path(), &VariableInputs::default()).unwrap_err();
    insta::assert_snapshot!(shown, @r#"
b.yml:2:1: [first here a.yaml:2:1] `name` is in two files (keep one of the two)
b.yml:4:3: [first here a.yaml:7:3] `web` is twice in `containers` (give one of the two another name)
c.yaml:1:1: the key `hactl` is missing (start the file with `hactl: 1`, the version of its format)
"#);
}
