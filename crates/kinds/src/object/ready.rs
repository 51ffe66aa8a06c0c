//! Whether an object is ready, by what its status says.
//!
//! The rules are those of `kubectl rollout status` for workloads and of kstatus
//! (<https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md>) for everything else.

use hactl_kube::Object;
use serde_json::Value as Json;

/// Whether an object is ready. The texts are clauses about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is, or there is nothing to wait for.
    Ready,
    /// Not yet: `2 of 3 pods are ready`.
    Waiting(String),
    /// It will not be, as it is.
    Failed(String),
}

use Readiness::{Failed, Ready, Waiting};

/// Judges an object; by one condition of its status alone where that is named.
pub(crate) fn judge(object: &Object, condition: Option<&str>) -> Readiness {
    if object.is_being_deleted() {
        return Failed("it is being deleted".to_owned());
    }
    let seen = object.at(&["status", "observedGeneration"]).and_then(Json::as_i64);
    if seen.is_some_and(|seen| seen < number(object, &["metadata", "generation"]).unwrap_or_default()) {
        return unseen();
    }
    if let Some(wanted) = condition {
        return match Condition::of(object, wanted) {
            Some(condition) if condition.holds() => Ready,
            Some(condition) => {
                Waiting(format!("its condition {wanted} is {}{}", condition.status, condition.because()))
            }
            None => Waiting(format!("it has no condition {wanted} yet")),
        };
    }
    let group = object.api_version().split_once('/').map_or("", |(group, _)| group);
    match (group, object.kind()) {
        ("apps", _) if seen.is_none() => unseen(),
        ("apps", "Deployment") => deployment(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "ReplicaSet") => replica_set(object),
        ("", "Pod") => pod(object),
        ("", "Namespace") => match object.at(&["status", "phase"]).and_then(Json::as_str) {
            Some("Active") | None => Ready,
            Some(phase) => Waiting(format!("it is {phase}")),
        },
        // A claim may be bound only when a pod uses it, so nobody could wait for it here.
        ("", "PersistentVolumeClaim") => match object.at(&["status", "phase"]).and_then(Json::as_str) {
            Some("Lost") => Failed("its volume is lost".to_owned()),
            _ => Ready,
        },
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => needs(object, "Available"),
        _ => by_conditions(object),
    }
}

/// A condition of a status.
struct Condition<'a> {
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl<'a> Condition<'a> {
    fn of(object: &'a Object, kind: &str) -> Option<Self> {
        let conditions = object.at(&["status", "conditions"])?.as_array()?;
        let condition =
            conditions.iter().find(|condition| condition.get("type").and_then(Json::as_str) == Some(kind))?;
        let text = |key: &str| condition.get(key).and_then(Json::as_str).unwrap_or_default();
        Some(Self { status: text("status"), reason: text("reason"), message: text("message") })
    }

    fn holds(&self) -> bool {
        self.status == "True"
    }

    /// Why it is as it is, to follow a clause.
    fn because(&self) -> String {
        match (self.message, self.reason) {
            ("", "") => String::new(),
            ("", reason) => format!(": {reason}"),
            (message, _) => format!(": {message}"),
        }
    }
}

fn unseen() -> Readiness {
    Waiting("its controller has not seen it yet".to_owned())
}

fn number(object: &Object, path: &[&str]) -> Option<i64> {
    object.at(path)?.as_i64()
}

fn status(object: &Object, key: &str) -> i64 {
    number(object, &["status", key]).unwrap_or_default()
}

fn pods(count: i64, of: i64, what: &str) -> Readiness {
    Waiting(format!("{count} of {of} pods are {what}"))
}

