//! Real hosts: Linux machines over SSH, or this very machine, with their Docker Engine.

mod blocks;
mod files;
mod host;
mod place;
mod probe;
mod shell;
mod ssh;
mod survey;
#[cfg(test)]
mod tests;
mod tunnel;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::node::Connection;
use tokio::sync::{Mutex, OnceCell};

use crate::{Fleet, Host, HostError};
use host::LinuxHost;
use place::Place;
pub use tunnel::Tunnel;

/// Real hosts. Connections are kept and shared, and made anew when they broke.
#[derive(Default)]
pub struct LinuxFleet {
    user_config: Option<String>,
    hosts: Mutex<BTreeMap<(String, String), Arc<LinuxHost>>>,
    place: OnceCell<Arc<Place>>,
}

impl LinuxFleet {
    /// A fleet with no connections yet. `user_config` is an ssh configuration file that is read in place of the user's
    /// own and the system's, as with `ssh -F`.
    pub fn new(user_config: Option<String>) -> Self {
        Self { user_config, ..Self::default() }
    }

    /// Opens a connection from a node to a port of an address or name, as the node sees them. Whether anything answers there
    /// shows when it is used.
    ///
    /// # Errors
    /// [`HostError::Unreachable`] when the node does not answer or does not let us in.
    pub async fn tunnel(
        &self,
        node: &str,
        connection: &Connection,
        host: &str,
        port: u16,
    ) -> Result<Tunnel, HostError> {
        self.host(node, connection).await?.link().await?.tunnel(host, port).await
    }

    async fn host(&self, node: &str, connection: &Connection) -> Result<Arc<LinuxHost>, HostError> {
        let place = self.place().await?;
        let mut hosts = self.hosts.lock().await;
        let known = hosts
            .entry((node.to_owned(), format!("{connection:?}")))
            .or_insert_with(|| Arc::new(LinuxHost::new(connection.clone(), place, self.user_config.clone())));
        Ok(known.clone())
    }

    async fn place(&self) -> Result<Arc<Place>, HostError> {
        let place = self.place.get_or_try_init(|| async {
            Place::new().map(Arc::new).map_err(|error| HostError::Unreachable {
                reason: format!("the directory for its connection cannot be made here: {error}"),
            })
        });
        place.await.cloned()
    }
}

#[async_trait]
impl Fleet for LinuxFleet {
    async fn connect(&self, node: &str, connection: &Connection) -> Result<Arc<dyn Host>, HostError> {
        let host = self.host(node, connection).await?;
        host.link().await?;
        Ok(host)
    }
}
