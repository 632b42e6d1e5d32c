//! The gates of one course, in the order in which they are driven.

use crate::Gate;

/// Most splits on one course. Sixteen is twice what the busiest known timing sheet uses, and keeps a lap under 1 KB.
pub const MAX_SPLITS: usize = 16;

/// A start, an optional separate finish, and splits between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    start: Gate,
    finish: Option<Gate>,
    splits: [Option<Gate>; MAX_SPLITS],
}

/// There are more splits than [`MAX_SPLITS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySplits;

impl Course {
    /// A closed course: crossing the one gate ends a lap and begins the next.
    pub fn circuit(start: Gate) -> Self {
        Self {
            start,
            finish: None,
            splits: [None; MAX_SPLITS],
        }
    }

    /// A stage with its own finish: between finish and the next start no lap runs.
    pub fn stage(start: Gate, finish: Gate) -> Self {
        Self {
            finish: Some(finish),
            ..Self::circuit(start)
        }
    }

    /// Appends a split after those already there.
    pub fn add_split(&mut self, gate: Gate) -> Result<(), TooManySplits> {
        let free = self
            .splits
            .iter_mut()
            .find(|slot| slot.is_none())
            .ok_or(TooManySplits)?;
        *free = Some(gate);
        Ok(())
    }

    pub fn start(&self) -> &Gate {
        &self.start
    }

    pub fn finish(&self) -> Option<&Gate> {
        self.finish.as_ref()
    }

    pub fn splits(&self) -> impl Iterator<Item = &Gate> {
        self.splits.iter().flatten()
    }

    pub fn split_count(&self) -> usize {
        self.splits().count()
    }
}
