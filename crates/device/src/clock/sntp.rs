//! One question and one answer of SNTP (RFC 4330, RFC 5905 for the fields), as bytes.
//!
//! ```text
//!  0 LI(2) VN(3) Mode(3) │ stratum │ poll │ precision      24 originate timestamp: what the client sent, echoed
//!  4 root delay, 16.16 s                                   32 receive timestamp
//!  8 root dispersion, 16.16 s                              40 transmit timestamp
//! 12 reference id (stratum 0: a kiss of death)             timestamps: seconds since 1900, 32.32
//! ```
//!
//! The question's transmit timestamp is a random number and not the time: the device often has none, and an answer that echoes what nobody
//! else can know was made for this question.

use super::{Reading, Source, UnixMs};
use crate::time::Instant;

pub const PACKET_BYTES: usize = 48;

/// An answer that was longer on its way says too little of the time.
const ROUND_TRIP_MAX_MS: u64 = 2000;
/// RFC 4330, 5: a server that is this far from its own source is not believed.
const ROOT_DISTANCE_MAX_MS: u32 = 1000;
/// RFC 5905: 16 is a server that has no time.
const STRATUM_MAX: u8 = 15;

const MODE_CLIENT: u8 = 3;
const MODE_SERVER: u8 = 4;
const VERSION: u8 = 4;
const NOT_SYNCHRONISED: u8 = 3;
/// From 1900 to 1970.
const NTP_TO_UNIX_S: i64 = 2_208_988_800;
/// Seconds whose highest bit is clear are counted from 2036-02-07 (RFC 4330, 3).
const ERA_S: i64 = 1 << 32;

/// A question that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    nonce: u64,
    sent: Instant,
}

/// Why an answer says nothing of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SntpError {
    /// Shorter than a packet.
    Short,
    /// No answer of a server, or of a version that is not known.
    NotAnAnswer,
    /// It answers another question, or was made up.
    NotOurs,
    /// The server asks not to be asked so often.
    Rate,
    /// The server does not want to be asked: do not again.
    Denied,
    /// The server has no time itself.
    NotSynchronised,
    /// The server is too far from its source of time.
    TooFar,
    /// The way took too long to know the time from it.
    TooSlow,
    /// A date that cannot be, or sent before it was received.
    Implausible,
}

impl core::fmt::Display for SntpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Short => "the answer of the time server is too short",
            Self::NotAnAnswer => "what came is no answer of a time server",
            Self::NotOurs => "the answer is to another question",
            Self::Rate => "the time server asks for fewer questions",
            Self::Denied => "the time server refuses to answer",
            Self::NotSynchronised => "the time server has no time itself",
            Self::TooFar => "the time server is too far from its own source",
            Self::TooSlow => "the answer took too long",
            Self::Implausible => "the time server says a time that cannot be",
        })
    }
}

impl Question {
    /// `nonce` is a fresh random number.
    pub const fn new(nonce: u64, now: Instant) -> Self {
        Self { nonce, sent: now }
    }

    /// What goes to port 123.
    pub fn packet(&self) -> [u8; PACKET_BYTES] {
        let mut packet = [0; PACKET_BYTES];
        packet[0] = VERSION << 3 | MODE_CLIENT;
        packet[40..].copy_from_slice(&self.nonce.to_be_bytes());
        packet
    }

    /// The time that an answer says, which arrived at `now`.
    pub fn answer(&self, packet: &[u8], now: Instant) -> Result<Reading, SntpError> {
        let packet: &[u8; PACKET_BYTES] = packet.first_chunk().ok_or(SntpError::Short)?;
        let (leap, version, mode) = (packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7);
        if mode != MODE_SERVER || !(1..=VERSION).contains(&version) {
            return Err(SntpError::NotAnAnswer);
        }
        // Before anything else is believed, a kiss of death above all: anyone could send one.
        if u64::from_be_bytes(eight(packet, 24)) != self.nonce {
            return Err(SntpError::NotOurs);
        }
        match packet[1] {
            0 => return Err(kiss(four(packet, 12))),
            1..=STRATUM_MAX if leap != NOT_SYNCHRONISED => {}
            _ => return Err(SntpError::NotSynchronised),
        }
        let root_ms = short_ms(four(packet, 4)) / 2 + short_ms(four(packet, 8));
        if root_ms > ROOT_DISTANCE_MAX_MS {
            return Err(SntpError::TooFar);
        }
        let received = timestamp(eight(packet, 32)).ok_or(SntpError::Implausible)?;
        let sent = timestamp(eight(packet, 40)).ok_or(SntpError::Implausible)?;
        let held_ms = u64::try_from(received.until_ms(sent)).map_err(|_| SntpError::Implausible)?;
        let away_ms = now.as_millis().saturating_sub(self.sent.as_millis());
        let travelled_ms = away_ms.checked_sub(held_ms).ok_or(SntpError::Implausible)?;
        if travelled_ms > ROUND_TRIP_MAX_MS {
            return Err(SntpError::TooSlow);
        }
        // Half of the way was the way back.
        let back_ms = u32::try_from(travelled_ms / 2).unwrap_or(u32::MAX);
        Ok(Reading {
            source: Source::Sntp,
            utc: UnixMs(sent.0 + i64::from(back_ms)),
            at: now,
            within_ms: back_ms + root_ms + 1,
        })
    }
}