fn deployment(object: &Object) -> Readiness {
    if object.at(&["spec", "paused"]) == Some(&Json::Bool(true)) {
        // Nobody rolls it out until somebody resumes it.
        return Ready;
    }
    let progressing = Condition::of(object, "Progressing");
    if let Some(condition) = progressing.filter(|condition| condition.reason == "ProgressDeadlineExceeded") {
        return Failed(format!("it makes no progress{}", condition.because()));
    }
    let wanted = number(object, &["spec", "replicas"]).unwrap_or(1);
    let (all, updated) = (status(object, "replicas"), status(object, "updatedReplicas"));
    let waiting = if updated < wanted {
        pods(updated, wanted, "up to date")
    } else if all > updated {
        Waiting(format!(
            "{} old {} still to go",
            all - updated,
            if all - updated == 1 { "pod has" } else { "pods have" }
        ))
    } else if status(object, "availableReplicas") < updated {
        pods(status(object, "availableReplicas"), updated, "ready")
    } else {
        return Ready;
    };
    match (waiting, Condition::of(object, "ReplicaFailure").filter(Condition::holds)) {
        (Waiting(text), Some(failure)) => Waiting(format!("{text}{}", failure.because())),
        (waiting, _) => waiting,
    }
}

fn daemon_set(object: &Object) -> Readiness {
    let wanted = status(object, "desiredNumberScheduled");
    let updated = status(object, "updatedNumberScheduled");
    let on_delete = object.at(&["spec", "updateStrategy", "type"]).and_then(Json::as_str) == Some("OnDelete");
    if updated < wanted && !on_delete {
        return pods(updated, wanted, "up to date");
    }
    let available = status(object, "numberAvailable");
    if available < wanted { pods(available, wanted, "ready") } else { Ready }
}

