//! What is encrypted of a resource that gets another address: its address is in every ciphertext.

use hactl_core::Address;
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Sealed, Value};

use super::error::EntryError;
use super::identities::Identities;
use super::label;
use super::vault::Vault;

/// Whether something encrypted of a resource names its address.
pub fn names_its_address(resource: &ResourceState) -> bool {
    resource.outputs.values().any(|output| ciphertext(output).is_some())
}

/// The outputs of a resource as they are under its new address: the same values with the same digests, encrypted anew.
///
/// # Errors
/// Those outputs that cannot be opened.
pub fn relabel(
    resource: &ResourceState,
    from: &Address,
    to: &Address,
    vault: &Vault,
    identities: &Identities,
) -> Result<Map, Vec<EntryError>> {
    let mut outputs = resource.outputs.clone();
    let mut errors = Vec::new();
    for (name, output) in &mut outputs {
        let Some(sealed) = ciphertext(output) else { continue };
        let opened = vault.unseal(&label::resource_output(from, name), sealed, identities);
        match opened.and_then(|value| vault.seal(&label::resource_output(to, name), value.expose(), None)) {
            Ok(sealed) => *output = sealed,
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(outputs) } else { Err(errors) }
}

fn ciphertext(output: &Value) -> Option<&Sealed> {
    match output {
        Value::Sealed(sealed) if sealed.ciphertext.is_some() => Some(sealed),
        _ => None,
    }
}
