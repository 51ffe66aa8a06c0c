//! Laws that hold for any config, any drift and any interruption, from fixed seeds.

use std::fmt::Write;

use hactl_sim::{Fault, Moment, Sandbox};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::fleet::{Fleet, Wanted};

/// A small stack: which of four containers and four files there are, and what they say.
#[derive(Debug, Clone)]
struct Stack {
    containers: Vec<Option<Service>>,
    files: Vec<Option<u8>>,
}

#[derive(Debug, Clone)]
struct Service {
    version: u8,
    memory: Option<u8>,
    nodes: u8,
    mounts: Option<u8>,
    needs: Option<u8>,
    port: Option<u8>,
    network: bool,
    health: bool,
    volume: bool,
}

impl Stack {
    fn config(&self) -> String {
        let mut text =
            "hactl: 1\nname: test\nnodes:\n  n1: {address: 10.0.0.1}\n  n2: {address: 10.0.0.2}\n".to_owned();
        text += "files:\n  base: {nodes: all, path: /srv/base, content: base}\n";
        for (number, version) in self.files.iter().enumerate() {
            if let Some(version) = version {
                let _ = writeln!(text, "  f{number}: {{nodes: all, path: /srv/f{number}, content: v{version}}}");
            }
        }
        text += "containers:\n";
        for (number, service) in self.containers.iter().enumerate() {
            if let Some(service) = service {
                self.service(&mut text, number, service);
            }
        }
        if self.containers.iter().all(Option::is_none) {
            text += "  {}\n";
        }
        text
    }

    fn service(&self, text: &mut String, number: usize, service: &Service) {
        let nodes = ["all", "[n1]", "[n2]"][usize::from(service.nodes % 3)];
        let _ = write!(text, "  c{number}: {{nodes: {nodes}, image: \"app:{}\"", service.version);
        if let Some(memory) = service.memory {
            let _ = write!(text, ", memory: {}m", 16 + u32::from(memory));
        }
        let mut mounts = Vec::new();
        if let Some(file) = service.mounts.filter(|file| self.files[usize::from(*file)].is_some()) {
            mounts.push(format!("\"${{file.f{file}.path}}:/f\""));
        }
        if service.volume {
            mounts.push(format!("\"data{number}:/data\""));
        }
        let _ = write!(text, ", volumes: [{}]", mounts.join(", "));
        // Only what comes earlier, so that there is no circle.
        if let Some(needs) = service.needs.map(usize::from).filter(|needs| *needs < number)
            && self.containers[needs].is_some()
        {
            let _ = write!(text, ", dependsOn: [container.c{needs}]");
        }
        if let Some(port) = service.port {
            // A port that two ask for would be a clash: each has four of its own, which may move between them.
            let _ = write!(text, ", ports: [\"{}:80\"]", 8000 + number * 4 + usize::from(port));
        }
        if service.network {
            text.push_str(", network: front");
        }
        if service.health {
            text.push_str(", health: {timeout: 2s}");
        }
        text.push_str("}\n");
    }
}

fn stacks() -> impl Strategy<Value = Stack> {
    let service = (
        (0..3u8, proptest::option::of(0..2u8), 0..3u8),
        (proptest::option::of(0..4u8), proptest::option::of(0..4u8), proptest::option::of(0..4u8)),
        (any::<bool>(), any::<bool>(), any::<bool>()),
    );
    let service = service.prop_map(|((version, memory, nodes), (mounts, needs, port), (network, health, volume))| {
        Service { version, memory, nodes, mounts, needs, port, network, health, volume }
    });
    (vec(proptest::option::weighted(0.7, service), 4), vec(proptest::option::weighted(0.7, 0..2u8), 4))
        .prop_map(|(containers, files)| Stack { containers, files })
}

/// What somebody does to the fleet by hand: to which node, to which resource, and what.
type Drift = (u8, u8, u8);

