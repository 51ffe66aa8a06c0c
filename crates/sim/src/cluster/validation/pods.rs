//! What the server does not take of pods' specs.

use std::net::IpAddr;

use hactl_kube::{Cause, Object};
use serde_json::Value;

use super::{LABEL, SUBDOMAIN, cause, invalid, is_label, is_subdomain, list, unsupported, wrong_port};
use crate::cluster::pods::template_of;

const PULL_POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];
const ENV_NAME: &str = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', \
    and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is \
    '[-._a-zA-Z][-._a-zA-Z0-9]*')";

/// Why the spec of an object's pods cannot be read as one at all; the values that are of the wrong type most often.
pub(super) fn unreadable(object: &Object) -> Option<String> {
    if object.at(&["spec", "replicas"]).is_some_and(|replicas| !replicas.is_i64()) {
        return Some("json: cannot unmarshal string into Go struct field .spec.replicas of type int32".to_owned());
    }
    let (path, spec) = template_of(object)?;
    if spec.get("containers").is_some_and(|containers| !containers.is_array()) {
        return Some(format!(
            "json: cannot unmarshal object into Go struct field .{path}.containers of type []v1.Container"
        ));
    }
    let variables = list(spec, "containers").iter().flat_map(|container| list(container, "env"));
    let mut values = variables.filter_map(|variable| variable.get("value"));
    values.any(|value| !value.is_string()).then(|| {
        format!("json: cannot unmarshal number into Go struct field .{path}.containers.env.value of type string")
    })
}

/// What is wrong with the spec of pods at a path.
pub(super) fn wrong(path: &str, spec: &Value, causes: &mut Vec<Cause>) {
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
            wrong_container(&place, spec, container, causes);
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

fn wrong_container(place: &str, spec: &Value, container: &Value, causes: &mut Vec<Cause>) {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let policy = text(container, "imagePullPolicy");
    if !PULL_POLICIES.contains(&policy.as_str()) {
        causes.push(unsupported(&format!("{place}.imagePullPolicy"), &policy, PULL_POLICIES));
    }
    for (index, port) in list(container, "ports").iter().enumerate() {
        let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or_default();
        causes.extend(wrong_port(&format!("{place}.ports[{index}].containerPort"), number));
    }
    for (index, variable) in list(container, "env").iter().enumerate() {
        let name = text(variable, "name");
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(inner) {
            causes.push(invalid(&format!("{place}.env[{index}].name"), &name, ENV_NAME));
        }
    }
    for (index, mount) in list(container, "volumeMounts").iter().enumerate() {
        let name = text(mount, "name");
        if !list(spec, "volumes").iter().any(|volume| text(volume, "name") == name) {
            causes.push(cause(&format!("{place}.volumeMounts[{index}].name"), format!("Not found: {name:?}")));
        }
    }
}
