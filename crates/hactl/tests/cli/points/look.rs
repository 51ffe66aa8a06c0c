//! What is in the sandbox and in the state of a place, without what differs by chance; and whether it fits together.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hactl_core::state::State;
use hactl_core::{Address, Value};
use hactl_sim::Sandbox;
use hactl_state::Store;
use hactl_state::encryption::{Identities, IdentityPath, Vault, label};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::{Value as Json, json};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::fleet;
use crate::points::place::{NOW, Place};

/// What is on hosts, cluster and in the state. Values of secrets are named by what the state has under that name: one that
/// the state does not have stands there as it is, and so differs from what it should be.
pub(crate) fn look(place: &Place) -> String {
    let state = Store::new(&place.sandbox().join("state"), "struck").load().unwrap();
    assert!(state.journal.is_none(), "a journal is left");
    let Some(state) = state.state else { return String::new() };
    let entries = entries(place, &state);
    let mut view = fleet::view(&Sandbox::open(&place.sandbox(), 0).unwrap());
    name_secrets(&mut view, &entries);
    verify(&view, &entries);
    format!("{view:#}\n{:#}", known(&state))
}

/// Every entry of a secret in a state, by its name.
fn entries(place: &Place, state: &State) -> BTreeMap<String, String> {
    let Some(header) = &state.encryption else { return BTreeMap::new() };
    let path = IdentityPath { path: place.sandbox().join("identity.txt"), named: true };
    let identities = Identities::load(&path).unwrap().unwrap();
    let vault = Vault::open(header, &identities).unwrap();
    let secrets = state.resources.iter().filter(|(address, _)| address.primitive() == "secret");
    let all =
        secrets.flat_map(|(address, secret)| secret.outputs.iter().map(move |(name, value)| (address, name, value)));
    let reveal = |(address, name, value): (&Address, &String, &Value)| {
        let Value::Sealed(sealed) = value else { return None };
        let value = vault.unseal(&label::resource_output(address, name), sealed, &identities).unwrap();
        Some((format!("{address}.{name}"), value.expose().as_str()?.to_owned()))
    };
    all.filter_map(reveal).collect()
}

/// Puts the names of entries in place of their values, also of those in Base64.
fn name_secrets(view: &mut Json, entries: &BTreeMap<String, String>) {
    match view {
        Json::String(text) => {
            // Longer ones first: a chain begins with its certificate.
            let mut values: Vec<_> = entries.iter().collect();
            values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
            for (name, value) in values {
                *text =
                    text.replace(value, &format!("<{name}>")).replace(&STANDARD.encode(value), &format!("<{name}>"));
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| name_secrets(item, entries)),
        Json::Object(fields) => {
            fields.values_mut().for_each(|field| name_secrets(field, entries));
            if fields.get("text").and_then(Json::as_str).is_some_and(|text| text.contains("<secret.")) {
                fields.insert("sha256".to_owned(), Json::Null);
                fields.insert("size".to_owned(), Json::Null);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// Checks that the certificate on hosts was signed by the authority in the state.
fn verify(view: &Json, entries: &BTreeMap<String, String>) {
    let Some(authority) = entries.get("secret.ca.certificate") else { return };
    assert!(view.to_string().contains("<secret.ca.certificate>"), "the authority in the state is not on the hosts");
    let parse = |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let (trusted, chain) = (parse(authority), parse(&entries["secret.tls.chain"]));
    let anchors = [anchor_from_trusted_cert(&trusted[0]).unwrap()];
    let leaf = EndEntityCert::try_from(&chain[0]).unwrap();
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let time = UnixTime::since_unix_epoch(now.duration_since(jiff::Timestamp::UNIX_EPOCH).unsigned_abs());
    let usage = KeyUsage::server_auth();
    leaf.verify_for_usage(ALL_VERIFICATION_ALGS, &anchors, &chain[1..], time, usage, None, None).unwrap();
    leaf.verify_is_valid_for_subject_name(&ServerName::try_from("www.example.com").unwrap()).unwrap();
}

/// What a state holds, without ids, digests and ciphertexts.
fn known(state: &State) -> Json {
    let mut state = state.clone();
    for resource in state.resources.values_mut() {
        resource.generation = String::new();
        resource.outputs.retain(|name, _| name != "id" && name != "uid");
    }
    state.outputs.remove("id");
    let mut known = json!({
        "resources": state.resources, "unfinished": state.unfinished, "nodes": state.nodes, "cluster": state.cluster,
        "outputs": state.outputs, "variables": state.variables,
    });
    unseal(&mut known);
    known
}

fn unseal(value: &mut Json) {
    match value {
        Json::Object(fields) if fields.contains_key("$hactl") => *value = json!("sealed"),
        Json::Object(fields) => fields.values_mut().for_each(unseal),
        Json::Array(items) => items.iter_mut().for_each(unseal),
        _ => {}
    }
}
