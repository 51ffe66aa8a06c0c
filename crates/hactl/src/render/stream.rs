//! The machine-readable messages of `--json`: one JSON object a line, in the shape of Terraform's.

use hactl_config::SourceMap;
use hactl_core::cluster::CLUSTER;
use hactl_core::diagnostic::{Severity, Span};
use hactl_core::plan::{Action, Change, Counts, Drift, Operation, Plan};
use hactl_core::value::Map;
use hactl_core::{Address, Diagnostic};
use hactl_engine::Event;
use hactl_kinds::is_on_cluster;
use serde_json::{Map as JsonMap, Value as Json, json};

use crate::output::Output;
use crate::render::plan::{applied, summary};
use crate::render::plan_json::action_reason;
use crate::render::state_json::{VERSION, outputs_json};

/// The version of the messages, Terraform's.
const UI_VERSION: &str = "1.2";

/// Writes messages as lines of data.
pub(crate) struct Stream<'a> {
    output: &'a Output,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(output: &'a Output) -> Self {
        Self { output }
    }

    /// Which hactl speaks; the first message of every stream.
    pub(crate) fn version(&self) {
        self.write(version(&stamp()));
    }

    /// What drifted, what is to change, and the counts.
    pub(crate) fn plan(&self, plan: &Plan) {
        let stamp = stamp();
        plan_messages(plan, &stamp).for_each(|message| self.write(message));
    }

    /// How many resources an apply changed.
    pub(crate) fn applied(&self, counts: Counts, destroy: bool) {
        let operation = if destroy { "destroy" } else { "apply" };
        self.write(change_summary(counts, operation, &applied(counts, destroy), &stamp()));
    }

    /// The outputs; sensitive ones without their values.
    pub(crate) fn outputs(&self, outputs: &Map) {
        self.write(outputs_message(outputs, &stamp()));
    }

    /// Something that happened.
    pub(crate) fn event(&self, event: &Event<'_>) {
        self.write(event_message(event, &stamp()));
    }

    /// What a user is told.
    pub(crate) fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &SourceMap) {
        let stamp = stamp();
        diagnostics.iter().for_each(|diagnostic| self.write(diagnostic_message(diagnostic, sources, &stamp)));
    }

    fn write(&self, message: Json) {
        self.output.data(&format!("{message}\n"));
    }
}

/// The time now, UTC, with microseconds (RFC 3339).
pub(crate) fn stamp() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// A message with the keys that all have, and those of its own.
fn message(level: &str, kind: &str, text: &str, stamp: &str, own: Json) -> Json {
    let mut message = JsonMap::new();
    message.insert("@level".to_owned(), json!(level));
    message.insert("@message".to_owned(), json!(text));
    message.insert("@module".to_owned(), json!("hactl.ui"));
    message.insert("@timestamp".to_owned(), json!(stamp));
    message.insert("type".to_owned(), json!(kind));
    if let Json::Object(own) = own {
        message.extend(own);
    }
    Json::Object(message)
}

fn version(stamp: &str) -> Json {
    let own = json!({"hactl": VERSION, "terraform": VERSION, "ui": UI_VERSION});
    message("info", "version", &format!("hactl {VERSION}"), stamp, own)
}

/// Drift, changes and the summary, in this order.
fn plan_messages<'a>(plan: &'a Plan, stamp: &'a str) -> impl Iterator<Item = Json> + 'a {
    let drift = plan.drift.iter().map(move |drift| drift_message(drift, stamp));
    let is_told = |change: &&Change| {
        change.action != Action::NoOp || change.adopts.is_some() || change.previous_address.is_some()
    };
    let changes = plan.changes.iter().filter(is_told).map(move |change| {
        let action = match change.action {
            Action::NoOp if change.adopts.is_some() => "import",
            Action::NoOp => "move",
            action => action_word(action),
        };
        let mut own = json!({"resource": resource(&change.address), "action": action});
        if let (Some(previous), Some(own)) = (&change.previous_address, own.as_object_mut()) {
            own.insert("previous_resource".to_owned(), resource(previous));
        }
        if let (Some(reason), Some(own)) = (action_reason(change), own.as_object_mut()) {
            own.insert("reason".to_owned(), json!(reason));
        }
        if let (Some(adopted), Some(own)) = (&change.adopts, own.as_object_mut()) {
            own.insert("importing".to_owned(), json!({"id": adopted.id}));
        }
        let text = format!("{}: Plan to {action}", change.address);
        message("info", "planned_change", &text, stamp, json!({"change": own}))
    });
    let counts = plan.counts();
    let last = std::iter::once_with(move || change_summary(counts, "plan", &summary(counts), stamp));
    let expiries = plan.expiries.iter().map(move |(address, expiry)| {
        let text = format!("{address}: Expires {}", expiry.not_after);
        message("info", "expiry", &text, stamp, json!({"resource": resource(address), "expiry": expiry}))
    });
    drift.chain(changes).chain(expiries).chain(last)
}

