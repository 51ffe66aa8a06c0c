//! What a cluster shows of one object, as the plan needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hactl_core::DigestKey;
use hactl_core::diff::Path;
use hactl_core::observed::{Observed, Present};
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::ReadRequest;
use hactl_kube::{Object, ServedKind};

use crate::object::adopt::unrecorded;
use crate::object::live::{Comparison, compare};
use crate::object::look::View;
use crate::object::reference::{Reference, Spot};
use crate::object::{ADDRESS, LINEAGE, STACK, STORED, UID, manager};

/// Where one resource is looked for.
pub(crate) struct Sought<'a> {
    pub(crate) request: &'a ReadRequest<'a>,
    /// Where it may be according to state, with what it would be there.
    pub(crate) known: Vec<(Spot, &'a ResourceState)>,
    /// Where it is wanted; none where the server has no such type, or where that is not known yet.
    pub(crate) wanted: Option<Spot>,
}

impl<'a> Sought<'a> {
    pub(crate) fn new(request: &'a ReadRequest<'a>, served: &[ServedKind]) -> Self {
        let spot = |spec: &Value| Reference::of(spec)?.spot(served);
        let candidates = request.candidates.iter();
        Self {
            request,
            known: candidates.filter_map(|candidate| Some((spot(&candidate.spec)?, *candidate))).collect(),
            wanted: request.wanted.and_then(spot),
        }
    }

    /// Every spot to look at.
    pub(crate) fn spots(&self) -> impl Iterator<Item = &Spot> {
        self.known.iter().map(|(spot, _)| spot).chain(&self.wanted)
    }
}

/// What was found of a resource.
pub(crate) struct Found<'a> {
    /// For the plan.
    pub(crate) observed: Observed,
    /// The object that is there, ours or not.
    pub(crate) live: Option<&'a Object>,
    /// What it was applied as; none where it is not ours.
    pub(crate) applied: Option<&'a ResourceState>,
    /// Whether the spot where it is wanted is another resource's of this stack by now, which goes first.
    pub(crate) is_taken: bool,
}

/// The spots that resources of this stack have by now, each with the resource's address.
pub(crate) fn occupied<'a>(sought: &[Sought<'a>], view: &View, lineage: &str) -> BTreeMap<Spot, &'a str> {
    let mut occupied = BTreeMap::new();
    for sought in sought {
        for (spot, candidate) in &sought.known {
            if view.object(spot).is_some_and(|object| is_ours(object, candidate, lineage)) {
                occupied.insert(spot.clone(), sought.request.address.as_str());
            }
        }
    }
    occupied
}

/// What a view shows of a resource.
pub(crate) fn observe<'a>(
    sought: &Sought<'a>,
    view: &'a View,
    occupied: &BTreeMap<Spot, &str>,
    lineage: &str,
    key: Option<&DigestKey>,
) -> Found<'a> {
    let found = |observed| Found { observed, live: None, applied: None, is_taken: false };
    for (spot, candidate) in &sought.known {
        if let Some(object) = view.object(spot).filter(|object| is_ours(object, candidate, lineage)) {
            let observed = Observed::Present(present(sought, spot, candidate, object, lineage, key));
            return Found { live: Some(object), applied: Some(candidate), ..found(observed) };
        }
        if let Some(error) = view.hidden(spot) {
            return found(Observed::Unreachable(format!("{spot} cannot be read: {error}").into()));
        }
    }
    let Some(wanted) = &sought.wanted else { return found(Observed::Absent) };
    let Some(object) = view.object(wanted) else { return found(Observed::Absent) };
    if occupied.get(wanted).is_some_and(|owner| *owner != sought.request.address.as_str()) {
        return Found { is_taken: true, ..found(Observed::Absent) };
    }
    let foreign = unrecorded(sought.request, wanted, object, lineage, key);
    Found { live: Some(object), ..found(Observed::Foreign(foreign)) }
}

/// Whether an object is what state holds: its fields are managed for that very creation, or it is the same object still.
/// One that another stack has taken over is not.
pub(crate) fn is_ours(object: &Object, candidate: &ResourceState, lineage: &str) -> bool {
    if object.label(LINEAGE).is_some_and(|label| label != lineage) && object.annotation(ADDRESS).is_some() {
        return false;
    }
    let own = manager(lineage, &candidate.generation);
    let uid = candidate.outputs.get(UID).and_then(Value::as_str);
    object.owners().any(|owner| owner.applies && owner.manager == own) || uid.is_some_and(|uid| uid == object.uid())
}

