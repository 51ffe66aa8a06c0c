//! What a saved plan must not hold in plain text: the texts in sensitive expressions.
//!
//! `postgres://app:${file("password")}@${secret.db.host}` waits for a secret, and its other parts are known. In memory they
//! stand in the expression; in a file they are variables, and their values are encrypted beside the plan.

use hactl_core::plan::Plan;
use hactl_core::value::{MARKER, Map, Value};
use hactl_core::{Diagnostic, Sensitive};
use serde_json::{Value as Json, json};

use crate::keyring::Values;

/// A plan without the texts that its sensitive expressions are made of, and those texts by the names that stand for them.
///
/// # Errors
/// When the plan cannot be written down, which is a mistake in hactl.
pub(crate) fn withhold(plan: &Plan) -> Result<(Plan, Option<Sensitive<Value>>), Diagnostic> {
    let mut texts = Map::new();
    let defect = |error: serde_json::Error| {
        Diagnostic::error(format!("the plan cannot be saved: {error}")).help("report this: it is a defect of hactl")
    };
    let mut json = serde_json::to_value(plan).map_err(defect)?;
    from_values(&mut json, &mut texts);
    if texts.is_empty() {
        return Ok((plan.clone(), None));
    }
    Ok((serde_json::from_value(json).map_err(defect)?, Some(Sensitive::new(Value::Map(texts)))))
}

/// The values of what was withheld, as a run refers to them.
pub(crate) fn given_back(withheld: &Sensitive<Value>) -> Values {
    let texts = withheld.expose().as_map().into_iter().flatten();
    texts.map(|(name, value)| (name.clone(), Sensitive::new(value.clone()))).collect()
}

/// Looks for sensitive values anywhere in a plan.
fn from_values(json: &mut Json, texts: &mut Map) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| from_values(item, texts)),
        Json::Object(object) => {
            let deferred = object.get_mut(MARKER).and_then(|stand_in| stand_in.get_mut("deferred"));
            match deferred {
                Some(deferred) if deferred.get("sensitive") == Some(&Json::Bool(true)) => {
                    if let Some(expr) = deferred.get_mut("expr") {
                        from_expression(expr, texts);
                    }
                }
                Some(_) => {}
                None => object.values_mut().for_each(|value| from_values(value, texts)),
            }
        }
        _ => {}
    }
}

/// Takes the texts out of a sensitive expression.
fn from_expression(json: &mut Json, texts: &mut Map) {
    let literal =
        json.get("literal").filter(|literal| literal.is_string() || literal.is_array() || literal.is_object());
    if let Some(value) = literal.and_then(|literal| serde_json::from_value(literal.clone()).ok()) {
        // No variable of a config has a dot in its name.
        let name = format!("literal.{}", texts.len());
        *json = json!({ "variable": name });
        texts.insert(name, value);
        return;
    }
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| from_expression(item, texts)),
        Json::Object(object) => object.values_mut().for_each(|value| from_expression(value, texts)),
        _ => {}
    }
}
