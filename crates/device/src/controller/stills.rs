//! The camera of a camera: its schedule from the settings, its pictures to storage, what became of them back to it.

use core::time::Duration;

use super::{Controller, Order, Output};
use crate::camera::{Camera, Input, Output as Says};
use crate::modes;
use crate::offload::{self, LedgerStep};
use crate::outbox::Number;
use crate::settings::Unseal;
use crate::time::Instant;

/// What a camera begins with.
#[derive(Debug, Clone, Copy)]
pub struct CameraStart<'s> {
    pub spool_bytes_max: u32,
    /// Pictures without a receipt, with their bytes.
    pub waiting: &'s [(Number, u32)],
    pub tally: Option<&'s [u8]>,
}

impl CameraStart<'_> {
    pub(super) fn camera(&self, now: Instant) -> Camera {
        Camera::new(
            self.spool_bytes_max,
            self.waiting.iter().copied(),
            self.tally,
            now,
        )
    }
}

impl<U: Unseal> Controller<U> {
    /// For [`Order::SaveTally`].
    pub fn camera(&self) -> Option<&Camera> {
        self.craft.camera()
    }

    pub(super) fn stills(&mut self, input: Input<'_>, now: Instant) {
        if let Some(camera) = self.craft.camera_mut() {
            camera.handle(input, now);
        }
    }

    /// A schedule that is the same goes on as it is.
    pub(super) fn set_schedule(&mut self, every_s: u32, now: Instant) {
        let every = Some(Duration::from_secs(u64::from(every_s)));
        if self.camera().is_some_and(|camera| camera.every() != every) {
            self.stills(Input::Every(every), now);
        }
    }

    pub(super) fn settle_stills(&mut self) -> bool {
        let mut said = false;
        while self.has_room()
            && let Some(output) = self.craft.camera_mut().and_then(Camera::poll)
        {
            said = true;
            self.put(match output {
                Says::Capture(quality) => Output::Capture(quality),
                Says::Store { bytes, taken } => Output::Store(Order::StorePicture { bytes, taken }),
                Says::Outcome { wish, result } => Output::Picture { wish, result },
                Says::SaveTally => Output::Store(Order::SaveTally),
            });
        }
        said
    }

    pub(super) fn picture_stored(&mut self, number: Option<Number>, now: Instant) {
        let Some(number) = number else {
            self.stills(Input::StoreFailed, now);
            return;
        };
        self.stills(Input::Stored(number), now);
        self.modes.handle(modes::Input::Pending(true), now);
        self.offload(offload::Input::Recorded, now);
    }

    /// What the offloader says of a recording is news of a picture, if it is one.
    pub(super) fn picture_stepped(&mut self, step: &LedgerStep, now: Instant) {
        match step {
            LedgerStep::Offered(_) => {}
            LedgerStep::Receipted(proof) => self.stills(Input::Uploaded(proof.number()), now),
            LedgerStep::Quarantined(number, _) => self.stills(Input::Refused(*number), now),
        }
    }
}
