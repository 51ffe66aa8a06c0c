//! What must hold at every event of every run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use hactl_core::plan::{Action, Operation, Plan};
use hactl_core::resolve::Secrets;
use hactl_core::resource::Dependency;
use hactl_core::state::State;
use hactl_core::{Address, Value};
use hactl_engine::Event;

/// Watches the runs of one history.
#[derive(Default)]
pub(crate) struct Watch(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    run: Run,
    /// Plain texts that nobody may find anywhere but on hosts.
    secrets: BTreeSet<String>,
    violations: Vec<String>,
    /// What happened, for whoever looks into a seed.
    story: Vec<String>,
}

/// What one run is about to do and has done.
#[derive(Default)]
struct Run {
    changes: BTreeMap<Address, Planned>,
    /// What needs each resource, according to the state before.
    needed_by: BTreeMap<Address, Vec<Dependency>>,
    done: BTreeSet<Address>,
    /// Instances of rolling changes that were taken down and are not proven yet.
    down: BTreeSet<Address>,
    events: usize,
}

struct Planned {
    action: Action,
    dependencies: Vec<Dependency>,
    gated: bool,
    /// The most instances that may be down at one time, where it is part of a rolling change.
    limit: Option<usize>,
}

impl Watch {
    /// A run begins.
    pub(crate) fn begin(&self, plan: &Plan, state: &State) {
        let changes = plan.changes.iter().filter(|change| change.action != Action::NoOp).map(|change| {
            let planned = Planned {
                action: change.action,
                dependencies: change.dependencies.clone(),
                gated: change.gated,
                limit: change.wave.map(|wave| wave.rollout.max_unavailable as usize),
            };
            (change.address.clone(), planned)
        });
        self.0.lock().unwrap().story.extend(plan.changes.iter().filter(|change| change.action != Action::NoOp).map(
            |change| format!("  plan: {:?} {} {:?} {:?}", change.action, change.address, change.reasons, change.paths),
        ));
        let needed_by = state.resources.iter().map(|(address, known)| (address.clone(), known.dependencies.clone()));
        self.0.lock().unwrap().run =
            Run { changes: changes.collect(), needed_by: needed_by.collect(), ..Run::default() };
    }

    /// Something happened; gives how much did by now in this run.
    pub(crate) fn take(&self, event: &Event<'_>) -> usize {
        let mut seen = self.0.lock().unwrap();
        seen.run.events += 1;
        if let Event::Started { .. } | Event::Ended { .. } = event {
            seen.story.push(format!("  {event:?}"));
        }
        match event {
            Event::Started { address, operation, .. } => seen.started(address, *operation),
            Event::Ended { address, operation, result, .. } => seen.ended(address, *operation, result.is_ok()),
            _ => {}
        }
        if let Event::Ended { result: Err(error), .. } = event {
            let told = format!("{error:?}");
            seen.check_text("an error", told.as_bytes());
        }
        seen.run.events
    }

    /// Takes note of the values that a run had.
    pub(crate) fn learn(&self, secrets: &Secrets) {
        let mut seen = self.0.lock().unwrap();
        let entries = secrets.entries.values().flatten();
        let private = entries.filter(|(name, _)| !matches!(name.as_str(), "certificate" | "chain"));
        for value in private.map(|(_, value)| value).chain(secrets.variables.values()) {
            if let Value::String(text) = value.expose() {
                // The lines of a key; what frames it is no secret.
                let lines = text.lines().filter(|line| line.len() >= 12 && !line.starts_with("-----"));
                seen.secrets.extend(lines.map(str::to_owned));
            }
        }
    }

    /// Looks for secrets in all that lies in a directory.
    pub(crate) fn search(&self, directory: &Path) {
        let mut seen = self.0.lock().unwrap();
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                seen.check_text(&path.file_name().unwrap_or_default().to_string_lossy(), &bytes);
            }
        }
    }

    /// Looks for secrets in a text that a user is told.
    pub(crate) fn told(&self, what: &str, text: &str) {
        self.0.lock().unwrap().check_text(what, text.as_bytes());
    }

    /// Somebody does something.
    pub(crate) fn note(&self, what: String) {
        self.0.lock().unwrap().story.push(what);
    }

    /// All that happened.
    pub(crate) fn story(&self) -> Vec<String> {
        self.0.lock().unwrap().story.clone()
    }

    /// What did not hold.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.0.lock().unwrap().violations.clone()
    }
}

impl Seen {
    fn started(&mut self, address: &Address, operation: Operation) {
        let mut violations = Vec::new();
        let run = &mut self.run;
        let Some(planned) = run.changes.get(address) else { return };
        match operation {
            Operation::Create | Operation::Update | Operation::Swap => {
                for dependency in &planned.dependencies {
                    for (on, change) in run.changes.iter().filter(|(on, _)| matches(dependency, on)) {
                        let makes = matches!(change.action, Action::Create | Action::Update | Action::Replace);
                        if makes && !run.done.contains(on) {
                            violations.push(format!("order: {operation:?} {address} began before {on} was done"));
                        }
                    }
                }
                if let Some(limit) = planned.limit.filter(|_| planned.action != Action::Create) {
                    run.down.insert(address.clone());
                    let down: Vec<&Address> =
                        run.down.iter().filter(|other| other.resource() == address.resource()).collect();
                    if down.len() > limit {
                        violations.push(format!("quorum: {down:?} are down at one time, {limit} may be"));
                    }
                }
            }
            Operation::Delete => {
                for (user, change) in &run.changes {
                    let uses =
                        run.needed_by.get(user).is_some_and(|needs| needs.iter().any(|need| matches(need, address)));
                    let goes = matches!(change.action, Action::Delete | Action::Update | Action::Replace);
                    // One instance of several that leaves, while the resource stays what it needs, is bound to no order.
                    let still_needs = change.action != Action::Delete
                        && change.dependencies.iter().any(|need| matches(need, address));
                    if uses && goes && !still_needs && !run.done.contains(user) {
                        violations.push(format!("order: {address} is deleted before {user}, which uses it, was done"));
                    }
                }
            }
            _ => {}
        }
        self.violations.append(&mut violations);
    }

    fn ended(&mut self, address: &Address, operation: Operation, well: bool) {
        let run = &mut self.run;
        let Some(planned) = run.changes.get(address) else { return };
        let last = match operation {
            Operation::Create | Operation::Update | Operation::Swap => !planned.gated,
            Operation::Gate | Operation::Delete | Operation::Forget => true,
            Operation::Adopt | Operation::Settle | Operation::Restore | Operation::Record => false,
        };
        if well && last {
            run.done.insert(address.clone());
            run.down.remove(address);
        }
    }

    fn check_text(&mut self, place: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        if let Some(secret) = self.secrets.iter().find(|secret| text.contains(secret.as_str())) {
            let start: String = secret.chars().take(4).collect();
            self.violations.push(format!("secret: {place} holds {start}… ({} characters)", secret.len()));
        }
    }
}

/// Whether a dependency is on this instance, by itself or with all of its resource.
fn matches(dependency: &Dependency, address: &Address) -> bool {
    dependency.on == *address || dependency.on.as_str() == address.resource()
}
