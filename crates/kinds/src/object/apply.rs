//! Making, changing and deleting objects, and waiting until they are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use hactl_core::plan::Operation;
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, StepError};
use hactl_kube::{Applying, ClusterError, Object};
use serde_json::Value as Json;
use tokio::time::{Instant, sleep, timeout};

use crate::object::dry_run::applying;
use crate::object::live::{Comparison, compare};
use crate::object::observe::{foreign, is_ours, outputs};
use crate::object::patient::Patient;
use crate::object::ready::{Readiness, judge};
use crate::object::reference::{Reference, Spot, alternatives, not_served};
use crate::object::remnants;
use crate::object::sent::{Marks, object};
use crate::object::settings::Settings;
use crate::object::told::{ON_CONFLICT, Teller, Told, hidden_texts, is_drift, missing_namespace};
use crate::object::{UID, manager, trouble};

/// How long what an earlier step made may take to be seen by all of the server: a type to be served, a namespace to have
/// its service account.
const SETTLING: Duration = Duration::from_secs(10);
/// How long an object that is waited for may say nothing new before its pods are looked at.
const GLANCE: Duration = Duration::from_secs(5);
/// The pause between two tries meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

/// Does one step of an object.
pub(crate) async fn execute(cluster: Patient<'_>, job: &Job<'_>) -> Result<Map, StepError> {
    match job.operation {
        Operation::Create | Operation::Swap => create(cluster, job).await,
        Operation::Adopt => adopt(cluster, job).await,
        Operation::Update => update(cluster, job).await,
        Operation::Gate => gate(cluster, job).await.map(|()| Map::new()),
        Operation::Delete => delete(cluster, job).await.map(|()| Map::new()),
        Operation::Settle | Operation::Restore | Operation::Forget | Operation::Record => Ok(Map::new()),
    }
}

fn wanted<'a>(job: &Job<'a>) -> Result<&'a Value, StepError> {
    job.spec.ok_or_else(|| StepError::new("the plan holds no object for it"))
}

/// A cluster's error about the object of a step.
fn failed(job: &Job<'_>, what: &dyn fmt::Display, error: &ClusterError) -> StepError {
    let hidden = match (job.planned, job.spec) {
        (Some(planned), Some(plain)) => hidden_texts(planned, plain),
        _ => BTreeSet::new(),
    };
    Teller { what, managers: &BTreeMap::new(), hidden, on_conflict: ON_CONFLICT }.tell(error).failure()
}

/// Where the object of a spec is; a type that is not served yet is waited for.
async fn find(cluster: Patient<'_>, job: &Job<'_>, spec: &Value) -> Result<Spot, StepError> {
    let reference = Reference::of(spec).ok_or_else(|| StepError::new("the plan holds an object without a name"))?;
    let groups = BTreeSet::from([reference.group.to_owned()]);
    let deadline = Instant::now() + SETTLING;
    loop {
        let served = cluster.served(&groups).await.map_err(|error| failed(job, &reference, &error))?;
        if let Some(spot) = reference.spot(&served) {
            return Ok(spot);
        }
        if Instant::now() >= deadline {
            let known = alternatives(cluster.cluster, &groups).await.unwrap_or(served);
            let diagnostic = not_served(&reference, &known);
            return Err(StepError { help: diagnostic.help, ..StepError::new(diagnostic.summary) });
        }
        cluster.cluster.forget_served().await;
        sleep(PAUSE).await;
    }
}

async fn create(cluster: Patient<'_>, job: &Job<'_>) -> Result<Map, StepError> {
    let spec = wanted(job)?;
    let settings = Settings::of(spec);
    let spot = find(cluster, job, spec).await?;
    let own = manager(job.lineage, job.generation);
    let fail = |error: ClusterError| failed(job, &spot, &error);
    let mut there = cluster.get(&spot).await.map_err(fail)?;
    if let Some(dying) = there.take_if(|object| object.is_being_deleted()) {
        wait_until_gone(cluster, &spot, dying, settings.timeout).await?;
    }
    let is_own = |object: &Object| object.owners().any(|owner| owner.applies && owner.manager == own);
    if let Some(object) = there.as_ref().filter(|object| !is_own(object) && !job.adopt) {
        let what = foreign(&spot, object, job.lineage);
        return Err(StepError {
            help: Some(
                "choose another name, delete it if nothing needs it, or take it over with `adopt: true`".to_owned(),
            ),
            ..StepError::new(format!("{what} is there already"))
        });
    }
    let object = object(spec, &spot, marks(job), there.as_ref().map(Object::uid));
    let how = Applying { manager: &own, force: settings.force_conflicts || job.adopt, dry_run: false };
    let deadline = Instant::now() + SETTLING;
    loop {
        match cluster.apply(&spot, &object, &how).await {
            Ok(made) => return Ok(outputs_of(spec, &made, &own)),
            Err(error) if is_early(&error) && Instant::now() < deadline => {
                (job.progress)("the API server is not ready for it yet; trying again");
                sleep(PAUSE).await;
            }
            Err(error) => return Err(fail(error)),
        }
    }
}

