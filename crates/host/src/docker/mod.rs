//! Docker Engine of a real host, spoken to over a Unix socket: the engine's own or one forwarded by SSH.
//!
//! Every call is a plain HTTP request of the Docker Engine API 1.41 (<https://docs.docker.com/reference/api/engine/version/v1.41/>)
//! made by one pooled client, and what comes back is decoded by small shapes of our own ([`wire`]). There is no
//! client library in between, on purpose: those fail a whole list over one state they do not know, leave the version
//! out of the path, and hide what is needed here: whether the connection broke before or after the engine could have
//! acted, and errors that arrive within an answer of status 200.
//!
//! Nothing here tries again by itself. A call has taken effect, has not, or ends as [`HostError::Lost`].

mod call;
mod client;
mod containers;
mod create;
mod exec;
mod images;
mod inspect;
mod progress;
mod storage;
mod streams;
mod survey;
#[cfg(test)]
mod tests;
mod update;
mod wire;

use std::path::PathBuf;

use crate::error::HostError;
use call::{Answer, Call};
use client::Client;
pub(crate) use client::EngineFailure;
use images::Pulls;

/// One Docker Engine.
pub(crate) struct Docker {
    client: Client,
    pulls: Pulls,
}

/// What a Docker Engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EngineFacts {
    /// As in `20.10.24`.
    pub(crate) version: String,
    /// Its own id, made when it was installed. Podman has none: it makes one up for every answer.
    pub(crate) id: Option<String>,
    /// The directory on the host where it keeps its data.
    pub(crate) data_root: String,
}

impl Docker {
    /// The engine behind this socket of the local machine. Connects when it is first asked something.
    pub(crate) fn at(socket: PathBuf) -> Self {
        Self { client: Client::new(socket), pulls: Pulls::default() }
    }

    /// What the engine is, in one round trip. Asks again after a failure, so that it can tell why another operation
    /// failed.
    ///
    /// # Errors
    /// [`EngineFailure::Silent`] when something accepts connections and closes them without an answer, which a
    /// forwarded socket does when the far end cannot be opened; else what any operation ends with, in particular
    /// [`HostError::EngineUnusable`] when there is no engine, it is too old, or the user may not use it.
    pub(crate) async fn about(&self) -> Result<EngineFacts, EngineFailure> {
        let info = async { self.client.unversioned::<wire::Info>("ask for the engine's id", "/info").await };
        let (version, info) = tokio::try_join!(self.client.version(), info)?;
        let id = Some(info.id).filter(|_| !version.is_podman);
        Ok(EngineFacts { version: version.engine.clone(), id, data_root: info.docker_root_dir })
    }

    async fn send(&self, call: Call) -> Result<Answer, HostError> {
        self.client.send(call).await
    }
}
