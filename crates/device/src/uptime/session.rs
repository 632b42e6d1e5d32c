//! One session: what is known of it, and as bytes.
//!
//! ```text
//! version (1) ‖ boot epoch (4) ‖ boot number (4) ‖ part (2) ‖ flags (1) ‖ start (8) ‖ start_revision (2) ‖ run_s (4) ‖ last_update (8)
//! ‖ acked_run_s (4) ‖ acked_revision (2) ‖ CRC-32 (4)
//! flags: 1 start is known · 2 last_update is known · 4 closed · 8 acknowledged as open · 16 acknowledged as closed · 32 start acknowledged
//! ```

use core::time::Duration;

use crate::bytes::{OutOfRoom, Put, Take};
use crate::clock::{Boot, UnixMs};

pub const SESSION_BYTES: usize = 44;
const VERSION: u8 = 1;

/// The server does not believe a run of more than 30 days; a device that stays on longer begins another part.
pub(super) const PART_S: u32 = 28 * 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The device is on.
    Open,
    /// It was started again since.
    Closed,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// A time on, from a start to the last second that was saved. Its identity is boot and part: nothing that can still be learned.
///
/// There are 64 of them, so what is in doubt lies in words of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub boot: Boot,
    start: Halves,
    pub run_s: u32,
    pub acked_run_s: u32,
    /// 0, and 1 more for every 28 days without a restart.
    pub part: u16,
    /// How often the start was set anew after it was first known.
    pub start_revision: u16,
    /// Of the start that the server has.
    pub acked_revision: Option<u16>,
    pub status: Status,
    pub acked_status: Option<Status>,
    knows_start: bool,
}

const _: () = assert!(size_of::<Session>() <= 36);

/// 64 bits that ask for no more than 32 do of where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Halves([u32; 2]);

impl Halves {
    pub(super) const fn of(bits: u64) -> Self {
        Self([(bits >> 32) as u32, bits as u32])
    }

    pub(super) const fn bits(self) -> u64 {
        (self.0[0] as u64) << 32 | self.0[1] as u64
    }
}

/// Why bytes are no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadSession {
    /// Of a newer firmware; not ours to touch.
    Newer,
    Damaged,
}

impl From<OutOfRoom> for BadSession {
    fn from(_: OutOfRoom) -> Self {
        Self::Damaged
    }
}

impl Session {
    pub(super) const fn new(boot: Boot, part: u16) -> Self {
        Self {
            boot,
            part,
            start: Halves::of(0),
            knows_start: false,
            start_revision: 0,
            run_s: 0,
            status: Status::Open,
            acked_run_s: 0,
            acked_revision: None,
            acked_status: None,
        }
    }

    pub fn start(&self) -> Option<UnixMs> {
        self.knows_start
            .then_some(UnixMs(self.start.bits().cast_signed()))
    }

    fn set_start(&mut self, at: UnixMs) {
        self.start = Halves::of(at.0.cast_unsigned());
        self.knows_start = true;
    }

    /// The last second that it is known of, where its start is.
    pub fn last_update(&self) -> Option<UnixMs> {
        let run = Duration::from_secs(u64::from(self.run_s));
        self.start().map(|start| start.plus(run))
    }

    /// What the server calls the boot's number: the part stands above the 32 bits of the count.
    pub fn number(&self) -> u64 {
        (u64::from(self.part) << 32) | u64::from(self.boot.number)
    }

    /// Everything about it was acknowledged.
    pub fn is_told(&self) -> bool {
        self.acked_status == Some(self.status)
            && self.acked_run_s >= self.run_s
            && (!self.knows_start || self.acked_revision == Some(self.start_revision))
    }

    /// What nobody would know if it went away.
    pub fn untold_s(&self) -> u32 {
        self.run_s.saturating_sub(self.acked_run_s)
    }

    /// Sets the start anew where it is another one by more than clocks differ; says whether it did.
    pub(super) fn began(&mut self, at: UnixMs) -> bool {
        match self.start() {
            None => self.set_start(at),
            Some(known) if known.until_ms(at).unsigned_abs() >= SAME_START_MS => {
                self.set_start(at);
                self.start_revision = self.start_revision.saturating_add(1);
            }
            Some(_) => return false,
        }
        true
    }

    pub(super) fn ran(&mut self, run_s: u32) {
        self.run_s = self.run_s.max(run_s);
    }

