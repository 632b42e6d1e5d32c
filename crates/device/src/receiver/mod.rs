//! The satellite receiver: a u-blox M8 on a serial line that wakes up slow, chatty and at another speed.
//!
//! ```text
//!             Baud(b), CFG-PRT 115200, Baud(115200), CFG-MSG, CFG-RATE
//!   ┌────────┐ ───────────────────────────────────────────────────────► ┌────────┐ NAV-PVT ┌─────────┐
//!   │ Asking │                                                            │ Asked  │ ──────► │ Running │
//!   └────────┘ ◄──────────────── 1.5 s without a solution: next b ────── └────────┘         └─────────┘
//!        ▲                                                                                       │
//!        └──────────────────────────── 2 s without a solution: it lost power ──────────────────┘
//! ```
//!
//! A receiver boots at 9600 baud and 1 Hz and says so to nobody; which speed it has is found by asking at each. Solutions of the same
//! epoch are one solution. When solutions come slower than asked for, the rate is set again.
//!
//! **Contract.** Hand over bytes as they come with [`Receiver::bytes`], drain [`Receiver::poll`], call [`Receiver::tick`] at
//! [`Receiver::next_deadline`]. `Baud` means: once everything before is sent.

mod fix;
mod frame;

use core::time::Duration;

use heapless::Deque;

use crate::time::Instant;
pub use fix::Fix;
use fix::NAV_PVT_BYTES;
pub use frame::Packet;
use frame::{Frame, Frames, packet};

/// 92-byte solutions ten times a second need a fifth of it.
pub const BAUD: u32 = 115_200;
/// Where receivers are found: as they boot, as an earlier start left them, as other firmware does.
const BAUDS: [u32; 3] = [9_600, BAUD, 38_400];
/// Solutions a second.
pub const RATE_HZ: u8 = 10;
/// Between them.
const PERIOD_MS: u16 = 1_000 / RATE_HZ as u16;
/// A receiver answers a changed setting with the next solution, one second later at most.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// Twenty solutions missing in a row.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// Solutions of a second that come slower than this say that the rate was lost.
const SLOW_AFTER_MS: u32 = 3 * PERIOD_MS as u32;
/// Slow ones in a row before the rate is set again.
const SLOW_MAX: u8 = 5;
/// Five for one attempt, and a solution.
const OUTPUTS_MAX: usize = 8;

const CLASS_NAV: u8 = 0x01;
const NAV_PVT: u8 = 0x07;
const CLASS_CFG: u8 = 0x06;
const CFG_PRT: u8 = 0x00;
const CFG_MSG: u8 = 0x01;
const CFG_RATE: u8 = 0x08;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The serial line's speed from now on.
    Baud(u32),
    Send(Packet),
    /// A solution that was not told before.
    Fix(Fix),
    /// Nothing is heard from it any more.
    Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Asked at this one of the speeds; an answer is waited for.
    Asked {
        baud: usize,
        since: Instant,
    },
    Running {
        heard: Instant,
        itow_ms: u32,
        slow: u8,
    },
}

#[derive(Debug)]
pub struct Receiver {
    frames: Frames,
    phase: Phase,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

impl Receiver {
    pub fn new(now: Instant) -> Self {
        let mut receiver = Self {
            frames: Frames::default(),
            phase: Phase::Asked { baud: 0, since: now },
            outputs: Deque::new(),
        };
        receiver.ask(0, now);
        receiver
    }

    /// Bytes of the serial line.
    pub fn bytes(&mut self, bytes: &[u8], now: Instant) {
        for byte in bytes {
            let solution = self.frames.byte(*byte).and_then(|frame| solution(&frame));
            if let Some(fix) = solution {
                self.solved(fix, now);
            }
        }
    }

    /// Call at [`Self::next_deadline`]; earlier calls change nothing.
    pub fn tick(&mut self, now: Instant) {
        if self.next_deadline() > now {
            return;
        }
        match self.phase {
            Phase::Asked { baud, .. } => self.ask((baud + 1) % BAUDS.len(), now),
            Phase::Running { .. } => {
                self.push(Output::Silent);
                self.ask(0, now);
            }
        }
    }

    pub fn next_deadline(&self) -> Instant {
        match self.phase {
            Phase::Asked { since, .. } => since + ANSWER_WITHIN,
            Phase::Running { heard, .. } => heard + SILENT_AFTER,
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Sets everything that makes it useful, at a speed that it may have.
    fn ask(&mut self, baud: usize, now: Instant) {
        self.phase = Phase::Asked { baud, since: now };
        self.frames.clear();
        self.push(Output::Baud(BAUDS.get(baud).copied().unwrap_or(BAUD)));
        self.push(Output::Send(port()));
        self.push(Output::Baud(BAUD));
        self.push(Output::Send(packet(CLASS_CFG, CFG_MSG, &[CLASS_NAV, NAV_PVT, 1])));
        self.push(Output::Send(rate()));
    }

    fn solved(&mut self, fix: Fix, now: Instant) {
        let (before, slow) = match self.phase {
            Phase::Asked { .. } => (None, 0),
            Phase::Running { itow_ms, slow, .. } => (Some(itow_ms), slow),
        };
        if before == Some(fix.itow_ms) {
            return;
        }
        let apart_ms = before.map_or(0, |before| fix.itow_ms.wrapping_sub(before));
        let mut slow = if apart_ms > SLOW_AFTER_MS { slow + 1 } else { 0 };
        if slow >= SLOW_MAX {
            slow = 0;
            self.push(Output::Send(rate()));
        }
        self.phase = Phase::Running {
            heard: now,
            itow_ms: fix.itow_ms,
            slow,
        };
        self.push(Output::Fix(fix));
    }

    /// Whoever does not drain loses the oldest: what is new counts.
    fn push(&mut self, output: Output) {
        if self.outputs.is_full() {
            self.outputs.pop_front();
        }
        // There is room now.
        let _ = self.outputs.push_back(output);
    }
}

fn solution(frame: &Frame<'_>) -> Option<Fix> {
    if (frame.class, frame.id) != (CLASS_NAV, NAV_PVT) {
        return None;
    }
    frame.payload.first_chunk::<NAV_PVT_BYTES>().map(fix::read)
}

/// UART1: 8N1 at [`BAUD`], UBX and NMEA in, UBX out.
fn port() -> Packet {
    const UART1: u8 = 1;
    const MODE_8N1: u32 = 0x08d0;
    let (mode, baud) = (MODE_8N1.to_le_bytes(), BAUD.to_le_bytes());
    let mut payload = [0; 20];
    payload[0] = UART1;
    payload[4..8].copy_from_slice(&mode);
    payload[8..12].copy_from_slice(&baud);
    // inProtoMask UBX and NMEA, outProtoMask UBX: GSV, GLL, VTG, GSA and the rest stay away with it.
    payload[12] = 0b11;
    payload[14] = 0b01;
    packet(CLASS_CFG, CFG_PRT, &payload)
}

/// One solution a measurement, aligned to GPS time.
fn rate() -> Packet {
    let [low, high] = PERIOD_MS.to_le_bytes();
    packet(CLASS_CFG, CFG_RATE, &[low, high, 1, 0, 1, 0])
}
