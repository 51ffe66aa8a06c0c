//! YAML text to a tree with places. The only module that knows the YAML parser.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::thread;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::{SourceId, Span};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, MessageFormatter, Options, Spanned, UserMessageFormatter};

use crate::source::{SourceMap, span};
use crate::tree::{Data, Entry, Node};

/// The largest YAML file that is read, in bytes.
pub const FILE_LIMIT: usize = 32 * 1024 * 1024;

/// The deepest nesting of lists and maps.
const DEPTH_LIMIT: usize = 64;

/// The most values in one file, and the most that aliases may add.
const NODE_LIMIT: usize = 4_000_000;
const ALIAS_LIMIT: usize = 1_000_000;

/// The stack that the parser gets, in bytes; [`DEPTH_LIMIT`] levels take more than 2 MiB of it without optimizations.
const STACK: usize = 16 * 1024 * 1024;

/// Parses a file that was added to `sources`. Templates stay text; see [`crate::expression::parse_templates`].
///
/// Anchors, aliases and merge keys are expanded. An empty file is [`Data::Null`].
///
/// # Errors
/// When the text is no YAML, holds several documents, goes over a limit, or has a key twice; every duplicate key is
/// reported, any other mistake ends the parsing.
pub fn parse(sources: &SourceMap, source: SourceId) -> Result<Node, Vec<Diagnostic>> {
    let text = sources.text(source);
    if text.len() > FILE_LIMIT {
        return Err(vec![too_large(text.len()).at(span(source, 0, 0))]);
    }
    if is_blank(text) {
        return Ok(Node::new(span(source, 0, 0), Data::Null));
    }
    let mut node = read(text).map_err(|error| match error {
        ReadError::Yaml(error) => vec![explain(sources, source, &error)],
        ReadError::Thread(error) => vec![Diagnostic::error(format!("cannot start a thread to read YAML: {error}"))],
    })?;
    let mut finish = Finish { source, keys: HashSet::new(), duplicates: Vec::new() };
    finish.node(&mut node);
    if finish.duplicates.is_empty() { Ok(node) } else { Err(finish.duplicates) }
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

enum ReadError {
    Yaml(Error),
    Thread(std::io::Error),
}

/// Runs the parser on a stack of its own: it recurses, and the deepest nesting allowed may not fit the caller's stack.
fn read(text: &str) -> Result<Node, ReadError> {
    let parse = || serde_saphyr::from_str_with_options::<Parsed>(text, options());
    let parsed = thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, parse).map_err(ReadError::Thread)?;
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(ReadError::Yaml)
    })?;
    Ok(parsed.0)
}

fn is_blank(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#'))
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 4 * NODE_LIMIT,
            max_nodes: NODE_LIMIT,
            max_depth: DEPTH_LIMIT,
            max_documents: 1,
            max_merge_keys: 100_000,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIAS_LIMIT,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

/// Gives the nodes their source, shares equal keys and finds duplicate ones.
struct Finish {
    source: SourceId,
    keys: HashSet<Arc<str>>,
    duplicates: Vec<Diagnostic>,
}

impl Finish {
    fn node(&mut self, node: &mut Node) {
        node.span.source = self.source;
        match &mut node.data {
            Data::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Data::Map(entries) => {
                for entry in entries.iter_mut() {
                    entry.key_span.source = self.source;
                    self.share(&mut entry.key);
                    self.node(&mut entry.value);
                }
                self.find_duplicates(entries);
            }
            _ => {}
        }
    }

    fn share(&mut self, key: &mut Arc<str>) {
        match self.keys.get(key) {
            Some(known) => *key = known.clone(),
            None => {
                self.keys.insert(key.clone());
            }
        }
    }

    fn find_duplicates(&mut self, entries: &[Entry]) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let first = if entries.len() <= 16 {
                let mut before = entries[..index].iter();
                before.find(|earlier| Arc::ptr_eq(&earlier.key, &entry.key)).map(|earlier| earlier.key_span)
            } else {
                seen.insert(&entry.key, entry.key_span)
            };
            if let Some(first) = first {
                self.duplicates.push(
                    Diagnostic::error(format!("the key `{}` is there twice", entry.key))
                        .at(entry.key_span)
                        .label(first, "first here")
                        .help("keep one of the two"),
                );
            }
        }
    }
}

