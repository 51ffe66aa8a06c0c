use std::path::{Path, PathBuf};

use clap::Args;
use hactl_config::{Config, Format, VariableInputs};
use hactl_core::moves::Move;
use hactl_core::plan::Mode;
use hactl_core::state::State;
use hactl_core::value::Map;
use hactl_core::{Address, Diagnostic, Value};
use hactl_effect::disk;
use hactl_effect::durable;
use hactl_state::World;
use hactl_state::encryption::label;
use hactl_state::git::{Repository, Revision};

use crate::cli::Global;
use crate::commands::apply::{Work, refuse_to_ask_nobody};
use crate::commands::history;
use crate::commands::plan::streamed;
use crate::failure::Failure;
use crate::keyring;
use crate::output::Output;
use crate::render;
use crate::run::{self, ApplyOptions, PlanOptions};
use crate::session::{self, Session};
use crate::turn::{Applicable, Turn, Wish};

/// Go back to the config of an older revision
///
/// Makes a plan towards the config of that revision, with the variables that were kept in its state, shows it, asks, and
/// carries it out. The config here is not changed. Values of secrets are not brought back: those that come from
/// elsewhere are read as they are now, and what hactl generates is made anew where its settings differ.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hactl rollback 1a2b3c4")]
pub(crate) struct Rollback {
    /// The revision, as `hactl history` lists them, or as git takes it: HEAD~2
    #[arg(value_name = "REVISION")]
    revision: String,
    #[command(flatten)]
    planning: PlanOptions,
    #[command(flatten)]
    applying: ApplyOptions,
}

impl Rollback {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        streamed(self.applying.json, output, || self.roll_back(global, output))
    }

    fn roll_back(&self, global: &Global, output: &Output) -> Result<u8, Failure> {
        refuse_to_ask_nobody(&self.applying)?;
        if self.planning.refresh_only {
            return Err(Diagnostic::error("rollback takes no --refresh-only").help("use it with `hactl apply`").into());
        }
        let here = session::load_as_it_is(global)?;
        let directory = std::path::absolute(&here.directory).unwrap_or_else(|_| here.directory.clone());
        let world = if global.sandbox { World::Sandbox } else { World::Real };
        let session = Session::at(world, directory, &here.name)?;
        let repository = history::repository(&session)?;
        // Before anything is committed, which would move what `HEAD~1` means.
        let revision = repository.revision(&self.revision).map_err(Diagnostic::from)?;
        let there = repository.state_at(&revision, &session.store).map_err(Diagnostic::from)?;
        let Some(digest) = revision.config.as_deref().filter(|_| !there.is_empty()) else {
            return Err(nothing_applied(&revision, &there).into());
        };
        let place = place_in(&repository, &session, &global.file)?;
        let session = session.with_sources(place.sources());
        let wish = Wish {
            operation: "rollback",
            wait: self.planning.lock_timeout,
            git: &here.git,
            no_commit: self.applying.no_commit,
            output,
        };
        let (turn, loaded) = Turn::begin(&session, &wish)?;
        place.export(&repository, &revision)?;
        let inputs = inputs(global, &here, &place, variables(&session, &there, &revision)?);
        let mut config = Config {
            // Keys, kubeconfigs and who may read the state are as they are now.
            directory: session.directory.clone(),
            encryption: here.encryption.clone(),
            ..session::load(&place.config(), &inputs)?
        };
        session::check_machine(&config)?;
        let moved = config.moved.clone();
        config.moved.extend(backwards(&here, &config));
        let runtime = run::runtime(world)?;
        let prepared = self.work(&session, &config, output).prepare(&runtime, &turn, loaded)?;
        // As it was applied then.
        config.moved = moved;
        if config.digest().to_string() != digest {
            return Err(other_config(&revision).into());
        }
        if !self.applying.json {
            output.message(&render::history::going_back(&here.name, &revision));
        }
        let changes = run::has_work(&prepared);
        let applicable = Applicable { digest: config.digest(), commit: revision.config_commit.clone() };
        let what = format!("rollback {} to {}", here.name, revision.short);
        let code = self.work(&session, &config, output).carry_out(&runtime, turn, prepared, &what, &applicable)?;
        if changes && !self.applying.json {
            output.message(&format!(
                "\nThe config here was not changed: the next `hactl apply` does what it says, and so undoes this where it \
                 differs from that of {}.\n",
                revision.short
            ));
        }
        Ok(code)
    }

    fn work<'a>(&'a self, session: &'a Session, config: &'a Config, output: &'a Output) -> Work<'a> {
        let Self { planning, applying, .. } = self;
        Work { mode: Mode::Normal, session, config, planning, applying, output }
    }
}

/// What moved since then, back to the names that it had: the moves of the config here, backwards. Of a chain of them, as many
/// as lead to what the config of then declares.
fn backwards(here: &Config, then: &Config) -> Vec<Move> {
    let is_declared = |address: &Address| {
        then.declarations.iter().any(|one| one.kind == address.kind() && one.name == address.name())
    };
    let moved_then = |address: &Address| then.moved.iter().any(|one| one.from == *address);
    let since = |one: &&Move| !is_declared(&one.to) && !moved_then(&one.to);
    let since: Vec<&Move> = here.moved.iter().filter(since).collect();
    let leads_there = |one: &&&Move| {
        let mut address = &one.from;
        for _ in 0..since.len() {
            match since.iter().find(|earlier| earlier.to == *address) {
                Some(earlier) => address = &earlier.from,
                None => break,
            }
        }
        is_declared(address)
    };
    let back = |one: &&Move| Move { from: one.to.clone(), to: one.from.clone(), span: None, to_span: None };
    since.iter().filter(leads_there).map(back).collect()
}

