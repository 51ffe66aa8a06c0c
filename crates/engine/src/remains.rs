//! What is left of states that were lost, at the places where resources live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hactl_core::Address;
use hactl_core::cluster::CLUSTER;
use hactl_core::state::ResourceState;

use crate::refresh::{Place, Refresh, places};
use crate::target::{ReadRequest, Target, Targets};

/// One stack that was at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Its identity.
    pub lineage: String,
    /// Its name.
    pub stack: String,
    /// The serial of the last state that touched the place; 0 where nothing tells.
    pub serial: u64,
    /// What the place records of it, whether it is there or not.
    pub recorded: BTreeSet<Address>,
}

/// What a place holds of a stack.
#[derive(Debug, Default)]
pub struct Remains {
    /// What is there, with as much of its spec as the place tells.
    pub there: BTreeMap<Address, ResourceState>,
    /// What could not be looked at, and why, in sentences.
    pub hidden: Vec<String>,
}

/// What every place answered, by its name.
#[derive(Debug)]
pub struct Answers<T> {
    /// Of those that did.
    pub places: BTreeMap<String, T>,
    /// Of those that did not, why.
    pub unreachable: BTreeMap<String, Arc<str>>,
}

/// Asks every place which stacks were there.
pub async fn traces(targets: &dyn Targets, wanted: &Refresh<'_>) -> Answers<Vec<Trace>> {
    ask(targets, wanted, async |target, requests| target.traces(requests).await).await
}

/// Asks every place what it holds of one stack: that of the state in `wanted`.
pub async fn remains(targets: &dyn Targets, wanted: &Refresh<'_>) -> Answers<Remains> {
    let lineage = wanted.state.lineage.as_str();
    ask(targets, wanted, async move |target, requests| target.remains(lineage, requests).await).await
}

async fn ask<T>(
    targets: &dyn Targets,
    wanted: &Refresh<'_>,
    question: impl AsyncFn(&dyn Target, &[ReadRequest<'_>]) -> Result<T, String>,
) -> Answers<T> {
    let (mut places, _) = places(wanted);
    if let Some(connection) = wanted.cluster.filter(|_| places.iter().all(|(name, ..)| *name != CLUSTER)) {
        places.push((CLUSTER, Place::Cluster(connection), Vec::new()));
    }
    let question = &question;
    let mut asked: FuturesUnordered<_> = places
        .into_iter()
        .map(|(name, place, requests)| async move {
            let answer = match place {
                Place::Node(connection) => match targets.connect(name, connection).await {
                    Ok(target) => question(&*target, &requests).await,
                    Err(reason) => Err(reason),
                },
                Place::Cluster(connection) => question(&*targets.cluster(connection), &requests).await,
            };
            (name, answer)
        })
        .collect();
    let mut answers = Answers { places: BTreeMap::new(), unreachable: BTreeMap::new() };
    while let Some((name, answer)) = asked.next().await {
        match answer {
            Ok(answer) => {
                answers.places.insert(name.to_owned(), answer);
            }
            Err(reason) => {
                answers.unreachable.insert(name.to_owned(), reason.into());
            }
        }
    }
    answers
}