/// Takes the fields of an object that is as it is wanted: nothing of it changes but who manages them. One that is not as it
/// is wanted is only recorded: the change that follows takes its fields.
async fn adopt(cluster: Patient<'_>, job: &Job<'_>) -> Result<Map, StepError> {
    if !job.paths.is_empty() {
        return Ok(Map::new());
    }
    let spec = wanted(job)?;
    let spot = find(cluster, job, spec).await?;
    let own = manager(job.lineage, job.generation);
    let uid = job.adopts.map(|adopted| adopted.id.as_str());
    let how = Applying { manager: &own, force: true, dry_run: false };
    let adopted = cluster.apply(&spot, &object(spec, &spot, marks(job), uid), &how).await;
    adopted.map(|adopted| outputs_of(spec, &adopted, &own)).map_err(|error| failed(job, &spot, &error))
}

/// Whether an error may come of what was made a moment ago, and passes.
fn is_early(error: &ClusterError) -> bool {
    match error {
        ClusterError::Missing { message } => missing_namespace(message).is_none(),
        ClusterError::Forbidden { message } => message.contains("serviceaccount") && message.contains("not found"),
        _ => false,
    }
}

async fn update(cluster: Patient<'_>, job: &Job<'_>) -> Result<Map, StepError> {
    let spec = wanted(job)?;
    let spot = find(cluster, job, spec).await?;
    let own = manager(job.lineage, job.generation);
    let fail = |error: ClusterError| failed(job, &spot, &error);
    let uid = own_uid(cluster, job, &spot).await.map_err(fail)?;
    let uid = uid.ok_or_else(|| fail(ClusterError::OtherObject))?;
    let object = object(spec, &spot, marks(job), Some(&uid));
    let force = Settings::of(spec).force_conflicts || job.adopts.is_some();
    let how = Applying { manager: &own, force, dry_run: false };
    let applied = job.state.map(|state| &*state.spec);
    if let Some(applied) = applied.filter(|applied| remnants::may_be(applied, spec)) {
        let live = cluster.get(&spot).await.map_err(fail)?.filter(|live| live.uid() == uid);
        if let Some(first) = live.and_then(|live| remnants::first(applied, spec, &live, &object)) {
            apply_over_drift(cluster, &spot, &first, &how, Some(applied)).await.map_err(fail)?;
        }
    }
    let changed = apply_over_drift(cluster, &spot, &object, &how, applied).await.map_err(fail)?;
    Ok(outputs_of(spec, &changed, &own))
}

/// Applies an object; fields of it that were changed by others since, as the plan shows, are taken back.
///
/// # Errors
/// As the server's apply.
pub(crate) async fn apply_over_drift(
    cluster: Patient<'_>,
    spot: &Spot,
    object: &Object,
    how: &Applying<'_>,
    applied: Option<&Value>,
) -> Result<Object, ClusterError> {
    let conflicts = match (cluster.apply(spot, object, how).await, applied) {
        (Err(ClusterError::Conflict { conflicts }), Some(applied)) => (conflicts, applied),
        (answer, _) => return answer,
    };
    let (conflicts, applied) = conflicts;
    let live = cluster.get(spot).await?;
    if !is_drift(&conflicts, applied, &applying(live.as_ref())) {
        return Err(ClusterError::Conflict { conflicts });
    }
    cluster.apply(spot, object, &Applying { force: true, ..*how }).await
}

fn marks<'a>(job: &Job<'a>) -> Marks<'a> {
    Marks { lineage: job.lineage, stack: Some(job.stack), address: job.address }
}