fn drift_message(drift: &Drift, stamp: &str) -> Json {
    let action = if drift.after.is_some() { "update" } else { "delete" };
    let own = json!({"change": {"resource": resource(&drift.address), "action": action}});
    message("info", "resource_drift", &format!("{}: Drift detected ({action})", drift.address), stamp, own)
}

fn change_summary(counts: Counts, operation: &str, text: &str, stamp: &str) -> Json {
    let changes = json!({
        "add": counts.add,
        "change": counts.change,
        "import": counts.import,
        "remove": counts.destroy,
        "forget": counts.forget,
        "move": counts.moves,
        "operation": operation,
    });
    message("info", "change_summary", text, stamp, json!({"changes": changes}))
}

fn outputs_message(outputs: &Map, stamp: &str) -> Json {
    let text = format!("Outputs: {}", outputs.len());
    message("info", "outputs", &text, stamp, json!({"outputs": outputs_json(outputs)}))
}

fn event_message(event: &Event<'_>, stamp: &str) -> Json {
    match event {
        Event::Reading { node, resources } => {
            let own = json!({"hook": {"resource": node_resource(node), "resources": resources}});
            message("info", "refresh_start", &format!("{}: Refreshing state...", node_address(node)), stamp, own)
        }
        Event::Read { node, unreachable } => {
            let own = json!({"hook": {"resource": node_resource(node), "unreachable": unreachable}});
            match unreachable {
                None => message(
                    "info",
                    "refresh_complete",
                    &format!("{}: Refresh complete", node_address(node)),
                    stamp,
                    own,
                ),
                Some(reason) => {
                    let text = format!("{}: Did not answer: {reason}", node_address(node));
                    message("warn", "refresh_complete", &text, stamp, own)
                }
            }
        }
        Event::Started { address, operation, .. } => {
            let text = format!("{address}: {}...", words(address, *operation).doing);
            message("info", "apply_start", &text, stamp, json!({"hook": hook(address, *operation)}))
        }
        Event::Progress { address, text } => {
            let own = json!({"hook": {"resource": resource(address), "text": text}});
            message("info", "apply_progress", &format!("{address}: {text}"), stamp, own)
        }
        Event::Ended { address, operation, elapsed, result, .. } => {
            let seconds = elapsed.as_secs();
            let mut hook = hook(address, *operation);
            hook.insert("elapsed_seconds".to_owned(), json!(seconds));
            let what = words(address, *operation).noun;
            match result {
                Ok(()) => {
                    let text = format!("{address}: {what} complete after {seconds}s");
                    message("info", "apply_complete", &text, stamp, json!({"hook": hook}))
                }
                Err(error) => {
                    hook.insert("error".to_owned(), json!(error.summary));
                    let text = format!("{address}: {what} errored after {seconds}s");
                    message("error", "apply_errored", &text, stamp, json!({"hook": hook}))
                }
            }
        }
        Event::Stopping => {
            message("warn", "log", "Stopping: finishing what runs, beginning nothing new", stamp, json!({}))
        }
        Event::Skipped { address, operation } => {
            let text = format!("{address}: {} skipped: something it needs failed", words(address, *operation).noun);
            message("warn", "log", &text, stamp, json!({"hook": hook(address, *operation)}))
        }
    }
}

