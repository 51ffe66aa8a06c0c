//! The changes, instances of a resource that change alike as one block.

use std::collections::BTreeMap;

use hactl_core::cluster::CLUSTER;
use hactl_core::plan::{Action, Change, Operation, Plan};

use crate::render::plan::order::{at_a_time, turns};
use crate::render::plan::page::{Page, Tone, instances, row};
use crate::render::plan::places::{Places, the_place};
use crate::render::plan::reasons::why;
use crate::render::plan::{fields, object};

/// Columns that the lines of a block are indented by.
const BODY: usize = 4;
/// Instances that differ in values only: up to this many are shown one by one.
const WHOLE_FAMILY: usize = 5;
/// How many of a larger family are shown.
const SHOWN: usize = 3;

/// Writes creations, updates and replacements in the order of execution, then what is forgotten, then what is destroyed.
pub(super) fn write(page: &mut Page, plan: &Plan) {
    let (blocks, rollouts) = (fold(page, blocks(page, plan)), rollouts(plan));
    for block in blocks.iter().filter(|block| !matches!(block.action, Action::Delete | Action::Forget)) {
        page.gap();
        block.write(page, rollouts.get(block.resource));
    }
    let forgotten = plan.changes.iter().filter(|change| change.action == Action::Forget);
    let places: Places = forgotten.map(|change| Places::of_node(change.node.as_deref())).sum();
    let heading = format!("Taken out of the state, with nothing done on {}:", places.the());
    short_section(page, &blocks, Action::Forget, &heading);
    short_section(page, &blocks, Action::Delete, "To be destroyed:");
}

/// Instances of one resource to which the same happens for the same reasons.
struct Block<'a> {
    action: Action,
    resource: &'a str,
    members: Vec<&'a Change>,
    body: Body,
    /// The first step of any of them.
    first: usize,
}

/// What a block says, the same for all its members.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Body {
    /// What it was called before, where that was something else.
    was: Option<String>,
    why: String,
    care: Vec<&'static str>,
    fields: String,
}

/// What blocks have in common that differ in values only.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Family<'a> {
    resource: &'a str,
    action: Action,
    why: &'a str,
    care: &'a [&'static str],
    on_cluster: bool,
    paths: Vec<(&'a [String], bool, bool)>,
}

fn blocks<'a>(page: &Page, plan: &'a Plan) -> Vec<Block<'a>> {
    let mut first_steps = vec![usize::MAX; plan.changes.len()];
    let mut restored = vec![false; plan.changes.len()];
    for (number, step) in plan.steps.iter().enumerate() {
        if let Some(task) = step.task {
            let first = &mut first_steps[task.change as usize];
            *first = number.min(*first);
            restored[task.change as usize] |= task.operation == Operation::Restore;
        }
    }
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut known: BTreeMap<(&str, Action, Body), usize> = BTreeMap::new();
    for (position, change) in plan.changes.iter().enumerate().filter(|(_, change)| is_told(change)) {
        let resource = change.address.resource();
        let body = body(page, change, restored[position]);
        let at = *known.entry((resource, change.action, body.clone())).or_insert_with(|| {
            blocks.push(Block { action: change.action, resource, members: Vec::new(), body, first: usize::MAX });
            blocks.len() - 1
        });
        blocks[at].members.push(change);
        blocks[at].first = blocks[at].first.min(first_steps[position]);
    }
    let turns = turns(plan);
    let turn = |block: &Block<'_>| {
        let of_objects = block.members.iter().filter_map(|change| turns.get(change.address.as_str())).max();
        of_objects.or_else(|| turns.get(block.resource)).copied()
    };
    blocks.sort_by_key(|block| (turn(block), block.resource, block.first));
    blocks
}

/// Makes one block of the many that differ in nothing but values, as a text with the node's name in it, after the
/// first few.
fn fold<'a>(page: &Page, blocks: Vec<Block<'a>>) -> Vec<Block<'a>> {
    let mut families: BTreeMap<Family<'_>, Vec<usize>> = BTreeMap::new();
    for (number, block) in blocks.iter().enumerate() {
        families.entry(block.family()).or_default().push(number);
    }
    let mut folded_into: Vec<Option<usize>> = vec![None; blocks.len()];
    // Objects of one manifest have nothing in common but that.
    families.retain(|family, _| !family.on_cluster);
    for family in families.into_values().filter(|family| family.len() > WHOLE_FAMILY) {
        family[SHOWN..].iter().for_each(|number| folded_into[*number] = Some(family[SHOWN]));
    }
    let mut kept: Vec<Block<'a>> = Vec::new();
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for (mut block, into) in blocks.into_iter().zip(folded_into) {
        let Some(into) = into else {
            kept.push(block);
            continue;
        };
        if let Some(place) = places.get(&into) {
            kept[*place].members.append(&mut block.members);
            continue;
        }
        let mut note = page.empty();
        note.line(BODY, Tone::Plain, "as above, each with values of its own: `hactl show --json PLAN` has them all");
        block.body.fields = note.finish();
        places.insert(into, kept.len());
        kept.push(block);
    }
    for place in places.into_values() {
        kept[place].members.sort_by(|a, b| a.address.cmp(&b.address));
    }
    kept
}

/// Whether something becomes of a resource that is to be shown.
fn is_told(change: &Change) -> bool {
    change.action != Action::NoOp || change.adopts.is_some()
}

