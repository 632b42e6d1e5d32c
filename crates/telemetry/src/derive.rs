//! Channels calculated from the fixes: speed and heading where the file has none, distance, g and lean.
//!
//! Everything here is one pass over the fixes with a small window in time. Unknown stays NaN.

use crate::clean::Drive;

const STANDARD_GRAVITY_MPS2: f64 = 9.806_65;
/// Half the window for slopes: short enough for a braking point, long enough for a receiver's noise.
const SLOPE_HALF_S: f64 = 0.2;
/// Half the window for a speed from positions, whose noise is divided by the window.
const MOTION_HALF_S: f64 = 0.3;
/// Slower than this a course over ground is noise, and so is what follows from it.
const HEADING_MPS: f64 = 3.0;
/// More than any tyre holds, so the heading was wrong: apps that interpolate it as a number write 0° between -178° and
/// 178°.
const LAT_G_MAX: f64 = 5.0;
/// Slower than this a change of place is noise, and adds nothing to the distance.
const STANDING_MPS: f32 = 0.5;

/// One value for each fix.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    /// Along the driven line.
    pub distance_m: Vec<f32>,
    /// Positive to the right of travel.
    pub lat_g: Vec<f32>,
    /// Positive when gaining speed.
    pub lon_g: Vec<f32>,
    pub total_m: f64,
}

/// Which motion channels had to be calculated because the file has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    pub speed: bool,
    pub heading: bool,
}

/// Fills unknown speeds and headings from positions; a channel counts as filled when most of it was unknown.
pub fn fill_motion(drive: &mut Drive) -> Filled {
    let unknown_speeds = drive.fixes.iter().filter(|fix| fix.speed_mps.is_nan()).count();
    let unknown_headings = drive.fixes.iter().filter(|fix| fix.heading_deg.is_nan()).count();
    if unknown_speeds + unknown_headings > 0 {
        let mut window = Window::new(drive.step_s(), MOTION_HALF_S);
        for i in 0..drive.len() {
            if !(drive.fixes[i].speed_mps.is_nan() || drive.fixes[i].heading_deg.is_nan()) {
                continue;
            }
            let Some((from, to)) = window
                .around(&drive.time_s, i)
                .and_then(|ends| without_jump(&drive.jumps, i, ends))
            else {
                continue;
            };
            let way = drive.point(to) - drive.point(from);
            let mps = way.length_m() / (drive.time_s[to] - drive.time_s[from]);
            let fix = &mut drive.fixes[i];
            if fix.speed_mps.is_nan() {
                fix.speed_mps = mps as f32;
            }
            if fix.heading_deg.is_nan() && mps >= f64::from(STANDING_MPS) {
                fix.heading_deg = way.bearing_deg() as f32;
            }
        }
    }
    let mostly = |unknown: usize| unknown * 2 > drive.len();
    Filled {
        speed: mostly(unknown_speeds),
        heading: mostly(unknown_headings),
    }
}

/// The part of a window around `i` in which the way is known.
fn without_jump(jumps: &[usize], i: usize, (from, to): (usize, usize)) -> Option<(usize, usize)> {
    let next = jumps.partition_point(|&jump| jump <= i);
    let from = next.checked_sub(1).map_or(from, |last| from.max(jumps[last]));
    let to = jumps.get(next).map_or(to, |&jump| to.min(jump - 1));
    (from < to).then_some((from, to))
}

/// Calculates distance and accelerations.
pub fn derive(drive: &Drive) -> Derived {
    let mut out = Derived {
        distance_m: Vec::with_capacity(drive.len()),
        lat_g: Vec::with_capacity(drive.len()),
        lon_g: Vec::with_capacity(drive.len()),
        total_m: 0.0,
    };
    let mut window = Window::new(drive.step_s(), SLOPE_HALF_S);
    let mut last = None;
    let mut jumps = drive.jumps.iter().peekable();
    for (i, at) in drive.points().enumerate() {
        let speed_mps = drive.fixes[i].speed_mps;
        let jumped = jumps.next_if_eq(&&i).is_some();
        if let Some(before) = last.replace(at)
            && !jumped
            && (speed_mps.is_nan() || speed_mps >= STANDING_MPS)
        {
            out.total_m += (at - before).length_m();
        }
        out.distance_m.push(out.total_m as f32);
        let (lat_g, lon_g) = window
            .around(&drive.time_s, i)
            .map_or((f64::NAN, f64::NAN), |(from, to)| g(drive, from, i, to));
        out.lat_g.push(lat_g as f32);
        out.lon_g.push(lon_g as f32);
    }
    out
}

/// The lean that balances the lateral acceleration, positive to the right; the tyre's width makes the real one larger.
pub fn lean_deg(lat_g: &[f32]) -> Vec<f32> {
    lat_g.iter().map(|g| g.atan().to_degrees()).collect()
}

/// Lateral and longitudinal acceleration at `i` from the change of speed and course over the window.
fn g(drive: &Drive, from: usize, i: usize, to: usize) -> (f64, f64) {
    let span_s = drive.time_s[to] - drive.time_s[from];
    let [a, here, b] = [from, i, to].map(|k| &drive.fixes[k]);
    let lon_mps2 = (f64::from(b.speed_mps) - f64::from(a.speed_mps)) / span_s;
    let slowest_mps = f64::from(a.speed_mps.min(b.speed_mps).min(here.speed_mps));
    let lat_mps2 = if slowest_mps >= HEADING_MPS {
        let turned_deg =
            turn_deg(a.heading_deg, here.heading_deg) + turn_deg(here.heading_deg, b.heading_deg);
        f64::from(here.speed_mps) * turned_deg.to_radians() / span_s
    } else {
        f64::NAN
    };
    let lat_g = lat_mps2 / STANDARD_GRAVITY_MPS2;
    let lat_g = if lat_g.abs() > LAT_G_MAX { f64::NAN } else { lat_g };
    (lat_g, lon_mps2 / STANDARD_GRAVITY_MPS2)
}

/// The shorter way round, positive to the right.
fn turn_deg(from: f32, to: f32) -> f64 {
    (f64::from(to) - f64::from(from) + 540.0).rem_euclid(360.0) - 180.0
}

/// The fixes within half a window before and after the current one; the index only moves forward.
struct Window {
    half_s: f64,
    from: usize,
    to: usize,
}

impl Window {
    /// At least one neighbour on each side, at any rate; a tenth more than a step lets its jitter pass.
    fn new(step_s: f64, half_s: f64) -> Self {
        Self {
            half_s: half_s.max(1.1 * step_s),
            from: 0,
            to: 0,
        }
    }

    /// First and last index of the window; `None` in the middle of nowhere.
    fn around(&mut self, time_s: &[f64], i: usize) -> Option<(usize, usize)> {
        while time_s[self.from] < time_s[i] - self.half_s {
            self.from += 1;
        }
        self.to = self.to.max(i);
        while self.to + 1 < time_s.len() && time_s[self.to + 1] <= time_s[i] + self.half_s {
            self.to += 1;
        }
        (self.from < self.to).then_some((self.from, self.to))
    }
}
