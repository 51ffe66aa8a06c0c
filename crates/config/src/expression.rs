//! `${…}` in the texts of a config, parsed with HCL's template syntax.

use std::sync::Arc;

use hactl_core::Diagnostic;
use hactl_core::Value;
use hactl_core::diagnostic::Span;
use hactl_core::expr::{Expr, ExprKind};

use crate::hcl;
use crate::source::{SourceMap, span};
use crate::tree::{Data, Node};

/// Why a template has no meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Byte offset in the template's text.
    pub at: u32,
}

/// Parses every text of a tree that holds a template, in place.
///
/// Text without `${` and `%{` is left alone. What cannot be parsed is reported and becomes [`Data::Invalid`].
pub fn parse_templates(node: &mut Node, sources: &SourceMap, diagnostics: &mut Vec<Diagnostic>) {
    match &mut node.data {
        Data::String(text) if is_template(text) => match parse_template_text(text) {
            Ok(expr) => {
                node.data = match expr.kind {
                    ExprKind::Literal(Value::String(text)) => Data::String(text),
                    _ => Data::Template(Arc::new(expr)),
                };
            }
            Err(error) => {
                let at = expression_span(node.span, sources.text(node.span.source), error.at);
                let diagnostic = Diagnostic::error(error.message).at(at);
                diagnostics.push(match error.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                });
                node.data = Data::Invalid;
            }
        },
        Data::List(items) => {
            for item in items {
                parse_templates(item, sources, diagnostics);
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                parse_templates(&mut entry.value, sources, diagnostics);
            }
        }
        _ => {}
    }
}

/// Parses a template: text with `${…}` and `%{…}` in it; `$${` and `%%{` are literal `${` and `%{`.
///
/// A text that is one `${…}` and nothing else yields that expression, so its value keeps its type; a text without
/// templates yields a literal. [`Expr::at`] counts bytes from the start of `text`.
///
/// # Errors
/// When the text is no valid template, or nests deeper than 64 levels.
pub fn parse_template_text(text: &str) -> Result<Expr, TemplateError> {
    if !is_template(text) {
        return Ok(Expr::literal(Value::string(text)));
    }
    let template = hcl_edit::parser::parse_template(text).map_err(|error| syntax_error(text, &error))?;
    hcl::template(&template)
}

/// The place in the file of byte `at` of a text that stands at `scalar`.
///
/// Exact where the text stands in the file as it is; for a text that YAML folded or unescaped, the start of the text.
pub fn expression_span(scalar: Span, source_text: &str, at: u32) -> Span {
    let start = scalar.start as usize;
    let Some(written) = source_text.get(scalar.range()) else {
        return scalar;
    };
    let found = offset_in_written(written, indentation(source_text, start), at as usize)
        .filter(|offset| written.is_char_boundary(*offset))
        .map(|offset| start + offset);
    match found {
        Some(found) => {
            let word = source_text[found..]
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))
                .unwrap_or(0);
            span(scalar.source, found, found + word)
        }
        None => span(scalar.source, start, start),
    }
}

fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("%{")
}

/// How many spaces stand before a block scalar's first line; none where other text does.
pub(crate) fn indentation(source_text: &str, start: usize) -> Option<usize> {
    let before = source_text.get(..start)?;
    let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
    line.bytes().all(|byte| byte == b' ').then_some(line.len())
}

fn offset_in_written(written: &str, indentation: Option<usize>, at: usize) -> Option<usize> {
    let first_line = written.lines().next().unwrap_or("");
    let quote = written.bytes().next().filter(|byte| matches!(byte, b'"' | b'\''));
    if let Some(quote) = quote {
        let inner = &first_line[1..];
        let escape = if quote == b'"' { "\\" } else { "''" };
        let verbatim = inner.find(escape).unwrap_or(inner.len());
        return (at <= verbatim).then_some(1 + at);
    }
    if at <= first_line.len() {
        return Some(at);
    }
    block_offset(written, indentation?, at)
}

