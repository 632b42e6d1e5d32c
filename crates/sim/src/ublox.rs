//! A virtual u-blox M8 at the other end of a serial line.
//!
//! It boots at 9600 baud and 1 Hz and chatters NMEA, as the real one does, and understands the three settings that a
//! logger makes. Bytes that are sent at another speed than it has are noise to it, and its own to whoever listens at another.

use crate::gps::GpsFix;

/// CFG-PRT, CFG-MSG and CFG-RATE.
const CFG: u8 = 0x06;

/// What its line says of the moment.
#[derive(Debug, Clone)]
pub struct Ublox {
    baud: u32,
    period_ms: u32,
    nmea: bool,
    solutions: bool,
    heard: Vec<u8>,
}

impl Default for Ublox {
    fn default() -> Self {
        Self::powered_on()
    }
}

impl Ublox {
    /// As it comes out of the box, and after every loss of power.
    pub fn powered_on() -> Self {
        Self {
            baud: 9_600,
            period_ms: 1_000,
            nmea: true,
            solutions: false,
            heard: Vec::new(),
        }
    }

    /// As other firmware left it.
    pub fn left_at(baud: u32) -> Self {
        Self {
            baud,
            ..Self::powered_on()
        }
    }

    pub fn period_ms(&self) -> u32 {
        self.period_ms
    }

    /// Forgets its rate, as after a glitch of its supply that a capacitor almost bridged.
    pub fn forget_rate(&mut self) {
        self.period_ms = 1_000;
    }

    /// Bytes that the logger sends at a speed.
    pub fn hear(&mut self, bytes: &[u8], baud: u32) {
        if baud != self.baud {
            self.heard.clear();
            return;
        }
        self.heard.extend_from_slice(bytes);
        while let Some(frame) = self.next_frame() {
            self.obey(&frame);
        }
    }

    /// What it says at a moment of the drive, as it sounds at the listener's speed.
    pub fn say(&self, at: &Spoken<'_>, listener_baud: u32) -> Vec<u8> {
        let mut line = Vec::new();
        if self.nmea {
            line.extend_from_slice(b"$GPTXT,01,01,02,ANTSTATUS=OK*3B\r\n");
        }
        if self.solutions {
            line.extend_from_slice(&frame(0x01, 0x07, &at.nav_pvt()));
        }
        if listener_baud != self.baud {
            // The bits fall elsewhere: not the same bytes, and not as many.
            line = line
                .iter()
                .step_by(2)
                .map(|byte| byte.rotate_left(3) ^ 0x80)
                .collect();
        }
        line
    }

    fn next_frame(&mut self) -> Option<Vec<u8>> {
        let start = self.heard.windows(2).position(|two| two == [0xb5, 0x62])?;
        self.heard.drain(..start);
        let length = usize::from(u16::from_le_bytes([*self.heard.get(4)?, *self.heard.get(5)?]));
        if self.heard.len() < length + 8 {
            return None;
        }
        let whole: Vec<u8> = self.heard.drain(..length + 8).collect();
        let body = whole.get(2..length + 6)?;
        (whole.get(length + 6..)? == checksum(body)).then(|| body.to_vec())
    }

    fn obey(&mut self, body: &[u8]) {
        let [class, id, _, _, payload @ ..] = body else {
            return;
        };
        match (*class, *id, payload) {
            (CFG, 0x00, [1, _, _, _, _, _, _, _, b0, b1, b2, b3, _, _, out, ..]) => {
                self.baud = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
                self.nmea = out & 0b10 != 0;
            }
            (CFG, 0x01, [0x01, 0x07, rate]) => self.solutions = *rate > 0,
            (CFG, 0x08, [low, high, ..]) => {
                self.period_ms = u32::from(u16::from_le_bytes([*low, *high]));
            }
            _ => {}
        }
    }
}

/// A fix as the receiver words it.
#[derive(Debug, Clone, Copy)]
pub struct Spoken<'f> {
    pub fix: &'f GpsFix,
    /// Unix milliseconds of drive time 0.
    pub started_utc_ms: i64,
    /// False under a roof: the same position over and over, marked as no fix.
    pub is_valid: bool,
    /// False until a satellite has told date and time.
    pub has_time: bool,
}

impl Spoken<'_> {
    fn nav_pvt(&self) -> [u8; 92] {
        let unix_ms = self.started_utc_ms + libm::round(self.fix.time_s * 1_000.0) as i64;
        let mut pvt = [0; 92];
        let mut put = |at: usize, bytes: &[u8]| pvt[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &((unix_ms % 604_800_000) as u32).to_le_bytes());
        // Real receivers round to the nearest second and say the rest as nanoseconds of either sign.
        let second = (unix_ms + 500).div_euclid(1_000);
        let date = civil(second.div_euclid(86_400));
        put(4, &date.0.to_le_bytes());
        let of_day = second.rem_euclid(86_400);
        let clock = [of_day / 3_600, of_day / 60 % 60, of_day % 60].map(|part| part as u8);
        put(6, &[date.1, date.2, clock[0], clock[1], clock[2]]);
        put(11, &[if self.has_time { 0b0000_0111 } else { 0 }]);
        put(
            16,
            &(((unix_ms - second * 1_000) * 1_000_000) as i32).to_le_bytes(),
        );
        put(20, &[if self.is_valid { 3 } else { 0 }, u8::from(self.is_valid)]);
        put(23, &[self.fix.satellites]);
        put(24, &scaled(self.fix.lon_deg, 1e7));
        put(28, &scaled(self.fix.lat_deg, 1e7));
        put(36, &scaled(self.fix.alt_m, 1e3));
        put(40, &1_500_u32.to_le_bytes());
        put(60, &scaled(self.fix.speed_mps, 1e3));
        pvt
    }
}

fn scaled(value: f64, by: f64) -> [u8; 4] {
    (libm::round(value * by) as i32).to_le_bytes()
}

/// Year, month and day, counted off from 1970.
fn civil(mut days: i64) -> (u16, u8, u8) {
    let mut year = 1970_u16;
    let is_leap =
        |year: u16| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days as u8 + 1)
}

fn frame(class: u8, id: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = vec![class, id];
    body.extend_from_slice(&(payload.len() as u16).to_le_bytes());
    body.extend_from_slice(payload);
    let ends = checksum(&body);
    [&[0xb5, 0x62], &body[..], &ends].concat()
}

fn checksum(body: &[u8]) -> [u8; 2] {
    let (mut a, mut b) = (0_u32, 0_u32);
    for byte in body {
        a += u32::from(*byte);
        b += a;
    }
    [(a % 256) as u8, (b % 256) as u8]
}
