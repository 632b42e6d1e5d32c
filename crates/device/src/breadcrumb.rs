//! What a device leaves behind when it is about to restart for a reason, or finds that it was: a fixed number of bytes in memory
//! that keeps through a reset (RTC RAM), so that nothing is written to flash or card by something that is already in trouble.
//!
//! The firmware puts one down before it restarts, a panic handler does so too, and the boot after takes it up and sends it with its
//! next heartbeat as `crash`. The server keeps one reason of one boot once, so sending it again is harmless.
//!
//! ```text
//! 0      4       5       6      8        12         16            56      60
//! │ FPBC │ version│ cause │ task │  boot  │ uptime_s │ detail, 0… │ CRC-32 │     little-endian
//! ```

use crate::watchdog::Task;

pub const BREADCRUMB_BYTES: usize = 60;
/// Of the detail: where in the code, for the most part.
pub const DETAIL_BYTES_MAX: usize = 40;

const MAGIC: [u8; 4] = *b"FPBC";
const VERSION: u8 = 1;
const DETAIL_AT: usize = 16;
const CRC_AT: usize = 56;
/// Where no task is to blame.
const NO_TASK: u8 = 0xFF;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Panic,
    /// A task stopped reporting.
    Stuck,
    /// The access point failed to start three times.
    ApFailed,
    /// A recording could not be closed in time.
    SealStuck,
    /// The supply sank below what the chip needs.
    Brownout,
}

impl Cause {
    const ALL: [(Self, u8); 5] = [
        (Self::Panic, 1),
        (Self::Stuck, 2),
        (Self::ApFailed, 3),
        (Self::SealStuck, 4),
        (Self::Brownout, 5),
    ];

    /// `reason` of the heartbeat's `crash`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Stuck => "stuck",
            Self::ApFailed => "ap_failed",
            Self::SealStuck => "seal_stuck",
            Self::Brownout => "brownout",
        }
    }

    fn code(self) -> u8 {
        let of_self = Self::ALL.iter().find(|(cause, _)| *cause == self);
        of_self.map_or(0, |&(_, code)| code)
    }

    fn from_code(code: u8) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, known)| *known == code).map(|&(cause, _)| cause)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breadcrumb {
    pub cause: Cause,
    pub task: Option<Task>,
    /// The boot that ended so.
    pub boot: u32,
    pub uptime_s: u32,
    /// Words for whoever looks at it; cut at [`DETAIL_BYTES_MAX`].
    pub detail: heapless::String<DETAIL_BYTES_MAX>,
}

impl Breadcrumb {
    /// The detail is cut before the character that no longer fits.
    pub fn new(cause: Cause, task: Option<Task>, boot: u32, uptime_s: u32, detail: &str) -> Self {
        let mut kept = heapless::String::new();
        for character in detail.chars().filter(|&it| it != '\0') {
            if kept.push(character).is_err() {
                break;
            }
        }
        Self {
            cause,
            task,
            boot,
            uptime_s,
            detail: kept,
        }
    }

    pub fn to_bytes(&self) -> [u8; BREADCRUMB_BYTES] {
        let mut bytes = [0; BREADCRUMB_BYTES];
        let header = MAGIC
            .into_iter()
            .chain([
                VERSION,
                self.cause.code(),
                self.task.map_or(NO_TASK, Task::code),
                0,
            ])
            .chain(self.boot.to_le_bytes())
            .chain(self.uptime_s.to_le_bytes())
            .chain(self.detail.bytes());
        for (byte, value) in bytes[..CRC_AT].iter_mut().zip(header) {
            *byte = value;
        }
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Nothing where memory holds something else, as after a power cut.
    pub fn from_bytes(bytes: &[u8; BREADCRUMB_BYTES]) -> Option<Self> {
        let (body, crc) = bytes.split_at(CRC_AT);
        let is_whole = crc == crc32fast::hash(body).to_le_bytes();
        if !is_whole || body[..4] != MAGIC || body[4] != VERSION {
            return None;
        }
        let task = match body[6] {
            NO_TASK => None,
            code => Some(Task::from_code(code)?),
        };
        let detail = body[DETAIL_AT..].split(|&byte| byte == 0).next()?;
        Some(Self::new(
            Cause::from_code(body[5])?,
            task,
            u32::from_le_bytes(body[8..12].try_into().ok()?),
            u32::from_le_bytes(body[12..16].try_into().ok()?),
            core::str::from_utf8(detail).ok()?,
        ))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    fn crumb() -> Breadcrumb {
        Breadcrumb::new(Cause::Stuck, Some(Task::Storage), 41, 3600, "store.rs:77")
    }

    #[test]
    fn a_breadcrumb_comes_back_as_it_was_put_down() {
        for (cause, _) in Cause::ALL {
            for task in [None, Some(Task::Sampling)] {
                let crumb = Breadcrumb::new(cause, task, u32::MAX, 7, "");
                assert_eq!(Breadcrumb::from_bytes(&crumb.to_bytes()), Some(crumb));
            }
        }
        assert_eq!(Breadcrumb::from_bytes(&crumb().to_bytes()), Some(crumb()));
    }

    #[test]
    fn its_bytes_are_what_the_drawing_says() {
        let bytes = crumb().to_bytes();
        assert_eq!(&bytes[..8], b"FPBC\x01\x02\x01\x00");
        assert_eq!(&bytes[8..28], b"\x29\0\0\0\x10\x0E\0\0store.rs:77\0");
    }

    #[test]
    fn whatever_else_is_in_memory_is_no_breadcrumb() {
        assert_eq!(Breadcrumb::from_bytes(&[0; BREADCRUMB_BYTES]), None);
        assert_eq!(Breadcrumb::from_bytes(&[0xFF; BREADCRUMB_BYTES]), None);
        let whole = crumb().to_bytes();
        for bit in 0..8 * BREADCRUMB_BYTES {
            let mut damaged = whole;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Breadcrumb::from_bytes(&damaged), None, "bit {bit}");
        }
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let long = Breadcrumb::new(Cause::Panic, None, 1, 1, &"ö".repeat(30));
        assert_eq!(long.detail.as_str(), "ö".repeat(20));
        let odd = Breadcrumb::new(Cause::Panic, None, 1, 1, &format!("x{}", "ö".repeat(30)));
        assert_eq!(odd.detail.len(), 39);
        assert_eq!(Breadcrumb::from_bytes(&odd.to_bytes()), Some(odd));
    }
}
