//! A page of indented lines, coloured or not.

use anstyle::{AnsiColor, Style};

/// The most names that a list shows in full.
const WHOLE_LIST: usize = 8;
/// How many names a longer list begins with.
const SHOWN: usize = 3;

/// What a line is, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Added,
    Changed,
    Removed,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Added => AnsiColor::Green.on_default(),
            Self::Changed => AnsiColor::Yellow.on_default(),
            Self::Removed => AnsiColor::Red.on_default(),
        }
    }

    /// The tone of a line that begins with `+`, `-` or `~`.
    pub(super) fn of(sign: char) -> Self {
        match sign {
            '+' => Self::Added,
            '-' => Self::Removed,
            '~' => Self::Changed,
            _ => Self::Plain,
        }
    }
}

/// Lines of text.
pub(super) struct Page {
    text: String,
    color: bool,
}

impl Page {
    pub(super) fn new(color: bool) -> Self {
        Self { text: String::new(), color }
    }

    /// Another page of the same colours, to be added later.
    pub(super) fn empty(&self) -> Self {
        Self::new(self.color)
    }

    /// Adds a line, indented by a number of columns.
    pub(super) fn line(&mut self, indent: usize, tone: Tone, line: impl AsRef<str>) {
        let line = line.as_ref().trim_end();
        self.text.extend(std::iter::repeat_n(' ', if line.is_empty() { 0 } else { indent }));
        if self.color && tone != Tone::Plain {
            let style = tone.style();
            self.text.push_str(&format!("{style}{line}{style:#}"));
        } else {
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// Adds lines that another page made.
    pub(super) fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Sets what follows apart by an empty line.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Names in a row, a long row cut: `node001, node002, node003, … and 95 more (98)`.
pub(super) fn row(names: &[&str]) -> String {
    if names.len() <= WHOLE_LIST {
        return names.join(", ");
    }
    format!("{}, … and {} more ({})", names[..SHOWN].join(", "), names.len() - SHOWN, names.len())
}

/// Instances of one resource: `container.web on node1, node2`. Each is given by its key and its node.
pub(super) fn instances(resource: &str, members: &[(Option<&str>, Option<&str>)]) -> String {
    let keys: Vec<&str> = members.iter().filter_map(|(key, _)| *key).collect();
    if keys.is_empty() {
        return match members {
            [(None, Some(node))] => format!("{resource} on {node}"),
            _ => resource.to_owned(),
        };
    }
    let on_nodes = members.iter().all(|(key, node)| key == node);
    if on_nodes {
        return format!("{resource} on {}", row(&keys));
    }
    let quoted: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    format!("{resource}[{}]", row(&quoted.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// `1 resource`, `2 resources`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_are_cut() {
        let names: Vec<String> = (1..=98).map(|number| format!("node{number:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(row(&names), "node001, node002, node003, … and 95 more (98)");
        assert_eq!(row(&names[..2]), "node001, node002");
    }

    #[test]
    fn instances_are_named_by_node_or_key() {
        assert_eq!(instances("file.a", &[(Some("n1"), Some("n1")), (Some("n2"), Some("n2"))]), "file.a on n1, n2");
        assert_eq!(instances("manifest.a", &[(Some("Deployment/x"), None)]), "manifest.a[\"Deployment/x\"]");
        assert_eq!(instances("secret.a", &[(None, None)]), "secret.a");
    }

    #[test]
    fn colour_is_only_added() {
        let mut page = Page::new(true);
        page.line(2, Tone::Added, "+ x");
        assert_eq!(page.finish(), "  \u{1b}[32m+ x\u{1b}[0m\n");
    }
}
