//! An entry as bytes in flash.
//!
//! ```text
//! 0      version, 1
//! 1      state (low four bits), kind (high four)
//! 2      slot in the folder, u16
//! 4      claim, u32
//! 8      id of the recording, 16 bytes, high byte first as everywhere
//! 24     first cluster, clusters, size in bytes: u32 each
//! 36     serial number of the card's volume, u32
//! 40     SHA-256, where it is known
//! ```
//!
//! Numbers are little-endian. The recording's number is the key. Fields are only ever added, with a new version.

use wire::recording::RecordingId;

use super::{DirSlot, Entry, Extent, Kind, Number, State};

const VERSION: u8 = 1;
const UNDIGESTED_BYTES: usize = 40;
/// With its digest.
pub const ENTRY_BYTES_MAX: usize = UNDIGESTED_BYTES + 32;

const STATES: [State; 8] = [
    State::Open,
    State::Sealed,
    State::Digested,
    State::Offered,
    State::Receipted,
    State::Archived,
    State::Quarantined,
    State::Removing,
];
const KINDS: [Kind; 2] = [Kind::Session, Kind::Picture];

/// The bytes and how many of them count.
pub(super) fn to_bytes(entry: &Entry) -> ([u8; ENTRY_BYTES_MAX], usize) {
    let mut bytes = [0; ENTRY_BYTES_MAX];
    bytes[0] = VERSION;
    bytes[1] = state_code(entry.state) | kind_code(entry.kind) << 4;
    bytes[2..4].copy_from_slice(&entry.slot.0.to_le_bytes());
    bytes[4..8].copy_from_slice(&entry.claim.to_le_bytes());
    bytes[8..24].copy_from_slice(&entry.id.0.to_be_bytes());
    bytes[24..28].copy_from_slice(&entry.extent.first.to_le_bytes());
    bytes[28..32].copy_from_slice(&entry.extent.clusters.to_le_bytes());
    bytes[32..36].copy_from_slice(&entry.size_bytes.to_le_bytes());
    bytes[36..40].copy_from_slice(&entry.card.to_le_bytes());
    match entry.sha256 {
        Some(sha256) => {
            bytes[40..].copy_from_slice(&sha256);
            (bytes, ENTRY_BYTES_MAX)
        }
        None => (bytes, UNDIGESTED_BYTES),
    }
}

/// `None` for what this program did not write: another version, or states and lengths that do not exist.
pub(super) fn from_bytes(number: Number, bytes: &[u8]) -> Option<Entry> {
    let (fixed, digest) = bytes.split_first_chunk::<UNDIGESTED_BYTES>()?;
    let word = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    if fixed[0] != VERSION {
        return None;
    }
    let state = *STATES.get(usize::from(fixed[1] & 15))?;
    let sha256 = match digest {
        [] => None,
        digest => Some(digest.try_into().ok()?),
    };
    let needs_digest = !matches!(state, State::Open | State::Sealed);
    if needs_digest != sha256.is_some() {
        return None;
    }
    let mut id = [0; 16];
    id.copy_from_slice(&fixed[8..24]);
    Some(Entry {
        number,
        kind: *KINDS.get(usize::from(fixed[1] >> 4))?,
        id: RecordingId(u128::from_be_bytes(id)),
        card: word(36),
        extent: Extent {
            first: word(24),
            clusters: word(28),
        },
        slot: DirSlot(u16::from_le_bytes([fixed[2], fixed[3]])),
        size_bytes: word(32),
        sha256,
        state,
        claim: word(4),
    })
}

fn state_code(state: State) -> u8 {
    match state {
        State::Open => 0,
        State::Sealed => 1,
        State::Digested => 2,
        State::Offered => 3,
        State::Receipted => 4,
        State::Archived => 5,
        State::Quarantined => 6,
        State::Removing => 7,
    }
}

fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Session => 0,
        Kind::Picture => 1,
    }
}
