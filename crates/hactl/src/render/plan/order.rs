//! The order of execution: numbered stages, instances of a resource together.

use std::collections::{BTreeMap, BTreeSet};

use hactl_core::cluster::CLUSTER;
use hactl_core::graph::Graph;
use hactl_core::plan::{Action, Operation, Plan, Step, Task, When};

use crate::render::plan::page::{Page, Tone, instances};

/// The most lines shown.
const SHOWN_LINES: usize = 30;
/// The most resources named that a line waits for.
const SHOWN_WAITS: usize = 4;

/// Writes the section; nothing where there is only one thing to do.
pub(super) fn write(page: &mut Page, plan: &Plan) {
    let lines = lines(plan);
    if lines.len() < 2 {
        return;
    }
    page.gap();
    if lines.iter().all(|line| line.after.is_empty() && line.at_a_time(plan).is_none()) {
        page.line(0, Tone::Heading, "Order: all at the same time.");
        return;
    }
    let stages = stages(&lines);
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|line| stages[*line]);
    page.line(0, Tone::Heading, "Order:");
    let mut last = None;
    for line in order.iter().take(SHOWN_LINES) {
        let stage = Some(stages[*line]).filter(|stage| last.replace(*stage) != Some(*stage));
        let label = stage.map(|stage| format!("{}.", stage + 1)).unwrap_or_default();
        page.line(2, Tone::Plain, format!("{label:<3} {}", lines[*line].text(plan, &lines)));
    }
    if lines.len() > SHOWN_LINES {
        page.line(6, Tone::Plain, format!("… and {} more", lines.len() - SHOWN_LINES));
    }
}

/// When each resource has its turn, or each object: the number of the last stage that does something to it.
pub(super) fn turns(plan: &Plan) -> BTreeMap<&str, usize> {
    let lines = lines(plan);
    let mut turns = BTreeMap::new();
    for (line, stage) in lines.iter().zip(stages(&lines)) {
        let objects = line.members.iter().filter(|_| line.objects);
        let objects = objects.map(|member| plan.changes[*member as usize].address.as_str());
        for name in objects.chain((!line.objects).then_some(line.resource)) {
            let turn = turns.entry(name).or_default();
            *turn = stage.max(*turn);
        }
    }
    turns
}

/// `one at a time`, `2 at a time`.
pub(super) fn at_a_time(number: u32) -> String {
    if number <= 1 { "one at a time".to_owned() } else { format!("{number} at a time") }
}

/// What is done to instances of one resource.
struct Line<'a> {
    verb: &'static str,
    resource: &'a str,
    /// Positions in the plan's changes.
    members: Vec<u32>,
    /// The other lines that any of them waits for.
    after: BTreeSet<usize>,
    /// Whether they are objects, of which each has its own turn.
    objects: bool,
}

impl Line<'_> {
    fn text(&self, plan: &Plan, lines: &[Line<'_>]) -> String {
        let changes = self.members.iter().map(|member| &plan.changes[*member as usize]);
        let members: Vec<_> = changes.map(|change| (change.address.key(), change.node.as_deref())).collect();
        let mut text = format!("{} {}", self.verb, instances(self.resource, &members));
        if let Some(number) = self.at_a_time(plan) {
            text.push_str(&format!(", {}", at_a_time(number)));
        }
        // Among objects the numbers tell.
        let others = self.after.iter().map(|line| &lines[*line]).filter(|line| !(line.objects && self.objects));
        let mut after: Vec<&str> = Vec::new();
        for resource in others.map(|line| line.resource) {
            if resource != self.resource && !after.contains(&resource) && after.len() <= SHOWN_WAITS {
                after.push(resource);
            }
        }
        if after.len() > SHOWN_WAITS {
            after[SHOWN_WAITS] = "others";
        }
        if !after.is_empty() {
            text.push_str(&format!(" (after {})", after.join(", ")));
        }
        text
    }
}

impl Line<'_> {
    /// How many take their turn together; none where all do.
    fn at_a_time(&self, plan: &Plan) -> Option<u32> {
        let wave = self.members.iter().find_map(|member| plan.changes[*member as usize].wave);
        let number = wave.map(|wave| wave.rollout.max_unavailable);
        number.filter(|number| self.members.len() > *number as usize)
    }
}

