//! What a server serves, asked for group by group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::Deserialize;
use tokio::sync::{Mutex, OnceCell};

use crate::error::ClusterError;
use crate::object::ServedKind;
use crate::server::call::{Call, Sender, encoded};

/// The types of the groups that were asked for.
#[derive(Default)]
pub(super) struct Discovery {
    groups: Mutex<BTreeMap<String, Arc<OnceCell<Vec<ServedKind>>>>>,
}

impl Discovery {
    /// The types of these groups, each asked for once.
    pub(super) async fn served(
        &self,
        sender: &Sender,
        groups: &BTreeSet<String>,
    ) -> Result<Vec<ServedKind>, ClusterError> {
        let kinds = try_join_all(groups.iter().map(|group| async move {
            let cell = self.groups.lock().await.entry(group.clone()).or_default().clone();
            cell.get_or_try_init(|| of_group(sender, group)).await.cloned()
        }));
        Ok(kinds.await?.into_iter().flatten().collect())
    }

    pub(super) async fn forget(&self) {
        self.groups.lock().await.clear();
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Group {
    versions: Vec<GroupVersion>,
    preferred_version: GroupVersion,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(default)]
struct GroupVersion {
    version: String,
}

/// The core group's list of versions.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CoreVersions {
    versions: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
}

async fn of_group(sender: &Sender, group: &str) -> Result<Vec<ServedKind>, ClusterError> {
    let versions = match group {
        "" => look::<CoreVersions>(sender, "/api".to_owned()).await?.versions,
        _ => {
            let Group { mut versions, preferred_version } = look(sender, format!("/apis/{}", encoded(group))).await?;
            versions.sort_by_key(|version| *version != preferred_version);
            versions.into_iter().map(|version| version.version).collect()
        }
    };
    let kinds = try_join_all(versions.iter().map(|version| of_version(sender, group, version)));
    Ok(kinds.await?.into_iter().flatten().collect())
}

async fn of_version(sender: &Sender, group: &str, version: &str) -> Result<Vec<ServedKind>, ClusterError> {
    let Resources { resources } = look(sender, root(group, version)).await?;
    let kinds = resources.into_iter().filter(|resource| !resource.name.contains('/')).map(|resource| ServedKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: resource.kind,
        plural: resource.name,
        namespaced: resource.namespaced,
    });
    Ok(kinds.collect())
}

/// Where the paths of a version begin.
pub(super) fn root(group: &str, version: &str) -> String {
    match group {
        "" => format!("/api/{}", encoded(version)),
        _ => format!("/apis/{}/{}", encoded(group), encoded(version)),
    }
}

/// What is at a path; nothing where that is not served.
async fn look<T: Default + serde::de::DeserializeOwned>(sender: &Sender, path: String) -> Result<T, ClusterError> {
    let answer = sender.send(Call::get(path)).await?;
    if answer.code() == 404 { Ok(T::default()) } else { answer.json() }
}
