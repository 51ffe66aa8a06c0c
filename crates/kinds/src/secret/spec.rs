//! What a config says of a secret.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::formats;

/// What the schemas of secrets name under `format`.
pub(super) const FORMATS: hactl_config::Formats = &[
    ("period", |text| period(text).map(drop)),
    ("overlap", |text| if text == "0s" { Ok(()) } else { period(text).map(drop) }),
    ("ip", formats::ip),
    ("object-name", formats::object_name),
];

/// The longest period, in days: X.509 has four digits for a year.
const MAXIMUM_DAYS: u64 = 36_500;

/// A secret: one of `data`, `generate` and `import`.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used: values may be deferred, so each form is read on its own")]
pub(crate) struct SecretSpec {
    /// Values by name (letters, digits, `.`, `-`, `_`), each with where it comes from.
    data: Option<BTreeMap<String, SourceSpec>>,
    /// Something that hactl makes once and keeps, encrypted, in the state.
    generate: Option<GenerateSpec>,
    /// A certificate that was made elsewhere. It is checked before anything is planned with it.
    import: Option<ImportSpec>,
    /// A Secret of Kubernetes that it is delivered as.
    kubernetes: Option<DestinationSpec>,
}

/// A Secret of Kubernetes that a secret is delivered as.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DestinationSpec {
    /// The namespace; that of `kubernetes` where left out.
    pub(super) namespace: Option<String>,
    /// Its name; that of the secret where left out.
    #[schemars(extend("format" = "object-name"))]
    pub(super) name: Option<String>,
    /// Its type; `Opaque` where left out.
    #[serde(rename = "type")]
    pub(super) secret_type: Option<String>,
    /// Its keys, each with the entry that it holds. Where left out: all entries under their own names; of a certificate in
    /// a Secret of type `kubernetes.io/tls`, `tls.crt` with the chain and `tls.key` with the key.
    #[serde(default)]
    pub(super) keys: BTreeMap<String, String>,
    /// Take fields that other managers own.
    #[serde(default)]
    pub(super) force_conflicts: bool,
}

/// Where a value comes from: a text with `${…}`, or one of the forms.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only the schema is used")]
pub(super) enum SourceSpec {
    /// An expression; a text without `${…}` stands in plain text in the config and is warned about.
    Text(String),
    /// Somewhere outside of the config.
    From(FormSpec),
}

/// Where outside of the config a value comes from; it is read before a plan, and again before an apply.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
#[expect(dead_code, reason = "only the schema is used")]
pub(super) enum FormSpec {
    /// The environment variable of this name.
    Env(String),
    /// The text of a file beside the config, at most 1 MiB of it.
    File(String),
    /// What a command prints, run beside the config for at most a minute. One line end is taken off its end.
    Exec(Vec<String>),
    /// A file that `sops -d` decrypts.
    Sops(SopsSpec),
    /// The value itself, in plain text in the config. It is warned about.
    Value(String),
}

/// A file that `sops -d` decrypts.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
pub(super) struct SopsSpec {
    /// The file, beside the config.
    file: String,
    /// Which of its values, as in `db.password` or `users[0].token`; the whole file where left out.
    key: Option<String>,
}

/// A certificate that was made elsewhere, all in PEM.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is used")]
pub(super) struct ImportSpec {
    /// The certificate, and behind it those of its issuers.
    certificate: SourceSpec,
    /// Its private key.
    private_key: SourceSpec,
    /// The CA that the chain must end in; not checked where left out.
    ca: Option<SourceSpec>,
}

/// Something that hactl makes.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the schema is used: the form that is there is decoded on its own")]
pub(super) enum GenerateSpec {
    /// A password, in the entry `value`.
    Password(PasswordSpec),
    /// Random bytes in hexadecimal digits, in the entry `value`.
    Token(TokenSpec),
    /// An SSH key pair, in the entries `publicKey` and `privateKey`.
    SshKey(SshKeySpec),
    /// A certificate authority, in the entries `certificate`, `privateKey` and `chain`.
    CertificateAuthority(AuthoritySpec),
    /// A certificate for a server or a client, in the entries `certificate`, `privateKey` and `chain`.
    Certificate(CertificateSpec),
}

