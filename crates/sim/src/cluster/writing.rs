//! Requests that write objects: server-side apply, and the updates that other managers make.

use hactl_kube::{Applying, ClusterError, Object, ServedKind};
use serde_json::{Map, Value, json};

use crate::cluster::defaults::{complete, identify_job, within};
use crate::cluster::deletion::removal;
use crate::cluster::merge::{self, Managed, Refusal, Request};
use crate::cluster::reading::{just_stored, shown};
use crate::cluster::scene::{ClusterScene, Decision};
use crate::cluster::shape::{Place, without_nulls};
use crate::cluster::{ClusterChange, Key, TIME, controllers, empty, immutable, types, validation};

/// Server-side apply.
pub(crate) fn apply(
    scene: &ClusterScene<'_>,
    kind: &ServedKind,
    object: &Object,
    how: &Applying<'_>,
) -> Decision<Object> {
    let mut sent = Object(without_nulls(&object.0));
    let key = addressed(scene, kind, &sent)?;
    let live = scene.cluster.objects.get(&key);
    expect_uid(&sent, live)?;
    expect_namespace(scene, &key, live)?;
    expect_readable(kind, &sent)?;
    sent.0.remove("status");
    leave_to_the_server(&mut sent.0);

    let managed = live.map(|live| Managed::read(&live.0)).unwrap_or(Managed { value: json!({}), owners: Vec::new() });
    let place = place_of(kind);
    let api_version = kind.api_version();
    let request = Request { manager: how.manager, api_version: &api_version, force: how.force };
    let result = merge::apply(&place, &managed, &Value::Object(sent.0), &request);
    let result = result.map_err(|refusal| refused(kind, &key, refusal))?;
    store(scene, kind, live, result)
}

/// Another request of a manager, that leaves the object as given. Creates it where there is none.
pub(crate) fn update(scene: &ClusterScene<'_>, kind: &ServedKind, object: &Object, manager: &str) -> Decision<Object> {
    let mut wanted = Object(without_nulls(&object.0));
    wanted.0.remove("status");
    let key = addressed(scene, kind, &wanted)?;
    let live = scene.cluster.objects.get(&key);
    expect_namespace(scene, &key, live)?;
    expect_readable(kind, &wanted)?;
    if types::is_built_in(&kind.group, &kind.kind) {
        empty::leave_out(&mut wanted.0);
        complete(&mut wanted.0, scene.cluster.revision + 1);
    }
    let managed = live.map(|live| Managed::read(&live.0)).unwrap_or(Managed { value: json!({}), owners: Vec::new() });
    let value = Managed::read(&wanted.0).value;
    let request = Request { manager, api_version: &kind.api_version(), force: true };
    let result = merge::update(&place_of(kind), &managed, value, &request);
    let result = result.map_err(|refusal| refused(kind, &key, refusal))?;
    store(scene, kind, live, result)
}

/// The top of the objects of a type.
pub(crate) fn place_of(kind: &ServedKind) -> Place {
    Place::top(&kind.kind, !types::is_built_in(&kind.group, &kind.kind))
}

/// What is stored of a result, if anything changed.
fn store(scene: &ClusterScene<'_>, kind: &ServedKind, live: Option<&Object>, result: Managed) -> Decision<Object> {
    let revision = scene.cluster.revision + 1;
    let mut new = Object(finished(kind, result, revision));
    if live.is_none() {
        let uid = scene.cluster.uid(scene.seed, revision);
        if new.kind() == "Job" {
            identify_job(&mut new.0, &uid);
        }
        within(&mut new.0, "metadata", |metadata| {
            metadata.insert("uid".to_owned(), json!(uid));
            metadata.insert("creationTimestamp".to_owned(), json!(TIME));
        });
    }
    let causes = match live {
        Some(live) if live.0 == new.0 => return Ok((shown(scene, live, &kind.api_version()), Vec::new())),
        Some(live) => [validation::wrong(kind, &new), immutable::broken(live, &new)].concat(),
        None => validation::wrong(kind, &new),
    };
    if !causes.is_empty() {
        let message = validation::sentence(&types::kind_of(kind), new.name(), &causes);
        return Err(ClusterError::Invalid { message, causes });
    }
    count(&mut new, live, revision);
    let before = live.map(|live| shown(scene, live, &kind.api_version()));
    if new.is_being_deleted() && new.finalizers().is_empty() {
        let changes = removal(scene.cluster, &Key::of(&new), revision);
        return Ok((just_stored(before.as_ref(), &new), changes));
    }
    let answer = if controllers::follow(scene, &new) {
        just_stored(before.as_ref(), &new)
    } else {
        shown(scene, &new, &kind.api_version())
    };
    Ok((answer, vec![ClusterChange::Put { object: new }]))
}

/// The result of a merge as it is stored: without what is empty, with the server's defaults.
fn finished(kind: &ServedKind, result: Managed, revision: u64) -> Map<String, Value> {
    let Managed { value, owners } = result;
    let Value::Object(mut object) = value else { return Map::new() };
    if types::is_built_in(&kind.group, &kind.kind) {
        empty::leave_out(&mut object);
        complete(&mut object, revision);
    }
    Managed { value: Value::Object(object), owners }.write(TIME)
}

