//! What a certificate is asked for with, and what can be wrong with that.

mod names;

use std::net::IpAddr;

use crate::{KeyType, Mistake};

/// What a certificate authority is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthoritySpec {
    /// Its name (CN), shown by browsers and `openssl`. A rotated authority keeps it.
    pub common_name: String,
    /// Organisation (O).
    pub organisation: Option<String>,
    /// What its key is made with.
    pub key_type: KeyType,
}

/// What a server's or client's certificate is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateSpec {
    /// Name of its subject (CN). Verifiers of servers do not read it; Kubernetes and etcd take a client's user from it.
    pub common_name: Option<String>,
    /// Organisation (O). Kubernetes takes a client's group from it.
    pub organisation: Option<String>,
    /// Host names, in ASCII; the leftmost label may be `*`.
    pub dns_names: Vec<String>,
    /// Addresses that clients connect to by number.
    pub ip_addresses: Vec<IpAddr>,
    /// What it may be used for.
    pub usages: Vec<Usage>,
    /// What its key is made with.
    pub key_type: KeyType,
}

/// What a certificate may be used for (RFC 5280, section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Usage {
    /// `serverAuth`: a TLS server shows it.
    ServerAuth,
    /// `clientAuth`: a TLS client shows it.
    ClientAuth,
}

/// `ub-common-name` and `ub-organization-name` of RFC 5280, appendix A.1.
const MAXIMUM_NAME_LENGTH: usize = 64;

impl Default for CertificateSpec {
    fn default() -> Self {
        Self {
            common_name: None,
            organisation: None,
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            usages: vec![Usage::ServerAuth, Usage::ClientAuth],
            key_type: KeyType::default(),
        }
    }
}

impl AuthoritySpec {
    /// Everything that is wrong with it. Authorities are made only from a spec without mistakes.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let common_name = distinguished("common name", &self.common_name);
        common_name.into_iter().chain(self.organisation.as_deref().and_then(organisation)).collect()
    }
}

impl CertificateSpec {
    /// Everything that is wrong with it. Certificates are made only from a spec without mistakes.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = self.dns_names.iter().filter_map(|name| names::check(name).err()).collect();
        mistakes.extend(self.common_name.as_deref().and_then(|name| distinguished("common name", name)));
        mistakes.extend(self.organisation.as_deref().and_then(organisation));
        let has_no_host = self.dns_names.is_empty() && self.ip_addresses.is_empty();
        if self.usages.is_empty() {
            mistakes.push(Mistake::new(
                "a certificate without usages is good for nothing",
                "Name `serverAuth`, `clientAuth` or both, or leave them out for both.",
            ));
        } else if has_no_host && self.usages.contains(&Usage::ServerAuth) {
            mistakes.push(Mistake::new(
                "a server's certificate needs a DNS name or an IP address",
                "Clients compare the address they connect to with these names, not with the common name. \
                 For a client's certificate set the usages to `clientAuth` alone.",
            ));
        } else if has_no_host && self.common_name.is_none() {
            mistakes.push(Mistake::new(
                "a client's certificate needs a name",
                "Give it a common name: servers tell clients apart by it.",
            ));
        }
        mistakes
    }
}

fn organisation(text: &str) -> Option<Mistake> {
    distinguished("organisation", text)
}

/// Checks a part of a distinguished name.
fn distinguished(part: &str, text: &str) -> Option<Mistake> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        let help = "Write a name, such as the host's or the company's; a certificate's may be left out altogether.";
        Some(Mistake::new(format!("the {part} is empty"), help))
    } else if length > MAXIMUM_NAME_LENGTH {
        Some(Mistake::new(
            format!("the {part} has {length} characters, X.509 allows {MAXIMUM_NAME_LENGTH}"),
            "Shorten it; host names of any length are given as DNS names.",
        ))
    } else if text.chars().any(char::is_control) {
        Some(Mistake::new(format!("the {part} holds a control character"), "Keep it to one line of plain text."))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(mistakes: &[Mistake]) -> String {
        mistakes.iter().map(|mistake| format!("{}\n  {}\n", mistake.summary, mistake.help)).collect()
    }

    #[test]
    fn all_mistakes_of_a_spec_are_told_at_once() {
        let spec = CertificateSpec {
            common_name: Some("x".repeat(65)),
            organisation: Some("a\nb".to_owned()),
            dns_names: ["ok.example", "*.ok.example", "a..b", "bücher.example"].map(str::to_owned).to_vec(),
            usages: Vec::new(),
            ..CertificateSpec::default()
        };
        insta::assert_snapshot!(show(&spec.mistakes()));
    }

    #[test]
    fn a_server_needs_a_host_and_a_client_a_name() {
        let server = CertificateSpec { common_name: Some("web".to_owned()), ..CertificateSpec::default() };
        let client = CertificateSpec { usages: vec![Usage::ClientAuth], ..CertificateSpec::default() };
        insta::assert_snapshot!(show(&[server.mistakes(), client.mistakes()].concat()), @r"
        a server's certificate needs a DNS name or an IP address
          Clients compare the address they connect to with these names, not with the common name. For a client's certificate set the usages to `clientAuth` alone.
        a client's certificate needs a name
          Give it a common name: servers tell clients apart by it.
        ");
        let named = CertificateSpec { common_name: Some("admin".to_owned()), ..client };
        assert_eq!(named.mistakes(), []);
    }
}
