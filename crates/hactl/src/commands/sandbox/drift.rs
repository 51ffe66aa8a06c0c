//! What somebody does by hand, past hactl.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use hactl_config::SourceMap;
use hactl_core::Diagnostic;
use hactl_core::cluster::CLUSTER;
use hactl_host::{Resources, RestartPolicy};
use hactl_sim::Sandbox;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Drift {
    /// Stop a container
    Stop {
        /// The container's name on the host
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// Start a container
    Start {
        /// The container's name on the host
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// Remove a container
    Remove {
        /// The container's name on the host
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// Give a container another name
    Rename {
        /// The container's name on the host
        #[arg(value_name = "CONTAINER")]
        container: String,
        /// Its new name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Change the limits or the restart policy of a container
    Update {
        /// The container's name on the host
        #[arg(value_name = "CONTAINER")]
        container: String,
        /// The most processors it may use
        #[arg(long, value_name = "NUMBER")]
        cpus: Option<f64>,
        /// The most memory it may use, in MiB
        #[arg(long, value_name = "MIB")]
        memory: Option<u64>,
        /// no, always, unless-stopped or on-failure
        #[arg(long, value_name = "POLICY")]
        restart: Option<String>,
    },
    /// Run a container that hactl knows nothing of
    Run {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its image, with a tag
        #[arg(value_name = "IMAGE")]
        image: String,
        /// A published port, HOST:CONTAINER; can be given several times
        #[arg(long, value_name = "PORT")]
        port: Vec<String>,
    },
    /// Write a file
    Write {
        /// Its absolute path on the host; missing directories are made
        #[arg(value_name = "PATH")]
        path: String,
        /// Its new content
        #[arg(value_name = "CONTENT")]
        content: String,
    },
    /// Change the mode of a file
    Chmod {
        /// Its absolute path on the host
        #[arg(value_name = "PATH")]
        path: String,
        /// Permission bits in octal, as in 0600
        #[arg(value_name = "MODE")]
        mode: String,
    },
    /// Change the owner of a file
    Chown {
        /// Its absolute path on the host
        #[arg(value_name = "PATH")]
        path: String,
        /// The name or number of a user
        #[arg(value_name = "OWNER")]
        owner: String,
    },
    /// Remove a file
    RemoveFile {
        /// Its absolute path on the host
        #[arg(value_name = "PATH")]
        path: String,
    },
    /// Remove a network
    RemoveNetwork {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove a volume
    RemoveVolume {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove hactl's own inventory of the host
    RemoveInventory,
    /// Set the clock of the host
    #[command(allow_negative_numbers = true)]
    Clock {
        /// So many seconds ahead; behind where negative
        #[arg(value_name = "SECONDS")]
        seconds: i64,
    },
    /// Put another, empty machine in the host's place; on kubernetes, another cluster
    ReplaceMachine,
    /// Create a Kubernetes object that hactl knows nothing of
    #[command(after_help = "Example:\n  hactl sandbox drift kubernetes create-object Deployment/cattle-system/agent")]
    CreateObject {
        /// KIND/NAMESPACE/NAME, or KIND/NAME where it is in no namespace; it gets no more than its kind needs
        #[arg(value_name = "OBJECT", required_unless_present = "manifest")]
        object: Option<String>,
        /// The object is in this file
        #[arg(long, value_name = "FILE", conflicts_with = "object")]
        manifest: Option<PathBuf>,
    },
    /// Delete a Kubernetes object
    DeleteObject {
        /// KIND/NAMESPACE/NAME, or KIND/NAME where it is in no namespace
        #[arg(value_name = "OBJECT")]
        object: String,
    },
    /// Change fields of a Kubernetes object, as `kubectl patch` does
    #[command(
        after_help = "Example:\n  hactl sandbox drift kubernetes patch-object Deployment/shop/web '{spec: {replicas: 5}}'"
    )]
    PatchObject {
        /// KIND/NAMESPACE/NAME, or KIND/NAME where it is in no namespace
        #[arg(value_name = "OBJECT")]
        object: String,
        /// What changes, in YAML or JSON; what is null goes
        #[arg(value_name = "PATCH")]
        patch: String,
        /// The field manager that owns it from then on
        #[arg(long, value_name = "NAME", default_value = "kubectl-edit")]
        manager: String,
    },
    /// Add a finalizer to a Kubernetes object, so that it cannot be deleted
    AddFinalizer {
        /// KIND/NAMESPACE/NAME, or KIND/NAME where it is in no namespace
        #[arg(value_name = "OBJECT")]
        object: String,
        /// Its name, as in shop.example.com/cleanup
        #[arg(value_name = "FINALIZER")]
        finalizer: String,
    },
    /// Remove a finalizer of a Kubernetes object
    RemoveFinalizer {
        /// KIND/NAMESPACE/NAME, or KIND/NAME where it is in no namespace
        #[arg(value_name = "OBJECT")]
        object: String,
        /// Its name
        #[arg(value_name = "FINALIZER")]
        finalizer: String,
    },
}

/// Makes a change on a host, or on the cluster where the host is called `kubernetes`.
pub(super) fn drift(sandbox: &Sandbox, node: &str, change: &Drift) -> Result<(), Failure> {
    if node != CLUSTER {
        return drift_host(sandbox, node, change);
    }
    match change {
        Drift::ReplaceMachine => sandbox.replace_cluster()?,
        Drift::CreateObject { object: Some(object), .. } => sandbox.create_minimal_object(object)?,
        Drift::CreateObject { object: None, manifest } => {
            let path = manifest.as_deref().unwrap_or(Path::new(""));
            let text = std::fs::read_to_string(path).map_err(|error| {
                let failed = Diagnostic::error(format!("{} cannot be read: {error}", path.display()));
                Failure::from(failed.help("name a file with one Kubernetes object in YAML or JSON"))
            })?;
            sandbox.create_object(&parse(path, text)?)?;
        }
        Drift::DeleteObject { object } => sandbox.delete_object(object)?,
        Drift::PatchObject { object, patch, manager } => {
            sandbox.patch_object(object, &parse(Path::new("the patch"), patch.clone())?, manager)?;
        }
        Drift::AddFinalizer { object, finalizer } => sandbox.set_finalizer(object, finalizer, true)?,
        Drift::RemoveFinalizer { object, finalizer } => sandbox.set_finalizer(object, finalizer, false)?,
        _ => {
            let wrong = Diagnostic::error(format!("`{CLUSTER}` is the cluster, and this is a change of a host"));
            return Err(wrong.help("name a node; changes of the cluster end in -object or -finalizer").into());
        }
    }
    Ok(())
}

fn drift_host(sandbox: &Sandbox, node: &str, change: &Drift) -> Result<(), Failure> {
    match change {
        Drift::Stop { container } => sandbox.stop_container(node, container)?,
        Drift::Start { container } => sandbox.start_container(node, container)?,
        Drift::Remove { container } => sandbox.remove_container(node, container)?,
        Drift::Rename { container, name } => sandbox.rename_container(node, container, name)?,
        Drift::Update { container, cpus, memory, restart } => {
            let resources = (cpus.is_some() || memory.is_some()).then(|| Resources {
                milli_cpus: cpus.map(|cpus| (cpus * 1000.0).round() as u64),
                memory: memory.map(|mebibytes| mebibytes << 20),
            });
            let policy = restart.as_ref().map(|name| RestartPolicy { name: name.clone(), retries: 0 });
            sandbox.update_container(node, container, resources, policy)?;
        }
        Drift::Run { name, image, port } => {
            let ports = port
                .iter()
                .map(|text| hactl_kinds::parse_port(text))
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::from(Diagnostic::error(error)))?;
            sandbox.run_container(node, name, image, ports)?;
        }
        Drift::Write { path, content } => sandbox.write_file(node, path, content.as_bytes())?,
        Drift::Chmod { path, mode } => sandbox.change_file(node, path, Some(mode), None, None)?,
        Drift::Chown { path, owner } => sandbox.change_file(node, path, None, Some(owner), None)?,
        Drift::RemoveFile { path } => sandbox.remove_file(node, path)?,
        Drift::RemoveNetwork { name } => sandbox.remove_network(node, name)?,
        Drift::RemoveVolume { name } => sandbox.remove_volume(node, name)?,
        Drift::RemoveInventory => sandbox.remove_inventory(node, None)?,
        Drift::Clock { seconds } => sandbox.set_clock(node, *seconds)?,
        Drift::ReplaceMachine => sandbox.replace_machine(node)?,
        Drift::CreateObject { .. }
        | Drift::DeleteObject { .. }
        | Drift::PatchObject { .. }
        | Drift::AddFinalizer { .. }
        | Drift::RemoveFinalizer { .. } => {
            let wrong = Diagnostic::error(format!("objects are on the cluster, not on node {node}"));
            return Err(wrong.help(format!("run `hactl sandbox drift {CLUSTER} …`")).into());
        }
    }
    Ok(())
}

/// Reads YAML or JSON as whatever is wanted.
fn parse<T: DeserializeOwned>(path: &Path, text: String) -> Result<T, Failure> {
    let mut sources = SourceMap::new();
    let source = sources.add(path, text);
    let node = hactl_config::yaml::parse(&sources, source).map_err(|mistakes| Failure::of(&sources, mistakes))?;
    let read = serde_json::to_value(node.to_value()).and_then(serde_json::from_value);
    read.map_err(|error| Failure::of(&sources, vec![Diagnostic::error(error.to_string()).at(node.span)]))
}
