//! What is made of the timed laps: best, rolling best, theoretical and achievable best, consistency.
//!
//! Always theoretical ≤ achievable ≤ best and rolling ≤ best.

use timing::{Lap, LapKind, gap_s};

use super::Figures;
use super::delta::Along;
use super::gates::Gates;
use super::table::{ms, sectors_s};
use crate::clean::Drive;

/// Laps slower than this share of the best were not driven in earnest and say nothing about consistency.
const EARNEST: f64 = 1.07;
const CONSISTENCY_LAPS_MIN: usize = 3;
/// Sectors join where their drivers could have changed places: within a car's width and a fortieth of the speed.
const JOIN_SIDE_M: f64 = 2.0;
const JOIN_SPEED_SHARE: f64 = 0.025;
const JOIN_SPEED_MIN_MPS: f64 = 0.5;
/// Joining tries every pair of laps; a slower lap than the 256 fastest has no sector to give.
const JOIN_LAPS_MAX: usize = 256;
/// Points of the track at which a rolling lap may begin.
const ROLLING_POINTS: usize = 256;
/// A step along the track longer than this between two fixes is a hole, not a way.
const STEP_MAX_M: f64 = 200.0;
/// A round on the inside of every bend is shorter than the best lap's line, by no more than this.
const ROUND_MIN_SHARE: f64 = 0.97;

pub(super) fn figures(
    drive: &Drive,
    distance_m: &[f32],
    laps: &[Lap],
    gates: &Gates,
    along: &Along,
) -> Figures {
    let splits = gates.splits.len();
    let mut timed: Vec<&Lap> = laps.iter().filter(|lap| lap.kind == LapKind::Timed).collect();
    timed.sort_by(|a, b| time_s(a).total_cmp(&time_s(b)));
    let Some(best_s) = timed.first().map(|lap| time_s(lap)) else {
        return Figures::default();
    };
    Figures {
        best_ms: Some(ms(best_s)),
        rolling_best_ms: if gates.finish.is_none() {
            rolling_best_s(drive, distance_m, laps, along)
        } else {
            Some(best_s)
        }
        .map(ms),
        theoretical_best_ms: theoretical_best_s(&timed, splits).map(ms),
        achievable_best_ms: achievable_best_s(drive, &timed, splits).map(ms),
        consistency_ms: consistency_s(&timed, best_s).map(ms),
    }
}

fn time_s(lap: &Lap) -> f64 {
    lap.end_s - lap.start_s
}

fn theoretical_best_s(timed: &[&Lap], splits: usize) -> Option<f64> {
    let laps: Vec<_> = timed.iter().map(|lap| sectors_s(lap, splits)).collect();
    (0..=splits)
        .map(|sector| laps.iter().filter_map(|sectors| sectors[sector]).reduce(f64::min))
        .sum()
}

/// The cheapest way through the sectors, changing laps only where both passed the split alike.
fn achievable_best_s(drive: &Drive, timed: &[&Lap], splits: usize) -> Option<f64> {
    let laps = &timed[..timed.len().min(JOIN_LAPS_MAX)];
    let sectors: Vec<_> = laps.iter().map(|lap| sectors_s(lap, splits)).collect();
    let cost = |lap: usize, sector: usize| sectors[lap][sector].unwrap_or(f64::INFINITY);
    let mut so_far: Vec<f64> = (0..laps.len()).map(|lap| cost(lap, 0)).collect();
    for split in 0..splits {
        let joins: Vec<_> = laps.iter().map(|lap| Join::at(drive, lap, split)).collect();
        so_far = (0..laps.len())
            .map(|to| {
                let from = (0..laps.len())
                    .filter(|&from| from == to || Join::fit(joins[from], joins[to]))
                    .map(|from| so_far[from])
                    .fold(f64::INFINITY, f64::min);
                from + cost(to, split + 1)
            })
            .collect();
    }
    // A lap whose split was missed cannot be joined, but it was driven.
    let driven = laps.first().map_or(f64::INFINITY, |lap| time_s(lap));
    so_far
        .into_iter()
        .reduce(f64::min)
        .map(|joined| joined.min(driven))
        .filter(|best| best.is_finite())
}

/// How a lap passed a split.
#[derive(Debug, Clone, Copy)]
struct Join {
    offset_m: f64,
    speed_mps: f64,
}

impl Join {
    fn at(drive: &Drive, lap: &Lap, split: usize) -> Option<Self> {
        let pass = lap.splits[split]?;
        let after = drive.index_at(pass.time_s).clamp(1, drive.len() - 1);
        let [from, to] = [after - 1, after].map(|i| (drive.time_s[i], f64::from(drive.fixes[i].speed_mps)));
        let share = (pass.time_s - from.0) / (to.0 - from.0);
        Some(Self {
            offset_m: pass.offset_m,
            speed_mps: from.1 + share * (to.1 - from.1),
        })
    }

