//! The lap that is being driven, beside the best one.

use heapless::Deque;
use timing::{Event, Lap, LapKind, LapTimer, MAX_SPLITS, Plane, Rules, Sample};

use super::spec::{Place, Track};

/// Up to this much slower than the best is close.
const CLOSE_MS: u32 = 500;
/// Nobody drives a lap this far from its gate, and the plane is no plane there.
const FAR_M: f64 = 50_000.0;
/// Faster than anything on wheels: the receiver jumped.
const JUMP_M_PER_S: f64 = 150.0;
/// A last sector and a lap, for the two lines that one step may cross.
const OUTPUTS_MAX: usize = 8;

/// One epoch of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fix {
    /// By the receiver's own time: ticks of arrival are late by tens of milliseconds.
    pub epoch_ms: i64,
    pub at: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing to compare with yet.
    First,
    FasterBy {
        ms: u32,
    },
    /// Half a second slower at most.
    CloseBy {
        ms: u32,
    },
    SlowerBy {
        ms: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Sector `index` of the running lap was driven through, counted from 0.
    Sector {
        index: u8,
        time_ms: u32,
        verdict: Verdict,
    },
    /// A lap without a flaw, counted from 1.
    Lap {
        number: u16,
        time_ms: u32,
        verdict: Verdict,
    },
    /// One that has no time: the way out or in, a stop, a hole in the fixes.
    Untimed,
}

/// See the module's parent. Some 2.3 KiB.
#[derive(Debug)]
pub struct LapWatch {
    plane: Plane,
    timer: LapTimer,
    rules: Rules,
    /// The receiver's time of the first fix: seconds since then are exact in a float.
    from_ms: Option<i64>,
    last: Option<Sample>,
    beside: Beside,
}

/// What was driven, beside the best of it.
#[derive(Debug)]
struct Beside {
    sectors: usize,
    is_stage: bool,
    /// When the lines of the running lap were passed: the start, then each split.
    passed_s: [Option<f64>; MAX_SPLITS + 1],
    laps: u16,
    best_ms: Option<u32>,
    best_sectors_ms: [Option<u32>; MAX_SPLITS + 1],
    outputs: Deque<Output, OUTPUTS_MAX>,
}

impl LapWatch {
    /// For a receiver that gives so many fixes a second. `None` for lines that the plane cannot hold, which a checked track does not have.
    pub fn new(track: &Track, rate_hz: u8) -> Option<Self> {
        let (lat_deg, lon_deg) = track.middle_deg();
        let plane = Plane::at(lat_deg, lon_deg);
        let course = track.course(&plane)?;
        let rules = Rules::at_hz(f64::from(rate_hz.max(1)));
        let beside = Beside {
            sectors: track.splits() + 1,
            is_stage: course.finish().is_some(),
            passed_s: [None; MAX_SPLITS + 1],
            laps: 0,
            best_ms: None,
            best_sectors_ms: [None; MAX_SPLITS + 1],
            outputs: Deque::new(),
        };
        Some(Self {
            plane,
            timer: LapTimer::new(course, rules),
            rules,
            from_ms: None,
            last: None,
            beside,
        })
    }

    pub const fn best_ms(&self) -> Option<u32> {
        self.beside.best_ms
    }

    /// Takes a new fix; one that is not newer, or far away, changes nothing.
    pub fn handle(&mut self, fix: Fix) {
        let from_ms = *self.from_ms.get_or_insert(fix.epoch_ms);
        let Some(sample) = self.sample(fix, from_ms) else {
            return;
        };
        let mut vague = false;
        if let Some(last) = self.last {
            let step_s = sample.time_s - last.time_s;
            if step_s <= 0.0 {
                return;
            }
            vague = step_s > self.rules.crossing_gap_s;
            if (sample.at - last.at).length_m() > JUMP_M_PER_S * step_s {
                self.timer.jumped();
                vague = true;
            }
        }
        self.last = Some(sample);
        let Self { timer, beside, .. } = self;
        timer.push(sample, &mut |event| match event {
            Event::Split { index, pass } => beside.split_passed(index, pass.time_s),
            Event::Lap(lap) => beside.lap_ended(&lap, vague),
        });
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.beside.outputs.pop_front()
    }

