//! The PCF8523: a calendar with a coin cell, on I²C.
//!
//! ```text
//! 00 Control_1   bit 5 STOP, bit 3 12_24 (1: twelve hours)
//! 02 Control_3   bit 2 BLF: the coin cell is low
//! 03 Seconds     bit 7 OS: the oscillator stood still since the flag was cleared; 6..0 BCD
//! 04 Minutes     05 Hours (twelve hours: bit 5 is PM)     06 Days     07 Weekdays     08 Months     09 Years, two digits
//! ```
//!
//! (NXP PCF8523 data sheet, table 4.) It keeps whole seconds of UTC. Everything that it says is checked: a cell that was pulled, a bus
//! without pull-ups (all ones) and a chip that is not there (all zeros) look like dates to whoever does not.

use super::{Civil, Reading, Source, UnixMs};
use crate::time::Instant;

/// Registers 00 to 09, read in one go so that no carry falls between them.
pub const REGISTERS: usize = 10;
/// Registers 03 to 09, written in one go.
pub const FIRST_WRITTEN: u8 = 0x03;
pub const WRITTEN: usize = 7;

/// The crystal's 20 ppm are 1.7 s a day; a device that lay for a month is still within.
const WITHIN_MS: u32 = 60_000;

const STOP: u8 = 1 << 5;
const TWELVE_HOURS: u8 = 1 << 3;
const BATTERY_LOW: u8 = 1 << 2;
const OSCILLATOR_STOPPED: u8 = 1 << 7;
const PM: u8 = 1 << 5;

/// Why the chip's time is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtcError {
    /// The oscillator stood still: the cell is empty or was taken out.
    Stopped,
    /// Somebody halted the counters.
    Halted,
    /// Digits that no calendar has, in the register of this number.
    Garbage { register: u8 },
}

impl core::fmt::Display for RtcError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stopped => f.write_str("the clock chip stood still; change its coin cell"),
            Self::Halted => f.write_str("the clock chip is halted; it runs again once it is set"),
            Self::Garbage { register } => write!(
                f,
                "register {register:02} of the clock chip holds no time; check its wiring"
            ),
        }
    }
}

/// What the chip said at `at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtcTime {
    pub reading: Reading,
    pub battery_low: bool,
}

/// Reads registers 00 to 09.
pub fn decode(registers: &[u8; REGISTERS], at: Instant) -> Result<RtcTime, RtcError> {
    let [
        control_1,
        _,
        control_3,
        seconds,
        minutes,
        hours,
        days,
        _,
        months,
        years,
    ] = *registers;
    if seconds & OSCILLATOR_STOPPED != 0 {
        return Err(RtcError::Stopped);
    }
    if control_1 & STOP != 0 {
        return Err(RtcError::Halted);
    }
    let civil = Civil {
        second: bcd(seconds, 3)?,
        minute: bcd(minutes, 4)?,
        hour: hour(hours, control_1 & TWELVE_HOURS != 0)?,
        day: bcd(days, 6)?,
        month: bcd(months, 8)?,
        year: 2000 + u16::from(bcd(years, 9)?),
    };
    let utc = civil.unix().ok_or(RtcError::Garbage { register: 6 })?;
    Ok(RtcTime {
        reading: Reading {
            source: Source::Rtc,
            utc,
            at,
            within_ms: WITHIN_MS,
        },
        battery_low: control_3 & BATTERY_LOW != 0,
    })
}

/// What to write from register 03 on at the moment `at` says; it clears the flag of the oscillator. The chip has to be in 24-hour mode, which is
/// how it starts. `None` for a year that it cannot hold.
pub fn encode(at: UnixMs) -> Option<[u8; WRITTEN]> {
    let civil = Civil::of(at)?;
    let year = civil.year.checked_sub(2000).filter(|year| *year < 100)?;
    Some([
        to_bcd(civil.second),
        to_bcd(civil.minute),
        to_bcd(civil.hour),
        to_bcd(civil.day),
        civil.weekday(),
        to_bcd(civil.month),
        to_bcd(u8::try_from(year).ok()?),
    ])
}

