use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use hactl_core::Diagnostic;
use hactl_host::{Resources, RestartPolicy};
use hactl_sim::{Fault, FleetView, Moment, Operation, Sandbox};
use hactl_state::Store;

use crate::cli::Global;
use crate::commands::show::pretty;
use crate::failure::Failure;
use crate::output::Output;
use crate::session;

/// Look at the simulated fleet, change it by hand, and make things go wrong in it
#[derive(Debug, Args)]
#[command(name = "sandbox", after_help = "Example:\n  hactl sandbox drift node1 stop web && hactl plan --sandbox")]
pub(crate) struct SandboxCommand {
    #[command(subcommand)]
    command: SandboxSubcommand,
}

#[derive(Debug, Subcommand)]
enum SandboxSubcommand {
    /// Print the fleet: hosts, containers, files, networks, volumes, faults
    #[command(after_help = "Example:\n  hactl sandbox show --json | jq '.hosts.node1.containers'")]
    Show {
        /// Write JSON, with everything there is
        #[arg(long)]
        json: bool,
    },
    /// Forget the fleet and the state of this stack
    #[command(after_help = "Example:\n  hactl sandbox reset")]
    Reset,
    /// Change something on a host by hand, past hactl
    #[command(after_help = "Example:\n  hactl sandbox drift node1 write /srv/site/index.html 'changed by hand'")]
    Drift {
        /// The host
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
        /// Only on this host
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

#[derive(Debug, Subcommand)]
enum Drift {
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
    /// Put another, empty machine in the host's place
    ReplaceMachine,
}

#[derive(Debug, Subcommand)]
enum FaultKind {
    /// The host does not answer
    HostDown,
    /// Every operation takes longer
    Latency {
        /// How much longer, in milliseconds
        #[arg(value_name = "MILLISECONDS")]
        milliseconds: u64,
    },
    /// The connection breaks after an operation took effect
    ConnectionLost {
        /// Which operation, as in start_container; every one that has an effect where left out
        #[arg(value_name = "OPERATION")]
        operation: Option<String>,
    },
    /// Docker Engine refuses an operation
    Refuse {
        /// Which operation, as in start_container
        #[arg(value_name = "OPERATION")]
        operation: String,
    },
    /// The registry does not have an image
    PullFails {
        /// The image with its tag; every image where left out
        #[arg(value_name = "IMAGE")]
        image: Option<String>,
    },
    /// A registry wants a login for its images
    RegistryNeedsLogin {
        /// The registry as in image names; docker.io for images without a host
        #[arg(value_name = "REGISTRY")]
        registry: String,
        /// The user it lets in
        #[arg(value_name = "USERNAME")]
        username: String,
        /// That user's password
        #[arg(value_name = "PASSWORD")]
        password: String,
    },
    /// The disk of the host is full
    DiskFull,
    /// A container ends as soon as it was started
    ContainerExits {
        /// The container's name
        #[arg(value_name = "CONTAINER")]
        container: String,
        /// Its exit code
        #[arg(value_name = "CODE", default_value_t = 1)]
        code: i64,
    },
    /// A container never becomes healthy
    Unhealthy {
        /// The container's name
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// A container has to be killed to stop
    IgnoresTerm {
        /// The container's name
        #[arg(value_name = "CONTAINER")]
        container: String,
    },
    /// hactl itself is killed at an operation
    Crash {
        /// Whether the operation still takes effect
        #[arg(value_enum, value_name = "WHEN", default_value_t = When::After)]
        when: When,
        /// Which operation, as in start_container; every one that has an effect where left out
        #[arg(value_name = "OPERATION")]
        operation: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    /// The operation has had no effect
    Before,
    /// The operation has taken effect
    After,
}

impl SandboxCommand {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        let global = Global {
            sandbox: true,
            file: global.file.clone(),
            var: global.var.clone(),
            var_file: global.var_file.clone(),
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
        std::fs::remove_dir_all(&state).map_err(|error| {
            Diagnostic::error(format!("{} cannot be removed: {error}", state.display()))
                .help("make it writable, or remove it by hand")
        })?;
    }
    Sandbox::reset(place)?;
    Ok(0)
}

fn drift(sandbox: &Sandbox, node: &str, change: &Drift) -> Result<(), Failure> {
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
    }
    Ok(())
}

impl FaultKind {
    fn fault(&self) -> Result<Fault, Failure> {
        let operation = |text: &String| {
            text.parse::<Operation>().map_err(|error| Failure::from(Diagnostic::error(error.to_string())))
        };
        Ok(match self {
            Self::HostDown => Fault::HostDown,
            Self::Latency { milliseconds } => Fault::Latency { ms: *milliseconds },
            Self::ConnectionLost { operation: name } => {
                Fault::ConnectionLost { operation: name.as_ref().map(operation).transpose()? }
            }
            Self::Refuse { operation: name } => Fault::Refuse { operation: operation(name)? },
            Self::PullFails { image } => Fault::PullFails { image: image.clone() },
            Self::RegistryNeedsLogin { registry, username, password } => Fault::RegistryNeedsLogin {
                registry: registry.clone(),
                username: username.clone(),
                password: password.clone(),
            },
            Self::DiskFull => Fault::DiskFull,
            Self::ContainerExits { container, code } => Fault::ContainerExits { name: container.clone(), code: *code },
            Self::Unhealthy { container } => Fault::Unhealthy { name: container.clone() },
            Self::IgnoresTerm { container } => Fault::IgnoresTerm { name: container.clone() },
            Self::Crash { when, operation: name } => Fault::Crash {
                operation: name.as_ref().map(operation).transpose()?,
                when: match when {
                    When::Before => Moment::Before,
                    When::After => Moment::After,
                },
            },
        })
    }
}

/// The fleet for people: a block per host.
fn table(view: &FleetView) -> String {
    let mut text = String::new();
    if view.hosts.is_empty() && view.faults.is_empty() {
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
    for fault in &view.faults {
        let place = fault.host.as_deref().unwrap_or("all hosts");
        let _ =
            writeln!(text, "fault {}  {place}  {}", fault.id, serde_json::to_string(&fault.fault).unwrap_or_default());
    }
    text
}
