//! Why an object does not become ready: its latest events, and what a pod of it that fails printed last.

use std::collections::{BTreeMap, BTreeSet};

use hactl_kube::{Cluster, Name, Object, ServedKind};
use serde_json::Value as Json;

use crate::object::reference::{Reference, Spot};

/// How many events are told.
const EVENTS: usize = 5;
/// How many of a container's last lines are told.
const LOG_LINES: u32 = 10;

/// What there is to tell, some lines; empty where there is nothing. What cannot be found out is left out.
pub(crate) async fn report(cluster: &dyn Cluster, spot: &Spot, object: &Object) -> String {
    let Some(namespace) = spot.namespace.as_deref() else { return String::new() };
    let groups = BTreeSet::from([String::new(), "apps".to_owned()]);
    let served = cluster.served(&groups).await.unwrap_or_default();
    let kind = |api_version, kind| Reference::new(api_version, kind, None, "").spot(&served).map(|spot| spot.kind);
    let mut pods = members(cluster, kind("v1", "Pod"), namespace, object).await;
    if spot.kind.group.is_empty() && spot.kind.kind == "Pod" {
        pods.push(object.clone());
    }
    let sets = members(cluster, kind("apps/v1", "ReplicaSet"), namespace, object).await;
    let uids: BTreeSet<&str> = pods.iter().chain(&sets).chain([object]).map(Object::uid).collect();
    let events = match kind("v1", "Event") {
        Some(events) => cluster.list(&events, Some(namespace), None).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let mut lines = latest(&events, &uids);
    if let Some(failing) = pods.iter().find_map(failing) {
        lines.push(format!("pod {}, container {}: {}", failing.pod, failing.container, failing.why));
        let pod = Name { namespace: Some(namespace), name: failing.pod };
        let log = cluster.log(&pod, failing.container, failing.crashed, LOG_LINES).await.unwrap_or_default();
        if !log.trim().is_empty() {
            lines.push("its last lines:".to_owned());
            lines.extend(log.lines().map(str::to_owned));
        }
    }
    lines.join("\n")
}

/// What keeps the first pod of an object that fails from running; none where none does, or that cannot be found out.
pub(crate) async fn glance(cluster: &dyn Cluster, spot: &Spot, object: &Object) -> Option<String> {
    let namespace = spot.namespace.as_deref()?;
    let served = cluster.served(&BTreeSet::from([String::new()])).await.ok()?;
    let kind = Reference::new("v1", "Pod", None, "").spot(&served)?.kind;
    let pods = members(cluster, Some(kind), namespace, object).await;
    let failing = pods.iter().find_map(failing)?;
    Some(format!("pod {}: {}", failing.pod, failing.why))
}

/// The objects of a type that a workload selects by labels.
async fn members(cluster: &dyn Cluster, kind: Option<ServedKind>, namespace: &str, object: &Object) -> Vec<Object> {
    let labels = selector(object);
    let (Some(kind), Some((key, value))) = (kind, labels.first_key_value()) else { return Vec::new() };
    let label = format!("{key}={value}");
    let mut members = cluster.list(&kind, Some(namespace), Some(&label)).await.unwrap_or_default();
    members.retain(|member| labels.iter().all(|(key, value)| member.label(key) == Some(value)));
    members
}

fn selector(object: &Object) -> BTreeMap<&str, &str> {
    let labels = object.at(&["spec", "selector", "matchLabels"]).and_then(Json::as_object);
    labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
}

/// The newest events about some objects, warnings first, one line each.
fn latest(events: &[Object], uids: &BTreeSet<&str>) -> Vec<String> {
    let text = |event: &Object, path: &[&str]| event.at(path).and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut about: Vec<(bool, String, String)> = events
        .iter()
        .filter(|event| uids.contains(text(event, &["involvedObject", "uid"]).as_str()))
        .map(|event| {
            let times = [
                text(event, &["series", "lastObservedTime"]),
                text(event, &["lastTimestamp"]),
                text(event, &["eventTime"]),
                text(event, &["metadata", "creationTimestamp"]),
            ];
            let time = times.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
            let (kind, name) = (text(event, &["involvedObject", "kind"]), text(event, &["involvedObject", "name"]));
            let line = format!("{kind} {name}: {}: {}", text(event, &["reason"]), text(event, &["message"]).trim());
            (text(event, &["type"]) == "Warning", time, line)
        })
        .collect();
    about.sort_by(|a, b| b.cmp(a));
    about.dedup_by(|a, b| a.2 == b.2);
    about.into_iter().take(EVENTS).map(|(.., line)| line).collect()
}

/// A container of a pod that fails.
#[derive(Debug, PartialEq)]
struct Failing<'a> {
    pod: &'a str,
    container: &'a str,
    why: String,
    /// Whether its last run has ended, and another is to follow.
    crashed: bool,
}