fn hour(register: u8, twelve: bool) -> Result<u8, RtcError> {
    if !twelve {
        return bcd(register, 5);
    }
    let hour = bcd(register & !PM, 5)?;
    match (hour, register & PM != 0) {
        (12, false) => Ok(0),
        (12, true) => Ok(12),
        (1..=11, false) => Ok(hour),
        (1..=11, true) => Ok(hour + 12),
        (_, _) => Err(RtcError::Garbage { register: 5 }),
    }
}

fn bcd(value: u8, register: u8) -> Result<u8, RtcError> {
    let (tens, ones) = (value >> 4, value & 0x0F);
    if tens > 9 || ones > 9 {
        return Err(RtcError::Garbage { register });
    }
    Ok(tens * 10 + ones)
}

const fn to_bcd(value: u8) -> u8 {
    ((value / 10) << 4) | (value % 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-21 (a Saturday) 23:59:58 in 24-hour mode.
    const GOOD: [u8; REGISTERS] = [0, 0, 0, 0x58, 0x59, 0x23, 0x21, 6, 0x11, 0x26];
    const GOOD_UTC: UnixMs = UnixMs(1_795_305_598_000);

    fn read(registers: [u8; REGISTERS]) -> Result<UnixMs, RtcError> {
        decode(&registers, Instant::BOOT).map(|time| time.reading.utc)
    }

    fn with(index: usize, value: u8) -> [u8; REGISTERS] {
        let mut registers = GOOD;
        registers[index] = value;
        registers
    }

    #[test]
    fn a_good_time_is_read_and_a_low_cell_is_said() {
        assert_eq!(read(GOOD), Ok(GOOD_UTC));
        assert!(!decode(&GOOD, Instant::BOOT).unwrap().battery_low);
        assert!(decode(&with(2, BATTERY_LOW), Instant::BOOT).unwrap().battery_low);
    }

    #[test]
    fn a_clock_that_stood_still_is_not_believed_whatever_it_shows() {
        assert_eq!(read(with(3, 0x80 | 0x58)), Err(RtcError::Stopped));
        assert_eq!(read(with(0, STOP)), Err(RtcError::Halted));
    }

    #[test]
    fn twelve_hours_are_read_with_their_half_of_the_day() {
        let at = |hours: u8| {
            let mut registers = with(0, TWELVE_HOURS);
            registers[5] = hours;
            read(registers)
                .map(|utc| Civil::of(utc).unwrap().hour)
                .map_err(|_| ())
        };
        assert_eq!(
            (at(0x12), at(0x12 | PM), at(0x01), at(0x11 | PM)),
            (Ok(0), Ok(12), Ok(1), Ok(23))
        );
        assert_eq!((at(0x00), at(0x13), at(0x13 | PM)), (Err(()), Err(()), Err(())));
    }

    #[test]
    fn a_chip_that_is_not_there_is_not_a_date() {
        assert_eq!(
            read([0; REGISTERS]),
            Err(RtcError::Garbage { register: 6 }),
            "month 0"
        );
        assert_eq!(read([0xFF; REGISTERS]), Err(RtcError::Stopped));
        assert_eq!(read(with(4, 0x5A)), Err(RtcError::Garbage { register: 4 }));
        assert_eq!(
            read(with(8, 0x02)).map(|utc| utc.is_plausible()),
            Ok(true),
            "21 February"
        );
        let mut february = with(8, 0x02);
        february[6] = 0x30;
        assert_eq!(read(february), Err(RtcError::Garbage { register: 6 }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(second in 946_684_800..4_102_444_800i64) {
            let mut registers = [0; REGISTERS];
            registers[3..].copy_from_slice(&encode(UnixMs(second * 1000)).unwrap());
            prop_assert_eq!(read(registers), Ok(UnixMs(second * 1000)));
        }

        #[test]
        fn any_registers_are_a_time_or_a_reason(registers: [u8; REGISTERS]) {
            if let Ok(utc) = read(registers) {
                prop_assert!((UnixMs(946_684_800_000)..UnixMs::LATEST).contains(&utc));
            }
        }
    }
}
