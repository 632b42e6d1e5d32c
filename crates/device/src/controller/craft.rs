//! What only one trade has: a race logger times laps, a camera takes pictures. No device does both, so they share their memory.

use super::laps::Laps;
use crate::camera::Camera;

/// See the module.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator, and each device has one of them"
)]
pub(super) enum Craft {
    Laps(Laps),
    Camera(Camera),
}

impl Craft {
    pub(super) const fn laps(&self) -> Option<&Laps> {
        match self {
            Self::Laps(laps) => Some(laps),
            Self::Camera(_) => None,
        }
    }

    pub(super) const fn laps_mut(&mut self) -> Option<&mut Laps> {
        match self {
            Self::Laps(laps) => Some(laps),
            Self::Camera(_) => None,
        }
    }

    pub(super) const fn camera(&self) -> Option<&Camera> {
        match self {
            Self::Camera(camera) => Some(camera),
            Self::Laps(_) => None,
        }
    }

    pub(super) const fn camera_mut(&mut self) -> Option<&mut Camera> {
        match self {
            Self::Camera(camera) => Some(camera),
            Self::Laps(_) => None,
        }
    }
}
