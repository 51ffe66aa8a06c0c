//! The order of execution: numbered stages, instances of a resource together.

use std::collections::BTreeMap;

use hactl_core::plan::{Action, Operation, Plan, Step, Task, When};

use crate::render::plan::page::{Page, Tone, instances};

/// The most lines shown.
const SHOWN_LINES: usize = 30;
/// The most resources named that a line waits for.
const SHOWN_WAITS: usize = 3;

/// Writes the section; nothing where there is only one thing to do.
pub(super) fn write(page: &mut Page, plan: &Plan) {
    let lines = lines(plan);
    if lines.len() < 2 {
        return;
    }
    page.gap();
    if lines.iter().all(|line| line.first == lines[0].first && line.first == line.last) {
        page.line(0, Tone::Heading, "Order: all at the same time.");
        return;
    }
    page.line(0, Tone::Heading, "Order:");
    let mut number = 0;
    let mut stage = None;
    for line in lines.iter().take(SHOWN_LINES) {
        let label = if stage == Some(line.first) {
            String::new()
        } else {
            stage = Some(line.first);
            number += 1;
            format!("{number}.")
        };
        page.line(2, Tone::Plain, format!("{label:<3} {}", line.text(plan)));
    }
    if lines.len() > SHOWN_LINES {
        page.line(6, Tone::Plain, format!("… and {} more", lines.len() - SHOWN_LINES));
    }
}

/// What is done to instances of one resource.
struct Line<'a> {
    verb: &'static str,
    resource: &'a str,
    /// Positions in the plan's changes.
    members: Vec<u32>,
    /// The stages of its first and last instance.
    first: u32,
    last: u32,
    waits: Waits<'a>,
}

impl Line<'_> {
    fn text(&self, plan: &Plan) -> String {
        let members: Vec<_> = self
            .members
            .iter()
            .map(|member| &plan.changes[*member as usize])
            .map(|change| (change.address.key(), change.node.as_deref()))
            .collect();
        let mut text = format!("{} {}", self.verb, instances(self.resource, &members));
        let wave = self.members.iter().find_map(|member| plan.changes[*member as usize].wave);
        if let Some(wave) = wave.filter(|_| self.last > self.first) {
            text.push_str(&format!(", {}", at_a_time(wave.rollout.max_unavailable)));
        }
        if !self.waits.names.is_empty() {
            let more = if self.waits.more { " and others" } else { "" };
            text.push_str(&format!(" (after {}{more})", self.waits.names.join(", ")));
        }
        text
    }
}

/// `one at a time`, `2 at a time`.
pub(super) fn at_a_time(number: u32) -> String {
    if number <= 1 { "one at a time".to_owned() } else { format!("{number} at a time") }
}

/// Resources that are waited for; only a few are kept, so that joining them stays cheap.
#[derive(Debug, Clone, Default)]
struct Waits<'a> {
    names: Vec<&'a str>,
    more: bool,
}

impl<'a> Waits<'a> {
    fn add(&mut self, name: &'a str) {
        if self.names.contains(&name) {
            return;
        }
        if self.names.len() < SHOWN_WAITS {
            self.names.push(name);
        } else {
            self.more = true;
        }
    }

    fn add_all(&mut self, other: &Self, but: &str) {
        other.names.iter().filter(|name| **name != but).for_each(|name| self.add(name));
        self.more |= other.more;
    }
}

/// Lines by stage. A stage is the number of things on the longest way to a step; waiting for health and tidying up
/// belong to the change before them, and what runs only after a failure is left out.
fn lines(plan: &Plan) -> Vec<Line<'_>> {
    let mut stages: Vec<u32> = Vec::with_capacity(plan.steps.len());
    let mut seen_after: Vec<Waits<'_>> = Vec::with_capacity(plan.steps.len());
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut line_of: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for step in &plan.steps {
        let before = || before(step).map(|edge| edge as usize);
        let reached = before().filter_map(|first| stages.get(first)).max().copied().unwrap_or(0);
        let Some((task, verb)) = step.task.and_then(|task| Some((task, verb(plan, task)?))) else {
            let mut waits = Waits::default();
            before().filter_map(|first| seen_after.get(first)).for_each(|other| waits.add_all(other, ""));
            stages.push(reached);
            seen_after.push(waits);
            continue;
        };
        let resource = plan.change(task).address.resource();
        let at = *line_of.entry((resource, verb)).or_insert_with(|| {
            let waits = Waits::default();
            lines.push(Line { verb, resource, members: Vec::new(), first: reached, last: reached, waits });
            lines.len() - 1
        });
        let line = &mut lines[at];
        line.members.push(task.change);
        line.first = line.first.min(reached);
        line.last = line.last.max(reached);
        for first in before().filter_map(|first| seen_after.get(first)) {
            line.waits.add_all(first, resource);
        }
        stages.push(reached + 1);
        seen_after.push(Waits { names: vec![resource], more: false });
    }
    for line in &mut lines {
        line.members.sort_unstable();
    }
    lines.sort_by_key(|line| line.first);
    lines
}

/// The steps that a step waits for when all goes well.
fn before(step: &Step) -> impl Iterator<Item = u32> {
    step.after.iter().filter(|edge| edge.when != When::Failure).map(|edge| edge.step)
}

/// What a step does to the resource; none for what is part of another step, or touches state only.
fn verb(plan: &Plan, task: Task) -> Option<&'static str> {
    let replaced = plan.change(task).action == Action::Replace;
    match task.operation {
        Operation::Create if replaced => Some("create the new"),
        Operation::Create => Some("create"),
        Operation::Update => Some("update"),
        Operation::Swap => Some("replace"),
        Operation::Delete if replaced => Some("remove the old"),
        Operation::Delete => Some("destroy"),
        Operation::Forget => Some("forget"),
        Operation::Gate | Operation::Settle | Operation::Restore | Operation::Record => None,
    }
}
