//! `secret`: values that are held encrypted in state, and never stand anywhere in plain text but where they are used.
//!
//! A secret has no node. Its spec holds no values: what comes from outside is read before a plan and again before an
//! apply ([`read_secrets`]) and stands in specs as an expression; what is made is an output of the resource.

mod age;
mod command;
mod destination;
mod generate;
mod import;
mod lower;
mod outputs;
mod provider;
mod read;
mod sops;
mod source;
mod spec;

use hactl_config::{Node, Section};
use hactl_core::Address;
use hactl_core::diagnostic::Span;
use hactl_core::expr::{Expr, ExprKind};
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::{Map, Value};

use crate::registry::Kind;
use crate::scope::Known;
use crate::secret::outputs::PUBLIC;

pub use age::{age, end_of_overlap, renews_at};
pub use import::ReadCertificate;
pub use outputs::{ISSUING, NOT_AFTER, OVERLAP_UNTIL, flaw_of_secret};
pub(crate) use provider::{Order, make};
pub use read::{ReadSecrets, read_secrets};

pub(crate) const KIND: Kind = Kind {
    section: Section {
        key: "secrets",
        kind: "secret",
        schema: || schemars::schema_for!(spec::SecretSpec).to_value(),
        formats: spec::FORMATS,
        on_nodes: false,
        node_keys: &["adopt"],
    },
    outputs: &[],
    shows_spec: false,
    derived: entries,
    named,
    // What expressions yield is no source: lowering checks the two apart.
    validates: false,
    lower: lower::lower,
    per_node: |_: &Node| false,
    composite: false,
};

/// Nothing about a secret needs another resource in its place: its values change, and what uses them follows.
pub(crate) const RULES: KindRules = KindRules {
    kind: "secret",
    replacement: Replacement::DeleteThenCreate,
    generations: false,
    in_place: InPlace::Fields(&["data", "sources", "generate", "issuer", "renewBefore", "overlap", "import"]),
    computed: &["data", "import"],
    remakes: &["generate", "issuer"],
    keep_on_delete: false,
    claims: |_| Vec::new(),
};

/// Whether what a secret holds was made by hactl, and is nowhere else.
pub fn is_generated(spec: &Value) -> bool {
    spec.get("generate").is_some()
}

/// The entries of a secret: what is given as the spec has it, so that whoever uses it sees in the same plan that it
/// changes; what is made as outputs.
fn entries(address: &Address, spec: &Value) -> Map {
    let given = spec.get("data").or_else(|| spec.get("import")).and_then(Value::as_map);
    if let Some(given) = given {
        return given.clone();
    }
    let kind = spec.get("generate").and_then(Value::as_map).and_then(|generate| generate.keys().next());
    let names: &[&str] = match kind.map(String::as_str) {
        Some("password" | "token") => &["value"],
        Some("sshKey") => &["publicKey", "privateKey"],
        Some(_) => &["certificate", "privateKey", "chain"],
        None => &[],
    };
    names.iter().map(|name| ((*name).to_owned(), made(address, name))).collect()
}

/// An entry that is made at apply.
fn made(address: &Address, entry: &str) -> Value {
    Value::deferred(Expr::output(address.clone(), entry), true)
}

/// Whether a part of an expression, without those that it is made of, gives away nothing that is secret: certificates and
/// public keys are sensitive as all entries are, but everybody is shown them.
pub(crate) fn is_public(part: &Expr, known: &Known) -> bool {
    let kind = KIND.section.kind;
    match &part.kind {
        ExprKind::Output(output) => output.address.kind() != kind || PUBLIC.contains(&output.name.as_str()),
        ExprKind::Variable(name) => {
            let entry = name.strip_prefix(kind).and_then(|name| name.strip_prefix('.')?.split_once('.'));
            // What `data` calls a certificate may be anything.
            entry.is_some_and(|(name, entry)| {
                let spec = known.get(&Address::new(kind, name, None));
                PUBLIC.contains(&entry) && spec.is_some_and(|spec| spec.get("import").is_some())
            })
        }
        _ => true,
    }
}

/// The issuer of a certificate, which is named and not referred to.
fn named(body: &Node) -> Vec<(&'static str, &str, Span)> {
    let generate = body.get("generate").map(Node::entries).unwrap_or_default();
    let issuers = generate.iter().filter_map(|kind| kind.value.get("issuer"));
    issuers.filter_map(|issuer| Some((KIND.section.kind, issuer.as_str()?, issuer.span))).collect()
}