/// RFC 5905, 7.4: codes that are not known mean nothing but that there is no time here.
fn kiss(code: [u8; 4]) -> SntpError {
    match &code {
        b"RATE" => SntpError::Rate,
        b"DENY" | b"RSTR" => SntpError::Denied,
        _ => SntpError::NotSynchronised,
    }
}

/// 0 is "not known" (RFC 4330, 3).
fn timestamp(bytes: [u8; 8]) -> Option<UnixMs> {
    let value = u64::from_be_bytes(bytes);
    let seconds = i64::try_from(value >> 32).ok().filter(|_| value != 0)?;
    let era_s = if seconds & (1 << 31) == 0 { ERA_S } else { 0 };
    let fraction_ms = i64::try_from(((value & 0xFFFF_FFFF) * 1000) >> 32).ok()?;
    let utc = UnixMs((seconds + era_s - NTP_TO_UNIX_S) * 1000 + fraction_ms);
    utc.is_plausible().then_some(utc)
}

/// 16.16 seconds. Negative delays are written by servers that guess; as unsigned they are too far away.
fn short_ms(bytes: [u8; 4]) -> u32 {
    let ms = (u64::from(u32::from_be_bytes(bytes)) * 1000) >> 16;
    u32::try_from(ms).unwrap_or(u32::MAX)
}

fn four(packet: &[u8; PACKET_BYTES], from: usize) -> [u8; 4] {
    core::array::from_fn(|index| packet[from + index])
}

