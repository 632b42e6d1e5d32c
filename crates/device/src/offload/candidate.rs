//! What the offloader needs to know of a recording.

use core::fmt;

use wire::upload::{key, write_pair};

use crate::outbox::{Entry, FileName, Kind, Number, State};

/// A recording that may be offered: sealed, digested, and not receipted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub number: Number,
    pub kind: Kind,
    pub size_bytes: u32,
    pub sha256: [u8; 32],
    /// Under which claim it was made.
    pub claim: u32,
    /// A server has begun to take it.
    pub is_offered: bool,
}

impl Candidate {
    /// Not the open recording, not one without a digest, none that is through or set aside.
    pub const fn may_be(state: State) -> bool {
        match state {
            State::Digested | State::Offered => true,
            State::Open
            | State::Sealed
            | State::Receipted
            | State::Archived
            | State::Removing
            | State::Quarantined => false,
        }
    }

    /// `None` for what may not be offered.
    pub fn of(entry: &Entry) -> Option<Self> {
        if !Self::may_be(entry.state) {
            return None;
        }
        Some(Self {
            number: entry.number,
            kind: entry.kind,
            size_bytes: entry.size_bytes,
            sha256: entry.sha256?,
            claim: entry.claim,
            is_offered: entry.state == State::Offered,
        })
    }

    pub fn file_name(&self) -> FileName {
        self.kind.file_name(self.number)
    }
}

/// `Upload-Metadata`: by name, length and digest the server knows an upload again, so no address of one is ever stored here.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pair(f, true, key::FILENAME, self.file_name().as_bytes())?;
        write_pair(f, false, key::SHA256, &hex(&self.sha256))?;
        match self.kind {
            Kind::Session => Ok(()),
            Kind::Picture => write_pair(f, false, key::KIND, b"picture"),
        }
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 32]) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        let nibbles = [byte >> 4, byte & 15];
        for (place, nibble) in pair.iter_mut().zip(nibbles) {
            *place = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        }
    }
    text
}
