//! How good pictures are to be, by how far the spool and the link are behind.

/// 0 is the best; whoever owns the sensor knows which size and compression each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quality(pub u8);

impl Quality {
    pub const BEST: Self = Self(0);
    pub const WORST: Self = Self(4);
}

/// Pictures in a row of which none was uploaded: the link is behind.
const BEHIND_AFTER: u8 = 4;
/// A step down shows in the spool only after some pictures.
const BETWEEN_STEPS: u8 = 3;
/// Raised again only after so many pictures in a row with an almost empty spool, so that it does not swing.
const CALM_AFTER: u8 = 8;
/// Waiting pictures that are still calm: the one being sent, and the next.
const CALM_WAITING: usize = 2;

#[derive(Debug)]
pub(super) struct Ladder {
    quality: Quality,
    not_uploaded: u8,
    since_step: u8,
    calm: u8,
}

impl Ladder {
    pub(super) const fn new() -> Self {
        Self {
            quality: Quality::BEST,
            not_uploaded: 0,
            since_step: BETWEEN_STEPS,
            calm: 0,
        }
    }

    pub(super) const fn quality(&self) -> Quality {
        self.quality
    }

    pub(super) const fn uploaded(&mut self) {
        self.not_uploaded = 0;
    }

    /// A picture went into the spool, in which so many wait and which is full to so many percent.
    pub(super) fn spooled(&mut self, waiting: usize, full_percent: u32) {
        self.not_uploaded = self.not_uploaded.saturating_add(1);
        self.since_step = self.since_step.saturating_add(1);
        let is_calm = waiting <= CALM_WAITING && full_percent < 25;
        self.calm = if is_calm { self.calm.saturating_add(1) } else { 0 };
        let behind = full_percent >= 50 || self.not_uploaded >= BEHIND_AFTER;
        if behind && self.since_step >= BETWEEN_STEPS {
            self.step(self.quality.0.saturating_add(1).min(Quality::WORST.0));
        } else if self.calm >= CALM_AFTER {
            self.step(self.quality.0.saturating_sub(1));
        }
    }

    fn step(&mut self, level: u8) {
        self.quality = Quality(level);
        self.since_step = 0;
        self.calm = 0;
    }
}
