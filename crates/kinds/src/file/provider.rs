//! Reading files on hosts and writing them.

use std::sync::Arc;

use hactl_core::observed::{Foreign, Observed, Present};
use hactl_core::plan::Operation;
use hactl_core::value::{Map, Value};
use hactl_core::{Address, Digest, DigestKey};
use hactl_engine::{Job, ReadRequest, StepError};
use hactl_host::{FileAdoption, FileContent, FileRemoval, FileRequest, FileStat, FileWrite, Host, Survey};

use crate::target::{LocalFiles, failed};

/// What to ask a host about a file.
pub(crate) fn requests(request: &ReadRequest<'_>) -> Vec<FileRequest> {
    let mut requests: Vec<FileRequest> = request
        .candidates
        .iter()
        .map(|candidate| &*candidate.spec)
        .chain(request.wanted)
        .filter_map(|spec| {
            Some(FileRequest {
                path: spec.get("path")?.as_str()?.to_owned(),
                fetch_unless: match spec.get("content") {
                    Some(Value::String(text)) => Some(Digest::sha256(text.as_bytes())),
                    // What is only known later is compared then, where it may have to be adopted.
                    Some(Value::Deferred(later)) if !later.sensitive && request.candidates.is_empty() => {
                        Some(Digest::sha256(b""))
                    }
                    _ => None,
                },
            })
        })
        .collect();
    requests.dedup();
    requests
}

/// What a survey shows of a file. `moved` says under which other address the host has it, where it does.
pub(crate) fn observe(
    request: &ReadRequest<'_>,
    survey: &Survey,
    moved: &[(Address, Address)],
    key: Option<&DigestKey>,
) -> Observed {
    let recorded = moved.iter().find(|(_, to)| to == request.address).map_or(request.address, |(from, _)| from);
    let ours = survey.inventory.as_ref().and_then(|inventory| inventory.entries.get(recorded));
    for candidate in &request.candidates {
        let Some(path) = candidate.spec.get("path").and_then(Value::as_str) else { continue };
        // A step that did not finish may not have come as far as making the file, which is then somebody else's.
        if !request.applied && ours.is_none_or(|entry| entry.path.as_deref() != Some(path)) {
            continue;
        }
        if let Some(stat) = survey.files.get(path) {
            return Observed::Present(Present { spec: overlay(&candidate.spec, stat, key), ..nothing_else() });
        }
    }
    let Some(wanted) = request.wanted else { return Observed::Absent };
    let path = wanted.get("path").and_then(Value::as_str);
    let Some((path, stat)) = path.and_then(|path| survey.files.get_key_value(path)) else { return Observed::Absent };
    let found = Present { spec: overlay(&Arc::new(wanted.clone()), stat, key), ..nothing_else() };
    let foreign = |what: String| Foreign { id: path.clone(), found: Some(found.clone()), ..Foreign::new(what) };
    if ours.is_some_and(|entry| entry.path.as_ref() == Some(path)) {
        let what = format!("{path}, recorded as this file of this stack and not in its state,");
        return Observed::Foreign(Foreign { own: true, ..foreign(what) });
    }
    // Ours, or another resource's of this stack: that one goes first, or the two clash, which the plan finds.
    let mut entries = survey.inventory.iter().flat_map(|inventory| inventory.entries.values());
    if entries.any(|entry| entry.path.as_ref() == Some(path)) {
        return Observed::Absent;
    }
    match survey.foreign.iter().find(|claim| claim.path == *path) {
        Some(claim) => Observed::Foreign(foreign(format!("{path}, of {} in stack {},", claim.address, claim.stack))),
        None => Observed::Foreign(foreign(format!("a file {path}"))),
    }
}

/// A file has no outputs, no generation and no remains.
fn nothing_else() -> Present {
    Present {
        spec: Arc::new(Value::Null),
        outputs: Map::new(),
        generation: String::new(),
        residue: false,
        fixed: Vec::new(),
    }
}

