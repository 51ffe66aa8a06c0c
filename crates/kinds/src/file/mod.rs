//! `file`: a file on a host.

mod provider;

use hactl_config::{NODE_KEYS, Node, Section, Source};
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Diagnostic, Digest, eval};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::{decode, refuse_sensitive};
use crate::formats::{self, FORMATS};
use crate::registry::{Draft, Kind, Lowered};
use crate::secret;
use crate::text::Text;

pub(crate) use provider::{execute, observe, requests};

pub(crate) const KIND: Kind = Kind {
    section: Section {
        key: "files",
        kind: "file",
        schema: || schemars::schema_for!(FileSpec).to_value(),
        formats: FORMATS,
        on_nodes: true,
        node_keys: NODE_KEYS,
    },
    outputs: &[],
    shows_spec: true,
    derived,
    named: |_| Vec::new(),
    validates: true,
    lower,
    per_node: |body: &Node| body.get("template").is_some(),
    composite: false,
};

pub(crate) const RULES: KindRules = KindRules {
    kind: "file",
    replacement: Replacement::DeleteThenCreate,
    generations: false,
    in_place: InPlace::Fields(&["content", "sha256", "size", "source", "mode", "owner", "group", "tmpfs"]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims: |spec| spec.get("path").and_then(Value::as_str).map(|path| format!("path {path}")).into_iter().collect(),
};

/// The largest content, in bytes, that is kept in plans and state as text; of more only the digest is.
const MAX_INLINE: u64 = 64 * 1024;

/// A file on each of its nodes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileSpec {
    /// Where it is on the host; missing parent directories are made.
    #[schemars(extend("format" = "absolute-path"))]
    path: String,
    /// The content.
    content: Option<Text>,
    /// A file beside the config whose bytes are the content.
    source: Option<String>,
    /// A file beside the config whose text, with its `${…}` evaluated, is the content; or `false`, which leaves the
    /// text of `content` alone.
    template: Option<TemplateSpec>,
    /// Permission bits in octal; where left out "0600" with sensitive content, else "0644".
    #[schemars(extend("format" = "mode"))]
    mode: Option<String>,
    /// The owner's name or number; the connecting user where left out.
    owner: Option<Text>,
    /// The group's name or number; the owner's group where left out.
    group: Option<Text>,
    /// Refuse to write it to a disk: it must lie on a tmpfs of its host, as below /run.
    #[serde(default)]
    tmpfs: bool,
}

/// A template file, or none at all.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum TemplateSpec {
    /// The file's path.
    Path(String),
    /// `false`: the content is no template.
    Off(#[expect(dead_code, reason = "acted on where the config is read")] bool),
}

/// `directory`: the parent directory of `path`, to mount where the file is replaced while a container uses it. A mount
/// of the file alone would go on showing the old one.
fn derived(_: &Address, spec: &Value) -> Map {
    let path = spec.get("path").and_then(Value::as_str);
    let directory = path.and_then(|path| path.rsplit_once('/')).map(|(directory, _)| directory);
    let directory = directory.map(|directory| if directory.is_empty() { "/" } else { directory });
    directory.map(|directory| ("directory".to_owned(), Value::from(directory))).into_iter().collect()
}

fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Lowered> {
    let spec: FileSpec = decode(draft, diagnostics)?;
    let template = match &spec.template {
        Some(TemplateSpec::Path(path)) => Some(path),
        _ => None,
    };
    let content = match (&spec.content, &spec.source, template) {
        (Some(content), None, None) => Content::Text(content.value().clone()),
        (None, Some(source), None) => from_source(draft, source, diagnostics)?,
        (None, None, Some(path)) => from_template(draft, path, diagnostics)?,
        (None, None, None) => {
            diagnostics.push(
                Diagnostic::error("the file has no content")
                    .at(draft.span)
                    .help("give it one of `content`, `source` or `template`; an empty file has `content: \"\"`"),
            );
            return None;
        }
        _ => {
            diagnostics.push(
                Diagnostic::error("`content`, `source` and `template` exclude each other")
                    .at(draft.span)
                    .help("keep one of them"),
            );
            return None;
        }
    };
    let mode = mode(draft, spec.mode.as_deref(), &content, diagnostics);
    let mut map = Map::from([("path".to_owned(), Value::from(spec.path)), ("mode".to_owned(), Value::from(mode))]);
    if spec.tmpfs {
        map.insert("tmpfs".to_owned(), Value::Bool(true));
    }
    for (key, text) in [("owner", spec.owner), ("group", spec.group)] {
        if let Some(text) = text {
            refuse_sensitive(draft, &[key], text.value(), diagnostics);
            map.insert(key.to_owned(), text.value().clone());
        }
    }
    content.put(&mut map);
    Some(Lowered::plain(map))
}

