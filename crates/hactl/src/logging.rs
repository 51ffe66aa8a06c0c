//! The log for operators: off unless asked for, to standard error or a file, and never with a value that may be
//! sensitive.
//!
//! Only events of hactl's own crates pass, whatever the filter says: what libraries log may quote what they send.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use hactl_core::Diagnostic;
use hactl_effect::disk::{self, Access, File};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::failure::Failure;

/// The environment variable that asks for a log and says of what.
const FILTER: &str = "HACTL_LOG";
/// The environment variable that names a file for it.
const FILE: &str = "HACTL_LOG_FILE";
/// The crates that log; the first one's name stands for all of them.
const CRATES: [&str; 5] = ["hactl", "hactl_engine", "hactl_host", "hactl_kube", "hactl_state"];

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Nobody asked for one.
    Nowhere,
    /// Standard error, between messages and progress.
    StandardError,
    /// A file of its own.
    File,
}

/// Starts the log that the environment asks for. To be called once, before anything is done.
///
/// # Errors
/// When the filter is none, or the file cannot be opened.
pub(crate) fn start() -> Result<Destination, Failure> {
    let Some(text) = variable(FILTER).filter(|text| !text.eq_ignore_ascii_case("off")) else {
        return Ok(Destination::Nowhere);
    };
    let filter = filter(&text.to_string_lossy())?;
    let (destination, writer) = match variable(FILE) {
        Some(path) => (Destination::File, BoxMakeWriter::new(Arc::new(open(path.as_ref())?))),
        None => (Destination::StandardError, BoxMakeWriter::new(std::io::stderr)),
    };
    // Spans say on which node and in which step something happens, so they are there for events of any level.
    let spans = filter_fn(|about| about.is_span() && about.target().starts_with(CRATES[0]));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .log_internal_errors(false)
        .with_filter(filter.or(spans.with_max_level_hint(LevelFilter::INFO)));
    let _there_is_none_yet = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
    Ok(destination)
}

/// A variable of the environment that is set to something.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Reads a filter as in `info` or `warn,hactl_host=trace`. A word alone that is no level is refused, where the library
/// would take it for the name of a crate and log nothing.
fn filter(text: &str) -> Result<Targets, Failure> {
    let wrong = |why: String| {
        Diagnostic::error(format!("{FILTER} is no filter: {why}")).help(format!(
            "give a level (error, warn, info, debug, trace) or PART=LEVEL with a part of {}; several with commas, as \
             in {FILTER}=info,hactl_host=trace",
            CRATES.join(", ")
        ))
    };
    let pieces: Vec<&str> = text.split(',').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    let asked: Targets = pieces.join(",").parse().map_err(|error| wrong(format!("{text:?}: {error}")))?;
    if let Some((name, _)) = asked.iter().find(|(name, _)| !is_ours(name)) {
        return Err(wrong(format!("{name:?} is neither a level nor a part of hactl that logs")).into());
    }
    let whole = asked.default_level().map(|level| (CRATES[0], level));
    Ok(Targets::new().with_targets(whole).with_targets(asked.iter()))
}

/// Whether a filter names one of the crates, or a module of it as in `hactl_host::docker`.
fn is_ours(name: &str) -> bool {
    CRATES.contains(&name.split("::").next().unwrap_or_default())
}

/// Opens the log's file at its end. One that is made is its owner's only.
fn open(path: &Path) -> Result<File, Failure> {
    disk::open_to_append(path, Access::Owner).map_err(|error| {
        Diagnostic::error(format!("the log {} cannot be written: {error}", path.display()))
            .help(format!("set {FILE} to a file that you may write, or unset it to log to standard error"))
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match filter(text) {
            Ok(filter) => filter.to_string(),
            Err(Failure::Diagnostics { diagnostics, .. }) => diagnostics[0].summary.clone(),
            Err(_) => String::new(),
        }
    }

    #[test]
    fn a_filter_names_levels_and_parts_of_hactl() {
        let table = [
            ("info", "hactl=info"),
            ("DEBUG", "hactl=debug"),
            ("warn, hactl_host=trace,", "hactl_host=trace,hactl=warn"),
            ("hactl_host::docker", "hactl_host::docker=trace"),
            ("info,hactl=debug", "hactl=debug"),
            ("inof", "HACTL_LOG is no filter: \"inof\" is neither a level nor a part of hactl that logs"),
            (
                "info,hyper_util=trace",
                "HACTL_LOG is no filter: \"hyper_util\" is neither a level nor a part of hactl that logs",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
        for text in ["hactl_host=loud", "hactl=info=debug", "hactl[{a=info"] {
            assert!(shown(text).starts_with("HACTL_LOG is no filter: "), "{text}: {}", shown(text));
        }
    }
}
