//! A session: one stack, the world it lives in, and what is needed to act on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hactl_config::{Config, LoadFailure, VariableInputs};
use hactl_core::cluster::Via;
use hactl_core::node::Connection;
use hactl_core::state::State;
use hactl_core::value::Map;
use hactl_core::{Diagnostic, Digest, DigestKey};
use hactl_effect::disk::{self, Access};
use hactl_effect::{durable, trouble};
use hactl_host::{Fleet, HostError, LinuxFleet};
use hactl_kinds::{Hosts, Maker, SECTIONS};
use hactl_kube::{Clusters, KubeClusters, Stream, Tunnel};
use hactl_pki::Entropy;
use hactl_sim::Sandbox;
use hactl_state::encryption::IdentityPath;
use hactl_state::{Loaded, Store, World};
use jiff::Timestamp;

use crate::cli::Global;
use crate::failure::Failure;

/// The environment variable that names an ssh configuration file to read in place of the user's own, as `ssh -F` does.
const SSH_CONFIG: &str = "HACTL_SSH_CONFIG";
/// The environment variable that seeds a new sandbox; 0 where it is not set.
const SEED: &str = "HACTL_SANDBOX_SEED";
/// The environment variable that says what time it is in the sandbox; the time as it is where it is not set.
const TIME: &str = "HACTL_SANDBOX_TIME";

/// One stack, ready to be planned for and applied to.
pub(crate) struct Session {
    pub(crate) world: World,
    pub(crate) directory: PathBuf,
    pub(crate) store: Store,
    /// The time of this run.
    pub(crate) now: Timestamp,
    fleet: Arc<dyn Fleet>,
    clusters: Arc<dyn Clusters>,
    seed: u64,
    /// Where the files are that the config names, if not beside it: those of an older revision.
    sources: Option<PathBuf>,
}

/// Where the variables of a run come from.
pub(crate) fn variable_inputs(global: &Global) -> VariableInputs {
    VariableInputs {
        assignments: global.var.clone(),
        files: global.var_file.clone(),
        environment: environment(),
        optional: false,
        values: Map::new(),
        kubeconfig: global.kubeconfig.clone(),
        sandbox: global.sandbox,
    }
}

/// The environment of this process, as far as it is text.
pub(crate) fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Loads the config that the options name.
pub(crate) fn load_config(global: &Global) -> Result<Config, Failure> {
    load(&global.file, &variable_inputs(global))
}

/// Loads the config that a session was opened for: where the options name none here, the one of that name in its directory.
pub(crate) fn load_config_of(global: &Global, session: &Session) -> Result<Config, Failure> {
    let beside = session.directory.join(&global.file);
    if global.file.exists() || !beside.exists() {
        return load_config(global);
    }
    load(&beside, &variable_inputs(global))
}

/// Loads the config that the options name to check it: variables need no values for that.
pub(crate) fn load_to_check(global: &Global) -> Result<Config, Failure> {
    load(&global.file, &VariableInputs { optional: true, ..variable_inputs(global) })
}

/// Loads the config at a path.
pub(crate) fn load(path: &Path, inputs: &VariableInputs) -> Result<Config, Failure> {
    let loaded = hactl_config::load(path, SECTIONS, inputs);
    tracing::debug!(path = %path.display(), valid = loaded.is_ok(), "config read");
    loaded.map_err(|failure| hactl_kinds::all_mistakes(failure).into())
}

/// The name and directory of the stack that the options name: all that it takes to read what was applied.
///
/// A config that is wrong elsewhere, or whose variables have no values, still tells them.
pub(crate) fn identify(global: &Global) -> Result<(String, PathBuf), Failure> {
    load_as_it_is(global).map(|config| (config.name, config.directory))
}

