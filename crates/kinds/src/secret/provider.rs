//! Making what the config asks for: passwords, keys, certificates.

use hactl_core::Sensitive;
use hactl_core::plan::Operation;
use hactl_core::resolve::Entries;
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, Produced, StepError};
use hactl_pki::{AuthoritySpec, CertificateSpec, Issuer, KeyType, Mistake, SshKeyType, Usage};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::outputs::{
    BUNDLED, CERTIFICATE, CHAIN, ISSUING, NOT_AFTER, NOT_BEFORE, OVERLAP_UNTIL, PRIVATE_KEY, PUBLIC_KEY, VALUE,
};
use crate::decode::decode_value;
use crate::formats;
use crate::home::Maker;
use crate::secret::lower::as_text;

/// What a step is to make, owned by the step: making a key takes seconds, in which others go on.
pub(crate) struct Order {
    /// The spec, in plain text.
    spec: Sensitive<Value>,
    /// What the secret holds now; empty where it is created.
    entries: Entries,
    /// What else state knows of it.
    outputs: Map,
    /// What is to be made anew.
    remakes: Vec<String>,
    /// Whether there was a secret of this name before.
    updates: bool,
}

impl Order {
    /// What a job asks for; none where there is nothing to make.
    pub(crate) fn of(job: &Job<'_>) -> Option<Self> {
        let makes = matches!(job.operation, Operation::Create | Operation::Update | Operation::Swap);
        Some(Self {
            spec: Sensitive::new(job.spec.filter(|_| makes)?.clone()),
            entries: job.entries.clone(),
            outputs: job.state.map(|state| state.outputs.clone()).unwrap_or_default(),
            remakes: job.remakes.to_vec(),
            updates: job.operation == Operation::Update,
        })
    }

    /// Whether making it takes so long that others should go on meanwhile: finding the primes of an RSA key does.
    pub(crate) fn takes_long(&self) -> bool {
        let generate = self.spec.expose().get("generate").and_then(Value::as_map);
        let wanted = generate.and_then(|generate| generate.values().next());
        let word = |key| wanted.and_then(|wanted| wanted.get(key)).and_then(Value::as_str).unwrap_or_default();
        word("keyType").starts_with("rsa") || word("type") == "rsa"
    }
}

