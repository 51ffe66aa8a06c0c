//! Progress of an apply: bars on a terminal, a line per event elsewhere, JSON where asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hactl_core::Address;
use hactl_core::plan::{Operation, Plan};
use hactl_engine::Event;
use hactl_kinds::is_on_cluster;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::output::Output;
use crate::render::stream::Stream;

/// Shows events as they happen.
pub(crate) struct Reporter<'a> {
    output: &'a Output,
    style: Style<'a>,
}

enum Style<'a> {
    Lines,
    Bars(Mutex<Bars>),
    Json(Stream<'a>),
}

struct Bars {
    all: MultiProgress,
    total: Option<ProgressBar>,
    running: BTreeMap<String, ProgressBar>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(output: &'a Output, json: bool) -> Self {
        let style = if json {
            Style::Json(Stream::new(output))
        } else if output.draws_progress() {
            Style::Bars(Mutex::new(Bars { all: MultiProgress::new(), total: None, running: BTreeMap::new() }))
        } else {
            Style::Lines
        };
        Self { output, style }
    }

    /// Says how much there is to do.
    pub(crate) fn expect(&self, plan: &Plan) {
        if let Style::Bars(bars) = &self.style {
            let steps = plan.steps.iter().filter(|step| step.task.is_some_and(|task| is_told(task.operation))).count();
            let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} steps {elapsed}")
                .unwrap_or(ProgressStyle::default_bar());
            let bar = bars.all.add(ProgressBar::new(steps as u64).with_style(style));
            bar.enable_steady_tick(Duration::from_millis(500));
            bars.total = Some(bar);
        }
    }

    /// Shows one event.
    pub(crate) fn take(&self, event: &Event<'_>) {
        match &self.style {
            Style::Json(stream) => stream.event(event),
            Style::Lines => {
                if let Some(line) = line(event) {
                    self.output.message(&format!("{line}\n"));
                }
            }
            Style::Bars(bars) => bars.lock().unwrap_or_else(PoisonError::into_inner).take(event),
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        if let Style::Bars(bars) = &self.style {
            let bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Reading { node, .. } => self.start(node, format!("{node}: looking")),
            Event::Read { node, .. } => self.end(node),
            Event::Started { address, operation, .. } if is_told(*operation) => {
                self.start(address.as_str(), format!("{address}: {}", doing(address, *operation)));
            }
            Event::Progress { address, text } => {
                if let Some(bar) = self.running.get(address.as_str()) {
                    bar.set_message(format!("{address}: {text}"));
                }
            }
            Event::Ended { address, operation, .. } => {
                self.end(address.as_str());
                if is_told(*operation)
                    && let Some(total) = &self.total
                {
                    total.inc(1);
                }
            }
            Event::Started { .. } | Event::Skipped { .. } | Event::Stopping => {}
        }
        if let (Some(line), false) = (line(event), matches!(event, Event::Started { .. } | Event::Progress { .. })) {
            let _ = self.all.println(line);
        }
    }

    fn start(&mut self, key: &str, message: String) {
        let style =
            ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or(ProgressStyle::default_spinner());
        let bar = self.all.insert(0, ProgressBar::new_spinner().with_style(style).with_message(message));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.running.insert(key.to_owned(), bar);
    }

    fn end(&mut self, key: &str) {
        if let Some(bar) = self.running.remove(key) {
            bar.finish_and_clear();
        }
    }
}

/// An event as a line; none for what nobody needs to read.
fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Reading { .. } | Event::Read { unreachable: None, .. } => return None,
        Event::Read { node, unreachable: Some(reason) } => format!("{node}: did not answer: {reason}"),
        Event::Started { operation, .. } if !is_told(*operation) => return None,
        Event::Started { address, operation, .. } => format!("{address}: {}...", doing(address, *operation)),
        Event::Progress { address, text } => format!("{address}: {text}"),
        Event::Ended { operation, .. } if !is_told(*operation) => return None,
        Event::Ended { address, operation, elapsed, result: Ok(()), .. } => {
            format!("{address}: {} complete after {}s", noun(address, *operation), elapsed.as_secs())
        }
        Event::Ended { address, operation, elapsed, result: Err(error), .. } => {
            format!("{address}: {} failed after {}s: {error}", noun(address, *operation), elapsed.as_secs())
        }
        Event::Stopping => {
            "Stopping: finishing what runs, beginning nothing new. Interrupt again to stop at once.".to_owned()
        }
        Event::Skipped { address, operation } => {
            format!("{address}: {} skipped, something before it failed", noun(address, *operation))
        }
    })
}

/// Whether people want to hear of it.
fn is_told(operation: Operation) -> bool {
    !matches!(operation, Operation::Record | Operation::Settle)
}

/// What is going on.
fn doing(address: &Address, operation: Operation) -> &'static str {
    match operation {
        Operation::Gate if is_on_cluster(address) => "waiting until it is ready",
        Operation::Create => "creating",
        Operation::Adopt => "adopting",
        Operation::Update => "updating",
        Operation::Swap => "replacing",
        Operation::Gate => "waiting for health",
        Operation::Settle => "removing the old one",
        Operation::Restore => "putting the old one back",
        Operation::Delete => "destroying",
        Operation::Forget => "taking out of the state",
        Operation::Record => "recording",
    }
}

/// The operation as a noun: `creation`.
pub(crate) fn noun(address: &Address, operation: Operation) -> &'static str {
    match operation {
        Operation::Gate if is_on_cluster(address) => "wait",
        Operation::Create => "creation",
        Operation::Adopt => "adoption",
        Operation::Update => "update",
        Operation::Swap => "replacement",
        Operation::Gate => "health check",
        Operation::Settle => "removal of the old one",
        Operation::Restore => "rollback",
        Operation::Delete => "destruction",
        Operation::Forget => "removal from the state",
        Operation::Record => "recording",
    }
}
