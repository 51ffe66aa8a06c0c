//! Checks of single fields: text where only text is allowed, Base64, host names and addresses, selectors.

use std::net::IpAddr;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::value::{Map, Value};

use super::super::pods::{CONTAINERS, at_path, items, selects, template_path, text};
use super::Check;
use super::names::{flaw_of_host, flaw_of_subdomain};

/// Checks what the fields of an object hold.
pub(super) fn check(check: &mut Check<'_>, object: &Value, group: &str, kind: &str) {
    metadata(check, object, &[]);
    match (group, kind) {
        ("", "Secret") => secret(check, object),
        ("", "ConfigMap") => {
            texts(check, object, &["data"]);
            base64(check, object, "binaryData");
        }
        ("", "Service") => texts(check, object, &["spec", "selector"]),
        ("networking.k8s.io", "Ingress") => ingress(check, object),
        _ => {}
    }
    if matches!(group, "" | "apps" | "batch")
        && let Some(path) = template_path(kind)
    {
        pod(check, object, path);
        texts(check, object, &["spec", "selector", "matchLabels"]);
        selector(check, object, path, kind);
    }
}

fn metadata(check: &mut Check<'_>, object: &Value, path: &[&str]) {
    for key in ["labels", "annotations"] {
        texts(check, object, &[path, &["metadata", key]].concat());
    }
}

/// Every value of the map at a path is text.
fn texts(check: &mut Check<'_>, object: &Value, path: &[&str]) {
    for (key, value) in at_path(object, path).and_then(Value::as_map).into_iter().flatten() {
        check_text(check, value, &[path, &[key]].concat());
    }
}

fn check_text(check: &mut Check<'_>, value: &Value, path: &[&str]) {
    let help = match value {
        Value::String(_) | Value::Deferred(_) | Value::Sealed(_) => return,
        Value::Null => "write `\"\"` for an empty text, or take it out".to_owned(),
        Value::Bool(_) | Value::Int(_) if !check.secret => format!("put it in quotes: `\"{value:?}\"`"),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => "put it in quotes".to_owned(),
        Value::List(_) | Value::Map(_) => "write it as one text".to_owned(),
    };
    let summary =
        format!("`{}` of {} is {}, and Kubernetes takes text only", shown(path), check.called, value.type_name());
    check.found(Diagnostic::error(summary).help(help), path);
}

/// A path with the numbers of items in brackets, as in `spec.containers[0].args[1]`.
fn shown(path: &[&str]) -> String {
    let mut shown = String::new();
    for key in path {
        let is_number = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
        let between = if shown.is_empty() || is_number { "" } else { "." };
        shown.push_str(&if is_number { format!("[{key}]") } else { format!("{between}{key}") });
    }
    shown
}

/// The fields of a Secret. What stands under any other may have been meant for one of them, and would be no secret there.
const SECRET_FIELDS: [&str; 7] = ["apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData"];

fn secret(check: &mut Check<'_>, object: &Value) {
    let fields = object.as_map().into_iter().flatten().map(|(field, _)| field.as_str());
    for field in fields.filter(|field| !SECRET_FIELDS.contains(field)) {
        let help = match did_you_mean(field, SECRET_FIELDS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "its values stand under `data` or `stringData`".to_owned(),
        };
        check.found(
            Diagnostic::error(format!("{} has a field `{field}`, which no Secret has", check.called)).help(help),
            &[field],
        );
    }
    texts(check, object, &["stringData"]);
    base64(check, object, "data");
}

fn base64(check: &mut Check<'_>, object: &Value, field: &str) {
    texts(check, object, &[field]);
    for (key, value) in object.get(field).and_then(Value::as_map).into_iter().flatten() {
        if let Some(flaw) = value.as_str().and_then(flaw_of_base64) {
            let diagnostic = Diagnostic::error(format!("`{field}.{key}` of {} is no Base64: {flaw}", check.called));
            let plain = if field == "data" { "write plain text under `stringData`, or " } else { "" };
            let help = format!("{plain}encode it with `base64 -w0 FILE`");
            check.found(diagnostic.help(help), &[field, key]);
        }
    }
}

/// What is wrong with a text as standard Base64 with padding (RFC 4648, section 4). Line breaks are skipped, as Kubernetes does.
fn flaw_of_base64(text: &str) -> Option<&'static str> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    let content = &digits[..digits.len() - padding];
    if content.iter().any(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/')) {
        Some("it has other characters than letters, digits, `+` and `/`")
    } else if !digits.len().is_multiple_of(4) || padding > 2 {
        Some("its length is not a multiple of 4, with `=` at the end")
    } else {
        None
    }
}

