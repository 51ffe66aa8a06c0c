//! What can be said about an object without asking an API server.

mod fields;
pub(crate) mod names;
#[cfg(test)]
mod tests;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::value::{Map, Value};

use super::builtin;
use super::places::{Places, at};
use super::versions::called;
use names::{flaw_of_label, flaw_of_name};

/// An object in its current version (see [`super::versions::current`]), checked, without what only a server writes into it:
/// `status` and the like, as the output of `kubectl get -o yaml` has them.
///
/// A namespace on an object that is in none is taken out, with a warning. Every mistake is reported at its place; none is
/// returned where the object has no address, for want of kind, version or name.
pub(crate) fn checked(mut object: Map, places: Places<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Map> {
    let Identity { api_version, kind, name, namespace } = identity(&object, places, diagnostics)?;
    let (group, _) = builtin::split(&api_version);
    server_set(&mut object);
    let called = called(&object, &kind);
    let mut check = Check { called: &called, secret: kind == "Secret", places, diagnostics };

    if let Some(flaw) = flaw_of_name(group, &kind, &name) {
        check.found(Diagnostic::error(format!("`{name}` is no name for a {kind}: {flaw}")), &["metadata", "name"]);
    }
    let in_namespaces = builtin::find(group, &kind).map(|builtin| builtin.namespaced);
    if let Some(namespace) = namespace {
        let path = &["metadata", "namespace"];
        if in_namespaces == Some(false) {
            let summary = format!("{kind} {name} is in no namespace; `{namespace}` is not acted on");
            check.found(Diagnostic::warning(summary).help("take `namespace` out"), path);
            if let Some(Value::Map(metadata)) = object.get_mut("metadata") {
                metadata.remove("namespace");
            }
        } else if let Some(flaw) = flaw_of_label(&namespace) {
            check.found(Diagnostic::error(format!("`{namespace}` is no name for a namespace: {flaw}")), path);
        }
    }
    known(&mut check, &api_version, &kind);
    let object = Value::Map(object);
    fields::check(&mut check, &object, group, &kind);
    match object {
        Value::Map(object) => Some(object),
        _ => None,
    }
}

/// Where mistakes of one object go.
struct Check<'a> {
    /// The object in messages: `Deployment cattle-system/cattle`.
    called: &'a str,
    /// Whether it is a Secret, of which no message shows a value.
    secret: bool,
    places: Places<'a>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn found(&mut self, diagnostic: Diagnostic, path: &[&str]) {
        self.diagnostics.push(at(diagnostic, self.places, path));
    }
}

struct Identity {
    api_version: String,
    kind: String,
    name: String,
    namespace: Option<String>,
}

/// What an object's address is made of, or every reason why it has none.
fn identity(object: &Map, places: Places<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Identity> {
    let part = |path: &[&str], help: &str| {
        text_at(object, path).map_err(|mistake| at(Diagnostic::error(mistake).help(help), places, path))
    };
    let mut kept = |part: Result<String, Diagnostic>| part.map_err(|error| diagnostics.push(error)).ok();
    let api_version = kept(part(&["apiVersion"], "write it as in `apiVersion: apps/v1`"));
    let kind = kept(part(&["kind"], "write it as in `kind: Deployment`"));
    let metadata = object.get("metadata");
    let generated = metadata.and_then(|metadata| metadata.get("generateName")).is_some_and(|prefix| !prefix.is_null());
    let named = metadata.and_then(|metadata| metadata.get("name")).is_some_and(|name| !name.is_null());
    let name = kept(if generated && !named {
        let summary = "`metadata.generateName` cannot be used: the object would be another one in every apply";
        Err(at(Diagnostic::error(summary).help("give it a `name`"), places, &["metadata", "generateName"]))
    } else {
        part(&["metadata", "name"], "write it as in `metadata: {name: web}`")
    });
    let namespace = match metadata.and_then(|metadata| metadata.get("namespace")) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) if text.is_empty() => Some(None),
        Some(_) => kept(part(&["metadata", "namespace"], "write the name of a namespace, or take it out")).map(Some),
    };
    Some(Identity { api_version: api_version?, kind: kind?, name: name?, namespace: namespace? })
}

/// The text at a path, or what is wrong with it.
fn text_at(object: &Map, path: &[&str]) -> Result<String, String> {
    let field = path.join(".");
    let mut value = path.first().and_then(|key| object.get(*key));
    for key in path.iter().skip(1) {
        value = value.and_then(|value| value.get(key));
    }
    match value {
        None | Some(Value::Null) => Err(format!("an object has no `{field}`")),
        Some(Value::String(text)) if text.is_empty() => Err(format!("`{field}` of an object is empty")),
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(Value::Deferred(_) | Value::Sealed(_)) => {
            Err(format!("`{field}` of an object has to be known in the plan"))
        }
        Some(other) => Err(format!("`{field}` of an object is {}, not text", other.type_name())),
    }
}

/// Takes out what only the API server, or `kubectl` for itself, writes.
///
/// The annotation of `kubectl apply` is a copy of the whole object, secrets included.
fn server_set(object: &mut Map) {
    object.remove("status");
    let Some(Value::Map(metadata)) = object.get_mut("metadata") else { return };
    for key in [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generateName",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    ] {
        metadata.remove(key);
    }
    if metadata.get("namespace").is_some_and(|namespace| namespace.is_null() || namespace.as_str() == Some("")) {
        metadata.remove("namespace");
    }
    if let Some(Value::Map(annotations)) = metadata.get_mut("annotations")
        && annotations.remove("kubectl.kubernetes.io/last-applied-configuration").is_some()
        && annotations.is_empty()
    {
        metadata.remove("annotations");
    }
    template_timestamp(object);
}

/// `creationTimestamp: null` in templates of pods, which `kubectl create --dry-run -o yaml` writes.
fn template_timestamp(object: &mut Map) {
    let template = object.get_mut("spec").and_then(|spec| match spec {
        Value::Map(spec) => spec.get_mut("template"),
        _ => None,
    });
    if let Some(Value::Map(template)) = template
        && let Some(Value::Map(metadata)) = template.get_mut("metadata")
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.remove("creationTimestamp");
    }
}

/// Kinds of groups without a dot are Kubernetes' own, and all of them are known.
fn known(check: &mut Check<'_>, api_version: &str, kind: &str) {
    let (group, _) = builtin::split(api_version);
    if group.contains('.') || builtin::find(group, kind).is_some() {
        return;
    }
    let others: Vec<_> = builtin::all().filter(|builtin| builtin.kind == kind).collect();
    let error = Diagnostic::error(format!("Kubernetes has no {kind} in {api_version}"));
    if let [.., other] = others[..] {
        let version = builtin::join(other.group, other.version);
        check.found(error.help(format!("write `apiVersion: {version}`")), &["apiVersion"]);
        return;
    }
    let here = builtin::all().filter(|builtin| builtin.group == group).map(|builtin| builtin.kind);
    let similar = did_you_mean(kind, here).or_else(|| did_you_mean(kind, builtin::all().map(|builtin| builtin.kind)));
    if let Some(similar) = similar {
        check.found(error.help(format!("did you mean `{similar}`?")), &["kind"]);
    }
}
