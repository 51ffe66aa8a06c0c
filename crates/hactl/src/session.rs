//! A session: one stack, the world it lives in, and what is needed to act on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hactl_config::{Config, LoadFailure, VariableInputs};
use hactl_core::resolve::Secrets;
use hactl_core::state::State;
use hactl_core::{Diagnostic, Digest, DigestKey, Sensitive, Value};
use hactl_host::{Fleet, LinuxFleet};
use hactl_kinds::{Hosts, Maker, SECTIONS};
use hactl_sim::Sandbox;
use hactl_state::{Loaded, Store, World};

use crate::cli::Global;
use crate::failure::Failure;

/// The environment variable that names an ssh configuration file to read in place of the user's own, as `ssh -F` does.
const SSH_CONFIG: &str = "HACTL_SSH_CONFIG";
/// The environment variable that seeds a new sandbox; 0 where it is not set.
const SEED: &str = "HACTL_SANDBOX_SEED";

/// One stack, ready to be planned for and applied to.
pub(crate) struct Session {
    pub(crate) world: World,
    pub(crate) directory: PathBuf,
    pub(crate) store: Store,
    pub(crate) hosts: Hosts,
    pub(crate) secrets: Secrets,
    seed: u64,
}

/// Where the variables of a run come from.
pub(crate) fn variable_inputs(global: &Global) -> VariableInputs {
    VariableInputs {
        assignments: global.var.clone(),
        files: global.var_file.clone(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        optional: false,
    }
}

/// Loads the config that the options name.
pub(crate) fn load_config(global: &Global) -> Result<Config, Failure> {
    load(global, &variable_inputs(global))
}

/// Loads the config that the options name to check it: variables need no values for that.
pub(crate) fn load_to_check(global: &Global) -> Result<Config, Failure> {
    load(global, &VariableInputs { optional: true, ..variable_inputs(global) })
}

fn load(global: &Global, inputs: &VariableInputs) -> Result<Config, Failure> {
    let loaded = hactl_config::load(&global.file, SECTIONS, inputs);
    tracing::debug!(path = %global.file.display(), valid = loaded.is_ok(), "config read");
    loaded.map_err(|failure| hactl_kinds::all_mistakes(failure).into())
}

/// The name and directory of the stack that the options name: all that it takes to read what was applied.
///
/// A config that is wrong elsewhere, or whose variables have no values, still tells them.
pub(crate) fn identify(global: &Global) -> Result<(String, PathBuf), Failure> {
    match hactl_config::load(&global.file, SECTIONS, &variable_inputs(global)) {
        Ok(config) => Ok((config.name, config.directory)),
        Err(LoadFailure { partial: Some(config), .. }) if hactl_config::is_stack_name(&config.name) => {
            Ok((config.name.clone(), config.directory.clone()))
        }
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
        Self::at(world(global), directory, &stack, BTreeMap::new())
    }

    /// Opens a config's stack in the world that the options name.
    pub(crate) fn open(global: &Global, config: &Config) -> Result<Self, Failure> {
        let world = world(global);
        if world == World::Real {
            let missing = config.check_key_files(std::env::home_dir().as_deref());
            if !missing.is_empty() {
                return Err(Failure::of(&config.sources, missing));
            }
        }
        let directory = std::path::absolute(&config.directory).unwrap_or_else(|_| config.directory.clone());
        Self::at(world, directory, &config.name, config.sensitive_values())
    }

    /// Opens a stack in a directory.
    pub(crate) fn at(
        world: World,
        directory: PathBuf,
        stack: &str,
        sensitive: BTreeMap<String, Sensitive<Value>>,
    ) -> Result<Self, Failure> {
        let (fleet, store, key, seed): (Arc<dyn Fleet>, _, _, _) = match world {
            World::Sandbox => {
                let sandbox = open_sandbox(&directory, stack)?;
                let seed = sandbox.seed();
                // The sandbox's own key: it keeps its states as clean as real ones, and need not keep anything secret.
                let key = DigestKey::new(derive(&[b"digest key", &seed.to_be_bytes(), stack.as_bytes()]));
                (Arc::new(sandbox), Store::new(&sandbox_directory(&directory, stack).join("state"), stack), key, seed)
            }
            World::Real => {
                let fleet = LinuxFleet::new(ssh_config()?);
                let key = digest_key(&directory, !sensitive.is_empty())?;
                (Arc::new(fleet), Store::new(&directory.join("state"), stack), key, 0)
            }
        };
        tracing::info!(stack, state = %store.state_path().display(), "stack opened");
        Ok(Self {
            world,
            store,
            hosts: Hosts::new(fleet, directory.clone(), Maker { now: jiff::Timestamp::now() })
                .with_key(Some(key.clone())),
            secrets: Secrets { key: Some(key), variables: sensitive, ..Secrets::default() },
            directory,
            seed,
        })
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
        // Locks and journals are this machine's; states are for everybody.
        let state = self.directory.join("state");
        let made = std::fs::create_dir_all(&state).and_then(|()| ignore(&state, ".*.lock\n.*.journal\n"));
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

/// The directory beside a config for what belongs to this machine alone, with what keeps it from being committed.
pub(crate) fn hidden_directory(directory: &Path) -> Result<PathBuf, Failure> {
    let hidden = directory.join(".hactl");
    let made = private_directory(&hidden).and_then(|()| ignore(&hidden, "*\n"));
    made.map_err(|error| not_writable(&hidden, &error))?;
    Ok(hidden)
}

/// Keeps files of these names in a directory from being committed; what the user wrote there stays.
fn ignore(directory: &Path, names: &str) -> std::io::Result<()> {
    let file = directory.join(".gitignore");
    if file.exists() { Ok(()) } else { std::fs::write(file, names) }
}

fn not_writable(directory: &Path, error: &std::io::Error) -> Failure {
    Diagnostic::error(format!("{} cannot be written: {error}", directory.join(".gitignore").display()))
        .help("state and what belongs to this machine lie beside the config; make the directory writable, or copy the config")
        .into()
}

/// The key under which digests of sensitive values are made. It is made when it is first needed, and stays on this
/// machine: elsewhere every sensitive value counts as changed.
fn digest_key(directory: &Path, needed: bool) -> Result<DigestKey, Failure> {
    let path = directory.join(".hactl").join("digest.key");
    let failed = |error: std::io::Error| {
        Diagnostic::error(format!("{}: {error}", path.display())).help(
            "it must be a file of 32 bytes that you may read; without it, hactl makes a new one and every sensitive \
             value counts as changed",
        )
    };
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let bytes = derive(&[uuid::Uuid::new_v4().as_bytes(), uuid::Uuid::new_v4().as_bytes()]);
            if !needed {
                return Ok(DigestKey::new(bytes));
            }
            hidden_directory(directory)?;
            write_private(&path, &bytes).map_err(failed)?;
            // Another run may have been quicker.
            std::fs::read(&path).map_err(failed)?
        }
        read => read.map_err(failed)?,
    };
    let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| failed(std::io::ErrorKind::InvalidData.into()))?;
    Ok(DigestKey::new(bytes))
}

/// Writes a file that only its owner can read, whole or not at all. One that is there stays.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let new = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let linked = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::hard_link(&new, path));
    std::fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
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

/// Makes a directory that only its owner can look into: the fleet in it holds what hosts hold.
fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_begin_together_have_one_digest_key() {
        let directory = tempfile::tempdir().unwrap();
        let runs: Vec<_> = (0..8)
            .map(|_| {
                let directory = directory.path().to_owned();
                std::thread::spawn(move || digest_key(&directory, true).map(|key| key.digest(&Value::from("value"))))
            })
            .collect();
        let digests: Vec<_> = runs.into_iter().map(|run| run.join().unwrap().ok().unwrap()).collect();
        assert!(digests.iter().all(|digest| *digest == digests[0]));
        let left: Vec<_> = std::fs::read_dir(directory.path().join(".hactl")).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
