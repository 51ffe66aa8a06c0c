//! Refusals of an API server: its `metav1.Status` objects, as errors.

use serde::Deserialize;

use crate::error::{Cause, ClusterError, FieldConflict};

/// What was asked for, as far as it changes what a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something else than an apply.
    Other,
    /// To apply an object; of a Secret nothing that a refusal quotes is repeated.
    Apply {
        /// Whether it is a Secret.
        secret: bool,
    },
}

/// A refusal, as much of it as errors need. Anything but a Status has neither reason nor details.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: String,
    reason: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    causes: Vec<StatusCause>,
    retry_after_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StatusCause {
    reason: String,
    message: String,
    field: String,
}

/// What an answer that is no success means.
pub(super) fn error(asked: Asked, code: u16, body: &[u8]) -> ClusterError {
    let status = read(body);
    let applies = asked != Asked::Other;
    let message = clean(asked, &text(code, &status, body));
    let is_wrong_input = match code {
        422 => true,
        400 => applies,
        // Servers tell of what does not fit the schema as of a fault of theirs, but without a reason.
        500 => applies && status.reason.is_empty() && status.message.starts_with("failed to "),
        _ => false,
    };
    if is_wrong_input {
        let causes = &status.details.causes;
        if !causes.is_empty() && causes.iter().all(|cause| cause.field == "metadata.uid") {
            return ClusterError::OtherObject;
        }
        let named = |cause: &StatusCause| Cause { field: cause.field.clone(), message: clean(asked, &cause.message) };
        let causes = if causes.is_empty() { in_text(&message) } else { causes.iter().map(named).collect() };
        return ClusterError::Invalid { message, causes };
    }
    match code {
        403 => ClusterError::Forbidden { message },
        404 => ClusterError::Missing { message },
        409 => {
            let conflicts: Vec<FieldConflict> = status.details.causes.iter().filter_map(conflict).collect();
            if !conflicts.is_empty() {
                return ClusterError::Conflict { conflicts };
            }
            if is_other_object(&message) {
                return ClusterError::OtherObject;
            }
            ClusterError::Refused { status: code, message }
        }
        _ => ClusterError::Refused { status: code, message },
    }
}

/// Whether the request met another that changed the same object, or made it, at the same moment.
pub(super) fn is_race(code: u16, body: &[u8]) -> bool {
    let status = read(body);
    code == 409
        && (status.reason == "AlreadyExists"
            || status.reason == "Conflict"
                && status.message.contains("please apply your changes to the latest version"))
}

/// After how many seconds the server wants to be asked again, where its answer says so.
pub(super) fn retry_after(body: &[u8]) -> Option<u64> {
    Some(read(body).details.retry_after_seconds).filter(|seconds| *seconds > 0)
}

/// Whether the API server itself has answered, and not something in between.
pub(super) fn is_status(body: &[u8]) -> bool {
    read(body).kind == "Status"
}

/// The server's words, for where they stand alone.
pub(super) fn message(code: u16, body: &[u8]) -> String {
    text(code, &read(body), body)
}

fn read(body: &[u8]) -> Status {
    serde_json::from_slice(body).unwrap_or_default()
}

fn text(code: u16, status: &Status, body: &[u8]) -> String {
    if !status.message.is_empty() {
        return status.message.trim().to_owned();
    }
    let line = String::from_utf8_lossy(body).lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    line.filter(|line| !line.starts_with(['<', '{'])).unwrap_or_else(|| format!("HTTP {code}"))
}

/// Without the pieces of the request that decoders quote, as they are or as dumps of Go's: they may be secret.
fn clean(asked: Asked, message: &str) -> String {
    let quotes = [", error found in #", ", got &value.", ", got *value."].as_slice();
    let quotes_of_secrets = [", got \""].as_slice();
    let quotes = quotes.iter().chain(if asked == (Asked::Apply { secret: true }) { quotes_of_secrets } else { &[] });
    let mut lines = message.lines().map(|line| {
        let end = quotes.clone().filter_map(|quote| line.find(quote)).min();
        end.map_or(line, |end| &line[..end])
    });
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + "\n" + line)
}

/// The fields that a text names, where it is of those of structured-merge-diff: `…: .spec.a: field not declared in schema`,
/// or a line for each field after `…: errors:`.
fn in_text(message: &str) -> Vec<Cause> {
    let Some(start) = message.strip_prefix("failed to create typed patch object") else { return Vec::new() };
    let fields = start.lines().filter_map(|line| {
        let (_, rest) = line.split_once(" .")?;
        let (field, message) = rest.split_once(": ")?;
        Some(Cause { field: field.to_owned(), message: message.to_owned() })
    });
    fields.collect()
}

/// As fieldmanager words it in apimachinery: `conflict with "kubectl" with subresource "status" using apps/v1 at …`, where
/// all but the name is left out when it does not apply. The name is quoted as Go does.
fn conflict(cause: &StatusCause) -> Option<FieldConflict> {
    if cause.reason != "FieldManagerConflict" {
        return None;
    }
    let rest = cause.message.strip_prefix("conflict with ").unwrap_or(&cause.message);
    let quoted = serde_json::Deserializer::from_str(rest).into_iter::<String>().next();
    let manager = quoted.and_then(Result::ok).unwrap_or_else(|| rest.to_owned());
    Some(FieldConflict { field: cause.field.clone(), manager })
}

fn is_other_object(message: &str) -> bool {
    ["uid mismatch", "UID in precondition", "UID in the precondition"].iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_are_read_from_every_form_of_a_conflict() {
        let forms = [
            r#"conflict with "a""#,
            r#"conflict with "kubectl-client-side-apply" using apps/v1 at 2026-11-22T20:00:00Z"#,
            r#"conflict with "kube-controller-manager" with subresource "status" using apps/v1 at 2026-11-22T20:00:00Z"#,
            r#"conflict with "b \"c\"" using v1"#,
            "conflict with something new",
        ];
        let managers: Vec<String> = forms
            .into_iter()
            .filter_map(|message| {
                conflict(&StatusCause {
                    reason: "FieldManagerConflict".to_owned(),
                    message: message.to_owned(),
                    field: String::new(),
                })
            })
            .map(|conflict| conflict.manager)
            .collect();
        assert_eq!(managers, ["a", "kubectl-client-side-apply", "kube-controller-manager", "b \"c\"", "something new"]);
    }
}
