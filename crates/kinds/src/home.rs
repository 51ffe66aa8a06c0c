//! Where resources live that are on no host: in the state alone.

use std::sync::Mutex;

use async_trait::async_trait;
use hactl_core::Address;
use hactl_core::observed::{Observed, Present};
use hactl_engine::{Claim, Job, Produced, ReadRequest, Reading, StepError, Target};
use hactl_pki::Entropy;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::spawn_blocking;

use crate::secret::{Order, make};
use crate::target::unknown_kind;

/// What secrets are made with. Time and randomness come from outside, so that a sandbox's run can be repeated.
#[derive(Debug)]
pub struct Maker {
    /// The time of this run.
    pub now: jiff::Timestamp,
    /// Where keys and passwords come from.
    pub entropy: Entropy,
}

impl Maker {
    /// A maker for one step.
    fn fork(&mut self) -> Self {
        Self { now: self.now, entropy: self.entropy.fork() }
    }
}

/// The place of what is on no host.
pub(crate) struct Home {
    maker: Mutex<Maker>,
}

impl Home {
    pub(crate) fn new(maker: Maker) -> Self {
        Self { maker: Mutex::new(maker) }
    }
}

#[async_trait]
impl Target for Home {
    /// What state holds is what is there.
    async fn read(&self, _lineage: &str, requests: &[ReadRequest<'_>]) -> Result<Reading, String> {
        let observed = requests.iter().map(|request| match request.candidates.last().filter(|_| request.applied) {
            Some(known) => Observed::Present(Present {
                spec: known.spec.clone(),
                outputs: known.outputs.clone(),
                generation: known.generation.clone(),
                residue: false,
                fixed: Vec::new(),
            }),
            None => Observed::Absent,
        });
        Ok(Reading { observed: observed.collect(), ..Reading::default() })
    }

    async fn claim(&self, _claim: &Claim) -> Result<(), StepError> {
        Ok(())
    }

    async fn release(&self, _lineage: &str, _gone: &[Address]) -> Result<(), StepError> {
        Ok(())
    }

    async fn execute(&self, job: &Job<'_>) -> Result<Produced, StepError> {
        if job.address.primitive() != "secret" {
            return Err(unknown_kind(job.address.primitive()));
        }
        let Some(order) = Order::of(job) else { return Ok(Produced::default()) };
        let mut maker = self.maker.lock().map_err(|_| panicked())?.fork();
        // In the sandbox one thing comes after the other, so that every run is the same.
        if order.takes_long() && Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
            return spawn_blocking(move || make(&order, &mut maker)).await.map_err(|_| panicked())?;
        }
        make(&order, &mut maker)
    }
}

fn panicked() -> StepError {
    StepError::new("making it ended in a panic, which is a mistake in hactl")
}
