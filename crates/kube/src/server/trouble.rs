//! Why an API server is not reached, in the user's words.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use kube::client::{AuthError, RustlsTlsError};
use rustls::CertificateError;

use crate::server::kubeconfig::{self, Names};
use crate::server::road::{CONNECT_LIMIT, NoTunnel};

/// Whether an error is from before the request could have been sent.
pub(super) fn is_before_sending(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.is::<AuthError>()
            || cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect)
            || matches!(cause.downcast_ref(), Some(rustls::Error::AlertReceived(_)))
    })
}

/// Why there is no connection, and what to do.
pub(super) fn reason(error: &(dyn Error + 'static), names: &Names) -> String {
    let Names { server, source, through } = names;
    let known = causes(error).find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<AuthError>() {
            return Some(format!("{source}: {}", plugin(error)));
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls(error, names));
        }
        if let Some(NoTunnel(why)) = cause.downcast_ref::<NoTunnel>() {
            return Some(format!("{server} is not reached: {why}"));
        }
        let error = cause.downcast_ref::<io::Error>()?;
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(format!("connection refused by {server}")),
            io::ErrorKind::TimedOut => {
                let seconds = CONNECT_LIMIT.as_secs();
                Some(format!("{server} does not answer within {seconds} s; check `server` in {source}"))
            }
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Some(format!("there is no way to {server}; check `server` in {source}"))
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Some(format!("{server} closes the connection before it stands"))
            }
            _ => None,
        }
    });
    let known = known.unwrap_or_else(|| {
        let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
        let last = texts.last().map_or("no reason is given", String::as_str);
        match texts.iter().any(|text| text.contains("dns error")) {
            true => format!("the name of {server} is not known: {last}; check `server` in {source}"),
            false => format!("connecting to {server}: {last}"),
        }
    });
    match through.as_slice() {
        [] => known,
        steps => format!("through {}: {known}", steps.join(" and ")),
    }
}

/// What is wrong with what a connection is made with.
pub(super) fn unusable(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(error) => plugin(error),
        kube::Error::InferKubeconfig(error) => kubeconfig::unusable(error),
        kube::Error::RustlsTls(error) => match error {
            RustlsTlsError::InvalidIdentityPem(_)
            | RustlsTlsError::MissingPrivateKey
            | RustlsTlsError::MissingCertificate => "its `client-certificate` or `client-key` is not in PEM".to_owned(),
            RustlsTlsError::InvalidPrivateKey(error) => {
                format!("its `client-key` cannot be used, or is not that of its `client-certificate`: {error}")
            }
            RustlsTlsError::AddRootCertificate(error) => format!("its `certificate-authority` cannot be used: {error}"),
            RustlsTlsError::InvalidServerName(_) => "its `tls-server-name` is not a name".to_owned(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

/// Why there are no credentials. What a plugin printed is not repeated but for its last error line: it may hold them.
fn plugin(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => format!("its credential plugin cannot be started: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
            let last = last.map(|line| format!(": {line}")).unwrap_or_default();
            format!("its credential plugin failed ({}){last}", out.status)
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::MalformedTokenExpirationDate(_) => {
            "its credential plugin did not print credentials that a client understands (ExecCredential)".to_owned()
        }
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "its token has characters that no token has".to_owned()
        }
        AuthError::MissingCommand => "its credential plugin has no `command`".to_owned(),
        other => other.to_string(),
    }
}

fn tls(error: &rustls::Error, names: &Names) -> String {
    let Names { server, source, .. } = names;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. } => format!(
                "the certificate of {server} is not from an authority that is trusted; check `certificate-authority` in \
                 {source}"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let (name, has) = match certificate {
                    CertificateError::NotValidForNameContext { expected, presented } => {
                        let presented: Vec<&str> = presented.iter().map(|name| plain(name)).collect();
                        let has = match presented.as_slice() {
                            [] => String::new(),
                            names => format!(" but for {}", names.join(", ")),
                        };
                        (expected.to_str().into_owned(), has)
                    }
                    _ => ("that name".to_owned(), String::new()),
                };
                format!(
                    "the certificate of {server} is not for {name}{has}; use one of its names in `server`, or as \
                     `tls-server-name`, in {source}"
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {server} has expired: renew it, or set this machine's clock right")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate of {server} is not valid yet: set this machine's clock right")
            }
            other => format!("the certificate of {server} is not valid: {other}"),
        },
        rustls::Error::InvalidMessage(_) => format!("{server} does not speak TLS; check `server` in {source}"),
        rustls::Error::AlertReceived(alert) => {
            format!("{server} refuses the TLS connection ({alert:?}); check the credentials in {source}")
        }
        other => format!("TLS with {server} fails: {other}"),
    }
}

/// As certificates' names are written: rustls puts their type around them, as in `DnsName("a")`.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.trim_matches('"')
}

/// An error and what it is due to, the root last. What an I/O error was made of counts as its cause.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}
