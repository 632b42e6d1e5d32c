//! The unit of a speed column that does not say it: held against the distance between fixes.

use crate::model::{Fix, Message};
use crate::sink::Sink;

use crate::formats::channels::{KMH_IN_MPS, MPH_IN_MPS};

/// Fixes held back until the unit is known: 40 minutes at 25 Hz, 5 MB. Later ones go out without a speed.
const MAX_HELD: usize = 65_536;
/// Driven above walking pace, this is enough to tell km/h, mph and m/s apart: they differ by a factor of 1.6 and more.
const ENOUGH_M: f64 = 200.0;
/// Slower than this, the noise of positions counts as way.
const MOVING_MPS: f64 = 3.0;
const MAX_STEP_S: f64 = 2.0;
/// The units that the exporter offers: factor to m/s, and name.
const UNITS: [(f64, &str); 3] = [(KMH_IN_MPS, "km/h"), (MPH_IN_MPS, "mph"), (1.0, "m/s")];

/// Passes fixes on with their speed in m/s.
pub(super) enum SpeedUnit {
    /// Said by the file, or measured.
    Known {
        factor: f32,
    },
    Measuring(Measure),
}

#[derive(Default)]
pub(super) struct Measure {
    held: Vec<Fix>,
    last: Option<Fix>,
    driven_m: f64,
    /// What the column adds up to over the same time, in its unit times seconds.
    claimed: f64,
}

impl SpeedUnit {
    pub(super) fn new(is_unknown: bool) -> Self {
        if is_unknown {
            Self::Measuring(Measure::default())
        } else {
            Self::Known { factor: 1.0 }
        }
    }

    pub(super) fn push(&mut self, mut fix: Fix, sink: &mut dyn Sink) {
        match self {
            Self::Known { factor } => {
                fix.speed_mps *= *factor;
                sink.fix(fix);
            }
            Self::Measuring(measure) => {
                measure.take(fix, sink);
                if measure.driven_m >= ENOUGH_M {
                    let factor = measure.decide(sink);
                    *self = Self::Known { factor };
                }
            }
        }
    }

    /// Lets go of what is still held, at the end of the file.
    pub(super) fn finish(self, sink: &mut dyn Sink) {
        if let Self::Measuring(measure) = self {
            measure.give_up(sink);
        }
    }
}

impl Measure {
    fn take(&mut self, fix: Fix, sink: &mut dyn Sink) {
        if let Some(last) = self.last.replace(fix) {
            let step_s = fix.clock_s - last.clock_s;
            let way_m = distance_m(&last, &fix);
            let claimed = f64::from(last.speed_mps + fix.speed_mps) / 2.0 * step_s;
            if step_s > 0.0 && step_s <= MAX_STEP_S && way_m > MOVING_MPS * step_s && claimed > 0.0 {
                self.driven_m += way_m;
                self.claimed += claimed;
            }
        }
        if self.held.len() < MAX_HELD {
            self.held.push(fix);
        } else {
            sink.fix(Fix {
                speed_mps: f32::NAN,
                ..fix
            });
        }
    }

    /// Chooses the unit, hands on what was held, and gives the factor for what follows.
    fn decide(&mut self, sink: &mut dyn Sink) -> f32 {
        let measured = self.driven_m / self.claimed;
        let away = |factor: f64| (factor / measured).ln().abs();
        let nearest = UNITS
            .into_iter()
            .min_by(|(a, _), (b, _)| away(*a).total_cmp(&away(*b)));
        let (factor, name) = nearest.unwrap_or(UNITS[0]);
        sink.message(Message {
            code: "speed_unit_measured".into(),
            text: format!(
                "The file does not say the unit of its speeds; held against the positions they are {name}."
            ),
            line: None,
        });
        #[expect(clippy::cast_possible_truncation, reason = "a unit factor near 1")]
        let factor = factor as f32;
        for fix in self.held.drain(..) {
            sink.fix(Fix {
                speed_mps: fix.speed_mps * factor,
                ..fix
            });
        }
        factor
    }

    fn give_up(self, sink: &mut dyn Sink) {
        for fix in self.held {
            sink.fix(Fix {
                speed_mps: f32::NAN,
                ..fix
            });
        }
        sink.message(Message {
            code: "speed_unit_unknown".into(),
            text: "The file does not say the unit of its speeds, and nothing moved far enough to measure it: speeds are \
                   left out."
                .into(),
            line: None,
        });
    }
}

/// Distance of two fixes a step apart, on a plane.
fn distance_m(a: &Fix, b: &Fix) -> f64 {
    const METRES_PER_DEGREE: f64 = 111_195.0;
    let north = b.lat_deg - a.lat_deg;
    let east = (b.lon_deg - a.lon_deg) * a.lat_deg.to_radians().cos();
    north.hypot(east) * METRES_PER_DEGREE
}
