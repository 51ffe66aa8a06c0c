//! A container's life: created, inspected, started, stopped, renamed, removed, changed in place.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::container::{Container, ContainerConfig, Resources, RestartPolicy, Status};
use crate::docker::call::{Answer, Call, EFFECT_LIMIT, READ_LIMIT, encoded};
use crate::docker::wire::{Ended, InspectedContainer, Made};
use crate::docker::{Docker, create, inspect, update};
use crate::error::HostError;

/// How long a container may take to stop where neither it nor the caller says.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// How long a container has to stay up to count as started well.
const MOMENT: Duration = Duration::from_millis(500);
/// Time between two looks at a container that another request removes.
const REMOVAL_INTERVAL: Duration = Duration::from_millis(100);

impl Docker {
    /// Creates a container without starting it; returns its id.
    ///
    /// # Errors
    /// [`HostError::Conflict`] when the name is taken, [`HostError::NotFound`] when the host lacks the image.
    pub(crate) async fn create_container(&self, name: &str, config: &ContainerConfig) -> Result<String, HostError> {
        let operation = format!("create container {name}");
        if config.env.keys().any(String::is_empty) {
            // The engine's own refusal would show the value.
            let message = "an environment variable has no name".to_owned();
            return Err(HostError::Engine { operation, message });
        }
        let call = Call::post(operation, format!("/containers/create?name={}", encoded(name)));
        let answer = self.send(call.body(&create::body(config))).await?;
        if !answer.is_done() && is_missing_image(&answer) {
            return Err(HostError::NotFound { what: format!("image {}", config.image) });
        }
        if !answer.is_done() && is_taken(&answer) {
            return Err(HostError::Conflict { what: format!("a container named {name}") });
        }
        Ok(answer.json::<Made>()?.id)
    }

    /// One container by id or name; none where there is no such container.
    pub(crate) async fn inspect_container(&self, container: &str) -> Result<Option<Container>, HostError> {
        Ok(self.inspected(container).await?.map(inspect::container))
    }

    /// The same as the engine shows it.
    pub(super) async fn inspected(&self, container: &str) -> Result<Option<InspectedContainer>, HostError> {
        let operation = format!("inspect container {}", shown(container));
        let answer = self.send(Call::get(operation, format!("/containers/{}/json", encoded(container)))).await?;
        if answer.is_not_found() { Ok(None) } else { answer.json().map(Some) }
    }

    /// Starts a container; one that runs is left alone.
    pub(crate) async fn start_container(&self, container: &str) -> Result<(), HostError> {
        let operation = format!("start container {}", shown(container));
        let call = Call::post(operation, format!("/containers/{}/start", encoded(container)));
        done(&self.send(call).await?, container)
    }

    /// Watches a container that was just started: what became of it where it did not stay up.
    ///
    /// # Errors
    /// [`HostError::NotFound`] when there is no such container.
    pub(crate) async fn early_end(&self, container: &str) -> Result<Option<Status>, HostError> {
        let operation = format!("wait for container {}", shown(container));
        let call = Call::post(operation, format!("/containers/{}/wait?condition=next-exit", encoded(container)));
        // It may have ended before the engine waits for that; then the look below tells.
        if let Ok(Ok(answer)) = timeout(MOMENT, self.send(call)).await
            && let Ok(Ended { status_code }) = answer.json()
        {
            return Ok(Some(Status::Exited(status_code)));
        }
        let found = self.inspected(container).await?.ok_or_else(|| missing(container))?;
        Ok(match inspect::status(&found.state) {
            Status::Running if found.restart_count == 0 => None,
            Status::Running => Some(Status::Restarting),
            Status::Restarting => Some(Status::Exited(found.state.exit_code)),
            status => Some(status),
        })
    }

    /// Stops a container, killing it after `grace`: its own stop grace period where none is given, whole seconds.
    pub(crate) async fn stop_container(&self, container: &str, grace: Option<Duration>) -> Result<(), HostError> {
        let operation = format!("stop container {}", shown(container));
        let path = format!("/containers/{}/stop", encoded(container));
        let (path, patience) = match grace {
            Some(grace) => (format!("{path}?t={}", grace.as_secs()), grace),
            None => {
                let found = self.inspect_container(container).await?.ok_or_else(|| missing(container))?;
                (path, found.config.stop_grace_period.map_or(DEFAULT_GRACE, Duration::from_secs))
            }
        };
        let call = Call::post(operation, path).limit(patience.saturating_add(READ_LIMIT));
        done(&self.send(call).await?, container)
    }

