//! Server-side apply: values and field ownership. The rules of sigs.k8s.io/structured-merge-diff, over plain JSON.

use std::collections::BTreeMap;

use hactl_kube::FieldConflict;
use serde_json::{Map, Value};

use crate::cluster::fields::{Fields, Step};
use crate::cluster::shape::{BadList, Place};

/// A manager and its fields: an entry of `metadata.managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owner {
    pub(crate) manager: String,
    /// Whether by server-side apply; else by other requests. The same name is another manager then.
    pub(crate) applies: bool,
    pub(crate) api_version: String,
    pub(crate) fields: Fields,
}

/// An object without its `managedFields`, and who owns what of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Managed {
    pub(crate) value: Value,
    pub(crate) owners: Vec<Owner>,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Others own fields of it with other values.
    Conflict(Vec<FieldConflict>),
    /// A list breaks the rules of its type.
    BadList(BadList),
}

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    /// Whether fields are taken from others.
    pub(crate) force: bool,
}

/// Fields that nobody owns: what names an object, and what the server writes itself.
const NOT_OWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "uid"],
    &["metadata", "creationTimestamp"],
    &["metadata", "generation"],
    &["metadata", "resourceVersion"],
    &["metadata", "managedFields"],
];

/// Server-side apply: what the manager sends is what it owns afterwards, and what it no longer sends and nobody else
/// owns is gone.
pub(crate) fn apply(place: &Place, live: &Managed, sent: &Value, request: &Request<'_>) -> Result<Managed, Refusal> {
    let sent_fields = all_of(place, sent)?;
    let mut wanted = Fields { here: false, ..sent_fields.clone() };
    leave_out_not_owned(&mut wanted);
    let is_own = |owner: &&Owner| owner.applies && owner.manager == request.manager;
    let before = live.owners.iter().find(is_own).map(|owner| owner.fields.clone()).unwrap_or_default();
    let mut others: Vec<Owner> = live.owners.iter().filter(|owner| !is_own(owner)).cloned().collect();

    let mut value = merged(place, Some(&live.value), sent)?;
    let mut kept = sent_fields;
    for owner in &others {
        kept.merge(owner.fields.clone());
    }
    prune(place, &mut value, &before, &kept)?;

    let changed = changed(place, &live.value, &value)?;
    let mut conflicts = Vec::new();
    for owner in &mut others {
        let contested = owner.fields.common(&changed).common(&wanted);
        let manager = || owner.manager.clone();
        conflicts.extend(contested.paths().into_iter().map(|field| FieldConflict { field, manager: manager() }));
        owner.fields.subtract(&contested);
    }
    if !conflicts.is_empty() && !request.force {
        return Err(Refusal::Conflict(conflicts));
    }
    let own = Owner {
        manager: request.manager.to_owned(),
        applies: true,
        api_version: request.api_version.to_owned(),
        fields: wanted,
    };
    Ok(Managed { value, owners: sorted(others, own) })
}

/// Any other request, as `kubectl edit` makes them: the object is then as given, and the manager owns what it changed.
pub(crate) fn update(place: &Place, live: &Managed, value: Value, request: &Request<'_>) -> Result<Managed, Refusal> {
    let mut changed = changed(place, &live.value, &value)?;
    let mut gone = self::changed(place, &value, &live.value)?;
    leave_out_not_owned(&mut changed);
    gone.merge(changed.clone());
    let mut others = live.owners.clone();
    for owner in &mut others {
        owner.fields.subtract(&gone);
    }
    let is_own = |owner: &Owner| !owner.applies && owner.manager == request.manager;
    let mut fields = changed;
    if let Some(position) = others.iter().position(is_own) {
        fields.merge(others.remove(position).fields);
    }
    let (manager, api_version) = (request.manager.to_owned(), request.api_version.to_owned());
    Ok(Managed { value, owners: sorted(others, Owner { manager, applies: false, api_version, fields }) })
}

/// One value over another, part by part: what the first has and the second does not stays.
pub(crate) fn merged(place: &Place, live: Option<&Value>, sent: &Value) -> Result<Value, BadList> {
    let (Some(live), Some(sent_parts)) = (live, place.parts(sent)?) else {
        return Ok(sent.clone());
    };
    let Some(live_parts) = place.parts(live)? else { return Ok(sent.clone()) };
    match (live, sent) {
        (Value::Object(live), Value::Object(sent)) => {
            let mut result = live.clone();
            for (name, value) in sent {
                result.insert(name.clone(), merged(&place.field(name), live.get(name), value)?);
            }
            Ok(Value::Object(result))
        }
        (Value::Array(_), Value::Array(_)) => merged_lists(live_parts, &sent_parts).map(Value::Array),
        _ => Ok(sent.clone()),
    }
}

/// The items of both in the order of the second; what only the first has stays where it stood among the others.
fn merged_lists(live: Vec<(Step, &Value, Place)>, sent: &[(Step, &Value, Place)]) -> Result<Vec<Value>, BadList> {
    let in_live: BTreeMap<&Step, &Value> = live.iter().map(|(step, value, _)| (step, *value)).collect();
    let in_sent: BTreeMap<&Step, usize> = sent.iter().enumerate().map(|(index, (step, ..))| (step, index)).collect();
    let mut result = Vec::new();
    let mut next = 0;
    let mut take_until = |end: usize, result: &mut Vec<Value>| {
        while next < end {
            let (step, value, place) = &sent[next];
            result.push(merged(place, in_live.get(step).copied(), value)?);
            next += 1;
        }
        Ok(())
    };
    for (step, value, _) in &live {
        match in_sent.get(step) {
            Some(index) => take_until(index + 1, &mut result)?,
            None => result.push((*value).clone()),
        }
    }
    take_until(sent.len(), &mut result)?;
    Ok(result)
}

