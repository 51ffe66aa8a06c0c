//! What git keeps of a state: asked where the state file is gone, or is to be made anew.

use hactl_core::state::State;

use crate::git::error::RepositoryError;
use crate::git::log::Revision;
use crate::git::repository::Repository;
use crate::store::{Store, serial_in};

/// What the newest commits that hold a state of a stack keep of it.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The newest one that can be used, and where it is.
    pub good: Option<(Revision, State)>,
    /// The highest serial that any of them names, damaged or not.
    pub serial: u64,
}

/// The most commits that are looked at.
const MOST: usize = 20;

impl Repository {
    /// Refuses to take a state that is gone from the work tree for one that never was.
    ///
    /// # Errors
    /// When the state file is at HEAD and not here; and when git cannot be run.
    pub fn check_present(&self) -> Result<(), RepositoryError> {
        if !self.file.exists() && self.object(&format!("HEAD:{}", self.path))?.is_some() {
            return Err(RepositoryError::Removed { path: self.file.clone() });
        }
        Ok(())
    }

    /// The newest commit that left a state there, where one ever did.
    ///
    /// # Errors
    /// When git fails.
    pub fn last_kept(&self) -> Result<Option<Revision>, RepositoryError> {
        Ok(self.holding(1)?.into_iter().next())
    }

    /// What git keeps of a stack's state.
    ///
    /// # Errors
    /// When git fails.
    pub fn kept(&self, store: &Store) -> Result<Kept, RepositoryError> {
        let mut kept = Kept::default();
        for revision in self.holding(MOST)? {
            let serial = serial_in(&self.content(&revision.id)?).or(revision.serial);
            kept.serial = kept.serial.max(serial.unwrap_or(0));
            if kept.good.is_none()
                && let Ok(state) = self.state_at(&revision, store)
            {
                kept.good = Some((revision, state));
            }
        }
        Ok(kept)
    }

    /// The command that brings the state file back as it is at a revision.
    #[must_use]
    pub fn bring_back(&self, revision: &Revision) -> String {
        let directory = self.file.parent().unwrap_or(&self.file).display();
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        // Git needs a directory to run in.
        match self.file.parent().is_some_and(std::path::Path::is_dir) {
            true => format!("git -C {directory} checkout {} -- {name}", revision.short),
            false => format!("git -C {} checkout {} -- {}", self.top.display(), revision.short, self.path),
        }
    }
}
