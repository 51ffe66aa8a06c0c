//! Commands in containers, what containers printed, and the probes that need the engine.

use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::container::{ExecOutput, Health, Status};
use crate::docker::Docker;
use crate::docker::call::{Call, EFFECT_LIMIT, READ_LIMIT, encoded};
use crate::docker::containers::{done, missing, shown};
use crate::docker::streams::{Frames, Tail};
use crate::docker::wire::{InspectedExec, Made};
use crate::error::HostError;

/// How much of a command's output is kept, in bytes.
const OUTPUT: usize = 64 * 1024;
/// How much of a container's log is kept, in bytes.
const LOG: usize = 1024 * 1024;
/// Time between two looks at a command whose output has ended and whose exit code is not there yet.
const EXIT_INTERVAL: Duration = Duration::from_millis(10);

impl Docker {
    /// Runs a command in a running container and waits for it, at most 120 s.
    pub(crate) async fn exec(&self, container: &str, command: &[String]) -> Result<ExecOutput, HostError> {
        let operation = format!("exec {}", shown(container));
        let ended = timeout(EFFECT_LIMIT, self.run(container, command)).await;
        ended.unwrap_or_else(|_| {
            let seconds = EFFECT_LIMIT.as_secs();
            Err(HostError::Lost { operation: format!("{operation} (the command did not end within {seconds} s)") })
        })
    }

    async fn run(&self, container: &str, command: &[String]) -> Result<ExecOutput, HostError> {
        let operation = format!("exec {}", shown(container));
        // Its arguments are the user's, and may be sensitive.
        let program = command.first().and_then(|program| program.split_whitespace().next());
        tracing::debug!(container = shown(container), program, "running a command");
        let call = Call::post(&operation, format!("/containers/{}/exec", encoded(container)));
        let body = json!({"AttachStdout": true, "AttachStderr": true, "Cmd": command});
        let answer = self.send(call.body(&body)).await?;
        done(&answer, container)?;
        let id = answer.json::<Made>()?.id;

        let call = Call::post(&operation, format!("/exec/{id}/start"));
        let body = json!({"Detach": false, "Tty": false});
        let mut stream = self.client.open(call.body(&body)).await?.map_err(|answer| answer.refusal())?;
        let (mut frames, mut output) = (Frames::default(), Tail::of(OUTPUT));
        while let Some(bytes) = stream.next().await? {
            frames.feed(&bytes, |printed| output.push(printed));
        }

        // The output ends a moment before the engine knows the exit code, and also when the engine goes away.
        loop {
            let look = Call::get(&operation, format!("/exec/{id}/json"));
            let state = self.send(look).await.and_then(|answer| answer.json::<InspectedExec>());
            let state = state.map_err(|_| HostError::Lost { operation: operation.clone() })?;
            if let Some(code) = state.exit_code.filter(|_| !state.running) {
                tracing::debug!(container = shown(container), program, code, "command ended");
                return Ok(ExecOutput { code, output: output.text() });
            }
            sleep(EXIT_INTERVAL).await;
        }
    }

    /// The last lines a container printed, oldest first, at most `lines`.
    pub(crate) async fn container_logs(&self, container: &str, lines: usize) -> Result<Vec<String>, HostError> {
        let operation = format!("container logs {}", shown(container));
        let path = format!("/containers/{}/logs?stdout=1&stderr=1&tail={lines}", encoded(container));
        let (found, opened) =
            tokio::try_join!(self.inspected(container), self.client.open(Call::get(operation, path)))?;
        let framed = !found.ok_or_else(|| missing(container))?.config.tty;
        let mut stream = opened.map_err(|answer| answer.refusal())?;
        let (mut frames, mut log) = (Frames::default(), Tail::of(LOG));
        while let Some(bytes) = stream.next().await? {
            if framed {
                frames.feed(&bytes, |printed| log.push(printed));
            } else {
                log.push(&bytes);
            }
        }
        let text = log.text();
        let mut printed: Vec<String> = text.lines().map(str::to_owned).collect();
        printed.drain(..printed.len().saturating_sub(lines));
        Ok(printed)
    }

    /// Whether a container runs, and passes its healthcheck where it has one; else why not.
    pub(crate) async fn probe_container(&self, container: &str) -> Result<Result<(), String>, HostError> {
        let found = self.inspect_container(container).await?.ok_or_else(|| missing(container))?;
        Ok(match (found.status, found.health) {
            (Status::Running, None | Some(Health::Healthy)) => Ok(()),
            (Status::Running, Some(Health::Starting)) => Err("the container is starting".to_owned()),
            (Status::Running, Some(Health::Unhealthy)) => Err("the container is unhealthy".to_owned()),
            (status, _) => Err(format!("the container is {status}")),
        })
    }

    /// Whether a command in a container exits with 0 within 30 s; else why not.
    pub(crate) async fn probe_exec(
        &self,
        container: &str,
        command: &[String],
    ) -> Result<Result<(), String>, HostError> {
        let Ok(ended) = timeout(READ_LIMIT, self.run(container, command)).await else {
            return Ok(Err(format!("the command did not end within {} s", READ_LIMIT.as_secs())));
        };
        match ended {
            Ok(ExecOutput { code: 0, .. }) => Ok(Ok(())),
            Ok(ExecOutput { code, .. }) => Ok(Err(format!("the command exited with code {code}"))),
            // A container that does not run refuses commands; that is an answer.
            Err(HostError::Engine { operation, message }) => {
                let found = self.inspect_container(container).await?.ok_or_else(|| missing(container))?;
                match found.status {
                    Status::Running => Err(HostError::Engine { operation, message }),
                    status => Ok(Err(format!("the container is {status}"))),
                }
            }
            Err(error) => Err(error),
        }
    }
}
