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

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use hactl_core::node::Connection;
use tokio::sync::{Mutex, OnceCell};

use crate::{Fleet, Host, HostError};
use host::LinuxHost;
use place::Place;

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
        let place = self.place().await?;
        let host = {
            let mut hosts = self.hosts.lock().await;
            let known = hosts
                .entry((node.to_owned(), format!("{connection:?}")))
                .or_insert_with(|| Arc::new(LinuxHost::new(connection.clone(), place, self.user_config.clone())));
            known.clone()
        };
        host.link().await?;
        Ok(host)
    }
}
