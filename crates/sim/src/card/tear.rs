//! What a sector holds that was being written when the power went.

use device::block::SECTOR_BYTES;
use rand::{Rng, RngExt};

use super::Sector;
use crate::seeded::seeded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tear {
    /// Its old bytes: sectors are atomic.
    Whole,
    /// Neither the old bytes nor the new, drawn by this seed.
    Garbage(u64),
}

/// Kinds of garbage. Noise throughout is easy to notice; harder are those in which most of the sector makes sense.
const KINDS: u64 = 5;
/// Size of a directory entry, and where a tear is most deceptive.
const GRAIN: usize = 32;

impl Tear {
    pub(crate) fn leaves(self, old: &Sector, new: &Sector) -> Sector {
        match self {
            Self::Whole => *old,
            Self::Garbage(seed) => garbage(seed, old, new),
        }
    }
}

fn garbage(seed: u64, old: &Sector, new: &Sector) -> Sector {
    let mut rng = seeded(seed);
    let mut noise = [0; SECTOR_BYTES];
    rng.fill_bytes(&mut noise);
    let split = GRAIN * rng.random_range(1..SECTOR_BYTES / GRAIN);
    let mut torn = match seed % KINDS {
        0 => noise,
        1 => joined(&new[..split], &noise[split..]),
        2 => joined(&noise[..split], &new[split..]),
        3 => {
            let mut spot = *new;
            spot[split..split + GRAIN].copy_from_slice(&noise[..GRAIN]);
            spot
        }
        _ => joined(&new[..split], &old[split..]),
    };
    if torn == *old || torn == *new {
        torn = noise;
    }
    torn
}

fn joined(front: &[u8], back: &[u8]) -> Sector {
    let mut sector = [0; SECTOR_BYTES];
    let (begin, end) = sector.split_at_mut(front.len());
    begin.copy_from_slice(front);
    end.copy_from_slice(back);
    sector
}
