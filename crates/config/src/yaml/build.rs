//! From the events of the YAML parser to a tree: anchors, merge keys, limits.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, Tag};
use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;

use super::{ALIAS_LIMIT, DEPTH_LIMIT, Dialect, NODE_LIMIT, scalar, too_deep};
use crate::tree::{Data, Entry, Node};

type Built = Result<(), Box<Diagnostic>>;

/// The trees of what was read so far.
pub(super) struct Builder {
    dialect: Dialect,
    documents: Vec<Node>,
    /// The lists and maps that are not closed yet, outermost first.
    open: Vec<Open>,
    /// The items and entries of the open lists and maps, one after the other.
    items: Vec<Node>,
    entries: Vec<Entry>,
    /// What anchors name, and how many values it has.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    expanded: usize,
    /// Equal keys share one text.
    keys: HashSet<Arc<str>>,
    duplicates: Vec<Diagnostic>,
}

struct Open {
    span: Span,
    anchor: usize,
    contents: Contents,
}

enum Contents {
    /// The items from here on.
    List(usize),
    Map {
        /// The entries from here on.
        start: usize,
        key: Option<Key>,
        /// What is merged in, under which key.
        merged: Option<(Span, Node)>,
    },
}

enum Key {
    Text(Arc<str>, Span),
    /// `<<`
    Merge(Span),
}

