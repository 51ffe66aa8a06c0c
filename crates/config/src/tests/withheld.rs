//! Files that cannot be parsed: no message shows what may be a secret in them.

use std::path::PathBuf;

use super::{SECTIONS, START, show};
use crate::{VariableInputs, load};

/// All that a message about a config and a file of variables can show, with the lines at its labels.
fn shown(config: &str, variables: Option<&str>) -> String {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("hactl.yaml", config);
    let files: Vec<PathBuf> = variables.iter().map(|_| directory.path().join("variables.yaml")).collect();
    variables.iter().for_each(|text| write("variables.yaml", text));
    let given = VariableInputs { files, ..VariableInputs::default() };
    let failure = load(&directory.path().join("hactl.yaml"), SECTIONS, &given).unwrap_err();
    let mut text = show(&failure.sources, &failure.diagnostics);
    for label in failure.diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        let (line, _) = failure.sources.position(label.span);
        let line = failure.sources.text(label.span.source).lines().nth(line - 1).unwrap_or_default();
        text.push_str(&format!("    | {line}\n"));
    }
    text.replace(&directory.path().display().to_string(), "DIR")
}

#[test]
fn files_of_variables() {
    let texts = [
        "a: 1\nétoken: hunter2: x\n",
        "hunter2\n",
        "- hunter2\n",
        "token: !hunter2 x\n",
        "hunter2: 1\nhunter2: 2\n",
        "token: *hunter2\n",
        "token: \"hunter2\n",
        "token:\n\ta: hunter2\n",
        "token: hunter2\n---\nhunter2\n",
    ];
    let messages: String = texts.iter().map(|text| shown(START, Some(text))).collect();
    assert!(!messages.contains("hunter2"), "{messages}");
    insta::assert_snapshot!(messages, @r#"
DIR/variables.yaml:2:16: this is not valid YAML: mapping values are not allowed in this context (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
DIR/variables.yaml:1:1: a file of variables is a map, this is text (write one `name: value` per line)
DIR/variables.yaml:1:1: a file of variables is a map, this is a list (write one `name: value` per line)
DIR/variables.yaml:1:17: the YAML tag `…` is not known (remove it, or quote text that starts with `!`)
DIR/variables.yaml:2:1: the key `…` is there twice (keep one of the two)
DIR/variables.yaml:1:8: an alias names an anchor that does not exist (define it before its use, as in `&name`; quote text that starts with `*`)
DIR/variables.yaml:1:8: this is not valid YAML: unclosed quote (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
DIR/variables.yaml:2:1: a tab is used for indentation (replace the tab by spaces)
DIR/variables.yaml:2:1: the file holds more than one YAML document (put each document into a file of its own and name their directory with `-f`)
"#);
}

#[test]
fn variables_of_a_config() {
    let texts = [
        "variables:\n  # note: this\n\n# note: that\n  token: hunter2: x\n",
        "variables: {token: hunter2: x}\n",
        "\"variables\" :\n  token: !hunter2 x\nx-a: 1\n",
        "variables:\n  hunter2: 1\n  hunter2: 2\nx-a: 1\n",
        "variables:\n\ttoken: hunter2\n",
        "variables:\n  token: [hunter2\n",
    ];
    let messages: String = texts.iter().map(|text| shown(&format!("{START}{text}"), None)).collect();
    assert!(!messages.contains("hunter2"), "{messages}");
    insta::assert_snapshot!(messages, @r#"
DIR/hactl.yaml:10:17: this is not valid YAML: mapping values are not allowed in this context (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
DIR/hactl.yaml:6:27: this is not valid YAML: while parsing a flow mapping, did not find expected ',' or '}' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
DIR/hactl.yaml:7:19: the YAML tag `…` is not known (remove it, or quote text that starts with `!`)
DIR/hactl.yaml:8:3: the key `…` is there twice (keep one of the two)
DIR/hactl.yaml:7:1: a tab is used for indentation (replace the tab by spaces)
DIR/hactl.yaml:7:10: this is not valid YAML: unclosed bracket '[' (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
"#);
}

#[test]
fn what_is_not_among_variables_is_shown() {
    let after = shown(&format!("{START}variables:\n  token: hunter2\nx-a: b: c\n"), None);
    insta::assert_snapshot!(after, @r#"
hactl.yaml:8:7: this is not valid YAML: mapping values are not allowed in this context (check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`)
    | x-a: b: c
"#);
}
