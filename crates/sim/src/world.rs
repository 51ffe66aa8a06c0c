//! The fleet with its storage: where decisions become changes and faults strike.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hactl_core::cluster::CLUSTER;
use hactl_effect::trouble;
use hactl_host::{HostError, Probe};
use hactl_kube::ClusterError;

use crate::cluster::{Cluster, ClusterDecision, ClusterScene};
use crate::engine::canonical_image;
use crate::error::SandboxError;
use crate::faults::{self, Call, Fault, Moment, Operation};
use crate::fleet::Fleet;
use crate::machine::Machine;
use crate::mutation::{Change, Mutation, apply};
use crate::probe::answering;
use crate::scene::{Decision, Scene};
use crate::storage::Storage;

/// What a sandbox's handles share, behind one lock that is never held across an await.
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    /// None in memory.
    pub(crate) storage: Option<Storage>,
    /// Operations so far, by host.
    pub(crate) calls: BTreeMap<String, u64>,
    pub(crate) on_crash: Arc<dyn Fn() + Send + Sync>,
}

/// What a call is about, for faults to match.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// The host as a whole.
    Host,
    /// A container by id or name.
    Container(&'a str),
    /// An image.
    Image(&'a str),
    /// Whatever a probe reaches.
    Probe(&'a Probe),
    /// A file, a network, a volume, or an object of the cluster by its kind, namespace and name.
    Other(&'a str),
}

/// How a call ended.
pub(crate) struct Outcome<T, E> {
    pub(crate) answer: Result<T, E>,
    /// A fault kills the process now.
    pub(crate) crash: bool,
}

/// The errors of a port, as far as faults bring them about.
pub(crate) trait PortError: Sized {
    /// What was called does not answer.
    fn unreachable(reason: String) -> Self;
    /// The connection broke, and the answer with it.
    fn lost(operation: Operation, subject: &str) -> Self;
    /// What was called refuses.
    fn refused(operation: Operation, subject: &str) -> Self;
}

impl World {
    /// The beginning of a call: readies the storage, and answers how long latency holds it up.
    pub(crate) fn arrive<E: PortError>(
        &mut self,
        host: &str,
        operation: Operation,
        subject: Subject<'_>,
    ) -> Result<Duration, E> {
        if operation == Operation::Connect {
            self.catch_up().map_err(unusable)?;
        } else {
            match self.calls.get_mut(host) {
                Some(calls) => *calls += 1,
                None => {
                    self.calls.insert(host.to_owned(), 1);
                }
            }
        }
        if operation.has_effect() {
            self.acquire().map_err(unusable)?;
        }
        let strikes = self.meet(host, operation, subject, |fault| matches!(fault, Fault::Latency { .. }));
        Ok(faults::delay(&strikes.map_err(unusable)?))
    }

    /// The call itself: `decide` makes the decision and carries it out.
    pub(crate) fn perform<T, E: PortError>(
        &mut self,
        host: &str,
        operation: Operation,
        subject: Subject<'_>,
        decide: impl FnOnce(&mut Self, &[Fault]) -> Result<T, E>,
    ) -> Outcome<T, E> {
        let lost = || E::lost(operation, subject.text());
        let strikes = match self.strikes(host, operation, subject) {
            Ok(strikes) => strikes,
            Err(error) => return Outcome::of(Err(error)),
        };
        let crashes =
            |moment| strikes.iter().any(|fault| matches!(fault, Fault::Crash { when, .. } if *when == moment));
        if crashes(Moment::Before) {
            return Outcome::crash(lost());
        }
        if strikes.iter().any(|fault| matches!(fault, Fault::Refuse { .. })) {
            return Outcome::of(Err(E::refused(operation, subject.text())));
        }
        let answer = decide(self, &strikes);
        if crashes(Moment::After) {
            return Outcome::crash(lost());
        }
        if strikes.iter().any(|fault| matches!(fault, Fault::ConnectionLost { .. })) {
            return Outcome::of(Err(lost()));
        }
        Outcome::of(answer)
    }

    /// Lets a decision be made and carries it out.
    pub(crate) fn decide<T>(
        &mut self,
        host: &str,
        strikes: &[Fault],
        decide: impl FnOnce(&Scene<'_>) -> Decision<T>,
    ) -> Result<T, HostError> {
        let (answer, changes) = decide(&self.scene(host, strikes))?;
        for change in changes {
            self.change(host, change).map_err(unusable::<HostError>)?;
        }
        Ok(answer)
    }

    /// Lets a decision about the cluster be made and carries it out.
    pub(crate) fn decide_on_cluster<T>(
        &mut self,
        decide: impl FnOnce(&ClusterScene<'_>) -> ClusterDecision<T>,
    ) -> Result<T, ClusterError> {
        let (answer, changes) = self.on_cluster(decide)?;
        if !changes.is_empty() {
            self.commit(Mutation::Cluster { changes }).map_err(unusable::<ClusterError>)?;
        }
        Ok(answer)
    }

    /// What somebody sees of the cluster.
    pub(crate) fn on_cluster<T>(&self, look: impl FnOnce(&ClusterScene<'_>) -> T) -> T {
        let cluster = Cluster::of(&self.fleet);
        look(&ClusterScene {
            seed: self.fleet.seed,
            cluster: &cluster,
            hosts: self.fleet.machines.keys().map(String::as_str).filter(|name| *name != CLUSTER).collect(),
            faults: &self.fleet.faults,
        })
    }

    /// The fleet as one host's operations see it.
    pub(crate) fn scene<'a>(&'a self, host: &'a str, strikes: &'a [Fault]) -> Scene<'a> {
        Scene {
            seed: self.fleet.seed,
            host,
            machine: self.fleet.machine(host),
            pushes: &self.fleet.pushes,
            faults: &self.fleet.faults,
            strikes,
        }
    }

    /// Takes over what other processes have done to the stored fleet.
    fn catch_up(&mut self) -> Result<(), SandboxError> {
        match &mut self.storage {
            Some(storage) => storage.catch_up(&mut self.fleet),
            None => Ok(()),
        }
    }

    /// Takes the right to change the stored fleet.
    pub(crate) fn acquire(&mut self) -> Result<(), SandboxError> {
        match &mut self.storage {
            Some(storage) => storage.acquire(&mut self.fleet),
            None => Ok(()),
        }
    }

    /// Changes one machine.
    pub(crate) fn change(&mut self, host: &str, change: Change) -> Result<(), SandboxError> {
        self.commit(Mutation::Host { name: host.to_owned(), change })
    }

    /// Stores a mutation, then carries it out.
    pub(crate) fn commit(&mut self, mutation: Mutation) -> Result<(), SandboxError> {
        if let Some(storage) = &mut self.storage {
            storage.append(&mut self.fleet, &mutation)?;
        }
        apply(&mut self.fleet, mutation);
        Ok(())
    }

    /// The faults that strike the call itself. A host that is down meets no others.
    fn strikes<E: PortError>(
        &mut self,
        host: &str,
        operation: Operation,
        subject: Subject<'_>,
    ) -> Result<Vec<Fault>, E> {
        let down = self.meet(host, operation, subject, |fault| *fault == Fault::HostDown);
        if !down.map_err(unusable)?.is_empty() {
            return Err(E::unreachable("connection timed out (a fault of the sandbox)".to_owned()));
        }
        let others =
            self.meet(host, operation, subject, |fault| !matches!(fault, Fault::HostDown | Fault::Latency { .. }));
        others.map_err(unusable)
    }

    fn meet(
        &mut self,
        host: &str,
        operation: Operation,
        subject: Subject<'_>,
        of_interest: impl Fn(&Fault) -> bool,
    ) -> Result<Vec<Fault>, SandboxError> {
        if self.fleet.faults.is_empty() {
            return Ok(Vec::new());
        }
        let image = match subject {
            Subject::Image(image) => canonical_image(image),
            _ => String::new(),
        };
        let call = Call { host, operation, subjects: subject.names(self.fleet.machine(host), &image) };
        let met = faults::meet(&self.fleet.faults, &call, of_interest);
        if !met.counted.is_empty() {
            self.commit(Mutation::MeetFaults { ids: met.counted })?;
        }
        Ok(met.strikes)
    }
}

impl Subject<'_> {
    /// As it stands in messages.
    fn text(&self) -> &str {
        match self {
            Subject::Host | Subject::Probe(_) => "",
            Subject::Container(text) | Subject::Image(text) | Subject::Other(text) => text,
        }
    }
}

impl<'a> Subject<'a> {
    fn names(self, machine: &'a Machine, image: &'a str) -> Vec<&'a str> {
        match self {
            Subject::Host => Vec::new(),
            Subject::Container(wanted) => {
                let name = machine.containers.find(wanted).map_or(wanted, |container| &container.name);
                vec![name]
            }
            Subject::Image(_) => vec![image],
            Subject::Probe(probe) => answering(machine, probe).into_iter().map(|found| found.name.as_str()).collect(),
            Subject::Other(text) => vec![text],
        }
    }
}

impl<T, E> Outcome<T, E> {
    fn of(answer: Result<T, E>) -> Self {
        Self { answer, crash: false }
    }

    fn crash(error: E) -> Self {
        Self { answer: Err(error), crash: true }
    }
}

impl PortError for HostError {
    fn unreachable(reason: String) -> Self {
        Self::Unreachable { reason }
    }

    fn lost(operation: Operation, subject: &str) -> Self {
        Self::Lost { operation: operation.describe(subject) }
    }

    fn refused(operation: Operation, subject: &str) -> Self {
        Scene::refusal(operation, subject, "refused by a fault")
    }
}

/// To its users, a sandbox that cannot store a change is a host that does not answer.
fn unusable<E: PortError>(error: SandboxError) -> E {
    let remedy = match &error {
        SandboxError::File { path, source, .. } => format!(": {}", trouble::remedy(path, source)),
        _ => String::new(),
    };
    E::unreachable(format!("{error}{remedy}"))
}
