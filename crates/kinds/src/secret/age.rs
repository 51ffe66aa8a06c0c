//! What time does to secrets: when certificates end, and what is due to be made anew.

use std::collections::BTreeMap;

use hactl_core::Address;
use hactl_core::plan::{Desired, Expiry, Reason, Remake};
use hactl_core::resource::Resource;
use hactl_core::state::{ResourceState, State};
use hactl_core::value::Value;
use jiff::{SignedDuration, Timestamp};

use super::import::ReadCertificate;
use super::outputs::{BUNDLED, ISSUING, NOT_AFTER, NOT_BEFORE, OVERLAP_UNTIL};
use super::provider::duration;

/// Notes in what is wanted when certificates end, and which are due now. `imported` are those that come from elsewhere.
pub fn age(desired: &mut Desired, state: &State, now: Timestamp, imported: &BTreeMap<Address, ReadCertificate>) {
    for (address, certificate) in imported {
        let expiry = Expiry { not_after: certificate.not_after.to_string(), renews_at: None, overlap_until: None };
        desired.expiries.insert(address.clone(), expiry);
    }
    let secrets = desired.resources.iter().filter(|resource| resource.address.primitive() == "secret");
    let made: Vec<_> = secrets
        .filter_map(|resource| {
            let known = state.resources.get(&resource.address)?;
            Some((resource.address.clone(), Validity::of(resource, known, state)?, end_of_predecessor(known)))
        })
        .collect();
    for (address, validity, predecessor) in made {
        let not_after = validity.not_after.to_string();
        let overlap_until = predecessor.map(|end| end.to_string());
        let due = if now >= validity.renews_at {
            let reason = Reason::Expires(not_after.clone());
            Some(Remake { outputs: validity.outputs, reason, once_settled: false })
        } else {
            let ended = predecessor.filter(|end| now >= *end);
            ended.map(|end| end_of_overlap(Reason::OverlapEnded(end.to_string())))
        };
        desired.remakes.extend(due.map(|due| (address.clone(), due)));
        let renews_at = Some(validity.renews_at.to_string());
        desired.expiries.insert(address, Expiry { not_after, renews_at, overlap_until });
    }
}

/// That an authority's predecessor is no longer to be trusted beside it. Not before every server has a certificate of the
/// new one: until then somebody may still be shown one of the old.
pub fn end_of_overlap(reason: Reason) -> Remake {
    Remake { outputs: BUNDLED.map(str::to_owned).to_vec(), reason, once_settled: true }
}

/// How long a certificate that hactl made is good for.
struct Validity {
    not_after: Timestamp,
    renews_at: Timestamp,
    /// What is made anew with it.
    outputs: Vec<String>,
}

impl Validity {
    fn of(wanted: &Resource, known: &ResourceState, state: &State) -> Option<Self> {
        let not_after = time(known, NOT_AFTER)?;
        let entries = known.outputs.iter().filter(|(_, output)| output.is_sensitive());
        Some(Self {
            not_after,
            renews_at: renewal(&wanted.spec, known, state)?,
            outputs: entries.map(|(name, _)| name.clone()).collect(),
        })
    }
}

/// How long before it is made a certificate begins to be valid, for hosts whose clocks are slow.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// From when on plans renew a secret as it was applied; none where hactl did not make it, or it does not end.
pub fn renews_at(known: &ResourceState, state: &State) -> Option<Timestamp> {
    renewal(&known.spec, known, state)
}

fn renewal(spec: &Value, known: &ResourceState, state: &State) -> Option<Timestamp> {
    let (not_before, not_after) = (time(known, NOT_BEFORE)?, time(known, NOT_AFTER)?);
    let renew_before = duration(spec.get("renewBefore")?.as_str()?);
    // One that ends with its issuer gains nothing before that one is renewed, and is made anew with it.
    let mut issuers = known.dependencies.iter().filter_map(|dependency| state.resources.get(&dependency.on));
    let ends_first = |issuer: &&ResourceState| {
        issuer.outputs.contains_key(ISSUING) && time(issuer, NOT_AFTER).is_some_and(|end| end <= not_after)
    };
    if let Some(issuer) = issuers.find(ends_first) {
        return renewal(&issuer.spec, issuer, state);
    }
    let early = not_after.checked_sub(renew_before).ok()?;
    // One that an imported issuer's end has cut short would be due at once, and again in every plan.
    let made = not_before.checked_add(BACKDATED).ok()?;
    let soonest = made.checked_add(not_after.duration_since(made) / 10).ok()?;
    Some(early.max(soonest))
}

/// Until when an authority's predecessor is trusted beside it.
fn end_of_predecessor(known: &ResourceState) -> Option<Timestamp> {
    time(known, OVERLAP_UNTIL)
}

fn time(known: &ResourceState, output: &str) -> Option<Timestamp> {
    known.outputs.get(output)?.as_str()?.parse().ok()
}
