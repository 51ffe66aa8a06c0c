//! All mistakes of a config at once, over all phases.

use hactl_config::{Config, LoadFailure};
use hactl_core::diagnostic::Diagnostic;

use crate::lower::Lowering;

/// What lowering finds wrong with a config, before any node was asked for its facts.
///
/// What depends on facts is not judged, and neither is what depends on something that is wrong itself.
pub fn mistakes(config: &Config) -> Vec<Diagnostic> {
    let mut found = lowered(config);
    found.retain(Diagnostic::is_error);
    found
}

/// What the user should know of a config though nothing is wrong, beyond what loading it says.
///
/// Whoever lowers the config gets the same from [`lower_with_warnings`](crate::lower_with_warnings).
pub fn warnings(config: &Config) -> Vec<Diagnostic> {
    let mut found = lowered(config);
    found.retain(|diagnostic| !diagnostic.is_error());
    found
}

fn lowered(config: &Config) -> Vec<Diagnostic> {
    let mut lowering = Lowering::new(config, None);
    lowering.before_facts = true;
    lowering.run();
    lowering.diagnostics
}

/// The failure of a config to load, with what lowering finds wrong with the part that could be read.
///
/// Each mistake is there once, and none that only follows from another.
#[must_use]
pub fn all_mistakes(mut failure: LoadFailure) -> LoadFailure {
    match failure.partial.take() {
        Some(partial) => failure.and(mistakes(&partial)),
        None => failure,
    }
}
