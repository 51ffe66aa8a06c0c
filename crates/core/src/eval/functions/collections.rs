//! Functions on lists and maps.

use std::collections::BTreeSet;

use super::super::convert;
use super::super::operators::order;
use super::super::wording::{brief, near_key};
use super::{Call, EvalError};
use crate::value::{Map, Value};

pub(super) fn length(call: &Call<'_>) -> Result<Value, EvalError> {
    let length = match call.value(0) {
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(call.wrong(0, "a list, a map or text")),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

pub(super) fn keys(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::List(call.map(0)?.keys().map(Value::string).collect()))
}

pub(super) fn values(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::List(call.map(0)?.values().cloned().collect()))
}

pub(super) fn merge(call: &Call<'_>) -> Result<Value, EvalError> {
    let mut merged = Map::new();
    for (index, argument) in call.arguments.iter().enumerate() {
        if !argument.is_null() {
            merged.extend(call.map(index)?.clone());
        }
    }
    Ok(Value::Map(merged))
}

pub(super) fn lookup(call: &Call<'_>) -> Result<Value, EvalError> {
    let (map, key) = (call.map(0)?, call.text(1)?);
    match (map.get(&*key), call.optional(2)) {
        (Some(found), _) => Ok(found.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => {
            let error = call.error(format!("finds no key `{}`", brief(&key)));
            Err(match near_key(&key, map) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("give a default as the third argument"),
            })
        }
    }
}

pub(super) fn zipmap(call: &Call<'_>) -> Result<Value, EvalError> {
    let (keys, values) = (call.list(0)?, call.list(1)?);
    if keys.len() != values.len() {
        return Err(call.error(format!("needs as many values as keys, not {} for {}", values.len(), keys.len())));
    }
    let entries = keys.iter().zip(values).map(|(key, value)| Ok((convert::key(key)?, value.clone())));
    Ok(Value::Map(entries.collect::<Result<_, EvalError>>()?))
}

pub(super) fn contains(call: &Call<'_>) -> Result<Value, EvalError> {
    let wanted = call.value(1);
    Ok(Value::Bool(call.list(0)?.iter().any(|item| order(item, wanted).is_eq())))
}

pub(super) fn concat(call: &Call<'_>) -> Result<Value, EvalError> {
    let mut items = Vec::new();
    for index in 0..call.arguments.len() {
        items.extend_from_slice(call.list(index)?);
    }
    Ok(Value::List(items))
}

pub(super) fn flatten(call: &Call<'_>) -> Result<Value, EvalError> {
    let mut flat = Vec::new();
    flatten_into(&mut flat, call.list(0)?);
    Ok(Value::List(flat))
}

fn flatten_into(flat: &mut Vec<Value>, items: &[Value]) {
    for item in items {
        match item {
            Value::List(inner) => flatten_into(flat, inner),
            item => flat.push(item.clone()),
        }
    }
}

pub(super) fn distinct(call: &Call<'_>) -> Result<Value, EvalError> {
    let mut seen = BTreeSet::new();
    let items = call.list(0)?.iter().filter(|item| seen.insert(Ordered(item)));
    Ok(Value::List(items.cloned().collect()))
}

/// A plain value under the total order of [`order`].
struct Ordered<'a>(&'a Value);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        order(self.0, other.0)
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered<'_> {}

pub(super) fn sort(call: &Call<'_>) -> Result<Value, EvalError> {
    let mut texts = call.texts(0)?;
    texts.sort();
    Ok(Value::List(texts.iter().map(Value::string).collect()))
}

pub(super) fn reverse(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::List(call.list(0)?.iter().rev().cloned().collect()))
}

pub(super) fn slice(call: &Call<'_>) -> Result<Value, EvalError> {
    let items = call.list(0)?;
    let (start, end) = (call.size(1, items.len())?, call.size(2, items.len())?);
    match items.get(start..end) {
        Some(part) => Ok(Value::List(part.to_vec())),
        None => Err(call.error(format!("cannot end at {end}, before its start at {start}"))),
    }
}

pub(super) fn element(call: &Call<'_>) -> Result<Value, EvalError> {
    let (items, index) = (call.list(0)?, call.whole(1)?);
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let wrapped = index.checked_rem_euclid(count).and_then(|index| usize::try_from(index).ok());
    wrapped
        .and_then(|index| items.get(index))
        .cloned()
        .ok_or_else(|| call.error("cannot take an item of an empty list"))
}

pub(super) fn compact(call: &Call<'_>) -> Result<Value, EvalError> {
    Ok(Value::List(call.list(0)?.iter().filter(|item| !is_empty(item)).cloned().collect()))
}

pub(super) fn coalesce(call: &Call<'_>) -> Result<Value, EvalError> {
    call.arguments.iter().find(|value| !is_empty(value)).cloned().ok_or_else(|| {
        call.error("finds no value that is neither null nor empty text").help("give a default as its last argument")
    })
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

pub(super) fn range(call: &Call<'_>) -> Result<Value, EvalError> {
    let (start, end) = match call.arguments.len() {
        1 => (0, call.whole(0)?),
        _ => (call.whole(0)?, call.whole(1)?),
    };
    let step = match call.optional(2) {
        Some(_) => call.whole(2)?,
        None if end < start => -1,
        None => 1,
    };
    if step == 0 {
        return Err(call.error("cannot count in steps of 0"));
    }
    let (start, end, step) = (i128::from(start), i128::from(end), i128::from(step));
    let distance = if step > 0 { end - start } else { start - end }.max(0);
    let count = usize::try_from((distance + step.abs() - 1) / step.abs()).unwrap_or(usize::MAX);
    call.check_items(count)?;
    let mut items = Vec::with_capacity(count);
    let mut next = start;
    while items.len() < count {
        items.push(Value::Int(i64::try_from(next).unwrap_or(i64::MAX)));
        next += step;
    }
    Ok(Value::List(items))
}