/// Loads the config that the options name as far as it can be read: what it is called, and how it is kept in git.
pub(crate) fn load_as_it_is(global: &Global) -> Result<Config, Failure> {
    match hactl_config::load(&global.file, SECTIONS, &variable_inputs(global)) {
        Ok(config) => Ok(config),
        Err(LoadFailure { partial: Some(config), .. }) if hactl_config::is_stack_name(&config.name) => Ok(*config),
        Err(failure) => Err(failure.into()),
    }
}

/// Where the sandbox of a stack lies, beside its config.
pub(crate) fn sandbox_directory(directory: &Path, stack: &str) -> PathBuf {
    directory.join(".hactl").join("sandbox").join(stack)
}

/// Opens the sandbox of a stack.
pub(crate) fn open_sandbox(directory: &Path, stack: &str) -> Result<Sandbox, Failure> {
    Ok(Sandbox::open(&sandbox_directory(directory, stack), seed()?)?)
}

impl Session {
    /// Opens the stack that the options name, to read what was applied.
    pub(crate) fn open_to_read(global: &Global) -> Result<Self, Failure> {
        let (stack, directory) = identify(global)?;
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        Self::at(world(global), directory, &stack)
    }

    /// Opens a config's stack in the world that the options name.
    pub(crate) fn open(global: &Global, config: &Config) -> Result<Self, Failure> {
        let world = world(global);
        if world == World::Real {
            check_machine(config)?;
        }
        let directory = std::path::absolute(&config.directory).unwrap_or_else(|_| config.directory.clone());
        Self::at(world, directory, &config.name)
    }

    /// Opens a stack in a directory.
    pub(crate) fn at(world: World, directory: PathBuf, stack: &str) -> Result<Self, Failure> {
        let (fleet, clusters): (Arc<dyn Fleet>, Arc<dyn Clusters>);
        let (state, now, seed) = match world {
            World::Sandbox => {
                let sandbox = open_sandbox(&directory, stack)?;
                let seed = sandbox.seed();
                (fleet, clusters) = (Arc::new(sandbox.clone()), Arc::new(sandbox));
                (sandbox_directory(&directory, stack).join("state"), sandbox_time()?, seed)
            }
            World::Real => {
                let linux = Arc::new(LinuxFleet::new(ssh_config()?));
                (fleet, clusters) = (linux.clone(), Arc::new(real_clusters(linux, directory.clone())));
                (directory.join("state"), Timestamp::now(), 0)
            }
        };
        let store = Store::new(&state, stack);
        tracing::info!(stack, state = %store.state_path().display(), "stack opened");
        Ok(Self { world, store, directory, now, fleet, clusters, seed, sources: None })
    }

    /// The hosts, for a run that starts from this state and has this key.
    pub(crate) fn hosts(&self, state: &State, key: Option<&DigestKey>) -> Hosts {
        let entropy = match self.world {
            World::Real => Entropy::system(),
            World::Sandbox => Entropy::seeded(self.derive(b"entropy", state)),
        };
        let maker = Maker { now: self.now, entropy };
        let directory = self.directory.clone();
        let hosts = Hosts::new(self.fleet.clone(), self.clusters.clone(), directory, maker).with_key(key.cloned());
        match &self.sources {
            Some(sources) => hosts.with_sources(sources.clone()),
            None => hosts,
        }
    }

    /// The same stack, with the files that its config names in another directory than the config's.
    pub(crate) fn with_sources(self, directory: PathBuf) -> Self {
        Self { sources: Some(directory), ..self }
    }

    /// Whether this is the sandbox.
    pub(crate) fn is_sandbox(&self) -> bool {
        self.world == World::Sandbox
    }

    /// Where the identity is that decrypts the states of this world: the sandbox has its own.
    pub(crate) fn identity_path(&self) -> Result<IdentityPath, Failure> {
        match self.world {
            World::Real => Ok(IdentityPath::of_user(|name| std::env::var_os(name)).map_err(Diagnostic::from)?),
            World::Sandbox => {
                let path = sandbox_directory(&self.directory, self.store.stack()).join("identity.txt");
                Ok(IdentityPath { path, named: false })
            }
        }
    }