    /// The server has all that `sent` says.
    pub(super) fn acknowledged(&mut self, sent: &Self) {
        self.acked_run_s = self.acked_run_s.max(sent.run_s);
        self.acked_status = Some(sent.status);
        if sent.knows_start {
            self.acked_revision = Some(sent.start_revision);
        }
    }

    pub(super) fn encode(&self) -> [u8; SESSION_BYTES] {
        let mut bytes = [0; SESSION_BYTES];
        // It has exactly this length, as the tests see.
        let _ = self.put(&mut bytes);
        bytes
    }

    fn put(&self, bytes: &mut [u8; SESSION_BYTES]) -> Result<(), OutOfRoom> {
        let mut put = Put::into(bytes);
        let flags = u8::from(self.knows_start)
            | (u8::from(self.knows_start) << 1)
            | (u8::from(self.status == Status::Closed) << 2)
            | (u8::from(self.acked_status == Some(Status::Open)) << 3)
            | (u8::from(self.acked_status == Some(Status::Closed)) << 4)
            | (u8::from(self.acked_revision.is_some()) << 5);
        put.u8(VERSION)?;
        put.u32(self.boot.epoch)?;
        put.u32(self.boot.number)?;
        put.u16(self.part)?;
        put.u8(flags)?;
        put.i64(self.start().map_or(0, |at| at.0))?;
        put.u16(self.start_revision)?;
        put.u32(self.run_s)?;
        put.i64(self.last_update().map_or(0, |at| at.0))?;
        put.u32(self.acked_run_s)?;
        put.u16(self.acked_revision.unwrap_or(0))?;
        let crc = crc32fast::hash(put.written());
        put.u32(crc)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadSession> {
        let mut take = Take(bytes);
        match take.u8()? {
            VERSION => {}
            0 => return Err(BadSession::Damaged),
            _ => return Err(BadSession::Newer),
        }
        let boot = Boot {
            epoch: take.u32()?,
            number: take.u32()?,
        };
        let part = take.u16()?;
        let flags = take.u8()?;
        let has = |bit: u8| flags & (1 << bit) != 0;
        let mut session = Self::new(boot, part);
        let start = UnixMs(take.i64()?);
        if has(0) {
            session.set_start(start);
        }
        session.start_revision = take.u16()?;
        session.run_s = take.u32()?;
        // It follows from start and run.
        take.i64()?;
        session.status = if has(2) { Status::Closed } else { Status::Open };
        session.acked_run_s = take.u32()?;
        session.acked_revision = Some(take.u16()?).filter(|_| has(5));
        session.acked_status = match (has(3), has(4)) {
            (false, false) => None,
            (true, false) => Some(Status::Open),
            (false, true) => Some(Status::Closed),
            (true, true) => return Err(BadSession::Damaged),
        };
        let crc = take.u32()?;
        let covered = bytes.get(..SESSION_BYTES - 4).unwrap_or_default();
        if crc32fast::hash(covered) != crc || !take.is_empty() {
            return Err(BadSession::Damaged);
        }
        Ok(session)
    }
}

/// A second opinion of the same clock.
const SAME_START_MS: u64 = 2000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_status() -> impl Strategy<Value = Option<Status>> {
        prop_oneof![Just(None), Just(Some(Status::Open)), Just(Some(Status::Closed))]
    }

    proptest! {
        #[test]
        fn what_is_saved_is_what_is_read(
            (epoch, number, part, start_revision) in any::<(u32, u32, u16, u16)>(),
            (start, acked_revision) in any::<(Option<i64>, Option<u16>)>(),
            (run_s, acked_run_s, closed) in any::<(u32, u32, bool)>(),
            acked_status in any_status(),
            bit in 0..SESSION_BYTES * 8,
        ) {
            let mut session = Session {
                start_revision,
                run_s,
                status: if closed { Status::Closed } else { Status::Open },
                acked_run_s,
                acked_revision,
                acked_status,
                ..Session::new(Boot { epoch, number }, part)
            };
            if let Some(start) = start {
                session.set_start(UnixMs(start));
            }
            let mut bytes = session.encode();
            prop_assert_eq!(Session::decode(&bytes), Ok(session));
            prop_assert_eq!(session.start(), start.map(UnixMs));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Session::decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_a_session_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Session::decode(&bytes);
        }
    }
}
