//! Host aliases in the pods of a workload: a few entries of `spec.template.spec.hostAliases`, by server-side apply.
//!
//! Only the entries are owned, never the workload: what is applied names the very object by its uid, so that it changes what
//! is there and makes nothing. Entries of others for other addresses stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::FutureExt;
use hactl_core::observed::{Foreign, Observed, Present};
use hactl_core::plan::Operation;
use hactl_core::resource::{InPlace, KindRules, Replacement};
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_core::{Diagnostic, DigestKey, Sensitive};
use hactl_engine::{Job, ReadRequest, Reading, StepError};
use hactl_kube::{Applying, Cluster, ClusterError, Object, ServedKind};
use serde_json::Value as Json;

use crate::object::{
    Fields, Patient, Reference, SETTINGS, Settings, Spot, Teller, Trial, UID, View, all, apply_over_drift, await_ready,
    bare, from_json, is_same, look, manager, to_json, try_out, verdict,
};

pub(crate) const RULES: KindRules = KindRules {
    kind: "hostAliases",
    replacement: Replacement::DeleteThenCreate,
    generations: true,
    in_place: InPlace::Fields(&["aliases", "optional", SETTINGS]),
    computed: &[],
    remakes: &[],
    keep_on_delete: false,
    claims,
};

/// The addresses that it names in its workload.
fn claims(spec: &Value) -> Vec<String> {
    let Some(workload) = reference(spec) else { return Vec::new() };
    let aliases = spec.get("aliases").and_then(Value::as_list).unwrap_or_default();
    let ips = aliases.iter().filter_map(|alias| alias.get("ip")?.as_str());
    ips.map(|ip| format!("the host aliases of {ip} in {workload}")).collect()
}

/// The API group and version of the workloads whose pods can have host aliases.
const WORKLOADS: &str = "apps/v1";

/// What to do about a conflict over an entry.
const ON_CONFLICT: &str = "take the address out of the config if the other manager is to keep its entry, or set `adopt: true` \
     to take the entry over";

/// The workload of a spec.
fn reference(spec: &Value) -> Option<Reference<'_>> {
    let workload = spec.get("workload")?;
    let text = |key: &str| workload.get(key)?.as_str();
    Some(Reference::new(WORKLOADS, text("kind")?, text("namespace"), text("name")?))
}