/// The variables of a revision, as its state keeps them.
fn variables(session: &Session, there: &State, revision: &Revision) -> Result<Map, Failure> {
    let mut values = Map::new();
    for (name, value) in &there.variables {
        let value = match value {
            Value::Sealed(sealed) if sealed.ciphertext.is_some() => {
                keyring::reveal(session, there, &label::variable(name), sealed)?.expose().clone()
            }
            Value::Sealed(_) => {
                return Err(Diagnostic::error(format!(
                    "the state of {} does not hold the value of the sensitive variable `{name}`",
                    revision.short
                ))
                .help("choose a later revision, or put the config back by hand and apply it")
                .into());
            }
            plain => plain.clone(),
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

/// What the config of a revision is given: the variables of its state, and the kubeconfig that is here.
fn inputs(global: &Global, here: &Config, place: &Exported, values: Map) -> VariableInputs {
    let given = session::variable_inputs(global);
    let is_kept =
        |assignment: &String| assignment.split_once('=').is_some_and(|(name, _)| values.contains_key(name.trim()));
    let name = format!("kube_config_{}", global.file.file_name().unwrap_or_default().to_string_lossy());
    let beside = || here.directory.join(&name);
    let kubeconfig = match &given.kubeconfig {
        Some(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
        None => (here.format == Format::Rke && beside().exists()).then(|| place.here.join(&name)),
    };
    VariableInputs {
        assignments: given.assignments.iter().filter(|assignment| !is_kept(assignment)).cloned().collect(),
        files: Vec::new(),
        // It is named as the config there would name it.
        kubeconfig: kubeconfig.map(|path| match path.strip_prefix(&place.here) {
            Ok(inside) => place.sources().join(inside),
            Err(_) => path,
        }),
        values,
        ..given
    }
}

/// The files of an older revision, in a directory that only the user can look into; removed when dropped.
struct Exported {
    /// The directory of the config here.
    here: PathBuf,
    /// Where the top of the work tree is exported to.
    top: PathBuf,
    /// The config, from there.
    config: PathBuf,
    /// The config's directory, from there.
    directory: PathBuf,
}

/// Where the files of a revision go; nothing is there yet.
fn place_in(repository: &Repository, session: &Session, config: &Path) -> Result<Exported, Failure> {
    let elsewhere = || {
        Diagnostic::error("the config is not in the git repository of its state, so its older revisions are not known")
            .detail(format!("the state is in {}", repository.top().display()))
            .help("put the config as it was back by hand, and apply it")
    };
    Ok(Exported {
        here: session.directory.clone(),
        top: session.directory.join(".hactl/rollback").join(session.store.stack()),
        config: repository.path_in_tree(config).ok_or_else(elsewhere)?,
        directory: repository.path_in_tree(&session.directory).ok_or_else(elsewhere)?,
    })
}

impl Exported {
    /// The config as it was.
    fn config(&self) -> PathBuf {
        self.top.join(&self.config)
    }

    /// Where its relative paths start.
    fn sources(&self) -> PathBuf {
        self.top.join(&self.directory)
    }

    /// Writes the files as they were when a revision was applied.
    fn export(&self, repository: &Repository, revision: &Revision) -> Result<(), Failure> {
        let unwritable = |error: std::io::Error| {
            Diagnostic::error(format!("{} cannot be written: {error}", self.top.display()))
                .help("make the directory of the config writable")
        };
        // What a run that was killed left.
        self.remove().and_then(|()| durable::create_private_directory(&self.top)).map_err(unwritable)?;
        let commit = revision.config_commit.as_deref().map(|commit| commit.trim_end_matches("-dirty"));
        // After a rebase it may be known by its successor alone.
        let commit = match commit {
            Some(commit) if repository.has(commit).map_err(Diagnostic::from)? => commit,
            _ => &revision.id,
        };
        repository.export(commit, &self.top).map_err(Diagnostic::from)?;
        match self.config().exists() {
            true => Ok(()),
            false => Err(Diagnostic::error(format!("at {} there was no {}", revision.short, self.config.display()))
                .detail("the config was elsewhere, or not in git, when that revision was applied")
                .help("put the config of then back by hand, and apply it")
                .into()),
        }
    }

    fn remove(&self) -> std::io::Result<()> {
        match disk::remove_tree(&self.top) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        let _the_next_one_removes_it = self.remove();
    }
}

/// What is said of a revision at which nothing was applied that could be gone back to.
fn nothing_applied(revision: &Revision, there: &State) -> Diagnostic {
    let why = match there.is_empty() {
        true => "nothing was applied at that revision",
        false => "which config was applied at that revision is not known",
    };
    Diagnostic::error(format!("{} cannot be gone back to: {why}", revision.short))
        .detail(format!("it is: {}", revision.summary))
        .help("choose a revision of `hactl apply`; `hactl history` lists them")
}

/// What is said where a revision does not hold the config that was applied.
fn other_config(revision: &Revision) -> Diagnostic {
    Diagnostic::error(format!("the config that was applied at {} is not in git", revision.short))
        .detail(format!(
            "its files were changed, and not committed, when it was applied (config commit: {}); nothing was done",
            revision.config_commit.as_deref().unwrap_or("none")
        ))
        .help(
            "choose another revision, or put the config back by hand and apply it; commit a config before applying it",
        )
}
