//! What users are told when an API server does not do something.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hactl_core::Diagnostic;
use hactl_core::value::Value;
use hactl_engine::StepError;
use hactl_kube::{Cause, ClusterError, FieldConflict};

use crate::object::locate::locate;

/// What a user is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// What is wrong, as a clause that names the object. Holds nothing in the server's words.
    pub(crate) summary: String,
    /// Why, a line each.
    pub(crate) detail: Vec<String>,
    /// What to do next.
    pub(crate) help: String,
}

/// What it takes to tell of an error.
pub(crate) struct Teller<'a> {
    /// The object, as in `Deployment cattle-system/cattle`.
    pub(crate) what: &'a dyn fmt::Display,
    /// The resources of this stack that managers stand for, by manager.
    pub(crate) managers: &'a BTreeMap<String, String>,
    /// The texts that the server may repeat and nobody may see.
    pub(crate) hidden: BTreeSet<String>,
    /// What to do about a conflict.
    pub(crate) on_conflict: &'a str,
}

/// What to do about a conflict over fields of an object.
pub(crate) const ON_CONFLICT: &str = "take these fields out of the config if the other manager is to keep them, or set \
     `forceConflicts: true` to take them over";

impl Teller<'_> {
    pub(crate) fn tell(&self, error: &ClusterError) -> Told {
        let what = self.what;
        match error {
            ClusterError::Unreachable { reason } => Told {
                summary: format!("the API server does not answer: {reason}"),
                detail: Vec::new(),
                help: "see that it runs and is reached from here, then apply again".to_owned(),
            },
            ClusterError::Lost { operation } => Told {
                summary: format!("the connection to the API server broke while {operation}"),
                detail: vec!["whether that was done is not known; the next plan looks".to_owned()],
                help: "see that the API server runs, then apply again".to_owned(),
            },
            ClusterError::Forbidden { message } | ClusterError::Refused { message, .. } if is_webhook(message) => Told {
                summary: format!("an admission webhook refuses {what}"),
                detail: vec![self.hide(message)],
                help: "change what it asks for, or ask who runs the webhook".to_owned(),
            },
            ClusterError::Forbidden { message } if message.contains("because it is being terminated") => Told {
                summary: format!("{what} cannot be made: its namespace is being deleted"),
                detail: vec![self.hide(message)],
                help: "wait until the namespace is gone; `kubectl describe namespace` says what it waits for".to_owned(),
            },
            ClusterError::Forbidden { message } => Told {
                summary: format!("the API server forbids what {what} needs"),
                detail: vec![self.hide(message)],
                help: "give the user of the kubeconfig this right (a Role or ClusterRole and its binding), or use another \
                       context; `kubectl auth can-i` tells what a user may do"
                    .to_owned(),
            },
            ClusterError::Conflict { conflicts } => self.conflict(conflicts),
            ClusterError::Invalid { message, causes } => self.invalid(message, causes),
            ClusterError::OtherObject => Told {
                summary: format!("{what} is not the object that was looked at: it was deleted meanwhile"),
                detail: Vec::new(),
                help: "run `hactl apply` again: it looks first".to_owned(),
            },
            ClusterError::Missing { message } => match missing_namespace(message) {
                Some(namespace) => Told {
                    summary: format!("the namespace {namespace} of {what} does not exist"),
                    detail: Vec::new(),
                    help: format!("add it to a manifest of this config, or make it: kubectl create namespace {namespace}"),
                },
                None => Told {
                    summary: format!("the API server does not have what {what} needs"),
                    detail: vec![self.hide(message)],
                    help: "run `hactl plan`: it says what is missing".to_owned(),
                },
            },
            ClusterError::Refused { status, message } => Told {
                summary: format!("the API server refuses {what} (status {status})"),
                detail: vec![self.hide(message)],
                help: "change the object as the message says; `kubectl explain` describes its fields".to_owned(),
            },
        }
    }

    fn conflict(&self, conflicts: &[FieldConflict]) -> Told {
        let lines = conflicts.iter().map(|conflict| {
            let field = conflict.field.strip_prefix('.').unwrap_or(&conflict.field);
            match self.managers.get(&conflict.manager) {
                Some(resource) => format!("{field} is set by {resource} of this stack"),
                None => format!("{field} is managed by {}", conflict.manager),
            }
        });
        let fields = if conflicts.len() == 1 { "a field".to_owned() } else { format!("{} fields", conflicts.len()) };
        Told {
            summary: format!(
                "{}: {fields} of it belong{} to others",
                self.what,
                if conflicts.len() == 1 { "s" } else { "" }
            ),
            detail: lines.collect(),
            help: self.on_conflict.to_owned(),
        }
    }

    fn invalid(&self, message: &str, causes: &[Cause]) -> Told {
        let lines = causes.iter().map(|cause| match cause.field.as_str() {
            "" => self.hide(&cause.message),
            field => format!("{field}: {}", self.hide(&cause.message)),
        });
        let fixed = !causes.is_empty() && causes.iter().all(is_fixed);
        Told {
            summary: if fixed {
                format!("{} cannot be changed like this in place", self.what)
            } else {
                format!("the API server does not take {} as it is", self.what)
            },
            detail: if causes.is_empty() { vec![self.hide(message)] } else { lines.collect() },
            help: if fixed {
                "leave these fields as they are, or have it made anew: `--replace` with its address".to_owned()
            } else {
                "correct it in the config; `kubectl explain` describes its fields. If what is refused is what was there before, \
                 `--replace` makes the object anew"
                    .to_owned()
            },
        }
    }

    /// A text of the server without what nobody may see, in any form in which it may stand there.
    fn hide(&self, text: &str) -> String {
        if self.hidden.is_empty() {
            return text.to_owned();
        }
        let mut forms: Vec<String> = self.hidden.iter().flat_map(|hidden| forms(hidden)).collect();
        // One may be a part of another.
        forms.sort_by_key(|form| Reverse(form.len()));
        forms.iter().fold(without_value(text), |text, form| text.replace(form, HIDDEN))
    }
}