/// Looks at host aliases in workloads; `objects` are what else is wanted on the cluster.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn read(
    cluster: &dyn Cluster,
    lineage: &str,
    requests: &[&ReadRequest<'_>],
    objects: &[&ReadRequest<'_>],
    managers: &BTreeMap<String, String>,
    key: Option<&DigestKey>,
) -> Result<Reading, ClusterError> {
    if requests.is_empty() {
        return Ok(Reading::default());
    }
    let served = cluster.served(&BTreeSet::from(["apps".to_owned()])).await?;
    let spots: Vec<Option<Spot>> = requests.iter().map(|request| spot(request, &served)).collect();
    let all_spots = spots.iter().flatten().cloned().collect();
    let view = look(cluster, "", BTreeSet::new(), &all_spots).await?;
    let to_come: BTreeSet<Spot> =
        objects.iter().filter_map(|request| Reference::of(request.wanted?)?.spot(&served)).collect();
    let mut reading = Reading::default();
    for (request, spot) in requests.iter().zip(&spots) {
        let observed = observe(request, spot.as_ref(), &view, lineage, managers);
        let is_there = spot.as_ref().is_some_and(|spot| view.object(spot).is_some() || to_come.contains(spot));
        if let (false, Some(wanted), Observed::Absent) = (is_there, request.wanted, &observed) {
            refuse_absent(request, wanted, spot.as_ref(), &view, &mut reading);
        }
        reading.observed.push(observed);
    }
    let applied: Vec<Option<Value>> =
        requests.iter().map(|request| as_part_of_workload(&request.candidates.first()?.spec)).collect();
    let trials: Vec<Trial<'_>> = requests
        .iter()
        .zip(&spots)
        .zip(&reading.observed)
        .zip(&applied)
        .enumerate()
        .filter_map(|(index, (((request, spot), observed), applied))| {
            let trial = trial(index, request, spot.as_ref()?, observed, &view, lineage)?;
            Some(Trial { applied: applied.as_ref(), ..trial })
        })
        .collect();
    let answers = trials.into_iter().map(|trial| {
        async move {
            let answer = try_out(cluster, &trial).await;
            (trial, answer)
        }
        .boxed()
    });
    for (trial, answer) in all(answers.collect()).await {
        let verdict = verdict(&trial, answer, managers, &BTreeSet::new(), ON_CONFLICT, key)?;
        if let Some(refusal) = verdict.refusal {
            reading.refusals.insert(trial.request.address.clone(), refusal);
        }
    }
    Ok(reading)
}

fn spot(request: &ReadRequest<'_>, served: &[ServedKind]) -> Option<Spot> {
    let candidates = request.candidates.iter().map(|candidate| &*candidate.spec);
    candidates.chain(request.wanted).find_map(|spec| reference(spec)?.spot(served))
}

/// What is there of the entries that were applied.
fn observe(
    request: &ReadRequest<'_>,
    spot: Option<&Spot>,
    view: &View,
    lineage: &str,
    managers: &BTreeMap<String, String>,
) -> Observed {
    let Some(spot) = spot else { return Observed::Absent };
    if let Some(error) = view.hidden(spot).filter(|_| request.applied) {
        return Observed::Unreachable(format!("{spot} cannot be read: {error}").into());
    }
    let Some(object) = view.object(spot) else { return Observed::Absent };
    let is_ours = |candidate: &&&ResourceState| {
        let own = manager(lineage, &candidate.generation);
        let uid = candidate.outputs.get(UID).and_then(Value::as_str);
        object.owners().any(|owner| owner.applies && owner.manager == own) || uid == Some(object.uid())
    };
    let Some(candidate) = request.candidates.iter().find(is_ours) else {
        return unrecorded(request, object, lineage, managers).map_or(Observed::Absent, Observed::Foreign);
    };
    Observed::Present(Present {
        spec: overlay(&candidate.spec, object),
        outputs: Map::from([(UID.to_owned(), Value::string(object.uid()))]),
        generation: candidate.generation.clone(),
        residue: false,
        fixed: Vec::new(),
    })
}

/// Entries that this stack made in a workload, and that state does not hold: those of a manager of ours that has some of the
/// wanted ones and nothing else of the pods, and stands for no other resource.
fn unrecorded(
    request: &ReadRequest<'_>,
    object: &Object,
    lineage: &str,
    managers: &BTreeMap<String, String>,
) -> Option<Foreign> {
    let wanted = request.wanted.filter(|_| request.candidates.is_empty())?;
    let aliases = wanted.get("aliases").and_then(Value::as_list).unwrap_or_default();
    let prefix = manager(lineage, "");
    let has_some = |name: &str| {
        let pods = Fields::of(object, name).field("spec").field("template").field("spec");
        let entries = pods.field("hostAliases");
        pods.field("containers").is_empty() && aliases.iter().any(|alias| !entries.item(alias).is_empty())
    };
    let mut own = object.owners().filter(|owner| owner.applies).map(|owner| owner.manager);
    let own = own.find(|name| name.starts_with(&prefix) && !managers.contains_key(*name) && has_some(name))?;
    let found = Present {
        spec: overlay(&Arc::new(wanted.clone()), object),
        outputs: Map::from([(UID.to_owned(), Value::string(object.uid()))]),
        generation: own.strip_prefix(&prefix)?.to_owned(),
        residue: false,
        fixed: Vec::new(),
    };
    let what = "host aliases that this stack made, which are not in its state,".to_owned();
    Some(Foreign { what, id: object.uid().to_owned(), own: true, found: Some(found) })
}

/// The spec with the entries as the workload has them now; those of others are no part of it.
fn overlay(applied: &Arc<Value>, object: &Object) -> Arc<Value> {
    let live = entries(object);
    let now = |alias: &Value| {
        let ip = alias.get("ip")?.as_str()?;
        let entry = live.iter().find(|entry| entry.get("ip").and_then(Json::as_str) == Some(ip))?;
        let hostnames = entry.get("hostnames").map(from_json).unwrap_or(Value::List(Vec::new()));
        if alias.get("hostnames") == Some(&hostnames) {
            return Some(alias.clone());
        }
        Some(Value::Map(Map::from([("ip".to_owned(), Value::from(ip)), ("hostnames".to_owned(), hostnames)])))
    };
    let Value::Map(spec) = &**applied else { return applied.clone() };
    let aliases = spec.get("aliases").and_then(Value::as_list).unwrap_or_default();
    let aliases_now: Vec<Value> = aliases.iter().filter_map(now).collect();
    if aliases_now == aliases {
        return applied.clone();
    }
    let mut spec = spec.clone();
    spec.insert("aliases".to_owned(), Value::List(aliases_now));
    Arc::new(Value::Map(spec))
}

fn entries(object: &Object) -> &[Json] {
    let entries = object.at(&["spec", "template", "spec", "hostAliases"]).and_then(Json::as_array);
    entries.map(Vec::as_slice).unwrap_or_default()
}

/// What becomes of aliases whose workload is not there: left for later where that is said to be all right, else refused.
fn refuse_absent(request: &ReadRequest<'_>, wanted: &Value, spot: Option<&Spot>, view: &View, reading: &mut Reading) {
    let address = request.address.clone();
    if let Some((spot, error)) = spot.and_then(|spot| Some((spot, view.hidden(spot)?))) {
        reading.refusals.insert(address, teller(spot).tell(error).refusal());
        return;
    }
    if wanted.get("optional") == Some(&Value::Bool(true)) {
        reading.unplaced.insert(address);
        return;
    }
    let Some(workload) = reference(wanted) else { return };
    let refusal = Diagnostic::error(format!("{workload} is not there to be given host aliases"))
        .help("correct its kind, namespace or name; or set `optional: true`, and it is picked up when it appears");
    reading.refusals.insert(address, refusal);
}

fn teller(spot: &Spot) -> Teller<'_> {
    const NONE: &BTreeMap<String, String> = &BTreeMap::new();
    Teller { what: spot, managers: NONE, hidden: BTreeSet::new(), on_conflict: ON_CONFLICT }
}

