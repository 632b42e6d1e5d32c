//! The serial line of the satellite receiver.

use std::time::Duration;

use device::receiver::{Output, Receiver};
use device::time::Instant;

use super::bytes::Bytes;

/// Shorter than two solutions, so that a piece holds one at most and none is dropped before it is polled.
const PIECE_BYTES_MAX: usize = 64;

/// However the bytes are cut into pieces, the same is heard; each solution once.
pub fn receiver(data: &[u8]) {
    let mut pieces = Receiver::new(Instant::BOOT);
    let mut single = Receiver::new(Instant::BOOT);
    assert_eq!(drained(&mut pieces), drained(&mut single));
    let (mut now, mut input) = (Instant::BOOT, Bytes(data));
    while !input.is_empty() {
        let piece = usize::from(input.u8()) % PIECE_BYTES_MAX;
        now = now + Duration::from_millis(u64::from(input.u8()) * 10);
        for receiver in [&mut pieces, &mut single] {
            receiver.tick(now);
            assert!(receiver.next_deadline() > now, "it goes round in a circle");
        }
        let bytes = input.take(piece);
        let mut heard = drained(&mut pieces);
        pieces.bytes(bytes, now);
        heard.extend(drained(&mut pieces));
        let mut one_by_one = drained(&mut single);
        for byte in bytes {
            single.bytes(&[*byte], now);
            one_by_one.extend(drained(&mut single));
        }
        assert_eq!(heard, one_by_one);
        for pair in heard.windows(2) {
            if let [Output::Fix(first), Output::Fix(second)] = pair {
                assert_ne!(first.itow_ms, second.itow_ms, "one solution twice");
            }
        }
    }
}

fn drained(receiver: &mut Receiver) -> Vec<Output> {
    std::iter::from_fn(|| receiver.poll()).collect()
}
