//! UBX frames: two sync bytes, class, id, length, payload, two check bytes.
//!
//! Ours rather than the crate `ublox`: one message comes in and three go out, and that crate gives degrees and metres as `f64` with a calendar
//! library behind, on a chip without an FPU.

use heapless::Vec;

const SYNC: [u8; 2] = [0xb5, 0x62];
/// Sync, class, id, length and check.
const AROUND_BYTES: usize = 8;
/// NAV-PVT has 92; what is longer is skipped.
pub(super) const PAYLOAD_BYTES_MAX: usize = 100;

/// A frame to the receiver; the longest is CFG-PRT.
pub type Packet = Vec<u8, 32>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'b> {
    pub(super) class: u8,
    pub(super) id: u8,
    pub(super) payload: &'b [u8],
}

/// Eight-bit Fletcher over class, id, length and payload.
fn check(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold([0, 0], |[a, b], byte| {
        let a = u8::wrapping_add(a, *byte);
        [a, u8::wrapping_add(b, a)]
    })
}

/// A frame for the receiver. Empty for a payload that no frame of ours has.
pub(super) fn packet(class: u8, id: u8, payload: &[u8]) -> Packet {
    let mut packet = Packet::new();
    let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    let all = packet
        .extend_from_slice(&SYNC)
        .and_then(|()| packet.extend_from_slice(&[class, id, length, 0]))
        .and_then(|()| packet.extend_from_slice(payload));
    let ends = check(packet.get(SYNC.len()..).unwrap_or_default());
    if all.is_err() || packet.extend_from_slice(&ends).is_err() {
        packet.clear();
    }
    packet
}

/// Finds frames in a stream of bytes that may begin anywhere and hold anything.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: Vec<u8, { PAYLOAD_BYTES_MAX + AROUND_BYTES }>,
}

/// What a byte completed.
enum Step {
    More,
    Whole,
    /// No frame begins here.
    Wrong,
}

impl Frames {
    /// Takes one byte and gives the frame that it ends.
    pub(super) fn byte(&mut self, byte: u8) -> Option<Frame<'_>> {
        if self.buffer.is_full() || self.starts_anew() {
            self.buffer.clear();
        }
        // There is room: it was emptied when it was full.
        let _ = self.buffer.push(byte);
        loop {
            match self.step() {
                Step::More => return None,
                Step::Whole => return self.frame(),
                Step::Wrong => self.next_sync(),
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.buffer.clear();
    }

    /// The frame that was given is over.
    fn starts_anew(&self) -> bool {
        matches!(self.step(), Step::Whole)
    }

    fn payload_bytes(&self) -> Option<usize> {
        let length = self.buffer.get(4..6)?.first_chunk::<2>()?;
        Some(usize::from(u16::from_le_bytes(*length)))
    }

    fn step(&self) -> Step {
        let begins = self.buffer.iter().zip(SYNC).all(|(byte, sync)| *byte == sync);
        if !begins {
            return Step::Wrong;
        }
        let Some(payload_bytes) = self.payload_bytes() else {
            return Step::More;
        };
        if payload_bytes > PAYLOAD_BYTES_MAX {
            return Step::Wrong;
        }
        let end = payload_bytes + AROUND_BYTES;
        match self.buffer.get(end - 2..end) {
            None => Step::More,
            Some(ends)
                if self
                    .buffer
                    .get(2..end - 2)
                    .is_some_and(|body| check(body) == ends) =>
            {
                Step::Whole
            }
            Some(_) => Step::Wrong,
        }
    }

    /// Drops the first byte and everything before the next that may begin a frame.
    fn next_sync(&mut self) {
        let next = self.buffer.iter().skip(1).position(|byte| *byte == SYNC[0]);
        let keep_from = next.map_or(self.buffer.len(), |at| at + 1);
        let kept = Vec::from_slice(self.buffer.get(keep_from..).unwrap_or_default());
        self.buffer = kept.unwrap_or_default();
    }

    fn frame(&self) -> Option<Frame<'_>> {
        let payload_bytes = self.payload_bytes()?;
        Some(Frame {
            class: *self.buffer.get(2)?,
            id: *self.buffer.get(3)?,
            payload: self.buffer.get(6..6 + payload_bytes)?,
        })
    }
}
