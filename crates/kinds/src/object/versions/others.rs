//! Autoscalers, disruption budgets, and kinds with one field that differs.

use hactl_core::value::{Map, Value};

use super::Notes;
use super::edit::{fill, map_at, maps_in, rename, take};

/// A HorizontalPodAutoscaler of `autoscaling/v2beta1`; `v2beta2` is as `v2`.
pub(super) fn autoscaler(object: &mut Map, _: &mut Notes) {
    const UTILIZATION: Target = ("targetAverageUtilization", "Utilization", "averageUtilization");
    const AVERAGE: Target = ("targetAverageValue", "AverageValue", "averageValue");
    const VALUE: Target = ("targetValue", "Value", "value");
    let Some(spec) = map_at(object, &["spec"]) else { return };
    for metric in maps_in(spec, "metrics") {
        for key in ["resource", "containerResource"] {
            if let Some(source) = map_at(metric, &[key]) {
                target(source, &[UTILIZATION, AVERAGE]);
            }
        }
        if let Some(source) = map_at(metric, &["pods"]) {
            identify(source, "selector");
            target(source, &[AVERAGE]);
        }
        if let Some(source) = map_at(metric, &["external"]) {
            identify(source, "metricSelector");
            target(source, &[AVERAGE, VALUE]);
        }
        if let Some(source) = map_at(metric, &["object"]) {
            rename(source, "target", "describedObject");
            identify(source, "selector");
            // `targetValue` was required, and did not count beside an average.
            target(source, &[("averageValue", "AverageValue", "averageValue"), VALUE]);
        }
    }
}

/// A target's old key, its type, and the type's key.
type Target = (&'static str, &'static str, &'static str);

/// The first of the old keys that is there, as `target`.
fn target(source: &mut Map, keys: &[Target]) {
    let found: Vec<_> = keys.iter().filter_map(|(old, kind, new)| Some((kind, new, take(source, old)?))).collect();
    if let Some((kind, key, value)) = found.into_iter().next() {
        let target = [("type".to_owned(), Value::from(*kind)), ((*key).to_owned(), value)];
        fill(source, "target", Map::from(target));
    }
}

/// `metricName` and its selector as `metric`.
fn identify(source: &mut Map, selector: &str) {
    let Some(name) = take(source, "metricName") else { return };
    let mut metric = Map::from([("name".to_owned(), name)]);
    if let Some(selector) = take(source, selector) {
        metric.insert("selector".to_owned(), selector);
    }
    fill(source, "metric", metric);
}

/// A PodDisruptionBudget of `policy/v1beta1`.
pub(super) fn disruption_budget(object: &mut Map, notes: &mut Notes) {
    let Some(spec) = map_at(object, &["spec"]) else { return };
    let empty = |part: &Value| match part {
        Value::Map(map) => map.is_empty(),
        Value::List(items) => items.is_empty(),
        part => part.is_null(),
    };
    let selects_by_nothing = match spec.get("selector") {
        Some(Value::Map(selector)) => selector.values().all(empty),
        _ => false,
    };
    if selects_by_nothing {
        take(spec, "selector");
        notes.say(
            "Its empty `spec.selector` is left out: it selected no pods, and in policy/v1 it would select all of the \
             namespace. Write it with policy/v1 if that is what is meant.",
        );
    }
}

/// A RuntimeClass of `node.k8s.io/v1alpha1`.
pub(super) fn runtime_class(object: &mut Map, _: &mut Notes) {
    if let Some(Value::Map(mut spec)) = take(object, "spec") {
        rename(&mut spec, "runtimeHandler", "handler");
        for (key, value) in spec {
            fill(object, &key, value);
        }
    }
}

/// A subject access review of `authorization.k8s.io/v1beta1`.
pub(super) fn access_review(object: &mut Map, _: &mut Notes) {
    if let Some(spec) = map_at(object, &["spec"]) {
        rename(spec, "group", "groups");
    }
}

/// A CertificateSigningRequest of `certificates.k8s.io/v1beta1`.
pub(super) fn signing_request(object: &mut Map, notes: &mut Notes) {
    let Some(spec) = map_at(object, &["spec"]) else { return };
    if fill(spec, "usages", vec!["digital signature", "key encipherment"]) {
        notes.kept("`spec.usages` [digital signature, key encipherment]");
    }
    if spec.get("signerName").is_none_or(Value::is_null) {
        notes.say("`spec.signerName` is missing, and the API server now refuses requests without one.");
    }
}

/// A PriorityLevelConfiguration of the versions before `flowcontrol.apiserver.k8s.io/v1`.
pub(super) fn priority_level(object: &mut Map, _: &mut Notes) {
    if let Some(limited) = map_at(object, &["spec", "limited"]) {
        rename(limited, "assuredConcurrencyShares", "nominalConcurrencyShares");
        // 0 meant the default, which version 1 has only where there is no value.
        if limited.get("nominalConcurrencyShares") == Some(&Value::Int(0)) {
            take(limited, "nominalConcurrencyShares");
        }
    }
}
