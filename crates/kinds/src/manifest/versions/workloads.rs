//! Workloads of `extensions/v1beta1`, `apps/v1beta1` and `apps/v1beta2`.
//!
//! Defaults that `apps/v1` changed are written out, as `kubectl convert` does: an object that was applied before keeps its
//! behaviour, and so does one that is applied to a new cluster.

use hactl_core::value::{Map, Value};

use super::Notes;
use super::edit::{fill, map_at, map_made, take};

/// What "no limit" was written as where these fields are 32 bits wide.
const UNLIMITED: i64 = i32::MAX as i64;

/// A Deployment of `extensions/v1beta1`.
pub(super) fn deployment_of_extensions(object: &mut Map, notes: &mut Notes) {
    selector(object, notes);
    let Some(spec) = map_at(object, &["spec"]) else { return };
    if take(spec, "rollbackTo").is_some() {
        notes.say("`spec.rollbackTo` is left out, it is gone without a successor.");
    }
    if let Some(strategy) = map_made(spec, "strategy")
        && strategy.get("type").is_none_or(|kind| kind.is_null() || kind.as_str() == Some("RollingUpdate"))
        && let Some(rolling) = map_made(strategy, "rollingUpdate")
    {
        for key in ["maxSurge", "maxUnavailable"] {
            if fill(rolling, key, 1) {
                notes.kept(format!("`spec.strategy.rollingUpdate.{key}` 1"));
            }
        }
    }
    if fill(spec, "progressDeadlineSeconds", UNLIMITED) {
        notes.kept(format!("`spec.progressDeadlineSeconds` {UNLIMITED} (no deadline)"));
    }
    if fill(spec, "revisionHistoryLimit", UNLIMITED) {
        notes.kept(format!("`spec.revisionHistoryLimit` {UNLIMITED} (all)"));
    }
}

/// A Deployment of `apps/v1beta1`.
pub(super) fn deployment_of_beta1(object: &mut Map, notes: &mut Notes) {
    selector(object, notes);
    let Some(spec) = map_at(object, &["spec"]) else { return };
    if take(spec, "rollbackTo").is_some() {
        notes.say("`spec.rollbackTo` is left out, it is gone without a successor.");
    }
    if fill(spec, "revisionHistoryLimit", 2) {
        notes.kept("`spec.revisionHistoryLimit` 2");
    }
}

/// A DaemonSet of `extensions/v1beta1`.
pub(super) fn daemon_set_of_extensions(object: &mut Map, notes: &mut Notes) {
    daemon_set(object, notes);
    on_delete(object, notes);
}

/// A DaemonSet of `apps/v1beta2`.
pub(super) fn daemon_set(object: &mut Map, notes: &mut Notes) {
    selector(object, notes);
    if let Some(spec) = map_at(object, &["spec"]) {
        take(spec, "templateGeneration");
    }
}

/// A StatefulSet of `apps/v1beta1`.
pub(super) fn stateful_set_of_beta1(object: &mut Map, notes: &mut Notes) {
    selector(object, notes);
    on_delete(object, notes);
}

/// What differs in all of them: the labels of the template were the selector where there was none.
pub(super) fn selector(object: &mut Map, notes: &mut Notes) {
    let Some(labels) = map_at(object, &["spec", "template", "metadata", "labels"]).map(|labels| labels.clone()) else {
        return;
    };
    let selector = Map::from([("matchLabels".to_owned(), Value::Map(labels))]);
    if let Some(spec) = map_at(object, &["spec"])
        && fill(spec, "selector", selector)
    {
        notes.say("`spec.selector` is filled in from the labels of its template.");
    }
}

/// Pods were replaced only when somebody deleted them.
fn on_delete(object: &mut Map, notes: &mut Notes) {
    if let Some(spec) = map_at(object, &["spec"])
        && let Some(strategy) = map_made(spec, "updateStrategy")
        && fill(strategy, "type", "OnDelete")
    {
        notes.kept("`spec.updateStrategy.type` OnDelete");
    }
}
