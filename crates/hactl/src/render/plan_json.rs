//! Plans as JSON, in the shape of Terraform's `show -json PLAN`, so that policy and review tools work unchanged.

use std::collections::BTreeMap;

use hactl_core::Address;
use hactl_core::plan::{Action, Change, Drift, OutputChange, Plan, Reason};
use hactl_core::state::State;
use hactl_core::value::{Map, Value};
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::render::state_json::{VERSION, identity_json, outputs_json, resource_json, state_json};
use crate::render::value::{json, sensitive_json, unknown_json};

/// The version of this shape, Terraform's.
const FORMAT_VERSION: &str = "1.2";

/// A plan, made from `state`.
///
/// Values that are known only after apply, or sensitive, are null in `after` and `true` in `after_unknown` and
/// `after_sensitive`. There is no `timestamp`: a plan carries no clock. What Terraform has no place for (the steps with
/// their order and waves, the reasons, what is left out) is under `hactl`, which other tools ignore.
pub(crate) fn plan_json(plan: &Plan, state: &State) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "terraform_version": VERSION,
        "hactl_version": VERSION,
        "variables": variables(&plan.variables),
        "planned_values": planned_values(plan, state),
        "resource_drift": plan.drift.iter().map(drift_json).collect::<Vec<_>>(),
        "resource_changes": plan.changes.iter().map(change_json).collect::<Vec<_>>(),
        "output_changes": output_changes(&plan.outputs),
        "prior_state": state_json(state),
        "checks": [],
        "errored": false,
        "hactl": extra(plan),
    })
}

/// What differs from what was last applied, and what could not be looked at, in the shape that a plan has it in.
pub(crate) fn drift_only_json(plan: &Plan) -> Json {
    json!({
        "format_version": FORMAT_VERSION,
        "hactl_version": VERSION,
        "resource_drift": plan.drift.iter().map(drift_json).collect::<Vec<_>>(),
        "hactl": {
            "stack": plan.stack,
            "lineage": plan.lineage,
            "serial": plan.serial,
            "unreachable": plan.unreachable,
            "left_out": plan.left_out,
        },
    })
}

/// An action as Terraform lists it.
pub(crate) fn actions(action: Action) -> &'static [&'static str] {
    match action {
        Action::NoOp => &["no-op"],
        Action::Create => &["create"],
        Action::Update => &["update"],
        Action::Replace => &["delete", "create"],
        Action::Delete => &["delete"],
        Action::Forget => &["forget"],
    }
}

/// Why a resource is replaced or deleted, in Terraform's terms; none for other changes.
pub(crate) fn action_reason(change: &Change) -> Option<&'static str> {
    let has = |wanted: fn(&Reason) -> bool| change.reasons.iter().any(wanted);
    match change.action {
        Action::Replace if has(|reason| matches!(reason, Reason::Requested)) => Some("replace_by_request"),
        Action::Replace if has(|reason| matches!(reason, Reason::CannotUpdate)) => {
            Some("replace_because_cannot_update")
        }
        Action::Replace => Some("replace_by_triggers"),
        Action::Delete if has(|reason| matches!(reason, Reason::NotInConfig)) => {
            Some("delete_because_no_resource_config")
        }
        _ => None,
    }
}

fn variables(variables: &Map) -> Json {
    let entries = variables.iter().map(|(name, value)| {
        let entry = if value.is_plain() { json!({"value": json(value)}) } else { json!({"sensitive": true}) };
        (name.clone(), entry)
    });
    Json::Object(entries.collect())
}

/// What will be there: what the plan leads to, and what it does not touch.
fn planned_values(plan: &Plan, state: &State) -> Json {
    let now = |address| plan.moved.resources.get(address).unwrap_or(address);
    let mut planned: BTreeMap<&Address, &Value> =
        state.resources.iter().map(|(address, resource)| (now(address), &*resource.spec)).collect();
    for change in &plan.changes {
        match (&change.after, change.action) {
            (Some(after), action) if !matches!(action, Action::Delete | Action::Forget) => {
                planned.insert(&change.address, after);
            }
            _ => {
                planned.remove(&change.address);
            }
        }
    }
    let resources: Vec<Json> =
        planned.into_iter().map(|(address, values)| Json::Object(resource_json(address, values))).collect();
    let outputs: Map =
        plan.outputs.iter().filter_map(|(name, change)| Some((name.clone(), change.after.clone()?))).collect();
    json!({"outputs": outputs_json(&outputs), "root_module": {"resources": resources}})
}

