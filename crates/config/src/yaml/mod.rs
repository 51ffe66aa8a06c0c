//! YAML text to a tree with places. The only module that knows the YAML parser.

mod build;
mod origin;
mod scalar;

use granit_parser::{ErrorKind, Parser, ScanError};
use hactl_core::Diagnostic;
use hactl_core::diagnostic::{SourceId, Span};

use crate::source::{SourceMap, span};
use crate::tree::{Data, Node};
use build::Builder;
pub(crate) use origin::Origin;

/// The largest YAML file that is read, in bytes.
pub const FILE_LIMIT: usize = 32 * 1024 * 1024;

/// The deepest nesting of lists and maps.
const DEPTH_LIMIT: usize = 64;

/// The most values in one file, and the most that anchors and aliases may copy.
const NODE_LIMIT: usize = 4_000_000;
const ALIAS_LIMIT: usize = 1_000_000;

/// Parses a file that was added to `sources`. Templates stay text; see [`crate::expression::parse_templates`].
///
/// Anchors, aliases and merge keys are expanded. An empty file is [`Data::Null`]. Plain text is read by the core schema
/// of YAML 1.2 (section 10.3.2), but `0777` and `1_000` stay text, as do `yes` and `no`.
///
/// # Errors
/// When the text is no YAML, holds several documents, goes over a limit, or has a key twice; every duplicate key is
/// reported, any other mistake ends the parsing.
pub fn parse(sources: &SourceMap, source: SourceId) -> Result<Node, Vec<Diagnostic>> {
    let text = sources.text(source);
    if text.len() > FILE_LIMIT {
        return Err(vec![too_large(text.len()).at(span(source, 0, 0))]);
    }
    let mut documents = read(sources, text, &Origin::of_file(source), Dialect::Config)?;
    Ok(documents.pop().unwrap_or_else(|| Node::new(span(source, 0, 0), Data::Null)))
}

/// Parses Kubernetes objects, one or more documents: a whole file, or the text of a scalar in one. Documents without
/// content are [`Data::Null`].
///
/// Plain text is read as `kubectl` does, by YAML 1.1: `0644` is octal, `yes` and `on` are booleans.
///
/// # Errors
/// As [`parse`], but for the number of documents.
pub(crate) fn documents(sources: &SourceMap, text: &str, origin: &Origin) -> Result<Vec<Node>, Vec<Diagnostic>> {
    read(sources, text, origin, Dialect::Kubernetes)
}

/// Whether plain text stands for itself, and for no number, boolean or nothing, by the rules of YAML 1.2 and 1.1.
pub(crate) fn is_text(plain: &str) -> bool {
    matches!(scalar::kubernetes(plain), Ok(Data::String(_)))
}

/// What is read, and so what plain text stands for and how many documents there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Config,
    Kubernetes,
}

fn read(sources: &SourceMap, text: &str, origin: &Origin, dialect: Dialect) -> Result<Vec<Node>, Vec<Diagnostic>> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: 2 * DEPTH_LIMIT,
        block_nesting_limit: 2 * DEPTH_LIMIT,
    };
    let mut builder = Builder::new(dialect);
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, place) = event.map_err(|error| vec![explain(sources, origin, &error)])?;
        builder.event(event, origin.span(place.byte_range().unwrap_or(0..0))).map_err(|mistake| vec![*mistake])?;
    }
    builder.finish()
}

/// Turns the bytes of a file into text.
///
/// # Errors
/// When the file is over [`FILE_LIMIT`] or is not UTF-8; the message names the byte.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    if bytes.len() > FILE_LIMIT {
        return Err(Box::new(too_large(bytes.len())));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let diagnostic = Diagnostic::error(format!("the file is not UTF-8 text: byte {at} is invalid"));
        Box::new(diagnostic.help("save the file as UTF-8"))
    })
}

pub(crate) fn too_large(bytes: usize) -> Diagnostic {
    let mebibytes = |bytes: usize| bytes.div_ceil(1024 * 1024);
    Diagnostic::error(format!(
        "the file is too large: {} MiB, the limit is {} MiB",
        mebibytes(bytes),
        mebibytes(FILE_LIMIT)
    ))
    .help("split it into several files of one directory and name the directory with `-f`")
}

/// What the parser says, in this project's words where the cause is a common one.
fn explain(sources: &SourceMap, origin: &Origin, error: &ScanError) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or(0);
    let at = origin.span(offset..offset);
    if let Some(tab) = tab_indentation(sources, at) {
        return Diagnostic::error("a tab is used for indentation")
            .at(tab)
            .detail("YAML allows only spaces there.")
            .help("replace the tab by spaces");
    }
    let diagnostic = match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(),
        ErrorKind::UnknownAnchor => Diagnostic::error("an alias names an anchor that does not exist")
            .help("define it before its use, as in `&name`; quote text that starts with `*`"),
        _ => {
            let message: String = error.info().chars().filter(|c| !c.is_control()).collect();
            Diagnostic::error(format!("this is not valid YAML: {message}"))
                .help("check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`")
        }
    };
    diagnostic.at(at)
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("lists and maps are nested deeper than {DEPTH_LIMIT} levels"))
        .help("look for brackets that are not closed")
}

/// The first tab in the indentation of the line of an error or of one beside it.
fn tab_indentation(sources: &SourceMap, at: Span) -> Option<Span> {
    let text = sources.text(at.source);
    let (line, _) = sources.position(at);
    [line, line.saturating_sub(1), line + 1].into_iter().filter(|line| *line > 0).find_map(|line| {
        let start = sources.span_at(at.source, line, 1).start as usize;
        let indentation = text[start..].split(|c: char| c != ' ' && c != '\t').next()?;
        let tab = start + indentation.find('\t')?;
        Some(span(at.source, tab, tab + 1))
    })
}
