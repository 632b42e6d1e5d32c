//! The data-quality part of the report.

use std::collections::BTreeMap;

use crate::clean::{Cleaned, Drive};
use crate::recording::Recording;
use crate::report::{Gap, Quality};
use crate::sink::Rejection;

/// Holes are listed up to this many: a person reads ten, a program may want a hundred, a page must not want 10 000.
const GAPS_LISTED: usize = 100;
/// A step over this many medians that is no gap is a stall.
const STALL_STEPS: f64 = 2.0;

/// What a parser rejected and what cleaning rejected, joined, with the holes that are left.
pub fn assess(cleaned: &Cleaned, recording: &Recording) -> Quality {
    let mut rejected_by: BTreeMap<String, u64> = BTreeMap::new();
    for (why, count) in &recording.rejected {
        *rejected_by.entry(word(*why).to_owned()).or_default() += count;
    }
    for (why, count) in &cleaned.rejected {
        *rejected_by.entry((*why).to_owned()).or_default() += count;
    }
    let drive = &cleaned.drive;
    let holes = Holes::of(drive);
    let mut rates_hz = BTreeMap::new();
    if drive.len() > 1 {
        rates_hz.insert("gps".to_owned(), rounded(1.0 / drive.step_s(), 1e2));
    }
    for stream in &recording.streams {
        if let Some(rate_hz) = stream.rate_hz {
            rates_hz.insert(stream.name.clone(), rounded(rate_hz, 1e2));
        }
    }
    Quality {
        rejected: rejected_by.values().sum(),
        rejected_by,
        duplicates: cleaned.duplicates,
        gap_s: rounded(timing::gap_s(drive.step_s()), 1e6),
        gaps: holes.gaps,
        longest_gap_s: rounded(holes.longest_s, 1e3),
        gap_list: holes.list,
        stalls: holes.stalls,
        jumps: drive.jumps.len() as u64,
        max_speed_kmh: max_speed_kmh(drive),
        rates_hz,
        declared_lost: recording.declared_lost,
        frozen: recording.frozen.clone(),
        gps_coverage: rounded(holes.coverage, 1e4),
    }
}

fn word(why: Rejection) -> &'static str {
    match why {
        Rejection::Checksum => "checksum",
        Rejection::Malformed => "malformed",
        Rejection::NoFix => "no_fix",
    }
}

struct Holes {
    gaps: u64,
    longest_s: f64,
    list: Vec<Gap>,
    stalls: u64,
    coverage: f64,
}

impl Holes {
    fn of(drive: &Drive) -> Self {
        let mut holes = Self {
            gaps: 0,
            longest_s: 0.0,
            list: Vec::new(),
            stalls: 0,
            coverage: 0.0,
        };
        let gap_s = timing::gap_s(drive.step_s());
        let mut missing_s = 0.0;
        let trusted = drive.trusted();
        let mut jumps = drive.jumps.iter().peekable();
        for (i, pair) in (1..).zip(drive.time_s.windows(2)) {
            let step_s = pair[1] - pair[0];
            let jumped = jumps.next_if_eq(&&i).is_some();
            if step_s <= gap_s && (jumped || !trusted[i - 1] || !trusted[i]) {
                missing_s += step_s;
            }
            if step_s > gap_s {
                holes.gaps += 1;
                holes.longest_s = holes.longest_s.max(step_s);
                missing_s += step_s;
                if holes.list.len() < GAPS_LISTED {
                    let [start_s, end_s] = [pair[0], pair[1]].map(|t| rounded(t, 1e3));
                    holes.list.push(Gap { start_s, end_s });
                }
            } else if step_s > STALL_STEPS * drive.step_s() {
                holes.stalls += 1;
            }
        }
        if drive.duration_s() > 0.0 {
            holes.coverage = 1.0 - missing_s / drive.duration_s();
        }
        holes
    }
}

/// The highest speed that two neighbouring fixes agree on: a receiver's single spike is no top speed.
fn max_speed_kmh(drive: &Drive) -> Option<f64> {
    let mps = drive
        .fixes
        .windows(2)
        .map(|pair| pair[0].speed_mps.min(pair[1].speed_mps))
        .filter(|mps| mps.is_finite())
        .max_by(f32::total_cmp)?;
    Some(rounded(f64::from(mps) * 3.6, 1e2))
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