/// The permission bits; warns where they let others read what is secret. Certificates are sensitive, but no secret.
fn mode(draft: &Draft<'_>, given: Option<&str>, content: &Content, diagnostics: &mut Vec<Diagnostic>) -> String {
    let default = if content.is_sensitive() { "0600" } else { "0644" };
    let mode = given.and_then(|mode| formats::mode(mode).ok()).unwrap_or_else(|| default.to_owned());
    let readers = match u32::from_str_radix(&mode, 8).unwrap_or_default() {
        bits if bits & 0o004 != 0 => "everybody on the host",
        bits if bits & 0o040 != 0 => "its group",
        _ => return mode,
    };
    if content.is_sensitive() && !content.is_public(draft) {
        let span = draft.body.get("mode").map_or(draft.span, |node| node.span);
        diagnostics.push(
            Diagnostic::warning(format!("the file holds a secret, and its mode \"{mode}\" lets {readers} read it"))
                .at(span)
                .help("leave `mode` out, which makes it \"0600\", and set `owner` to the user that reads it"),
        );
    }
    mode
}

enum Content {
    /// Kept as it is: text, or what stands for it.
    Text(Value),
    /// Kept as a digest; read again from the file at apply.
    Bytes { source: String, sha256: Digest, size: u64 },
}

impl Content {
    fn is_sensitive(&self) -> bool {
        matches!(self, Self::Text(text) if text.is_sensitive())
    }

    /// Whether all that is sensitive in it are certificates and public keys, which are shown to everybody anyway.
    fn is_public(&self, draft: &Draft<'_>) -> bool {
        let Self::Text(Value::Deferred(deferred)) = self else { return false };
        let mut is_public = true;
        deferred.expr.walk(&mut |part| is_public &= secret::is_public(part, draft.known));
        is_public
    }

    fn put(self, map: &mut Map) {
        match self {
            Self::Text(text) => {
                map.insert("content".to_owned(), text);
            }
            Self::Bytes { source, sha256, size } => {
                map.insert("source".to_owned(), Value::from(source));
                map.insert("sha256".to_owned(), Value::from(sha256.to_string()));
                map.insert("size".to_owned(), Value::Int(size as i64));
            }
        }
    }
}

fn from_source(draft: &Draft<'_>, source: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Content> {
    match draft.config.inputs.source(source, MAX_INLINE) {
        Ok(Source::Small(bytes)) => Some(match std::str::from_utf8(&bytes) {
            Ok(text) => Content::Text(Value::from(text)),
            Err(_) => {
                let (sha256, size) = (Digest::sha256(&bytes), bytes.len() as u64);
                Content::Bytes { source: source.to_owned(), sha256, size }
            }
        }),
        Ok(Source::Large { sha256, size }) => Some(Content::Bytes { source: source.to_owned(), sha256, size }),
        Err(error) => {
            diagnostics.push(at_key(draft, "source", error));
            None
        }
    }
}

fn from_template(draft: &Draft<'_>, path: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Content> {
    let rendered = draft.scope.template(path).and_then(|expr| eval::eval(&expr, draft.scope));
    match rendered {
        Ok(value @ (Value::String(_) | Value::Deferred(_))) => Some(Content::Text(value)),
        Ok(other) => {
            diagnostics
                .push(Diagnostic::error(format!("{path} yields {}, not text", other.type_name())).at(draft.span));
            None
        }
        Err(mut error) => {
            if let Some(at) = error.at.take() {
                let line = draft
                    .config
                    .inputs
                    .text(path)
                    .map_or(1, |text| text.bytes().take(at as usize).filter(|byte| *byte == b'\n').count() + 1);
                error.message = format!("{path}:{line}: {}", error.message);
            }
            diagnostics.push(at_key(draft, "template", error));
            None
        }
    }
}

fn at_key(draft: &Draft<'_>, key: &str, error: eval::EvalError) -> Diagnostic {
    let span = draft.body.get(key).map_or(draft.span, |node| node.span);
    let mut diagnostic = Diagnostic::error(error.message).at(span);
    diagnostic.help = error.help;
    diagnostic
}
