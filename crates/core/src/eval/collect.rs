//! For-expressions.

use std::collections::BTreeMap;

use super::EvalError;
use super::convert;
use super::environment::{Env, known_condition};
use super::evaluate::{defer, evaluate};
use super::wording::brief;
use crate::expr::{ExprKind, For};
use crate::value::Value;

/// Evaluates a for-expression: item by item where the result's shape is known, else into a residual.
///
/// Lists are visited in order with their index as key, maps in the order of their keys.
pub(super) fn for_each(each: &For, env: Env<'_>) -> Result<Value, EvalError> {
    let collection = evaluate(&each.collection, env)?;
    let result = match &collection {
        Value::Deferred(_) => None,
        Value::List(items) => {
            let keys = (0_i64..).map(Value::Int);
            item_by_item(each, keys.zip(items), env)?
        }
        Value::Map(map) => {
            let keys = map.keys().map(Value::string);
            item_by_item(each, keys.zip(map.values()), env)?
        }
        other => {
            return Err(EvalError::new(format!("a for-expression needs a list or a map, not {}", other.type_name()))
                .or_at(each.collection.at));
        }
    };
    result.map_or_else(|| residual(each, &collection, env), Ok)
}

/// The result, or none if a key or condition is deferred, so that it is not known which items there are.
fn item_by_item<'v>(
    each: &For,
    items: impl Iterator<Item = (Value, &'v Value)>,
    env: Env<'_>,
) -> Result<Option<Value>, EvalError> {
    let mut list = Vec::new();
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, value) in items {
        let key_binding = each.key_name.as_ref().map(|name| env.binding(name, &key));
        let outer = key_binding.as_ref().map_or(env, |binding| env.with(binding));
        let value_binding = outer.binding(&each.value_name, value);
        let inner = outer.with(&value_binding);

        if let Some(condition) = &each.condition {
            let value = evaluate(condition, inner)?;
            match known_condition(&value).map_err(|error| error.or_at(condition.at))? {
                None => return Ok(None),
                Some(false) => continue,
                Some(true) => {}
            }
        }
        let Some(key) = &each.key else {
            list.push(evaluate(&each.value, inner)?);
            continue;
        };
        let at = key.at;
        let key = evaluate(key, inner)?;
        if let Value::Deferred(_) = key {
            return Ok(None);
        }
        let key = convert::key(&key).map_err(|error| error.or_at(at))?;
        if groups.contains_key(&key) && !each.grouping {
            return Err(duplicate(&key).or_at(at));
        }
        groups.entry(key).or_default().push(evaluate(&each.value, inner)?);
    }
    Ok(Some(match &each.key {
        None => Value::List(list),
        Some(_) if each.grouping => {
            Value::Map(groups.into_iter().map(|(key, group)| (key, Value::List(group))).collect())
        }
        Some(_) => {
            Value::Map(groups.into_iter().filter_map(|(key, group)| Some((key, group.into_iter().next()?))).collect())
        }
    }))
}

/// The for-expression itself, with everything known folded in and the bound names left as symbols.
fn residual(each: &For, collection: &Value, env: Env<'_>) -> Result<Value, EvalError> {
    let sensitive = collection.is_sensitive();
    let key_symbol = each.key_name.as_ref().map(|name| (name, env.symbol(name, sensitive)));
    let key_binding = key_symbol.as_ref().map(|(name, symbol)| env.symbol_binding(name, symbol));
    let outer = key_binding.as_ref().map_or(env, |binding| env.with_symbol(binding));
    let value_symbol = outer.symbol(&each.value_name, sensitive);
    let value_binding = outer.symbol_binding(&each.value_name, &value_symbol);
    let inner = outer.with_symbol(&value_binding);

    let key = each.key.as_ref().map(|key| evaluate(key, inner)).transpose()?;
    let value = evaluate(&each.value, inner)?;
    let condition = each.condition.as_ref().map(|condition| evaluate(condition, inner)).transpose()?;

    if let Some(key) = key.as_ref().filter(|key| !matches!(key, Value::Deferred(_))) {
        convert::key(key)?;
    }
    if let Some(condition) = &condition {
        known_condition(condition)?;
    }

    let residual = For {
        key_name: key_symbol.as_ref().map(|(_, symbol)| symbol.name.clone()),
        value_name: value_symbol.name.clone(),
        collection: env.residual(collection)?,
        key: key.as_ref().map(|key| env.residual(key)).transpose()?,
        value: env.residual(&value)?,
        condition: condition.as_ref().map(|condition| env.residual(condition)).transpose()?,
        grouping: each.grouping,
    };
    let parts = [Some(collection), key.as_ref(), Some(&value), condition.as_ref()];
    Ok(defer(ExprKind::For(Box::new(residual)), parts.into_iter().flatten()))
}

fn duplicate(key: &str) -> EvalError {
    EvalError::new(format!("two items give the key `{}`", brief(key)))
        .help("make the keys differ, or gather the values in lists with `...` after the value")
}
