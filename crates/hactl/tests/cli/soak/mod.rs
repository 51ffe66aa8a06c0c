//! Histories at random: configs, faults, crashes, interrupts, drift and two operators; one seed, one history.
//!
//! `scripts/soak` runs thousands; `HACTL_SOAK=FROM..TO` names the seeds, and without it there are a few.

mod laws;
mod operator;
mod stack;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use hactl_sim::{Fault, Moment, Sandbox};

use crate::fleet::Killed;
use crate::soak::laws::Watch;
use crate::soak::operator::{LINEAGE, Operator, Outcome, Wanted};
use crate::soak::stack::Stack;

/// The seeds of a run where none are named.
const FEW: Range<u64> = 0..100;
/// The environment variable that names other seeds, as in `0..5000`.
const SEEDS: &str = "HACTL_SOAK";

#[test]
fn whatever_happens_the_laws_hold() {
    let seeds = std::env::var(SEEDS).map_or(FEW, |text| parse(&text));
    let next = AtomicU64::new(seeds.start);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut failed = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return failed;
                }
                let told =
                    catch_unwind(|| history(seed)).unwrap_or_else(|panic| vec![format!("panic: {}", text_of(&panic))]);
                if !told.is_empty() {
                    failed.push(format!("seed {seed} (HACTL_SOAK={seed}..{}):\n{}", seed + 1, told.join("\n")));
                }
            }
        };
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} seeds\n\n{}", failed.len(), seeds.end - seeds.start, failed.join("\n\n"));
}

fn parse(text: &str) -> Range<u64> {
    let (from, to) = text.split_once("..").unwrap_or_else(|| panic!("{SEEDS} is written as in 0..5000"));
    from.parse().unwrap()..to.parse().unwrap()
}

