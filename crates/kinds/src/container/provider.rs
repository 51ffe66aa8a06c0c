//! Making, changing and removing containers.
//!
//! Every operation may be the second try of one that was cut short, so each looks at what is there before it acts and
//! touches only containers that carry this resource's labels.

use std::time::Duration;

use hactl_core::plan::Operation;
use hactl_core::state::ResourceState;
use hactl_core::value::{Map, Value};
use hactl_engine::{Job, StepError};
use hactl_host::{Container, Host, HostError, Probe, Resources, Status, labels};
use tokio::time::{Instant, sleep};

use crate::container::config::{Made, made};
use crate::container::observe::{is_this, milli_cpus};
use crate::container::spec::{HealthSpec, OnFileChange, PullPolicy, Reload};
use crate::formats::{duration, restart, size};
use crate::logins::Logins;
use crate::target::failed;

/// How long to wait for health where the spec does not say.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two tries where the spec does not say.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);
/// How many of a container's last lines are shown when it fails.
const LOG_LINES: usize = 10;

/// Does one step of a container; images are pulled with the credentials for their registry.
pub(crate) async fn execute(host: &dyn Host, job: &Job<'_>, logins: &Logins) -> Result<Map, StepError> {
    match job.operation {
        Operation::Create => create(host, job, logins).await,
        Operation::Swap => swap(host, job, logins).await,
        Operation::Adopt => adopt(host, job).await.map(|()| Map::new()),
        Operation::Update => update(host, job).await.map(|()| Map::new()),
        Operation::Gate => gate(host, job).await.map(|()| Map::new()),
        Operation::Settle => settle(host, job).await.map(|()| Map::new()),
        Operation::Restore => put_back(host, job).await.map(|()| Map::new()),
        Operation::Delete => delete(host, job).await.map(|()| Map::new()),
        Operation::Forget | Operation::Record => Ok(Map::new()),
    }
}

fn wanted(job: &Job<'_>) -> Result<Made, StepError> {
    let spec = job.spec.ok_or_else(|| StepError::new("the plan holds no spec for it"))?;
    made(spec, job).map_err(StepError::new)
}

async fn create(host: &dyn Host, job: &Job<'_>, logins: &Logins) -> Result<Map, StepError> {
    let new = wanted(job)?;
    if always_pulls(&new) {
        pull(host, &new, job, logins).await?;
    }
    start_new(host, &new, job, logins).await
}

/// Whether only a pull tells which image the container is made from. A digest tells it as well.
fn always_pulls(new: &Made) -> bool {
    new.pull == PullPolicy::Always && !new.config.image.contains('@')
}

/// Creates and starts a container; pulls its image when the host turns out not to have it.
async fn start_new(host: &dyn Host, new: &Made, job: &Job<'_>, logins: &Logins) -> Result<Map, StepError> {
    let mut pulled = false;
    let mut cleared = false;
    let id = loop {
        match host.create_container(&new.name, &new.config).await {
            Ok(id) => break id,
            Err(HostError::NotFound { what }) if !pulled && what.contains("image") => {
                if new.pull == PullPolicy::Never {
                    return Err(StepError {
                        help: Some("load the image on the host, or leave `pull: never` out".to_owned()),
                        ..StepError::new(format!("the host has no image {}", new.config.image))
                    });
                }
                pull(host, new, job, logins).await?;
                pulled = true;
            }
            Err(HostError::Conflict { what }) if !cleared => {
                let left = host.inspect_container(&new.name).await.map_err(failed)?;
                match left {
                    Some(left) if is_own(&left, job) && !is_current(&left, job) => {
                        host.remove_container(&left.id).await.map_err(failed)?;
                    }
                    _ => return Err(failed(HostError::Conflict { what })),
                }
                cleared = true;
            }
            Err(error) => return Err(failed(error)),
        }
    };
    start(host, &id).await?;
    Ok(Map::from([("id".to_owned(), Value::from(id))]))
}

/// Starts a container that is to stay up.
async fn start(host: &dyn Host, id: &str) -> Result<(), StepError> {
    host.start_container(id).await.map_err(failed)?;
    match host.early_end(id).await.map_err(failed)? {
        None => Ok(()),
        Some(status) => Err(not_running(host, id, &status).await),
    }
}

/// What a container printed last, for an error; empty where it printed nothing.
async fn last_lines(host: &dyn Host, container: &str) -> String {
    let lines = host.container_logs(container, LOG_LINES).await.unwrap_or_default();
    if lines.is_empty() { String::new() } else { format!("its last lines:\n{}", lines.join("\n")) }
}

async fn not_running(host: &dyn Host, id: &str, status: &Status) -> StepError {
    StepError {
        detail: last_lines(host, id).await,
        help: Some("look at its output with `docker logs`, mend the config or the image, and apply again".to_owned()),
        ..StepError::new(format!("the container did not stay up: {status}"))
    }
}

async fn pull(host: &dyn Host, new: &Made, job: &Job<'_>, logins: &Logins) -> Result<(), StepError> {
    (job.progress)(&format!("pulling {}", new.config.image));
    host.pull_image(&new.config.image, logins.of_image(&new.config.image), job.progress).await.map_err(failed)
}

