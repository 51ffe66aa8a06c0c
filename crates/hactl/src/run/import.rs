//! `hactl import`: what is there already and is to become the stack's, and nothing else.

use std::collections::BTreeSet;

use hactl_core::Diagnostic;
use hactl_core::address::Address;
use hactl_core::diagnostic::did_you_mean;
use hactl_core::plan::{Action, Change, Desired, Plan};
use hactl_core::resource::Resource;

/// Sets adoption on what is to be imported, and on the networks and volumes that it uses. Returns all of them.
///
/// # Errors
/// Addresses that the config does not have, and secrets, of which nothing is anywhere but in the state.
pub(super) fn adopt(desired: &mut Desired, asked: &[Address]) -> Result<BTreeSet<Address>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut imported = BTreeSet::new();
    for address in asked {
        let meant: Vec<&Resource> =
            desired.resources.iter().filter(|resource| is_meant(address, &resource.address)).collect();
        if meant.is_empty() {
            diagnostics.push(unknown(address, desired));
        }
        if meant.iter().any(|resource| resource.address.primitive() == "secret") {
            diagnostics.push(
                Diagnostic::error(format!("{address} cannot be imported: a secret is in the state alone"))
                    .help("to keep values that you have, write the secret with `data` or `import`"),
            );
        }
        for resource in meant {
            let used = resource.dependencies.iter().filter(|on| on.binds).map(|on| on.on.clone());
            imported.extend(used.chain([resource.address.clone()]));
        }
    }
    for resource in desired.resources.iter_mut().filter(|resource| imported.contains(&resource.address)) {
        resource.adopt = true;
    }
    if diagnostics.is_empty() { Ok(imported) } else { Err(diagnostics) }
}

/// Refuses a plan that would not import what was asked for, or do more than that.
pub(super) fn check(plan: &Plan, asked: &[Address], imported: &BTreeSet<Address>) -> Vec<Diagnostic> {
    if asked.is_empty() {
        return Vec::new();
    }
    let mut diagnostics = Vec::new();
    for address in asked {
        let meant = || plan.changes.iter().filter(|change| is_meant(address, &change.address));
        let missing = meant().filter(|change| change.action == Action::Create);
        diagnostics.extend(missing.map(|change| {
            let place = change.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
            Diagnostic::error(format!("there is nothing to import as {}{place}", change.address))
                .about(change.address.as_str())
                .help("correct its name in the config, or let `hactl apply` make it")
        }));
        if meant().next().is_some() && meant().all(is_managed) {
            diagnostics.push(
                Diagnostic::error(format!("{address} is in the state already"))
                    .help("`hactl plan` shows what of it differs from the config"),
            );
        }
    }
    let others = plan.changes.iter().filter(|change| !imported.contains(&change.address));
    let due: Vec<&str> = others
        .filter(|change| change.action != Action::NoOp || change.adopts.is_some())
        .map(|change| change.address.as_str())
        .collect();
    if !due.is_empty() {
        diagnostics.push(
            Diagnostic::error("what is to be imported needs what is not as the config wants it yet")
                .detail(format!("to be done first: {}", due.join(", ")))
                .help("import these as well, or apply them first with `hactl apply --target`"),
        );
    }
    diagnostics
}

fn is_managed(change: &Change) -> bool {
    change.adopts.is_none() && change.action != Action::Create
}

/// Whether an address names a resource: itself, or all instances.
fn is_meant(asked: &Address, address: &Address) -> bool {
    asked == address || asked.as_str() == address.resource()
}

fn unknown(address: &Address, desired: &Desired) -> Diagnostic {
    let names = desired.resources.iter().map(|resource| match address.key() {
        Some(_) => resource.address.as_str(),
        None => resource.address.resource(),
    });
    let help = match did_you_mean(address.as_str(), names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write what is there into the config first; `hactl plan` shows the addresses there are".to_owned(),
    };
    Diagnostic::error(format!("the config has no resource {address}")).help(help)
}