fn present(
    sought: &Sought<'_>,
    spot: &Spot,
    candidate: &ResourceState,
    object: &Object,
    lineage: &str,
    key: Option<&DigestKey>,
) -> Present {
    let stored = stored(&candidate.outputs);
    let how = Comparison { manager: &manager(lineage, &candidate.generation), stored: stored.as_ref(), key };
    let live = compare(&candidate.spec, object, how);
    let mut spec = live.spec;
    let mut fixed: Vec<Path> = Vec::new();
    if object.label(LINEAGE) != Some(lineage) {
        let now = object.label(LINEAGE).unwrap_or("(removed)");
        put(&mut spec, &["metadata", "labels", LINEAGE], Value::from(now));
    }
    if object.is_being_deleted() {
        // It is there, and will not be: the plan makes it anew, which waits until it is gone and says what keeps it.
        let path = ["metadata", "deletionTimestamp"];
        let time = object.at(&path).and_then(|time| time.as_str()).unwrap_or("now");
        put(&mut spec, &path, Value::from(time));
        fixed.push(path.map(str::to_owned).to_vec());
    }
    if let Some(wanted) = sought.wanted.as_ref().filter(|wanted| *wanted != spot) {
        let mut differs = |differs: bool, path: &[&str]| {
            if differs {
                fixed.push(path.iter().map(|key| (*key).to_owned()).collect());
            }
        };
        differs(wanted.kind.group != spot.kind.group, &["apiVersion"]);
        differs(wanted.kind.kind != spot.kind.kind, &["kind"]);
        differs(wanted.namespace != spot.namespace, &["metadata", "namespace"]);
        differs(wanted.name != spot.name, &["metadata", "name"]);
    }
    Present {
        spec: if spec == *candidate.spec { candidate.spec.clone() } else { Arc::new(spec) },
        outputs: outputs(object, stored.unwrap_or(live.stored)),
        generation: candidate.generation.clone(),
        residue: false,
        fixed,
    }
}

/// The outputs of an object: its uid, and what the server keeps in another form than it was sent in.
pub(crate) fn outputs(object: &Object, stored: BTreeSet<String>) -> Map {
    let mut outputs = Map::from([(UID.to_owned(), Value::string(object.uid()))]);
    if !stored.is_empty() {
        outputs.insert(STORED.to_owned(), Value::List(stored.into_iter().map(Value::from).collect()));
    }
    outputs
}

