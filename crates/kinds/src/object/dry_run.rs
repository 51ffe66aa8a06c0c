//! What the API server says of a change before it is planned.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hactl_core::diff::{Path, at_path, diff, display_path};
use hactl_core::value::Value;
use hactl_core::{Diagnostic, DigestKey};
use hactl_engine::ReadRequest;
use hactl_kube::{Applying, Cause, Cluster, ClusterError, Object};

use crate::object::json::from_object;
use crate::object::live::is_same;
use crate::object::locate::locate;
use crate::object::look::answered;
use crate::object::reference::Spot;
use crate::object::told::{Teller, hidden_texts, is_drift, is_fixed};
use crate::object::{ADDRESS, LINEAGE, STACK};

/// A change to be tried.
pub(crate) struct Trial<'a> {
    /// Which of the requests it is of.
    pub(crate) index: usize,
    pub(crate) request: &'a ReadRequest<'a>,
    pub(crate) spot: &'a Spot,
    /// What is to be sent.
    pub(crate) object: Object,
    /// The same as the spec says it, in plain text.
    pub(crate) plain: &'a Value,
    /// The object that it changes; none where it is to be made.
    pub(crate) live: Option<&'a Object>,
    /// What state holds of it.
    pub(crate) applied: Option<&'a Value>,
    /// The same, brought up to what is there.
    pub(crate) now: Option<&'a Value>,
    pub(crate) manager: String,
    pub(crate) force: bool,
}

/// What came of a trial.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Why the server would refuse it.
    pub(crate) refusal: Option<Diagnostic>,
    /// The paths that cannot change in place.
    pub(crate) fixed: Vec<Path>,
    /// What else there is to say.
    pub(crate) warning: Option<Diagnostic>,
}

/// The most paths that a warning names.
const NAMED_PATHS: usize = 5;

/// Tries a change without making it.
pub(crate) async fn try_out(cluster: &dyn Cluster, trial: &Trial<'_>) -> Result<Object, ClusterError> {
    let how = Applying { manager: &trial.manager, force: trial.force, dry_run: true };
    match cluster.apply(&trial.spot.kind, &trial.object, &how).await {
        Err(ClusterError::Conflict { conflicts })
            if trial.applied.is_some_and(|applied| is_drift(&conflicts, applied, &applying(trial.live))) =>
        {
            cluster.apply(&trial.spot.kind, &trial.object, &Applying { force: true, ..how }).await
        }
        answer => answer,
    }
}

/// The managers that own fields of an object by server-side apply.
pub(crate) fn applying(object: Option<&Object>) -> BTreeSet<&str> {
    let owners = object.into_iter().flat_map(Object::owners);
    owners.filter(|owner| owner.applies).map(|owner| owner.manager).collect()
}

/// Makes of the server's answer what the plan needs.
///
/// # Errors
/// When it did not answer.
pub(crate) fn verdict(
    trial: &Trial<'_>,
    answer: Result<Object, ClusterError>,
    managers: &BTreeMap<String, String>,
    to_come: &BTreeSet<&str>,
    on_conflict: &str,
    key: Option<&DigestKey>,
) -> Result<Verdict, ClusterError> {
    let asked = asked(trial, key);
    let error = match answered(answer)? {
        Ok(object) => return Ok(Verdict { warning: beyond(trial, &object, &asked), ..Verdict::default() }),
        Err(error) => error,
    };
    match &error {
        ClusterError::Invalid { message, causes } if trial.live.is_some() => {
            let whole = [Cause { field: String::new(), message: message.clone() }];
            let causes = if causes.is_empty() { &whole } else { causes.as_slice() };
            if causes.iter().all(is_fixed) {
                let fixed = causes.iter().flat_map(|cause| fixed(cause, trial, &asked)).collect();
                return Ok(Verdict { fixed, ..Verdict::default() });
            }
        }
        // It is made before, in the same plan.
        ClusterError::Missing { .. } if trial.spot.namespace.as_deref().is_some_and(|name| to_come.contains(name)) => {
            return Ok(Verdict::default());
        }
        // The next refresh sees what there is then.
        ClusterError::OtherObject => return Ok(Verdict::default()),
        ClusterError::Forbidden { message } | ClusterError::Refused { message, .. }
            if message.contains("does not support dry run") =>
        {
            let warning = Diagnostic::warning(format!("{} cannot be tried before it is applied", trial.spot))
                .about(trial.request.address.as_str())
                .detail("an admission webhook of the cluster takes no dry runs, so what it says shows only then");
            return Ok(Verdict { warning: Some(warning), ..Verdict::default() });
        }
        _ => {}
    }
    let hidden = hidden_texts(trial.request.wanted.unwrap_or(&Value::Null), trial.plain);
    let what: &dyn fmt::Display = trial.spot;
    let told = Teller { what, managers, hidden, on_conflict }.tell(&error);
    Ok(Verdict { refusal: Some(told.refusal()), ..Verdict::default() })
}

