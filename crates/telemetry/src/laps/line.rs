//! The line of the best lap, as a ruler: where along the track is a point?
//!
//! The line has a vertex about every three metres, each with a direction; the lines across the way through two
//! neighbouring vertices bound the ground between them, and the share of the way from one to the other is the position.
//! So the position is continuous, exact on the line, the same for everybody who passes abreast however far to the
//! side, and 0 and the full length lie on the gates themselves.

use timing::{Gate, Lap, LapKind, Pass, Point};

use super::gates::Gates;
use crate::clean::Drive;

/// Close enough to follow a kart's hairpin, far enough apart that a receiver's noise does not turn the directions.
const SPACING_M: f64 = 3.0;
/// 60 km, three times the longest circuit; on a longer lap they stand further apart, and searching stays cheap.
const VERTICES_MAX: usize = 20_000;
/// Vertices before and after the lap that take part in smoothing its ends.
const LEAD: usize = 8;
/// Rounds of the (1, 2, 1)/4 filter.
const SMOOTHING: usize = 2;
/// Further than this to the side is not on the track.
const SIDE_MAX_M: f64 = 40.0;
/// This far past either end the line is over.
const END_SLACK_M: f64 = 5.0;

/// Fastest complete lap; of equals the first.
pub(super) fn best_lap(laps: &[Lap]) -> Option<&Lap> {
    laps.iter()
        .filter(|lap| lap.kind == LapKind::Timed)
        .min_by(|a, b| (a.end_s - a.start_s).total_cmp(&(b.end_s - b.start_s)))
}

/// The ruler.
#[derive(Debug, Clone)]
pub struct Line {
    vertices: Vec<Vertex>,
    /// The best lap itself: position and time since its start, both ascending.
    best: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy)]
struct Vertex {
    at: Point,
    ahead: Point,
    along_m: f64,
}

impl Line {
    /// The line of the best timed lap; `None` without one.
    pub(super) fn of_best(drive: &Drive, gates: &Gates, laps: &[Lap]) -> Option<Self> {
        let lap = best_lap(laps)?;
        let way = Polyline::of_lap(drive, gates, lap)?;
        let mut line = Self {
            vertices: vertices(&way, gates),
            best: Vec::new(),
        };
        line.best.push((0.0, 0.0));
        let mut cursor = Cursor::at_start();
        for i in drive.index_at(lap.start_s)..drive.index_at(lap.end_s) {
            let lap_s = drive.time_s[i] - lap.start_s;
            if let Some(along_m) = line.locate(&mut cursor, drive.point(i), None)
                && line
                    .best
                    .last()
                    .is_some_and(|&(last_m, last_s)| along_m > last_m && lap_s > last_s)
                && along_m < line.length_m()
            {
                line.best.push((along_m, lap_s));
            }
        }
        line.best.push((line.length_m(), lap.end_s - lap.start_s));
        Some(line)
    }

    pub fn length_m(&self) -> f64 {
        self.vertices.last().map_or(0.0, |vertex| vertex.along_m)
    }

    /// When the best lap was at this position, in seconds since its start.
    pub(super) fn best_lap_s(&self, along_m: f64) -> f64 {
        let after = self
            .best
            .partition_point(|&(m, _)| m <= along_m)
            .clamp(1, self.best.len() - 1);
        let ((from_m, from_s), (to_m, to_s)) = (self.best[after - 1], self.best[after]);
        from_s + (along_m - from_m) / (to_m - from_m) * (to_s - from_s)
    }

    /// Position of the next point of a way that is followed with `cursor`; `None` off the line.
    ///
    /// A lost cursor looks for the nearest vertex that is passed in the direction `ahead`, if that is known.
    pub(super) fn locate(&self, cursor: &mut Cursor, at: Point, ahead: Option<Point>) -> Option<f64> {
        let found = match *cursor {
            Cursor::On { segment } => self.walk(segment, at).or_else(|| self.search(at, ahead)),
            Cursor::Off { unsearched: 0 } => self.search(at, ahead),
            Cursor::Off { unsearched } => {
                *cursor = Cursor::Off {
                    unsearched: unsearched - 1,
                };
                return None;
            }
        };
        let Some((segment, along_m)) = found else {
            *cursor = Cursor::Off {
                unsearched: POINTS_UNSEARCHED,
            };
            return None;
        };
        *cursor = Cursor::On { segment };
        Some(along_m)
    }

    /// From a segment to the one that the point is abreast of, in one direction only.
    fn walk(&self, mut segment: usize, at: Point) -> Option<(usize, f64)> {
        let past_m = |i: usize| (at - self.vertices[i].at).dot(self.vertices[i].ahead);
        let last = self.vertices.len() - 2;
        if past_m(segment + 1) >= 0.0 {
            while segment < last && past_m(segment + 1) >= 0.0 {
                segment += 1;
            }
        } else {
            while segment > 0 && past_m(segment) < 0.0 {
                segment -= 1;
            }
        }
        let (from, to) = (self.vertices[segment], self.vertices[segment + 1]);
        let (behind_m, before_m) = (past_m(segment), -past_m(segment + 1));
        let side_m = (at - from.at).dot(from.ahead.turned_right()).abs();
        if side_m > SIDE_MAX_M || behind_m < -END_SLACK_M || before_m < -END_SLACK_M {
            return None;
        }
        let share = (behind_m / (behind_m + before_m)).clamp(0.0, 1.0);
        share
            .is_finite()
            .then_some((segment, from.along_m + share * (to.along_m - from.along_m)))
    }