/// Follows the lines of a block scalar, each without its indentation and with one byte for its line break.
fn block_offset(written: &str, indentation: usize, at: usize) -> Option<usize> {
    let mut decoded = 0;
    let mut offset = 0;
    for (index, line) in written.split_inclusive('\n').enumerate() {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let stripped = if index == 0 { 0 } else { indentation.min(spaces) };
        let content = line.len() - stripped;
        if at < decoded + content {
            return Some(offset + stripped + (at - decoded));
        }
        decoded += content;
        offset += line.len();
    }
    None
}

fn syntax_error(text: &str, error: &hcl_edit::parser::Error) -> TemplateError {
    let at = error.location().offset();
    let opened_by_percent = text[..floor(text, at + 2)]
        .rfind("%{")
        .is_some_and(|percent| text[percent..].find("${").is_none_or(|dollar| percent + dollar > at));
    let help = if opened_by_percent {
        "a directive is written `%{if …}…%{endif}` or `%{for …}…%{endfor}`; `%%{` stands for a literal `%{`"
    } else {
        "an expression is written `${…}`; `$${` stands for a literal `${`"
    };
    let rest = &text[floor(text, at)..];
    let reason = if rest.starts_with("${") {
        "`${` holds nothing, or is not closed by `}`"
    } else if rest.starts_with("%{") {
        "`%{` starts no directive"
    } else if error.message().starts_with("invalid expression;") {
        "a value or a name is expected here"
    } else {
        error.message()
    };
    TemplateError {
        message: format!("the expression cannot be read: {reason}"),
        help: Some(help.to_owned()),
        at: u32::try_from(at).unwrap_or(u32::MAX),
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use hactl_core::diagnostic::SourceId;

    fn json(text: &str) -> String {
        serde_json::to_string(&parse_template_text(text).unwrap()).unwrap()
    }

    #[test]
    fn literals_and_escapes() {
        assert_eq!(json("a $${b} %%{c}"), r#"{"literal":"a ${b} %{c}"}"#);
        assert_eq!(json("cost: $5 100%"), r#"{"literal":"cost: $5 100%"}"#);
        assert_eq!(json("${\"a\"}"), r#"{"literal":"a"}"#);
    }

    #[test]
    fn one_interpolation_keeps_its_type() {
        assert_eq!(json("${1}"), r#"{"literal":1}"#);
        assert_eq!(json("${var.a}"), r#"{"traversal":{"root":"var","steps":[{"attr":"a"}]}}"#);
    }

    #[test]
    fn traversals() {
        insta::assert_snapshot!(json("${file.site[\"n1\"].path}"), @r#"{"traversal":{"root":"file","steps":[{"attr":"site"},{"index":{"literal":"n1"}},{"attr":"path"}]}}"#);
        insta::assert_snapshot!(json("${x.web-1[*].id}"), @r#"{"traversal":{"root":"x","steps":[{"attr":"web-1"},"splat",{"attr":"id"}]}}"#);
        insta::assert_snapshot!(json("${x.*.id}"), @r#"{"traversal":{"root":"x","steps":["splat",{"attr":"id"}]}}"#);
        insta::assert_snapshot!(json("${f(x...).a[0]}"), @r#"{"access":[{"call":["f",[{"traversal":{"root":"x","steps":[]}}],true]},[{"attr":"a"},{"index":{"literal":0}}]]}"#);
    }

    #[test]
    fn operators_conditionals_and_for() {
        insta::assert_snapshot!(json("${!a && 1 + 2 * 3 <= -b ? \"x${c}\" : null}"), @r#"{"conditional":[{"binary":[{"unary":["not",{"traversal":{"root":"a","steps":[]}}]},"and",{"binary":[{"binary":[{"literal":1},"add",{"binary":[{"literal":2},"mul",{"literal":3}]}]},"lessEq",{"unary":["neg",{"traversal":{"root":"b","steps":[]}}]}]}]},{"template":[{"literal":"x"},{"traversal":{"root":"c","steps":[]}}]},{"literal":null}]}"#);
        insta::assert_snapshot!(json("${{for k, v in m : k => v... if v}}"), @r#"{"for":{"keyName":"k","valueName":"v","collection":{"traversal":{"root":"m","steps":[]}},"key":{"traversal":{"root":"k","steps":[]}},"value":{"traversal":{"root":"v","steps":[]}},"condition":{"traversal":{"root":"v","steps":[]}},"grouping":true}}"#);
        insta::assert_snapshot!(json("${[1, {a = 1, \"b\": 2, (c) = 3}]}"), @r#"{"list":[{"literal":1},{"map":[[{"literal":"a"},{"literal":1}],[{"literal":"b"},{"literal":2}],[{"traversal":{"root":"c","steps":[]}},{"literal":3}]]}]}"#);
    }

    #[test]
    fn directives_become_expressions() {
        insta::assert_snapshot!(json("a %{ if x ~} b %{~ else }c%{ endif }"), @r#"{"template":[{"literal":"a "},{"conditional":[{"traversal":{"root":"x","steps":[]}},{"template":[{"literal":"b"}]},{"template":[{"literal":"c"}]}]}]}"#);
        insta::assert_snapshot!(json("%{ for n in l ~}\n${n}\n%{ endfor ~}\n"), @r#"{"template":[{"call":["join",[{"literal":""},{"for":{"keyName":null,"valueName":"n","collection":{"traversal":{"root":"l","steps":[]}},"key":null,"value":{"template":[{"traversal":{"root":"n","steps":[]}},{"literal":"\n"}]},"condition":null,"grouping":false}}],false]}]}"#);
    }

    #[test]
    fn mistakes_have_a_place() {
        let fail = |text: &str| {
            let error = parse_template_text(text).unwrap_err();
            format!("{}: {}", error.at, error.message)
        };
        insta::assert_snapshot!(fail("a ${b"), @"4: the expression cannot be read: expected `}`");
        insta::assert_snapshot!(fail("a ${}"), @"4: the expression cannot be read: a value or a name is expected here");
        insta::assert_snapshot!(fail("${a b}"), @"4: the expression cannot be read: expected `}`");
        insta::assert_snapshot!(fail("${a +}"), @"5: the expression cannot be read: a value or a name is expected here");
        insta::assert_snapshot!(fail("%{http_code}"), @"0: the expression cannot be read: `%{` starts no directive");
    }

    #[test]
    fn depth_is_limited() {
        for open in ["[", "(", "{a=", "!", "f(", "\"${", "true ? 1 : "] {
            let text = format!("${{{}", open.repeat(10_000));
            assert!(parse_template_text(&text).is_err(), "{open}");
        }
        let sum = format!("${{{}1}}", "1 + ".repeat(10_000));
        assert!(parse_template_text(&sum).is_err());
        let deep = format!("${{{}1{}}}", "[".repeat(60), "]".repeat(60));
        assert!(parse_template_text(&deep).is_ok());
    }

    #[test]
    fn places_in_the_file() {
        let at = |written: &str, scalar: std::ops::Range<usize>, needle: &str, at: u32| {
            let found = expression_span(span(SourceId(0), scalar.start, scalar.end), written, at);
            assert!(written[found.start as usize..].starts_with(needle), "{}", &written[found.start as usize..]);
        };
        at("a: x ${var.b}", 3..13, "var.b", 4);
        at("a: \"x ${var.b}\"", 3..15, "var.b", 4);
        at("a: \"\\n ${var.b}\"", 3..16, "\"\\n", 4);
        at("a: |\n  é\n  x ${var.b}\n", 7..23, "var.b", 7);
    }
}