fn text_of(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Two operators with one stack: what one has applied, the other pulls, mostly.
struct Team {
    sandbox: Sandbox,
    operators: [Operator; 2],
    /// What was pushed last: a state file.
    pushed: Option<Vec<u8>>,
    watch: Watch,
    /// The first certificate of the authority that any host had.
    authority: Option<String>,
    told: Vec<String>,
}

/// One history; gives what did not hold.
fn history(seed: u64) -> Vec<String> {
    let mut random = Rng::with_seed(seed);
    let sandbox = Sandbox::in_memory(seed);
    sandbox.on_crash(|| resume_unwind(Box::new(Killed)));
    let operators = [Operator::new(&sandbox, 1), Operator::new(&sandbox, 2)];
    let mut team =
        Team { sandbox, operators, pushed: None, watch: Watch::default(), authority: None, told: Vec::new() };
    let mut stack = Stack::random(&mut random);
    for _ in 0..random.usize(2..6) {
        team.step(&mut stack, &mut random);
        stack.change(&mut random);
    }
    team.converge(&stack);
    team.told.extend(team.watch.violations());
    if !team.told.is_empty() {
        team.told.extend(team.watch.story());
    }
    team.told
}

impl Team {
    /// One operator applies, and something may go wrong.
    fn step(&mut self, stack: &mut Stack, random: &mut Rng) {
        if random.u8(..3) == 0 {
            let done = drift(&self.sandbox, random);
            self.watch.note(done);
        }
        let wanted = Wanted::new(&stack.config(), stack.token());
        let who = self.who(random);
        if random.u8(..4) == 0 && self.would_be_refused(who) {
            return self.apply_stale(who, &wanted);
        }
        for _ in 0..random.usize(..3) {
            self.pull(who);
            if let Some((fault, skip)) = fault(random) {
                self.watch.note(format!("after {skip} operations: {fault:?}"));
                self.sandbox.inject(None, fault, skip, Some(1)).unwrap();
            }
            let stop_after = (random.u8(..5) == 0).then(|| random.usize(1..40));
            self.apply(who, &wanted, stop_after);
            self.sandbox.clear_faults().unwrap();
        }
    }

    /// Who is next: after a crash only the one who has the journal can go on.
    fn who(&self, random: &mut Rng) -> usize {
        self.operators.iter().position(Operator::has_journal).unwrap_or_else(|| random.usize(..2))
    }

    fn is_stale(&self, who: usize) -> bool {
        self.operators[who].state_file() != self.pushed && !self.operators[who].has_journal()
    }

    /// Whether an operator has an old state, and every host knows a newer one: the lease of a team, which comes before
    /// the hosts' fence, is not part of this.
    fn would_be_refused(&self, who: usize) -> bool {
        self.is_stale(who) && self.hosts_newer_than(self.operators[who].serial()).len() == 3
    }

    fn pull(&mut self, who: usize) {
        if let Some(pushed) = self.pushed.as_ref().filter(|_| self.is_stale(who)) {
            self.operators[who].pull(pushed);
        }
    }

    fn apply(&mut self, who: usize, wanted: &Wanted, stop_after: Option<usize>) {
        let operator = &mut self.operators[who];
        let outcome = operator.apply(wanted, &self.watch, stop_after);
        self.watch.note(format!("operator {who} applies, interrupted after {stop_after:?}: {outcome:?}"));
        match outcome {
            Outcome::Ended(applied) => {
                for failure in &applied.failures {
                    self.watch.told("a failure", &format!("{:?}", failure.error));
                }
                self.pushed = operator.state_file();
            }
            Outcome::Refused(diagnostics) => self.watch.told("a refusal", &format!("{diagnostics:?}")),
            Outcome::Killed => {}
        }
        self.check_authority();
        let state = self.operators[who].store.directory().to_owned();
        self.watch.search(&state);
        self.watch.search(self.operators[who].directory());
    }

    /// Somebody who did not pull applies: hosts that a newer state touched stay as they are.
    fn apply_stale(&mut self, who: usize, wanted: &Wanted) {
        let own = self.operators[who].serial();
        let before = self.hosts_newer_than(own);
        let told = match self.operators[who].apply(wanted, &self.watch, None) {
            Outcome::Ended(applied) => format!("{:?}", applied.failures),
            Outcome::Refused(diagnostics) => format!("{diagnostics:?}"),
            Outcome::Killed => "killed".to_owned(),
        };
        let after = self.hosts_newer_than(own);
        self.watch.note(format!("operator {who} applies a state that is too old: {told}"));
        for (host, now) in before.iter().filter(|(host, view)| after.get(*host) != Some(view)) {
            self.told.push(format!("fence: {host} was changed from a state of serial {own}: {told}\n{now}"));
        }
        // The push is refused as well; what is local is thrown away for what was pushed.
        if let Some(pushed) = &self.pushed {
            self.operators[who].pull(pushed);
        }
    }

    /// What runs on the hosts that were touched from a newer state than one of this serial.
    fn hosts_newer_than(&self, serial: u64) -> BTreeMap<String, String> {
        let newer = self
            .sandbox
            .view()
            .hosts
            .into_iter()
            .filter(|(_, host)| host.inventories.get(LINEAGE).is_some_and(|inventory| inventory.serial > serial));
        newer.map(|(name, host)| (name, format!("{:?} {:?}", host.containers, host.files))).collect()
    }

    /// Without faults an apply leads to the config, and the next one has nothing to do.
    fn converge(&mut self, stack: &Stack) {
        let wanted = Wanted::new(&stack.config(), stack.token());
        let who = self.operators.iter().position(Operator::has_journal).unwrap_or(0);
        self.pull(who);
        match self.operators[who].apply(&wanted, &self.watch, None) {
            Outcome::Ended(applied) if applied.failures.is_empty() => {}
            Outcome::Ended(applied) => {
                return self.told.push(format!("convergence: {:#?}\n{}", applied.failures, wanted.text()));
            }
            Outcome::Refused(diagnostics) => {
                return self.told.push(format!("convergence: refused: {diagnostics:#?}\n{}", wanted.text()));
            }
            Outcome::Killed => return self.told.push("convergence: killed".to_owned()),
        }
        self.pushed = self.operators[who].state_file();
        match self.operators[who].pending(&wanted) {
            Ok(pending) if pending.is_empty() => {}
            pending => self.told.push(format!("idempotence: {pending:?}\n{}", wanted.text())),
        }
        self.check_authority();
        self.compare_with_straight(&wanted);
        let other = 1 - who;
        self.pull(other);
        match self.operators[other].pending(&wanted) {
            Ok(pending) if pending.is_empty() => {}
            pending => self.told.push(format!("the other operator sees {pending:?}\n{}", wanted.text())),
        }
    }

    /// No host ever has the certificate of another authority than the first that any had.
    fn check_authority(&mut self) {
        for (name, host) in self.sandbox.view().hosts {
            let Some(file) = host.files.get("/srv/ca.pem") else { continue };
            let Some(content) = file.text.clone().filter(|text| text.starts_with("-----BEGIN CERTIFICATE")) else {
                continue;
            };
            if *self.authority.get_or_insert_with(|| content.clone()) != content {
                self.told.push(format!("a second certificate authority on {name}"));
            }
        }
    }

    /// The fleet is the one that the config alone leads to.
    fn compare_with_straight(&mut self, wanted: &Wanted) {
        let sandbox = Sandbox::in_memory(0);
        let mut straight = Operator::new(&sandbox, 3);
        let Outcome::Ended(_) = straight.apply(wanted, &Watch::default(), None) else { return };
        let (now, then) = (shape(&self.sandbox), shape(&sandbox));
        if now != then {
            let diff = similar::TextDiff::from_lines(&then, &now);
            let diff = diff.unified_diff().header("straight", "disturbed").to_string();
            self.told.push(format!("convergence:\n{diff}\n{}", wanted.text()));
        }
    }
}

/// What a cluster has by itself, from the first look at it on.
const OWN: [&str; 4] =
    ["Namespace/default", "Namespace/kube-node-lease", "Namespace/kube-public", "Namespace/kube-system"];

/// What there is on a fleet, without what is random or somebody else's.
fn shape(sandbox: &Sandbox) -> String {
    let view = sandbox.view();
    let mut lines = Vec::new();
    for (name, host) in &view.hosts {
        for (container, it) in host.containers.iter().filter(|(name, _)| *name != "moved-away") {
            let config = &it.config;
            lines.push(format!("{name} {container} {} {:?} {:?}", config.image, it.status, config.mounts));
        }
        lines.extend(host.files.iter().map(|(path, file)| format!("{name} {path} {}", file.mode)));
        let entries = host.inventories.get(LINEAGE).into_iter().flat_map(|inventory| inventory.entries.keys());
        lines.extend(entries.map(|address| format!("{name} records {address}")));
    }
    let view = serde_json::to_value(view).unwrap();
    let objects = view["cluster"]["objects"].as_object().into_iter().flatten();
    let made = objects.map(|(object, _)| object).filter(|object| !OWN.contains(&object.as_str()));
    lines.extend(made.cloned());
    lines.join("\n") + "\n"
}

/// Something that somebody does to the fleet by hand.
fn drift(sandbox: &Sandbox, random: &mut Rng) -> String {
    let node = ["n1", "n2", "n3"][random.usize(..3)];
    let container = format!("c{}", random.u8(..4));
    let file = ["/srv/f0", "/srv/f1", "/srv/ca.pem", "/srv/base"][random.usize(..4)];
    let there = sandbox.view().hosts.get(node).is_some_and(|host| host.files.contains_key(file));
    // What is not there cannot be changed; a file of somebody else's in its place is another matter.
    let what = random.u8(..9);
    let done = match what {
        0 => sandbox.stop_container(node, &container),
        1 => sandbox.remove_container(node, &container),
        2 => sandbox.rename_container(node, &container, "moved-away"),
        3 if there => sandbox.write_file(node, file, b"by hand"),
        4 => sandbox.remove_file(node, file),
        5 => sandbox.change_file(node, file, Some("0600"), None, None),
        6 => sandbox.remove_network(node, "front"),
        7 => sandbox.delete_object("ConfigMap/shop/settings"),
        _ => sandbox.remove_volume(node, "data0"),
    };
    format!("by hand: {what} to {container} or {file} on {node}: {}", done.is_ok())
}

/// What goes wrong in a run, and after how many operations.
fn fault(random: &mut Rng) -> Option<(Fault, u32)> {
    let fault = match random.u8(..8) {
        0 | 1 => Fault::Crash { operation: None, when: Moment::Before },
        2 | 3 => Fault::Crash { operation: None, when: Moment::After },
        4 => Fault::ConnectionLost { operation: None },
        5 => Fault::HostDown,
        6 => Fault::DiskFull,
        _ => return None,
    };
    Some((fault, random.u32(..60)))
}
