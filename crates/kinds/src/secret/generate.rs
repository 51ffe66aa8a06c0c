//! Lowering what hactl makes: its canonical form with all defaults, apart from when it is made anew.

use hactl_config::{Data, Entry, Node, Schema, validate};
use hactl_core::diagnostic::Span;
use hactl_core::eval::ResolvedStep;
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Diagnostic};
use hactl_pki::Mistake;

use crate::decode::decode;
use crate::formats::duration_text;
use crate::registry::Draft;
use crate::secret::outputs::{CERTIFICATE, CHAIN, ISSUING, PRIVATE_KEY};
use crate::secret::spec::{
    AuthoritySpec, CertificateSpec, FORMATS, GenerateSpec, KeyType, PasswordSpec, SshKeySpec, SshKeyType, TokenSpec,
    Usage, period,
};
use crate::secret::{KIND, made};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// How long an authority's predecessor is trusted beside it where that is not said.
const OVERLAP: &str = "30d";

/// Characters of a password where no length is given.
const PASSWORD_LENGTH: u32 = 32;

/// The canonical spec of a generated secret; none where something is wrong with it, which is reported.
pub(super) fn lower(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Map> {
    let generate = draft.body.entry("generate")?;
    let before = diagnostics.len();
    validate(&generate.value, generate.key_span, &Schema::of::<GenerateSpec>(FORMATS), diagnostics);
    let [form] = generate.value.entries() else { return None };
    refuse_sensitive(form, diagnostics);
    if diagnostics.len() > before {
        return None;
    }
    let draft = &Draft { body: &form.value, ..*draft };
    let (made, policy) = match &*form.key {
        "password" => (password(draft, form, diagnostics)?, Map::new()),
        "token" => (token(draft, diagnostics)?, Map::new()),
        "sshKey" => (ssh_key(draft, form, diagnostics)?, Map::new()),
        "certificateAuthority" => authority(draft, form, diagnostics)?,
        _ => certificate(draft, form, diagnostics)?,
    };
    let generate = Map::from([(form.key.to_string(), Value::Map(made))]);
    let mut spec = policy;
    spec.insert("generate".to_owned(), Value::Map(generate));
    (diagnostics.len() == before).then_some(spec)
}

/// What something is made of is no secret: all who see a certificate can read it, and plans and state show it.
fn refuse_sensitive(form: &Entry, diagnostics: &mut Vec<Diagnostic>) {
    for field in form.value.entries().iter().filter(|field| field.value.to_value().is_sensitive()) {
        let place = sensitive_part(&field.value).unwrap_or(field.key_span);
        diagnostics.push(Diagnostic::error(format!("`{}` is sensitive", field.key)).at(place).help(
            "what a secret is made of is shown in plans, and a certificate shows it to everybody: use a value that is \
                 not sensitive",
        ));
    }
}

fn sensitive_part(node: &Node) -> Option<Span> {
    match &node.data {
        Data::Deferred(deferred) if deferred.sensitive => Some(node.span),
        Data::List(items) => items.iter().find_map(sensitive_part),
        _ => None,
    }
}

fn password(draft: &Draft<'_>, form: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<Map> {
    let spec: PasswordSpec = decode(draft, diagnostics)?;
    let length = spec.length.unwrap_or(PASSWORD_LENGTH);
    let alphabet = spec.alphabet.as_deref().unwrap_or(hactl_pki::DEFAULT_ALPHABET);
    if let Err(weak) = hactl_pki::check_alphabet(length as usize, alphabet) {
        diagnostics.push(
            Diagnostic::error(format!("the password would be weak: {weak}"))
                .at(place_of(form, &["alphabet", "length"]))
                .help("leave `length` and `alphabet` out for 32 letters and digits, which are 190 bits"),
        );
    }
    Some(Map::from([
        ("length".to_owned(), Value::Int(length.into())),
        ("alphabet".to_owned(), Value::string(alphabet)),
    ]))
}

fn token(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Map> {
    let spec: TokenSpec = decode(draft, diagnostics)?;
    let bytes = spec.bytes.map_or(hactl_pki::DEFAULT_TOKEN_BYTES as i64, i64::from);
    Some(Map::from([("bytes".to_owned(), Value::Int(bytes))]))
}

fn ssh_key(draft: &Draft<'_>, form: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<Map> {
    let spec: SshKeySpec = decode(draft, diagnostics)?;
    let comment = spec.comment.as_deref().unwrap_or(draft.name);
    if comment.contains(char::is_control) {
        diagnostics.push(
            Diagnostic::error("`comment` holds a control character")
                .at(place_of(form, &["comment"]))
                .help("keep it to one line: it stands in the line of the public key"),
        );
    }
    let mut made = Map::from([("comment".to_owned(), Value::string(comment))]);
    match (spec.key_type, spec.bits) {
        (SshKeyType::Rsa, bits) => {
            made.insert("type".to_owned(), Value::from("rsa"));
            made.insert("bits".to_owned(), Value::Int(bits.unwrap_or(4096).into()));
        }
        (SshKeyType::Ed25519, None) => {
            made.insert("type".to_owned(), Value::from("ed25519"));
        }
        (SshKeyType::Ed25519, Some(_)) => diagnostics.push(
            Diagnostic::error("an ed25519 key has no `bits`")
                .at(place_of(form, &["bits"]))
                .help("take it out, or write `type: rsa`"),
        ),
    }
    Some(made)
}

/// What is made, and the policy beside it: who signs it and when it is made anew.
type MadeWithPolicy = (Map, Map);

fn authority(draft: &Draft<'_>, form: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<MadeWithPolicy> {
    let spec: AuthoritySpec = decode(draft, diagnostics)?;
    let checked = hactl_pki::AuthoritySpec {
        common_name: spec.common_name.clone(),
        organisation: spec.organisation.clone(),
        key_type: hactl_pki::KeyType::default(),
    };
    report(checked.mistakes(), form.key_span, diagnostics);
    let mut made = Map::from([
        ("commonName".to_owned(), Value::from(spec.common_name)),
        ("keyType".to_owned(), Value::from(key_type(spec.key_type))),
    ]);
    made.extend(spec.organisation.map(|text| ("organisation".to_owned(), Value::from(text))));
    let mut policy = validity(&mut made, form, (spec.valid_for, 3650 * DAY), (spec.renew_before, 10), diagnostics);
    let overlap = spec.overlap.unwrap_or_else(|| OVERLAP.to_owned());
    policy.insert("overlap".to_owned(), Value::from(overlap));
    if let Some(name) = &spec.issuer {
        policy.insert("issuer".to_owned(), issuer(draft, form, name, diagnostics)?);
    }
    Some((made, policy))
}

fn certificate(draft: &Draft<'_>, form: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Option<MadeWithPolicy> {
    let spec: CertificateSpec = decode(draft, diagnostics)?;
    let mut addresses: Vec<std::net::IpAddr> =
        spec.ip_addresses.iter().filter_map(|text| text.0.parse().ok()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut names = spec.dns_names;
    names.sort_unstable();
    names.dedup();
    for node in form.value.get("dnsNames").map(Node::items).unwrap_or_default() {
        let alone = hactl_pki::CertificateSpec {
            dns_names: node.as_str().map(str::to_owned).into_iter().collect(),
            ..hactl_pki::CertificateSpec::default()
        };
        report(alone.mistakes(), node.span, diagnostics);
    }
    let mut usages = spec.usages.unwrap_or_else(|| vec![Usage::ServerAuth, Usage::ClientAuth]);
    usages.sort_unstable();
    usages.dedup();
    let checked = hactl_pki::CertificateSpec {
        common_name: spec.common_name.clone(),
        organisation: spec.organisation.clone(),
        // Each was checked at its own place.
        dns_names: names.first().map(|_| "localhost".to_owned()).into_iter().collect(),
        ip_addresses: addresses.clone(),
        usages: usages
            .iter()
            .map(|usage| match usage {
                Usage::ServerAuth => hactl_pki::Usage::ServerAuth,
                Usage::ClientAuth => hactl_pki::Usage::ClientAuth,
            })
            .collect(),
        key_type: hactl_pki::KeyType::default(),
    };
    report(checked.mistakes(), form.key_span, diagnostics);
    let words = usages.iter().map(|usage| match usage {
        Usage::ServerAuth => Value::from("serverAuth"),
        Usage::ClientAuth => Value::from("clientAuth"),
    });
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut made = Map::from([
        ("dnsNames".to_owned(), Value::from(names)),
        ("ipAddresses".to_owned(), Value::from(addresses)),
        ("usages".to_owned(), Value::List(words.collect())),
        ("keyType".to_owned(), Value::from(key_type(spec.key_type))),
    ]);
    made.extend(spec.common_name.map(|text| ("commonName".to_owned(), Value::from(text))));
    made.extend(spec.organisation.map(|text| ("organisation".to_owned(), Value::from(text))));
    let mut policy = validity(&mut made, form, (spec.valid_for, 365 * DAY), (spec.renew_before, 3), diagnostics);
    policy.insert("issuer".to_owned(), issuer(draft, form, &spec.issuer, diagnostics)?);
    Some((made, policy))
}

/// Adds for how long it is valid; returns when it is renewed, which is a share of that where it is not said.
fn validity(
    made: &mut Map,
    form: &Entry,
    (valid_for, default): (Option<String>, i64),
    (renew_before, share): (Option<String>, i64),
    diagnostics: &mut Vec<Diagnostic>,
) -> Map {
    let valid_for = valid_for.and_then(|text| period(&text).ok()).unwrap_or(default);
    let renew_before = renew_before.and_then(|text| period(&text).ok());
    if renew_before.is_some_and(|renew_before| renew_before >= valid_for) {
        diagnostics.push(
            Diagnostic::error("`renewBefore` is not shorter than `validFor`: every plan would renew it")
                .at(place_of(form, &["renewBefore"]))
                .help("shorten it, or leave it out for a share of `validFor`"),
        );
    }
    made.insert("validFor".to_owned(), Value::from(duration_text(valid_for)));
    let share = valid_for / share;
    // Whole days, where it is days.
    let share = if share > DAY { share / DAY * DAY } else { share };
    let renew_before = renew_before.unwrap_or(share);
    Map::from([("renewBefore".to_owned(), Value::from(duration_text(renew_before)))])
}

/// What an issuer signs with. Its entries are referred to, so that order and renewal follow from that.
fn issuer(draft: &Draft<'_>, form: &Entry, name: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Value> {
    let place = place_of(form, &["issuer"]);
    let written = draft.written.at_path(&["generate", &*form.key, "issuer"]);
    if written.is_some_and(Node::has_templates) {
        diagnostics.push(
            Diagnostic::error("`issuer` cannot use `${…}`")
                .at(place)
                .help("write the name of the secret itself, as in `issuer: my-ca`"),
        );
        return None;
    }
    let kind = KIND.section.kind;
    let steps = [ResolvedStep::Attr(name.to_owned())];
    if let Err(error) = draft.scope.lookup(kind, &steps) {
        let mut diagnostic = Diagnostic::error(error.message).at(place);
        diagnostic.help = error.help;
        diagnostics.push(diagnostic);
        return None;
    }
    let address = Address::new(kind, name, None);
    // One that is wrong itself is reported there.
    let spec = draft.known.get(&address)?;
    let (certificate, private_key) = match (spec.get("generate"), spec.get("import")) {
        (Some(generate), _) if generate.get("certificateAuthority").is_some() => {
            (made(&address, ISSUING), made(&address, PRIVATE_KEY))
        }
        // Whether it is an authority's is seen when it signs.
        (_, Some(import)) => (import.get(CHAIN)?.clone(), import.get(PRIVATE_KEY)?.clone()),
        _ => {
            diagnostics.push(
                Diagnostic::error(format!("{address} is no certificate authority"))
                    .at(place)
                    .help("name a secret with `generate: {certificateAuthority: {…}}`, or an imported authority"),
            );
            return None;
        }
    };
    Some(Value::Map(Map::from([(CERTIFICATE.to_owned(), certificate), (PRIVATE_KEY.to_owned(), private_key)])))
}

fn report(mistakes: Vec<Mistake>, at: Span, diagnostics: &mut Vec<Diagnostic>) {
    diagnostics
        .extend(mistakes.into_iter().map(|mistake| Diagnostic::error(mistake.summary).at(at).help(mistake.help)));
}

/// The value of the first of some keys that is there; the form's own key where none is.
fn place_of(form: &Entry, keys: &[&str]) -> Span {
    keys.iter().find_map(|key| form.value.get(key)).map_or(form.key_span, |node| node.span)
}

fn key_type(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::EcdsaP256 => "ecdsa-p256",
        KeyType::Rsa2048 => "rsa-2048",
        KeyType::Rsa3072 => "rsa-3072",
        KeyType::Rsa4096 => "rsa-4096",
        KeyType::Ed25519 => "ed25519",
    }
}
