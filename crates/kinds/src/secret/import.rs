//! Certificates that were made elsewhere: checked before anything is planned with them.

use std::collections::BTreeMap;

use hactl_core::Diagnostic;
use hactl_core::diagnostic::Span;
use hactl_core::sensitive::Sensitive;
use hactl_core::value::Value;
use hactl_pki::{ImportPart, Imported, Mistake, check_import};
use jiff::Timestamp;

/// The entries of an imported certificate.
pub(super) const ENTRIES: [&str; 3] = ["certificate", "privateKey", "chain"];

/// A certificate that ends within so many days is warned about.
const WARNED_DAYS: i64 = 30;

/// What plans and lists show of an imported certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCertificate {
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid, this second included.
    pub not_after: Timestamp,
    /// Its subject, as OpenSSL shows it; empty where it has none.
    pub subject: String,
    /// The DNS names and IP addresses it is good for.
    pub names: Vec<String>,
}

/// What an import was given, as it was read, and where that is written.
pub(super) struct Given {
    pub(super) value: Sensitive<Value>,
    pub(super) span: Span,
}

/// An import that is right: its entries by name, what is shown of it, and a warning where it ends soon.
pub(super) struct Checked {
    pub(super) entries: BTreeMap<&'static str, Sensitive<Value>>,
    pub(super) certificate: ReadCertificate,
    pub(super) warning: Option<Diagnostic>,
}

/// Checks what was read for an import.
///
/// # Errors
/// Every mistake, at the place of the entry that it is about.
pub(super) fn check(
    certificate: &Given,
    private_key: &Given,
    ca: Option<&Given>,
    now: Timestamp,
) -> Result<Checked, Vec<Diagnostic>> {
    let mistake = |(part, mistake): (ImportPart, Mistake)| {
        let about = match part {
            ImportPart::PrivateKey => private_key,
            ImportPart::Ca => ca.unwrap_or(certificate),
            ImportPart::Certificate => certificate,
        };
        Diagnostic::error(mistake.summary).at(about.span).help(mistake.help)
    };
    let imported = check_import(certificate.bytes(), private_key.bytes(), ca.map(Given::bytes), now);
    let Imported { certificate: leaf, chain, not_before, not_after, subject, names } =
        imported.map_err(|mistakes| mistakes.into_iter().map(mistake).collect::<Vec<_>>())?;
    Ok(Checked {
        entries: BTreeMap::from([
            ("certificate", Sensitive::new(Value::from(leaf))),
            ("chain", Sensitive::new(Value::from(chain))),
            ("privateKey", private_key.value.clone()),
        ]),
        certificate: ReadCertificate { not_before, not_after, subject, names },
        warning: ends_soon(not_after, now).map(|warning| warning.at(certificate.span)),
    })
}

/// An import is checked when a plan is made, so nothing in it can depend on what is known only later.
pub(super) fn needs_variables(key: &str, at: Span) -> Diagnostic {
    Diagnostic::error(format!("`import.{key}` uses more than variables"))
        .at(at)
        .detail("A certificate is checked before anything is planned with it.")
        .help("use variables only, or `{env}`, `{file}`, `{exec}` or `{sops}`")
}

impl Given {
    fn bytes(&self) -> &[u8] {
        self.value.expose().as_str().unwrap_or_default().as_bytes()
    }
}

fn ends_soon(not_after: Timestamp, now: Timestamp) -> Option<Diagnostic> {
    let days = now.duration_until(not_after).as_hours() / 24;
    let ends = not_after.strftime("%Y-%m-%d %H:%M:%S UTC");
    (days < WARNED_DAYS).then(|| {
        Diagnostic::warning(format!("the certificate ends on {ends}, in {days} days"))
            .help("have it renewed and put the new one in its place: hactl renews only what it made itself")
    })
}
