//! A gate: a straight line of finite width that counts when it is crossed in one direction.
//!
//! Whoever has only a point and a radius finds the direction of travel first and lays the gate across it with
//! [`Gate::across`]; the geometry here never guesses a direction.

use crate::Point;

/// A line between a left and a right end, as seen in the direction of travel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    centre: Point,
    /// Unit step in the direction of travel.
    forward: Point,
    half_width_m: f64,
}

/// Where and when, between two fixes, a gate was crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// Share of the step from the first fix to the second, over 0 up to 1.
    pub fraction: f64,
    /// How far right of the gate's centre.
    pub offset_m: f64,
}

impl Gate {
    /// A gate by its two ends; `None` when they are the same point.
    pub fn between(left: Point, right: Point) -> Option<Self> {
        let across = right - left;
        let rightward = across.unit()?;
        Some(Self {
            centre: (left + right) * 0.5,
            forward: rightward.turned_right() * -1.0,
            half_width_m: across.length_m() * 0.5,
        })
    }

    /// A gate through a point, across the direction of travel, by its full width.
    pub fn across(centre: Point, bearing_deg: f64, width_m: f64) -> Self {
        Self {
            centre,
            forward: Point::heading(bearing_deg),
            half_width_m: width_m * 0.5,
        }
    }

    /// The same line for the opposite direction of travel.
    pub fn reversed(self) -> Self {
        Self {
            forward: self.forward * -1.0,
            ..self
        }
    }

    pub fn left(&self) -> Point {
        self.centre - self.forward.turned_right() * self.half_width_m
    }

    pub fn right(&self) -> Point {
        self.centre + self.forward.turned_right() * self.half_width_m
    }

    pub fn centre(&self) -> Point {
        self.centre
    }

    /// Unit step in the direction of travel.
    pub fn forward(&self) -> Point {
        self.forward
    }

    pub fn width_m(&self) -> f64 {
        2.0 * self.half_width_m
    }

    /// Metres past the gate's (endless) line, negative before it.
    pub fn past_m(&self, at: Point) -> f64 {
        (at - self.centre).dot(self.forward)
    }

    /// Metres right of the gate's centre.
    pub fn offset_m(&self, at: Point) -> f64 {
        (at - self.centre).dot(self.forward.turned_right())
    }

    /// Distance to the nearest point of the gate.
    pub fn distance_m(&self, at: Point) -> f64 {
        let beyond_end_m = (libm::fabs(self.offset_m(at)) - self.half_width_m).max(0.0);
        Point::new(self.past_m(at), beyond_end_m).length_m()
    }

    /// The crossing on the straight way between two fixes, if it leads over the gate forwards.
    ///
    /// A fix exactly on the line counts as past it, so that two steps that meet there give one crossing.
    ///
    /// ```
    /// use timing::{Gate, Point};
    /// let gate = Gate::across(Point::new(0.0, 0.0), 0.0, 20.0);
    /// let crossing = gate.crossing(Point::new(1.0, -1.0), Point::new(1.0, 3.0)).unwrap();
    /// assert_eq!((crossing.fraction, crossing.offset_m), (0.25, 1.0));
    /// assert!(gate.crossing(Point::new(1.0, 3.0), Point::new(1.0, -1.0)).is_none(), "backwards");
    /// assert!(gate.crossing(Point::new(11.0, -1.0), Point::new(11.0, 3.0)).is_none(), "beside it");
    /// ```
    pub fn crossing(&self, from: Point, to: Point) -> Option<Crossing> {
        let before_m = self.past_m(from);
        let after_m = self.past_m(to);
        if !(before_m < 0.0 && after_m >= 0.0) {
            return None;
        }
        let fraction = before_m / (before_m - after_m);
        let offset_m = self.offset_m(from + (to - from) * fraction);
        (libm::fabs(offset_m) <= self.half_width_m).then_some(Crossing { fraction, offset_m })
    }
}
