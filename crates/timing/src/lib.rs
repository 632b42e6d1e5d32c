//! Gates, line crossings, laps and sectors in a local metric plane.
//!
//! Owns the geometry and the state machine that turn a sequence of fixes into lap times. It is the same code on the
//! logger, on the server and in the simulator: no clock, no allocator, and every transcendental function comes from
//! `libm`, so all three agree to the bit. It does not clean fixes, choose gates or find directions of travel: that
//! needs the whole recording and is `telemetry`'s work.
//!
//! ```
//! use timing::{Course, Event, Gate, LapTimer, Plane, Rules, Sample, gap_s};
//!
//! let plane = Plane::at(51.0, 13.0);
//! let mut timer = LapTimer::new(Course::circuit(Gate::across(plane.point(51.0, 13.0), 0.0, 30.0)), Rules::at_hz(1.0));
//! let mut events = Vec::new();
//! for (time_s, lat_deg) in [(0.0, 50.9999), (1.0, 51.0001)] {
//!     let sample = Sample { time_s, at: plane.point(lat_deg, 13.0) };
//!     timer.push(sample, &mut |event| events.push(event));
//! }
//! let [Event::Lap(out)] = events.as_slice() else { panic!("the way to the gate is the out lap") };
//! assert!((out.end_s - 0.5).abs() < 1e-6);
//! ```
#![no_std]

mod course;
mod gate;
mod plane;
mod point;
mod timer;

pub use course::{Course, MAX_SPLITS, TooManySplits};
pub use gate::{Crossing, Gate};
pub use plane::{Plane, great_circle_m};
pub use point::Point;
pub use timer::{Event, Flaw, Lap, LapKind, LapTimer, Pass, Rules, Sample, gap_s};
