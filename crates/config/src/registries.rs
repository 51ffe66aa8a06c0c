//! Credentials for image registries: what stands under `registries:`.

use std::fmt;

use hactl_core::diagnostic::Span;
use hactl_core::eval::Scope;
use hactl_core::expr::Expr;
use hactl_core::registry::{DOCKER_HUB, RegistryLogin};
use hactl_core::{Diagnostic, Value};
use indexmap::IndexMap;
use schemars::JsonSchema;

use crate::evaluate::evaluate;
use crate::schema::Schema;
use crate::source::SourceMap;
use crate::tree::{Data, Entry, Node};
use crate::validate::validate;

/// The credentials for one image registry.
#[derive(Clone, PartialEq)]
pub struct RegistryConfig {
    /// The registry as in image names, `host[:port]`; `docker.io` for images without a host.
    pub name: String,
    /// Its key in the config.
    pub span: Span,
    /// How to log in. The password is an expression in any case, so that no plan holds it.
    pub login: RegistryLogin,
    /// The password where it is known here: under the name by which the login's expression refers to it.
    plain_password: Option<(String, Value)>,
}

/// Never shows the password.
impl fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryConfig").field("name", &self.name).field("login", &self.login).finish_non_exhaustive()
    }
}

impl RegistryConfig {
    /// Credentials with values as the config yields them.
    pub(crate) fn new(name: &str, span: Span, username: Value, password: Value) -> Self {
        let (password, plain_password) = if password.is_sensitive() {
            (password, None)
        } else {
            // No variable can have this name, so nothing else can refer to the password.
            let hidden = format!("registries.{name}.password");
            (Value::deferred(Expr::variable(&hidden), true), Some((hidden, password)))
        };
        Self { name: name.to_owned(), span, login: RegistryLogin { username, password }, plain_password }
    }

    /// The password and its name among sensitive values, where no sensitive variable has it.
    pub(crate) fn plain_password(&self) -> Option<(String, Value)> {
        self.plain_password.clone()
    }
}

/// The credentials for one image registry.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used: the values may be deferred, so they are read by hand")]
pub(crate) struct RegistrySpec {
    /// The user's name.
    username: String,
    /// The password or token; best `${var.NAME}` of a sensitive variable, or `${secret.NAME.ENTRY}`.
    password: String,
}

/// Takes every text but a template, and but that of a key that names no secret, out of what messages can show.
pub(crate) fn redact(node: &Node, sources: &mut SourceMap) {
    match &node.data {
        Data::List(items) => items.iter().for_each(|item| redact(item, sources)),
        Data::Map(entries) => {
            let hidden = entries.iter().filter(|entry| !matches!(&*entry.key, "username" | "user" | "url"));
            hidden.for_each(|entry| redact(&entry.value, sources));
        }
        Data::String(_) | Data::Int(_) | Data::Float(_) => sources.redact(node.span),
        _ => {}
    }
}

/// Reads registries, by name; those that are wrong are reported and left out.
pub(crate) fn read(
    entries: &[Entry],
    scope: &dyn Scope,
    sources: &SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, RegistryConfig> {
    let schema = Schema::of::<RegistrySpec>(&[]);
    let mut registries = IndexMap::new();
    for entry in entries {
        let before = diagnostics.len();
        check_name(&entry.key, entry.key_span, diagnostics);
        let value = evaluate(&entry.value, scope, sources, diagnostics);
        validate(&value, entry.key_span, &schema, diagnostics);
        let known = |key: &str| value.get(key).filter(|node| !matches!(node.data, Data::Invalid));
        if let (Some(username), Some(password)) = (known("username"), known("password"))
            && diagnostics.len() == before
        {
            let registry = RegistryConfig::new(&entry.key, entry.key_span, username.to_value(), password.to_value());
            if registry.plain_password.is_some() {
                let from_variable = entry.value.get("password").is_some_and(Node::has_templates);
                diagnostics.push(plain_text(&registry.name, password.span, from_variable));
            }
            registries.insert(registry.name.clone(), registry);
        }
    }
    registries
}

/// Reports a name that no image name can begin with.
pub(crate) fn check_name(name: &str, at: Span, diagnostics: &mut Vec<Diagnostic>) {
    let host = name.split("://").last().unwrap_or(name).split('/').next().unwrap_or(name);
    let help = match host {
        "index.docker.io" | "registry-1.docker.io" | "hub.docker.com" => format!("write `{DOCKER_HUB}`"),
        _ if host != name => format!("write `{host}`, as image names begin with it"),
        _ if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '@') => {
            "write it as image names begin, as in `registry.example.com:5000`".to_owned()
        }
        _ if !name.contains(['.', ':']) && name != "localhost" => format!(
            "image names begin with a registry only where it has a dot or a port, as in `{name}:5000`; Docker Hub is `{DOCKER_HUB}`"
        ),
        _ => return,
    };
    diagnostics.push(Diagnostic::error(format!("{name:?} is not the name of a registry")).at(at).help(help));
}

fn plain_text(name: &str, at: Span, from_variable: bool) -> Diagnostic {
    match from_variable {
        true => Diagnostic::warning(format!(
            "the password of the registry `{name}` does not come from a sensitive variable"
        ))
        .at(at)
        .help("mark the variable with `sensitive: true`, so that its value is never shown or stored"),
        false => {
            Diagnostic::warning(format!("the password of the registry `{name}` stands in plain text in the config"))
                .at(at)
                .help("declare a variable with `sensitive: true` and write `password: ${var.NAME}`")
        }
    }
}