/// Makes what was ordered.
pub(crate) fn make(order: &Order, maker: &mut Maker) -> Result<Produced, StepError> {
    let spec = order.spec.expose();
    if let Some(given) = spec.get("data").or_else(|| spec.get("import")).and_then(Value::as_map) {
        return Ok(Produced { outputs: dates_of(spec), entries: copied(given)? });
    }
    if order.updates && order.remakes.is_empty() && !order.entries.is_empty() {
        return Ok(Produced::default());
    }
    let generate: Generate = decode_value(spec.get("generate").unwrap_or(&Value::Null)).map_err(StepError::new)?;
    match &generate {
        Generate::Password(wanted) => {
            let made = hactl_pki::password(wanted.length, &wanted.alphabet, &mut maker.entropy);
            made.map(|text| single(VALUE, &text)).map_err(|weak| StepError::new(weak.to_string()))
        }
        Generate::Token(wanted) => {
            let made = hactl_pki::token(wanted.bytes, &mut maker.entropy);
            made.map(|text| single(VALUE, &text)).map_err(|weak| StepError::new(weak.to_string()))
        }
        Generate::SshKey(wanted) => ssh_key(wanted, maker),
        Generate::CertificateAuthority(_) if ends_overlap(order) => Ok(without_predecessor(order)),
        Generate::CertificateAuthority(wanted) => authority(wanted, spec, order, maker),
        Generate::Certificate(wanted) => certificate(wanted, spec, maker),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Generate {
    Password(Password),
    Token(Token),
    SshKey(SshKey),
    CertificateAuthority(Authority),
    Certificate(Certificate),
}

#[derive(Deserialize)]
struct Password {
    length: usize,
    alphabet: String,
}

#[derive(Deserialize)]
struct Token {
    bytes: usize,
}

#[derive(Deserialize)]
struct SshKey {
    #[serde(rename = "type")]
    key_type: String,
    #[serde(default)]
    bits: u32,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authority {
    common_name: String,
    organisation: Option<String>,
    key_type: String,
    valid_for: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    common_name: Option<String>,
    organisation: Option<String>,
    #[serde(default)]
    dns_names: Vec<String>,
    #[serde(default)]
    ip_addresses: Vec<std::net::IpAddr>,
    usages: Vec<String>,
    key_type: String,
    valid_for: String,
}

/// The entries of a secret that is given, not made: texts that are not empty.
fn copied(given: &Map) -> Result<Entries, StepError> {
    let entry = |(name, value): (&String, &Value)| match as_text(value) {
        Some(text) if text.as_str() != Some("") => Ok((name.clone(), Sensitive::new(text))),
        Some(_) => Err(StepError::new(format!("the entry `{name}` is empty"))),
        None => Err(StepError {
            help: Some("take one value out of it, or make it text with `jsonencode(…)`".to_owned()),
            ..StepError::new(format!("the entry `{name}` is {}, expected text", value.type_name()))
        }),
    };
    given.iter().map(entry).collect()
}

fn single(name: &str, text: &Sensitive<String>) -> Produced {
    Produced { outputs: Map::new(), entries: Entries::from([entry(name, text.expose())]) }
}

fn entry(name: &str, text: &str) -> (String, Sensitive<Value>) {
    (name.to_owned(), Sensitive::new(Value::from(text)))
}

fn ssh_key(wanted: &SshKey, maker: &mut Maker) -> Result<Produced, StepError> {
    let key_type = match wanted.key_type.as_str() {
        "rsa" => SshKeyType::Rsa { bits: wanted.bits },
        _ => SshKeyType::Ed25519,
    };
    let made =
        hactl_pki::ssh_key(key_type, &wanted.comment, &mut maker.entropy).map_err(|mistake| failed(&[mistake]))?;
    let entries = [entry(PUBLIC_KEY, &made.public_key), entry(PRIVATE_KEY, made.private_key.expose())];
    Ok(Produced { outputs: Map::new(), entries: entries.into() })
}

fn authority(wanted: &Authority, spec: &Value, order: &Order, maker: &mut Maker) -> Result<Produced, StepError> {
    let issuer = issuer_of(spec)?;
    let overlap = duration(spec.get("overlap").and_then(Value::as_str).unwrap_or_default());
    // An intermediate is trusted through its root: only a root has to be known to those who verify.
    let rotates = issuer.is_none() && order.updates && overlap > SignedDuration::ZERO;
    let predecessor = if rotates { predecessor(order)? } else { None };
    let made = hactl_pki::authority(
        &AuthoritySpec {
            common_name: wanted.common_name.clone(),
            organisation: wanted.organisation.clone(),
            key_type: key_type(&wanted.key_type)?,
        },
        duration(&wanted.valid_for),
        issuer.as_ref(),
        predecessor.as_ref(),
        maker.now,
        &mut maker.entropy,
    )
    .map_err(|mistakes| failed(&mistakes))?;
    let mut outputs = dates(made.not_before, made.not_after);
    if let (Some(_), Some(predecessor)) = (&made.cross_certificate, &predecessor) {
        let planned = maker.now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        let end = planned.min(predecessor.not_after());
        outputs.insert(OVERLAP_UNTIL.to_owned(), Value::from(to_the_second(end).to_string()));
    }
    // Who verifies needs roots; what stands below one is sent along by servers, and so a chain is what it takes there.
    let chain = if issuer.is_some() { &made.chain } else { &made.bundle };
    let entries = [
        entry(CERTIFICATE, &made.bundle),
        entry(CHAIN, chain),
        entry(ISSUING, &made.chain),
        entry(PRIVATE_KEY, made.private_key.expose()),
    ];
    Ok(Produced { outputs, entries: entries.into() })
}

/// The authority that is being followed by another; none where the secret was something else before.
fn predecessor(order: &Order) -> Result<Option<Issuer>, StepError> {
    let old = |name| order.entries.get(name).and_then(|entry| entry.expose().as_str());
    let (Some(certificates), Some(key)) = (old(ISSUING), old(PRIVATE_KEY)) else { return Ok(None) };
    Issuer::parse(certificates.as_bytes(), key.as_bytes()).map(Some).map_err(|mistakes| failed(&mistakes))
}

/// Whether all that is to be done to an authority is to let go of its predecessor.
fn ends_overlap(order: &Order) -> bool {
    let only_bundled = order.remakes.iter().all(|output| BUNDLED.contains(&output.as_str()));
    order.updates && !order.remakes.is_empty() && only_bundled
}

/// An authority's outputs with its own certificate alone.
fn without_predecessor(order: &Order) -> Produced {
    let mut entries = order.entries.clone();
    for name in BUNDLED {
        if let Some(text) = entries.get(name).and_then(|value| value.expose().as_str()) {
            let own = first_block(text);
            entries.insert(name.to_owned(), Sensitive::new(Value::from(own)));
        }
    }
    let dates = [NOT_BEFORE, NOT_AFTER]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), order.outputs.get(name)?.clone())));
    Produced { outputs: dates.collect(), entries }
}