/// The end of the name of a container that waits while the new one proves itself.
pub(super) const ASIDE: &str = "--old";

/// Where the old container waits while the new one proves itself.
pub(crate) fn aside(name: &str) -> String {
    format!("{name}{ASIDE}")
}

fn name_in(state: Option<&ResourceState>) -> Option<&str> {
    state?.spec.get("name")?.as_str()
}

/// Whether it is this resource's. The address in its label is the one that it was made under, which may be another
/// resource's by now: it counts only where the creation is one that state does not hold. One that was adopted is known by
/// what state holds of it.
fn is_own(container: &Container, job: &Job<'_>) -> bool {
    let previous = job.state.and_then(|state| state.previous.as_deref());
    if job.state.into_iter().chain(previous).any(|known| is_this(container, known)) {
        return true;
    }
    if container.label(labels::LINEAGE) != Some(job.lineage) {
        return false;
    }
    let generation = container.label(labels::SPEC).unwrap_or_default();
    job.generation == generation
        || (!job.held.contains(generation) && container.label(labels::ADDRESS) == Some(job.address.as_str()))
}

/// Whether it is the one that state holds.
fn is_current(container: &Container, job: &Job<'_>) -> bool {
    job.state.is_some_and(|known| is_this(container, known))
}

/// Nothing of a container can be marked while it exists: it is the stack's because state holds its id.
async fn adopt(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let id = job.adopts.map(|adopted| adopted.id.as_str()).unwrap_or_default();
    match host.inspect_container(id).await.map_err(failed)? {
        Some(container) if container.id == id => Ok(()),
        _ => Err(StepError {
            help: Some("make a new plan, which looks at what is there now".to_owned()),
            ..StepError::new("the container that was to be adopted is no longer there")
        }),
    }
}

/// The first container under these names that is this resource's own and passes the test.
async fn find(
    host: &dyn Host,
    job: &Job<'_>,
    names: &[&str],
    test: impl Fn(&Container) -> bool,
) -> Result<Option<Container>, StepError> {
    for name in names {
        if let Some(container) = host.inspect_container(name).await.map_err(failed)?
            && is_own(&container, job)
            && test(&container)
        {
            return Ok(Some(container));
        }
    }
    Ok(None)
}

/// Puts a new container in the place of the old one, which is stopped and kept under another name.
async fn swap(host: &dyn Host, job: &Job<'_>, logins: &Logins) -> Result<Map, StepError> {
    let new = wanted(job)?;
    let here = !always_pulls(&new) && host.has_image(&new.config.image).await.map_err(failed)?;
    if !here && new.pull != PullPolicy::Never {
        // Before the old one stops, so that a slow or failing pull costs nobody anything.
        pull(host, &new, job, logins).await?;
    }
    let old_name = name_in(job.state).unwrap_or(&new.name);
    let kept = aside(old_name);
    let id = job.state.and_then(|state| state.outputs.get("id")).and_then(Value::as_str).unwrap_or(old_name);
    let old = find(host, job, &[id, old_name, &kept], |container| is_current(container, job)).await?;
    if let Some(old) = old {
        (job.progress)("stopping the old container");
        host.stop_container(&old.id, None).await.map_err(failed)?;
        if old.name != kept {
            if let Some(stale) = find(host, job, &[&kept], |container| !is_current(container, job)).await? {
                host.remove_container(&stale.id).await.map_err(failed)?;
            }
            host.rename_container(&old.id, &kept).await.map_err(failed)?;
        }
    }
    (job.progress)("starting the new container");
    start_new(host, &new, job, logins).await
}

/// Removes what a swap kept, now that the new one is well.
async fn settle(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let previous = job.state.and_then(|state| state.previous.as_deref());
    let names: Vec<String> = [name_in(previous), name_in(job.state)].into_iter().flatten().map(aside).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Some(old) = find(host, job, &names, |container| !is_current(container, job)).await? {
        host.remove_container(&old.id).await.map_err(failed)?;
    }
    Ok(())
}

/// Puts the old container back after a swap that failed.
async fn put_back(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let state = job.state.ok_or_else(|| StepError::new("state does not hold what was there before"))?;
    let old = state.previous.as_deref().unwrap_or(state);
    let old_name = name_in(Some(old)).ok_or_else(|| StepError::new("state does not hold the old container's name"))?;
    let is_old = |container: &Container| is_this(container, old);
    let kept = aside(old_name);
    let Some(found) = find(host, job, &[&kept, old_name], is_old).await? else {
        return Err(StepError {
            help: Some("run `hactl apply` again: it makes what is missing".to_owned()),
            ..StepError::new(format!("the old container {old_name} is gone"))
        });
    };
    (job.progress)("putting the old container back");
    if found.name != old_name {
        let new_name = name_in(Some(state)).unwrap_or(old_name);
        if let Some(new) = find(host, job, &[old_name, new_name], |container| !is_old(container)).await? {
            host.remove_container(&new.id).await.map_err(failed)?;
        }
        host.rename_container(&found.id, old_name).await.map_err(failed)?;
    }
    start(host, &found.id).await
}