fn ingress(check: &mut Check<'_>, object: &Value) {
    for (index, rule) in items(object, &["spec", "rules"]).iter().enumerate() {
        if let Some(host) = text(rule, &["host"]).filter(|host| !host.is_empty()) {
            check_host(check, host, &["spec", "rules", &index.to_string(), "host"]);
        }
    }
    for (index, tls) in items(object, &["spec", "tls"]).iter().enumerate() {
        for (inner, host) in items(tls, &["hosts"]).iter().enumerate() {
            if let Some(host) = host.as_str() {
                check_host(check, host, &["spec", "tls", &index.to_string(), "hosts", &inner.to_string()]);
            }
        }
    }
}

fn check_host(check: &mut Check<'_>, host: &str, path: &[&str]) {
    if let Some(flaw) = flaw_of_host(host) {
        let summary = format!("`{host}` in {} is no host name: {flaw}", check.called);
        check.found(Diagnostic::error(summary).help("write a name like demo.example.com or *.example.com"), path);
    }
}

fn pod(check: &mut Check<'_>, object: &Value, path: &[&str]) {
    if !path.is_empty() {
        metadata(check, object, path);
    }
    let path = &[path, &["spec"]].concat()[..];
    texts(check, object, &[path, &["nodeSelector"]].concat());
    for (index, alias) in items(object, &[path, &["hostAliases"]].concat()).iter().enumerate() {
        let index = index.to_string();
        host_alias(check, alias, &[path, &["hostAliases", &index]].concat());
    }
    for list in CONTAINERS {
        for (index, container) in items(object, &[path, &[list]].concat()).iter().enumerate() {
            let index = index.to_string();
            container_texts(check, container, &[path, &[list, &index]].concat());
        }
    }
}

fn host_alias(check: &mut Check<'_>, alias: &Value, path: &[&str]) {
    if let Some(ip) = text(alias, &["ip"])
        && ip.parse::<IpAddr>().is_err()
    {
        let summary = format!("`{ip}` in `hostAliases` of {} is no IP address", check.called);
        check.found(
            Diagnostic::error(summary).help("write one like 192.168.1.100 or fd00::1"),
            &[path, &["ip"]].concat(),
        );
    }
    for (index, name) in items(alias, &["hostnames"]).iter().enumerate() {
        if let Some(name) = name.as_str()
            && let Some(flaw) = flaw_of_subdomain(name)
        {
            let summary = format!("`{name}` in `hostAliases` of {} is no host name: {flaw}", check.called);
            check.found(Diagnostic::error(summary), &[path, &["hostnames", &index.to_string()]].concat());
        }
    }
}

fn container_texts(check: &mut Check<'_>, container: &Value, path: &[&str]) {
    for (index, variable) in items(container, &["env"]).iter().enumerate() {
        if let Some(value) = variable.get("value").filter(|value| !value.is_null()) {
            check_text(check, value, &[path, &["env", &index.to_string(), "value"]].concat());
        }
    }
    for list in ["command", "args"] {
        for (index, argument) in items(container, &[list]).iter().enumerate() {
            check_text(check, argument, &[path, &[list, &index.to_string()]].concat());
        }
    }
}

/// The selector of a workload selects the pods of its own template.
fn selector(check: &mut Check<'_>, object: &Value, template: &[&str], kind: &str) {
    if !matches!(kind, "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet") {
        return;
    }
    let labels = match at_path(object, &[template, &["metadata", "labels"]].concat()) {
        Some(Value::Map(labels)) => labels.clone(),
        Some(Value::Null) | None => Map::new(),
        Some(_) => return,
    };
    let Some(spec @ Value::Map(_)) = object.get("spec") else { return };
    let path = &["spec", "selector"];
    if !labels.values().all(Value::is_plain) {
        return;
    }
    let Some(selector) = spec.get("selector").filter(|selector| !selector.is_null()) else {
        let summary = format!("{} has no `spec.selector`", check.called);
        let help = "write `selector: {matchLabels: …}` with labels of its template";
        check.found(Diagnostic::error(summary).help(help), path);
        return;
    };
    if selector.is_plain() && !selects(selector, &labels) {
        let shown: Vec<_> =
            labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
        let labels = if shown.is_empty() { "no labels".to_owned() } else { shown.join(", ") };
        let summary = format!("`spec.selector` of {} does not select the pods of its own template", check.called);
        let diagnostic = Diagnostic::error(summary)
            .detail(format!("They have {labels}."))
            .help("make the labels in `spec.selector` and `spec.template.metadata.labels` equal");
        check.found(diagnostic, path);
    }
}

#[cfg(test)]
mod tests {
    use super::flaw_of_base64;

    #[test]
    fn base64() {
        for text in ["", "YQ==", "YWI=", "YWJj", "YW\nJj\n", "+/+/"] {
            assert_eq!(flaw_of_base64(text), None, "{text}");
        }
        for text in ["YQ", "YQ=", "====", "Y===", "<BASE64_CA>", "a b=", "YQ==YQ==", "-_-_", "é==="] {
            assert!(flaw_of_base64(text).is_some(), "{text}");
        }
    }
}
