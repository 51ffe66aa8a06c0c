//! Looking at many objects in few requests.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use hactl_kube::{Cluster, ClusterError, Object, ServedKind};

use crate::object::reference::Spot;

/// What there is at a spot.
#[derive(Debug)]
pub(crate) enum Sight {
    /// This object.
    There(Object),
    /// Nothing.
    Nothing,
    /// Nobody knows: the server does not tell, for this reason.
    Hidden(ClusterError),
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct View(pub(crate) BTreeMap<Spot, Sight>);

/// A type, and a namespace where it has any: what one list call is about.
pub(crate) type Listed = (ServedKind, Option<String>);

/// How many requests are made at one time.
pub(crate) const AT_ONCE: usize = 16;

impl View {
    /// The object at a spot, where there is one to be seen.
    pub(crate) fn object(&self, spot: &Spot) -> Option<&Object> {
        match self.0.get(spot)? {
            Sight::There(object) => Some(object),
            Sight::Nothing | Sight::Hidden(_) => None,
        }
    }

    /// Why nobody knows what there is at a spot.
    pub(crate) fn hidden(&self, spot: &Spot) -> Option<&ClusterError> {
        match self.0.get(spot)? {
            Sight::Hidden(error) => Some(error),
            Sight::There(_) | Sight::Nothing => None,
        }
    }
}

/// Looks at spots: first through one list call each for the objects with a label (`key=value`), then one by one at what was
/// in none of the lists.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn look(
    cluster: &dyn Cluster,
    label: &str,
    lists: BTreeSet<Listed>,
    spots: &BTreeSet<Spot>,
) -> Result<View, ClusterError> {
    let mut view = View::default();
    let calls = lists.iter().map(|(kind, namespace)| {
        async move { (kind, cluster.list(kind, namespace.as_deref(), Some(label)).await) }.boxed()
    });
    for (kind, objects) in all(calls.collect()).await {
        // Who may not list may still be allowed to look at single objects.
        for object in answered(objects)?.unwrap_or_default() {
            let namespace = object.namespace().map(str::to_owned);
            let spot = Spot { kind: kind.clone(), namespace, name: object.name().to_owned() };
            view.0.insert(spot, Sight::There(object));
        }
    }
    let missing: Vec<&Spot> = spots.iter().filter(|spot| !view.0.contains_key(*spot)).collect();
    let calls = missing.iter().map(|spot| async move { (*spot, cluster.get(&spot.kind, &spot.name()).await) }.boxed());
    for (spot, object) in all(calls.collect()).await {
        let sight = match answered(object)? {
            Ok(Some(object)) => Sight::There(object),
            Ok(None) | Err(ClusterError::Missing { .. }) => Sight::Nothing,
            Err(error) => Sight::Hidden(error),
        };
        view.0.insert(spot.clone(), sight);
    }
    Ok(view)
}

/// Awaits calls, [`AT_ONCE`] at one time; the answers are in no particular order.
pub(crate) async fn all<T: Send>(calls: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    futures_util::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await
}

/// Sets apart that the server did not answer at all.
pub(crate) fn answered<T>(answer: Result<T, ClusterError>) -> Result<Result<T, ClusterError>, ClusterError> {
    match answer {
        Err(error @ (ClusterError::Unreachable { .. } | ClusterError::Lost { .. })) => Err(error),
        answer => Ok(answer),
    }
}
