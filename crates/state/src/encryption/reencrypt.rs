//! Giving a state other recipients.

use std::collections::BTreeMap;
use std::sync::Arc;

use hactl_core::state::{Intent, ResourceState, State};
use hactl_core::value::{Map, Sealed};
use hactl_core::{Address, Value};

use super::error::{EntryError, VaultError};
use super::identities::Identities;
use super::label;
use super::recipients::Recipients;
use super::vault::Vault;

/// Why a state cannot be encrypted anew.
#[derive(Debug, thiserror::Error)]
pub enum ReencryptError {
    /// There is no encryption header in it.
    #[error("nothing is encrypted in the state of `{stack}` yet")]
    NothingEncrypted {
        /// The stack.
        stack: String,
    },
    /// What is there cannot be opened, or the new header not be made.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// These entries cannot be opened.
    #[error("{} of the state cannot be opened", entries(.0.len()))]
    Entries(Vec<EntryError>),
}

/// The state as it is for other recipients, with the next serial: everything that can be opened is encrypted to them.
///
/// Where a recipient is left out, the digest key gets `fresh_key` (32 random bytes) added, and every digest is taken
/// again under it, so that who was left out cannot try guesses on what is written from now on. What they could read
/// before they can still read in older revisions: such secrets have to be rotated.
///
/// # Errors
/// When the state has no encryption header, or something in it cannot be opened: then nothing is changed.
pub fn reencrypt(
    state: &State,
    identities: &Identities,
    recipients: Recipients,
    fresh_key: [u8; 32],
) -> Result<State, ReencryptError> {
    let header =
        state.encryption.as_ref().ok_or_else(|| ReencryptError::NothingEncrypted { stack: state.stack.clone() })?;
    let old = Vault::open(header, identities)?;
    let removed = old.recipients().as_slice().iter().any(|recipient| !recipients.as_slice().contains(recipient));
    let key = if removed { old.key().followed_by(fresh_key) } else { old.key().clone() };
    let new = Vault::new(recipients, key)?;
    let mut rewrite = Rewrite { old: &old, new: &new, identities, removed, errors: Vec::new() };
    let state = rewrite.state(state);
    if rewrite.errors.is_empty() { Ok(state) } else { Err(ReencryptError::Entries(rewrite.errors)) }
}

fn entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// From one vault to the other.
struct Rewrite<'a> {
    old: &'a Vault,
    new: &'a Vault,
    identities: &'a Identities,
    /// Whether the new vault's key has one more in its chain.
    removed: bool,
    errors: Vec<EntryError>,
}

impl Rewrite<'_> {
    fn state(&mut self, state: &State) -> State {
        State {
            stack: state.stack.clone(),
            lineage: state.lineage.clone(),
            serial: state.serial + 1,
            encryption: Some(self.new.header().clone()),
            variables: self.map(&state.variables, label::variable),
            nodes: state.nodes.clone(),
            cluster: state.cluster.clone(),
            outputs: self.map(&state.outputs, label::output),
            resources: self.each(&state.resources, Self::resource),
            unfinished: self.each(&state.unfinished, Self::intent),
        }
    }

    fn each<T>(
        &mut self,
        all: &BTreeMap<Address, T>,
        rewrite: impl Fn(&mut Self, &Address, &T) -> T,
    ) -> BTreeMap<Address, T> {
        all.iter().map(|(address, one)| (address.clone(), rewrite(self, address, one))).collect()
    }

    fn intent(&mut self, address: &Address, intent: &Intent) -> Intent {
        let resource = intent.resource.as_ref().map(|resource| self.resource(address, resource));
        Intent { operation: intent.operation, resource }
    }

    fn resource(&mut self, address: &Address, resource: &ResourceState) -> ResourceState {
        ResourceState {
            spec: Arc::new(self.value(&label::spec(address), &resource.spec)),
            outputs: self.map(&resource.outputs, |name| label::resource_output(address, name)),
            previous: resource.previous.as_ref().map(|previous| Box::new(self.resource(address, previous))),
            ..resource.clone()
        }
    }

    fn map(&mut self, map: &Map, label: impl Fn(&str) -> String) -> Map {
        map.iter().map(|(name, value)| (name.clone(), self.value(&label(name), value))).collect()
    }

    fn value(&mut self, label: &str, value: &Value) -> Value {
        match value {
            Value::Sealed(sealed) => self.sealed(label, sealed),
            Value::Map(map) => Value::Map(self.map(map, |key| label::part(label, key))),
            Value::List(items) => {
                let items = items.iter().enumerate();
                Value::List(items.map(|(at, item)| self.value(&label::part(label, &at.to_string()), item)).collect())
            }
            other => other.clone(),
        }
    }

    fn sealed(&mut self, label: &str, sealed: &Sealed) -> Value {
        if sealed.ciphertext.is_none() {
            let digest = if self.removed { self.new.key().digest_again(&sealed.digest) } else { sealed.digest };
            return Value::sealed(digest);
        }
        let rewritten = self
            .old
            .unseal(label, sealed, self.identities)
            .and_then(|value| self.new.seal(label, value.expose(), None));
        rewritten.unwrap_or_else(|error| {
            self.errors.push(error);
            Value::Sealed(Arc::new(sealed.clone()))
        })
    }
}
