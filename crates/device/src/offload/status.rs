//! What people see of the offloader.

use super::{Offload, Phase, Trouble};
use crate::outbox::{FileName, Number};

/// What STATUS and pages show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub activity: Activity,
    /// Bytes over the batch; never goes back within it.
    pub percent: u8,
    /// The recording under way, counted from 1, and of how many: "(1/3)".
    pub file: (u16, u16),
    pub name: Option<Number>,
    /// Set aside in this batch.
    pub set_aside: u16,
    /// What stands in the way, until something gets through.
    pub trouble: Option<Trouble>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Nothing is wanted, or there is no network.
    Idle,
    Syncing,
    /// Something went wrong; it goes on by itself.
    Waiting,
    /// Everything has its receipt or was set aside.
    Done,
    /// It will not go on by itself soon.
    Stopped,
}

impl Offload {
    pub fn status(&self) -> Status {
        let (activity, name) = match &self.phase {
            Phase::Idle => (Activity::Idle, None),
            Phase::Surveying | Phase::Choosing => (Activity::Syncing, None),
            Phase::Asking(handover) => (Activity::Syncing, Some(handover.candidate.number)),
            Phase::Pausing(handover, _) => (Activity::Waiting, Some(handover.candidate.number)),
            Phase::Resting(_) => (Activity::Waiting, None),
            Phase::Done => (Activity::Done, None),
            Phase::Stopped(_) => (Activity::Stopped, None),
        };
        Status {
            activity,
            percent: self.progress.percent(),
            file: self.progress.file(),
            name,
            set_aside: self.set_aside,
            trouble: self.trouble,
        }
    }

    /// Seconds until the batch is through, by the speed of late; changes all the time, so it is not part of [`Status`].
    pub fn left_s(&self) -> Option<u32> {
        self.progress.left_s()
    }

    /// The name of the recording under way.
    pub fn file_name(&self) -> Option<FileName> {
        match &self.phase {
            Phase::Asking(handover) | Phase::Pausing(handover, _) => Some(handover.candidate.file_name()),
            Phase::Idle
            | Phase::Surveying
            | Phase::Choosing
            | Phase::Resting(_)
            | Phase::Done
            | Phase::Stopped(_) => None,
        }
    }
}