/// The paths that are to change.
fn asked(trial: &Trial<'_>, key: Option<&DigestKey>) -> Vec<Path> {
    let Some(now) = trial.now else { return Vec::new() };
    let differs = |path: &Path| match (at_path(now, path), at_path(trial.plain, path)) {
        (Some(now), Some(plain)) => !is_same(now, plain, key),
        _ => true,
    };
    diff(now, trial.plain).into_iter().filter(differs).collect()
}

fn meets(path: &Path, other: &Path) -> bool {
    path.starts_with(other) || other.starts_with(path)
}

/// The paths of a spec that a cause is about: what it names, or the nearest above it that is to change.
fn fixed(cause: &Cause, trial: &Trial<'_>, asked: &[Path]) -> Vec<Path> {
    let specs = [Some(trial.plain), trial.now];
    let located = specs.into_iter().flatten().map(|spec| locate(spec, &cause.field).path);
    let mut named = located.max_by_key(Vec::len).unwrap_or_default();
    while !named.is_empty() && !asked.iter().any(|path| meets(path, &named)) {
        named.pop();
    }
    // "updates to statefulset spec for fields other than 'replicas', 'template' are forbidden"
    let Some((_, except)) = cause.message.split_once("other than") else { return vec![named] };
    let may_change: Vec<&str> = except.split(['\'', '`', '"']).skip(1).step_by(2).collect();
    let may = |path: &&Path| path.get(named.len()).is_some_and(|field| may_change.contains(&field.as_str()));
    let rest: Vec<Path> = asked.iter().filter(|path| path.starts_with(&named) && !may(path)).cloned().collect();
    if rest.is_empty() { vec![named] } else { rest }
}

