//! What the server does not take, in its words, as far as users meet it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hactl_kube::{Cause, Object, ServedKind};
use serde_json::Value;

use crate::cluster::pods::template_of;

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
    let labels = object.at(&["metadata", "labels"]).and_then(Value::as_object);
    let values = labels.into_iter().flatten().filter_map(|(_, value)| value.as_str());
    let wrong_values = values.filter(|value| !is_label_value(value));
    causes.extend(wrong_values.map(|value| invalid("metadata.labels", value, LABEL_VALUE)));
    match kind.kind.as_str() {
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" => causes.extend(wrong_selector(object)),
        "Ingress" => wrong_ingress(object, &mut causes),
        "Service" => wrong_service(object, &mut causes),
        _ => {}
    }
    if let Some((path, template)) = template_of(object) {
        wrong_pod(&path, template, &mut causes);
    }
    causes
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

fn wrong_pod(path: &str, spec: &Value, causes: &mut Vec<Cause>) {
    let containers = list(spec, "containers");
    if containers.is_empty() {
        causes.push(cause(&format!("{path}.containers"), "Required value".to_owned()));
    }
    for (field, list) in [("containers", containers), ("initContainers", list(spec, "initContainers"))] {
        for (index, container) in list.iter().enumerate() {
            let place = format!("{path}.{field}[{index}]");
            let text = |key: &str| container.get(key).and_then(Value::as_str).unwrap_or_default();
            if text("image").is_empty() {
                causes.push(cause(&format!("{place}.image"), "Required value".to_owned()));
            }
            if !is_label(text("name")) {
                causes.push(invalid(&format!("{place}.name"), text("name"), LABEL));
            }
        }
    }
    for (index, alias) in list(spec, "hostAliases").iter().enumerate() {
        let place = format!("{path}.hostAliases[{index}]");
        let ip = alias.get("ip").and_then(Value::as_str).unwrap_or_default();
        if ip.parse::<IpAddr>().is_err() {
            let rule = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
            causes.push(invalid(&format!("{place}.ip"), ip, rule));
        }
        for (index, name) in list(alias, "hostnames").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            if !is_subdomain(name) {
                causes.push(invalid(&format!("{place}.hostnames[{index}]"), name, SUBDOMAIN));
            }
        }
    }
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
    if ports.is_empty() && text("type") != "ExternalName" && text("clusterIP") != "None" {
        causes.push(cause("spec.ports", "Required value".to_owned()));
    }
    for (index, port) in ports.iter().enumerate() {
        let number = port.get("port").and_then(Value::as_i64).unwrap_or_default();
        if !(1..=65535).contains(&number) {
            let message = format!("Invalid value: {number}: must be between 1 and 65535, inclusive");
            causes.push(cause(&format!("spec.ports[{index}].port"), message));
        }
        if ports.len() > 1 && port.get("name").is_none() {
            causes.push(cause(&format!("spec.ports[{index}].name"), "Required value".to_owned()));
        }
    }
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
