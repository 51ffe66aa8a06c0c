//! What the server does not take, in its words, as far as users meet it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hactl_kube::{Cause, Object, ServedKind};
use serde_json::Value;

use crate::cluster::pods::template_of;

mod pods;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const QUALIFIED_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
    with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const DATA_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
    'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Why an object cannot be read as one of its type at all.
pub(crate) fn unreadable(kind: &ServedKind, object: &Object) -> Option<String> {
    let failed = |reason: String| {
        Some(format!("{} in version {:?} cannot be handled as a {}: {reason}", kind.kind, kind.version, kind.kind))
    };
    for path in [&["metadata", "labels"][..], &["metadata", "annotations"], &["data"], &["stringData"]] {
        let is_data = path.len() == 1;
        if is_data && !matches!(kind.kind.as_str(), "Secret" | "ConfigMap") {
            continue;
        }
        let fields = object.at(path).and_then(Value::as_object);
        if let Some((key, value)) = fields.into_iter().flatten().find(|(_, value)| !value.is_string()) {
            let what = match value {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::Array(_) => "array",
                _ => "object",
            };
            return failed(format!(
                "json: cannot unmarshal {what} into Go struct field .{}.{key} of type string",
                path.join(".")
            ));
        }
    }
    if let Some(reason) = pods::unreadable(object) {
        return failed(reason);
    }
    if kind.kind == "Secret" {
        let data = object.at(&["data"]).and_then(Value::as_object);
        let mut texts = data.into_iter().flatten().filter_map(|(_, value)| value.as_str());
        if let Some(place) = texts.find_map(illegal_base64) {
            return failed(format!("illegal base64 data at input byte {place}"));
        }
    }
    None
}

/// What is wrong with an object as it is to be stored.
pub(crate) fn wrong(kind: &ServedKind, object: &Object) -> Vec<Cause> {
    let mut causes = Vec::new();
    causes.extend(wrong_name(kind, object.name()));
    wrong_marks(object, &mut causes);
    match kind.kind.as_str() {
        "ConfigMap" | "Secret" => causes.extend(wrong_keys(object)),
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" => causes.extend(wrong_selector(object)),
        "Ingress" => wrong_ingress(object, &mut causes),
        "Service" => wrong_service(object, &mut causes),
        _ => {}
    }
    if let Some(replicas) = object.at(&["spec", "replicas"]).and_then(Value::as_i64).filter(|replicas| *replicas < 0) {
        causes.push(invalid_number("spec.replicas", replicas, "must be greater than or equal to 0"));
    }
    causes.extend(wrong_strategy(object));
    if let Some((path, template)) = template_of(object) {
        pods::wrong(&path, template, &mut causes);
        let restarts = template.get("restartPolicy").and_then(Value::as_str).unwrap_or("Always");
        let runs = matches!(kind.kind.as_str(), "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet");
        if runs && restarts != "Always" {
            causes.push(unsupported(&format!("{path}.restartPolicy"), restarts, &["Always"]));
        }
    }
    causes
}

