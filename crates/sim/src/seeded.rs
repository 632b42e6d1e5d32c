//! The generator that worlds and drives are drawn from.

use rand::{RngExt, SeedableRng};

/// Same numbers on every machine and in every version of its crate.
pub type SeededRng = rand_chacha::ChaCha8Rng;

pub fn seeded(seed: u64) -> SeededRng {
    SeededRng::seed_from_u64(seed)
}

/// An id for a recording.
pub fn random_id(rng: &mut SeededRng) -> u128 {
    rng.random()
}