/// A password.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PasswordSpec {
    /// Characters; 32 where left out.
    pub(super) length: Option<u32>,
    /// The characters it is made of; letters and digits where left out.
    pub(super) alphabet: Option<String>,
}

/// Random bytes in hexadecimal digits.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenSpec {
    /// Random bytes, each two digits; 32 where left out.
    #[schemars(range(min = 16, max = 4096))]
    pub(super) bytes: Option<u32>,
}

/// An SSH key pair.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SshKeySpec {
    /// Its type.
    #[serde(default, rename = "type")]
    pub(super) key_type: SshKeyType,
    /// Size of an RSA key in bits; 4096 where left out.
    #[schemars(range(min = 2048, max = 4096))]
    pub(super) bits: Option<u32>,
    /// What stands at the end of the public key; the secret's name where left out.
    pub(super) comment: Option<String>,
}

/// The type of an SSH key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum SshKeyType {
    /// Ed25519.
    #[default]
    Ed25519,
    /// RSA, for old devices.
    Rsa,
}

/// A certificate authority.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AuthoritySpec {
    /// Its name, as browsers and OpenSSL show it.
    pub(super) common_name: String,
    /// The organisation.
    pub(super) organisation: Option<String>,
    /// What its key is made with; `ecdsa-p256` where left out.
    #[serde(default)]
    pub(super) key_type: KeyType,
    /// How long it is valid, as in `3650d`, which it is where left out.
    #[schemars(extend("format" = "period"))]
    pub(super) valid_for: Option<String>,
    /// How long before its end it is renewed; a tenth of `validFor` where left out.
    #[schemars(extend("format" = "period"))]
    pub(super) renew_before: Option<String>,
    /// How long the old one is trusted beside the new one after it was renewed; 30d where left out, `0s` for not at all.
    #[schemars(extend("format" = "overlap"))]
    pub(super) overlap: Option<String>,
    /// The certificate authority that signs it, by the name of its secret; it signs itself where left out.
    pub(super) issuer: Option<String>,
}

/// A certificate for a server or a client.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CertificateSpec {
    /// The certificate authority that signs it, by the name of its secret.
    pub(super) issuer: String,
    /// The name of its subject: of a client, for most; servers are known by `dnsNames` and `ipAddresses`.
    pub(super) common_name: Option<String>,
    /// The organisation.
    pub(super) organisation: Option<String>,
    /// The host names it is good for; the first part may be `*`.
    #[serde(default)]
    pub(super) dns_names: Vec<String>,
    /// The IP addresses it is good for.
    #[serde(default)]
    pub(super) ip_addresses: Vec<IpText>,
    /// What it may be used for; both where left out.
    pub(super) usages: Option<Vec<Usage>>,
    /// What its key is made with; `ecdsa-p256` where left out.
    #[serde(default)]
    pub(super) key_type: KeyType,
    /// How long it is valid, as in `365d`, which it is where left out.
    #[schemars(extend("format" = "period"))]
    pub(super) valid_for: Option<String>,
    /// How long before its end it is renewed; a third of `validFor` where left out.
    #[schemars(extend("format" = "period"))]
    pub(super) renew_before: Option<String>,
}

/// An IP address.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct IpText(#[schemars(extend("format" = "ip"))] pub(super) String);

/// What a certificate may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Usage {
    /// A server shows it.
    ServerAuth,
    /// A client shows it.
    ClientAuth,
}

/// What the key of a certificate is made with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KeyType {
    /// ECDSA on the curve P-256.
    #[default]
    EcdsaP256,
    /// RSA of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    /// Ed25519; browsers do not take it.
    Ed25519,
}

/// A period of validity, in seconds.
pub(super) fn period(text: &str) -> Result<i64, String> {
    let expected = || format!("`{text}` is not a period; write one like 365d or 12h, up to {MAXIMUM_DAYS}d");
    let seconds = formats::duration(text).map_err(|_| expected())?.as_secs();
    if seconds == 0 || seconds > MAXIMUM_DAYS * 86_400 {
        return Err(expected());
    }
    i64::try_from(seconds).map_err(|_| expected())
}
