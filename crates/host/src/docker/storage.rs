//! Networks and volumes.

use serde_json::json;

use crate::container::{NetworkConfig, VolumeConfig};
use crate::docker::Docker;
use crate::docker::call::{Answer, Call, encoded};
use crate::error::HostError;

impl Docker {
    /// Creates a network.
    ///
    /// # Errors
    /// [`HostError::Conflict`] when the name is taken, also by one of the engine's own.
    pub(crate) async fn create_network(&self, name: &str, config: &NetworkConfig) -> Result<(), HostError> {
        let body = json!({
            "Name": name,
            "Driver": or(&config.driver, "bridge"),
            "Labels": config.labels,
            // Engines before 25 make a second one of the same name otherwise.
            "CheckDuplicate": true,
        });
        let call = Call::post(format!("create network {name}"), "/networks/create").body(&body);
        let answer = self.send(call).await?;
        let message = answer.message();
        let taken = ["already exists", "predefined", "conflicts with a valid network mode"];
        let taken = taken.iter().any(|words| message.contains(words));
        if !answer.is_done() && (answer.status() == 409 || taken) {
            return Err(HostError::Conflict { what: format!("a network named {name}") });
        }
        answer.done().map(drop)
    }

    /// Removes a network; one that is gone is fine.
    pub(crate) async fn remove_network(&self, name: &str) -> Result<(), HostError> {
        let call = Call::delete(format!("remove network {name}"), format!("/networks/{}", encoded(name)));
        gone(self.send(call).await?)
    }

    /// Creates a volume; an existing one of the same driver is taken as it is, labels included.
    ///
    /// # Errors
    /// [`HostError::Conflict`] when the name is taken by a volume of another driver.
    pub(crate) async fn create_volume(&self, name: &str, config: &VolumeConfig) -> Result<(), HostError> {
        let body = json!({"Name": name, "Driver": or(&config.driver, "local"), "Labels": config.labels});
        let call = Call::post(format!("create volume {name}"), "/volumes/create").body(&body);
        let answer = self.send(call).await?;
        if answer.status() == 409 {
            return Err(HostError::Conflict { what: format!("a volume named {name} with another driver") });
        }
        answer.done().map(drop)
    }

    /// Removes a volume and its data; one that is gone is fine.
    pub(crate) async fn remove_volume(&self, name: &str) -> Result<(), HostError> {
        let call = Call::delete(format!("remove volume {name}"), format!("/volumes/{}", encoded(name)));
        gone(self.send(call).await?)
    }
}

fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

fn gone(answer: Answer) -> Result<(), HostError> {
    if answer.is_not_found() { Ok(()) } else { answer.done().map(drop) }
}
