//! A clock chip with a coin cell: it goes on while the device has no power.

use device::clock::rtc::{FIRST_WRITTEN, REGISTERS, WRITTEN, decode, encode};
use device::clock::{self, UnixMs};
use device::controller::Input;
use device::time::Instant;

use super::Unit;
use super::uplink::Uplink;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Rtc {
    /// There is none on this board.
    pub is_absent: bool,
    /// What was written last, and when.
    set: Option<(Instant, [u8; WRITTEN])>,
}

impl Rtc {
    /// What its registers say now; of one that was never set, or whose cell was pulled, that it stood still.
    fn registers(&self, now: Instant) -> Option<[u8; REGISTERS]> {
        if self.is_absent {
            return None;
        }
        let mut registers = [0; REGISTERS];
        let (_, kept) = registers.split_at_mut(usize::from(FIRST_WRITTEN));
        match self.set {
            Some((at, written)) => {
                kept.copy_from_slice(&written);
                let then = decode(&registers, at).ok()?;
                let passed_ms = i64::try_from(now.since(at).as_millis()).unwrap_or(i64::MAX);
                let utc = UnixMs(then.reading.utc.0.saturating_add(passed_ms));
                let (_, kept) = registers.split_at_mut(usize::from(FIRST_WRITTEN));
                kept.copy_from_slice(&encode(utc)?);
            }
            None => kept[0] = 1 << 7,
        }
        Some(registers)
    }

    /// Somebody takes the coin cell out.
    pub fn pull_cell(&mut self) {
        self.set = None;
    }
}

impl<L: Uplink> Unit<L> {
    pub(super) fn set_rtc(&mut self, registers: [u8; WRITTEN]) {
        self.note("rtc", || format!("{registers:02x?}"));
        self.rtc.set = Some((self.now, registers));
    }

    /// Once at boot.
    pub(super) fn read_rtc(&mut self) {
        if let Some(registers) = self.rtc.registers(self.now) {
            self.tell(Input::Clock(clock::Input::Rtc(&registers)));
        }
    }
}
