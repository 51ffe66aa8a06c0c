//! Laws over random configs and random accidents.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::text::table;
use super::*;

/// Where resources can be; each may need those before it.
const SLOTS: [&str; 10] = [
    "net.a@n1",
    "vol.b@n1",
    "page.c@n1",
    "box.d@n1",
    "box.e@n1",
    "box.g@n1",
    "box.g@n2",
    "box.g@n3",
    "page.h@n1",
    "box.i@n1",
];

/// A config from random bytes: which resources there are, what they are and what they need.
fn config(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut here: Vec<&str> = Vec::new();
    let turn = usize::from(bytes[0] % 4);
    for (slot, (name, bytes)) in SLOTS.iter().zip(bytes[1..].chunks(4)).enumerate() {
        let [what, field, needs, how] = bytes else { unreachable!("four bytes each") };
        if what % 4 == 0 {
            continue;
        }
        write!(text, "{name} ").unwrap();
        let claimed = (slot + turn) % SLOTS.len();
        match name.split('.').next().unwrap() {
            "box" => {
                write!(text, "image={} cpu={} ", field % 2, field / 2 % 2).unwrap();
                if what % 8 > 1 {
                    write!(text, "port={claimed} ").unwrap();
                }
                if what % 16 > 7 {
                    text.push_str("+gated ");
                }
                if name.starts_with("box.g") {
                    text.push_str("+rollout:1 ");
                }
            }
            "page" => write!(text, "path={claimed} content={} ", field % 2).unwrap(),
            "vol" => write!(text, "label={} ", field % 2).unwrap(),
            _ => write!(text, "range={} ", field % 2).unwrap(),
        }
        for (at, other) in here.iter().enumerate() {
            let siblings = name.starts_with("box.g") && other.starts_with("box.g");
            // A network is one node's own, and only boxes are bound to it.
            let elsewhere = other.starts_with("net") && !(name.starts_with("box") && name.ends_with("@n1"));
            if needs >> (at % 8) & 1 == 0 || at % 3 == 2 || siblings || elsewhere {
                continue;
            }
            match (other.starts_with("net"), how % 4) {
                (true, _) => write!(text, "net=a >{other}~ ").unwrap(),
                (false, 0) => write!(text, ">{other}! ").unwrap(),
                (false, 1) if !name.starts_with("box.g") => {
                    write!(text, ">{} ", other.split('@').next().unwrap()).unwrap();
                }
                (false, 2) if other.starts_with("box") => write!(text, "of{at}=${other}.id >{other} ").unwrap(),
                (false, _) => write!(text, ">{other} ").unwrap(),
            }
        }
        text.push('\n');
        here.push(name);
    }
    text
}

/// A config, and the order in which what can run side by side does.
struct Case {
    config: String,
    order: Vec<u8>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n{}order {:?}\n", self.config, &self.order[..8])
    }
}

fn case() -> impl Strategy<Value = Case> {
    let bytes = proptest::collection::vec(any::<u8>(), 1 + 4 * SLOTS.len());
    bytes.prop_map(|bytes| Case { config: config(&bytes), order: bytes })
}

/// One or two accidents in the course of a run; without any, the run ends well.
fn accidents() -> impl Strategy<Value = Vec<(usize, Fate)>> {
    let fate = prop_oneof![any::<bool>().prop_map(Fate::Fails), any::<bool>().prop_map(Fate::Cut),];
    proptest::collection::vec((0..30_usize, fate), 0..3)
}

/// The same plan with its steps in another order that their edges allow, as when they run beside each other.
fn reordered(plan: &Plan, choices: &[u8]) -> Plan {
    let mut left: Vec<usize> = (0..plan.steps.len()).collect();
    let mut number = vec![None; plan.steps.len()];
    let mut steps = Vec::new();
    while !left.is_empty() {
        let free = |step: &usize| plan.steps[*step].after.iter().all(|edge| number[edge.step as usize].is_some());
        let ready: Vec<usize> = (0..left.len()).filter(|at| free(&left[*at])).collect();
        let choice = usize::from(choices[steps.len() % choices.len()]);
        let step = left.remove(ready[choice % ready.len()]);
        let mut after = plan.steps[step].after.clone();
        for edge in &mut after {
            edge.step = number[edge.step as usize].unwrap();
        }
        number[step] = Some(steps.len() as u32);
        steps.push(Step { task: plan.steps[step].task, after });
    }
    Plan { steps, ..plan.clone() }
}

