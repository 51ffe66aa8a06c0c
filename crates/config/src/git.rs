//! How the state is kept in git, and how a team takes turns: what stands under `git:`.

use std::time::Duration;

use hactl_core::Diagnostic;
use hactl_core::duration;
pub use hactl_core::git::Git;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::decode::Decoder;
use crate::tree::Entry;

/// The shortest `leaseDuration`: a holder has to be able to renew it in time over a slow connection.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(15);

/// How the state is kept in git, and how a team takes turns.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GitSpec {
    /// Commit the state after each run that wrote it; `true` where left out.
    commit: Option<bool>,
    /// Push what was committed, and begin each run with a look at the remote; `false` where left out.
    push: Option<bool>,
    /// The name of the remote; `origin` where left out.
    remote: Option<String>,
    /// The branch of the remote that is pushed to; where left out, the one with the name of the current branch.
    branch: Option<String>,
    /// For how long a run that is not heard of any more keeps others waiting; `5m` where left out, at least `15s`.
    lease_duration: Option<String>,
}

/// Reads the evaluated key; the defaults where something is wrong with it, which is then reported.
pub(crate) fn read(entry: &Entry, diagnostics: &mut Vec<Diagnostic>) -> Git {
    let Some(spec) = Decoder::<GitSpec>::new().decode(&entry.value, entry.key_span, diagnostics) else {
        return Git::default();
    };
    let place = |key: &str| entry.value.get(key).map_or(entry.key_span, |node| node.span);
    let mut wrong = |key: &str, what: String, help: &str| {
        diagnostics.push(Diagnostic::error(what).at(place(key)).help(help.to_owned()));
    };
    let default = Git::default();
    let (commit, push) = (spec.commit.unwrap_or(default.commit), spec.push.unwrap_or(default.push));
    if push && !commit {
        wrong("push", "`push` needs `commit`".to_owned(), "take one of the two out: what is pushed are commits");
    }
    let remote = spec.remote.unwrap_or(default.remote);
    if !is_ref_name(&remote) {
        let what = format!("{remote:?} cannot be the name of a remote");
        wrong("remote", what, "write a name that `git remote` lists, not an address");
    }
    if let Some(branch) = spec.branch.as_deref().filter(|branch| !is_ref_name(branch)) {
        let what = format!("{branch:?} cannot be the name of a branch");
        wrong("branch", what, "write it as `git branch` shows it, as in `main`");
    }
    let lease_duration = match spec.lease_duration.as_deref().map(duration::parse) {
        None => default.lease_duration,
        Some(Ok(given)) if given >= SHORTEST_LEASE => given,
        Some(Ok(_)) => {
            let what = format!("`leaseDuration` is shorter than {} s", SHORTEST_LEASE.as_secs());
            wrong("leaseDuration", what, "a run renews its lease three times in this time; give it `1m` or more");
            default.lease_duration
        }
        Some(Err(expected)) => {
            wrong("leaseDuration", expected, "leave it out for 5m");
            default.lease_duration
        }
    };
    Git { commit, push, remote, branch: spec.branch, lease_duration }
}

/// Whether git takes a text as the name of a branch or remote (git-check-ref-format), and no command line option.
fn is_ref_name(name: &str) -> bool {
    let is_wrong = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains(is_wrong)
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && name.split('/').all(is_part)
}
