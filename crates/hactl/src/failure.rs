//! How a command fails, and how that is told.

use hactl_config::{LoadFailure, SourceMap};
use hactl_core::Diagnostic;
use hactl_sim::SandboxError;
use hactl_state::StateError;

use crate::output::Output;
use crate::render;

/// The most mistakes that are told at once.
const MOST: usize = 100;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong, and this is what.
    Diagnostics {
        /// The texts that the places are in.
        sources: Box<SourceMap>,
        /// What is wrong.
        diagnostics: Vec<Diagnostic>,
    },
    /// It was told already.
    Reported,
    /// The user stopped it.
    Interrupted,
}

impl Failure {
    pub(crate) fn of(sources: &SourceMap, mut diagnostics: Vec<Diagnostic>) -> Self {
        let more = diagnostics.len().saturating_sub(MOST);
        diagnostics.truncate(MOST);
        if more > 0 {
            diagnostics.push(Diagnostic::error(format!("and {more} more")).help("mend these first"));
        }
        Self::Diagnostics { sources: Box::new(sources.clone()), diagnostics }
    }

    /// What was to be printed is not: for whoever reads it, that is a failure, whatever else was done.
    pub(crate) fn lost_output(error: &std::io::Error) -> Self {
        Diagnostic::error(format!("standard output cannot be written: {error}"))
            .detail("what the command did is done, and is in the state")
            .help("look at where its output goes, and run the command again")
            .into()
    }

    pub(crate) fn report(&self, output: &Output) {
        match self {
            Self::Diagnostics { sources, diagnostics } => {
                output.message(&render::diagnostic::render(diagnostics, sources, output.colors_messages()));
            }
            Self::Interrupted => output.message("Interrupted.\n"),
            Self::Reported => {}
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Diagnostics { .. } | Self::Reported => 1,
            Self::Interrupted => 130,
        }
    }
}

impl From<LoadFailure> for Failure {
    fn from(failure: LoadFailure) -> Self {
        Self::Diagnostics { sources: Box::new(failure.sources), diagnostics: failure.diagnostics }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::of(&SourceMap::new(), vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::of(&SourceMap::new(), diagnostics)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let mut diagnostic = Diagnostic::error(error.to_string());
        diagnostic.help = error.help();
        diagnostic.into()
    }
}
