//! What containers answer: commands, logs and health.

use hactl_host::{Container, ExecOutput, Probe, Status};

use crate::faults::{Fault, Operation};
use crate::lifecycle::{find, running};
use crate::machine::Machine;
use crate::scene::{Decision, Scene, unchanged};

/// `false` ends with 1 and `echo` prints its arguments; every other command ends with 0 and prints nothing.
pub(crate) fn exec(scene: &Scene<'_>, container: &str, command: &[String]) -> Decision<ExecOutput> {
    let container = running(scene, container, Operation::Exec)?;
    if command.is_empty() {
        return Err(Scene::refusal(Operation::Exec, &container.name, "No exec command specified"));
    }
    let output = match command {
        [echo, words @ ..] if echo == "echo" => format!("{}\n", words.join(" ")),
        _ => String::new(),
    };
    unchanged(ExecOutput { code: exit_code(command), output })
}

/// A container that was started has printed that it is ready, one that failed with which code it ended.
pub(crate) fn logs(scene: &Scene<'_>, container: &str, lines: usize) -> Decision<Vec<String>> {
    let container = find(scene.machine, container)?;
    let starting = format!("starting {}", container.config.image);
    let mut printed = match container.status {
        Status::Created => Vec::new(),
        Status::Exited(0) => vec![starting, "ready".to_owned(), "stopped".to_owned()],
        Status::Exited(code) => vec![starting, format!("fatal: exiting with code {code}")],
        _ => vec![starting, "ready".to_owned()],
    };
    printed.drain(..printed.len().saturating_sub(lines));
    unchanged(printed)
}

/// In the words of a host reached over SSH, where a port that nobody listens on is a connection that closes at once. A
/// host port answers when a running container publishes it towards 127.0.0.1. What containers on the host's network
/// listen on is not known to the sandbox, so that any of them answers on every other port.
pub(crate) fn probe(scene: &Scene<'_>, probe: &Probe) -> Decision<Result<(), String>> {
    let failing = scene.struck(|fault| matches!(fault, Fault::Unhealthy { .. }));
    unchanged(match probe {
        Probe::Container { container } => {
            let container = find(scene.machine, container)?;
            if container.status != Status::Running {
                Err(format!("the container is {}", container.status))
            } else if failing {
                Err("the container is unhealthy".to_owned())
            } else {
                Ok(())
            }
        }
        Probe::Exec { container, command } => {
            let container = find(scene.machine, container)?;
            if container.status != Status::Running {
                Err(format!("the container is {}", container.status))
            } else if failing || exit_code(command) != 0 {
                Err("the command exited with code 1".to_owned())
            } else {
                Ok(())
            }
        }
        Probe::Http { port, path } => {
            let url = format!("http://127.0.0.1:{port}{path}");
            if answering(scene.machine, probe).is_empty() {
                Err(format!("{url}: the connection was closed"))
            } else if failing {
                Err(format!("{url} answers 503 Service Unavailable"))
            } else {
                Ok(())
            }
        }
        Probe::Tcp { port } if failing || answering(scene.machine, probe).is_empty() => {
            Err(format!("port {port} closes connections at once"))
        }
        Probe::Tcp { .. } => Ok(()),
    })
}

fn exit_code(command: &[String]) -> i64 {
    i64::from(command.first().is_some_and(|program| program == "false"))
}

/// The containers that a probe reaches.
pub(crate) fn answering<'a>(machine: &'a Machine, probe: &Probe) -> Vec<&'a Container> {
    match probe {
        Probe::Container { container } | Probe::Exec { container, .. } => {
            machine.containers.find(container).into_iter().collect()
        }
        Probe::Http { port, .. } | Probe::Tcp { port } => {
            match machine.containers.holder(Some("127.0.0.1"), *port, "tcp") {
                Some(container) => vec![container],
                None => machine.containers.on_host_network().collect(),
            }
        }
    }
}
