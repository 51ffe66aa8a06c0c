//! Values as YAML that reads as what they were.

use crate::yaml;

/// Text as a scalar: plain where every reader takes it for text, else in double quotes.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Text as a scalar where a config takes templates: `${` and `%{` in it stay what they are.
pub(crate) fn escaped(text: &str) -> String {
    scalar(&text.replace("${", "$${").replace("%{", "%%{"))
}

/// Text as a block that begins after its key, indented by so many spaces; in double quotes where no block can hold it.
pub(crate) fn block(text: &str, indentation: usize) -> String {
    let is_blank = text.trim_matches([' ', '\n', '\t']).is_empty();
    if is_blank || text.chars().any(|c| !matches!(c, '\n' | '\t') && needs_escape(c)) {
        return quoted(text);
    }
    let indicator = match text.starts_with([' ', '\n', '\t']) {
        // Without it the first line that is not empty would say how far the text is indented.
        true => (indentation - PARENT_INDENTATION).to_string(),
        false => String::new(),
    };
    let (content, chomping) = match text.strip_suffix('\n') {
        None => (text, "-"),
        Some(content) if content.ends_with('\n') => (content, "+"),
        Some(content) => (content, ""),
    };
    let mut block = format!("|{indicator}{chomping}");
    for line in content.split('\n') {
        block.push('\n');
        if !line.is_empty() {
            block.push_str(&" ".repeat(indentation));
            block.push_str(line);
        }
    }
    block
}

/// `[a, b]`, of scalars.
pub(crate) fn flow_list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

/// `{a: b, c: d}`, of keys and values that are written already.
pub(crate) fn flow_map<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, String)>) -> String {
    let entries = entries.into_iter().map(|(key, value)| format!("{}: {value}", key.as_ref()));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

/// How far the key of a block is indented: its text is indented from there.
const PARENT_INDENTATION: usize = 4;

fn is_plain(text: &str) -> bool {
    let can_begin = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '~' | '_');
    let can_follow = |c: char| can_begin(c) || matches!(c, '.' | '-' | '+' | '@' | ':');
    text.starts_with(can_begin) && text.chars().all(can_follow) && !text.ends_with(':') && yaml::is_text(text)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if needs_escape(c) => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character is none that YAML 1.2 prints (section 5.1), or one that YAML 1.1 takes for a line break.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SourceMap, parse_template_text};
    use proptest::prelude::*;

    /// The value of `a` in a YAML text, as text.
    fn read(text: String) -> Option<String> {
        let mut sources = SourceMap::new();
        let source = sources.add("x", text);
        let tree = yaml::parse(&sources, source).ok()?;
        Some(tree.get("a")?.as_str()?.to_owned())
    }

    #[test]
    fn what_needs_no_quotes_has_none() {
        for text in ["root", "~/.ssh/id_rsa", "10.0.0.1", "me@jump:2022", "https://a.b/c", "a-b+c_d"] {
            assert_eq!(scalar(text), text);
        }
        for text in
            ["", "~", "yes", "No", "null", "1", "0644", "1e3", "a b", "a:", "-a", "#a", "é", "<IP>", ".a", "a,b"]
        {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        assert_eq!(escaped("${a} %{b} $${c}"), r#""$${a} %%{b} $$${c}""#);
        assert_eq!(scalar("a\u{85}\u{0}\"\\\n"), r#""a\U00000085\U00000000\"\\\n""#);
    }

    #[test]
    fn blocks() {
        assert_eq!(block("a\n\n b \n", 6), "|\n      a\n\n       b ");
        assert_eq!(block(" a", 6), "|2-\n       a");
        assert_eq!(block("a\n\n", 6), "|+\n      a\n");
        assert_eq!(block("a\r\n", 6), r#""a\U0000000D\n""#);
        assert_eq!(block("\n", 6), r#""\n""#);
    }

    proptest! {
        #[test]
        fn a_scalar_is_read_as_what_it_was(text in any::<String>(), short in "[a-z0-9~.:/ _#&*!|>%@`'\"{},?-]{0,4}") {
            for text in [text, short] {
                prop_assert_eq!(read(format!("a: {}\n", scalar(&text))), Some(text.clone()));
                prop_assert_eq!(read(format!("{{a: {}, b: 1}}\n", scalar(&text))), Some(text.clone()));
                if text != "b" {
                    let as_key = format!("{{b: 1, {}: 2}}", scalar(&text));
                    let mut sources = SourceMap::new();
                    let source = sources.add("x", as_key);
                    prop_assert!(yaml::parse(&sources, source).unwrap().get(&text).is_some());
                }
            }
        }

        #[test]
        fn a_block_is_read_as_what_it_was(text in "([a-z:#-]|é|\t|\r|\u{85}|\u{2028}| |\n){0,20}") {
            let written = format!("x:\n  y:\n    a: {}\n    b: 1\n", block(&text, 6));
            let mut sources = SourceMap::new();
            let source = sources.add("x", written);
            let tree = yaml::parse(&sources, source).unwrap();
            prop_assert_eq!(tree.at_path(&["x", "y", "a"]).unwrap().as_str(), Some(&*text));
        }

        #[test]
        fn what_is_escaped_is_no_template(text in "([$%{}]|a){0,8}") {
            let read = read(format!("a: {}\n", escaped(&text))).unwrap();
            let literal = hactl_core::expr::Expr::literal(hactl_core::Value::string(&text));
            prop_assert_eq!(parse_template_text(&read).unwrap().kind, literal.kind);
        }
    }
}