    /// Random bytes for a new digest key. In the sandbox they follow from its seed.
    pub(crate) fn fresh_key(&self) -> [u8; 32] {
        match self.world {
            World::Real => Entropy::system().bytes(),
            World::Sandbox => derive(&[b"digest key", &self.seed.to_be_bytes(), self.store.stack().as_bytes()]),
        }
    }

    /// The state as it is, with a journal that was left folded in; an empty one where there is none.
    pub(crate) fn state(&self, loaded: &Loaded) -> State {
        loaded.state.clone().unwrap_or_else(|| State::new(self.store.stack(), &self.new_lineage()))
    }

    /// Makes sure that what belongs to this machine alone is never committed.
    pub(crate) fn keep_out_of_git(&self) -> Result<(), Failure> {
        hidden_directory(&self.directory)?;
        if self.world == World::Sandbox {
            return Ok(());
        }
        // Locks and journals are this machine's, and so is the file that says so; states are for everybody.
        let state = self.directory.join("state");
        let made = durable::create_directory(&state)
            .and_then(|()| ignore(&state, ".*.lock\n.*.journal\n.*.new\n.gitignore\n"));
        made.map_err(|error| not_writable(&state, &error))
    }

    /// The random ids of creations, one at each call. In the sandbox they follow from its seed.
    pub(crate) fn generations(&self, state: &State) -> impl FnMut() -> String + Send + use<> {
        let (world, seed, lineage, serial) = (self.world, self.seed, state.lineage.clone(), state.serial);
        let mut count = 0u64;
        move || {
            count += 1;
            match world {
                World::Real => uuid::Uuid::new_v4().simple().to_string()[..16].to_owned(),
                World::Sandbox => {
                    let parts =
                        [&seed.to_be_bytes()[..], lineage.as_bytes(), &serial.to_be_bytes(), &count.to_be_bytes()];
                    hex(&derive(&parts)[..8])
                }
            }
        }
    }

    /// Bytes for a purpose that follow from the seed, and differ from apply to apply.
    fn derive(&self, purpose: &[u8], state: &State) -> [u8; 32] {
        derive(&[purpose, &self.seed.to_be_bytes(), state.lineage.as_bytes(), &state.serial.to_be_bytes()])
    }

    fn new_lineage(&self) -> String {
        let id = match self.world {
            World::Real => uuid::Uuid::new_v4(),
            World::Sandbox => {
                let bytes = derive(&[b"lineage", &self.seed.to_be_bytes(), self.store.stack().as_bytes()]);
                let mut short = [0; 16];
                short.copy_from_slice(&bytes[..16]);
                uuid::Builder::from_random_bytes(short).into_uuid()
            }
        };
        id.to_string()
    }
}

/// Checks that what a config needs of this machine is there: keys and kubeconfigs.
///
/// # Errors
/// When something of it is not.
pub(crate) fn check_machine(config: &Config) -> Result<(), Failure> {
    let home = std::env::home_dir();
    let mut missing = config.check_key_files(home.as_deref());
    missing.extend(config.check_kubeconfig(home.as_deref()));
    missing.extend(check_connection(config).filter(|_| missing.is_empty()));
    if missing.is_empty() { Ok(()) } else { Err(Failure::of(&config.sources, missing)) }
}

/// What is wrong with how the config says that its cluster is reached; not asked where the cluster may be still to come.
fn check_connection(config: &Config) -> Option<Diagnostic> {
    let kubernetes = config.kubernetes.as_ref().filter(|kubernetes| kubernetes.depends_on.is_empty())?;
    let wrong = hactl_kube::server_of(&kubernetes.connection, &config.directory).err()?;
    let span = kubernetes.kubeconfig_span.unwrap_or(kubernetes.span);
    let diagnostic = Diagnostic::error(format!("the cluster cannot be reached as the config says: {wrong}"));
    Some(diagnostic.at(span).help("correct `kubeconfig` or `context` under `kubernetes`, or the file that is named"))
}

