//! What stacks have left on a cluster: objects with their marks.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::{ReadRequest, Remains, Trace};
use hactl_kube::{Cluster, ClusterError, Object, ServedKind};

use crate::manifest::builtin;
use crate::object::adopt::generation_of;
use crate::object::look::{all, answered, look};
use crate::object::observe::{Sought, outputs};
use crate::object::reference::Reference;
use crate::object::{ADDRESS, LINEAGE, STACK};
use crate::remains::bare;

/// The stacks whose marks are on objects that the config wants.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn traces(cluster: &dyn Cluster, wanted: &[ReadRequest<'_>]) -> Result<Vec<Trace>, ClusterError> {
    let served = cluster.served(&groups(wanted)).await?;
    let spots: BTreeSet<_> = wanted.iter().filter_map(|request| Sought::new(request, &served).wanted).collect();
    let view = look(cluster, "", BTreeSet::new(), &spots).await?;
    let mut traces: BTreeMap<String, Trace> = BTreeMap::new();
    for object in spots.iter().filter_map(|spot| view.object(spot)) {
        let (Some(lineage), Some(stack)) = (object.label(LINEAGE), object.annotation(STACK)) else { continue };
        let trace = traces.entry(lineage.to_owned()).or_insert_with(|| Trace {
            lineage: lineage.to_owned(),
            stack: stack.to_owned(),
            ..Trace::default()
        });
        trace.recorded.extend(object.annotation(ADDRESS).and_then(|address| Address::parse(address).ok()));
    }
    Ok(traces.into_values().collect())
}

/// Every object that carries a lineage's marks, of Kubernetes' own types and of those groups that the config uses.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn remains(
    cluster: &dyn Cluster,
    lineage: &str,
    wanted: &[ReadRequest<'_>],
) -> Result<Remains, ClusterError> {
    let mut asked = groups(wanted);
    asked.extend(builtin::all().map(|builtin| builtin.group.to_owned()));
    let mut kinds: Vec<ServedKind> = Vec::new();
    for kind in cluster.served(&asked).await? {
        // The preferred version of a group comes first.
        if kinds.iter().all(|known| (&known.group, &known.kind) != (&kind.group, &kind.kind)) {
            kinds.push(kind);
        }
    }
    let label = format!("{LINEAGE}={lineage}");
    let label = label.as_str();
    let calls = kinds.iter().map(|kind| async move { (kind, cluster.list(kind, None, Some(label)).await) }.boxed());
    let mut remains = Remains::default();
    for (kind, objects) in all(calls.collect()).await {
        match answered(objects)? {
            Ok(objects) => {
                remains.there.extend(objects.iter().filter_map(|object| resource(kind, object, lineage)));
            }
            Err(error @ ClusterError::Forbidden { .. }) => {
                remains.hidden.push(format!("objects of the type {} cannot be listed: {error}", kind.kind));
            }
            // Not everything that is served can be listed.
            Err(_) => {}
        }
    }
    remains.hidden.sort();
    Ok(remains)
}

fn groups(wanted: &[ReadRequest<'_>]) -> BTreeSet<String> {
    let references = wanted.iter().filter_map(|request| Reference::of(request.wanted?));
    references.map(|reference| reference.group.to_owned()).collect()
}

/// What is known of an object without its config: what it is called, and which creation it stems from.
fn resource(kind: &ServedKind, object: &Object, lineage: &str) -> Option<(Address, ResourceState)> {
    // Controllers hand labels on to what they make.
    let is_made_for_another = object.at(&["metadata", "ownerReferences"]).is_some();
    let address = Address::parse(object.annotation(ADDRESS)?).ok().filter(|_| !is_made_for_another)?;
    let mut metadata = Map::from([("name".to_owned(), Value::from(object.name()))]);
    if let Some(namespace) = object.namespace() {
        metadata.insert("namespace".to_owned(), Value::from(namespace));
    }
    let spec = Map::from([
        ("apiVersion".to_owned(), Value::from(kind.api_version())),
        ("kind".to_owned(), Value::from(kind.kind.as_str())),
        ("metadata".to_owned(), Value::Map(metadata)),
    ]);
    let known = ResourceState {
        node: Some(CLUSTER.into()),
        outputs: outputs(object, BTreeSet::new()),
        generation: generation_of(object, lineage).unwrap_or_default(),
        ..bare(Value::Map(spec))
    };
    Some((address, known))
}