/// Lines in the order in which their first step comes.
///
/// Waiting for health and tidying up belong to the line of the change; barriers stand for what they gather; what runs
/// only after a failure, or only writes state, has no line.
fn lines(plan: &Plan) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let on_cluster = |task: Task| plan.change(task).node.as_deref() == Some(CLUSTER);
    // What somebody who waits for a step waits for.
    let mut behind: Vec<BTreeSet<usize>> = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let mut after = BTreeSet::new();
        for first in before(step) {
            after.extend(behind.get(first as usize).into_iter().flatten().copied());
        }
        let Some((task, verb)) = step.task.and_then(|task| Some((task, verb(plan, task)?))) else {
            behind.push(after);
            continue;
        };
        let (address, objects) = (&plan.change(task).address, on_cluster(task));
        let turn = if objects { address.as_str() } else { address.resource() };
        let number = *numbers.entry((turn, verb)).or_insert_with(|| {
            let resource = address.resource();
            lines.push(Line { verb, resource, members: Vec::new(), after: BTreeSet::new(), objects });
            lines.len() - 1
        });
        after.remove(&number);
        lines[number].after.append(&mut after);
        lines[number].members.push(task.change);
        behind.push(BTreeSet::from([number]));
    }
    let mut lines = joined(lines);
    for line in &mut lines {
        line.members.sort_unstable();
    }
    lines
}

/// Objects of one resource that wait for the same have one line.
fn joined(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut known: BTreeMap<(&str, &str, BTreeSet<usize>), usize> = BTreeMap::new();
    let mut kept: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut numbers = Vec::with_capacity(lines.len());
    for line in lines {
        let same = (line.verb, line.resource, line.after.clone());
        let number = match known.get(&same) {
            Some(first) if line.objects => {
                kept[*first].members.extend(line.members);
                *first
            }
            _ => {
                known.insert(same, kept.len());
                kept.push(line);
                kept.len() - 1
            }
        };
        numbers.push(number);
    }
    for (number, line) in kept.iter_mut().enumerate() {
        line.after = line.after.iter().map(|first| numbers[*first]).filter(|first| *first != number).collect();
    }
    kept
}

/// The longest way to each line. Where instances of two resources take turns, so that each waits for the other, lines
/// count as coming in the order in which they begin.
fn stages(lines: &[Line<'_>]) -> Vec<usize> {
    let mut graph = Graph::new(lines.len());
    for (number, line) in lines.iter().enumerate() {
        line.after.iter().for_each(|first| graph.add_edge(*first, number));
    }
    let order = graph.order().unwrap_or_else(|_| (0..lines.len()).collect());
    let mut stages: Vec<Option<usize>> = vec![None; lines.len()];
    for number in order {
        let before = lines[number].after.iter().filter_map(|first| stages[*first]).max();
        stages[number] = Some(before.map_or(0, |stage| stage + 1));
    }
    stages.into_iter().map(Option::unwrap_or_default).collect()
}

/// The steps that a step waits for when all goes well.
fn before(step: &Step) -> impl Iterator<Item = u32> {
    step.after.iter().filter(|edge| edge.when != When::Failure).map(|edge| edge.step)
}

/// What a step does to the resource; none for what is part of another step, or touches state only.
fn verb(plan: &Plan, task: Task) -> Option<&'static str> {
    let replaced = plan.change(task).action == Action::Replace;
    let stays = plan.change(task).action == Action::NoOp;
    match task.operation {
        Operation::Create if replaced => Some("create the new"),
        Operation::Create => Some("create"),
        Operation::Adopt if stays => Some("adopt"),
        Operation::Update => Some("update"),
        Operation::Swap => Some("replace"),
        Operation::Delete if replaced => Some("remove the old"),
        Operation::Delete => Some("destroy"),
        Operation::Forget => Some("forget"),
        Operation::Adopt | Operation::Gate | Operation::Settle | Operation::Restore | Operation::Record => None,
    }
}