    fn sample(&self, fix: Fix, from_ms: i64) -> Option<Sample> {
        let since_ms = i32::try_from(fix.epoch_ms.saturating_sub(from_ms)).ok()?;
        let (lat_deg, lon_deg) = fix.at.degrees();
        let at = self.plane.point(lat_deg, lon_deg);
        (at.length_m() <= FAR_M).then(|| Sample {
            time_s: f64::from(since_ms) / 1000.0,
            at,
        })
    }
}

impl Beside {
    fn split_passed(&mut self, index: usize, time_s: f64) {
        if let Some(passed_s) = self.passed_s.get_mut(index + 1) {
            *passed_s = Some(time_s);
        }
        self.sector_ended(index, time_s);
    }

    /// Says a sector's time where its beginning was seen.
    fn sector_ended(&mut self, index: usize, end_s: f64) {
        let begin_s = self.passed_s.get(index).copied().flatten();
        let (Some(begin_s), Ok(number)) = (begin_s, u8::try_from(index)) else {
            return;
        };
        let time_ms = ms(end_s - begin_s);
        let best_ms = self.best_sectors_ms.get(index).copied().flatten();
        self.say(Output::Sector {
            index: number,
            time_ms,
            verdict: Verdict::of(time_ms, best_ms),
        });
    }

    fn lap_ended(&mut self, lap: &Lap, vague: bool) {
        match (lap.kind, lap.exit) {
            (LapKind::Timed, Some(exit)) => {
                self.sector_ended(self.sectors - 1, exit.time_s);
                self.timed(lap);
            }
            _ => self.say(Output::Untimed),
        }
        self.passed_s = [None; MAX_SPLITS + 1];
        // On a stage only the way out ends at the start.
        if !vague && (!self.is_stage || lap.kind == LapKind::Out) {
            self.passed_s[0] = lap.exit.map(|pass| pass.time_s);
        }
    }

    fn timed(&mut self, lap: &Lap) {
        let time_ms = ms(lap.end_s - lap.start_s);
        self.laps = self.laps.saturating_add(1);
        self.say(Output::Lap {
            number: self.laps,
            time_ms,
            verdict: Verdict::of(time_ms, self.best_ms),
        });
        self.best_ms = least(self.best_ms, Some(time_ms));
        let mut begin_s = Some(lap.start_s);
        let splits = lap.splits.iter().take(self.sectors - 1);
        let ends = splits.map(|pass| pass.map(|pass| pass.time_s));
        for (best_ms, end_s) in self.best_sectors_ms.iter_mut().zip(ends.chain([Some(lap.end_s)])) {
            if let (Some(begin_s), Some(end_s)) = (begin_s, end_s) {
                *best_ms = least(*best_ms, Some(ms(end_s - begin_s)));
            }
            begin_s = end_s;
        }
    }

    fn say(&mut self, output: Output) {
        // Whoever does not listen for eight of them misses the newest light, nothing else.
        let _ = self.outputs.push_back(output);
    }
}

impl Verdict {
    fn of(time_ms: u32, best_ms: Option<u32>) -> Self {
        let Some(best_ms) = best_ms else {
            return Self::First;
        };
        match time_ms.checked_sub(best_ms) {
            None => Self::FasterBy {
                ms: best_ms - time_ms,
            },
            Some(ms) if ms <= CLOSE_MS => Self::CloseBy { ms },
            Some(ms) => Self::SlowerBy { ms },
        }
    }
}

fn least(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Times are positive and shorter than a month.
fn ms(seconds: f64) -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what fits"
    )]
    let ms = libm::round(seconds * 1000.0).clamp(0.0, 4e9) as u32;
    ms
}