/// The container of a pod that fails, if one does.
fn failing(pod: &Object) -> Option<Failing<'_>> {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let statuses = lists.iter().filter_map(|list| pod.at(&["status", list])?.as_array()).flatten();
    statuses.into_iter().find_map(|status| {
        let text = |path: &[&str]| path.iter().try_fold(status, |at, key| at.get(key)).and_then(Json::as_str);
        let exit = |state: &str| status.get(state)?.get("terminated")?.get("exitCode")?.as_i64();
        let container = status.get("name")?.as_str()?;
        let waiting = text(&["state", "waiting", "reason"]);
        let (why, crashed) = match (waiting, exit("state"), exit("lastState")) {
            (Some("ContainerCreating" | "PodInitializing"), ..) => return None,
            (Some(reason), _, Some(code)) => (format!("{reason}, exited with {code}"), true),
            (Some(reason), ..) => match text(&["state", "waiting", "message"]) {
                Some(message) => (format!("{reason}: {message}"), false),
                None => (reason.to_owned(), false),
            },
            (None, Some(0) | None, _) if status.get("ready") == Some(&Json::Bool(true)) => return None,
            (None, Some(0), _) => return None,
            (None, Some(code), _) => (format!("exited with {code}"), false),
            (None, None, Some(code)) => (format!("not ready, exited with {code} before"), true),
            (None, None, None) => ("runs and is not ready".to_owned(), false),
        };
        Some(Failing { pod: pod.name(), container, why, crashed })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(json: Json) -> Object {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_newest_warnings_come_first() {
        let event = |uid: &str, kind: &str, time: &str, message: &str| {
            object(json!({"type": kind, "reason": "Reason", "message": message, "lastTimestamp": time,
                "involvedObject": {"uid": uid, "kind": "Pod", "name": "web-1"}}))
        };
        let events = [
            event("a", "Normal", "2026-01-01T00:00:09Z", "pulled"),
            event("a", "Warning", "2026-01-01T00:00:01Z", "old trouble"),
            event("b", "Warning", "2026-01-01T00:00:05Z", "new trouble"),
            event("other", "Warning", "2026-01-01T00:00:08Z", "of others"),
        ];
        let lines = latest(&events, &BTreeSet::from(["a", "b"]));
        assert_eq!(
            lines,
            ["Pod web-1: Reason: new trouble", "Pod web-1: Reason: old trouble", "Pod web-1: Reason: pulled"]
        );
    }

    #[test]
    fn the_container_that_fails() {
        let pod = |status: Json| {
            object(
                json!({"metadata": {"name": "web-1"}, "status": {"containerStatuses": [{"name": "ok", "ready": true, "state": {"running": {}}}, status]}}),
            )
        };
        let table = [
            json!({"name": "web", "ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}),
            json!({"name": "web", "ready": false, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}),
            json!({"name": "web", "ready": false, "state": {"waiting": {"reason": "ContainerCreating"}}}),
            json!({"name": "web", "ready": false, "state": {"terminated": {"exitCode": 2}}}),
            json!({"name": "web", "ready": false, "state": {"terminated": {"exitCode": 0}}}),
            json!({"name": "web", "ready": false, "state": {"running": {}}}),
            json!({"name": "web", "ready": false, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}),
        ];
        let told = table.map(|status| match failing(&pod(status)) {
            None => "-".to_owned(),
            Some(failing) => format!("{}: {} (crashed: {})", failing.container, failing.why, failing.crashed),
        });
        insta::assert_snapshot!(told.join("\n"), @"
        web: CrashLoopBackOff, exited with 3 (crashed: true)
        web: ImagePullBackOff: not found (crashed: false)
        -
        web: exited with 2 (crashed: false)
        -
        web: runs and is not ready (crashed: false)
        web: not ready, exited with 1 before (crashed: true)
        ");
    }
}