/// The spec with what is different on the host put in its place, and what is there for what is only known later.
fn overlay(spec: &Arc<Value>, stat: &FileStat, key: Option<&DigestKey>) -> Arc<Value> {
    let Value::Map(before) = &**spec else { return spec.clone() };
    let mut changes: Vec<(&str, Value)> = Vec::new();
    let fields = [
        ("mode", &stat.mode, None),
        ("owner", &stat.owner, stat.owner_number),
        ("group", &stat.group, stat.group_number),
    ];
    for (name, now, number) in fields {
        match before.get(name) {
            Some(Value::String(text)) if !is_named(text, now, number) => changes.push((name, Value::string(now))),
            Some(Value::Deferred(_)) => changes.push((name, Value::string(now))),
            _ => {}
        }
    }
    match before.get("content") {
        Some(Value::String(text)) if Digest::sha256(text.as_bytes()) != stat.sha256 => {
            let now = stat.text.clone().unwrap_or_else(|| not_shown(stat));
            changes.push(("content", Value::from(now)));
        }
        Some(Value::Deferred(later)) if later.sensitive => {
            let now = key.map_or_else(|| Digest::sha256(b""), |key| key.of_sha256(&stat.sha256));
            changes.push(("content", Value::sealed(now)));
        }
        Some(Value::Deferred(_)) => {
            let now = stat.text.clone().unwrap_or_else(|| match stat.sha256 == Digest::sha256(b"") {
                true => String::new(),
                false => not_shown(stat),
            });
            changes.push(("content", Value::from(now)));
        }
        Some(Value::Sealed(sealed)) => {
            let now = key.map(|key| key.of_sha256(&stat.sha256));
            changes.extend(now.filter(|now| *now != sealed.digest).map(|now| ("content", Value::sealed(now))));
        }
        _ => {}
    }
    if let Some(Value::String(sha256)) = before.get("sha256")
        && **sha256 != *stat.sha256.to_string()
    {
        changes.push(("sha256", Value::from(stat.sha256.to_string())));
    }
    if changes.is_empty() {
        return spec.clone();
    }
    let mut now = before.clone();
    now.extend(changes.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Arc::new(Value::Map(now))
}

fn not_shown(stat: &FileStat) -> String {
    format!("(not shown: binary or large, sha256 {})", stat.sha256)
}

/// Whether a user or group, given by name or number, is the one of this name and number.
fn is_named(given: &str, name: &str, number: Option<u32>) -> bool {
    given == name || number.is_some_and(|number| given.parse() == Ok(number))
}

/// Does one step of a file.
pub(crate) async fn execute(host: &dyn Host, job: &Job<'_>, local: &LocalFiles) -> Result<Map, StepError> {
    match job.operation {
        Operation::Create | Operation::Update | Operation::Swap => write(host, job, local).await?,
        Operation::Adopt => adopt(host, job).await?,
        Operation::Delete => remove(host, job).await?,
        Operation::Gate | Operation::Settle | Operation::Restore | Operation::Forget | Operation::Record => {}
    }
    Ok(Map::new())
}

async fn write(host: &dyn Host, job: &Job<'_>, local: &LocalFiles) -> Result<(), StepError> {
    let spec = job.spec.ok_or_else(|| StepError::new("the plan holds no content for it"))?;
    let text = |name: &str| spec.get(name).and_then(Value::as_str);
    let content: FileContent = match (text("content"), text("source")) {
        (Some(content), _) => content.as_bytes().into(),
        (None, Some(source)) => local.content(source, text("sha256"))?,
        (None, None) => return Err(StepError::new("the plan holds no content for it")),
    };
    let path = text("path").unwrap_or_default();
    host.write_file(&FileWrite {
        path: path.to_owned(),
        content,
        mode: text("mode").unwrap_or("0644").to_owned(),
        owner: text("owner").map(str::to_owned),
        group: text("group").map(str::to_owned),
        lineage: job.lineage.to_owned(),
        address: job.address.clone(),
        adopt: job.adopt,
        owned: job.state.is_some(),
        tmpfs: spec.get("tmpfs") == Some(&Value::Bool(true)),
    })
    .await
    .map_err(failed)
}

/// What is there becomes the stack's, with a copy to be put back; what differs is written by the next step.
async fn adopt(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let path = job.spec.and_then(|spec| spec.get("path")).and_then(Value::as_str).unwrap_or_default();
    host.adopt_file(&FileAdoption {
        path: path.to_owned(),
        lineage: job.lineage.to_owned(),
        address: job.address.clone(),
    })
    .await
    .map_err(failed)
}

async fn remove(host: &dyn Host, job: &Job<'_>) -> Result<(), StepError> {
    let path = job.state.and_then(|state| state.spec.get("path")).and_then(Value::as_str);
    let Some(path) = path else { return Ok(()) };
    host.remove_file(&FileRemoval {
        path: path.to_owned(),
        lineage: job.lineage.to_owned(),
        address: job.address.clone(),
        owned: true,
    })
    .await
    .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_given_by_number_is_its_user_s_name_on_the_host() {
        assert!(is_named("1000", "ops", Some(1000)));
        assert!(is_named("ops", "ops", Some(1000)));
        assert!(is_named("4242", "4242", Some(4242)));
        assert!(!is_named("1001", "ops", Some(1000)));
        assert!(!is_named("0644", "0600", None));
    }
}
