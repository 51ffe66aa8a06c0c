//! `object`: one Kubernetes object, by server-side apply.
//!
//! Its spec is the object itself as the config has it. What hactl does about it that is not the default stands in it
//! under [`SETTINGS`].

mod adopt;
mod apply;
mod dry_run;
mod endings;
mod fields;
mod json;
mod live;
mod locate;
mod look;
mod observe;
mod patient;
mod read;
mod ready;
mod reference;
mod remnants;
mod sent;
mod settings;
mod told;
mod trace;
mod trouble;

use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::value::Value;

pub(crate) use apply::{apply_over_drift, await_ready, execute};
pub(crate) use dry_run::{Trial, try_out, verdict};
pub use endings::what_goes_along;
pub(crate) use fields::Fields;
pub(crate) use json::{from_json, to_json};
pub(crate) use live::is_same;
pub(crate) use look::{View, all, look};
pub(crate) use patient::{Outage, Patient, patiently};
pub(crate) use read::{managers, read};
pub(crate) use reference::{Reference, Spot};
pub(crate) use sent::bare;
pub(crate) use settings::Settings;
pub(crate) use told::Teller;
pub(crate) use trace::{remains, traces};

/// The key in an object's spec that holds no part of the object: `forceConflicts` (fields are taken from other managers),
/// `wait: false`, `timeout` (a duration), `condition` (the type of a condition that must be true).
pub(crate) const SETTINGS: &str = "x-hactl";

/// The label with the lineage of the stack that an object was made from.
pub(crate) const LINEAGE: &str = "hactl.io/lineage";

/// The annotation with the address of the resource that an object is.
pub(crate) const ADDRESS: &str = "hactl.io/address";

/// The annotation with the name of the stack that an object was made from.
pub(crate) const STACK: &str = "hactl.io/stack";

/// The output with an object's uid.
pub(crate) const UID: &str = "uid";

/// The output with the fields that the server keeps in another form than they were sent in (a CPU limit of 0.5 as `500m`),
/// as the server writes their paths. It holds no values.
pub(crate) const STORED: &str = "stored";

pub(crate) const RULES: KindRules = KindRules {
    kind: "object",
    replacement: Replacement::DeleteThenCreate,
    generations: true,
    in_place: InPlace::UnlessRefused,
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims: |spec| identity(spec).into_iter().collect(),
};

/// The manager of an object's fields: of this stack, and of the creation that it stems from.
pub(crate) fn manager(lineage: &str, generation: &str) -> String {
    format!("hactl-{}-{generation}", lineage.get(..8).unwrap_or(lineage))
}

/// What an object is called in the cluster, whatever version it is written in: `Deployment cattle-system/cattle`.
fn identity(spec: &Value) -> Option<String> {
    let text = |path: [&str; 2]| spec.get(path[0])?.get(path[1])?.as_str();
    let kind = spec.get("kind")?.as_str()?;
    let name = text(["metadata", "name"])?;
    Some(match text(["metadata", "namespace"]) {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    })
}
