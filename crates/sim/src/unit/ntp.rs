//! Time servers, as a device meets them.

use std::time::Duration;

use device::clock::{self, Ask};
use device::controller::Input;
use device::time::Instant;

use super::Unit;
use super::faults::Ntp;
use super::uplink::Uplink;

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// A datagram that went round the world twice.
const LATE: Duration = Duration::from_secs(20);
/// From 1900 to 1970.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// A question that is out, and what will come of it.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) ends: Instant,
    answer: Option<[u8; 48]>,
}

impl<L: Uplink> Unit<L> {
    pub(super) fn ask_ntp(&mut self, ask: &Ask) {
        let is_online = self.around.radio.connected_to().is_some();
        let ntp = self.faults.ntp;
        let answer = match ntp {
            Ntp::Answers if is_online => Some(self.time(ask, 2, *b"GPS\0")),
            Ntp::Denies if is_online => Some(self.time(ask, 0, *b"DENY")),
            Ntp::Unreachable => None,
            Ntp::Forged if is_online => Some(self.forged(ask)),
            Ntp::Late if is_online => Some(self.time(ask, 2, *b"GPS\0")),
            Ntp::Answers | Ntp::Denies | Ntp::Silent | Ntp::Forged | Ntp::Late => {
                self.faults.ntp_failed += u64::from(ntp == Ntp::Silent);
                return;
            }
        };
        self.faults.ntp_failed += u64::from(ntp != Ntp::Answers);
        let ends = self.now + if ntp == Ntp::Late { LATE } else { ROUND_TRIP };
        if let Some(running) = &mut self.running {
            running.question = Some(Question { ends, answer });
        }
    }

    pub(super) fn hear_ntp(&mut self) {
        let now = self.now;
        let heard = self
            .running
            .as_mut()
            .and_then(|running| running.question.take_if(|question| question.ends <= now));
        match heard.map(|question| question.answer) {
            Some(Some(packet)) => self.tell(Input::Clock(clock::Input::Ntp(&packet))),
            Some(None) => self.tell(Input::Clock(clock::Input::NtpUnreachable)),
            None => {}
        }
    }

    /// Three years later, to a question that nobody asked.
    fn forged(&self, ask: &Ask) -> [u8; 48] {
        let mut packet = self.time(ask, 2, *b"GPS\0");
        packet[24] ^= 1;
        packet[40] = packet[40].wrapping_add(6);
        packet[32] = packet[32].wrapping_add(6);
        packet
    }

    /// What a server says that has the world's time.
    fn time(&self, ask: &Ask, stratum: u8, reference: [u8; 4]) -> [u8; 48] {
        let mut packet = [0; 48];
        packet[..4].copy_from_slice(&[0x24, stratum, 6, 0xE9]);
        packet[12..16].copy_from_slice(&reference);
        packet[24..32].copy_from_slice(&ask.packet[40..48]);
        let half_way = self.now + ROUND_TRIP / 2;
        let unix_ms = self.around.began_utc_ms.unsigned_abs() + half_way.as_millis();
        let seconds = (unix_ms / 1_000 + NTP_TO_UNIX_S) as u32;
        let fraction = (((unix_ms % 1_000) << 32) / 1_000) as u32;
        for at in [16, 32, 40] {
            packet[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
            packet[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
        }
        packet
    }
}