fn outputs_of(spec: &Value, object: &Object, manager: &str) -> Map {
    outputs(object, compare(spec, object, Comparison { manager, stored: None, key: None }).stored)
}

/// The uid of the object that state holds; where state does not have it, of what is there and ours.
async fn own_uid(cluster: Patient<'_>, job: &Job<'_>, spot: &Spot) -> Result<Option<String>, ClusterError> {
    let Some(state) = job.state else { return Ok(None) };
    if let Some(uid) = state.outputs.get(UID).and_then(Value::as_str) {
        return Ok(Some(uid.to_owned()));
    }
    let object = cluster.get(spot).await?.filter(|object| is_ours(object, state, job.lineage));
    Ok(object.map(|object| object.uid().to_owned()))
}

async fn delete(cluster: Patient<'_>, job: &Job<'_>) -> Result<(), StepError> {
    let Some((state, reference)) = job.state.and_then(|state| Some((state, Reference::of(&state.spec)?))) else {
        return Ok(());
    };
    let fail = |error: ClusterError| failed(job, &reference, &error);
    let served = cluster.served(&BTreeSet::from([reference.group.to_owned()])).await.map_err(fail)?;
    // With its type, an object is gone as well.
    let Some(spot) = reference.spot(&served) else { return Ok(()) };
    let Some(uid) = own_uid(cluster, job, &spot).await.map_err(fail)? else { return Ok(()) };
    cluster.delete(&spot, &uid).await.map_err(fail)?;
    match cluster.get(&spot).await.map_err(fail)? {
        Some(object) if object.uid() == uid => {
            wait_until_gone(cluster, &spot, object, Settings::of(&state.spec).timeout).await
        }
        _ => Ok(()),
    }
}

