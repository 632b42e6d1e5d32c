//! Points and directions in a [`crate::Plane`].

use core::ops::{Add, Mul, Sub};

/// A point, or the step between two points, in metres east and north.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    pub x_m: f64,
    pub y_m: f64,
}

impl Point {
    pub fn new(x_m: f64, y_m: f64) -> Self {
        Self { x_m, y_m }
    }

    /// The unit step in a compass direction, degrees clockwise from north.
    pub fn heading(bearing_deg: f64) -> Self {
        let (sin, cos) = libm::sincos(bearing_deg.to_radians());
        Self { x_m: sin, y_m: cos }
    }

    /// Compass direction of this step, 0 up to but not including 360; 0 for no step at all.
    pub fn bearing_deg(self) -> f64 {
        let deg = libm::atan2(self.x_m, self.y_m).to_degrees();
        if deg < 0.0 { (deg + 360.0) % 360.0 } else { deg }
    }

    pub fn length_m(self) -> f64 {
        libm::sqrt(self.dot(self))
    }

    pub fn dot(self, other: Self) -> f64 {
        self.x_m * other.x_m + self.y_m * other.y_m
    }

    /// The same step turned a quarter to the right.
    pub fn turned_right(self) -> Self {
        Self {
            x_m: self.y_m,
            y_m: -self.x_m,
        }
    }

    /// This step with length one; `None` when it is too short to have a direction.
    pub fn unit(self) -> Option<Self> {
        let length_m = self.length_m();
        (length_m > 1e-9).then(|| self * (1.0 / length_m))
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            x_m: self.x_m + other.x_m,
            y_m: self.y_m + other.y_m,
        }
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            x_m: self.x_m - other.x_m,
            y_m: self.y_m - other.y_m,
        }
    }
}

impl Mul<f64> for Point {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self {
            x_m: self.x_m * factor,
            y_m: self.y_m * factor,
        }
    }
}
