//! Why a resource changes, in plain words.

use hactl_core::Address;
use hactl_core::diff::display_path;
use hactl_core::plan::{Action, Change, Reason};
use hactl_kinds::is_on_cluster;

use crate::render::plan::day;
use crate::render::plan::places::the_place;

/// Every reason of a change, joined by `; `.
pub(super) fn why(change: &Change) -> String {
    if change.adopts.is_some() && change.action == Action::NoOp {
        return "adopted: it is there already, as the config wants it".to_owned();
    }
    // A plan to destroy says so as a whole.
    let reasons = change.reasons.iter().filter(|reason| **reason != Reason::Destroyed);
    reasons.map(|reason| words(reason, change)).collect::<Vec<_>>().join("; ")
}

fn words(reason: &Reason, change: &Change) -> String {
    match reason {
        Reason::New => "new in the config".to_owned(),
        Reason::Missing => format!("deleted on {}, not by hactl", the_place(change.node.as_deref())),
        Reason::ConfigChanged => "the config changed".to_owned(),
        Reason::Differs => "adopted: it is there already, and differs from the config".to_owned(),
        Reason::SourceChanged if change.address.primitive() == "secret" => "its source has another value".to_owned(),
        Reason::SourceChanged => "its registry has another image under this tag".to_owned(),
        Reason::Drifted => format!("changed on {}, not by hactl", the_place(change.node.as_deref())),
        Reason::CannotUpdate => format!("cannot change in place: {}", forcing(change)),
        Reason::DependencyReplaced(on) => format!("{} is replaced", near(on, change)),
        Reason::DependencyRemade(on) => format!("{} is made anew", near(on, change)),
        Reason::DependencyChanged(on) => format!("{} changes, and it is told{}", near(on, change), reaction(change)),
        Reason::NotYetNotified => {
            format!("something it uses changed in an earlier run, and it is told now{}", reaction(change))
        }
        Reason::Requested if change.action == Action::Update => "asked for".to_owned(),
        Reason::Requested => "asked for with --replace".to_owned(),
        Reason::NotInConfig => "no longer in the config".to_owned(),
        Reason::Destroyed => "to be destroyed".to_owned(),
        Reason::Unfinished => "an earlier run did not finish it".to_owned(),
        Reason::Interrupted => "an earlier replacement was interrupted and goes on".to_owned(),
        Reason::Unproven if is_on_cluster(&change.address) => {
            "it has not become ready since its last change".to_owned()
        }
        Reason::Unproven => "it has not proved healthy since its last change".to_owned(),
        Reason::Expires(time) => format!("it is valid until {} and due to be renewed", day(time)),
        Reason::OverlapEnded(time) => format!("its predecessor was trusted beside it until {}", day(time)),
        Reason::NodeForgotten if is_on_cluster(&change.address) => {
            "the cluster is gone for good: --forget-node".to_owned()
        }
        Reason::NodeForgotten => "its node is gone for good: --forget-node".to_owned(),
        Reason::Removed if change.address.primitive() == "container" => {
            "`removed` in the config; it keeps running".to_owned()
        }
        Reason::Removed => "`removed` in the config; it stays as it is".to_owned(),
        Reason::Kept => "it holds data and is kept, --volumes removes it".to_owned(),
    }
}

/// The fields that force a replacement: of most kinds the top-level ones, of objects as the server names them.
fn forcing(change: &Change) -> String {
    let paths = change.paths.iter().filter(|path| path.forces_replacement);
    let depth = if is_on_cluster(&change.address) { usize::MAX } else { 1 };
    let mut names: Vec<String> = paths
        .map(|path| display_path(&path.path[..path.path.len().min(depth)]))
        .filter(|name| !name.is_empty())
        .collect();
    names.dedup();
    if names.is_empty() { "what it is".to_owned() } else { names.join(", ") }
}

/// An address as seen from a change: its instance on the same node goes without the key.
fn near<'a>(address: &'a Address, change: &Change) -> &'a str {
    if address.key().is_some() && address.key() == change.address.key() { address.resource() } else { address.as_str() }
}

/// What a container does when it is told; a new one starts with the new file anyway.
fn reaction(change: &Change) -> String {
    if change.address.primitive() != "container" || change.action != Action::Update {
        return String::new();
    }
    let spec = change.after.as_ref().and_then(|after| after.get("onFileChange"));
    let what = match spec {
        None => "restart",
        Some(word) => word.as_str().unwrap_or("reload"),
    };
    format!(" ({what})")
}