/// The dry run of entries that are new or not as they are wanted.
fn trial<'a>(
    index: usize,
    request: &'a ReadRequest<'a>,
    spot: &'a Spot,
    observed: &'a Observed,
    view: &'a View,
    lineage: &str,
) -> Option<Trial<'a>> {
    let plain = request.revealed.as_ref().map(Sensitive::expose)?;
    let live = view.object(spot).filter(|object| !object.is_being_deleted())?;
    let present = match observed {
        Observed::Present(present) if is_same(&present.spec, plain, None) => return None,
        Observed::Present(present) => Some(present),
        Observed::Foreign(foreign) => foreign.found.as_ref(),
        _ => None,
    };
    let generation = present.map_or("new", |present| present.generation.as_str());
    Some(Trial {
        index,
        request,
        spot,
        object: patch(spot, live.uid(), plain),
        plain,
        live: Some(live),
        applied: None,
        now: None,
        manager: manager(lineage, generation),
        force: is_forced(plain, request.adopt),
    })
}

/// What is applied: the entries and nothing else.
fn patch(spot: &Spot, uid: &str, spec: &Value) -> Object {
    let mut object = bare(spot, uid);
    if let Some(Json::Object(part)) = as_part_of_workload(spec).as_ref().map(to_json) {
        object.extend(part);
    }
    Object(object)
}

/// The entries of a spec where they stand in a workload.
fn as_part_of_workload(spec: &Value) -> Option<Value> {
    let within = |key: &str, value: Value| Value::Map(Map::from([(key.to_owned(), value)]));
    let aliases = within("hostAliases", spec.get("aliases")?.clone());
    Some(within("spec", within("template", within("spec", aliases))))
}

fn is_forced(spec: &Value, adopt: bool) -> bool {
    adopt || Settings::of(spec).force_conflicts
}

/// Does one step of host aliases in a workload.
pub(crate) async fn execute(cluster: Patient<'_>, job: &Job<'_>) -> Result<Map, StepError> {
    match job.operation {
        Operation::Create | Operation::Swap | Operation::Update => put(cluster, job).await,
        Operation::Delete => remove(cluster, job).await.map(|()| Map::new()),
        Operation::Gate => gate(cluster, job).await.map(|()| Map::new()),
        Operation::Settle | Operation::Restore | Operation::Forget | Operation::Record | Operation::Adopt => {
            Ok(Map::new())
        }
    }
}

async fn find(cluster: Patient<'_>, spec: &Value) -> Result<Spot, StepError> {
    let workload = reference(spec).ok_or_else(|| StepError::new("the plan does not say which workload it is about"))?;
    let served = cluster.served(&BTreeSet::from([workload.group.to_owned()])).await;
    let served = served.map_err(|error| StepError::new(error.to_string()))?;
    let spot = workload.spot(&served);
    spot.ok_or_else(|| StepError::new(format!("the API server serves no {} of {}", workload.kind, workload.group)))
}

async fn put(cluster: Patient<'_>, job: &Job<'_>) -> Result<Map, StepError> {
    let spec = job.spec.ok_or_else(|| StepError::new("the plan holds no aliases for it"))?;
    let spot = find(cluster, spec).await?;
    let fail = |error: ClusterError| teller(&spot).tell(&error).failure();
    let Some(workload) = cluster.get(&spot).await.map_err(fail)?.filter(|object| !object.is_being_deleted()) else {
        return Err(StepError {
            help: Some("apply again when it is there; with `optional: true` nothing waits for it".to_owned()),
            ..StepError::new(format!("{spot} is not there to be given host aliases"))
        });
    };
    let own = manager(job.lineage, job.generation);
    let how = Applying { manager: &own, force: is_forced(spec, job.adopt), dry_run: false };
    let applied = job.state.and_then(|state| as_part_of_workload(&state.spec));
    let object = patch(&spot, workload.uid(), spec);
    let changed = apply_over_drift(cluster, &spot, &object, &how, applied.as_ref()).await.map_err(fail)?;
    Ok(Map::from([(UID.to_owned(), Value::string(changed.uid()))]))
}

