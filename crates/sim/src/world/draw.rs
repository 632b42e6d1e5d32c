//! Draws a plan.

mod faults;

use std::time::Duration;

use device::settings::{AfterReceipt, Profile};
use device::store::Extents;
use device::time::Instant;
use rand::RngExt;

use super::plan::{Air, AtServer, EXTENTS, Happening, Level, Plan, Wishes};
use crate::unit::Hardware;
use crate::{SeededRng, seeded};

/// Time on the move and standing behind it, of all rides together.
const RECORDED_S: u64 = 600;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;
/// The smallest card that FAT32 can lie on, and how much of it holiday pictures take.
const SMALL_CARD_SECTORS: u32 = 70_000;
const TAKEN_BYTES: u32 = 31 << 20;
const CARD_SECTORS: u32 = 1 << 22;
struct Draft {
    rng: SeededRng,
    trade: Profile,
    rides: Vec<(Instant, Instant)>,
    happenings: Vec<(Instant, Happening)>,
    /// Spans of time in which the device has power.
    on: Vec<(u64, u64)>,
}

pub(super) fn draw(seed: u64, level: Level) -> Plan {
    let mut draft = Draft {
        rng: seeded(seed ^ 0x0077_0d1d),
        trade: Profile::Race,
        rides: Vec::new(),
        happenings: Vec::new(),
        on: Vec::new(),
    };
    let wishes = draft.wishes();
    draft.trade = wishes.trade;
    let end_s = draft.days();
    let (least, most) = match level {
        Level::None => (0, 0),
        Level::Mild => (4, 8),
        Level::Harsh => (24, 40),
    };
    for _ in 0..draft.up_to(least, most) {
        draft.fault();
    }
    let is_small = level == Level::Harsh && draft.one_in(6);
    let extents = Extents {
        bytes: if is_small { 512 << 10 } else { EXTENTS.bytes },
        ..EXTENTS
    };
    let spool_bytes_max = if draft.one_in(3) {
        draft.up_to(20_000, 100_000) as u32
    } else {
        Hardware::default().spool_bytes_max
    };
    let saves = if level == Level::None {
        1
    } else {
        draft.up_to(1, 500) as u32
    };
    let mut happenings = draft.happenings;
    happenings.sort_by_key(|(at, _)| *at);
    Plan {
        seed,
        level,
        hardware: Hardware {
            card_sectors: if is_small {
                SMALL_CARD_SECTORS
            } else {
                CARD_SECTORS
            },
            taken_bytes: if is_small { TAKEN_BYTES } else { 0 },
            extents,
            spool_bytes_max,
            saves,
        },
        wishes,
        rides: draft.rides,
        happenings,
        good_from: at_ms(end_s * 1_000),
    }
}

impl Draft {
    fn wishes(&mut self) -> Wishes {
        Wishes {
            trade: match self.up_to(0, 99) {
                0..70 => Profile::Race,
                70..85 => Profile::Uptime,
                _ => Profile::Camera,
            },
            after_receipt: if self.one_in(3) {
                AfterReceipt::Delete
            } else {
                AfterReceipt::Archive
            },
            picture_every_s: self.up_to(60, 600) as u32,
        }
    }

    /// Times with power, with the days between them; gives the moment at which all of it is over.
    fn days(&mut self) -> u64 {
        let now_s = match self.trade {
            Profile::Race => self.rides(),
            Profile::Uptime | Profile::Camera => self.hours(),
        };
        now_s + self.up_to(2, 5) * DAY_S / 2
    }

    fn hours(&mut self) -> u64 {
        let mut now_s = 10;
        for _ in 0..self.up_to(2, 4) {
            let until_s = now_s + self.up_to(HOUR_S / 6, HOUR_S * 3 / 2);
            now_s = self.on_until(now_s, until_s) + self.gap_s();
        }
        now_s
    }

    /// Rides, and visits at home.
    fn rides(&mut self) -> u64 {
        let rides = self.up_to(1, 4);
        let mut now_s = 10;
        for _ in 0..rides {
            let whole_s = RECORDED_S / rides;
            let moving_s = self.up_to(whole_s / 5, whole_s * 4 / 5);
            let from_s = now_s + self.up_to(8, 25);
            let until_s = from_s + moving_s;
            self.rides.push((at_ms(from_s * 1_000), at_ms(until_s * 1_000)));
            let standing_s = match self.up_to(0, 3) {
                0 => self.up_to(1, 60),
                1 => {
                    let pressed_s = until_s + self.up_to(1, 40);
                    let held = Duration::from_millis(self.up_to(80, 900));
                    self.put_ms(pressed_s * 1_000, Happening::Button { held });
                    self.up_to(60, 300)
                }
                _ => 190 + self.up_to(0, 240),
            };
            now_s = self.on_until(now_s, until_s + standing_s);
            now_s += self.gap_s();
        }
        for _ in 0..self.up_to(0, 2) {
            let until_s = now_s + self.up_to(30, 240);
            now_s = self.on_until(now_s, until_s) + self.gap_s();
        }
        now_s
    }

    fn on_until(&mut self, from_s: u64, until_s: u64) -> u64 {
        self.put_ms(from_s * 1_000, Happening::Power(true));
        self.put_ms(until_s * 1_000, Happening::Power(false));
        self.on.push((from_s, until_s));
        until_s
    }

    fn gap_s(&mut self) -> u64 {
        match self.up_to(0, 3) {
            0 => self.up_to(5, 600),
            1 => self.up_to(1, 12) * HOUR_S,
            _ => self.up_to(HOUR_S, DAY_S),
        }
    }

    /// Some moment at which the device has power.
    fn moment_ms(&mut self) -> u64 {
        let span = self.up_to(0, self.on.len() as u64 - 1) as usize;
        let (from_s, until_s) = self.on[span];
        self.up_to(from_s * 1_000 + 100, until_s * 1_000)
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(match self.up_to(0, 3) {
            0..=1 => self.up_to(200, 5_000),
            _ => self.up_to(5_000, 60_000),
        })
    }

    fn put_ms(&mut self, at: u64, happening: Happening) {
        self.happenings.push((at_ms(at), happening));
    }

    fn air(&mut self, at: u64, what: Air) {
        self.put_ms(at, Happening::Air(what));
    }

    fn at_server(&mut self, at: u64, what: AtServer) {
        self.put_ms(at, Happening::Server(what));
    }

    fn up_to(&mut self, least: u64, most: u64) -> u64 {
        self.rng.random_range(least..=most)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.rng.random_range(0..count) == 0
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.rng.random_range(0..all.len())].clone()
    }
}

fn at_ms(ms: u64) -> Instant {
    Instant::BOOT + Duration::from_millis(ms)
}