fn change_json(change: &Change) -> Json {
    let replace_paths: Vec<&[String]> =
        change.paths.iter().filter(|path| path.forces_replacement).map(|path| path.path.as_slice()).collect();
    let mut body = sides(actions(change.action), change.before.as_deref(), change.after.as_deref());
    if !replace_paths.is_empty() {
        body.insert("replace_paths".to_owned(), json!(replace_paths));
    }
    if let Some(adopted) = &change.adopts {
        body.insert("importing".to_owned(), json!({"id": adopted.id}));
    }
    let mut entry = identity_json(&change.address);
    if let Some(previous) = &change.previous_address {
        entry.insert("previous_address".to_owned(), json!(previous));
    }
    entry.insert("change".to_owned(), Json::Object(body));
    if let Some(reason) = action_reason(change) {
        entry.insert("action_reason".to_owned(), json!(reason));
    }
    Json::Object(entry)
}

fn drift_json(drift: &Drift) -> Json {
    let action = if drift.after.is_some() { Action::Update } else { Action::Delete };
    let mut entry = identity_json(&drift.address);
    let body = sides(actions(action), Some(&drift.before), drift.after.as_deref());
    entry.insert("change".to_owned(), Json::Object(body));
    Json::Object(entry)
}

fn output_changes(outputs: &BTreeMap<String, OutputChange>) -> Json {
    let entries = outputs.iter().map(|(name, change)| {
        let action = match (&change.before, &change.after) {
            _ if !change.is_change() => Action::NoOp,
            (None, _) => Action::Create,
            (_, None) => Action::Delete,
            _ => Action::Update,
        };
        let body = sides(actions(action), change.before.as_ref(), change.after.as_ref());
        (name.clone(), Json::Object(body))
    });
    Json::Object(entries.collect())
}

/// A change's actions, and its values before and after with what is unknown or sensitive in them.
fn sides(actions: &[&str], before: Option<&Value>, after: Option<&Value>) -> JsonMap<String, Json> {
    let mut body = JsonMap::new();
    body.insert("actions".to_owned(), json!(actions));
    body.insert("before".to_owned(), before.map_or(Json::Null, json));
    body.insert("after".to_owned(), after.map_or(Json::Null, json));
    body.insert("after_unknown".to_owned(), after.map_or(json!({}), unknown_json));
    body.insert("before_sensitive".to_owned(), before.map_or(Json::Bool(false), sensitive_json));
    body.insert("after_sensitive".to_owned(), after.map_or(Json::Bool(false), sensitive_json));
    body
}

fn extra(plan: &Plan) -> Json {
    let steps: Vec<Json> = plan
        .steps
        .iter()
        .map(|step| {
            let Some(task) = step.task else {
                return json!({"after": step.after});
            };
            let change = plan.change(task);
            json!({
                "operation": task.operation,
                "address": change.address,
                "node": change.node,
                "wave": change.wave.map(|wave| wave.number),
                "after": step.after,
            })
        })
        .collect();
    let reasons: JsonMap<String, Json> = plan
        .changes
        .iter()
        .filter(|change| !change.reasons.is_empty())
        .map(|change| (change.address.to_string(), json!(change.reasons)))
        .collect();
    json!({
        "stack": plan.stack,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "mode": plan.mode,
        "targeted": plan.targeted,
        "reasons": reasons,
        "steps": steps,
        "unreachable": plan.unreachable,
        "left_out": plan.left_out,
        "moved": plan.moved.resources,
        "expiries": plan.expiries,
        "uncompared": plan.uncompared,
        "lost": plan.lost,
        "postponed": plan.postponed,
    })
}

#[cfg(test)]
mod tests;