fn eight(packet: &[u8; PACKET_BYTES], from: usize) -> [u8; 8] {
    core::array::from_fn(|index| packet[from + index])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: u64 = 0x0123_4567_89AB_CDEF;
    /// 2026-11-22T00:00:00Z.
    const UTC_MS: i64 = 1_795_305_600_000;

    fn ntp(utc_ms: i64) -> [u8; 8] {
        let seconds = u64::try_from(utc_ms / 1000 + NTP_TO_UNIX_S).unwrap() & 0xFFFF_FFFF;
        let fraction = (u64::try_from(utc_ms % 1000).unwrap() << 32).div_ceil(1000);
        (seconds << 32 | fraction).to_be_bytes()
    }

    fn good() -> [u8; PACKET_BYTES] {
        let mut packet = [0; PACKET_BYTES];
        packet[0] = VERSION << 3 | MODE_SERVER;
        packet[1] = 2;
        packet[4..8].copy_from_slice(&(1u32 << 12).to_be_bytes()); // 62.5 ms
        packet[8..12].copy_from_slice(&(1u32 << 11).to_be_bytes()); // 31.25 ms
        packet[24..32].copy_from_slice(&NONCE.to_be_bytes());
        packet[32..40].copy_from_slice(&ntp(UTC_MS));
        packet[40..48].copy_from_slice(&ntp(UTC_MS + 10));
        packet
    }

    /// Asked at 5 s, answered 110 ms later, of which the server held it for 10.
    fn answer(packet: &[u8]) -> Result<Reading, SntpError> {
        Question::new(NONCE, Instant::from_secs(5)).answer(packet, Instant::from_millis(5110))
    }

    fn broken(change: impl Fn(&mut [u8; PACKET_BYTES])) -> Result<Reading, SntpError> {
        let mut packet = good();
        change(&mut packet);
        answer(&packet)
    }

    #[test]
    fn a_question_is_48_bytes_that_give_nothing_away() {
        let packet = Question::new(NONCE, Instant::from_secs(5)).packet();
        assert_eq!(packet[0], 0x23, "version 4, client");
        assert_eq!(packet[1..40], [0; 39]);
        assert_eq!(packet[40..], NONCE.to_be_bytes());
    }

    #[test]
    fn half_of_the_way_is_added_and_said_as_doubt() {
        let reading = answer(&good()).unwrap();
        assert_eq!(reading.utc, UnixMs(UTC_MS + 10 + 50));
        assert_eq!(reading.at, Instant::from_millis(5110));
        assert_eq!(reading.within_ms, 50 + 31 + 31 + 1);
        let mut longer = good().to_vec();
        longer.extend([7; 20]);
        assert_eq!(answer(&longer), Ok(reading), "an authenticator may follow");
    }

    #[test]
    fn an_answer_to_another_question_is_none_not_even_a_kiss_of_death() {
        assert_eq!(broken(|packet| packet[24] ^= 1), Err(SntpError::NotOurs));
        let forged = broken(|packet| {
            packet[1] = 0;
            packet[12..16].copy_from_slice(b"DENY");
            packet[31] ^= 1;
        });
        assert_eq!(forged, Err(SntpError::NotOurs));
    }

    #[test]
    fn kisses_of_death_are_told_apart() {
        for (code, why) in [
            (b"RATE", SntpError::Rate),
            (b"DENY", SntpError::Denied),
            (b"RSTR", SntpError::Denied),
            (b"INIT", SntpError::NotSynchronised),
        ] {
            let kiss = broken(|packet| {
                packet[1] = 0;
                packet[12..16].copy_from_slice(code);
            });
            assert_eq!(kiss, Err(why));
        }
    }

    #[test]
    fn servers_without_time_and_times_that_cannot_be_are_refused() {
        assert_eq!(answer(&good()[..47]), Err(SntpError::Short));
        assert_eq!(
            broken(|packet| packet[0] = VERSION << 3 | 5),
            Err(SntpError::NotAnAnswer)
        );
        assert_eq!(
            broken(|packet| packet[0] = MODE_SERVER),
            Err(SntpError::NotAnAnswer)
        );
        assert_eq!(
            broken(|packet| packet[0] |= 0xC0),
            Err(SntpError::NotSynchronised)
        );
        assert_eq!(broken(|packet| packet[1] = 16), Err(SntpError::NotSynchronised));
        assert_eq!(broken(|packet| packet[8] = 0x40), Err(SntpError::TooFar));
        assert_eq!(broken(|packet| packet[4] = 0xFF), Err(SntpError::TooFar));
        let zero = broken(|packet| packet[40..].fill(0));
        assert_eq!(zero, Err(SntpError::Implausible));
        let year_2004 = broken(|packet| packet[40] = 0xC4);
        assert_eq!(year_2004, Err(SntpError::Implausible));
        let before = broken(|packet| packet[40..].copy_from_slice(&ntp(UTC_MS - 1)));
        assert_eq!(before, Err(SntpError::Implausible));
        let slow = Question::new(NONCE, Instant::from_secs(5)).answer(&good(), Instant::from_millis(7011));
        assert_eq!(slow, Err(SntpError::TooSlow));
    }

    #[test]
    fn seconds_go_on_after_february_2036() {
        let later = UTC_MS + 15 * 366 * 86_400_000;
        let reading = broken(|packet| {
            packet[32..40].copy_from_slice(&ntp(later));
            packet[40..].copy_from_slice(&ntp(later));
        });
        assert!((later..later + 60).contains(&reading.unwrap().utc.0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_time_that_can_be_or_a_reason(
            mut packet in proptest::collection::vec(any::<u8>(), 0..80),
            echoed: bool,
            server: bool,
            took_ms in 0..10_000u64,
        ) {
            if let Some(nonce) = packet.get_mut(24..32).filter(|_| echoed) {
                nonce.copy_from_slice(&NONCE.to_be_bytes());
            }
            if let Some(first) = packet.first_mut().filter(|_| server) {
                *first = VERSION << 3 | MODE_SERVER;
            }
            let question = Question::new(NONCE, Instant::from_secs(5));
            if let Ok(reading) = question.answer(&packet, Instant::from_millis(5000 + took_ms)) {
                prop_assert!(reading.utc >= UnixMs::EARLIEST);
                prop_assert!(reading.within_ms <= 2001);
            }
        }
    }
}
