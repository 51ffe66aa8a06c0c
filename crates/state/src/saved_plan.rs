//! Saved plans: `plan --out` writes one, `apply` carries it out if nothing has changed since.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use hactl_core::git::Git;
use hactl_core::plan::Plan;
use hactl_core::state::Encryption;
use hactl_core::{Digest, Value};
use serde::{Deserialize, Serialize};

use crate::durable::{self, Access};
use crate::error::{FileKind, StateError};
use crate::sealed::{self, Flaw};
use crate::store::Loaded;

/// A plan and what it may be applied to. It holds no secret value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedPlan {
    /// The version of the hactl that made it.
    pub hactl: String,
    /// What it was made for.
    pub world: World,
    /// The directory of the config, absolute: relative paths start there.
    pub directory: PathBuf,
    /// The digest of the config it was made from.
    pub config_digest: Digest,
    /// [`Loaded::digest`] of the state it was made from; none where there was no state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_digest: Option<Digest>,
    /// Who can read the key of the digests in it, as in the state that an apply of it writes; none where nothing in it
    /// is sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What the plan's sensitive expressions are made of, encrypted; none where they hold no texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Value>,
    /// How the state is kept in git.
    #[serde(default)]
    pub git: Git,
    /// The commit that the config was in, with `-dirty` where it differed; none without git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_commit: Option<String>,
    /// The plan.
    pub plan: Plan,
}

/// What a run acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// The hosts of the config.
    Real,
    /// The simulated fleet.
    Sandbox,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "real hosts",
            Self::Sandbox => "the sandbox",
        })
    }
}

impl SavedPlan {
    /// Writes it to a file that only its owner can read (mode 0600), whole or not at all.
    ///
    /// It takes the place of an empty file or of a saved plan, be that damaged or newer, and of nothing else.
    ///
    /// # Errors
    /// When something else is there, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), StateError> {
        if !may_be_replaced(path)? {
            return Err(StateError::NotReplaced { path: path.to_owned() });
        }
        durable::stage(path, Access::Owner, |file| sealed::write(file, self))
            .and_then(|(staged, _)| staged.commit())
            .map_err(|source| StateError::unwritable(FileKind::Plan, path, source))?;
        tracing::debug!(path = %path.display(), steps = self.plan.steps.len(), "plan saved");
        Ok(())
    }

    /// Reads it from a file.
    ///
    /// # Errors
    /// When there is no file or it cannot be read, it is no saved plan, or damaged, or newer than this build.
    pub fn read(path: &Path) -> Result<Self, StateError> {
        let bytes = std::fs::read(path).map_err(|source| StateError::Unreadable {
            file: FileKind::Plan,
            path: path.to_owned(),
            source,
        })?;
        let (saved, _) = sealed::read(&bytes).map_err(|flaw| {
            // Whatever else a user hands over, a config mostly, is best told apart as what it is not.
            let flaw = match flaw {
                Flaw::NotJson(_) => Flaw::Foreign,
                flaw => flaw,
            };
            StateError::flawed(FileKind::Plan, path, flaw)
        })?;
        tracing::debug!(path = %path.display(), "saved plan read");
        Ok(saved)
    }

    /// Checks that it was made for this world.
    ///
    /// # Errors
    /// When it was made for another one.
    pub fn check_world(&self, world: World) -> Result<(), StateError> {
        if self.world == world { Ok(()) } else { Err(StateError::OtherWorld { made_for: self.world }) }
    }

    /// Checks that it was made for this world and from this very state.
    ///
    /// # Errors
    /// When it was not.
    pub fn check_fresh(&self, loaded: &Loaded, world: World) -> Result<(), StateError> {
        self.check_world(world)?;
        if self.state_digest == loaded.digest {
            return Ok(());
        }
        let made_at = self.plan.serial;
        let change = match &loaded.state {
            None => format!("there is no state any more, the plan was made at serial {made_at}"),
            Some(state) if self.state_digest.is_none() => {
                format!("serial {}, there was none when the plan was made", state.serial)
            }
            Some(state) if state.lineage != self.plan.lineage => {
                format!("lineage {}, the plan was made for {}", state.lineage, self.plan.lineage)
            }
            Some(state) if state.serial != made_at => {
                format!("serial {}, the plan was made at {made_at}", state.serial)
            }
            Some(_) => format!("serial {made_at} as then, with other content"),
        };
        Err(StateError::StalePlan { change })
    }
}

/// Whether there is nothing at a path that a saved plan must not replace. A state file is sealed like a plan, so the
/// checksum does not tell; how the text begins does.
fn may_be_replaced(path: &Path) -> Result<bool, StateError> {
    let unreadable = |source| StateError::Unreadable { file: FileKind::Plan, path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        // Nothing is there, or writing fails as well and says why.
        Err(_) => Ok(true),
        Ok(metadata) if !metadata.is_file() => Ok(false),
        Ok(_) => {
            let mut start = Vec::new();
            std::fs::File::open(path).and_then(|file| file.take(START).read_to_end(&mut start)).map_err(unreadable)?;
            Ok(start.is_empty() || sealed::begins_with_field(&start, FIRST_FIELD))
        }
    }
}

/// The first field of [`SavedPlan`], and how many bytes of a file are enough to find it.
const FIRST_FIELD: &str = "hactl";
const START: u64 = 256;
