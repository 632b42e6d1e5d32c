//! A sensor that makes pictures: small, whole, each another one; broken where a test wants that.

use std::collections::VecDeque;
use std::time::Duration;

use device::camera::{PICTURE_BYTES_MAX, Quality};
use device::controller::{Input, Stored};
use device::fat::Stamp;
use device::flash::Item;
use device::store::Picture;
use device::time::Instant;

use super::Unit;
use super::uplink::Uplink;
use crate::exec;

const EXPOSURE: Duration = Duration::from_millis(400);

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFrame {
    /// The sensor hangs.
    None,
    /// The burst ended early.
    Cut,
    /// The picture's end is missing.
    NoEnd,
    /// Zeros instead of a picture.
    Dark,
}

/// See the module; it outlives the device's cuts.
#[derive(Debug, Default)]
pub struct Sensor {
    /// Of the next frames.
    pub bad: VecDeque<Option<BadFrame>>,
    /// What the pictures of these numbers are, in place of grey.
    pub sees: Option<fn(u32) -> Vec<u8>>,
    /// Whole frames that it gave since somebody took them out.
    pub gave: Vec<Vec<u8>>,
    /// Bad ones that it gave.
    pub spoiled: u64,
    frames: u32,
}

/// A frame that is being exposed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shot {
    pub(super) ends: Instant,
    quality: Quality,
}

impl Sensor {
    /// What comes over the line, and how many bytes it says that there are.
    fn frame(&mut self, quality: Quality) -> Option<(Vec<u8>, usize)> {
        self.frames += 1;
        let mut bytes = self
            .sees
            .map_or_else(|| jpeg(self.frames, quality), |sees| sees(self.frames));
        let said = bytes.len();
        let bad = self.bad.pop_front().flatten();
        self.spoiled += u64::from(bad.is_some());
        match bad {
            None => {}
            Some(BadFrame::None) => return None,
            Some(BadFrame::Cut) => bytes.truncate(said / 2),
            Some(BadFrame::NoEnd) => bytes[said - 2..].fill(0),
            Some(BadFrame::Dark) => bytes.fill(0),
        }
        Some((bytes, said))
    }
}

impl<L: Uplink> Unit<L> {
    pub(super) fn capture(&mut self, quality: Quality) {
        let ends = self.now + EXPOSURE;
        if let Some(running) = &mut self.running {
            running.shot = Some(Shot { ends, quality });
        }
    }

    pub(super) fn expose(&mut self) {
        let now = self.now;
        let Some(running) = &mut self.running else {
            return;
        };
        let Some(shot) = running.shot.take_if(|shot| shot.ends <= now) else {
            return;
        };
        let spoiled = self.sensor.spoiled;
        match self.sensor.frame(shot.quality) {
            Some((bytes, said_bytes)) => {
                running.picture.clone_from(&bytes);
                if self.given.is_some() && self.sensor.spoiled == spoiled {
                    self.sensor.gave.push(bytes.clone());
                }
                self.tell(Input::Frame {
                    read: &bytes,
                    said_bytes,
                });
            }
            None => self.tell(Input::NoFrame),
        }
    }

    /// The first bytes of the picture's buffer, as a recording.
    pub(super) fn keep_picture(&mut self, bytes: usize) {
        let id = self.recording_id();
        let Some(running) = &mut self.running else {
            return;
        };
        let picture = Picture {
            bytes: &running.picture[..bytes],
            id,
            claim: running.controller.claim(),
            stamp: Stamp::UNKNOWN,
        };
        let kept = exec::run(running.store.keep_picture(&picture)).done();
        let is_full = matches!(&kept, Some(Err(error)) if error.is_full());
        self.answer_stored(Stored::Picture(kept.and_then(Result::ok)));
        if is_full {
            self.answer_stored(Stored::CardFull(true));
        }
        self.report();
    }

    pub(super) fn keep_tally(&mut self) {
        let tally = self
            .controller()
            .and_then(|controller| Some(controller.camera()?.tally().encode()));
        if let Some(tally) = tally {
            self.keep(Item::CameraTally, &tally);
        }
    }
}

/// Eight grey pixels by eight, and a comment that tells one from the other and makes the better ones longer.
fn jpeg(number: u32, quality: Quality) -> Vec<u8> {
    let steps = usize::from(Quality::WORST.0 - quality.0.min(Quality::WORST.0)) + 1;
    let mut comment = format!("picture {number} ").into_bytes();
    comment.resize(steps * 1_500 + 7 * number as usize % 500, b'.');
    let mut bytes = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, body: &[u8]| {
        bytes.extend([0xFF, marker]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend(body);
    };
    segment(0xFE, &comment);
    // One table of ones; one component of 8 × 8; for each kind one code, of one bit: nothing differs from grey.
    segment(0xDB, &[&[0][..], &[1; 64]].concat());
    segment(0xC0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    for kind in [0x00, 0x10] {
        segment(0xC4, &[&[kind, 1][..], &[0; 15], &[0]].concat());
    }
    segment(0xDA, &[1, 1, 0, 0, 63, 0]);
    bytes.extend([0x3F, 0xFF, 0xD9]);
    debug_assert!(bytes.len() <= PICTURE_BYTES_MAX);
    bytes
}
