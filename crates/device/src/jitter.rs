//! Small random numbers that keep a hundred devices from doing the same thing at the same moment.
//!
//! Seeded by whoever builds the machine that uses it, so a world repeats itself. Nothing secret comes from here.

/// Marsaglia's xorshift with 32 bits of state.
#[derive(Debug, Clone)]
pub struct Jitter(u32);

impl Jitter {
    pub const fn new(seed: u32) -> Self {
        // Zero is the one state that never leaves itself.
        Self(if seed == 0 { 0x9E37_79B9 } else { seed })
    }

    /// From 0 to `bound`, both included.
    pub fn up_to(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        match bound.checked_add(1) {
            Some(values) => self.0 % values,
            None => self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_range_and_move_whatever_the_seed() {
        for seed in [0, 1, u32::MAX] {
            let mut jitter = Jitter::new(seed);
            let mut seen = [false; 4];
            for _ in 0..100 {
                let number = jitter.up_to(3);
                seen[usize::try_from(number).unwrap()] = true;
            }
            assert_eq!(seen, [true; 4]);
            assert_eq!(jitter.up_to(0), 0);
            jitter.up_to(u32::MAX);
        }
    }
}