/// What the server kept in another form right after it was applied; none where nobody saw that.
fn stored(outputs: &Map) -> Option<BTreeSet<String>> {
    outputs.get(UID)?;
    let stored = outputs.get(STORED).and_then(Value::as_list).unwrap_or_default();
    Some(stored.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn put(value: &mut Value, path: &[&str], new: Value) {
    let Value::Map(map) = value else { return };
    match path {
        [] => {}
        [last] => {
            map.insert((*last).to_owned(), new);
        }
        [first, rest @ ..] => put(map.entry((*first).to_owned()).or_insert_with(|| Value::Map(Map::new())), rest, new),
    }
}

/// What somebody else's object is, in words; ends like a clause in front of "is there already".
pub(crate) fn foreign(spot: &Spot, object: &Object, lineage: &str) -> String {
    let dying = if object.is_being_deleted() { " being deleted," } else { "" };
    match (object.label(LINEAGE), object.annotation(ADDRESS), object.annotation(STACK)) {
        (Some(label), Some(address), _) if label == lineage => {
            return format!("{spot}, labelled {address} of this stack and not in its state,{dying}");
        }
        (Some(_), Some(address), Some(stack)) => return format!("{spot}, of {address} in stack {stack},{dying}"),
        _ => {}
    }
    let managers: BTreeSet<&str> = object.owners().map(|owner| owner.manager).collect();
    // Controllers only keep the status of what somebody made.
    let is_person = |manager: &&&str| !manager.starts_with("kube-") && **manager != "kubelet";
    let makers: Vec<&str> = managers.iter().filter(is_person).copied().collect();
    let makers = if makers.is_empty() { managers.into_iter().collect() } else { makers };
    match makers.as_slice() {
        [] => format!("{spot}{}", if dying.is_empty() { "" } else { ", being deleted," }),
        makers => format!("{spot}, managed by {},{dying}", makers.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use crate::object::look::Sight;
    use hactl_core::Address;
    use hactl_core::diff::display_path;
    use serde_json::{Value as Json, json};

    const LINEAGE_OF_TEST: &str = "11111111-2222-3333-4444-555555555555";

    fn served() -> Vec<ServedKind> {
        vec![ServedKind {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            namespaced: true,
        }]
    }

    fn spec(namespace: &str, value: &str) -> Value {
        from_json(
            &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}, "data": {"k": value}}),
        )
    }

    fn state(spec: Value, uid: Option<&str>) -> ResourceState {
        ResourceState {
            node: None,
            spec: Arc::new(spec),
            outputs: uid.map(|uid| (UID.to_owned(), Value::from(uid))).into_iter().collect(),
            generation: "0123456789abcdef".to_owned(),
            dependencies: Vec::new(),
            protect: false,
            notified: false,
            unproven: false,
            lost: false,
            previous: None,
        }
    }

    fn live(value: &str, metadata: Json, manager: &str) -> Object {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": value}, "metadata": {
            "name": "a", "namespace": "x", "uid": "uid-1", "labels": {"hactl.io/lineage": LINEAGE_OF_TEST},
            "managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {"f:k": {}}}}],
        }});
        for (key, value) in metadata.as_object().unwrap() {
            object["metadata"][key] = value.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    /// What is told of `manifest.web["a"]`, which state holds or not, and which is wanted in a namespace.
    fn told(known: Option<&ResourceState>, wanted: &Value, object: Option<Object>) -> String {
        let address = Address::new("manifest", "web", Some("a"));
        let mut request = ReadRequest::new(&address);
        request.candidates.extend(known);
        request.applied = known.is_some();
        request.wanted = Some(wanted);
        let sought = [Sought::new(&request, &served())];
        let spot = Spot { kind: served().remove(0), namespace: Some("x".to_owned()), name: "a".to_owned() };
        let view = View(BTreeMap::from([(spot, object.map_or(Sight::Nothing, Sight::There))]));
        let occupied = occupied(&sought, &view, LINEAGE_OF_TEST);
        match observe(&sought[0], &view, &occupied, LINEAGE_OF_TEST, None).observed {
            Observed::Present(present) => {
                let fixed: Vec<String> = present.fixed.iter().map(|path| display_path(path)).collect();
                let drift = hactl_core::diff::diff(&known.unwrap().spec, &present.spec);
                let drift: Vec<String> = drift.iter().map(|path| display_path(path)).collect();
                format!("present, drift {drift:?}, fixed {fixed:?}, outputs {:?}", present.outputs)
            }
            Observed::Absent => "absent".to_owned(),
            Observed::Foreign(foreign) => {
                let own = if foreign.own { ", and is its own" } else { "" };
                format!("{} is there already{own}", foreign.what)
            }
            Observed::Unreachable(reason) => format!("unreachable: {reason}"),
        }
    }

    #[test]
    fn what_is_seen_of_an_object() {
        let own = "hactl-11111111-0123456789abcdef";
        let wanted = spec("x", "1");
        let known = state(spec("x", "1"), Some("uid-1"));
        let unproven = state(spec("x", "1"), None);
        let dying = json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["a/b"]});
        let table = [
            told(Some(&known), &wanted, None),
            told(Some(&known), &wanted, Some(live("1", json!({}), own))),
            told(Some(&known), &wanted, Some(live("2", json!({}), "kubectl"))),
            told(Some(&known), &wanted, Some(live("1", json!({"labels": {}}), own))),
            told(Some(&known), &wanted, Some(live("1", dying.clone(), own))),
            told(Some(&known), &spec("y", "1"), Some(live("1", json!({}), own))),
            told(
                Some(&known),
                &wanted,
                Some(live("1", json!({"uid": "uid-2", "labels": {}}), "kubectl-client-side-apply")),
            ),
            told(Some(&unproven), &wanted, Some(live("1", json!({}), own))),
            told(None, &wanted, None),
            told(None, &wanted, Some(live("1", json!({"labels": {}}), "helm"))),
            told(None, &wanted, Some(live("1", json!({"labels": {}, "deletionTimestamp": "x"}), "helm"))),
            told(
                None,
                &wanted,
                Some(live(
                    "1",
                    json!({"annotations": {"hactl.io/address": "manifest.old[\"a\"]"}}),
                    "hactl-11111111-f",
                )),
            ),
            told(
                None,
                &wanted,
                Some(live(
                    "1",
                    json!({"labels": {"hactl.io/lineage": "other"}, "annotations": {"hactl.io/address": "ingress.b", "hactl.io/stack": "shop"}}),
                    "hactl-other-1",
                )),
            ),
        ];
        insta::assert_snapshot!(table.join("\n"), @r#"
        absent
        present, drift [], fixed [], outputs {"uid": "uid-1"}
        present, drift ["data.k"], fixed [], outputs {"uid": "uid-1"}
        present, drift ["metadata.labels"], fixed [], outputs {"uid": "uid-1"}
        present, drift ["metadata.deletionTimestamp"], fixed ["metadata.deletionTimestamp"], outputs {"uid": "uid-1"}
        present, drift [], fixed ["metadata.namespace"], outputs {"uid": "uid-1"}
        ConfigMap x/a, managed by kubectl-client-side-apply, is there already
        present, drift [], fixed [], outputs {"uid": "uid-1"}
        absent
        ConfigMap x/a, managed by helm, is there already
        ConfigMap x/a, managed by helm, being deleted, is there already
        ConfigMap x/a, labelled manifest.old["a"] of this stack and not in its state, is there already
        ConfigMap x/a, of ingress.b in stack shop, is there already
        "#);
    }
}
