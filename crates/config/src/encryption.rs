//! Who can read the secrets in a stack's state: what stands under `encryption:`.

use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::Decoder;
use crate::evaluate::evaluate;
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::variables::VariableScope;

/// Whose keys the secrets in the state are encrypted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The recipients, in the order of the config; at least one, none of them twice.
    pub recipients: Vec<Recipient>,
    /// The key `encryption` in the config.
    pub span: Span,
}

/// A public key that secrets are encrypted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// `age1…`, or an SSH public key as in `authorized_keys`: type, base64, and a comment where it has one.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// Who can read the secrets in the state.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EncryptionSpec {
    /// Public keys: `age1…`, or SSH keys as in `authorized_keys` (`ssh-ed25519 AAAA… comment`, `ssh-rsa AAAA…`).
    recipients: Vec<String>,
}

/// Takes every text that is no public key out of what messages can show.
pub(crate) fn redact(node: &Node, sources: &mut SourceMap) {
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| redact(item, sources)),
        Data::Map(entries) => entries.iter().for_each(|entry| redact(&entry.value, sources)),
        Data::String(text) if check(text).is_err() => sources.redact(node.span),
        _ => {}
    }
}

/// Reads the key; none where something is wrong with it, which is then reported.
pub(crate) fn read(
    entry: &Entry,
    scope: &VariableScope<'_>,
    sources: &SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Encryption> {
    let before = diagnostics.len();
    let value = evaluate(&entry.value, scope, sources, diagnostics);
    let spec = Decoder::<EncryptionSpec>::new().decode(&value, entry.key_span, diagnostics)?;
    let list = value.entry("recipients")?;
    let place = |item: Option<&Node>| item.map_or(list.key_span, |item| item.span);
    let mut recipients: Vec<Recipient> = Vec::new();
    for (index, text) in spec.recipients.into_iter().enumerate() {
        let span = place(list.value.items().get(index));
        let text = text.trim().to_owned();
        if let Err(Wrong { summary, help }) = check(&text) {
            diagnostics.push(Diagnostic::error(summary).at(span).help(help));
        } else if let Some(first) = recipients.iter().find(|first| key_of(&first.text) == key_of(&text)) {
            diagnostics.push(
                Diagnostic::error("the recipient is there twice")
                    .at(span)
                    .label(first.span, "first here")
                    .help("take one of the two out"),
            );
        } else {
            recipients.push(Recipient { text, span });
        }
    }
    if recipients.is_empty() && diagnostics.len() == before {
        diagnostics.push(
            Diagnostic::error("`recipients` is empty").at(list.key_span).help(
                "name at least one public key, or take `encryption` out: your own identity is then the recipient",
            ),
        );
    }
    (diagnostics.len() == before).then_some(Encryption { recipients, span: entry.key_span })
}

struct Wrong {
    summary: String,
    help: &'static str,
}

/// Whether a text has the form of a recipient. What is wrong is told without the text: it may be a private key.
fn check(text: &str) -> Result<(), Wrong> {
    /// What the base64 of a key begins with: the length of its type and the type, as RFC 4253 (6.6) has it.
    const SSH_TYPES: [(&str, &str); 2] = [("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5"), ("ssh-rsa", "AAAAB3NzaC1yc2E")];
    let wrong = |summary: &str, help| Err(Wrong { summary: summary.to_owned(), help });
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    if upper.contains("AGE-SECRET-KEY-") || upper.contains("PRIVATE KEY") {
        return wrong(
            "a private key stands among the recipients",
            "write its public key: `age-keygen -y FILE` prints the one of an age identity, an SSH key has it in its \
             `.pub` file; and replace this private key, which is no secret any more",
        );
    }
    let mut words = text.split_ascii_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    if let Some((_, start)) = SSH_TYPES.iter().find(|(name, _)| *name == first) {
        return match second {
            Some(key) if key.starts_with(start) && key.len() >= 68 => Ok(()),
            _ => wrong(
                "the SSH public key is not whole",
                "copy the whole line of the `.pub` file: type, base64 and comment",
            ),
        };
    }
    if first.starts_with("ecdsa-") || first.starts_with("sk-") || first == "ssh-dss" {
        return wrong(
            "nothing can be encrypted to an SSH key of this type",
            "take an ssh-ed25519 or ssh-rsa key, or make an age key with `age-keygen`",
        );
    }
    match text.strip_prefix("age1") {
        Some(data) if data.contains('1') => wrong(
            "the recipient needs an age plug-in, and hactl runs none",
            "take a plain age key, as `age-keygen` makes it, or an SSH key",
        ),
        // Bech32 of 32 bytes, as https://age-encryption.org/v1 has it.
        Some(data) if data.len() != 58 || !data.chars().all(|c| "qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(c)) => {
            Err(Wrong {
                summary: format!(
                    "the age public key is not whole: one has 62 lower-case letters and digits, this text has {}",
                    text.chars().count()
                ),
                help: "copy it again; `age-keygen -y FILE` prints the public key of an identity",
            })
        }
        Some(_) => Ok(()),
        None => wrong(
            "this is not a public key",
            "write `age1…`, `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`; not the name of a file",
        ),
    }
}

/// The key without its comment.
fn key_of(text: &str) -> Vec<&str> {
    text.split_ascii_whitespace().take(2).collect()
}
