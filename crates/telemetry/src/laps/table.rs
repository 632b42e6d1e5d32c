//! The lap table: the timer run over the drive, and each lap as the report tells it.

use timing::{Event, Flaw, Lap, LapKind, LapTimer, Rules};

use super::gates::Gates;
use crate::clean::Drive;
use crate::report;

/// Every lap of the drive in its order, the out and the unfinished one included.
pub(super) fn time_laps(drive: &Drive, gates: &Gates) -> Vec<Lap> {
    let mut timer = LapTimer::new(gates.course(), Rules::at_hz(1.0 / drive.step_s()));
    let mut laps = Vec::new();
    let mut jumps = drive.jumps.iter().peekable();
    for (i, sample) in drive.samples().enumerate() {
        if jumps.next_if_eq(&&i).is_some() {
            timer.jumped();
        }
        timer.push(sample, &mut |event| match event {
            Event::Lap(lap) => laps.push(lap),
            Event::Split { .. } => {}
        });
    }
    laps.extend(timer.finish());
    laps
}

/// A lap this many times as long as the middle one went round twice. Lines through a lap differ by a few percent.
const TWICE_ROUND: f64 = 1.7;
/// With fewer nobody can say which of them is the odd one.
const COMPARED_LAPS_MIN: usize = 3;

/// Takes the time from laps of a circuit that passed the gate unseen, because the position was bad just there.
pub(super) fn doubt_missed_gates(drive: &Drive, distance_m: &[f32], laps: &mut [Lap]) {
    let way_m =
        |lap: &Lap| distance_at(drive, distance_m, lap.end_s) - distance_at(drive, distance_m, lap.start_s);
    let is_timed = |lap: &&Lap| lap.kind == LapKind::Timed;
    let mut ways_m: Vec<f64> = laps.iter().filter(is_timed).map(way_m).collect();
    if ways_m.len() < COMPARED_LAPS_MIN {
        return;
    }
    ways_m.sort_by(f64::total_cmp);
    let middle_m = ways_m[(ways_m.len() - 1) / 2];
    for lap in laps.iter_mut().filter(|lap| lap.kind == LapKind::Timed) {
        if way_m(lap) >= TWICE_ROUND * middle_m {
            (lap.kind, lap.flaw) = (LapKind::Invalid, Some(Flaw::GateMissed));
        }
    }
}

/// Numbers of laps: 0 for the ways to a start, all others from 1.
pub(super) fn numbers(laps: &[Lap]) -> Vec<u32> {
    let mut last = 0;
    laps.iter()
        .map(|lap| {
            if lap.kind == LapKind::Out {
                return 0;
            }
            last += 1;
            last
        })
        .collect()
}

/// The time of each sector; unknown where one of its ends was not passed.
pub(super) fn sectors_s(lap: &Lap, splits: usize) -> Vec<Option<f64>> {
    let ends = std::iter::once(lap.entry.map(|pass| pass.time_s))
        .chain(
            lap.splits[..splits]
                .iter()
                .map(|split| split.map(|pass| pass.time_s)),
        )
        .chain(std::iter::once(
            lap.exit.filter(|_| lap.entry.is_some()).map(|pass| pass.time_s),
        ));
    let ends: Vec<_> = ends.collect();
    ends.windows(2).map(|pair| Some(pair[1]? - pair[0]?)).collect()
}

/// The laps as the report has them.
pub(super) fn report(drive: &Drive, distance_m: &[f32], laps: &[Lap], splits: usize) -> Vec<report::Lap> {
    let best_s = laps
        .iter()
        .filter(|lap| lap.kind == LapKind::Timed)
        .map(time_s)
        .reduce(f64::min);
    let numbers = numbers(laps);
    (0..)
        .zip(laps)
        .zip(numbers)
        .map(|((index, lap), number)| {
            let (min_mps, max_mps) = speed_range(drive, lap);
            let timed = lap.kind == LapKind::Timed;
            report::Lap {
                index,
                number,
                kind: kind(lap.kind),
                start_s: (lap.start_s * 1e6).round() / 1e6,
                time_ms: ms(time_s(lap)),
                sectors_ms: sectors_s(lap, splits)
                    .into_iter()
                    .map(|sector| sector.map(ms))
                    .collect(),
                delta_best_ms: best_s.filter(|_| timed).map(|best_s| ms(time_s(lap) - best_s)),
                distance_m: rounded_mm(
                    distance_at(drive, distance_m, lap.end_s) - distance_at(drive, distance_m, lap.start_s),
                ),
                max_speed_kmh: max_mps.map(kmh),
                min_speed_kmh: min_mps.map(kmh),
                note: note(lap),
            }
        })
        .collect()
}

fn time_s(lap: &Lap) -> f64 {
    lap.end_s - lap.start_s
}

/// Milliseconds with three decimals.
pub(super) fn ms(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

fn rounded_mm(metres: f64) -> f64 {
    (metres * 1e3).round() / 1e3
}

fn kmh(mps: f32) -> f64 {
    (f64::from(mps) * 360.0).round() / 100.0
}

fn kind(kind: LapKind) -> report::LapKind {
    match kind {
        LapKind::Out => report::LapKind::Out,
        LapKind::Timed => report::LapKind::Timed,
        LapKind::In => report::LapKind::In,
        LapKind::Pit => report::LapKind::Pit,
        LapKind::Invalid => report::LapKind::Invalid,
    }
}

fn note(lap: &Lap) -> Option<String> {
    let text = match (lap.kind, lap.flaw) {
        (LapKind::Pit, _) => "The vehicle stood still in this lap.",
        (LapKind::Invalid, Some(Flaw::Gap)) => {
            "GPS fixes are missing in this lap, so its time cannot be trusted."
        }
        (LapKind::Invalid, Some(Flaw::Jump)) => {
            "The GPS position jumped in this lap, so its time cannot be trusted."
        }
        (LapKind::Invalid, Some(Flaw::Unfinished)) => "The start was crossed again before the finish.",
        (LapKind::Invalid, Some(Flaw::GateMissed)) => {
            "This lap is as long as two: the GPS position missed the line in between, so its time is none of one lap."
        }
        (LapKind::Invalid, None) | (LapKind::Out | LapKind::Timed | LapKind::In, _) => return None,
    };
    Some(text.to_owned())
}

fn speed_range(drive: &Drive, lap: &Lap) -> (Option<f32>, Option<f32>) {
    let fixes = &drive.fixes[drive.index_at(lap.start_s)..drive.index_at(lap.end_s)];
    let speeds = || {
        fixes
            .iter()
            .map(|fix| fix.speed_mps)
            .filter(|mps| mps.is_finite())
    };
    (speeds().min_by(f32::total_cmp), speeds().max_by(f32::total_cmp))
}

fn distance_at(drive: &Drive, distance_m: &[f32], time_s: f64) -> f64 {
    let after = drive.index_at(time_s).min(drive.len() - 1);
    let before = after.saturating_sub(1);
    let span_s = drive.time_s[after] - drive.time_s[before];
    let share = if span_s > 0.0 {
        ((time_s - drive.time_s[before]) / span_s).clamp(0.0, 1.0)
    } else {
        1.0
    };
    let [from_m, to_m] = [before, after].map(|i| f64::from(distance_m[i]));
    from_m + share * (to_m - from_m)
}
