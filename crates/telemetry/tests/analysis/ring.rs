//! A round track of three equal sectors, driven anticlockwise at speeds whose sector times are a closed formula.

use telemetry::clean::{Drive, TimeBase, clean};
use telemetry::columns::Clock;
use telemetry::derive;
use telemetry::laps::{Analysed, Wanted, analyse};
use telemetry::model::Fix;

pub(crate) const RADIUS_M: f64 = 159.154_943; // 1 km around
pub(crate) const LAP_M: f64 = 1000.0;
pub(crate) const MPS: f64 = 25.0;
pub(crate) const CENTRE_DEG: (f64, f64) = (50.0, 8.0);
const SECTORS: usize = 3;
const RATE_HZ: f64 = 25.0;
const STEPS: usize = 40;

/// How one lap is driven.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Extra speed in the middle of each sector, as a share; speeds where sectors meet are always the same.
    pub(crate) push: [f64; SECTORS],
    /// Metres outside the middle of the road.
    pub(crate) wide_m: f64,
}

impl Style {
    pub(crate) fn pushing(push: [f64; SECTORS]) -> Self {
        Self { push, wide_m: 0.0 }
    }

    /// The integral of 1 / (1 + a·sin²(πx)) over a sector is 1 / √(1 + a).
    pub(crate) fn sector_s(&self, sector: usize) -> f64 {
        LAP_M / SECTORS as f64 / MPS / f64::sqrt(1.0 + self.push[sector])
    }

    pub(crate) fn lap_s(&self) -> f64 {
        (0..SECTORS).map(|sector| self.sector_s(sector)).sum()
    }
}

/// A quarter of a lap to the gate, the laps, and a quarter after it.
pub(crate) fn drive_laps(laps: &[Style]) -> Vec<Fix> {
    let plain = Style::pushing([0.0; SECTORS]);
    let style = |lap: f64| -> Style {
        if lap < 0.0 {
            plain
        } else {
            laps.get(lap as usize).copied().unwrap_or(plain)
        }
    };
    let mut fixes = Vec::new();
    let mut share = -0.25;
    let step_s = 1.0 / RATE_HZ / STEPS as f64;
    while share < laps.len() as f64 + 0.25 {
        let here = style(share);
        fixes.push(fix(
            fixes.len() as f64 / RATE_HZ,
            share,
            here.wide_m,
            mps(&here, share),
        ));
        for _ in 0..STEPS {
            // Midpoint steps: the error is far below a microsecond a lap.
            let half = share + 0.5 * step_s * mps(&style(share), share) / LAP_M;
            share += step_s * mps(&style(half), half) / LAP_M;
        }
    }
    fixes
}

/// Whoever drives wide drives faster over the ground by as much: progress is what the style says.
fn mps(style: &Style, share: f64) -> f64 {
    let in_lap = share.rem_euclid(1.0) * SECTORS as f64;
    let sine = (std::f64::consts::PI * in_lap.fract()).sin();
    MPS * (1.0 + style.push[(in_lap as usize).min(SECTORS - 1)] * sine * sine)
}

fn fix(time_s: f64, share: f64, wide_m: f64, mps: f64) -> Fix {
    let (lat_deg, lon_deg) = place(share, wide_m);
    let heading_deg = (-360.0 * share).rem_euclid(360.0);
    Fix {
        speed_mps: mps as f32,
        heading_deg: heading_deg as f32,
        ..Fix::at(time_s, lat_deg, lon_deg)
    }
}

/// A point of the road, `wide_m` outside its middle; share 0 is the easternmost point, where the way is north.
pub(crate) fn place(share: f64, wide_m: f64) -> (f64, f64) {
    let angle = share * std::f64::consts::TAU;
    let radius_m = RADIUS_M + wide_m;
    off_centre(radius_m * angle.cos(), radius_m * angle.sin())
}

/// Metres east and north of the centre. A degree at 50° north has these lengths on WGS-84.
pub(crate) fn off_centre(east_m: f64, north_m: f64) -> (f64, f64) {
    (
        CENTRE_DEG.0 + north_m / 111_229.08,
        CENTRE_DEG.1 + east_m / 71_695.75,
    )
}

/// The two ends of a line across the road, `half_m` to both sides of its middle.
pub(crate) fn across(share: f64, half_m: f64) -> ((f64, f64), (f64, f64)) {
    (place(share, -half_m), place(share, half_m))
}

pub(crate) const UNDATED: TimeBase = TimeBase {
    clock: Clock::IDENTITY,
    start_utc_ms: None,
};

pub(crate) fn analysed(fixes: Vec<Fix>, wanted: &Wanted<'_>) -> (Drive, Analysed) {
    let mut drive = clean(fixes, UNDATED).drive;
    derive::fill_motion(&mut drive);
    let derived = derive::derive(&drive);
    let found = analyse(&drive, &derived.distance_m, wanted);
    (drive, found)
}
