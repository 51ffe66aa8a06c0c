//! An object that state does not hold, in the terms of what the config wants it to be.

use std::collections::BTreeSet;
use std::sync::Arc;

use hactl_core::DigestKey;
use hactl_core::diff::{at_path, copy_path, diff};
use hactl_core::observed::{Foreign, Present};
use hactl_core::value::Value;
use hactl_engine::ReadRequest;
use hactl_kube::Object;

use crate::object::live::{Comparison, compare};
use crate::object::observe::{foreign, outputs};
use crate::object::reference::Spot;
use crate::object::{ADDRESS, LINEAGE, manager};

/// What is there in the place of a wanted object. One that is being deleted is nothing to be taken over.
pub(super) fn unrecorded(
    request: &ReadRequest<'_>,
    spot: &Spot,
    object: &Object,
    lineage: &str,
    key: Option<&DigestKey>,
) -> Foreign {
    let own = object.label(LINEAGE) == Some(lineage) && object.annotation(ADDRESS) == Some(request.address.as_str());
    let generation = if own { generation_of(object, lineage) } else { None };
    let generation = generation.unwrap_or_else(|| generation_from(object.uid()));
    let wanted = request.wanted.filter(|_| !object.is_being_deleted());
    let found = wanted.map(|wanted| Present {
        spec: Arc::new(as_it_is(wanted, object, key)),
        outputs: outputs(object, BTreeSet::new()),
        generation,
        residue: false,
        fixed: Vec::new(),
    });
    Foreign { what: foreign(spot, object, lineage), id: object.uid().to_owned(), own, found }
}

/// Takes for the same what the server keeps in another form only: what applying it would leave as it is. `made` is what
/// the server says that it would make of it.
pub(super) fn refine(
    found: &mut Present,
    wanted: &Value,
    live: &Object,
    made: &Object,
    own: &str,
    key: Option<&DigestKey>,
) {
    let result = as_it_is(wanted, made, key);
    let mut spec = (*found.spec).clone();
    for path in diff(wanted, &found.spec) {
        let is_left = at_path(&found.spec, &path) == at_path(&result, &path);
        if is_left && at_path(wanted, &path).is_some_and(Value::is_plain) {
            copy_path(wanted, &mut spec, &path);
        }
    }
    found.spec = Arc::new(spec);
    let stored = compare(wanted, made, Comparison { manager: own, stored: None, key }).stored;
    found.outputs = outputs(live, stored);
}

/// What is wanted as an object has it, whoever manages it.
fn as_it_is(wanted: &Value, object: &Object, key: Option<&DigestKey>) -> Value {
    compare(wanted, object, Comparison { manager: "", stored: Some(&BTreeSet::new()), key }).spec
}

/// The id of the creation that an object of a stack stems from, by the manager of its fields.
pub(super) fn generation_of(object: &Object, lineage: &str) -> Option<String> {
    let prefix = manager(lineage, "");
    let mut managers = object.owners().filter(|owner| owner.applies).map(|owner| owner.manager);
    managers.find_map(|manager| manager.strip_prefix(&prefix)).map(str::to_owned)
}

/// An id for an object that was not made from here: it stems from no creation of ours, and its uid is as good.
fn generation_from(uid: &str) -> String {
    uid.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}
