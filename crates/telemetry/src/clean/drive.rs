//! The believed fixes of a recording, on a flat plane and one time base.

use std::ops::Range;

use timing::{Plane, Point, Sample};

use super::strays;
use crate::median::upper_median;
use crate::model::Fix;

/// Fixes in strictly ascending time, with the plane that all geometry of this recording happens in.
#[derive(Debug, Clone)]
pub struct Drive {
    pub fixes: Vec<Fix>,
    /// Seconds since the start of the recording.
    pub time_s: Vec<f64>,
    /// Indices to which the way from the fix before is unknown, because the position jumped.
    pub jumps: Vec<usize>,
    /// Fixes between a jump away and the jump back: consistent in themselves, but not where the vehicle was.
    pub off_track: Vec<Range<usize>>,
    plane: Plane,
    step_s: f64,
    /// South-west and north-east corner of everything driven.
    bounds: Option<(Point, Point)>,
}

impl Drive {
    pub(super) fn new(fixes: Vec<Fix>, time_s: Vec<f64>, jumps: Vec<usize>) -> Self {
        let middle = fixes
            .get(fixes.len() / 2)
            .map_or((0.0, 0.0), |fix| (fix.lat_deg, fix.lon_deg));
        let step_s = median_step_s(&time_s);
        let plane = Plane::at(middle.0, middle.1);
        let off_track = strays::off_track(&fixes, &time_s, &jumps);
        let bounds = bounds(fixes.iter().map(|fix| plane.point(fix.lat_deg, fix.lon_deg)));
        Self {
            fixes,
            time_s,
            jumps,
            off_track,
            plane,
            step_s,
            bounds,
        }
    }

    /// For each fix, whether it can be believed to be within the width of a race track.
    pub fn trusted(&self) -> Vec<bool> {
        let mut trusted: Vec<bool> = self.fixes.iter().map(|fix| !strays::is_weak(fix)).collect();
        for range in &self.off_track {
            trusted[range.clone()].fill(false);
        }
        trusted
    }

    pub fn len(&self) -> usize {
        self.fixes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fixes.is_empty()
    }

    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    /// Where fix `i` is; calculated each time, because sixteen bytes a fix would cost more than they save.
    pub fn point(&self, i: usize) -> Point {
        self.plane.point(self.fixes[i].lat_deg, self.fixes[i].lon_deg)
    }

    pub fn points(&self) -> impl Iterator<Item = Point> {
        self.fixes
            .iter()
            .map(|fix| self.plane.point(fix.lat_deg, fix.lon_deg))
    }

    pub fn samples(&self) -> impl Iterator<Item = Sample> {
        self.points()
            .zip(&self.time_s)
            .map(|(at, &time_s)| Sample { time_s, at })
    }

    /// From the first fix to the last.
    pub fn duration_s(&self) -> f64 {
        self.time_s
            .last()
            .zip(self.time_s.first())
            .map_or(0.0, |(last, first)| last - first)
    }

    /// South-west and north-east corner of everything driven; `None` for nothing.
    pub fn bounds(&self) -> Option<(Point, Point)> {
        self.bounds
    }

    /// Median time from fix to fix; one second where there are no two.
    pub fn step_s(&self) -> f64 {
        self.step_s
    }

    /// The first fix at or after this time.
    pub fn index_at(&self, time_s: f64) -> usize {
        self.time_s.partition_point(|&t| t < time_s)
    }
}

fn median_step_s(time_s: &[f64]) -> f64 {
    let steps = time_s.windows(2).map(|pair| (pair[1] - pair[0]) as f32);
    upper_median(steps).map_or(1.0, f64::from)
}

fn bounds(points: impl Iterator<Item = Point>) -> Option<(Point, Point)> {
    points.fold(None, |bounds, at| {
        let (low, high) = bounds.unwrap_or((at, at));
        Some((
            Point::new(low.x_m.min(at.x_m), low.y_m.min(at.y_m)),
            Point::new(high.x_m.max(at.x_m), high.y_m.max(at.y_m)),
        ))
    })
}
