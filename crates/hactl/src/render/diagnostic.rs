//! Diagnostics as text: what, where with the source line, why, and what to do.

use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::Style;
use hactl_config::SourceMap;
use hactl_core::Diagnostic;
use hactl_core::diagnostic::{Label, Severity, SourceId, Span};

/// How many lines around a place are handed to the renderer, which shows one or two of them.
const CONTEXT_LINES: usize = 2;

/// Diagnostics one after the other, each followed by an empty line.
pub(crate) fn render(diagnostics: &[Diagnostic], sources: &SourceMap, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for diagnostic in diagnostics {
        if diagnostic.labels.is_empty() {
            text.push_str(&renderer.render(&[title(diagnostic)]));
            text.push_str(&footnotes(diagnostic, color));
        } else {
            text.push_str(&renderer.render(&[group(diagnostic, sources)]));
        }
        text.push_str("\n\n");
    }
    text
}

fn title(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    Group::with_title(level.primary_title(diagnostic.summary.as_str()))
}

/// Detail and help of a diagnostic without a place: there is no source line for a margin to belong to.
fn footnotes(diagnostic: &Diagnostic, color: bool) -> String {
    let bold = if color { Style::new().bold() } else { Style::new() };
    let notes = [("note", Some(&diagnostic.detail)), ("help", diagnostic.help.as_ref())];
    let notes = notes.into_iter().filter_map(|(word, text)| Some((word, text.filter(|text| !text.is_empty())?)));
    notes.map(|(word, text)| format!("\n  {bold}{word}{bold:#}: {}", text.replace('\n', "\n        "))).collect()
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Group<'a> {
    let mut group = title(diagnostic);
    for snippet in snippets(&diagnostic.labels, sources) {
        group = group.element(snippet);
    }
    if !diagnostic.detail.is_empty() {
        group = group.element(Level::NOTE.message(diagnostic.detail.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// One snippet per file, the main place first.
fn snippets<'a>(labels: &'a [Label], sources: &'a SourceMap) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut by_source: BTreeMap<(bool, SourceId), Vec<(bool, &Label)>> = BTreeMap::new();
    let main = labels.first().map(|label| label.span.source);
    for (position, label) in labels.iter().enumerate() {
        let key = (Some(label.span.source) != main, label.span.source);
        by_source.entry(key).or_default().push((position == 0, label));
    }
    by_source.into_iter().flat_map(|((_, source), labels)| windows(source, &labels, sources)).collect()
}

/// The lines around the places in one file; far apart places get a snippet each, so that a large file costs nothing.
fn windows<'a>(
    source: SourceId,
    labels: &[(bool, &'a Label)],
    sources: &'a SourceMap,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let text = sources.text(source);
    let path = sources.path(source).display().to_string();
    labels
        .iter()
        .map(|(main, label)| {
            let (start, end, first_line) = window(text, label.span, sources);
            let kind = if *main { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = label.span.range();
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end).max(start + from) - start;
            let annotation = kind.span(from..to.max(from)).label(match label.text.as_str() {
                "" => None,
                text => Some(text),
            });
            Snippet::source(&text[start..end]).path(path.clone()).line_start(first_line).annotation(annotation)
        })
        .collect()
}

/// Byte range and first line of the text around a place.
fn window(text: &str, span: Span, sources: &SourceMap) -> (usize, usize, usize) {
    let (line, _) = sources.position(span);
    let place = (span.start as usize).min(text.len());
    let mut start = line_start(text, place);
    let mut first = line;
    for _ in 0..CONTEXT_LINES {
        if start > 0 {
            start = line_start(text, start - 1);
            first -= 1;
        }
    }
    let mut end = line_end(text, place);
    for _ in 0..CONTEXT_LINES {
        if end < text.len() {
            end = line_end(text, end + 1);
        }
    }
    (start, end, first)
}

fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| at + newline)
}
