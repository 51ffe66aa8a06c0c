//! Waiting for an object to change.

use std::time::Duration;

use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use crate::Name;
use crate::error::ClusterError;
use crate::object::{Object, ServedKind};
use crate::server::KubeCluster;
use crate::server::call::{Call, encoded};

/// How long to wait for a change.
const WAIT: Duration = Duration::from_secs(30);
/// How often to look where the server does not let us watch.
const PAUSE: Duration = Duration::from_secs(2);

/// How a watch ended.
enum Watched {
    /// The object is another now, or gone.
    Changed(Option<Object>),
    /// Nothing came until the time was up or the connection ended.
    Ended,
    /// The server does not watch: it is not allowed, or what was seen is too long ago.
    Refused,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Object,
}

/// Waits until the object is another than `seen`.
pub(super) async fn next(
    cluster: &KubeCluster,
    kind: &ServedKind,
    name: &Name<'_>,
    seen: &str,
) -> Result<Option<Object>, ClusterError> {
    let end = Instant::now() + WAIT;
    let mut may_watch = true;
    loop {
        if may_watch {
            match timeout_at(end, watch(cluster, kind, name, seen)).await {
                Ok(Watched::Changed(object)) => return Ok(object),
                Ok(Watched::Ended) | Err(_) => {}
                Ok(Watched::Refused) => may_watch = false,
            }
        }
        let now = cluster.look(kind, name).await?;
        let is_same = match &now {
            Some(object) => object.resource_version() == seen,
            None => seen.is_empty(),
        };
        if !is_same || Instant::now() >= end {
            return Ok(now);
        }
        sleep(PAUSE.min(end - Instant::now())).await;
    }
}

async fn watch(cluster: &KubeCluster, kind: &ServedKind, name: &Name<'_>, seen: &str) -> Watched {
    let _slot = cluster.watches.acquire().await;
    let since = match seen {
        "" => String::new(),
        seen => format!("&resourceVersion={}", encoded(seen)),
    };
    let path = format!(
        "{}?watch=1&fieldSelector=metadata.name={}&timeoutSeconds={}{since}",
        super::collection(kind, name.namespace),
        encoded(name.name),
        WAIT.as_secs()
    );
    let Ok(response) = cluster.sender.open(&Call::get(path)).await else {
        return Watched::Ended;
    };
    if !response.status().is_success() {
        return Watched::Refused;
    }
    read(response.into_body(), seen).await
}

/// Reads events, one line of JSON each, until one tells of a change.
async fn read(mut body: Body, seen: &str) -> Watched {
    let mut line = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(bytes) = frame.into_data() else { continue };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                match event(&line, seen) {
                    Some(watched) => return watched,
                    None => line.clear(),
                }
            }
        }
    }
    Watched::Ended
}

fn event(line: &[u8], seen: &str) -> Option<Watched> {
    let Ok(Event { kind, object }) = serde_json::from_slice(line) else {
        return Some(Watched::Refused);
    };
    match kind.as_str() {
        "DELETED" => Some(Watched::Changed(None)),
        "ADDED" | "MODIFIED" if object.resource_version() != seen => Some(Watched::Changed(Some(object))),
        "ERROR" => Some(Watched::Refused),
        _ => None,
    }
}