    fn fit(a: Option<Self>, b: Option<Self>) -> bool {
        let (Some(a), Some(b)) = (a, b) else { return false };
        let speed_m = (JOIN_SPEED_SHARE * a.speed_mps.max(b.speed_mps)).max(JOIN_SPEED_MIN_MPS);
        (a.offset_m - b.offset_m).abs() <= JOIN_SIDE_M && (a.speed_mps - b.speed_mps).abs() <= speed_m
    }
}

/// Sample standard deviation of the laps driven in earnest.
fn consistency_s(timed: &[&Lap], best_s: f64) -> Option<f64> {
    let times: Vec<f64> = timed
        .iter()
        .map(|lap| time_s(lap))
        .filter(|time| *time <= EARNEST * best_s)
        .collect();
    if times.len() < CONSISTENCY_LAPS_MIN {
        return None;
    }
    let count = times.len() as f64;
    let mean_s = times.iter().sum::<f64>() / count;
    let squares = times
        .iter()
        .map(|time| (time - mean_s) * (time - mean_s))
        .sum::<f64>();
    Some((squares / (count - 1.0)).sqrt())
}

/// The shortest time between passing a point in one lap and in the next, over points all along the track.
fn rolling_best_s(drive: &Drive, distance_m: &[f32], laps: &[Lap], along: &Along) -> Option<f64> {
    let length_m = along
        .track_pos_m
        .iter()
        .copied()
        .filter(|m| m.is_finite())
        .reduce(f32::max)?;
    let spacing_m = f64::from(length_m) / ROLLING_POINTS as f64;
    let way = Way::new(drive, distance_m, f64::from(length_m));
    let mut best_s: Option<f64> = None;
    let mut before: Option<Vec<Option<f64>>> = None;
    for lap in laps {
        let times = match lap.kind {
            LapKind::Out | LapKind::Timed | LapKind::In => {
                Some(passing_times_s(drive, lap, along, spacing_m))
            }
            LapKind::Pit | LapKind::Invalid => None,
        };
        if lap.kind == LapKind::Timed {
            best_s = Some(best_s.unwrap_or(f64::INFINITY).min(time_s(lap)));
        }
        // Two laps in a row, of which at least the one that is entered at the gate was driven whole.
        if let (Some(before), Some(times), true) = (&before, &times, lap.kind != LapKind::Out) {
            let rolling = before
                .iter()
                .zip(times)
                .filter_map(|(a, b)| Some(((*a)?, (*b)?)))
                .filter(|&(from_s, to_s)| way.followed(from_s, to_s))
                .map(|(from_s, to_s)| to_s - from_s);
            best_s = rolling.chain(best_s).reduce(f64::min);
        }
        before = times;
    }
    best_s
}

/// Whether the fixes saw a whole round between two moments.
struct Way<'a> {
    drive: &'a Drive,
    distance_m: &'a [f32],
    shortest_m: f64,
    /// For each fix, how many up to it are not good or have no known way from the one before.
    bad: Vec<u32>,
}

impl<'a> Way<'a> {
    fn new(drive: &'a Drive, distance_m: &'a [f32], length_m: f64) -> Self {
        let longest_s = gap_s(drive.step_s());
        let mut good = drive.trusted();
        for (good, pair) in good.iter_mut().skip(1).zip(drive.time_s.windows(2)) {
            *good &= pair[1] - pair[0] <= longest_s;
        }
        for &jump in &drive.jumps {
            good[jump] = false;
        }
        let count = |bad: &mut u32, good: bool| {
            *bad += u32::from(!good);
            Some(*bad)
        };
        Self {
            drive,
            distance_m,
            shortest_m: ROUND_MIN_SHARE * length_m,
            bad: good.into_iter().scan(0, count).collect(),
        }
    }

    fn followed(&self, from_s: f64, to_s: f64) -> bool {
        let last = self.drive.len() - 1;
        let (from, to) = (
            self.drive.index_at(from_s).min(last),
            self.drive.index_at(to_s).min(last),
        );
        self.bad[from] == self.bad[to]
            && f64::from(self.distance_m[to] - self.distance_m[from]) >= self.shortest_m
    }
}

/// When a lap passed each of the points; `None` where it was off the line or nobody saw it.
fn passing_times_s(drive: &Drive, lap: &Lap, along: &Along, spacing_m: f64) -> Vec<Option<f64>> {
    let mut times = vec![None; ROLLING_POINTS];
    let mut last: Option<(f64, f64)> = None;
    for i in drive.index_at(lap.start_s)..drive.index_at(lap.end_s) {
        let (here_m, here_s) = (f64::from(along.track_pos_m[i]), drive.time_s[i]);
        if !here_m.is_finite() {
            last = None;
            continue;
        }
        if let Some((from_m, from_s)) = last
            && here_m > from_m
            && here_m - from_m <= STEP_MAX_M
        {
            let first = (from_m / spacing_m).ceil() as usize;
            let end = ((here_m / spacing_m).ceil() as usize).min(ROLLING_POINTS);
            for (point, time) in times.iter_mut().enumerate().take(end).skip(first) {
                let share = (point as f64 * spacing_m - from_m) / (here_m - from_m);
                time.get_or_insert(from_s + share * (here_s - from_s));
            }
        }
        last = Some((here_m, here_s));
    }
    times
}
