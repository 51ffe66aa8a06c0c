//! Giving resources other addresses in a state.

use hactl_core::moves::{Renamed, Renames};
use hactl_core::state::State;
use hactl_core::value::Map;
use hactl_core::{Address, Diagnostic};
use hactl_state::encryption::{Identities, Vault, names_its_address, relabel};

use crate::failure::Failure;
use crate::keyring;
use crate::session::Session;

/// Gives resources their new addresses.
///
/// # Errors
/// Where a secret moves and this user cannot decrypt it: what is encrypted names its address.
pub(crate) fn rename(session: &Session, state: &mut State, renames: &Renames) -> Result<(), Failure> {
    let mut vault = None;
    let mut renamed = Vec::new();
    for (from, to) in renames.iter() {
        let resource = state.resources.get(from).filter(|resource| names_its_address(resource));
        let outputs = match resource {
            None => Map::new(),
            Some(resource) => {
                let (vault, identities) = match &mut vault {
                    Some(open) => open,
                    none => none.insert(open(session, state, from, to)?),
                };
                let outputs = relabel(resource, from, to, vault, identities);
                outputs.map_err(|errors| errors.into_iter().map(Diagnostic::from).collect::<Vec<_>>())?
            }
        };
        renamed.push(Renamed { from: from.clone(), to: to.clone(), outputs });
    }
    state.rename(&renamed);
    Ok(())
}

/// What this user opens the state's secrets with.
fn open(session: &Session, state: &State, from: &Address, to: &Address) -> Result<(Vault, Identities), Failure> {
    let why = |diagnostic: Diagnostic| {
        let what =
            format!("{from} is now {to}: what is encrypted of it names its address, and has to be encrypted anew");
        let detail = if diagnostic.detail.is_empty() { what } else { format!("{}\n{what}", diagnostic.detail) };
        Failure::from(diagnostic.about(from.as_str()).detail(detail))
    };
    let header = state.encryption.as_ref().ok_or_else(|| {
        why(Diagnostic::error("the state holds encrypted values, and no longer who can read them")
            .help("get the state file back from git; hactl alone writes it"))
    })?;
    let identities = keyring::identities(session, Some(header)).map_err(|failure| match failure {
        Failure::Diagnostics { mut diagnostics, .. } if diagnostics.len() == 1 => why(diagnostics.remove(0)),
        other => other,
    })?;
    let vault = Vault::open(header, &identities).map_err(|error| why(Diagnostic::from(error)))?;
    Ok((vault, identities))
}