/// Waits until an object that is being deleted is gone.
async fn wait_until_gone(cluster: Patient<'_>, spot: &Spot, object: Object, within: Duration) -> Result<(), StepError> {
    let deadline = Instant::now() + within;
    let uid = object.uid().to_owned();
    let mut object = object;
    let mut told = String::new();
    loop {
        let text = what_keeps(&object);
        if text != told {
            (cluster.progress)(&format!("waits until {spot} is gone: {text}"));
            told = text;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        object = match timeout(left, cluster.next(spot, &object)).await {
            Ok(Ok(Some(next))) if next.uid() == uid && !left.is_zero() => next,
            Ok(Ok(Some(next))) if next.uid() == uid => return Err(still_there(spot, &next, within)),
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => {
                let teller =
                    Teller { what: spot, managers: &BTreeMap::new(), hidden: BTreeSet::new(), on_conflict: "" };
                return Err(teller.tell(&error).failure());
            }
            Err(_elapsed) => return Err(still_there(spot, &object, within)),
        };
    }
}

fn still_there(spot: &Spot, object: &Object, within: Duration) -> StepError {
    let finalizers = object.finalizers();
    let help = if finalizers.is_empty() {
        "see what it waits for with `kubectl describe`, then apply again".to_owned()
    } else {
        format!(
            "a finalizer is removed by the controller that set it: see that it runs, then apply again; if it is gone for good, \
             take {} out of metadata.finalizers with kubectl",
            if finalizers.len() == 1 { "it" } else { "them" }
        )
    };
    let summary = format!("{spot} is being deleted and still there after {} s", within.as_secs());
    Told { summary, detail: vec![what_keeps(object)], help }.failure()
}

/// What keeps an object that is being deleted, as a clause.
fn what_keeps(object: &Object) -> String {
    let conditions = object.at(&["status", "conditions"]).and_then(Json::as_array);
    // A namespace says in conditions what is left in it.
    let remaining = conditions.into_iter().flatten().filter_map(|condition| {
        let text = |key| condition.get(key).and_then(Json::as_str);
        let holds = text("type").is_some_and(|kind| kind.starts_with("Namespace")) && text("status") == Some("True");
        text("message").filter(|_| holds)
    });
    let remaining: Vec<&str> = remaining.collect();
    match (object.finalizers().as_slice(), remaining.as_slice()) {
        ([], []) => "it takes its time".to_owned(),
        ([], remaining) => remaining.join("; "),
        ([one], _) => format!("its finalizer {one} is not done"),
        (several, _) => format!("its finalizers {} are not done", several.join(", ")),
    }
}

async fn gate(cluster: Patient<'_>, job: &Job<'_>) -> Result<(), StepError> {
    let spec = wanted(job)?;
    let spot = find(cluster, job, spec).await?;
    await_ready(cluster, &spot, &Settings::of(spec)).await?;
    if spot.kind.kind == "CustomResourceDefinition" {
        cluster.cluster.forget_served().await;
    }
    Ok(())
}

/// Waits until an object is ready.
///
/// # Errors
/// When it will not be, is not in time, or is gone; with its latest events and the last lines of a pod of it that fails.
pub(crate) async fn await_ready(cluster: Patient<'_>, spot: &Spot, settings: &Settings<'_>) -> Result<(), StepError> {
    let deadline = Instant::now() + settings.timeout;
    let fail = |error: ClusterError| {
        Teller { what: spot, managers: &BTreeMap::new(), hidden: BTreeSet::new(), on_conflict: "" }
            .tell(&error)
            .failure()
    };
    let mut object = cluster.get(spot).await.map_err(fail)?;
    let (mut told, mut glanced) = (String::new(), String::new());
    loop {
        let Some(seen) = object else { return Err(gone(spot)) };
        let text = match judge(&seen, settings.condition) {
            Readiness::Ready => return Ok(()),
            Readiness::Failed(text) => return Err(not_ready(cluster, spot, &seen, text).await),
            Readiness::Waiting(text) => text,
        };
        if text != told {
            (cluster.progress)(&text);
            told.clone_from(&text);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        object = match timeout(left.min(GLANCE), cluster.next(spot, &seen)).await {
            Ok(next) => next.map_err(fail)?,
            Err(_elapsed) if left > GLANCE => {
                // The workload says nothing new, and a pod of it may say why.
                let why = trouble::glance(cluster.cluster, spot, &seen).await;
                if let Some(why) = why.filter(|why| *why != glanced) {
                    (cluster.progress)(&format!("{text}; {why}"));
                    glanced = why;
                }
                Some(seen)
            }
            Err(_elapsed) => {
                let why = format!("not ready after {} s: {text}", settings.timeout.as_secs());
                return Err(not_ready(cluster, spot, &seen, why).await);
            }
        };
    }
}

fn gone(spot: &Spot) -> StepError {
    StepError {
        help: Some("run `hactl apply` again: it makes what is missing".to_owned()),
        ..StepError::new(format!("{spot} was deleted meanwhile"))
    }
}

async fn not_ready(cluster: Patient<'_>, spot: &Spot, object: &Object, why: String) -> StepError {
    let place = spot.namespace.as_ref().map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
    let resource = format!("{}/{}", spot.kind.kind.to_lowercase(), spot.name);
    StepError {
        detail: trouble::report(cluster.cluster, spot, object).await,
        help: Some(format!(
            "look further with `kubectl describe{place} {resource}`, mend it and apply again; or give it more time with \
             `timeout`"
        )),
        ..StepError::new(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(json: Json) -> Object {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_keeps_an_object() {
        let table = [
            what_keeps(&object(json!({"metadata": {}}))),
            what_keeps(&object(json!({"metadata": {"finalizers": ["a/b"]}}))),
            what_keeps(&object(json!({"metadata": {"finalizers": ["a/b", "c/d"]}}))),
            what_keeps(&object(json!({"status": {"conditions": [
                {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "All resources successfully discovered"},
                {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: things.x.io has 1 resource instances"},
            ]}}))),
        ];
        insta::assert_snapshot!(table.join("\n"), @"
        it takes its time
        its finalizer a/b is not done
        its finalizers a/b, c/d are not done
        Some resources are remaining: things.x.io has 1 resource instances
        ");
    }

    #[test]
    fn what_passes_by_itself() {
        let missing = |message: &str| ClusterError::Missing { message: message.to_owned() };
        let forbidden = |message: &str| ClusterError::Forbidden { message: message.to_owned() };
        assert!(is_early(&missing("the server could not find the requested resource")));
        assert!(!is_early(&missing("namespaces \"x\" not found")));
        assert!(is_early(&forbidden(
            "error looking up service account x/default: serviceaccount \"default\" not found"
        )));
        assert!(!is_early(&forbidden("User \"limited\" cannot patch resource")));
    }
}
