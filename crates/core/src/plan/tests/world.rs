//! A world that does what hosts do, without hosts: enough to apply plans, cut them short and look again.

use super::text::{address, table, value};
use super::*;
use crate::digest::DigestKey;
use crate::moves::{Renamed, renames};
use crate::observed::{Foreign, Observations};
use crate::resolve::{Outputs, seal};
use crate::state::{Intent, Outcome, ResourceState};

/// What stands in one resource's place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thing {
    pub(super) spec: Value,
    pub(super) generation: String,
    pub(super) outputs: Map,
}

/// One resource's place on its host.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Place {
    pub(super) current: Option<Thing>,
    /// What a swap put aside.
    pub(super) aside: Option<Thing>,
}

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// It fails; its effect is there or not.
    Fails(bool),
    /// Everything ends while it runs; its effect is there or not.
    Cut(bool),
}

pub(super) struct World {
    pub(super) state: State,
    pub(super) places: BTreeMap<Address, Place>,
    /// What is seen instead of what is there.
    pub(super) seen: Observations,
    pub(super) options: Options,
    pub(super) secrets: Secrets,
    /// What got another address before the next plan.
    pub(super) moved: Renames,
    /// Whether a plan leaves something out, which may then be in the way.
    pub(super) partial: bool,
    born: u32,
}

struct StateOutputs<'a>(&'a State);

impl Outputs for StateOutputs<'_> {
    fn output(&self, address: &Address, name: &str) -> Option<Value> {
        self.0.resources.get(address)?.outputs.get(name).cloned()
    }
}

impl World {
    pub(super) fn new() -> Self {
        let variables = BTreeMap::from([("token".to_owned(), Value::from("hunter2").into())]);
        Self {
            state: State::new("test", "lineage"),
            places: BTreeMap::new(),
            seen: Observations::new(),
            options: Options::default(),
            moved: Renames::default(),
            secrets: Secrets { key: Some(DigestKey::new([7; 32])), variables, ..Secrets::default() },
            partial: false,
            born: 0,
        }
    }

    /// A world in which a config was applied.
    pub(super) fn with(config: &str) -> Self {
        let mut world = Self::new();
        let plan = world.plan(&desired(config)).unwrap();
        world.apply(&plan, &mut |_, _| Fate::Done);
        world
    }

    /// Changes a field on the host.
    pub(super) fn drift(mut self, of: &str, field: &str, word: &str) -> Self {
        let place = self.places.get_mut(&address(of)).unwrap();
        let Value::Map(spec) = &mut place.current.as_mut().unwrap().spec else { unreachable!() };
        spec.insert(field.to_owned(), value(word));
        self
    }

    pub(super) fn remove(mut self, of: &str) -> Self {
        self.places.remove(&address(of));
        self
    }

    pub(super) fn foreign(mut self, of: &str) -> Self {
        self.seen.insert(address(of), Observed::Foreign(Foreign::new("a box of that name")));
        self
    }

    /// Something that state does not hold, and that is described like a resource; `own` where this stack made it.
    pub(super) fn found(mut self, line: &str, own: bool) -> Self {
        let described = desired(line).resources.remove(0);
        let found = Present {
            spec: described.spec,
            outputs: Map::from([("id".to_owned(), Value::from("id-there"))]),
            generation: if own { "g-there".to_owned() } else { String::new() },
            residue: false,
            fixed: Vec::new(),
        };
        let thing =
            Thing { spec: (*found.spec).clone(), generation: found.generation.clone(), outputs: found.outputs.clone() };
        self.places.insert(described.address.clone(), Place { current: Some(thing), aside: None });
        let foreign = Foreign { id: "id-there".to_owned(), own, found: Some(found), ..Foreign::new("a box") };
        self.seen.insert(described.address, Observed::Foreign(foreign));
        self
    }

    /// The values of a resource went with an earlier state.
    pub(super) fn lost(mut self, of: &str) -> Self {
        let known = self.state.resources.get_mut(&address(of)).unwrap();
        known.lost = true;
        known.outputs.clear();
        self.secrets.entries.remove(&address(of));
        self
    }

    pub(super) fn unreachable(mut self, of: &str) -> Self {
        self.seen.insert(address(of), Observed::Unreachable("no route to host".into()));
        self
    }

    /// Says of a field that it cannot change in place.
    pub(super) fn fixed(mut self, of: &str, field: &str) -> Self {
        let Observed::Present(present) = self.look(&address(of)) else { unreachable!() };
        self.seen.insert(address(of), Observed::Present(Present { fixed: vec![vec![field.to_owned()]], ..present }));
        self
    }

    /// Gives resources the addresses that a config says they have now, as far as that can be.
    pub(super) fn moved(mut self, config: &str) -> Result<Self, Vec<Diagnostic>> {
        self.moved = renames(&self.state, &desired(config).moves)?;
        let renamed =
            |(from, to): (&Address, &Address)| Renamed { from: from.clone(), to: to.clone(), outputs: Map::new() };
        self.state.rename(&self.moved.iter().map(renamed).collect::<Vec<_>>());
        for (from, to) in &self.moved.resources {
            if let Some(place) = self.places.remove(from) {
                self.places.insert(to.clone(), place);
            }
        }
        Ok(self)
    }