fn diagnostic_message(diagnostic: &Diagnostic, sources: &SourceMap, stamp: &str) -> Json {
    let (level, severity) = match diagnostic.severity {
        Severity::Error => ("error", "Error"),
        Severity::Warning => ("warn", "Warning"),
    };
    let paragraphs = [diagnostic.detail.as_str(), diagnostic.help.as_deref().unwrap_or_default()];
    let detail: Vec<&str> = paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect();
    let mut body = JsonMap::new();
    body.insert("severity".to_owned(), json!(diagnostic.severity));
    body.insert("summary".to_owned(), json!(diagnostic.summary));
    body.insert("detail".to_owned(), json!(detail.join("\n\n")));
    if let Some(subject) = &diagnostic.subject {
        body.insert("address".to_owned(), json!(subject));
    }
    if let Some(label) = diagnostic.labels.first() {
        body.insert("range".to_owned(), range(label.span, sources));
        body.insert("snippet".to_owned(), snippet(label.span, sources));
    }
    let text = format!("{severity}: {}", diagnostic.summary);
    message(level, "diagnostic", &text, stamp, json!({"diagnostic": body}))
}

/// A span as lines and columns counted from 1, the column in characters, and bytes counted from 0.
fn range(span: Span, sources: &SourceMap) -> Json {
    let place = |byte: u32| {
        let (line, column) = sources.position(Span { start: byte, end: byte, ..span });
        json!({"line": line, "column": column, "byte": byte})
    };
    json!({
        "filename": sources.path(span.source).display().to_string(),
        "start": place(span.start),
        "end": place(span.end),
    })
}

/// The line that a span starts on, and the span within it, in bytes.
fn snippet(span: Span, sources: &SourceMap) -> Json {
    let text = sources.text(span.source);
    let bytes = span.range();
    let line_start = text.get(..bytes.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let code = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let within = |byte: usize| byte.saturating_sub(line_start).min(code.len());
    json!({
        "context": null,
        "code": code,
        "start_line": sources.position(span).0,
        "highlight_start_offset": within(bytes.start),
        "highlight_end_offset": within(bytes.end),
        "values": [],
    })
}

fn resource(address: &Address) -> Json {
    json!({
        "addr": address.as_str(),
        "module": "",
        "resource": address.as_str(),
        "implied_provider": "hactl",
        "resource_type": address.kind(),
        "resource_name": address.name(),
        "resource_key": address.key(),
    })
}

/// A node or the cluster as something that is refreshed.
fn node_resource(node: &str) -> Json {
    json!({
        "addr": node_address(node),
        "module": "",
        "resource": node_address(node),
        "implied_provider": "hactl",
        "resource_type": if node == CLUSTER { CLUSTER } else { "node" },
        "resource_name": node,
        "resource_key": null,
    })
}

fn node_address(node: &str) -> String {
    if node == CLUSTER { CLUSTER.to_owned() } else { format!("node.{node}") }
}

/// The resource and what is done to it: Terraform's `action`, and hactl's `operation`, which is finer.
fn hook(address: &Address, operation: Operation) -> JsonMap<String, Json> {
    let mut hook = JsonMap::new();
    hook.insert("resource".to_owned(), resource(address));
    hook.insert("action".to_owned(), json!(words(address, operation).action));
    hook.insert("operation".to_owned(), json!(operation));
    hook
}

fn action_word(action: Action) -> &'static str {
    match action {
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Forget => "forget",
    }
}

/// How an operation is spoken of.
struct Words {
    action: &'static str,
    doing: &'static str,
    noun: &'static str,
}

fn words(address: &Address, operation: Operation) -> Words {
    let (action, doing, noun) = match operation {
        Operation::Create => ("create", "Creating", "Creation"),
        Operation::Adopt => ("noop", "Importing", "Import"),
        Operation::Update => ("update", "Modifying", "Modifications"),
        Operation::Swap => ("replace", "Replacing", "Replacement"),
        Operation::Gate if is_on_cluster(address) => ("read", "Waiting until ready", "Wait"),
        Operation::Gate => ("read", "Waiting until healthy", "Health check"),
        Operation::Settle => ("delete", "Removing the old one", "Removal of the old one"),
        Operation::Restore => ("replace", "Putting the old one back", "Putting the old one back"),
        Operation::Delete => ("delete", "Destroying", "Destruction"),
        Operation::Forget => ("forget", "Forgetting", "Forgetting"),
        Operation::Record => ("noop", "Recording", "Recording"),
    };
    Words { action, doing, noun }
}

#[cfg(test)]
mod tests;
