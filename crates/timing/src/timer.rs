//! From fixes to laps, one fix at a time.
//!
//! ```text
//!            start crossed                       start crossed (circuit): lap, next begins
//!   Out ───────────────────────► Running ──────────────────────────────────┐
//!    ▲                            │  ▲  └──────────────────────────────────┘
//!    └──── finish crossed (stage) ┘  start crossed again on a stage: unfinished lap, next begins
//! ```
//!
//! Promises: every moment between the first and the last sample belongs to exactly one lap except on the way from a
//! stage's finish to its end, no lap is dropped silently, and a lap whose time cannot be trusted says why. Fixes must
//! come in order of time; one that does not is ignored.

use crate::course::MAX_SPLITS;
use crate::{Course, Crossing, Gate, Point};

/// What counts as standing still, as a hole in the fixes, and as having left a gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// After a crossing the gate sleeps until the vehicle has been this far from it, so that a vehicle that stands on
    /// the line with a noisy receiver does not make laps.
    pub rearm_m: f64,
    /// Staying within `standstill_m` for `standstill_s` is standing still.
    pub standstill_m: f64,
    pub standstill_s: f64,
    /// A crossing between two fixes further apart in time than this, by [`gap_s`], is too vague for a lap time.
    pub crossing_gap_s: f64,
    /// A hole longer than this anywhere in a lap breaks the lap: a whole corner was not seen.
    pub lap_gap_s: f64,
}

impl Rules {
    /// Rules for a receiver that gives this many fixes a second.
    pub fn at_hz(rate_hz: f64) -> Self {
        let step_s = 1.0 / rate_hz;
        Self {
            rearm_m: 30.0,
            standstill_m: 3.0,
            standstill_s: 5.0,
            crossing_gap_s: gap_s(step_s),
            lap_gap_s: (5.0 * step_s).max(2.0),
        }
    }
}

/// A step longer than this is a gap, where one usually takes `step_s`: two missing fixes are a gap at a slow receiver, while
/// a fast one's short stall costs no more of the way than a slow one's every step.
pub fn gap_s(step_s: f64) -> f64 {
    const STEPS: f64 = 3.0;
    const MIN_S: f64 = 0.5;
    (STEPS * step_s).max(MIN_S)
}

/// One believed fix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub time_s: f64,
    pub at: Point,
}

/// A gate passed at an interpolated moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pass {
    pub time_s: f64,
    /// How far right of the gate's centre.
    pub offset_m: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LapKind {
    /// The way to the first start, or from a stage's finish to the next start.
    Out,
    Timed,
    /// The way from the last crossing to the end of the recording.
    In,
    /// The vehicle stood still in it.
    Pit,
    /// Its time cannot be trusted; [`Lap::flaw`] says why.
    Invalid,
}

/// Why a lap's time cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Fixes are missing for longer than the rules allow.
    Gap,
    /// The position jumped.
    Jump,
    /// A stage was started again before its finish.
    Unfinished,
    /// As long as two laps: the gate was passed in between, but nobody saw it. A timer cannot know this while it
    /// runs; it is for those who compare laps afterwards.
    GateMissed,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lap {
    pub kind: LapKind,
    pub start_s: f64,
    pub end_s: f64,
    /// One for each split of the course in its order, `None` where it was not passed.
    pub splits: [Option<Pass>; MAX_SPLITS],
    /// Where the gates at its two ends were passed; `None` at an end of the recording.
    pub entry: Option<Pass>,
    pub exit: Option<Pass>,
    pub flaw: Option<Flaw>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for one call, and there is no allocator to box with"
)]
pub enum Event {
    /// Split `index` of the running lap was passed.
    Split { index: usize, pass: Pass },
    /// A lap ended.
    Lap(Lap),
}

/// The state machine; see the module's diagram.
#[derive(Debug, Clone)]
pub struct LapTimer {
    course: Course,
    rules: Rules,
    last: Option<Sample>,
    running: Running,
    start_armed: bool,
    finish_armed: bool,
    /// Where the vehicle has been since when, to notice that it stands.
    resting: Option<Sample>,
}

/// The lap that is being driven.
#[derive(Debug, Clone, Copy)]
struct Running {
    timed: bool,
    start_s: f64,
    entry: Option<Pass>,
    splits: [Option<Pass>; MAX_SPLITS],
    flaw: Option<Flaw>,
    stood: bool,
}

impl Running {
    fn from(start_s: f64, entry: Option<Pass>, timed: bool) -> Self {
        Self {
            timed,
            start_s,
            entry,
            splits: [None; MAX_SPLITS],
            flaw: None,
            stood: false,
        }
    }

    fn ended(&self, kind: LapKind, end_s: f64, exit: Option<Pass>) -> Lap {
        let Self {
            start_s,
            entry,
            splits,
            flaw,
            ..
        } = *self;
        Lap {
            kind,
            start_s,
            end_s,
            splits,
            entry,
            exit,
            flaw,
        }
    }

