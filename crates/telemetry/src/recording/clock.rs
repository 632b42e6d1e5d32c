//! Fitting the recording's own clock to the receiver's time.
//!
//! A tick says when a fix arrived, which is tens of milliseconds after it was true and not always equally many; the
//! receiver's time says when it was true. The fit is a line through medians, so neither jitter nor a few fixes with a
//! wrong date bend it.

use crate::columns::Clock;
use crate::median::median;
use crate::model::Fix;

/// Crystals are good to 100 ppm; a nominal sample interval was seen 0.27 % off. Anything further is no drift.
const DRIFT_MAX: f64 = 0.005;
/// Below this the jitter of arrival is as large as the drift: the rates are taken as equal.
const DRIFT_MEASURABLE_S: f64 = 60.0;
/// A receiver's time that is further from the line is a glitch (a date before the almanac, a week that rolled over).
const OUTLIER_S: f64 = 2.0;
/// Stretches whose medians the slope is taken through.
const STRETCHES: usize = 32;

pub(super) struct Fit {
    pub(super) clock: Clock,
    pub(super) start_utc_ms: Option<f64>,
}

/// `first_clock_s` is the earliest time of the other streams, infinite without any; it is the start when there are no fixes.
pub(super) fn fit(fixes: &[Fix], first_clock_s: f64) -> Fit {
    let first_fix_clock_s = fixes.iter().map(|f| f.clock_s).find(|c| c.is_finite());
    let start_clock_s = first_fix_clock_s.unwrap_or(if first_clock_s.is_finite() {
        first_clock_s
    } else {
        0.0
    });
    let unfitted = Fit {
        clock: Clock {
            offset_s: -start_clock_s,
            scale: 1.0,
        },
        start_utc_ms: None,
    };

    // Clock since the start, and how far the receiver's time is ahead of it.
    let mut ahead: Vec<(f64, f64)> = fixes
        .iter()
        .filter(|f| f.utc_ms.is_finite() && f.clock_s.is_finite())
        .map(|f| {
            (
                f.clock_s - start_clock_s,
                f.utc_ms / 1000.0 - (f.clock_s - start_clock_s),
            )
        })
        .collect();
    let Some(middle_s) = median(ahead.iter().map(|a| a.1)) else {
        return unfitted;
    };
    ahead.retain(|(clock_s, ahead_s)| (ahead_s - middle_s).abs() < OUTLIER_S + DRIFT_MAX * clock_s.abs());
    let drift = drift(&ahead);
    let Some(ahead_at_start_s) = median(ahead.iter().map(|(clock_s, ahead_s)| ahead_s - drift * clock_s))
    else {
        return unfitted;
    };

    // Time 0 is the first fix by the receiver's own time, so that it is a round number of milliseconds.
    let scale = 1.0 + drift;
    let first_true = fixes.iter().find(|f| {
        let fitted_s = ahead_at_start_s + scale * (f.clock_s - start_clock_s);
        (f.utc_ms / 1000.0 - fitted_s).abs() < OUTLIER_S
    });
    let start_utc_s = first_true.map_or(ahead_at_start_s, |f| f.utc_ms / 1000.0);
    let offset_s = ahead_at_start_s - start_utc_s - scale * start_clock_s;
    Fit {
        clock: Clock { offset_s, scale },
        start_utc_ms: Some(start_utc_s * 1000.0),
    }
}

/// Seconds that the receiver's time gains per second of the clock: the median slope between medians of stretches.
fn drift(ahead: &[(f64, f64)]) -> f64 {
    let (Some(first), Some(last)) = (ahead.first(), ahead.last()) else {
        return 0.0;
    };
    if last.0 - first.0 < DRIFT_MEASURABLE_S {
        return 0.0;
    }
    let stretch = ahead.len().div_ceil(STRETCHES);
    let medians: Vec<(f64, f64)> = ahead
        .chunks(stretch)
        .filter_map(|part| {
            Some((
                median(part.iter().map(|p| p.0))?,
                median(part.iter().map(|p| p.1))?,
            ))
        })
        .collect();
    let apart = |(a, b): &(&(f64, f64), &(f64, f64))| b.0 - a.0 > DRIFT_MEASURABLE_S / 2.0;
    let pairs = medians
        .iter()
        .enumerate()
        .flat_map(|(i, a)| medians[i + 1..].iter().map(move |b| (a, b)));
    let slope = median(pairs.filter(apart).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)));
    slope.filter(|s| s.abs() < DRIFT_MAX).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH_MS: f64 = 1_792_345_678_900.0;

    /// An hour at 10 Hz whose clock starts at 5 s and runs `ppm` slow, each fix arriving `late_s(i)` after it was true.
    fn hour(ppm: f64, late_s: impl Fn(usize) -> f64) -> Vec<Fix> {
        let true_s = |i: usize| i as f64 / 10.0;
        let fix = |i: usize| Fix {
            utc_ms: EPOCH_MS + (true_s(i) * 1000.0).round(),
            ..Fix::at(5.0 + (true_s(i) + late_s(i)) / (1.0 + ppm * 1e-6), 45.0, 9.0)
        };
        (0..36_000).map(fix).collect()
    }

    fn jitter_s(i: usize) -> f64 {
        (i.wrapping_mul(2_654_435_761) >> 7) as f64 % 41.0 / 1000.0
    }

    #[test]
    fn drift_is_found_under_arrival_jitter() {
        let fit = fit(&hour(80.0, jitter_s), 5.0);
        assert!((fit.clock.scale - 1.000_08).abs() < 1e-6, "{:?}", fit.clock);
        // In the middle of the hour the fit is late by the median arrival delay of 20 ms, and by nothing else.
        let clock_s = 5.0 + 1800.0 / 1.000_08;
        assert!(
            (fit.clock.time_s(clock_s) + 0.020 - 1800.0).abs() < 0.002,
            "{}",
            fit.clock.time_s(clock_s)
        );
        assert_eq!(fit.start_utc_ms, Some(EPOCH_MS));
    }

    #[test]
    fn a_wrong_date_before_the_first_almanac_moves_nothing() {
        let mut fixes = hour(0.0, |_| 0.0);
        fixes[..50].iter_mut().for_each(|f| f.utc_ms -= 619_315_200_000.0);
        let fit = fit(&fixes, 5.0);
        assert_eq!(fit.start_utc_ms, Some(EPOCH_MS + 5000.0));
        assert!((fit.clock.time_s(10.0)).abs() < 1e-6);
        assert!((fit.clock.scale - 1.0).abs() < 1e-9);
    }

    #[test]
    fn without_receiver_time_the_first_fix_is_zero() {
        let fit = fit(&[Fix::at(7.5, 1.0, 1.0), Fix::at(8.5, 1.0, 1.0)], 7.0);
        assert_eq!(
            fit.clock,
            Clock {
                offset_s: -7.5,
                scale: 1.0
            }
        );
        assert_eq!(fit.start_utc_ms, None);
    }

    #[test]
    fn a_minute_is_too_short_to_measure_drift() {
        let fit = fit(&hour(0.0, jitter_s)[..300], 5.0);
        assert_eq!(fit.clock.scale, 1.0);
    }
}