/// The first block of a PEM text.
fn first_block(pem: &str) -> &str {
    const END: &str = "-----END CERTIFICATE-----\n";
    pem.find(END).map_or(pem, |at| &pem[..at + END.len()])
}

fn certificate(wanted: &Certificate, spec: &Value, maker: &mut Maker) -> Result<Produced, StepError> {
    let issuer = issuer_of(spec)?.ok_or_else(|| StepError::new("the plan does not say who signs it"))?;
    let made = hactl_pki::issue(
        &CertificateSpec {
            common_name: wanted.common_name.clone(),
            organisation: wanted.organisation.clone(),
            dns_names: wanted.dns_names.clone(),
            ip_addresses: wanted.ip_addresses.clone(),
            usages: wanted.usages.iter().filter_map(|word| usage(word)).collect(),
            key_type: key_type(&wanted.key_type)?,
        },
        duration(&wanted.valid_for),
        &issuer,
        maker.now,
        &mut maker.entropy,
    )
    .map_err(|mistakes| failed(&mistakes))?;
    let entries = [
        entry(CERTIFICATE, &made.certificate),
        entry(CHAIN, &made.chain),
        entry(PRIVATE_KEY, made.private_key.expose()),
    ];
    Ok(Produced { outputs: dates(made.not_before, made.not_after), entries: entries.into() })
}

/// Who signs, as the spec says; none where nobody else does.
fn issuer_of(spec: &Value) -> Result<Option<Issuer>, StepError> {
    let Some(issuer) = spec.get("issuer") else { return Ok(None) };
    let text = |name| issuer.get(name).and_then(Value::as_str).unwrap_or_default().as_bytes();
    Issuer::parse(text("certificate"), text("privateKey")).map(Some).map_err(|mistakes| failed(&mistakes))
}

/// The dates of an imported certificate: what the plan checked.
fn dates_of(spec: &Value) -> Map {
    let Some(chain) = spec.get("import").and_then(|import| import.get(CERTIFICATE)).and_then(Value::as_str) else {
        return Map::new();
    };
    hactl_pki::describe(chain.as_bytes()).map(|info| dates(info.not_before, info.not_after)).unwrap_or_default()
}

fn dates(not_before: Timestamp, not_after: Timestamp) -> Map {
    let date = |name: &str, time: Timestamp| (name.to_owned(), Value::from(to_the_second(time).to_string()));
    Map::from([date(NOT_BEFORE, not_before), date(NOT_AFTER, not_after)])
}

fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A duration as a spec holds it.
pub(crate) fn duration(text: &str) -> SignedDuration {
    formats::duration(text).ok().and_then(|duration| duration.try_into().ok()).unwrap_or(SignedDuration::ZERO)
}

fn key_type(word: &str) -> Result<KeyType, StepError> {
    Ok(match word {
        "ecdsa-p256" => KeyType::EcdsaP256,
        "rsa-2048" => KeyType::Rsa2048,
        "rsa-3072" => KeyType::Rsa3072,
        "rsa-4096" => KeyType::Rsa4096,
        "ed25519" => KeyType::Ed25519,
        other => return Err(StepError::new(format!("this version of hactl makes no keys of type {other:?}"))),
    })
}

fn usage(word: &str) -> Option<Usage> {
    match word {
        "serverAuth" => Some(Usage::ServerAuth),
        "clientAuth" => Some(Usage::ClientAuth),
        _ => None,
    }
}

/// What is wrong with what was asked for, as a step's error.
fn failed(mistakes: &[Mistake]) -> StepError {
    let (first, rest) = match mistakes.split_first() {
        Some((first, rest)) => (first.clone(), rest),
        None => return StepError::new("it cannot be made"),
    };
    let detail: Vec<&str> = rest.iter().map(|mistake| mistake.summary.as_str()).collect();
    StepError { detail: detail.join("\n"), help: Some(first.help), ..StepError::new(first.summary) }
}