async fn delete(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let name = name_in(job.state).unwrap_or_default();
    let kept = aside(name);
    let id = job.state.and_then(|state| state.outputs.get("id")).and_then(Value::as_str).unwrap_or(name);
    let mut names = vec![id, name, &kept];
    names.dedup();
    // What an interrupted replacement left goes as well.
    while let Some(container) = find(host, job, &names, |_| true).await? {
        (job.progress)("stopping the container");
        host.stop_container(&container.id, None).await.map_err(failed)?;
        host.remove_container(&container.id).await.map_err(failed)?;
    }
    Ok(())
}

async fn update(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let new = wanted(job)?;
    let old_name = name_in(job.state).unwrap_or(&new.name);
    let id = job.state.and_then(|state| state.outputs.get("id")).and_then(Value::as_str).unwrap_or(old_name);
    let names = [id, &new.name, old_name, &aside(old_name)];
    let container = find(host, job, &names, |container| is_current(container, job)).await?;
    let container = container.ok_or_else(|| StepError {
        help: Some("run `hactl apply` again: it looks at the host first".to_owned()),
        ..StepError::new("the container is no longer there")
    })?;
    if container.name != new.name {
        if let Some(stale) = find(host, job, &[&new.name], |container| !is_current(container, job)).await? {
            host.remove_container(&stale.id).await.map_err(failed)?;
        }
        host.rename_container(&container.id, &new.name).await.map_err(failed)?;
    }
    let resources = Resources {
        milli_cpus: milli_cpus(job.spec.and_then(|spec| spec.get("cpus"))),
        memory: text(job.spec, "memory").and_then(|text| size(text).ok()),
    };
    let policy = text(job.spec, "restart").and_then(|text| restart(text).ok()).unwrap_or_default();
    if container.config.resources != resources || container.config.restart != policy {
        host.update_container(&container.id, &resources, &policy).await.map_err(failed)?;
    }
    if container.status != Status::Running {
        return start(host, &container.id).await;
    }
    if job.notified {
        tell(host, job, &new, &container.id).await?;
    }
    Ok(())
}

/// Lets a container know that a file it uses has changed.
async fn tell(host: &dyn Host, job: &Job<'_>, new: &Made, id: &str) -> Result<(), StepError> {
    match &new.on_file_change {
        OnFileChange::Ignore => Ok(()),
        OnFileChange::Restart => {
            (job.progress)("restarting");
            host.stop_container(id, None).await.map_err(failed)?;
            start(host, id).await
        }
        OnFileChange::Reload(Reload::Signal(signal)) => host.signal_container(id, signal).await.map_err(failed),
        OnFileChange::Reload(Reload::Exec(command)) => {
            let output = host.exec(id, command).await.map_err(failed)?;
            if output.code == 0 {
                return Ok(());
            }
            Err(StepError {
                detail: output.output,
                ..StepError::new(format!("`{}` in the container exited with {}", command.join(" "), output.code))
            })
        }
    }
}

fn text<'a>(spec: Option<&'a Value>, key: &str) -> Option<&'a str> {
    spec?.get(key)?.as_str()
}

/// Waits until the container is healthy.
async fn gate(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let new = wanted(job)?;
    let container = new.name.clone();
    let (probe, timeout, interval) = match &new.health {
        None => (Probe::Container { container }, HEALTH_TIMEOUT, HEALTH_INTERVAL),
        Some(health) => (
            probe(health, container),
            health.timeout.as_deref().and_then(|text| duration(text).ok()).unwrap_or(HEALTH_TIMEOUT),
            health.interval.as_deref().and_then(|text| duration(text).ok()).unwrap_or(HEALTH_INTERVAL),
        ),
    };
    let deadline = Instant::now() + timeout;
    let mut told = String::new();
    loop {
        let why = match host.probe(&probe).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => why,
            // A question changes nothing: a host or engine that comes back within the time can still answer it.
            Err(
                error @ (HostError::Unreachable { .. } | HostError::EngineUnusable { .. } | HostError::Lost { .. }),
            ) => error.to_string(),
            Err(error) => return Err(failed(error)),
        };
        if why != told {
            (job.progress)(&format!("not healthy yet: {why}"));
            told.clone_from(&why);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StepError {
                detail: last_lines(host, &new.name).await,
                help: Some("look at the container's output, or give it more time with `health.timeout`".to_owned()),
                ..StepError::new(format!("not healthy after {} s: {why}", timeout.as_secs_f64()))
            });
        }
        sleep(interval.min(left)).await;
    }
}

fn probe(health: &HealthSpec, container: String) -> Probe {
    match health {
        HealthSpec { http: Some(http), .. } => {
            Probe::Http { port: http.port, path: http.path.clone().unwrap_or_else(|| "/".to_owned()) }
        }
        HealthSpec { tcp: Some(tcp), .. } => Probe::Tcp { port: tcp.port },
        HealthSpec { exec: Some(command), .. } => Probe::Exec { container, command: command.clone() },
        HealthSpec { .. } => Probe::Container { container },
    }
}
