//! Bytes that wait to be handed to a thread that writes them.
//!
//! A piece of a body shares the buffer that the connection was read into and keeps all of it: a sender of a few bytes at a
//! time would hold a multiple of what it sent. So small pieces are packed together, which also lets the connection
//! use its buffer again, and only large ones are kept as they came.

use bytes::{Bytes, BytesMut};

/// Gathered bytes that are worth waking a thread for.
const HAND_OVER_BYTES: usize = 24 * 1024;
/// Gathered bytes beyond which the sender waits for the disk; only one that is faster than the disk comes this far.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Half of what is read of a connection at once: a piece from here on keeps at most as much again as it has.
const PACKED_BELOW_BYTES: usize = 8 * 1024;
/// Small pieces are packed into buffers of this size.
const PACK_BYTES: usize = 12 * 1024;
/// Packed bytes that go to a thread, and for which a busy disk is waited for: who sends in small pieces is slow, so threads
/// are woken seldom all the same, and what is held counts because there are thousands of them. When all of them are made
/// durable at once the disk is busy for seconds, and what comes meanwhile is better left in the sockets.
const PACK_DUE_BYTES: usize = 8 * 1024;

/// Pieces in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pieces: Vec<Bytes>,
    /// What follows the pieces.
    packed: BytesMut,
    length_bytes: usize,
}

impl Gathered {
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.length_bytes += piece.len();
        if piece.len() >= PACKED_BELOW_BYTES {
            self.seal();
            self.pieces.push(piece);
            return;
        }
        let room = self.packed.capacity() - self.packed.len();
        let (fitting, more) = piece.split_at(room.min(piece.len()));
        self.packed.extend_from_slice(fitting);
        if !more.is_empty() {
            self.seal();
            self.packed = BytesMut::with_capacity(PACK_BYTES);
            self.packed.extend_from_slice(more);
        }
    }

    /// Whether they are to be handed over now: enough for a thread that is free, or too much to take more.
    pub(crate) fn is_due(&self, disk_is_free: bool) -> bool {
        self.packed.len() >= PACK_DUE_BYTES
            || self.length_bytes >= WAITING_BYTES_MAX
            || (disk_is_free && self.length_bytes >= HAND_OVER_BYTES)
    }

    /// All of them; none are left.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        self.seal();
        self.length_bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    fn seal(&mut self) {
        if !self.packed.is_empty() {
            self.pieces.push(std::mem::take(&mut self.packed).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_out_in_its_order_whatever_the_pieces_are() {
        let all: Vec<u8> = (0..200_000u32).map(|number| number.to_le_bytes()[1]).collect();
        let (mut gathered, mut rest) = (Gathered::default(), Bytes::from(all.clone()));
        for size in [1, 5_000, 8_191, 8_192, 16_384, 3, 7_000, 7_000, 7_000, 100_000]
            .into_iter()
            .cycle()
        {
            if rest.is_empty() {
                break;
            }
            gathered.push(rest.split_to(size.min(rest.len())));
        }
        assert_eq!(gathered.take().concat(), all);
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn small_pieces_keep_none_of_the_buffers_they_came_in() {
        let mut gathered = Gathered::default();
        let mut buffers = Vec::new();
        // A busy disk is waited for.
        while !gathered.is_due(false) {
            // A drip of 5 000 bytes, as it is read.
            let buffer = Bytes::from(vec![0; 16 * 1024]);
            gathered.push(buffer.slice(..5_000));
            buffers.push(buffer);
        }
        assert!(buffers.iter().all(Bytes::is_unique));
        let pieces = gathered.take();
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [10_000]);
    }

    #[test]
    fn large_pieces_are_not_copied() {
        let (mut gathered, large) = (Gathered::default(), Bytes::from(vec![0; 16 * 1024]));
        gathered.push(large.clone());
        assert!(!gathered.is_due(true));
        gathered.push(large.clone());
        assert!(gathered.is_due(true));
        assert!(
            gathered
                .take()
                .iter()
                .all(|piece| piece.as_ptr() == large.as_ptr())
        );
    }

    #[test]
    fn a_busy_disk_is_waited_for_only_when_much_has_come() {
        let mut gathered = Gathered::default();
        for _ in 0..15 {
            gathered.push(Bytes::from(vec![0; 16 * 1024]));
        }
        assert!(gathered.is_due(true) && !gathered.is_due(false));
        gathered.push(Bytes::from(vec![0; 16 * 1024]));
        assert!(gathered.is_due(false));
    }
}