/// Takes out of a value what was owned before and is not kept by anybody. What nobody owns stays; a map or list that has
/// nothing left in it goes.
fn prune(place: &Place, value: &mut Value, before: &Fields, kept: &Fields) -> Result<(), BadList> {
    if before.inside.is_empty() {
        return Ok(());
    }
    let steps: Vec<(Step, Place)> = match place.parts(value)? {
        Some(parts) => parts.into_iter().map(|(step, _, place)| (step, place)).collect(),
        None => return Ok(()),
    };
    let parts: Vec<&mut Value> = match value {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    let nothing = Fields::default();
    let mut stay = Vec::new();
    for ((step, place), part) in steps.into_iter().zip(parts) {
        let Some(before) = before.inside.get(&step) else {
            stay.push(true);
            continue;
        };
        let kept = kept.inside.get(&step);
        let is_gone = before.here && kept.is_none();
        if !is_gone {
            prune(&place, part, before, kept.unwrap_or(&nothing))?;
        }
        stay.push(!is_gone && (kept.is_some() || !is_empty(part)));
    }
    let mut stay = stay.into_iter();
    match value {
        Value::Object(map) => map.retain(|_, _| stay.next().unwrap_or(true)),
        Value::Array(items) => items.retain(|_| stay.next().unwrap_or(true)),
        _ => {}
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// What is new or another in the second value.
fn changed(place: &Place, old: &Value, new: &Value) -> Result<Fields, BadList> {
    let (Some(old_parts), Some(new_parts)) = (place.parts(old)?, place.parts(new)?) else {
        return if old == new { Ok(Fields::default()) } else { all_of(place, new) };
    };
    let old_parts: BTreeMap<Step, &Value> = old_parts.into_iter().map(|(step, value, _)| (step, value)).collect();
    let mut fields = Fields::default();
    for (step, value, place) in new_parts {
        let inside = match old_parts.get(&step) {
            Some(old) => changed(&place, old, value)?,
            None => Fields { here: true, ..all_of(&place, value)? },
        };
        fields.add(step, inside);
    }
    Ok(fields)
}

/// The fields of a value: what is owned as a whole, and the items of lists.
fn all_of(place: &Place, value: &Value) -> Result<Fields, BadList> {
    let Some(parts) = place.parts(value)? else { return Ok(Fields::leaf()) };
    let mut fields = Fields { here: parts.is_empty() && value.is_object(), ..Fields::default() };
    for (step, part, place) in parts {
        let mut inside = all_of(&place, part)?;
        inside.here |= value.is_array();
        fields.add(step, inside);
    }
    Ok(fields)
}

fn leave_out_not_owned(fields: &mut Fields) {
    for path in NOT_OWNED {
        leave_out(fields, path);
    }
}

fn leave_out(fields: &mut Fields, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    let step = Step::field(first);
    if rest.is_empty() {
        fields.inside.remove(&step);
    } else if let Some(inside) = fields.inside.get_mut(&step) {
        leave_out(inside, rest);
        if inside.inside.is_empty() {
            fields.inside.remove(&step);
        }
    }
}

fn sorted(mut owners: Vec<Owner>, own: Owner) -> Vec<Owner> {
    owners.push(own);
    owners.retain(|owner| !owner.fields.is_empty());
    owners.sort_by(|left, right| (!left.applies, &left.manager).cmp(&(!right.applies, &right.manager)));
    owners
}

impl Managed {
    /// Takes an object apart.
    pub(crate) fn read(object: &Map<String, Value>) -> Self {
        let mut value = object.clone();
        let entries =
            value.get_mut("metadata").and_then(Value::as_object_mut).and_then(|map| map.remove("managedFields"));
        let entries = entries.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let owners = entries.iter().map(|entry| Owner {
            manager: text(entry, "manager"),
            applies: text(entry, "operation") == "Apply",
            api_version: text(entry, "apiVersion"),
            fields: entry.get("fieldsV1").and_then(Value::as_object).map(Fields::read).unwrap_or_default(),
        });
        Self { owners: owners.collect(), value: Value::Object(value) }
    }

    /// Puts an object together; `time` is when each entry was written.
    pub(crate) fn write(self, time: &str) -> Map<String, Value> {
        let Value::Object(mut object) = self.value else { return Map::new() };
        let entries: Vec<Value> = self
            .owners
            .into_iter()
            .map(|owner| {
                serde_json::json!({
                    "manager": owner.manager,
                    "operation": if owner.applies { "Apply" } else { "Update" },
                    "apiVersion": owner.api_version,
                    "time": time,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": owner.fields.write(),
                })
            })
            .collect();
        if let Some(metadata) =
            object.get_mut("metadata").and_then(Value::as_object_mut).filter(|_| !entries.is_empty())
        {
            metadata.insert("managedFields".to_owned(), Value::Array(entries));
        }
        object
    }
}

impl From<BadList> for Refusal {
    fn from(bad: BadList) -> Self {
        Self::BadList(bad)
    }
}