fn stateful_set(object: &Object) -> Readiness {
    let wanted = number(object, &["spec", "replicas"]).unwrap_or(1);
    let ready = status(object, "readyReplicas");
    if ready < wanted {
        return pods(ready, wanted, "ready");
    }
    if object.at(&["spec", "updateStrategy", "type"]).and_then(Json::as_str) == Some("OnDelete") {
        return Ready;
    }
    let partition = number(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or_default();
    let updated = status(object, "updatedReplicas");
    let text = |key| object.at(&["status", key]).and_then(Json::as_str).unwrap_or_default();
    let to_update = (wanted - partition).max(0);
    if updated < to_update && text("updateRevision") != text("currentRevision") {
        return pods(updated, to_update, "up to date");
    }
    Ready
}

fn replica_set(object: &Object) -> Readiness {
    let wanted = number(object, &["spec", "replicas"]).unwrap_or(1);
    let ready = status(object, "availableReplicas");
    if ready < wanted { pods(ready, wanted, "ready") } else { Ready }
}

fn job(object: &Object) -> Readiness {
    if let Some(failed) = Condition::of(object, "Failed").filter(Condition::holds) {
        return Failed(format!("the job failed{}", failed.because()));
    }
    if Condition::of(object, "Complete").is_some_and(|complete| complete.holds())
        || object.at(&["spec", "suspend"]) == Some(&Json::Bool(true))
    {
        return Ready;
    }
    let wanted = number(object, &["spec", "completions"]).unwrap_or(1);
    match (status(object, "succeeded"), status(object, "failed")) {
        (done, 0) => Waiting(format!("{done} of {wanted} completions")),
        (done, failed) => Waiting(format!("{done} of {wanted} completions, {failed} failed so far")),
    }
}

fn pod(object: &Object) -> Readiness {
    match object.at(&["status", "phase"]).and_then(Json::as_str) {
        Some("Succeeded") => Ready,
        Some("Failed") => Failed("the pod failed".to_owned()),
        Some("Running") if Condition::of(object, "Ready").is_some_and(|ready| ready.holds()) => Ready,
        Some("Running") => Waiting("the pod runs and is not ready".to_owned()),
        _ => match Condition::of(object, "PodScheduled").filter(|scheduled| !scheduled.holds()) {
            Some(scheduled) => Waiting(format!("the pod is not scheduled{}", scheduled.because())),
            None => Waiting("the pod is being started".to_owned()),
        },
    }
}

fn definition(object: &Object) -> Readiness {
    match Condition::of(object, "NamesAccepted") {
        Some(accepted) if accepted.status == "False" => {
            Failed(format!("its names are not accepted{}", accepted.because()))
        }
        _ => needs(object, "Established"),
    }
}

fn needs(object: &Object, kind: &str) -> Readiness {
    match Condition::of(object, kind) {
        Some(condition) if condition.holds() => Ready,
        Some(condition) => Waiting(format!("it is not {}{}", kind.to_lowercase(), condition.because())),
        None => Waiting(format!("it is not {} yet", kind.to_lowercase())),
    }
}

/// Any other type, by the conditions that controllers have agreed on. One that has none is ready.
fn by_conditions(object: &Object) -> Readiness {
    if let Some(stalled) = Condition::of(object, "Stalled").filter(Condition::holds) {
        return Failed(format!("it is stalled{}", stalled.because()));
    }
    if let Some(reconciling) = Condition::of(object, "Reconciling").filter(Condition::holds) {
        return Waiting(format!("it is being reconciled{}", reconciling.because()));
    }
    match Condition::of(object, "Ready") {
        Some(ready) if !ready.holds() => Waiting(format!("it is not ready{}", ready.because())),
        _ => Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(api_version: &str, kind: &str, spec: Json, status: Json) -> String {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status});
        match judge(&serde_json::from_value(object).unwrap(), None) {
            Ready => "ready".to_owned(),
            Waiting(text) => text,
            Failed(text) => format!("FAILED {text}"),
        }
    }

    fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Json {
        json!([{"type": kind, "status": status, "reason": reason, "message": message}])
    }

    #[test]
    fn workloads() {
        let deployment = |spec, status| told("apps/v1", "Deployment", spec, status);
        let daemon_set = |spec, status| told("apps/v1", "DaemonSet", spec, status);
        let stateful_set = |spec, status| told("apps/v1", "StatefulSet", spec, status);
        let partition = json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}});
        let on_delete = json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}});
        let table = [
            deployment(json!({}), json!({})),
            deployment(
                json!({"replicas": 3}),
                json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
            ),
            deployment(json!({"replicas": 3}), json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1})),
            deployment(
                json!({"replicas": 3}),
                json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}),
            ),
            deployment(
                json!({"replicas": 3}),
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}),
            ),
            deployment(
                json!({"replicas": 3}),
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
            ),
            deployment(json!({"replicas": 0}), json!({"observedGeneration": 2})),
            deployment(json!({"replicas": 3, "paused": true}), json!({"observedGeneration": 2})),
            deployment(
                json!({}),
                json!({"observedGeneration": 2, "conditions": condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota")}),
            ),
            deployment(
                json!({}),
                json!({"observedGeneration": 2, "conditions": condition("Progressing", "False", "ProgressDeadlineExceeded", "ReplicaSet \"web-1\" has timed out progressing.")}),
            ),
            daemon_set(
                json!({}),
                json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1}),
            ),
            daemon_set(
                json!({"updateStrategy": {"type": "OnDelete"}}),
                json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2}),
            ),
            daemon_set(
                json!({}),
                json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}),
            ),
            daemon_set(json!({}), json!({"observedGeneration": 2, "desiredNumberScheduled": 0})),
            stateful_set(json!({"replicas": 3}), json!({"observedGeneration": 2, "readyReplicas": 1})),
            stateful_set(
                json!({"replicas": 3}),
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 2, "currentRevision": "a", "updateRevision": "b"}),
            ),
            stateful_set(
                partition,
                json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}),
            ),
            stateful_set(
                on_delete,
                json!({"observedGeneration": 2, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "b"}),
            ),
            told(
                "apps/v1",
                "ReplicaSet",
                json!({"replicas": 2}),
                json!({"observedGeneration": 2, "availableReplicas": 1}),
            ),
        ];
        insta::assert_snapshot!(table.join("\n"), @r#"
        its controller has not seen it yet
        its controller has not seen it yet
        1 of 3 pods are up to date
        1 old pod has still to go
        2 of 3 pods are ready
        ready
        ready
        ready
        0 of 1 pods are up to date: exceeded quota
        FAILED it makes no progress: ReplicaSet "web-1" has timed out progressing.
        1 of 2 pods are up to date
        ready
        1 of 2 pods are ready
        ready
        1 of 3 pods are ready
        2 of 3 pods are up to date
        ready
        ready
        1 of 2 pods are ready
        "#);
    }

    #[test]
    fn other_types() {
        let scheduled = condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available");
        let table = [
            told("batch/v1", "Job", json!({"completions": 2}), json!({"succeeded": 1, "failed": 3})),
            told("batch/v1", "Job", json!({}), json!({"conditions": condition("Complete", "True", "", "")})),
            told(
                "batch/v1",
                "Job",
                json!({}),
                json!({"conditions": condition("Failed", "True", "BackoffLimitExceeded", "")}),
            ),
            told("v1", "Pod", json!({}), json!({"phase": "Pending", "conditions": scheduled})),
            told("v1", "Pod", json!({}), json!({"phase": "Running", "conditions": condition("Ready", "True", "", "")})),
            told("v1", "Pod", json!({}), json!({"phase": "Failed"})),
            told("v1", "Namespace", json!({}), json!({"phase": "Active"})),
            told("v1", "Service", json!({"type": "LoadBalancer"}), json!({"loadBalancer": {}})),
            told("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Pending"})),
            told("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), json!({})),
            told(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                json!({}),
                json!({"conditions": condition("NamesAccepted", "False", "", "`x` is taken")}),
            ),
            told(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                json!({}),
                json!({"conditions": condition("Established", "True", "", "")}),
            ),
            told(
                "apiregistration.k8s.io/v1",
                "APIService",
                json!({}),
                json!({"conditions": condition("Available", "False", "", "no endpoints")}),
            ),
            told("cert-manager.io/v1", "Certificate", json!({}), json!({})),
            told(
                "cert-manager.io/v1",
                "Certificate",
                json!({}),
                json!({"observedGeneration": 1, "conditions": condition("Ready", "True", "", "")}),
            ),
            told(
                "cert-manager.io/v1",
                "Certificate",
                json!({}),
                json!({"conditions": condition("Ready", "False", "", "waiting for the issuer")}),
            ),
            told("x.io/v1", "Thing", json!({}), json!({"conditions": condition("Stalled", "True", "Broken", "")})),
            told("x.io/v1", "Thing", json!({}), json!({"conditions": condition("Reconciling", "True", "Busy", "")})),
        ];
        insta::assert_snapshot!(table.join("\n"), @"
        1 of 2 completions, 3 failed so far
        ready
        FAILED the job failed: BackoffLimitExceeded
        the pod is not scheduled: 0/2 nodes are available
        ready
        FAILED the pod failed
        ready
        ready
        ready
        it is not established yet
        FAILED its names are not accepted: `x` is taken
        ready
        it is not available: no endpoints
        ready
        its controller has not seen it yet
        it is not ready: waiting for the issuer
        FAILED it is stalled: Broken
        it is being reconciled: Busy
        ");
    }

    #[test]
    fn a_named_condition_is_all_that_counts() {
        let object = |status: &str| {
            let conditions = json!([{"type": "Synced", "status": status, "message": "not yet"}]);
            serde_json::from_value(json!({"kind": "Thing", "metadata": {}, "status": {"conditions": conditions}}))
                .unwrap()
        };
        assert_eq!(judge(&object("True"), Some("Synced")), Ready);
        assert_eq!(
            judge(&object("False"), Some("Synced")),
            Waiting("its condition Synced is False: not yet".to_owned())
        );
        assert_eq!(judge(&object("True"), Some("Other")), Waiting("it has no condition Other yet".to_owned()));
    }
}