/// A node as it comes from the parser: its spans have no source yet.
struct Parsed(Node);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<ParsedData>::deserialize(deserializer)?;
        Ok(Self(Node::new(place(spanned.defined), spanned.value.0)))
    }
}

fn place(location: Location) -> Span {
    let at = location.span();
    let start = at.byte_offset().unwrap_or(0);
    let length = at.byte_len().unwrap_or(0);
    let narrow = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    span(SourceId(0), narrow(start), narrow(start.saturating_add(length)))
}

struct ParsedKey(Arc<str>);

impl<'de> Deserialize<'de> for ParsedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = ParsedKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<ParsedKey, E> {
        Ok(ParsedKey(text.into()))
    }
}

struct ParsedData(Data);

impl<'de> Deserialize<'de> for ParsedData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor).map(Self)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_none<E>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Data, E> {
        i64::try_from(value).map(Data::Int).map_err(|_| E::custom("a whole number is too large for 64 bits"))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Data, E> {
        if value.is_finite() { Ok(Data::Float(value)) } else { Err(E::custom("a number must be finite")) }
    }

    fn visit_str<E>(self, text: &str) -> Result<Data, E> {
        Ok(Data::String(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Parsed>()? {
            items.push(item.0);
        }
        items.shrink_to_fit();
        Ok(Data::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<ParsedKey>>()? {
            entries.push(Entry {
                key: key.value.0,
                key_span: place(key.defined),
                value: map.next_value::<Parsed>()?.0,
            });
        }
        entries.shrink_to_fit();
        Ok(Data::Map(entries))
    }
}

/// What the parser says, in this project's words where the cause is a common one.
fn explain(sources: &SourceMap, source: SourceId, error: &Error) -> Diagnostic {
    let mut error = error.without_snippet();
    let at = error.location().map_or(span(source, 0, 0), |location| {
        let line = usize::try_from(location.line()).unwrap_or(1);
        let column = usize::try_from(location.column()).unwrap_or(1);
        sources.span_at(source, line, column)
    });
    while let Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    if let Some(tab) = tab_indentation(sources, at) {
        return Diagnostic::error("a tab is used for indentation")
            .at(tab)
            .detail("YAML allows only spaces there.")
            .help("replace the tab by spaces");
    }
    let diagnostic = match error {
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } | Error::MultipleDocuments { .. } => {
            Diagnostic::error("the file holds more than one YAML document")
                .help("put each document into a file of its own and name their directory with `-f`")
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(),
        Error::Budget {
            breach:
                BudgetBreach::RecordedAnchorEvents { .. }
                | BudgetBreach::RecordedAnchorBytes { .. }
                | BudgetBreach::Aliases { .. },
            ..
        }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            Diagnostic::error(format!("the aliases of the file expand to more than {ALIAS_LIMIT} values"))
                .help("write out what they repeat, or use a variable")
        }
        Error::Budget { .. } => Diagnostic::error(format!("the file is too large: it may hold {NODE_LIMIT} values"))
            .detail(message(error))
            .help("split it into several files of one directory and name the directory with `-f`"),
        Error::NullIntoString { .. } => {
            Diagnostic::error("a key is empty").help("write the key before the colon, or quote it")
        }
        Error::UnsupportedTag { tag, .. } => {
            Diagnostic::error(format!("the YAML tag `{}` is not known", tag.escape_debug()))
                .help("remove it, or quote text that starts with `!`")
        }
        Error::UnknownAnchor { .. } => Diagnostic::error("an alias names an anchor that does not exist")
            .help("define it before its use, as in `&name`; quote text that starts with `*`"),
        _ if message(error).contains("recursion limit") => too_deep(),
        _ => Diagnostic::error(format!("this is not valid YAML: {}", message(error)))
            .help("check the indentation, and quote text that holds `: `, ` #` or starts with one of `{[*&!|>%@`"),
    };
    diagnostic.at(at)
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("lists and maps are nested deeper than {DEPTH_LIMIT} levels"))
        .help("look for brackets that are not closed")
}

fn message(error: &Error) -> String {
    let text = UserMessageFormatter.format_message(error);
    text.chars().filter(|c| !c.is_control()).collect()
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
