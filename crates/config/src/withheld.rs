//! Mistakes in texts that may hold secrets: told by their place, without what stands there.

use hactl_core::Diagnostic;
use hactl_core::diagnostic::{Label, Span};

use crate::source::SourceMap;

/// The top-level keys under which secrets may stand, RKE's last.
const BLOCKS: [&str; 7] =
    ["variables", "secrets", "encryption", "registries", "manifests", "private_registries", "addons"];

/// The mistake with its place as text, and without the labels and quotations by which its lines would be shown.
pub(crate) fn without_content(mistake: Diagnostic, sources: &SourceMap) -> Diagnostic {
    let summary = without_quotation(&mistake.summary);
    let summary = match mistake.labels.first() {
        Some(label) => {
            let (line, column) = sources.position(label.span);
            format!("{}:{line}:{column}: {summary}", sources.path(label.span.source).display())
        }
        None => summary,
    };
    Diagnostic { summary, labels: Vec::new(), ..mistake }
}

/// Whether any place of a mistake is in a top-level block that may hold secrets.
///
/// For a file that cannot be parsed, so it goes by lines: from one that begins with the key to the next one that
/// begins with another key.
pub(crate) fn is_among_secrets(mistake: &Diagnostic, sources: &SourceMap) -> bool {
    let key_of = |label: &Label| last_key_until(label.span, sources);
    mistake.labels.iter().filter_map(key_of).any(|key| BLOCKS.contains(&key))
}

fn last_key_until(place: Span, sources: &SourceMap) -> Option<&str> {
    let (line, _) = sources.position(place);
    sources.text(place.source).lines().take(line).filter_map(top_level_key).last()
}

/// The key that a line has in its first column.
fn top_level_key(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start_matches('\u{feff}').split_once(':')?;
    let key = key.trim_end().trim_matches(['"', '\'']);
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    is_key.then_some(key)
}

/// A text with whatever stands between its first and its last backtick left out.
fn without_quotation(text: &str) -> String {
    match (text.find('`'), text.rfind('`')) {
        (Some(start), Some(end)) if start < end => format!("{}…{}", &text[..=start], &text[end..]),
        _ => text.to_owned(),
    }
}