    pub(super) fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The plan towards a config, as a table.
    pub(super) fn table(&self, config: &str) -> String {
        table(&self.plan(&desired(config)))
    }

    pub(super) fn plan(&self, desired: &Desired) -> Result<Plan, Vec<Diagnostic>> {
        plan(&Input {
            desired,
            state: &self.state,
            moved: &self.moved,
            observed: &self.observe(),
            rules: RULES,
            secrets: &self.secrets,
            options: &self.options,
        })
    }

    pub(super) fn observe(&self) -> Observations {
        let mut observed = Observations::new();
        let addresses = self.state.resources.keys().chain(self.state.unfinished.keys()).chain(self.places.keys());
        for address in addresses {
            let seen = self.seen.get(address).cloned().unwrap_or_else(|| self.look(address));
            observed.insert(address.clone(), seen);
        }
        for (address, seen) in &self.seen {
            observed.insert(address.clone(), seen.clone());
        }
        observed
    }

    fn look(&self, address: &Address) -> Observed {
        let Some(place) = self.places.get(address) else { return Observed::Absent };
        let known = self.state.resources.get(address);
        let intent = self.state.unfinished.get(address).and_then(|intent| intent.resource.as_ref());
        let previous = known.and_then(|known| known.previous.as_deref());
        for candidate in [intent, known, previous].into_iter().flatten() {
            let same = |thing: &&Thing| thing.generation == candidate.generation;
            if let Some(thing) = place.current.as_ref().filter(same) {
                return present(thing, thing.spec.clone(), place);
            }
            if let Some(thing) = place.aside.as_ref().filter(same) {
                let Value::Map(mut spec) = thing.spec.clone() else { unreachable!() };
                spec.insert("running".to_owned(), Value::Bool(false));
                return present(thing, Value::Map(spec), place);
            }
        }
        Observed::Absent
    }

    /// Walks a plan as the engine does, one step at a time; returns whether everything went well.
    pub(super) fn apply(&mut self, plan: &Plan, fate: &mut dyn FnMut(usize, Task) -> Fate) -> bool {
        if !self.state.is_settled() {
            self.state = recover(&self.state, &self.observe());
        }
        let mut well: Vec<Option<bool>> = Vec::new();
        let mut cut = false;
        for (number, step) in plan.steps.iter().enumerate() {
            let ended =
                |when| step.after.iter().filter(move |edge| edge.when == when).map(|edge| well[edge.step as usize]);
            let failures: Vec<_> = ended(When::Failure).collect();
            let runs = ended(When::Success).all(|well| well == Some(true))
                && (failures.is_empty() || failures.contains(&Some(false)));
            let Some(task) = step.task.filter(|_| runs) else {
                well.push(runs.then_some(true));
                continue;
            };
            let fate = match fate(number, task) {
                // Once everything is about to end nothing new is done, but what could run may have begun.
                Fate::Done | Fate::Fails(_) if cut => {
                    well.push(None);
                    continue;
                }
                fate => fate,
            };
            let intent = self.prepare(plan.change(task), task.operation);
            self.state.begin(&plan.change(task).address, intent.clone());
            let (effect, outcome) = match fate {
                Fate::Done => (true, Some(true)),
                Fate::Fails(effect) => (effect, Some(false)),
                Fate::Cut(effect) => (effect, None),
            };
            cut |= outcome.is_none();
            let address = &plan.change(task).address;
            self.assert_in_turn(plan, task);
            let outputs = if effect { self.effect(address, &intent) } else { Map::new() };
            self.assert_no_clash(address);
            if outcome == Some(true) {
                self.state.end(address, Outcome::Done(outputs));
                if matches!(task.operation, Operation::Create | Operation::Update | Operation::Swap) {
                    self.tell(plan, address);
                }
            }
            well.push(outcome);
        }
        if !cut {
            let sealed = |value: &Value| seal(&Arc::new(value.clone()), &StateOutputs(&self.state), &self.secrets).ok();
            let outputs = plan
                .outputs
                .iter()
                .filter_map(|(name, output)| Some((name.clone(), (*sealed(output.after.as_ref()?)?).clone())));
            self.state.outputs = outputs.collect();
        }
        !cut && well.iter().all(|well| *well != Some(false))
    }

    /// What goes is needed by nothing that goes as well or cannot do without it.
    fn assert_in_turn(&self, plan: &Plan, task: Task) {
        if task.operation != Operation::Delete || self.partial {
            return;
        }
        let change = plan.change(task);
        let gone = |address: &Address| {
            plan.changes.iter().any(|change| change.address == *address && change.action == Action::Delete)
        };
        for (address, resource) in &self.state.resources {
            let needs = resource.dependencies.iter().find(|dependency| dependency.on == change.address);
            let kept = needs.is_some_and(|needs| needs.binds || (change.action == Action::Delete && gone(address)));
            let there = self.places.get(address).is_some_and(|place| place.current.is_some());
            assert!(!(kept && there), "{} is deleted before {address}, which needs it", change.address);
        }
    }