fn drift(sandbox: &Sandbox, &(node, which, what): &Drift) {
    let node = ["n1", "n2"][usize::from(node % 2)];
    let container = format!("c{}", which % 4);
    let file = format!("/srv/f{}", which % 4);
    let there = sandbox.view().hosts.get(node).is_some_and(|host| host.files.contains_key(&file));
    // What is not there cannot be changed; a file of somebody else's in its place is another matter.
    let _ = match what % 8 {
        0 => sandbox.stop_container(node, &container),
        1 => sandbox.remove_container(node, &container),
        2 => sandbox.rename_container(node, &container, "moved-away"),
        3 if there => sandbox.write_file(node, &file, b"by hand"),
        4 => sandbox.remove_file(node, &file),
        5 => sandbox.change_file(node, &file, Some("0600"), None, None),
        3 | 6 => sandbox.remove_network(node, "front"),
        _ => sandbox.remove_volume(node, "data0"),
    };
}

/// What happens to an apply at some operation.
fn faults() -> impl Strategy<Value = (Fault, u32)> {
    let fault = prop_oneof![
        Just(Fault::Crash { operation: None, when: Moment::Before }),
        Just(Fault::Crash { operation: None, when: Moment::After }),
        Just(Fault::ConnectionLost { operation: None }),
        Just(Fault::HostDown),
        Just(Fault::DiskFull),
        Just(Fault::ContainerExits { name: "c1".to_owned(), code: 1 }),
    ];
    (fault, 0..40u32)
}

fn check<S: Strategy>(cases: u32, seed: u8, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    if let Err(failure) = TestRunner::new_with_rng(config, rng).run(strategy, test) {
        panic!("{failure}");
    }
}

#[test]
fn whatever_happened_an_apply_leads_to_the_config_and_then_nothing_is_left_to_do() {
    let history = (stacks(), stacks(), vec((0..2u8, 0..4u8, 0..8u8), 0..4), vec(faults(), 0..3));
    check(96, 1, &history, |(before, after, drifts, faults)| {
        let mut fleet = Fleet::with(&[&Wanted::new(&before.config())]);
        for change in &drifts {
            drift(&fleet.sandbox, change);
        }
        let wanted = Wanted::new(&after.config());
        for (fault, skip) in faults {
            fleet.sandbox.inject(None, fault, skip, Some(1)).unwrap();
            fleet.apply(&wanted);
            fleet.sandbox.clear_faults().unwrap();
        }
        let applied = fleet.apply(&wanted).unwrap();
        prop_assert!(applied.failures.is_empty(), "{:?}\n{}", applied.failures, after.config());
        prop_assert_eq!(fleet.pending(&wanted), "");
        let mut straight = Fleet::with(&[&Wanted::new(&after.config())]);
        straight.apply(&wanted);
        for (name, host) in straight.view()["hosts"].as_object().unwrap() {
            let disturbed = &fleet.view()["hosts"][name];
            for what in ["containers", "files"] {
                let names = |of: &serde_json::Value| -> Vec<String> {
                    let of = of[what].as_object().unwrap();
                    of.keys().filter(|name| *name != "moved-away").cloned().collect()
                };
                prop_assert_eq!(names(disturbed), names(host), "{} on {}\n{}", what, name, after.config());
            }
        }
        Ok(())
    });
}

#[test]
fn a_state_that_was_lost_is_rebuilt_from_what_is_there() {
    check(32, 3, &(stacks(), stacks()), |(before, after)| {
        let (old, new) = (Wanted::new(&before.config()), Wanted::new(&after.config()));
        let mut fleet = Fleet::with(&[&old]);
        let lost = fleet.state();
        fleet.lose_and_recover(&old);
        prop_assert_eq!(fleet.pending(&old), "", "{}", before.config());
        prop_assert_eq!(fleet.state(), lost, "{}", before.config());
        // The config has moved on since: what it no longer wants is known all the same.
        fleet.lose_and_recover(&new);
        let applied = fleet.apply(&new).unwrap();
        prop_assert!(applied.failures.is_empty(), "{:?}\n{}\n{}", applied.failures, before.config(), after.config());
        prop_assert_eq!(fleet.pending(&new), "");
        let straight = Fleet::with(&[&old, &new]);
        prop_assert_eq!(fleet.state(), straight.state(), "{}\n{}", before.config(), after.config());
        for what in ["containers", "files", "networks", "volumes", "inventories"] {
            for node in ["n1", "n2"] {
                let (one, other) = (fleet.view(), straight.view());
                prop_assert_eq!(&one["hosts"][node][what], &other["hosts"][node][what], "{} on {}", what, node);
            }
        }
        Ok(())
    });
}