/// Sets resource version and generation. The generation counts changes of what is wanted, for the types that have one.
fn count(new: &mut Object, live: Option<&Object>, revision: u64) {
    let has_generation = matches!(
        new.kind(),
        "Deployment"
            | "DaemonSet"
            | "StatefulSet"
            | "ReplicaSet"
            | "Job"
            | "CronJob"
            | "Ingress"
            | "IngressClass"
            | "NetworkPolicy"
            | "PodDisruptionBudget"
            | "CustomResourceDefinition"
            | "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
    ) || !types::is_built_in(&Key::of(new).group, new.kind());
    let wanted = |object: &Object| -> Map<String, Value> {
        let parts = object.0.iter().filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "apiVersion"));
        parts.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let before = live.and_then(|live| live.at(&["metadata", "generation"])?.as_u64()).unwrap_or_default();
    let changed = live.is_none_or(|live| wanted(live) != wanted(new));
    within(&mut new.0, "metadata", |metadata| {
        metadata.insert("resourceVersion".to_owned(), json!(revision.to_string()));
        if has_generation {
            metadata.insert("generation".to_owned(), json!(before + u64::from(changed)));
        }
    });
}

/// The key of an object in a request; refuses what names no place.
fn addressed(scene: &ClusterScene<'_>, kind: &ServedKind, object: &Object) -> Result<Key, ClusterError> {
    scene.expect_served(kind)?;
    let refused = |message: &str| Err(ClusterError::Refused { status: 400, message: message.to_owned() });
    if object.name().is_empty() {
        return refused("name is required");
    }
    if object.kind() != kind.kind || object.api_version() != kind.api_version() {
        let served = format!("{}, Kind={}", kind.api_version(), kind.kind);
        let found = format!("{}, Kind={}", object.api_version(), object.kind());
        return refused(&format!("the object's type {found:?} is not that of the request, {served:?}"));
    }
    match (kind.namespaced, object.namespace()) {
        (true, None) => return refused("an empty namespace may not be set when a resource name is provided"),
        (false, Some(_)) => {
            return refused("the namespace of the object does not match the namespace on the request (must be empty)");
        }
        _ => {}
    }
    if object
        .at(&["metadata", "managedFields"])
        .is_some_and(|entries| entries.as_array().is_none_or(|list| !list.is_empty()))
    {
        return refused("metadata.managedFields must be nil");
    }
    Ok(Key::new(&kind.group, &kind.kind, object.namespace().unwrap_or_default(), object.name()))
}

fn expect_readable(kind: &ServedKind, object: &Object) -> Result<(), ClusterError> {
    match validation::unreadable(kind, object) {
        Some(message) => Err(ClusterError::Invalid { message, causes: Vec::new() }),
        None => Ok(()),
    }
}

fn expect_uid(sent: &Object, live: Option<&Object>) -> Result<(), ClusterError> {
    let is_other = !sent.uid().is_empty() && live.map(Object::uid) != Some(sent.uid());
    if is_other { Err(ClusterError::OtherObject) } else { Ok(()) }
}

fn expect_namespace(scene: &ClusterScene<'_>, key: &Key, live: Option<&Object>) -> Result<(), ClusterError> {
    if key.namespace.is_empty() || live.is_some() {
        return Ok(());
    }
    let Some(namespace) = scene.cluster.objects.get(&Key::namespace(&key.namespace)) else {
        return Err(ClusterError::Missing { message: format!("namespaces {:?} not found", key.namespace) });
    };
    if namespace.is_being_deleted() {
        let message = format!(
            "{} {:?} is forbidden: unable to create new content in namespace {} because it is being terminated",
            key.kind, key.name, key.namespace
        );
        return Err(ClusterError::Forbidden { message });
    }
    Ok(())
}

/// What clients may send and the server does not take from them.
fn leave_to_the_server(sent: &mut Map<String, Value>) {
    within(sent, "metadata", |metadata| {
        for key in ["uid", "managedFields", "creationTimestamp", "generation", "resourceVersion", "deletionTimestamp"] {
            metadata.remove(key);
        }
    });
}

/// The server's refusal of a merge.
pub(crate) fn refused(kind: &ServedKind, key: &Key, refusal: Refusal) -> ClusterError {
    match refusal {
        Refusal::Conflict(conflicts) => ClusterError::Conflict { conflicts },
        Refusal::BadList(bad) => {
            let place = if key.namespace.is_empty() { String::new() } else { format!("{}/", key.namespace) };
            let message = format!(
                "failed to create typed patch object ({place}{}; {}, Kind={}): .{}: {}",
                key.name,
                kind.api_version(),
                kind.kind,
                bad.path,
                bad.reason
            );
            ClusterError::Invalid { message, causes: vec![validation::cause(&bad.path, bad.reason)] }
        }
    }
}