/// Real clusters, those behind nodes reached through the connections that a fleet has anyway.
fn real_clusters(fleet: Arc<LinuxFleet>, directory: PathBuf) -> KubeClusters {
    let beside = directory.clone();
    let tunnel: Tunnel = Arc::new(move |via: Via, host, port| {
        let (fleet, directory) = (fleet.clone(), beside.clone());
        Box::pin(async move {
            let key_path = via.connection.key_path.as_deref().map(|path| hactl_config::key_path(path, &directory));
            let connection = Connection { key_path, ..via.connection };
            let stream = fleet.tunnel(&via.node, &connection, &host, port).await;
            stream.map(|stream| Box::new(stream) as Box<dyn Stream>).map_err(|error| match error {
                HostError::Unreachable { reason } => reason,
                other => other.to_string(),
            })
        })
    });
    KubeClusters::new(directory, tunnel)
}

/// The world that the options name.
fn world(global: &Global) -> World {
    if global.sandbox { World::Sandbox } else { World::Real }
}

/// The ssh configuration file to read in place of the user's own, where one is named.
fn ssh_config() -> Result<Option<String>, Failure> {
    let Some(path) = std::env::var_os(SSH_CONFIG).filter(|path| !path.is_empty()) else { return Ok(None) };
    let full = std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(&path));
    tracing::debug!(path = %full.display(), "ssh configuration in place of the user's own");
    match full.to_str() {
        Some(text) if full.is_file() => Ok(Some(text.to_owned())),
        _ => Err(Diagnostic::error(format!("{SSH_CONFIG} names {}, which is no file", full.display()))
            .help("set it to an ssh configuration file, or unset it")
            .into()),
    }
}

/// The directory beside a config for what belongs to this machine alone, with what keeps it from being committed. Only its
/// owner can look into it: the fleet in it holds what hosts hold.
pub(crate) fn hidden_directory(directory: &Path) -> Result<PathBuf, Failure> {
    let hidden = directory.join(".hactl");
    let made = durable::create_private_directory(&hidden).and_then(|()| ignore(&hidden, "*\n"));
    made.map_err(|error| not_writable(&hidden, &error))?;
    Ok(hidden)
}

/// Keeps files of these names in a directory from being committed; what the user wrote there stays.
fn ignore(directory: &Path, names: &str) -> std::io::Result<()> {
    let file = directory.join(".gitignore");
    // An empty one is what a full disk or a crash left.
    if file.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let new = directory.join(".gitignore.new");
    disk::write(&new, Access::Umask, names.as_bytes()).and_then(|()| disk::rename(&new, &file))
}

fn not_writable(directory: &Path, error: &std::io::Error) -> Failure {
    let file = directory.join(".gitignore");
    Diagnostic::error(format!("{} cannot be written: {}", file.display(), trouble::reason(error)))
        .detail("state and what belongs to this machine lie beside the config; nothing was started")
        .help(format!("{}, or copy the config elsewhere; then run it again", trouble::remedy(&file, error)))
        .into()
}

/// The time in the sandbox: as it is, or as a test or a try-out wants it to be.
fn sandbox_time() -> Result<Timestamp, Failure> {
    match std::env::var(TIME) {
        Err(_) => Ok(Timestamp::now()),
        Ok(text) => text.parse().map_err(|_| {
            Diagnostic::error(format!("{TIME} is {text:?}, which is no time"))
                .help("write it as in 2027-01-31T00:00:00Z, or unset it")
                .into()
        }),
    }
}

fn seed() -> Result<u64, Failure> {
    match std::env::var(SEED) {
        Err(_) => Ok(0),
        Ok(text) => text.parse().map_err(|_| {
            Diagnostic::error(format!("{SEED} is {text:?}, which is no whole number"))
                .help("set it to a number, or unset it")
                .into()
        }),
    }
}

fn derive(parts: &[&[u8]]) -> [u8; 32] {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    Digest::sha256(&all).into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
