//! Names as Kubernetes has them: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.

/// What is wrong with an object's name, as a clause; none where nothing is.
///
/// Kinds of other groups than Kubernetes' own may have any name that can stand in a path: their API servers decide.
pub(crate) fn flaw_of_name(group: &str, kind: &str, name: &str) -> Option<&'static str> {
    let builtin = super::super::builtin::find(group, kind).is_some();
    match kind {
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" | "IPAddress" => flaw_of_path_segment(name),
        _ if !builtin => flaw_of_path_segment(name),
        "Namespace" | "Service" => flaw_of_label(name),
        _ => flaw_of_subdomain(name),
    }
}

/// What is wrong with a label of RFC 1123: letters, digits and `-`, at most 63.
pub(crate) fn flaw_of_label(text: &str) -> Option<&'static str> {
    if text.len() > 63 {
        Some("it is longer than 63 characters")
    } else if text.contains('.') {
        Some("it has a dot")
    } else {
        flaw_of_part(text)
    }
}

/// What is wrong with a subdomain of RFC 1123: labels with dots between them, at most 253 characters.
pub(crate) fn flaw_of_subdomain(text: &str) -> Option<&'static str> {
    if text.len() > 253 { Some("it is longer than 253 characters") } else { text.split('.').find_map(flaw_of_part) }
}

/// What is wrong with a host name of an Ingress: a subdomain, also as `*.example.com`, and no address.
pub(crate) fn flaw_of_host(text: &str) -> Option<&'static str> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Some("it is an IP address; without a host, a rule holds for every name and address");
    }
    flaw_of_subdomain(text.strip_prefix("*.").unwrap_or(text))
}

fn flaw_of_part(part: &str) -> Option<&'static str> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if part.is_empty() {
        Some("it has an empty part")
    } else if !part.chars().all(good) {
        Some("it has other characters than letters, digits, `-` and dots")
    } else if part.contains(|c: char| c.is_ascii_uppercase()) {
        Some("it has upper-case letters")
    } else if part.starts_with('-') || part.ends_with('-') {
        Some("a part of it begins or ends with `-`")
    } else {
        None
    }
}

fn flaw_of_path_segment(name: &str) -> Option<&'static str> {
    match name {
        "." | ".." => Some("it is a step in a path"),
        _ if name.contains(['/', '%', '"']) => Some("it has one of the characters `/`, `%` and `\"`"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (group, kind, name) in [
            ("", "Namespace", "cattle-system"),
            ("apps", "Deployment", "web.v1"),
            ("", "ConfigMap", "0-kube.root"),
            ("rbac.authorization.k8s.io", "ClusterRole", "system:node"),
            ("user.openshift.io", "Identity", "ldap:jane"),
        ] {
            assert_eq!(flaw_of_name(group, kind, name), None, "{kind} {name}");
        }
        let long = "a".repeat(64);
        for (group, kind, name) in [
            ("", "Namespace", "cattle.system"),
            ("", "Service", &*long),
            ("apps", "Deployment", "Web"),
            ("apps", "Deployment", "web_1"),
            ("apps", "Deployment", "web-"),
            ("apps", "Deployment", "a..b"),
            ("rbac.authorization.k8s.io", "Role", "a/b"),
        ] {
            assert!(flaw_of_name(group, kind, name).is_some(), "{kind} {name}");
        }
    }

    #[test]
    fn hosts() {
        for host in ["demo.rancher.com", "*.example.com", "localhost", "1.2.3.4.nip.io"] {
            assert_eq!(flaw_of_host(host), None, "{host}");
        }
        for host in ["<FQDN>", "a b", "*", "*.*.com", "demo.rancher.com:80", "https://a", "10.0.0.1", "::1", "Demo.com"]
        {
            assert!(flaw_of_host(host).is_some(), "{host}");
        }
    }
}