/// What stands for a text that nobody may see.
const HIDDEN: &str = "(sensitive)";

/// A text, its lines, and all of these as they stand in JSON and in Go's notation.
fn forms(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
    let mut forms = BTreeSet::new();
    for plain in lines.chain([text]) {
        let json = serde_json::Value::from(plain).to_string();
        let json = json[1..json.len() - 1].to_owned();
        // Go writes these so in JSON.
        forms.insert(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"));
        forms.insert(json);
        forms.insert(plain.escape_debug().to_string());
        forms.insert(plain.to_owned());
    }
    forms
}

/// A text without the value that it repeats, as in `Invalid value: {…}: field is immutable`: it may be all of an object, with
/// what was secret in it before.
fn without_value(text: &str) -> String {
    const BEFORE: &str = "Invalid value: ";
    let Some(start) = text.find(BEFORE).map(|at| at + BEFORE.len()) else { return text.to_owned() };
    let is_number = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
    match text[start..].rfind(": ") {
        Some(length) if is_number(&text[start..start + length]) => text.to_owned(),
        Some(length) => format!("{}{HIDDEN}{}", &text[..start], &text[start + length..]),
        None => format!("{}{HIDDEN}", &text[..start]),
    }
}

impl Told {
    /// As a message of a plan.
    pub(crate) fn refusal(self) -> Diagnostic {
        Diagnostic::error(self.summary).detail(self.detail.join("\n")).help(self.help)
    }

    /// As what a step fails with.
    pub(crate) fn failure(self) -> StepError {
        StepError { detail: self.detail.join("\n"), help: Some(self.help), ..StepError::new(self.summary) }
    }
}

/// The texts of a spec that nobody may see: `planned` is the same spec with stand-ins for what is sensitive. What the server
/// reads from base64 is among them as well.
pub(crate) fn hidden_texts(planned: &Value, plain: &Value) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    collect_hidden(planned, plain, false, &mut texts);
    if plain.get("kind") == Some(&Value::from("Secret")) {
        for data in ["data", "stringData"].iter().filter_map(|key| plain.get(key)) {
            collect_hidden(data, data, true, &mut texts);
        }
    }
    texts
}

/// Shorter lines of a text are not looked for by themselves.
const SHORTEST_LINE: usize = 16;

/// Shorter texts stand in many a message by chance.
const SHORTEST_HIDDEN: usize = 4;

fn collect_hidden(planned: &Value, plain: &Value, hide: bool, texts: &mut BTreeSet<String>) {
    let hide = hide || matches!(planned, Value::Deferred(_) | Value::Sealed(_)) && planned.is_sensitive();
    match plain {
        Value::String(text) if hide => {
            let decoded = STANDARD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let forms = [Some(text.to_string()), decoded].into_iter().flatten();
            texts.extend(forms.filter(|text| text.len() >= SHORTEST_HIDDEN));
        }
        Value::List(items) => {
            let shapes = planned.as_list().unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                collect_hidden(shapes.get(index).unwrap_or(&Value::Null), item, hide, texts);
            }
        }
        Value::Map(map) => {
            for (key, item) in map {
                collect_hidden(planned.get(key).unwrap_or(&Value::Null), item, hide, texts);
            }
        }
        _ => {}
    }
}

fn is_webhook(message: &str) -> bool {
    message.contains("admission webhook")
}

/// The namespace that a server says is not there.
pub(crate) fn missing_namespace(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("namespaces \"")?;
    let (namespace, rest) = rest.split_once('"')?;
    rest.contains("not found").then_some(namespace)
}