fn run(world: &mut World, case: &Case, accidents: &[(usize, Fate)]) {
    let plan = world.plan(&desired(&case.config)).unwrap_or_else(|errors| panic!("{}", table(&Err(errors))));
    let fate = |number, _: Task| accidents.iter().find(|(at, _)| *at == number).map_or(Fate::Done, |(_, fate)| *fate);
    world.apply(&reordered(&plan, &case.order), &mut { fate });
}

/// Nothing is left to do, and what is there is what state says.
fn assert_settled(world: &World, config: &str) {
    assert_eq!(world.table(config), "nothing to do");
    assert!(world.state.is_settled());
    for (address, resource) in &world.state.resources {
        let place = &world.places[address];
        let thing = place.current.as_ref().unwrap();
        assert_eq!((&thing.spec, &thing.generation), (&*resource.spec, &resource.generation), "{address}");
        assert!(place.aside.is_none() && !resource.notified, "{address}");
    }
    let forgotten = |address: &Address| address.kind() == "vol";
    assert!(world.places.keys().all(|place| forgotten(place) || world.state.resources.contains_key(place)));
    let wanted = desired(config);
    let mut addresses: Vec<&Address> = wanted.resources.iter().map(|resource| &resource.address).collect();
    addresses.sort();
    assert!(world.state.resources.keys().eq(addresses));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn planning_again_after_apply_finds_nothing(one in case(), two in case()) {
        let mut world = World::new();
        for case in [one, two] {
            run(&mut world, &case, &[]);
            assert_settled(&world, &case.config);
        }
    }

    /// Whatever fails or is cut short, wherever, with or without its effect: the next run gets there.
    #[test]
    fn an_interrupted_run_converges(
        runs in proptest::collection::vec((case(), accidents()), 2..4),
        last in case(),
        lost in 0..2 * SLOTS.len(),
    ) {
        let mut world = World::new();
        for (case, accidents) in &runs {
            run(&mut world, case, accidents);
        }
        if let Some(name) = SLOTS.get(lost) {
            world = world.remove(name);
        }
        run(&mut world, &last, &[]);
        assert_settled(&world, &last.config);
    }

    #[test]
    fn the_order_of_the_config_does_not_matter(one in case(), two in case(), turn in any::<usize>()) {
        let mut world = World::new();
        run(&mut world, &one, &[]);
        let mut wanted = desired(&two.config);
        let plan = world.plan(&wanted);
        if !wanted.resources.is_empty() {
            let by = turn % wanted.resources.len();
            wanted.resources.rotate_left(by);
            wanted.resources[by..].reverse();
        }
        prop_assert_eq!(world.plan(&wanted), plan);
    }

    #[test]
    fn a_saved_plan_reads_back(one in case(), two in case()) {
        let mut world = World::new();
        run(&mut world, &one, &[]);
        let plan = world.plan(&desired(&two.config)).unwrap();
        let read: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        prop_assert_eq!(read, plan);
    }

    /// Whatever is asked for and whoever is silent: a plan or a reason, and nothing out of turn.
    #[test]
    fn any_input_gives_a_plan_or_a_reason(
        one in case(),
        two in case(),
        mode in prop_oneof![Just(Mode::Normal), Just(Mode::Destroy), Just(Mode::RefreshOnly)],
        asked in proptest::collection::vec((0..3_u8, 0..SLOTS.len()), 0..5),
    ) {
        let mut world = World::new();
        run(&mut world, &one, &[]);
        world.options.mode = mode;
        for (what, slot) in asked {
            let address = text::address(SLOTS[slot]);
            match what {
                0 => world.options.targets.push(address),
                1 => world.options.replace.push(address),
                _ => world = world.unreachable(SLOTS[slot]),
            }
        }
        if let Ok(plan) = world.plan(&desired(&two.config)) {
            prop_assert_eq!(check(&plan), vec![]);
            // Applying it panics where something is done before what has to come first.
            world.partial = plan.targeted || !plan.left_out.is_empty();
            world.apply(&reordered(&plan, &two.order), &mut |_, _| Fate::Done);
        }
    }
}
