//! u-blox UBX: NAV-PVT, and the RaceBox messages that share its framing.

/// True if the bytes hold at least one frame with a right checksum.
pub(super) fn has_frame(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, &SYNC)
        .any(|at| bytes.get(at..).is_some_and(|rest| frame_payload(rest).is_some()))
}

const SYNC: [u8; 2] = [0xB5, 0x62];
/// Sync, class, id, length; and the checksum behind the payload.
const HEADER_BYTES: usize = 6;
const CHECKSUM_BYTES: usize = 2;

/// The payload of the frame at the start of `bytes`, if it is whole and its checksum is right.
fn frame_payload(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes([*bytes.get(4)?, *bytes.get(5)?]));
    let end = HEADER_BYTES + length;
    let summed = bytes.get(2..end)?;
    let given = bytes.get(end..end + CHECKSUM_BYTES)?;
    (given == fletcher(summed))
        .then(|| bytes.get(HEADER_BYTES..end))
        .flatten()
}

/// The 8-bit Fletcher sum over class, id, length and payload.
fn fletcher(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold([0_u8, 0], |[a, b], byte| {
        let a = a.wrapping_add(*byte);
        [a, b.wrapping_add(a)]
    })
}