/// Whether a cause says that a field cannot change once it is set.
///
/// The words are those of the API server's own checks, and of rules in custom resource definitions that follow them.
pub(crate) fn is_fixed(cause: &Cause) -> bool {
    const WORDS: [&str; 9] = [
        "immutable",
        "may not change",
        "may not be changed",
        "must not change",
        "must not be changed",
        "cannot change",
        "cannot be changed",
        "can not be changed",
        "updates to ",
    ];
    let message = cause.message.to_lowercase();
    WORDS.iter().any(|word| message.contains(word))
}

/// Whether every field in conflict was applied from here before and then changed by requests of the usual kind
/// (`kubectl edit`, a controller): then it is drift that the plan shows, and is taken back. A field that is new in the
/// config, or that another tool applied, is not.
pub(crate) fn is_drift(conflicts: &[FieldConflict], applied: &Value, applying: &BTreeSet<&str>) -> bool {
    conflicts
        .iter()
        .all(|conflict| !applying.contains(conflict.manager.as_str()) && locate(applied, &conflict.field).whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use hactl_core::DigestKey;
    use hactl_core::value::Map;
    use serde_json::json;

    fn conflict(field: &str, manager: &str) -> FieldConflict {
        FieldConflict { field: field.to_owned(), manager: manager.to_owned() }
    }

    fn cause(field: &str, message: &str) -> Cause {
        Cause { field: field.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn what_is_hidden_is_hidden_in_every_form() {
        let hidden = ["pass", "pass\"word<1>", "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n"].map(str::to_owned);
        let (what, managers) = ("Job a/b", BTreeMap::new());
        let teller = Teller { what: &what, managers: &managers, hidden: BTreeSet::from(hidden), on_conflict: "" };
        let texts = [
            r#"value "pass\"word<1>" is odd"#,
            r#"value "pass\"word\u003c1\u003e" is odd"#,
            r#"value pass"word<1> is odd, and pass too"#,
            "key: |\n  -----BEGIN KEY-----\n  MIIEvQIBADANBgkq\n",
            r#"spec.template: Invalid value: {"env":[{"value":"what was there: before"}]}: field is immutable"#,
            "spec.replicas: Invalid value: -5: must be greater than 0",
            "spec.a: Invalid value: b",
            "is not there",
        ];
        insta::assert_snapshot!(texts.map(|text| teller.hide(text)).join("\n"), @r#"
        value "(sensitive)" is odd
        value "(sensitive)" is odd
        value (sensitive) is odd, and (sensitive) too
        key: |
          (sensitive)
          (sensitive)

        spec.template: Invalid value: (sensitive): field is immutable
        spec.replicas: Invalid value: -5: must be greater than 0
        spec.a: Invalid value: (sensitive)
        is not there
        "#);
        let open = Teller { hidden: BTreeSet::new(), ..teller };
        assert_eq!(open.hide(texts[4]), texts[4]);
    }

    #[test]
    fn each_error_says_what_why_and_what_to_do() {
        let managers = BTreeMap::from([("hactl-1111-a".to_owned(), "manifest.web".to_owned())]);
        let teller = Teller {
            what: &"Deployment cattle-system/cattle",
            managers: &managers,
            hidden: BTreeSet::from(["hunter2".to_owned()]),
            on_conflict: ON_CONFLICT,
        };
        let text = |text: &str| text.to_owned();
        let errors = [
            ClusterError::Conflict { conflicts: vec![conflict(".spec.replicas", "kubectl-edit")] },
            ClusterError::Conflict {
                conflicts: vec![
                    conflict(".spec.replicas", "helm"),
                    conflict(r#".spec.template.spec.hostAliases[ip="10.0.0.1"].hostnames"#, "hactl-1111-a"),
                ],
            },
            ClusterError::Invalid {
                message: text("Deployment.apps \"cattle\" is invalid"),
                causes: vec![cause(
                    "spec.replicas",
                    "Invalid value: -1: must be greater than or equal to 0, not hunter2",
                )],
            },
            ClusterError::Invalid { message: text("…"), causes: vec![cause("spec.selector", "field is immutable")] },
            ClusterError::Forbidden { message: text("User \"limited\" cannot patch resource \"deployments\"") },
            ClusterError::Forbidden {
                message: text("admission webhook \"policy.example.com\" denied the request: no limits"),
            },
            ClusterError::Forbidden {
                message: text("unable to create new content in namespace x because it is being terminated"),
            },
            ClusterError::Missing { message: text("namespaces \"cattle-system\" not found") },
            ClusterError::OtherObject,
            ClusterError::Refused {
                status: 500,
                message: text("associative list with keys has an element that omits key field"),
            },
            ClusterError::Unreachable { reason: text("connection refused by https://10.0.0.1:6443") },
            ClusterError::Lost { operation: text("applying Deployment cattle-system/cattle") },
        ];
        let told = errors.iter().map(|error| {
            let told = teller.tell(error);
            let detail: String = told.detail.iter().map(|line| format!("\n  {line}")).collect();
            format!("{}{detail}\n  help: {}", told.summary, told.help)
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @r#"
        Deployment cattle-system/cattle: a field of it belongs to others
          spec.replicas is managed by kubectl-edit
          help: take these fields out of the config if the other manager is to keep them, or set `forceConflicts: true` to take them over
        Deployment cattle-system/cattle: 2 fields of it belong to others
          spec.replicas is managed by helm
          spec.template.spec.hostAliases[ip="10.0.0.1"].hostnames is set by manifest.web of this stack
          help: take these fields out of the config if the other manager is to keep them, or set `forceConflicts: true` to take them over
        the API server does not take Deployment cattle-system/cattle as it is
          spec.replicas: Invalid value: -1: must be greater than or equal to 0, not (sensitive)
          help: correct it in the config; `kubectl explain` describes its fields. If what is refused is what was there before, `--replace` makes the object anew
        Deployment cattle-system/cattle cannot be changed like this in place
          spec.selector: field is immutable
          help: leave these fields as they are, or have it made anew: `--replace` with its address
        the API server forbids what Deployment cattle-system/cattle needs
          User "limited" cannot patch resource "deployments"
          help: give the user of the kubeconfig this right (a Role or ClusterRole and its binding), or use another context; `kubectl auth can-i` tells what a user may do
        an admission webhook refuses Deployment cattle-system/cattle
          admission webhook "policy.example.com" denied the request: no limits
          help: change what it asks for, or ask who runs the webhook
        Deployment cattle-system/cattle cannot be made: its namespace is being deleted
          unable to create new content in namespace x because it is being terminated
          help: wait until the namespace is gone; `kubectl describe namespace` says what it waits for
        the namespace cattle-system of Deployment cattle-system/cattle does not exist
          help: add it to a manifest of this config, or make it: kubectl create namespace cattle-system
        Deployment cattle-system/cattle is not the object that was looked at: it was deleted meanwhile
          help: run `hactl apply` again: it looks first
        the API server refuses Deployment cattle-system/cattle (status 500)
          associative list with keys has an element that omits key field
          help: change the object as the message says; `kubectl explain` describes its fields
        the API server does not answer: connection refused by https://10.0.0.1:6443
          help: see that it runs and is reached from here, then apply again
        the connection to the API server broke while applying Deployment cattle-system/cattle
          whether that was done is not known; the next plan looks
          help: see that the API server runs, then apply again
        "#);
    }

    #[test]
    fn drift_is_taken_back_and_a_new_field_is_not() {
        let applied = from_json(
            &json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "x"}]}}}}),
        );
        let image = conflict(r#".spec.template.spec.containers[name="web"].image"#, "kubectl-set");
        let none = BTreeSet::new();
        assert!(is_drift(&[conflict(".spec.replicas", "kubectl-edit"), image.clone()], &applied, &none));
        assert!(!is_drift(&[image, conflict(".spec.paused", "kubectl-edit")], &applied, &none));
        assert!(!is_drift(&[conflict(".spec.replicas", "helm")], &applied, &BTreeSet::from(["helm"])));
    }

    #[test]
    fn sensitive_texts_are_found_in_both_their_forms() {
        let digest = DigestKey::new([1; 32]).digest(&Value::Null);
        let planned = Value::Map(Map::from([
            ("a".to_owned(), Value::sealed(digest)),
            ("b".to_owned(), Value::from("open text")),
        ]));
        let plain = from_json(&json!({"a": "aHVudGVyMg==", "b": "open text"}));
        assert_eq!(hidden_texts(&planned, &plain), BTreeSet::from(["aHVudGVyMg==".to_owned(), "hunter2".to_owned()]));
        let secret = from_json(&json!({"kind": "Secret", "stringData": {"k": "plain"}, "type": "Opaque"}));
        assert_eq!(hidden_texts(&secret, &secret), BTreeSet::from(["plain".to_owned()]));
    }

    #[test]
    fn words_for_what_cannot_change() {
        let table = [
            ("field is immutable", true),
            ("may not change once set", true),
            ("cannot change roleRef", true),
            ("updates to statefulset spec for fields other than 'replicas', 'template' are forbidden", true),
            ("pod updates may not change fields other than `spec.containers[*].image`", true),
            ("must be greater than or equal to 0", false),
            ("Required value", false),
        ];
        for (message, fixed) in table {
            assert_eq!(is_fixed(&cause("spec", message)), fixed, "{message}");
        }
    }
}
