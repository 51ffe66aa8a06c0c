//! The texts a config was read from, and where in them a byte stands.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hactl_core::diagnostic::{SourceId, Span};

/// Every file that was read, in the order of reading. Cheap to clone: the texts are shared.
#[derive(Clone, Default)]
pub struct SourceMap {
    sources: Vec<Arc<Source>>,
}

#[derive(Clone)]
struct Source {
    path: PathBuf,
    text: String,
    line_starts: Vec<u32>,
}

impl SourceMap {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file's text and returns its id.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: String) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let after = newlines.map(|(offset, _)| u32::try_from(offset + 1).unwrap_or(u32::MAX));
        let line_starts = std::iter::once(0).chain(after).collect();
        self.sources.push(Arc::new(Source { path: path.into(), line_starts, text }));
        id
    }

    /// The path as it was given; empty for an id of another map.
    pub fn path(&self, id: SourceId) -> &Path {
        self.get(id).map_or(Path::new(""), |source| &source.path)
    }

    /// The paths of all files, as they were given.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().map(|source| source.path.as_path())
    }

    /// The whole text; empty for an id of another map.
    pub fn text(&self, id: SourceId) -> &str {
        self.get(id).map_or("", |source| &source.text)
    }

    /// Line and column of a span's start, both counted from 1, the column in characters.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let Some(source) = self.get(span.source) else {
            return (1, 1);
        };
        let line = source.line_starts.partition_point(|start| *start <= span.start).max(1);
        let start = source.line_starts[line - 1] as usize;
        let before = source.text.get(start..span.start as usize).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// The span from a line and column, both counted from 1, the column in characters.
    pub(crate) fn span_at(&self, id: SourceId, line: usize, column: usize) -> Span {
        let text = self.text(id);
        let start = self
            .get(id)
            .and_then(|source| source.line_starts.get(line.saturating_sub(1)))
            .map_or(text.len(), |start| *start as usize);
        let rest = text.get(start..).unwrap_or("");
        let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(offset, _)| offset);
        span(id, start + within, start + within)
    }

    /// Overwrites a piece of text with `*`, so that no message can show it. Lines and lengths stay as they are.
    pub(crate) fn redact(&mut self, span: Span) {
        let Some(source) = self.sources.get_mut(span.source.0 as usize).map(Arc::make_mut) else {
            return;
        };
        if let Some(piece) = source.text.get(span.range()) {
            let stars = |byte| if byte == b'\n' { '\n' } else { '*' };
            let masked: String = piece.bytes().map(stars).collect();
            source.text.replace_range(span.range(), &masked);
        }
    }

    /// Overwrites a whole text as [`SourceMap::redact`] does.
    pub(crate) fn redact_all(&mut self, id: SourceId) {
        let end = self.text(id).len();
        self.redact(span(id, 0, end));
    }

    fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize).map(Arc::as_ref)
    }
}

/// Shows paths only: a text may hold the value of a sensitive variable.
impl fmt::Debug for SourceMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.sources.iter().map(|source| &source.path);
        f.debug_list().entries(paths).finish()
    }
}

/// A span from byte offsets; files are limited to far less than 4 GiB.
pub(crate) fn span(source: SourceId, start: usize, end: usize) -> Span {
    let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { source, start: narrow(start), end: narrow(end.max(start)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let mut sources = SourceMap::new();
        let id = sources.add("a.yaml", "a: é\n\nbü: c\n".to_owned());
        assert_eq!(sources.position(span(id, 0, 0)), (1, 1));
        assert_eq!(sources.position(span(id, 5, 5)), (1, 5));
        assert_eq!(sources.position(span(id, 6, 6)), (2, 1));
        assert_eq!(sources.position(span(id, 12, 12)), (3, 5));
        assert_eq!(sources.span_at(id, 3, 5), span(id, 12, 12));
        assert_eq!(sources.position(span(id, 99, 99)), (4, 1));
    }
}
