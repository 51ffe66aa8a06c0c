//! The sandbox as its users hold it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hactl_core::node::Connection;
use hactl_host::{Host, HostError};

use crate::error::SandboxError;
use crate::faults::{Fault, InjectedFault, Operation};
use crate::fleet::Fleet;
use crate::host::SimulatedHost;
use crate::mutation::Mutation;
use crate::scene::unchanged;
use crate::storage::Storage;
use crate::view::FleetView;
use crate::world::{PortError, Subject, World};

/// A simulated fleet: any node name has a host, which is a Debian 12 machine with Docker Engine, and the fleet has one
/// Kubernetes cluster, where every connection leads to.
///
/// Cheap to clone; clones are the same fleet. A host comes to exist by the first change made on it, and is a new
/// machine until then. Everything that happens depends on the seed and the order of calls alone.
#[derive(Clone)]
pub struct Sandbox {
    world: Arc<Mutex<World>>,
}

impl Sandbox {
    /// The fleet kept in a directory, or an empty one where nothing is kept there; then the seed is what facts and ids
    /// are derived from. Nothing is written before the first change, which also takes the right to change the fleet
    /// from all other processes until the last clone of this handle is dropped.
    ///
    /// # Errors
    /// [`SandboxError::File`], [`SandboxError::Damaged`] or [`SandboxError::NewerFormat`].
    pub fn open(directory: &Path, seed: u64) -> Result<Self, SandboxError> {
        let (storage, fleet) = Storage::open(directory, seed)?;
        Ok(Self::of(fleet, Some(storage)))
    }

    /// An empty fleet that is kept nowhere.
    pub fn in_memory(seed: u64) -> Self {
        Self::of(Fleet::new(seed), None)
    }

    /// Forgets the fleet kept in a directory; other files there stay. Nothing kept there is fine.
    ///
    /// # Errors
    /// [`SandboxError::Busy`] while a process changes it, [`SandboxError::File`] when it cannot be removed.
    pub fn reset(directory: &Path) -> Result<(), SandboxError> {
        Storage::reset(directory)
    }

    /// Everything there is, sorted.
    pub fn view(&self) -> FleetView {
        FleetView::of(&self.world())
    }

    /// What facts and ids are derived from: that of the kept fleet, or the one it was opened with.
    pub fn seed(&self) -> u64 {
        self.world().fleet.seed
    }

    /// How many operations each host was asked for through this handle and its clones, connecting not included.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.world().calls.clone()
    }

    /// Injects a fault on a host, or on all where none is given, and answers its number: it lets `skip` matching
    /// operations pass, then strikes `times`, or until it is cleared where none is given.
    ///
    /// # Errors
    /// [`SandboxError::Busy`] or [`SandboxError::File`] when it cannot be stored.
    pub fn inject(&self, host: Option<&str>, fault: Fault, skip: u32, times: Option<u32>) -> Result<u64, SandboxError> {
        if times == Some(0) {
            return Err(SandboxError::Invalid {
                what: "times".to_owned(),
                reason: "a fault strikes at least once".to_owned(),
            });
        }
        let mut world = self.world();
        world.acquire()?;
        let id = world.fleet.faults_made + 1;
        world.commit(Mutation::AddFault(InjectedFault { id, host: host.map(str::to_owned), fault, skip, times }))?;
        Ok(id)
    }

    /// The faults that wait, in the order they were injected.
    pub fn faults(&self) -> Vec<InjectedFault> {
        self.world().fleet.faults.clone()
    }

    /// Removes a fault.
    ///
    /// # Errors
    /// [`SandboxError::Unknown`] when there is none of this number.
    pub fn clear_fault(&self, id: u64) -> Result<(), SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        if !world.fleet.faults.iter().any(|fault| fault.id == id) {
            return Err(SandboxError::Unknown {
                what: format!("fault {id}"),
                near: world.fleet.faults.iter().map(|fault| fault.id.to_string()).take(3).collect(),
            });
        }
        world.commit(Mutation::RemoveFault { id })
    }

    /// Removes all faults.
    ///
    /// # Errors
    /// [`SandboxError::Busy`] or [`SandboxError::File`] when that cannot be stored.
    pub fn clear_faults(&self) -> Result<(), SandboxError> {
        let mut world = self.world();
        world.acquire()?;
        let ids: Vec<u64> = world.fleet.faults.iter().map(|fault| fault.id).collect();
        ids.into_iter().try_for_each(|id| world.commit(Mutation::RemoveFault { id }))
    }

    /// What a [`Fault::Crash`] does in place of [`std::process::abort`], for tests within one process. Where it returns,
    /// the operation answers that the connection was lost.
    pub fn on_crash(&self, hook: impl Fn() + Send + Sync + 'static) {
        self.world().on_crash = Arc::new(hook);
    }

    /// One round trip: latency, then faults, then the decision and its changes.
    pub(crate) async fn call<T: Send, E: PortError>(
        &self,
        host: &str,
        operation: Operation,
        subject: Subject<'_>,
        decide: impl FnOnce(&mut World, &[Fault]) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let delay = self.world().arrive::<E>(host, operation, subject)?;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let outcome = self.world().perform(host, operation, subject, decide);
        if outcome.crash {
            let on_crash = self.world().on_crash.clone();
            on_crash();
        }
        outcome.answer
    }

    /// The shared world. A panic while it was held leaves whole mutations only, so that it can still be used.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(fleet: Fleet, storage: Option<Storage>) -> Self {
        Self {
            world: Arc::new(Mutex::new(World {
                fleet,
                storage,
                calls: BTreeMap::new(),
                on_crash: Arc::new(|| std::process::abort()),
            })),
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox(…)")
    }
}

#[async_trait]
impl hactl_host::Fleet for Sandbox {
    async fn connect(&self, node: &str, connection: &Connection) -> Result<Arc<dyn Host>, HostError> {
        let user = connection.user.clone().unwrap_or_else(|| "root".to_owned());
        let host = SimulatedHost::new(self.clone(), node.to_owned(), user);
        host.call(Operation::Connect, Subject::Host, |_| unchanged(())).await?;
        Ok(Arc::new(host))
    }
}
