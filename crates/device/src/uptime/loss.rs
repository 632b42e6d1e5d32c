//! Uptime that had to go before anybody heard of it.

use crate::bytes::{Put, Take};

pub const LOSS_BYTES: usize = 1 + 4 + 8 + 4 + 4;
const LOSS_VERSION: u8 = 1;

/// Sessions that had to go before anybody heard of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    pub sessions: u32,
    pub run_s: u64,
    /// How many of them the server was told of.
    pub(super) told: u32,
}

impl Loss {
    /// `version (1) ‖ sessions (4) ‖ run_s (8) ‖ told (4) ‖ CRC-32 (4)`
    pub(super) fn encode(self) -> [u8; LOSS_BYTES] {
        let mut bytes = [0; LOSS_BYTES];
        let mut put = Put::into(&mut bytes);
        // It has exactly this length.
        let _ = put
            .u8(LOSS_VERSION)
            .and_then(|()| put.u32(self.sessions))
            .and_then(|()| put.u64(self.run_s))
            .and_then(|()| put.u32(self.told))
            .and_then(|()| {
                let crc = crc32fast::hash(put.written());
                put.u32(crc)
            });
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut take = Take(bytes);
        if take.u8().ok()? != LOSS_VERSION {
            return None;
        }
        let loss = Self {
            sessions: take.u32().ok()?,
            run_s: take.u64().ok()?,
            told: take.u32().ok()?,
        };
        let crc = take.u32().ok()?;
        let covered = bytes.get(..LOSS_BYTES - 4)?;
        (crc32fast::hash(covered) == crc && take.is_empty()).then_some(loss)
    }
}