    fn search(&self, at: Point, ahead: Option<Point>) -> Option<(usize, f64)> {
        self.walk(self.nearest_segment(at, ahead)?, at)
    }

    fn nearest_segment(&self, at: Point, ahead: Option<Point>) -> Option<usize> {
        let away_m = |i: &usize| (self.vertices[*i].at - at).length_m();
        (0..self.vertices.len() - 1)
            .filter(|&i| ahead.is_none_or(|ahead| ahead.dot(self.vertices[i].ahead) > 0.0))
            .filter(|i| away_m(i) <= SIDE_MAX_M)
            .min_by(|a, b| away_m(a).total_cmp(&away_m(b)))
    }
}

/// Points that a lost cursor lets pass between two searches: a search costs as much as the line is long, and off the
/// line nobody needs it at every fix.
const POINTS_UNSEARCHED: u32 = 15;

/// Where on the line a way was last seen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cursor {
    On { segment: usize },
    Off { unsearched: u32 },
}

impl Cursor {
    pub(super) fn at_start() -> Self {
        Self::On { segment: 0 }
    }

    /// Nothing is known: the first point is searched for.
    pub(super) fn lost() -> Self {
        Self::Off { unsearched: 0 }
    }
}

/// Even steps along the way, smoothed, with the gates themselves as first and last direction.
fn vertices(way: &Polyline, gates: &Gates) -> Vec<Vertex> {
    let count = ((way.lap_m() / SPACING_M).round() as usize).clamp(8, VERTICES_MAX);
    let spacing_m = way.lap_m() / count as f64;
    let mut points: Vec<Point> = (0..=count + 2 * LEAD)
        .map(|i| way.at((i as f64 - LEAD as f64) * spacing_m))
        .collect();
    for _ in 0..SMOOTHING {
        let before = points.clone();
        for i in 1..points.len() - 1 {
            points[i] = before[i - 1] * 0.25 + before[i] * 0.5 + before[i + 1] * 0.25;
        }
    }
    let on_gate = |gate: &Gate, at: Point| at - gate.forward() * gate.past_m(at);
    let finish = gates.finish.as_ref().unwrap_or(&gates.start);
    points[LEAD] = on_gate(&gates.start, points[LEAD]);
    points[LEAD + count] = on_gate(finish, points[LEAD + count]);
    let step_m = |i: usize| (points[i] - points[i - 1]).length_m();
    // Smoothing cuts corners; positions are told in metres that were driven.
    let driven = way.lap_m() / (LEAD + 1..=LEAD + count).map(step_m).sum::<f64>();
    let mut along_m = 0.0;
    (LEAD..=LEAD + count)
        .map(|i| {
            if i > LEAD {
                along_m += driven * step_m(i);
            }
            let ahead = match i {
                LEAD => gates.start.forward(),
                i if i == LEAD + count => finish.forward(),
                i => (points[i + 1] - points[i - 1])
                    .unit()
                    .unwrap_or(gates.start.forward()),
            };
            Vertex {
                at: points[i],
                ahead,
                along_m,
            }
        })
        .collect()
}

/// The way of one lap from gate to gate, and a little before and after it, by the metre.
pub(super) struct Polyline {
    /// Ascending, 0 at the start gate.
    points: Vec<(f64, Point)>,
    lap_m: f64,
}

impl Polyline {
    pub(super) fn of_lap(drive: &Drive, gates: &Gates, lap: &Lap) -> Option<Self> {
        let lead_m = LEAD as f64 * SPACING_M;
        let on = |gate: &Gate, pass: Pass| gate.centre() + gate.forward().turned_right() * pass.offset_m;
        let entry = on(&gates.start, lap.entry?);
        let exit = on(gates.finish.as_ref().unwrap_or(&gates.start), lap.exit?);
        let (first, after) = (drive.index_at(lap.start_s), drive.index_at(lap.end_s));
        let mut points = vec![(0.0, entry)];
        let push = |points: &mut Vec<(f64, Point)>, at: Point| {
            let (along_m, last) = points[points.len() - 1];
            let step_m = (at - last).length_m();
            if step_m > 0.0 {
                points.push((along_m + step_m, at));
            }
        };
        (first..after).for_each(|i| push(&mut points, drive.point(i)));
        push(&mut points, exit);
        let lap_m = points[points.len() - 1].0;
        for i in after..drive.len() {
            push(&mut points, drive.point(i));
            if points[points.len() - 1].0 > lap_m + lead_m {
                break;
            }
        }
        let mut lead = vec![(0.0, entry)];
        for i in (0..first).rev() {
            push(&mut lead, drive.point(i));
            if lead[lead.len() - 1].0 > lead_m {
                break;
            }
        }
        let before = lead[1..].iter().rev().map(|&(m, at)| (-m, at));
        let points: Vec<_> = before.chain(points).collect();
        (lap_m > 0.0).then_some(Self { points, lap_m })
    }

    pub(super) fn lap_m(&self) -> f64 {
        self.lap_m
    }

    /// The point this far along; straight on beyond the ends.
    pub(super) fn at(&self, along_m: f64) -> Point {
        let after = self
            .points
            .partition_point(|&(m, _)| m <= along_m)
            .clamp(1, self.points.len() - 1);
        let ((from_m, from), (to_m, to)) = (self.points[after - 1], self.points[after]);
        from + (to - from) * ((along_m - from_m) / (to_m - from_m))
    }
}
