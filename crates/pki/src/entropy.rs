//! Where randomness comes from: an argument, so that a sandbox's runs can be repeated.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Error, OsRng, RngCore, SeedableRng};

/// A source of random bytes for keys, serials and passwords.
#[derive(Debug)]
pub struct Entropy(Source);

#[derive(Debug)]
enum Source {
    System(OsRng),
    Seeded(Box<ChaCha20Rng>),
}

impl Entropy {
    /// The operating system's randomness.
    pub fn system() -> Self {
        Self(Source::System(OsRng))
    }

    /// ChaCha20 from a seed: the same seed and the same calls make the same keys. What it makes is as secret as the
    /// seed.
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self(Source::Seeded(Box::new(ChaCha20Rng::from_seed(seed))))
    }

    /// 32 random bytes, as for a key.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill_bytes(&mut bytes);
        bytes
    }

    /// Another source, for what goes on beside this one: seeded from this one where this one is seeded.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        match &self.0 {
            Source::System(_) => Self::system(),
            Source::Seeded(_) => Self::seeded(self.bytes()),
        }
    }

    /// A number in `0..bound`, each as likely as the others.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let bound = bound.max(1);
        // A multiple of `bound`: what lies above it would make the small numbers more likely.
        let limit = u32::MAX - u32::MAX % bound;
        loop {
            let number = self.next_u32();
            if number < limit {
                return number % bound;
            }
        }
    }
}

impl RngCore for Entropy {
    fn next_u32(&mut self) -> u32 {
        match &mut self.0 {
            Source::System(system) => system.next_u32(),
            Source::Seeded(seeded) => seeded.next_u32(),
        }
    }

    fn next_u64(&mut self) -> u64 {
        match &mut self.0 {
            Source::System(system) => system.next_u64(),
            Source::Seeded(seeded) => seeded.next_u64(),
        }
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        match &mut self.0 {
            Source::System(system) => system.fill_bytes(bytes),
            Source::Seeded(seeded) => seeded.fill_bytes(bytes),
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        match &mut self.0 {
            Source::System(system) => system.try_fill_bytes(bytes),
            Source::Seeded(seeded) => seeded.try_fill_bytes(bytes),
        }
    }
}

impl CryptoRng for Entropy {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let bytes = |mut entropy: Entropy| entropy.bytes();
        assert_eq!(bytes(Entropy::seeded([7; 32])), bytes(Entropy::seeded([7; 32])));
        assert_ne!(bytes(Entropy::seeded([7; 32])), bytes(Entropy::seeded([8; 32])));
        assert_ne!(bytes(Entropy::system()), bytes(Entropy::system()));
    }

    #[test]
    fn numbers_below_a_bound_are_evenly_spread() {
        let mut entropy = Entropy::seeded([1; 32]);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[entropy.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }
}