/// A warning of what would change beyond what was asked for, by defaults or webhooks.
fn beyond(trial: &Trial<'_>, result: &Object, asked: &[Path]) -> Option<Diagnostic> {
    // What the server makes of `stringData` is what was asked for.
    let live = trial.live.filter(|_| trial.now.is_some() && trial.spot.kind.kind != "Secret")?;
    let changes = diff(&without_own(live), &without_own(result));
    let others: Vec<String> = changes
        .iter()
        .filter(|path| !asked.iter().any(|asked| meets(asked, path)))
        .map(|path| display_path(path))
        .collect();
    if others.is_empty() {
        return None;
    }
    let named = others.get(..NAMED_PATHS).unwrap_or(&others).join(", ");
    let more = others.len().saturating_sub(NAMED_PATHS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let warning =
        Diagnostic::warning(format!("{}: with this change the API server also changes {named}{more}", trial.spot))
            .about(trial.request.address.as_str())
            .detail("its defaults or an admission webhook do that");
    Some(warning)
}

/// An object without what the server keeps of its own accord, and without hactl's marks.
fn without_own(object: &Object) -> Value {
    let mut value = from_object(object);
    let Value::Map(map) = &mut value else { return value };
    map.remove("status");
    if let Some(Value::Map(metadata)) = map.get_mut("metadata") {
        metadata.retain(|key, _| matches!(key.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences"));
        for (map, marks) in [("labels", [LINEAGE].as_slice()), ("annotations", &[ADDRESS, STACK])] {
            if let Some(Value::Map(map)) = metadata.get_mut(map) {
                map.retain(|key, _| !marks.contains(&key.as_str()));
            }
        }
        metadata.retain(|_, value| value.as_map().is_none_or(|map| !map.is_empty()));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json::from_json;
    use crate::object::told::ON_CONFLICT;
    use hactl_core::Address;
    use hactl_kube::{FieldConflict, ServedKind};
    use serde_json::{Value as Json, json};

    fn judged(now: Json, plain: Json, answer: Result<Json, ClusterError>) -> Verdict {
        let address = Address::new("manifest", "web", Some("StatefulSet/x/db"));
        let kind = ServedKind {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "StatefulSet".to_owned(),
            plural: "statefulsets".to_owned(),
            namespaced: true,
        };
        let spot = Spot { kind, namespace: Some("x".to_owned()), name: "db".to_owned() };
        let live: Object = serde_json::from_value(now.clone()).unwrap();
        let (now, plain) = (from_json(&now), from_json(&plain));
        let request = ReadRequest::new(&address);
        let trial = Trial {
            index: 0,
            request: &request,
            spot: &spot,
            object: live.clone(),
            plain: &plain,
            live: Some(&live),
            applied: Some(&now),
            now: Some(&now),
            manager: "hactl-1".to_owned(),
            force: false,
        };
        let answer = answer.map(|json| serde_json::from_value(json).unwrap());
        verdict(&trial, answer, &BTreeMap::new(), &BTreeSet::from(["soon"]), ON_CONFLICT, None).unwrap()
    }

    fn invalid(causes: &[(&str, &str)]) -> Result<Json, ClusterError> {
        let cause =
            |(field, message): &(&str, &str)| Cause { field: (*field).to_owned(), message: (*message).to_owned() };
        Err(ClusterError::Invalid { message: "…".to_owned(), causes: causes.iter().map(cause).collect() })
    }

    fn fixed_paths(verdict: &Verdict) -> Vec<String> {
        assert_eq!(verdict.refusal, None);
        verdict.fixed.iter().map(|path| display_path(path)).collect()
    }

    #[test]
    fn what_cannot_change_in_place() {
        let now = json!({"spec": {"serviceName": "a", "replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "clusterIP": "10.0.0.1"}});
        let plain = json!({"spec": {"serviceName": "b", "replicas": 2, "selector": {"matchLabels": {"app": "b"}}, "clusterIP": "10.0.0.2"}});
        let only = |field, message| fixed_paths(&judged(now.clone(), plain.clone(), invalid(&[(field, message)])));
        assert_eq!(only("spec.selector", "field is immutable"), ["spec.selector"]);
        assert_eq!(only("spec.selector.matchLabels[app]", "field is immutable"), ["spec.selector.matchLabels.app"]);
        assert_eq!(only("spec.clusterIPs[0]", "may not change once set"), ["spec"]);
        assert_eq!(only("data", "field is immutable when `immutable` is set"), [""]);
        assert_eq!(
            only("spec", "updates to statefulset spec for fields other than 'replicas', 'template' are forbidden"),
            ["spec.clusterIP", "spec.selector.matchLabels.app", "spec.serviceName"]
        );
    }

    #[test]
    fn anything_else_that_is_wrong_is_a_refusal() {
        let (now, plain) = (json!({"spec": {"replicas": 1}}), json!({"spec": {"replicas": -1}}));
        let answer = invalid(&[
            ("spec.replicas", "must be greater than or equal to 0"),
            ("spec.selector", "field is immutable"),
        ]);
        let verdict = judged(now.clone(), plain.clone(), answer);
        assert!(verdict.fixed.is_empty());
        assert_eq!(verdict.refusal.unwrap().summary, "the API server does not take StatefulSet x/db as it is");
        let conflicts = vec![FieldConflict { field: ".spec.replicas".to_owned(), manager: "helm".to_owned() }];
        let verdict = judged(now, plain, Err(ClusterError::Conflict { conflicts }));
        assert_eq!(verdict.refusal.unwrap().detail, "spec.replicas is managed by helm");
    }

    #[test]
    fn what_would_change_as_well_is_told() {
        let now = json!({"metadata": {"name": "db", "resourceVersion": "1"}, "spec": {"replicas": 1, "strategy": {"type": "A", "rolling": {"max": 1}}}});
        let plain = json!({"metadata": {"name": "db"}, "spec": {"replicas": 1, "strategy": {"type": "B", "rolling": {"max": 1}}}});
        let result = json!({"metadata": {"name": "db", "resourceVersion": "2", "labels": {"hactl.io/lineage": "x"}, "annotations": {"policy": "seen"}},
            "spec": {"replicas": 1, "strategy": {"type": "B"}}, "status": {}});
        let verdict = judged(now, plain, Ok(result));
        insta::assert_snapshot!(verdict.warning.unwrap().summary, @"StatefulSet x/db: with this change the API server also changes metadata.annotations, spec.strategy.rolling");
    }
}