fn wrong_marks(object: &Object, causes: &mut Vec<Cause>) {
    let map = |key: &str| object.at(&["metadata", key]).and_then(Value::as_object).into_iter().flatten();
    for (key, value) in map("labels") {
        causes.extend(wrong_key("metadata.labels", key));
        let value = value.as_str().unwrap_or_default();
        if value.len() > 63 {
            causes.push(invalid("metadata.labels", value, "must be no more than 63 characters"));
        } else if !is_label_value(value) {
            causes.push(invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
    causes.extend(map("annotations").filter_map(|(key, _)| wrong_key("metadata.annotations", &key.to_lowercase())));
}

/// What is wrong with the key of a label or an annotation.
fn wrong_key(field: &str, key: &str) -> Option<Cause> {
    let (prefix, name) = key.split_once('/').unwrap_or(("example.com", key));
    let is_name = !name.is_empty() && is_label_value(name);
    (!is_name || !is_subdomain(prefix)).then(|| invalid(field, key, QUALIFIED_NAME))
}

/// The keys of a ConfigMap or a Secret that are none.
fn wrong_keys(object: &Object) -> Vec<Cause> {
    let data = object.at(&["data"]).and_then(Value::as_object);
    let fits = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let wrong = data.into_iter().flatten().filter(|(key, _)| !fits(key) || key.is_empty());
    wrong.map(|(key, _)| invalid(&format!("data[{key}]"), key, DATA_KEY)).collect()
}

/// What is left of another strategy: defaults of it stay until somebody takes them out.
fn wrong_strategy(object: &Object) -> Option<Cause> {
    let strategy = |field: &str, key: &str| object.at(&["spec", field, key]);
    match object.kind() {
        "Deployment" if strategy("strategy", "type").and_then(Value::as_str) == Some("Recreate") => {
            let text = "Forbidden: may not be specified when strategy `type` is 'Recreate'";
            strategy("strategy", "rollingUpdate").map(|_| cause("spec.strategy.rollingUpdate", text.to_owned()))
        }
        _ => None,
    }
}

/// One cause.
pub(crate) fn cause(field: &str, message: String) -> Cause {
    Cause { field: field.to_owned(), message }
}

/// The server's sentence about an object that is wrong.
pub(crate) fn sentence(what: &str, name: &str, causes: &[Cause]) -> String {
    let text = |cause: &Cause| format!("{}: {}", cause.field, cause.message);
    match causes {
        [one] => format!("{what} {name:?} is invalid: {}", text(one)),
        more => format!("{what} {name:?} is invalid: [{}]", more.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

fn wrong_name(kind: &ServedKind, name: &str) -> Option<Cause> {
    let rule = match (kind.group.as_str(), kind.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => {
            let fits = !name.contains(['/', '%']) && name != "." && name != "..";
            (!fits).then_some("may not contain '/' or '%'")
        }
        ("", "Service") => (!is_label(name) || name.starts_with(|c: char| c.is_ascii_digit())).then_some(LABEL_1035),
        ("", "Namespace") => (!is_label(name)).then_some(LABEL),
        _ => (!is_subdomain(name)).then_some(SUBDOMAIN),
    };
    let rule = if name.len() > 253 { Some("must be no more than 253 characters") } else { rule };
    rule.map(|rule| invalid("metadata.name", name, rule))
}

fn wrong_selector(object: &Object) -> Option<Cause> {
    let labels = object.at(&["spec", "selector", "matchLabels"]).and_then(Value::as_object);
    let by_expressions = object.at(&["spec", "selector", "matchExpressions"]).is_some();
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else {
        let required = || cause("spec.selector", "Required value".to_owned());
        return (!by_expressions).then(required);
    };
    let of_template = object.at(&["spec", "template", "metadata", "labels"]);
    let matches = labels.iter().all(|(key, value)| of_template.and_then(|labels| labels.get(key)) == Some(value));
    (!matches).then(|| {
        let shown = of_template.unwrap_or(&Value::Null);
        let message = format!("Invalid value: {shown}: `selector` does not match template `labels`");
        cause("spec.template.metadata.labels", message)
    })
}

fn wrong_ingress(object: &Object, causes: &mut Vec<Cause>) {
    let Some(spec) = object.at(&["spec"]) else { return };
    let rules = list(spec, "rules");
    if rules.is_empty() && spec.get("defaultBackend").is_none() {
        causes.push(cause(
            "spec",
            "Invalid value: []networking.IngressRule(nil): either `defaultBackend` or `rules` must be specified"
                .to_owned(),
        ));
    }
    for (index, rule) in rules.iter().enumerate() {
        let place = format!("spec.rules[{index}]");
        let host = rule.get("host").and_then(Value::as_str).unwrap_or_default();
        if host.parse::<IpAddr>().is_ok() {
            causes.push(invalid(&format!("{place}.host"), host, "must be a DNS name, not an IP address"));
        } else if !host.is_empty() && !is_subdomain(host.strip_prefix("*.").unwrap_or(host)) {
            causes.push(invalid(&format!("{place}.host"), host, SUBDOMAIN));
        }
        let paths = rule.get("http").map(|http| list(http, "paths")).unwrap_or_default();
        for (index, path) in paths.iter().enumerate() {
            let place = format!("{place}.http.paths[{index}]");
            if path.get("pathType").is_none() {
                causes
                    .push(cause(&format!("{place}.pathType"), "Required value: pathType must be specified".to_owned()));
            }
            if path.get("path").and_then(Value::as_str).is_some_and(|path| !path.starts_with('/')) {
                let given = path.get("path").and_then(Value::as_str).unwrap_or_default();
                causes.push(invalid(&format!("{place}.path"), given, "must be an absolute path"));
            }
            if path.get("backend").and_then(|backend| backend.get("service").or(backend.get("resource"))).is_none() {
                let message = "Required value: either `service` or `resource` must be specified";
                causes.push(cause(&format!("{place}.backend"), message.to_owned()));
            }
        }
    }
}

fn wrong_service(object: &Object, causes: &mut Vec<Cause>) {
    let Some(spec) = object.at(&["spec"]) else { return };
    let ports = list(spec, "ports");
    let text = |key: &str| spec.get(key).and_then(Value::as_str).unwrap_or_default();
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !types.contains(&text("type")) {
        causes.push(unsupported("spec.type", text("type"), &types));
    }
    if ports.is_empty() && text("type") != "ExternalName" && text("clusterIP") != "None" {
        causes.push(cause("spec.ports", "Required value".to_owned()));
    }
    for (index, port) in ports.iter().enumerate() {
        for field in ["port", "targetPort"] {
            let number = port.get(field).and_then(Value::as_i64);
            causes.extend(number.and_then(|number| wrong_port(&format!("spec.ports[{index}].{field}"), number)));
        }
        if ports.len() > 1 && port.get("name").is_none() {
            causes.push(cause(&format!("spec.ports[{index}].name"), "Required value".to_owned()));
        }
    }
}

fn wrong_port(field: &str, number: i64) -> Option<Cause> {
    let fits = (1..=65535).contains(&number);
    (!fits).then(|| invalid_number(field, number, "must be between 1 and 65535, inclusive"))
}

fn invalid_number(field: &str, number: i64, rule: &str) -> Cause {
    cause(field, format!("Invalid value: {number}: {rule}"))
}

fn unsupported(field: &str, value: &str, supported: &[&str]) -> Cause {
    let supported: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
    cause(field, format!("Unsupported value: {value:?}: supported values: {}", supported.join(", ")))
}

fn invalid(field: &str, value: &str, rule: &str) -> Cause {
    if value.is_empty() {
        return cause(field, "Required value".to_owned());
    }
    cause(field, format!("Invalid value: {value:?}: {rule}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 63 && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label_value(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63 && text.chars().all(inner) && (text.is_empty() || (text.starts_with(end) && text.ends_with(end)))
}

/// Where a text stops being base64 with padding, in bytes.
fn illegal_base64(text: &str) -> Option<usize> {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    match STANDARD.decode(&text) {
        Ok(_) => None,
        Err(base64::DecodeError::InvalidByte(place, _) | base64::DecodeError::InvalidLastSymbol(place, _)) => {
            Some(place)
        }
        Err(_) => Some(text.len() / 4 * 4),
    }
}