/// Applies nothing: entries that were ours alone go, and those that others manage as well stay.
async fn remove(cluster: Patient<'_>, job: &Job<'_>) -> Result<(), StepError> {
    let Some(state) = job.state else { return Ok(()) };
    let spot = find(cluster, &state.spec).await?;
    let fail = |error: ClusterError| teller(&spot).tell(&error).failure();
    // With its workload they are gone as well.
    let Some(workload) = cluster.get(&spot).await.map_err(fail)? else { return Ok(()) };
    let own = manager(job.lineage, job.generation);
    if !workload.owners().any(|owner| owner.applies && owner.manager == own) {
        return Ok(());
    }
    let how = Applying { manager: &own, force: false, dry_run: false };
    match cluster.apply(&spot, &Object(bare(&spot, workload.uid())), &how).await {
        Ok(_) | Err(ClusterError::OtherObject) => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// Waits until the pods of the workload have the aliases.
async fn gate(cluster: Patient<'_>, job: &Job<'_>) -> Result<(), StepError> {
    let spec = job.spec.ok_or_else(|| StepError::new("the plan holds no aliases for it"))?;
    let spot = find(cluster, spec).await?;
    await_ready(cluster, &spot, &Settings::of(spec)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use hactl_core::Address;
    use serde_json::json;

    fn spec(aliases: Json, optional: bool) -> Value {
        let workload = json!({"kind": "Deployment", "namespace": "cattle-system", "name": "cattle-cluster-agent"});
        from_json(&json!({"workload": workload, "aliases": aliases, "optional": optional}))
    }

    fn workload(aliases: Json, manager: &str) -> Object {
        serde_json::from_value(json!({
            "metadata": {"uid": "uid-1", "managedFields": [{"manager": manager, "operation": "Apply", "fieldsV1": {}}]},
            "spec": {"template": {"spec": {"hostAliases": aliases, "containers": []}}},
        }))
        .unwrap()
    }

    #[test]
    fn only_own_entries_are_compared() {
        let applied = Arc::new(spec(
            json!([{"ip": "10.0.0.1", "hostnames": ["a", "b"]}, {"ip": "10.0.0.2", "hostnames": ["c"]}]),
            false,
        ));
        let aliases = |live: Json| overlay(&applied, &workload(live, "x")).get("aliases").map(to_json).unwrap();
        let other = json!({"ip": "10.0.0.9", "hostnames": ["z"]});
        let own = [json!({"ip": "10.0.0.1", "hostnames": ["a", "b"]}), json!({"ip": "10.0.0.2", "hostnames": ["c"]})];
        assert_eq!(aliases(json!([other, own[1], own[0]])), json!(own));
        assert_eq!(aliases(json!([other, own[1]])), json!([own[1]]));
        let changed = json!({"ip": "10.0.0.1", "hostnames": ["a"]});
        assert_eq!(aliases(json!([changed, own[1]])), json!([changed, own[1]]));
        assert_eq!(aliases(Json::Null), json!([]));
    }

    #[test]
    fn what_is_sent_is_the_entries_of_that_very_workload() {
        let kind = ServedKind {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "Deployment".to_owned(),
            plural: "deployments".to_owned(),
            namespaced: true,
        };
        let wanted = spec(json!([{"ip": "10.0.0.1", "hostnames": ["a"]}]), true);
        let spot = reference(&wanted).unwrap().spot(&[kind]).unwrap();
        insta::assert_json_snapshot!(patch(&spot, "uid-1", &wanted).0, @r#"
        {
          "apiVersion": "apps/v1",
          "kind": "Deployment",
          "metadata": {
            "name": "cattle-cluster-agent",
            "namespace": "cattle-system",
            "uid": "uid-1"
          },
          "spec": {
            "template": {
              "spec": {
                "hostAliases": [
                  {
                    "hostnames": [
                      "a"
                    ],
                    "ip": "10.0.0.1"
                  }
                ]
              }
            }
          }
        }
        "#);
    }

    #[test]
    fn a_workload_that_is_not_there_is_waited_for_or_refused() {
        let address = Address::new("hostAliases", "rancher", Some("Deployment/cattle-system/cattle-cluster-agent"));
        let request = ReadRequest::new(&address);
        let mut reading = Reading::default();
        refuse_absent(&request, &spec(json!([]), true), None, &View::default(), &mut reading);
        assert!(reading.unplaced.contains(&address) && reading.refusals.is_empty());
        let mut reading = Reading::default();
        refuse_absent(&request, &spec(json!([]), false), None, &View::default(), &mut reading);
        let refusal = &reading.refusals[&address];
        assert_eq!(
            refusal.summary,
            "Deployment cattle-system/cattle-cluster-agent is not there to be given host aliases"
        );
    }
}
