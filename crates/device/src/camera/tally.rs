//! What became of all pictures, over starts.

use core::fmt;

use crate::bytes::{OutOfRoom, Put, Take};

pub const TALLY_BYTES: usize = 1 + 5 * 4 + 4;
const VERSION: u8 = 1;

/// `version (1) ‖ captured, uploaded, failed, dropped, recaptured (4 each) ‖ CRC-32 (4)`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub captured: u32,
    pub uploaded: u32,
    pub failed: u32,
    /// Left out for want of room, or missed because the camera was busy.
    pub dropped: u32,
    /// Frames that were taken again because one was not whole.
    pub recaptured: u32,
}

impl Tally {
    pub fn encode(&self) -> [u8; TALLY_BYTES] {
        let mut bytes = [0; TALLY_BYTES];
        // It has exactly this length, as the tests see.
        let _ = self.put(&mut bytes);
        bytes
    }

    fn put(&self, bytes: &mut [u8; TALLY_BYTES]) -> Result<(), OutOfRoom> {
        let mut put = Put::into(bytes);
        put.u8(VERSION)?;
        for count in [
            self.captured,
            self.uploaded,
            self.failed,
            self.dropped,
            self.recaptured,
        ] {
            put.u32(count)?;
        }
        let crc = crc32fast::hash(put.written());
        put.u32(crc)
    }

    /// `None` for bytes that are none of ours, or of a newer firmware: counting begins anew.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut take = Take(bytes);
        if take.u8().ok()? != VERSION {
            return None;
        }
        let mut count = || take.u32().ok();
        let tally = Self {
            captured: count()?,
            uploaded: count()?,
            failed: count()?,
            dropped: count()?,
            recaptured: count()?,
        };
        let crc = count()?;
        (crc32fast::hash(bytes.get(..TALLY_BYTES - 4)?) == crc).then_some(tally)
    }
}

/// As a member of a ping.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            captured,
            uploaded,
            failed,
            dropped,
            recaptured,
        } = self;
        write!(
            f,
            "{{\"captured\":{captured},\"uploaded\":{uploaded},\"failed\":{failed},\"dropped\":{dropped},\"recaptured\":{recaptured}}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_saved_is_what_is_read(counts: [u32; 5], bit in 0..TALLY_BYTES * 8) {
            let [captured, uploaded, failed, dropped, recaptured] = counts;
            let tally = Tally { captured, uploaded, failed, dropped, recaptured };
            let mut bytes = tally.encode();
            prop_assert_eq!(Tally::decode(&bytes), Some(tally));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Tally::decode(&bytes), None);
        }

        #[test]
        fn any_bytes_are_counts_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Tally::decode(&bytes);
        }
    }
}