    /// A host would not start two that want one port.
    fn assert_no_clash(&self, address: &Address) {
        let claims = |address: &Address, place: &Place| {
            let spec = place.current.as_ref().map_or(&Value::Null, |thing| &thing.spec);
            (RULES.of(address).unwrap().claims)(spec)
        };
        let Some(place) = self.places.get(address).filter(|_| !self.partial) else { return };
        let wanted = claims(address, place);
        for (other, place) in self.places.iter().filter(|(other, _)| *other != address && other.key() == address.key())
        {
            let clash = claims(other, place).into_iter().find(|claim| wanted.contains(claim));
            assert_eq!(clash, None, "{address} and {other}");
        }
    }

    /// Notes what has to hear of a change: what uses it from now on.
    fn tell(&mut self, plan: &Plan, changed: &Address) {
        for change in &plan.changes {
            if let Some(resource) = self.state.resources.get_mut(&change.address) {
                resource.notified |= change.dependencies.iter().any(|on| on.notify && on.on == *changed);
            }
        }
    }

    fn prepare(&mut self, change: &Change, operation: Operation) -> Intent {
        let makes = matches!(operation, Operation::Create | Operation::Update | Operation::Swap | Operation::Record);
        let known = self.state.resources.get(&change.address);
        let anew =
            matches!(operation, Operation::Create | Operation::Swap) && RULES.of(&change.address).unwrap().generations;
        let generation = if anew {
            self.born += 1;
            format!("g{}", self.born)
        } else {
            known.map(|known| known.generation.clone()).unwrap_or_default()
        };
        let adopts = change.adopts.as_ref().filter(|_| operation == Operation::Adopt);
        let generation = adopts.map_or(generation, |adopted| adopted.generation.clone());
        let after = match adopts {
            Some(_) => change.before.as_ref(),
            None => change.after.as_ref().filter(|_| makes),
        };
        let resource = after.map(|after| ResourceState {
            node: change.node.clone(),
            spec: seal(after, &StateOutputs(&self.state), &self.secrets).unwrap(),
            outputs: match (adopts, known) {
                (Some(adopted), _) => adopted.outputs.clone(),
                (None, known) => known.map(|known| known.outputs.clone()).unwrap_or_default(),
            },
            generation,
            dependencies: change.dependencies.clone(),
            protect: change.protect,
            notified: false,
            unproven: change.gated && !matches!(operation, Operation::Record | Operation::Adopt),
            lost: false,
            previous: None,
        });
        Intent { operation, resource }
    }

    /// Does to a place what a provider does to a host.
    fn effect(&mut self, address: &Address, intent: &Intent) -> Map {
        let known = self.state.resources.get(address);
        let generation = known.map(|known| known.generation.clone()).unwrap_or_default();
        let previous = known.and_then(|known| known.previous.as_deref()).map(|old| old.generation.clone());
        let place = self.places.entry(address.clone()).or_default();
        let is = |thing: &mut Thing, generation: &str| thing.generation == generation;
        let new = |outputs: Map| {
            let wanted = intent.resource.clone().unwrap();
            Thing { spec: (*wanted.spec).clone(), generation: wanted.generation, outputs }
        };
        match intent.operation {
            Operation::Create | Operation::Swap => {
                self.born += 1;
                let outputs = Map::from([("id".to_owned(), Value::from(format!("id{}", self.born)))]);
                let old = place.current.take_if(|thing| is(thing, &generation));
                if intent.operation == Operation::Create {
                    place.aside = None;
                } else if old.is_some() {
                    place.aside = old;
                }
                place.current = Some(new(outputs.clone()));
                return outputs;
            }
            Operation::Update => {
                let aside = place.aside.take_if(|thing| is(thing, &generation));
                let thing = aside.or_else(|| place.current.take_if(|thing| is(thing, &generation)));
                let thing = thing.unwrap_or_else(|| panic!("{address} is not there to be updated"));
                place.current = Some(new(thing.outputs));
            }
            Operation::Settle => {
                place.aside.take_if(|thing| !is(thing, &generation));
            }
            Operation::Restore => {
                let old = previous.unwrap_or(generation);
                let aside = place.aside.take_if(|thing| is(thing, &old));
                let thing = aside.or_else(|| place.current.take_if(|thing| is(thing, &old)));
                place.current = Some(thing.unwrap_or_else(|| panic!("{address} is not there to be put back")));
            }
            Operation::Delete => *place = Place::default(),
            Operation::Gate | Operation::Forget | Operation::Record | Operation::Adopt => {}
        }
        if *place == Place::default() {
            self.places.remove(address);
        }
        Map::new()
    }
}

fn present(thing: &Thing, spec: Value, place: &Place) -> Observed {
    Observed::Present(Present {
        spec: Arc::new(spec),
        outputs: thing.outputs.clone(),
        generation: thing.generation.clone(),
        residue: place.current.is_some() && place.aside.is_some(),
        fixed: Vec::new(),
    })
}