    /// Standing in the pits explains a hole in the fixes there: a roof over the box is no broken lap.
    fn kind_when_complete(&self) -> LapKind {
        match (self.stood, self.flaw) {
            (true, None | Some(Flaw::Gap)) => LapKind::Pit,
            (_, Some(_)) => LapKind::Invalid,
            (false, None) => LapKind::Timed,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Line {
    Start,
    Finish,
    Split(usize),
}

impl LapTimer {
    pub fn new(course: Course, rules: Rules) -> Self {
        Self {
            course,
            rules,
            last: None,
            running: Running::from(0.0, None, false),
            start_armed: true,
            finish_armed: true,
            resting: None,
        }
    }

    /// Takes the next fix and reports what happened on the way to it, in order of time.
    pub fn push(&mut self, sample: Sample, report: &mut impl FnMut(Event)) {
        let Some(last) = self.last else {
            self.last = Some(sample);
            self.resting = Some(sample);
            self.running = Running::from(sample.time_s, None, false);
            return;
        };
        let step_s = sample.time_s - last.time_s;
        if step_s.is_nan() || step_s <= 0.0 {
            return;
        }
        if step_s > self.rules.lap_gap_s {
            self.running.flaw.get_or_insert(Flaw::Gap);
        }
        self.cross_lines(last, sample, report);
        if step_s > self.rules.lap_gap_s {
            self.running.flaw.get_or_insert(Flaw::Gap);
        }
        self.rearm(sample.at);
        self.notice_rest(sample);
        self.last = Some(sample);
    }

    /// The way from the last fix to the next one is not known: the position jumped. Breaks the running lap.
    pub fn jumped(&mut self) {
        self.running.flaw = Some(Flaw::Jump);
    }

    /// What was under way when the recording ended; `None` without a single fix.
    pub fn finish(&self) -> Option<Lap> {
        let end_s = self.last?.time_s;
        let kind = if self.running.timed || self.running.entry.is_some() {
            LapKind::In
        } else {
            LapKind::Out
        };
        Some(self.running.ended(kind, end_s, None))
    }

    fn cross_lines(&mut self, last: Sample, sample: Sample, report: &mut impl FnMut(Event)) {
        // Two lines can lie between two fixes (1 Hz, 60 m/s): take the earliest, then look for those after it.
        let mut done = 0.0;
        while let Some((line, crossing)) = self.next_crossing(last.at, sample.at, done) {
            done = crossing.fraction;
            let step_s = sample.time_s - last.time_s;
            let pass = Pass {
                time_s: last.time_s + crossing.fraction * step_s,
                offset_m: crossing.offset_m,
            };
            let vague = step_s > self.rules.crossing_gap_s;
            match line {
                Line::Start => self.start_crossed(pass, vague, report),
                Line::Finish => self.finish_crossed(pass, vague, report),
                Line::Split(index) if !vague => {
                    self.running.splits[index] = Some(pass);
                    report(Event::Split { index, pass });
                }
                // Marked as passed by nobody: its two sectors stay unknown.
                Line::Split(_) => return,
            }
        }
    }

    fn next_crossing(&self, from: Point, to: Point, done: f64) -> Option<(Line, Crossing)> {
        let mut next: Option<(Line, Crossing)> = None;
        let mut offer = |line: Line, gate: &Gate| {
            if let Some(crossing) = gate.crossing(from, to)
                && crossing.fraction >= done
                && next.is_none_or(|(_, best)| crossing.fraction < best.fraction)
            {
                next = Some((line, crossing));
            }
        };
        if self.start_armed {
            offer(Line::Start, self.course.start());
        }
        if self.running.timed {
            if let (Some(finish), true) = (self.course.finish(), self.finish_armed) {
                offer(Line::Finish, finish);
            }
            // Only splits ahead of the last one passed: a course that crosses itself meets a gate twice.
            let ahead = self
                .running
                .splits
                .iter()
                .rposition(Option::is_some)
                .map_or(0, |last| last + 1);
            for (index, gate) in self.course.splits().enumerate().skip(ahead) {
                offer(Line::Split(index), gate);
            }
        }
        next
    }

    fn start_crossed(&mut self, pass: Pass, vague: bool, report: &mut impl FnMut(Event)) {
        self.start_armed = false;
        self.finish_armed = true;
        if self.running.timed && self.course.finish().is_some() {
            self.running.flaw.get_or_insert(Flaw::Unfinished);
        }
        self.end_lap(pass, vague, report);
        self.begin(pass, vague, true);
    }

    fn finish_crossed(&mut self, pass: Pass, vague: bool, report: &mut impl FnMut(Event)) {
        self.finish_armed = false;
        self.end_lap(pass, vague, report);
        self.begin(pass, vague, false);
    }

    fn end_lap(&mut self, pass: Pass, vague: bool, report: &mut impl FnMut(Event)) {
        if vague {
            self.running.flaw.get_or_insert(Flaw::Gap);
        }
        let kind = if self.running.timed {
            self.running.kind_when_complete()
        } else {
            LapKind::Out
        };
        report(Event::Lap(self.running.ended(kind, pass.time_s, Some(pass))));
    }

    fn begin(&mut self, pass: Pass, vague: bool, timed: bool) {
        self.running = Running::from(pass.time_s, Some(pass), timed);
        if vague {
            self.running.flaw = Some(Flaw::Gap);
        }
    }

    fn rearm(&mut self, at: Point) {
        let left = |gate: &Gate| gate.distance_m(at) >= self.rules.rearm_m;
        self.start_armed |= left(self.course.start());
        self.finish_armed |= self.course.finish().is_some_and(left);
    }

    fn notice_rest(&mut self, sample: Sample) {
        match self.resting {
            Some(rest) if (sample.at - rest.at).length_m() <= self.rules.standstill_m => {
                self.running.stood |= sample.time_s - rest.time_s >= self.rules.standstill_s;
            }
            Some(_) | None => self.resting = Some(sample),
        }
    }
}
