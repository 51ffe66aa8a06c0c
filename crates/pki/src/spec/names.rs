//! Host names that certificates may carry (RFC 5280, section 4.2.1.6, and RFC 6125).

use std::net::IpAddr;

use crate::Mistake;

/// Tells what is wrong with a host name.
pub(super) fn check(name: &str) -> Result<(), Mistake> {
    let mistake =
        |what: &str, help: &str| Err(Mistake::new(format!("the DNS name `{}` {what}", name.escape_debug()), help));
    if name.is_empty() {
        return Err(Mistake::new("a DNS name is empty", "Write a host name, or take the entry out."));
    }
    if !name.is_ascii() {
        return mistake(
            "is not in ASCII",
            "Certificates carry names in punycode: write what `idn2 NAME` prints (`xn--…`).",
        );
    }
    if name.parse::<IpAddr>().is_ok() {
        return mistake("is an IP address", "Give it as an IP address: clients look for it there.");
    }
    if name.contains("://") || name.contains('/') || name.contains(':') {
        return mistake("is not a host name alone", "Leave out scheme, port and path.");
    }
    if name.ends_with('.') {
        return mistake("ends with a dot", "Leave out the final dot: certificates carry names without it.");
    }
    if name.len() > 253 {
        return mistake("is too long", "A host name has at most 253 characters.");
    }
    let (wildcard, rest) = match name.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    if rest.contains('*') {
        return mistake("has a `*` where none may be", "A `*` stands for the whole leftmost label: `*.example.com`.");
    }
    if wildcard && !rest.contains('.') {
        return mistake(
            "would be good for a whole top-level domain",
            "Clients refuse such a wildcard: name the domain below it as well, or list the hosts.",
        );
    }
    if let Some(label) = rest.split('.').find(|label| !is_label(label)) {
        let help =
            "Between its dots stand 1 to 63 letters, digits, `-` and `_`; a `-` neither begins nor ends such a part.";
        return mistake(&format!("has the wrong part `{}`", label.escape_debug()), help);
    }
    if rest.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return mistake("ends with a number", "No domain does; if it is to be an IP address, it is not a right one.");
    }
    Ok(())
}

/// Underscores are no letters of host names, but names of containers and of services have them, and clients take them.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_taken() {
        for name in [
            "a",
            "localhost",
            "Web-1.example.com",
            "*.example.com",
            "xn--bcher-kva.example",
            "my_app.local",
            "3com.example",
        ] {
            check(name).unwrap();
        }
    }

    #[test]
    fn what_is_no_host_name_is_explained() {
        let long = "a.".repeat(130) + "b";
        let wrong = [
            "",
            "bücher.example",
            "10.0.0.1",
            "fe80::1",
            "https://a.example",
            "a.example:443",
            "a.example.",
            "*",
            "*.com",
            "a.*.example.com",
            "w*.example.com",
            "*.*.example.com",
            "a..b",
            "-a.example",
            "a b.example",
            "a\nb",
            "10.0.0.256",
            &long,
        ];
        let told: Vec<String> =
            wrong.iter().map(|name| check(name).unwrap_err().summary.replace(&long, "a.a…")).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