fn body(page: &Page, change: &Change, restored: bool) -> Body {
    let mut care = Vec::new();
    if change.gated && !matches!(change.action, Action::Delete | Action::Forget | Action::NoOp) {
        let on_cluster = change.node.as_deref() == Some(CLUSTER);
        care.push(if on_cluster { "waits until it is ready" } else { "waits until it is healthy" });
    }
    if restored {
        care.push("the old one is put back if that fails");
    }
    if change.adopt && change.action == Action::Create {
        care.push("takes over what is there under its name");
    }
    let mut fields = page.empty();
    match (change.action, &change.before, &change.after) {
        (Action::Create, _, Some(after)) if change.node.as_deref() == Some(CLUSTER) => {
            object::write(&mut fields, BODY, after);
        }
        (Action::Create, _, Some(after)) => fields::all(&mut fields, BODY, after),
        (Action::Update | Action::Replace, Some(before), Some(after)) => {
            fields::different(&mut fields, BODY, before, after, &change.paths, Some(the_place(change.node.as_deref())));
            if let Some(what) = remade(change) {
                fields.line(BODY, Tone::Changed, format!("~ {what}: (sensitive)"));
            }
        }
        _ => {}
    }
    Body { was: was(change), why: why(change), care, fields: fields.finish() }
}

/// The name before a move; without the key where that is the same.
fn was(change: &Change) -> Option<String> {
    let previous = change.previous_address.as_ref()?;
    let name = if previous.key() == change.address.key() { previous.resource() } else { previous.as_str() };
    Some(name.to_owned())
}

/// What is made anew of a resource that stays.
fn remade(change: &Change) -> Option<&'static str> {
    let has = |name: &str| change.remakes.iter().any(|remade| remade == name);
    match change.remakes.is_empty() {
        true => None,
        false if has("certificate") && !has("privateKey") => Some("its predecessor is taken out of its certificate"),
        false => Some("its values are made anew"),
    }
}

/// How a change is spread over the instances of a resource.
struct Spread<'a> {
    at_once: u32,
    nodes: Vec<&'a str>,
}

/// By resource, for those that take turns.
fn rollouts(plan: &Plan) -> BTreeMap<&str, Spread<'_>> {
    let mut rollouts: BTreeMap<&str, Spread<'_>> = BTreeMap::new();
    let mut turns: Vec<_> = plan.changes.iter().filter_map(|change| Some((change.wave?, change))).collect();
    turns.sort_by_key(|(wave, _)| wave.number);
    for (wave, change) in turns {
        let spread = rollouts
            .entry(change.address.resource())
            .or_insert(Spread { at_once: wave.rollout.max_unavailable, nodes: Vec::new() });
        spread.nodes.push(change.node.as_deref().or(change.address.key()).unwrap_or(change.address.as_str()));
    }
    rollouts.retain(|_, spread| spread.nodes.len() > spread.at_once as usize);
    rollouts
}

impl Block<'_> {
    fn family(&self) -> Family<'_> {
        let paths = self.members.first().into_iter().flat_map(|change| &change.paths);
        Family {
            resource: self.resource,
            action: self.action,
            why: &self.body.why,
            care: &self.body.care,
            on_cluster: self.members.first().is_some_and(|change| change.node.as_deref() == Some(CLUSTER)),
            paths: paths.map(|path| (path.path.as_slice(), path.forces_replacement, path.drifted)).collect(),
        }
    }

    fn title(&self) -> String {
        let members: Vec<_> =
            self.members.iter().map(|change| (change.address.key(), change.node.as_deref())).collect();
        instances(self.resource, &members)
    }

    fn write(&self, page: &mut Page, spread: Option<&Spread<'_>>) {
        let (sign, tone) = match self.action {
            Action::Create => ("+", Tone::Added),
            Action::Update => ("~", Tone::Changed),
            Action::Replace => ("-/+", Tone::Removed),
            Action::Delete => ("-", Tone::Removed),
            Action::NoOp => ("=", Tone::Plain),
            Action::Forget => (".", Tone::Plain),
        };
        page.line(0, tone, format!("{sign} {}", self.title()));
        if let Some(was) = &self.body.was {
            page.line(BODY, Tone::Plain, format!("moved from {was}"));
        }
        page.line(BODY, Tone::Plain, format!("why: {}", self.body.why));
        let turns = spread
            .filter(|_| self.members.iter().any(|change| change.wave.is_some()))
            .map(|spread| format!("{}: {}", at_a_time(spread.at_once), row(&spread.nodes)));
        let how: Vec<&str> = turns.as_deref().into_iter().chain(self.body.care.iter().copied()).collect();
        if !how.is_empty() {
            page.line(BODY, Tone::Plain, format!("how: {}", how.join("; ")));
        }
        page.add(&self.body.fields);
    }
}

/// One line for each block of an action.
fn short_section(page: &mut Page, blocks: &[Block<'_>], action: Action, heading: &str) {
    let (sign, tone) = if action == Action::Delete { ("-", Tone::Removed) } else { (".", Tone::Plain) };
    let mut blocks = blocks.iter().filter(|block| block.action == action).peekable();
    if blocks.peek().is_some() {
        page.gap();
        page.line(0, Tone::Heading, heading);
    }
    for block in blocks {
        let why = &block.body.why;
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        page.line(2, tone, format!("{sign} {}{why}", block.title()));
    }
}
