//! Where a text that is parsed stands: a whole file, or a scalar in one.

use std::ops::Range;

use hactl_core::diagnostic::{SourceId, Span};

use crate::expression::indentation;
use crate::source::{SourceMap, span};
use crate::tree::Node;

/// The place of every byte of a text.
#[derive(Debug)]
pub(crate) struct Origin {
    source: SourceId,
    /// Where the text begins, in the file.
    start: usize,
    /// The lines that stand in the file as they are, in order; none where YAML made something else of the text.
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Its first byte in the text.
    in_text: usize,
    /// Its first byte in the file.
    in_file: usize,
    /// Bytes.
    length: usize,
}

impl Origin {
    /// The text is a whole file.
    pub(crate) fn of_file(source: SourceId) -> Self {
        Self { source, start: 0, lines: vec![Line { in_text: 0, in_file: 0, length: usize::MAX }] }
    }

    /// The text is a scalar's. Exact for block scalars; in quoted ones every place is where the scalar begins.
    pub(crate) fn of_scalar(sources: &SourceMap, scalar: &Node, text: &str) -> Self {
        let file = sources.text(scalar.span.source);
        let start = scalar.span.start as usize;
        let written = file.get(scalar.span.range()).unwrap_or_default();
        let lines = align(text, written, indentation(file, start).unwrap_or(usize::MAX)).unwrap_or_default();
        let lines = lines.into_iter().map(|line| Line { in_file: line.in_file + start, ..line });
        Self { source: scalar.span.source, start, lines: lines.collect() }
    }

    /// Whether places are those of the text itself, not of what it is in.
    pub(crate) fn is_exact(&self) -> bool {
        !self.lines.is_empty()
    }

    /// The place of a range of the text.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        span(self.source, self.in_file(range.start), self.in_file(range.end))
    }

    fn in_file(&self, at: usize) -> usize {
        let following = self.lines.partition_point(|line| line.in_text <= at);
        match self.lines.get(following.saturating_sub(1)) {
            Some(line) => line.in_file + at.saturating_sub(line.in_text).min(line.length),
            None => self.start,
        }
    }
}

/// The lines of a text in what is written, where each stands after its indentation; none where one does not.
///
/// Holds for `|` and for `>`: folding changes only the white space between lines.
fn align(text: &str, written: &str, indentation: usize) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    let (mut in_text, mut in_file) = (0, 0);
    for line in written.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let spaces = content.len() - content.trim_start_matches(' ').len();
        let stripped = if in_file == 0 { 0 } else { indentation.min(spaces) };
        let content = &content[stripped..];
        if !content.trim().is_empty() {
            let between = text[in_text..].find(content)?;
            if !text[in_text..in_text + between].trim().is_empty() {
                return None;
            }
            in_text += between;
            lines.push(Line { in_text, in_file: in_file + stripped, length: content.len() });
            in_text += content.len();
        }
        in_file += line.len();
    }
    text[in_text..].trim().is_empty().then_some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    /// The place of `needle` in the text of the scalar under `a`, as line and column.
    fn place(file: &str, needle: &str) -> (usize, usize) {
        let mut sources = SourceMap::new();
        let source = sources.add("x", file.to_owned());
        let tree = yaml::parse(&sources, source).unwrap();
        let scalar = tree.get("a").unwrap();
        let text = scalar.as_str().unwrap();
        let at = text.find(needle).unwrap();
        sources.position(Origin::of_scalar(&sources, scalar, text).span(at..at + needle.len()))
    }

    #[test]
    fn block_scalars_have_the_places_of_their_lines() {
        assert_eq!(place("a: |\n  b: 1\n\n    \n  é: x\n", "x"), (5, 6));
        assert_eq!(place("a: |-\n\n\n  b: 1\n  c: 2", "c"), (5, 3));
        assert_eq!(place("a: |2\n    b: 1\n  c: 2  \n", "c"), (3, 3));
        assert_eq!(place("a: |2\n    b: 1\n  c: 2  \n", "b"), (2, 5));
        assert_eq!(place("a: |+ # note\n  b: 1\r\n  c: 2\r\n\r\n", "2"), (3, 6));
        assert_eq!(place("a: >\n  {b:\n  1,\n\n    c: 2}\n", "c"), (5, 5));
        assert_eq!(place("a: >-\n  {b: 1,\n  c: 2}\n", "c"), (3, 3));
    }

    #[test]
    fn other_scalars_have_one_place() {
        assert_eq!(place("a: \"b: 1\\nc: 2\"\n", "c"), (1, 4));
        assert_eq!(place("a: 'b: 1\n\n  c: 2'\n", "c"), (1, 4));
    }
}