impl Builder {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            documents: Vec::new(),
            open: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            expanded: 0,
            keys: HashSet::new(),
            duplicates: Vec::new(),
        }
    }

    /// Every document's tree, or every duplicate key.
    pub(super) fn finish(self) -> Result<Vec<Node>, Vec<Diagnostic>> {
        if self.duplicates.is_empty() { Ok(self.documents) } else { Err(self.duplicates) }
    }

    pub(super) fn event(&mut self, event: Event<'_>, at: Span) -> Built {
        match event {
            Event::DocumentStart(..) => {
                if self.dialect == Dialect::Config && !self.documents.is_empty() {
                    return fail(
                        at,
                        "the file holds more than one YAML document",
                        "put each document into a file of its own and name their directory with `-f`",
                    );
                }
                self.documents.push(Node::new(at, Data::Null));
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), at),
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", at)?;
                self.open(anchor, at, Contents::List(self.items.len()))
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", at)?;
                self.open(anchor, at, Contents::Map { start: self.entries.len(), key: None, merged: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, at: Span) -> Built {
        let is_plain = style == ScalarStyle::Plain && tag.is_none();
        if let Some(Open { contents: Contents::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            if is_plain && matches!(text, "" | "~") {
                return fail(at, "a key is empty", "write the key before the colon, or quote it");
            }
            *key = Some(if is_plain && text == "<<" {
                Key::Merge(at)
            } else {
                Key::Text(shared(&mut self.keys, text), at)
            });
            if anchor > 0 {
                self.anchors.insert(anchor, (Node::new(at, Data::String(text.into())), 1));
            }
            return Ok(());
        }
        let data = match tag {
            None if is_plain && self.dialect == Dialect::Kubernetes => scalar::kubernetes(text),
            None if is_plain => scalar::plain(text),
            None => Ok(Data::String(text.into())),
            Some(tag) => tagged(text, tag, at)?,
        };
        match data {
            Ok(data) => self.put(Node::new(at, data), anchor),
            Err(reason) => fail(at, reason, "put it in quotes if it is meant as text"),
        }
    }

    fn open(&mut self, anchor: usize, at: Span, contents: Contents) -> Built {
        if let Some(Open { contents: Contents::Map { key: None, .. }, .. }) = self.open.last() {
            return fail(at, "a key is a list or a map", "keys are text; quote a key that starts with `[` or `{`");
        }
        if self.open.len() >= DEPTH_LIMIT {
            return Err(Box::new(too_deep().at(at)));
        }
        self.open.push(Open { span: at, anchor, contents });
        Ok(())
    }

    fn close(&mut self) -> Built {
        let Some(Open { span, anchor, contents }) = self.open.pop() else {
            return Ok(());
        };
        let data = match contents {
            Contents::List(start) => Data::List(self.items.drain(start..).collect()),
            Contents::Map { start, merged, .. } => {
                if let Some((at, merged)) = merged {
                    self.merge(start, at, merged)?;
                }
                find_duplicates(&self.entries[start..], &mut self.duplicates);
                Data::Map(self.entries.drain(start..).collect())
            }
        };
        self.put(Node::new(span, data), anchor)
    }

    /// Adds a finished node to the list or map around it.
    fn put(&mut self, node: Node, anchor: usize) -> Built {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return fail(
                node.span,
                &format!("the file is too large: it may hold {NODE_LIMIT} values"),
                "split it into several files of one directory and name the directory with `-f`",
            );
        }
        if anchor > 0 {
            let size = count(&node);
            self.expand(size, node.span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.contents) {
            None => {
                if let Some(document) = self.documents.last_mut() {
                    *document = node;
                }
            }
            Some(Contents::List(_)) => self.items.push(node),
            Some(Contents::Map { key, merged, .. }) => match key.take() {
                Some(Key::Text(key, key_span)) => self.entries.push(Entry { key, key_span, value: node }),
                Some(Key::Merge(at)) if merged.is_some() => {
                    return fail(at, "the key `<<` is there twice", "merge several maps as a list: `<<: [*a, *b]`");
                }
                Some(Key::Merge(at)) => *merged = Some((at, node)),
                None => {}
            },
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, at: Span) -> Built {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return fail(at, "an alias stands inside of what it names", "take it out, or name something else");
        };
        let size = *size;
        if let Some(Open { contents: Contents::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            let Data::String(text) = &node.data else {
                return fail(at, "a key is no text", "write the key out");
            };
            *key = Some(Key::Text(shared(&mut self.keys, text), at));
            return Ok(());
        }
        self.expand(size, at)?;
        let node = self.anchors[&anchor].0.clone();
        self.put(node, 0)
    }

    fn expand(&mut self, size: usize, at: Span) -> Built {
        self.expanded += size;
        if self.expanded > ALIAS_LIMIT {
            return fail(
                at,
                &format!("the aliases of the file expand to more than {ALIAS_LIMIT} values"),
                "write out what they repeat, or use a variable",
            );
        }
        Ok(())
    }

    /// Adds the entries of merged maps (<https://yaml.org/type/merge.html>): own keys win, then those of earlier maps.
    fn merge(&mut self, start: usize, at: Span, merged: Node) -> Built {
        let maps = match merged.data {
            Data::List(maps) => maps,
            _ => vec![merged],
        };
        for map in maps {
            let Data::Map(entries) = map.data else {
                return fail(at, "`<<` merges a map or a list of maps", "name a map, as in `<<: *defaults`");
            };
            for entry in entries {
                if !self.entries[start..].iter().any(|own| own.key == entry.key) {
                    self.entries.push(entry);
                }
            }
        }
        Ok(())
    }
}

fn shared(keys: &mut HashSet<Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = keys.get(text) {
        return known.clone();
    }
    let key: Arc<str> = text.into();
    keys.insert(key.clone());
    key
}

fn find_duplicates(entries: &[Entry], duplicates: &mut Vec<Diagnostic>) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let first = if entries.len() <= 16 {
            let mut before = entries[..index].iter();
            before.find(|earlier| Arc::ptr_eq(&earlier.key, &entry.key)).map(|earlier| earlier.key_span)
        } else {
            seen.insert(&entry.key, entry.key_span)
        };
        if let Some(first) = first {
            duplicates.push(
                Diagnostic::error(format!("the key `{}` is there twice", entry.key))
                    .at(entry.key_span)
                    .label(first, "first here")
                    .help("keep one of the two"),
            );
        }
    }
}

/// What a scalar with a tag stands for; the inner error is that of a text that does not fit its tag.
fn tagged(text: &str, tag: &Tag, at: Span) -> Result<Result<Data, &'static str>, Box<Diagnostic>> {
    let core = if tag.handle() == "!" && tag.suffix().is_empty() { Some("str") } else { tag.core_suffix() };
    let fits = |data: &Data| match core {
        Some("int") => matches!(data, Data::Int(_)),
        Some("float") => matches!(data, Data::Int(_) | Data::Float(_)),
        Some("bool") => matches!(data, Data::Bool(_)),
        _ => matches!(data, Data::Null),
    };
    match core {
        Some("str") => Ok(Ok(Data::String(text.into()))),
        Some("int" | "float" | "bool" | "null") => {
            let data = scalar::plain(text);
            Ok(data.and_then(|data| if fits(&data) { Ok(data) } else { Err("the value does not fit its tag") }))
        }
        _ => Err(unknown_tag(tag, at)),
    }
}

fn check_tag(tag: Option<&Tag>, expected: &str, at: Span) -> Built {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema_tag(expected) => Err(unknown_tag(tag, at)),
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, at: Span) -> Box<Diagnostic> {
    let name: Cow<'_, str> = tag.original().into();
    Box::new(
        Diagnostic::error(format!("the YAML tag `{}` is not known", name.escape_debug()))
            .at(at)
            .help("remove it, or quote text that starts with `!`"),
    )
}

fn count(node: &Node) -> usize {
    let items = node.items().iter().map(count);
    1 + items.chain(node.entries().iter().map(|entry| count(&entry.value))).sum::<usize>()
}

fn fail(at: Span, what: &str, help: &str) -> Built {
    Err(Box::new(Diagnostic::error(what).at(at).help(help)))
}
