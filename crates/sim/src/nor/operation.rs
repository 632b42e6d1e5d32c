//! One change of the flash, whole or torn.

use rand::{Rng, RngExt};

use super::{BLOCK_BYTES, WORD_BYTES};
use crate::{SeededRng, seeded};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Program { offset: u32, data: Vec<u8> },
    Erase { offset: u32 },
}

/// How far an operation got when the power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not a bit changed.
    Before,
    /// It was complete, but nobody was told.
    After,
    /// Half-way, as drawn from a seed.
    Torn(u64),
}

impl Operation {
    /// Does all of it.
    pub fn carry_out(&self, image: &mut [u8]) {
        let region = self.region(image);
        match self {
            Self::Program { data, .. } => program(region, data),
            Self::Erase { .. } => region.fill(0xFF),
        }
    }

    /// Does as much of it as a cut let it.
    pub fn interrupt(&self, image: &mut [u8], fault: Fault) {
        match fault {
            Fault::Before => {}
            Fault::After => self.carry_out(image),
            Fault::Torn(seed) => {
                let mut rng = seeded(seed);
                let region = self.region(image);
                match self {
                    Self::Program { data, .. } => tear_program(region, data, &mut rng),
                    Self::Erase { .. } => tear_erase(region, &mut rng),
                }
            }
        }
    }

    fn region<'i>(&self, image: &'i mut [u8]) -> &'i mut [u8] {
        match self {
            Self::Program { offset, data } => &mut image[*offset as usize..][..data.len()],
            Self::Erase { offset } => &mut image[*offset as usize..][..BLOCK_BYTES],
        }
    }
}

fn program(region: &mut [u8], data: &[u8]) {
    for (bits, new) in region.iter_mut().zip(data) {
        *bits &= new;
    }
}

/// A prefix of the words is there; of the next word any of its bits may be.
fn tear_program(region: &mut [u8], data: &[u8], rng: &mut SeededRng) {
    let words = data.len() / WORD_BYTES;
    // The first words are where headers are: half of all cuts fall there.
    let whole = if rng.random() {
        rng.random_range(0..=words.min(4))
    } else {
        rng.random_range(0..=words)
    };
    let (done, rest) = data.split_at(whole * WORD_BYTES);
    program(region, done);
    let in_flight: Vec<u8> = rest
        .iter()
        .take(WORD_BYTES)
        .map(|new| new | some_bits(rng))
        .collect();
    program(&mut region[done.len()..], &in_flight);
}

/// Any bits, but rather those that a flash is likely to leave: old ones, erased ones, and mixtures of both.
fn tear_erase(block: &mut [u8], rng: &mut SeededRng) {
    let half = rng.random_range(0..=block.len() / WORD_BYTES) * WORD_BYTES;
    match rng.random_range(0..6) {
        0 => block[..half].fill(0xFF),
        1 => block[half..].fill(0xFF),
        // Each bit for itself, from nearly untouched to nearly done.
        2 => block.iter_mut().for_each(|bits| *bits |= some_bits(rng)),
        // Whole words here and there: much of what was valid still is.
        3 => {
            for word in block.chunks_exact_mut(WORD_BYTES) {
                if rng.random_ratio(1, 64) {
                    word.fill(0xFF);
                }
            }
        }
        // A single stubborn byte in an erased block, or a single erased one.
        4 => {
            let at = rng.random_range(0..block.len());
            let old = block[at];
            let fill_all: bool = rng.random();
            if fill_all {
                block.fill(0xFF);
                block[at] = old & rng.random::<u8>();
            } else {
                block[at] = 0xFF;
            }
        }
        _ => rng.fill_bytes(block),
    }
}

/// Eight bits, each set with a likelihood that is drawn anew for each byte from few, half and most.
fn some_bits(rng: &mut SeededRng) -> u8 {
    let (a, b): (u8, u8) = (rng.random(), rng.random());
    match rng.random_range(0..5) {
        0 => 0,
        1 => a & b,
        2 => a,
        3 => a | b,
        _ => 0xFF,
    }
}