    /// Gives a container another name; the one it has is fine.
    ///
    /// # Errors
    /// [`HostError::Conflict`] when the name is taken.
    pub(crate) async fn rename_container(&self, container: &str, name: &str) -> Result<(), HostError> {
        let operation = format!("rename container {}", shown(container));
        let path = format!("/containers/{}/rename?name={}", encoded(container), encoded(name));
        let answer = self.send(Call::post(operation, path)).await?;
        let Err(refused) = done(&answer, container) else { return Ok(()) };
        if let HostError::NotFound { .. } = refused {
            return Err(refused);
        }
        let found = self.inspect_container(container).await?;
        match found {
            Some(found) if found.name == name => Ok(()),
            _ if is_taken(&answer) => Err(HostError::Conflict { what: format!("a container named {name}") }),
            _ => Err(refused),
        }
    }

    /// Removes a container, running or not, with its anonymous volumes; one that is gone is fine.
    pub(crate) async fn remove_container(&self, container: &str) -> Result<(), HostError> {
        let operation = format!("remove container {}", shown(container));
        let path = format!("/containers/{}?force=1&v=1", encoded(container));
        let answer = self.send(Call::delete(operation, path)).await?;
        if answer.is_done() || answer.is_not_found() {
            return Ok(());
        }
        if !answer.message().contains("already in progress") {
            return Err(answer.refusal());
        }
        let deadline = Instant::now() + EFFECT_LIMIT;
        while self.inspected(container).await?.is_some() {
            if Instant::now() >= deadline {
                return Err(answer.refusal());
            }
            sleep(REMOVAL_INTERVAL).await;
        }
        Ok(())
    }

    /// Changes limits and the restart policy in place.
    pub(crate) async fn update_container(
        &self,
        container: &str,
        resources: &Resources,
        restart: &RestartPolicy,
    ) -> Result<(), HostError> {
        let now = self.inspected(container).await?.ok_or_else(|| missing(container))?.host_config;
        let operation = format!("update container {}", shown(container));
        let call = Call::post(operation, format!("/containers/{}/update", encoded(container)));
        let answer = self.send(call.body(&update::body(&now, resources, restart))).await?;
        match done(&answer, container) {
            // The container is there: this was asked above.
            Err(HostError::Engine { operation, .. }) if answer.is_not_found() => {
                let message = "the engine cannot change limits or the restart policy of a container in place";
                Err(HostError::Engine { operation, message: message.to_owned() })
            }
            done => done,
        }
    }

    /// Sends a signal, by name as in `HUP`.
    pub(crate) async fn signal_container(&self, container: &str, signal: &str) -> Result<(), HostError> {
        let operation = format!("signal container {}", shown(container));
        let path = format!("/containers/{}/kill?signal={}", encoded(container), encoded(signal));
        done(&self.send(Call::post(operation, path)).await?, container)
    }
}

/// How a container is called in errors: an id by its beginning, as `docker ps` shows it.
pub(super) fn shown(container: &str) -> &str {
    let is_id = container.len() == 64 && container.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { &container[..12] } else { container }
}

/// The error for a container that is not there.
pub(super) fn missing(container: &str) -> HostError {
    HostError::NotFound { what: format!("container {}", shown(container)) }
}

/// What an answer about a container means. Not everything that is not found is the container: a network may be missing.
pub(super) fn done(answer: &Answer, container: &str) -> Result<(), HostError> {
    if answer.is_done() {
        Ok(())
    } else if answer.is_not_found() && answer.message().to_ascii_lowercase().contains("no such container") {
        Err(missing(container))
    } else {
        Err(answer.refusal())
    }
}

fn is_missing_image(answer: &Answer) -> bool {
    answer.is_not_found() && answer.message().to_ascii_lowercase().contains("no such image")
}

/// Both engines say so of a container's name, Podman not always with status 409.
fn is_taken(answer: &Answer) -> bool {
    answer.message().contains("already in use")
}
