//! Quantiles of positive numbers in bounded memory.

/// 2^-14 … 2^18 in steps of 1/64 of an octave: 61 µs … 3 days for steps in seconds, and any acceleration or turn rate.
const OCTAVES: usize = 32;
const LOWEST_EXPONENT: u32 = 127 - 14;
const PER_OCTAVE_BITS: u32 = 6;
const BUCKETS: usize = OCTAVES << PER_OCTAVE_BITS;

/// Counts numbers in buckets 1.1–1.6 % wide and keeps each bucket's sum, so that numbers that are all alike, as the steps of
/// a steady sampler are, come back exactly.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    buckets: Vec<Bucket>,
    total: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    count: u64,
    sum: f64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self {
            buckets: Vec::new(),
            total: 0,
        }
    }

    /// Numbers that are not positive are not counted.
    pub(super) fn add(&mut self, value: f64) {
        if value.is_nan() || value <= 0.0 {
            return;
        }
        if self.buckets.is_empty() {
            self.buckets.resize(BUCKETS, Bucket::default());
        }
        // The leading bits of a positive float are its logarithm, piecewise linear.
        let key = (value as f32).to_bits() >> (23 - PER_OCTAVE_BITS);
        let index = key.saturating_sub(LOWEST_EXPONENT << PER_OCTAVE_BITS) as usize;
        let bucket = &mut self.buckets[index.min(BUCKETS - 1)];
        bucket.count += 1;
        bucket.sum += value;
        self.total += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The mean of the bucket that holds the quantile; `None` without numbers.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (self.total as f64 * share) as u64;
        let mut below = 0;
        for bucket in &self.buckets {
            below += bucket.count;
            if bucket.count > 0 && below > rank.min(self.total - 1) {
                return Some(bucket.sum / bucket.count as f64);
            }
        }
        None
    }

    /// One over the median step, to a thousandth of a hertz.
    pub(super) fn rate_hz(&self) -> Option<f64> {
        self.quantile(0.5)
            .map(|step_s| (1000.0 / step_s).round() / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_steps_give_the_exact_rate() {
        let mut steps = Histogram::new();
        for tick_ms in 1..1000u32 {
            steps.add(f64::from(tick_ms) / 1000.0 * 10.0 - f64::from(tick_ms - 1) / 1000.0 * 10.0);
        }
        assert_eq!(steps.rate_hz(), Some(100.0));
    }

    #[test]
    fn the_median_ignores_a_few_long_steps() {
        let mut steps = Histogram::new();
        (0..90).for_each(|_| steps.add(0.1));
        (0..9).for_each(|_| steps.add(4371.0));
        assert_eq!(steps.rate_hz(), Some(10.0));
    }

    #[test]
    fn extremes_are_counted_and_nothing_has_no_rate() {
        let mut steps = Histogram::new();
        assert_eq!(steps.rate_hz(), None);
        for value in [f64::NAN, -1.0, 0.0, 1e-300, 1e300, f64::INFINITY] {
            steps.add(value);
        }
        assert_eq!(steps.total(), 3);
    }
}
