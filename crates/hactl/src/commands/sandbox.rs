mod drift;
mod fault;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use hactl_core::Diagnostic;
use hactl_core::cluster::CLUSTER;
use hactl_effect::disk;
use hactl_sim::{ClusterView, FleetView, Sandbox};
use hactl_state::Store;

use crate::cli::Global;
use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;
use drift::{Drift, drift};
use fault::FaultKind;

/// Look at the simulated fleet, change it by hand, and make things go wrong in it
#[derive(Debug, Args)]
#[command(name = "sandbox", after_help = "Example:\n  hactl sandbox drift node1 stop web && hactl plan --sandbox")]
pub(crate) struct SandboxCommand {
    #[command(subcommand)]
    command: SandboxSubcommand,
}

#[derive(Debug, Subcommand)]
enum SandboxSubcommand {
    /// Print the fleet: hosts, containers, files, networks, volumes, Kubernetes objects, faults
    #[command(after_help = "Example:\n  hactl sandbox show --json | jq '.hosts.node1.containers'")]
    Show {
        /// Write JSON, with everything there is
        #[arg(long)]
        json: bool,
    },
    /// Forget the fleet and the state of this stack
    #[command(after_help = "Example:\n  hactl sandbox reset")]
    Reset,
    /// Change something on a host or the cluster by hand, past hactl
    #[command(after_help = "Example:\n  hactl sandbox drift node1 write /srv/site/index.html 'changed by hand'")]
    Drift {
        /// The host; kubernetes for the cluster
        #[arg(value_name = "NODE")]
        node: String,
        #[command(subcommand)]
        change: Drift,
    },
    /// Push another image to the registry under the tag of this one
    #[command(after_help = "Example:\n  hactl sandbox push nginx:1.27 && hactl plan --sandbox")]
    Push {
        /// The image with its tag
        #[arg(value_name = "IMAGE")]
        image: String,
    },
    /// Make something go wrong from now on
    #[command(after_help = "Example:\n  hactl sandbox fault pull-fails --node node2 --times 1")]
    Fault {
        /// What
        #[command(subcommand)]
        fault: FaultKind,
        /// Only on this host; kubernetes for the cluster
        #[arg(long, value_name = "NODE", global = true)]
        node: Option<String>,
        /// Let so many operations pass first
        #[arg(long, value_name = "N", default_value_t = 0, global = true)]
        skip: u32,
        /// Strike so often, then stop; without it, until cleared
        #[arg(long, value_name = "N", global = true)]
        times: Option<u32>,
    },
    /// Take faults back
    #[command(after_help = "Example:\n  hactl sandbox clear")]
    Clear {
        /// Only the one with this number
        #[arg(value_name = "NUMBER")]
        number: Option<u64>,
    },
}

impl SandboxCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let global = Global {
            sandbox: true,
            file: global.file.clone(),
            var: global.var.clone(),
            var_file: global.var_file.clone(),
            kubeconfig: None,
            color: global.color,
        };
        let (stack, directory) = session::identify(&global)?;
        if let SandboxSubcommand::Reset = self.command {
            return reset(&session::sandbox_directory(&directory, &stack), &stack);
        }
        let sandbox = &session::open_sandbox(&directory, &stack)?;
        match &self.command {
            SandboxSubcommand::Show { json: true } => {
                output.data(&pretty(&serde_json::to_value(sandbox.view()).unwrap_or_default()));
            }
            SandboxSubcommand::Show { json: false } => output.data(&table(&sandbox.view())),
            SandboxSubcommand::Drift { node, change } => {
                session::hidden_directory(&directory)?;
                drift(sandbox, node, change)?;
            }
            SandboxSubcommand::Push { image } => {
                session::hidden_directory(&directory)?;
                sandbox.push_image(image)?;
            }
            SandboxSubcommand::Fault { fault, node, skip, times } => {
                session::hidden_directory(&directory)?;
                let number = sandbox.inject(node.as_deref(), fault.fault()?, *skip, *times)?;
                output.message(&format!("Fault {number} waits. Take it back with `hactl sandbox clear {number}`.\n"));
            }
            SandboxSubcommand::Clear { number: Some(number) } => sandbox.clear_fault(*number)?,
            SandboxSubcommand::Clear { number: None } => sandbox.clear_faults()?,
            SandboxSubcommand::Reset => {}
        }
        Ok(0)
    }
}

/// Forgets the fleet and its state, unless a run is at work on them.
fn reset(place: &Path, stack: &str) -> Result<u8, Failure> {
    let state = place.join("state");
    if state.exists() {
        let _lock = Store::new(&state, stack).lock("sandbox reset", Duration::ZERO)?;
        disk::remove_tree(&state).map_err(|error| {
            Diagnostic::error(format!("{} cannot be removed: {error}", state.display()))
                .help("make it writable, or remove it by hand")
        })?;
    }
    Sandbox::reset(place)?;
    Ok(0)
}

/// The fleet for people: a block per host, and one for the cluster.
fn table(view: &FleetView) -> String {
    let mut text = String::new();
    if view.hosts.is_empty() && view.cluster.is_none() && view.faults.is_empty() {
        text.push_str("The fleet is as new: nothing was ever done on its hosts.\n");
    }
    for (name, host) in &view.hosts {
        let _ = writeln!(
            text,
            "{name}  {}, Docker {}",
            host.facts.os,
            host.facts.docker_version.as_deref().unwrap_or("absent")
        );
        for (name, container) in &host.containers {
            let _ = writeln!(text, "  container {name}  {}  {}", container.config.image, container.status);
        }
        for (path, file) in &host.files {
            let _ = writeln!(text, "  file {path}  {}  {}:{}  {} bytes", file.mode, file.owner, file.group, file.size);
        }
        for name in host.networks.keys() {
            let _ = writeln!(text, "  network {name}");
        }
        for name in host.volumes.keys() {
            let _ = writeln!(text, "  volume {name}");
        }
        for image in &host.images {
            let _ = writeln!(text, "  image {image}");
        }
    }
    if let Some(cluster) = &view.cluster {
        text.push_str(&cluster_table(cluster));
    }
    for fault in &view.faults {
        let place = fault.host.as_deref().unwrap_or("all hosts");
        let _ =
            writeln!(text, "fault {}  {place}  {}", fault.id, serde_json::to_string(&fault.fault).unwrap_or_default());
    }
    text
}

/// What every cluster has is left out.
fn cluster_table(cluster: &ClusterView) -> String {
    let mut text = format!("{CLUSTER}  {}\n", cluster.version);
    for (name, view) in cluster.objects.iter().filter(|(_, view)| !view.managers.is_empty()) {
        let deleted = if view.object.is_being_deleted() { "  being deleted" } else { "" };
        let ready = match view.ready {
            Some(true) => "  ready",
            Some(false) => "  not ready",
            None => "",
        };
        let _ = writeln!(text, "  object {name}  by {}{ready}{deleted}", view.managers.join(", "));
    }
    text
}
