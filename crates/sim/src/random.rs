//! Gaussian noise from a seeded generator.

use rand::{Rng, RngExt};

/// A standard normal number, by Box and Muller; one of the pair is thrown away so that the count of draws is plain.
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    // 1 − [0, 1) is never zero, whose logarithm would be infinite.
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - rng.random::<f64>()));
    radius * libm::cos(core::f64::consts::TAU * rng.random::<f64>())
}

/// Slow wandering with a given spread and time constant (Ornstein and Uhlenbeck's process), sampled at any steps.
#[derive(Debug, Clone)]
pub(crate) struct Drift {
    sigma: f64,
    tau_s: f64,
    value: f64,
}

impl Drift {
    pub(crate) fn new(sigma: f64, tau_s: f64, rng: &mut impl Rng) -> Self {
        Self {
            sigma,
            tau_s,
            value: sigma * normal(rng),
        }
    }

    pub(crate) fn step(&mut self, dt_s: f64, rng: &mut impl Rng) -> f64 {
        let keep = libm::exp(-dt_s / self.tau_s);
        self.value = keep * self.value + self.sigma * libm::sqrt(1.0 - keep * keep) * normal(rng);
        self.value
    }
}
