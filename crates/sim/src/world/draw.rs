//! Draws a plan.

use std::time::Duration;

use device::store::Extents;
use device::time::Instant;
use rand::RngExt;

use super::plan::{Air, AtServer, EXTENTS, Happening, Level, Plan};
use crate::board::Cut;
use crate::server::{Fault, Forgery, OffsetLie};
use crate::unit::Hardware;
use crate::unit::faults::{Armed, Moment, Ntp, Stall};
use crate::wifi::Trouble;
use crate::{SeededRng, seeded};

/// Time on the move and standing behind it, of all rides together.
const RECORDED_S: u64 = 600;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;
/// The smallest card that FAT32 can lie on, and how much of it holiday pictures take.
const SMALL_CARD_SECTORS: u32 = 70_000;
const TAKEN_BYTES: u32 = 31 << 20;
const CARD_SECTORS: u32 = 1 << 22;
const STATUSES: [u16; 18] = [
    400, 401, 403, 404, 408, 409, 410, 411, 413, 415, 422, 423, 429, 460, 500, 502, 503, 507,
];

struct Draft {
    rng: SeededRng,
    rides: Vec<(Instant, Instant)>,
    happenings: Vec<(Instant, Happening)>,
    /// Spans of time in which the device has power.
    on: Vec<(u64, u64)>,
}

pub(super) fn draw(seed: u64, level: Level) -> Plan {
    let mut draft = Draft {
        rng: seeded(seed ^ 0x0077_0d1d),
        rides: Vec::new(),
        happenings: Vec::new(),
        on: Vec::new(),
    };
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
            saves,
        },
        rides: draft.rides,
        happenings,
        good_from: at_ms(end_s * 1_000),
    }
}

impl Draft {
    /// Rides and visits at home, with the days between them; gives the moment at which all of it is over.
    fn days(&mut self) -> u64 {
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
        now_s + self.up_to(2, 5) * DAY_S / 2
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

    fn fault(&mut self) {
        let at_ms = self.moment_ms();
        let kind = self.up_to(0, 28);
        match kind {
            0..=2 => {
                let off_for = self.pause();
                self.put_ms(at_ms, Happening::Cut { off_for });
            }
            3..=8 => self.armed(at_ms),
            9 => {
                let after = Duration::from_millis(self.up_to(0, 60));
                let off_for = self.pause();
                self.put_ms(at_ms, Happening::CutOnceStored { after, off_for });
            }
            10..=14 => self.requests(at_ms),
            15..=20 => self.network(at_ms),
            21..=22 => self.server(at_ms),
            23..=26 => self.hardware(at_ms),
            _ => self.outside(at_ms),
        }
    }

    fn armed(&mut self, at_ms: u64) {
        let moment = match self.up_to(0, 11) {
            0..=2 => Moment::Now,
            3..=4 => Moment::Boot,
            5 => Moment::Open,
            6 => Moment::Seal,
            7 => Moment::Offer,
            8 => Moment::Receipt,
            9 => Moment::Save,
            _ => Moment::Erase,
        };
        let steps = match moment {
            Moment::Now => self.up_to(0, 300),
            Moment::Boot | Moment::Open | Moment::Seal => self.up_to(0, 24),
            Moment::Offer | Moment::Receipt | Moment::Save => self.up_to(0, 2),
            Moment::Erase => 0,
        };
        // A start that is cut is often cut again.
        let times = if moment == Moment::Boot {
            self.up_to(1, 3)
        } else {
            1
        };
        for _ in 0..times {
            let cut = self.cut();
            let armed = Armed { moment, steps, cut };
            let off_for = self.pause();
            self.put_ms(at_ms, Happening::Armed { armed, off_for });
        }
        if moment == Moment::Boot {
            let off_for = self.pause();
            self.put_ms(at_ms + 1, Happening::Cut { off_for });
        }
    }

    fn cut(&mut self) -> Cut {
        match self.up_to(0, 3) {
            0 => Cut::Before,
            1 => Cut::After,
            _ => Cut::Torn(self.rng.random()),
        }
    }

    fn requests(&mut self, at_ms: u64) {
        let count = self.up_to(1, 3);
        let faults = (0..count).map(|_| self.request()).collect();
        let what = if self.one_in(2) {
            AtServer::Requests(faults)
        } else {
            AtServer::Waiting(faults)
        };
        self.at_server(at_ms, what);
    }

    fn request(&mut self) -> Fault {
        match self.up_to(0, 14) {
            0..=1 => {
                let status = self.one_of(&STATUSES);
                let retry_after_s = self.one_in(3).then(|| self.up_to(1, 40) as u32);
                Fault::Status(status, retry_after_s)
            }
            2 => Fault::Silent,
            3..=4 => Fault::LostReply,
            5 => Fault::DiesInBody(self.up_to(0, 300_000) as usize),
            6 => Fault::Offset(self.one_of(&OffsetLie::ALL)),
            7 | 14 => Fault::Receipt(self.one_of(&Forgery::ALL)),
            8 => Fault::Forgotten(self.one_of(&[404, 410])),
            9 => Fault::Redirect,
            10 => Fault::SignInPage,
            11 => Fault::HugeBody,
            12 => Fault::AlwaysFurther,
            _ => Fault::Creeps(self.up_to(1, 2_000)),
        }
    }

    fn network(&mut self, at_ms: u64) {
        let index = self.up_to(0, 1) as usize;
        let until_ms = at_ms + self.up_to(2_000, 200_000);
        match self.up_to(0, 9) {
            0..=1 => {
                self.air(at_ms, Air::Switch { index, is_on: false });
                self.air(until_ms, Air::Switch { index, is_on: true });
            }
            2 => {
                self.air(at_ms, Air::Password { is_right: false });
                self.air(until_ms, Air::Password { is_right: true });
            }
            3 => self.air(at_ms, Air::ScansFail(1)),
            4 => {
                let count = self.up_to(1, 4) as u32;
                self.air(at_ms, Air::ScansFail(count));
            }
            _ => {
                let after_s = self.up_to(1, 30) as u8;
                let trouble = self.one_of(&[
                    Trouble::JoinHangs,
                    Trouble::NoAddress,
                    Trouble::NoInternet,
                    Trouble::Drops { after_s },
                ]);
                // From before it is looked for.
                let from_ms = at_ms.saturating_sub(300_000);
                self.air(from_ms, Air::Trouble { index, trouble });
                let trouble = Trouble::None;
                self.air(until_ms, Air::Trouble { index, trouble });
            }
        }
    }

    fn server(&mut self, at_ms: u64) {
        match self.up_to(0, 5) {
            0 => {
                let fault = self.one_of(&[
                    Fault::Silent,
                    Fault::Status(503, None),
                    Fault::Status(500, Some(30)),
                ]);
                self.at_server(at_ms, AtServer::Outage(Some(fault)));
                self.at_server(at_ms + HOUR_S * 1_000, AtServer::Outage(None));
            }
            1 => self.at_server(at_ms, AtServer::LosesRecording),
            2 => self.at_server(at_ms, AtServer::NewEpoch),
            3 => self.at_server(at_ms, AtServer::ForgetsUploads),
            4 => {
                let number = self.up_to(1, 6) as u32;
                let status = self.one_of(&[413, 415, 422]);
                self.at_server(at_ms, AtServer::Poison { number, status });
            }
            _ => {
                let until_ms = at_ms + self.up_to(5_000, 7_200_000);
                self.at_server(at_ms, AtServer::Token { is_good: false });
                self.at_server(until_ms, AtServer::Token { is_good: true });
            }
        }
    }

    fn hardware(&mut self, at_ms: u64) {
        match self.up_to(0, 4) {
            0..=1 => {
                let span = Duration::from_millis(self.up_to(20, 500));
                self.put_ms(at_ms, Happening::Stall(Stall::Card(span)));
            }
            2 => {
                let span = Duration::from_millis(self.up_to(45, 400));
                self.put_ms(at_ms, Happening::Stall(Stall::Flash(span)));
            }
            _ => {
                let operations = self.up_to(1, 4) as u32;
                self.put_ms(at_ms, Happening::CardFails(operations));
            }
        }
    }

    fn outside(&mut self, at_ms: u64) {
        let until_ms = at_ms + self.up_to(3_000, 100_000);
        match self.up_to(0, 3) {
            0 => {
                self.put_ms(at_ms, Happening::Blind(true));
                self.put_ms(until_ms, Happening::Blind(false));
            }
            1 => {
                let ntp = self.one_of(&[Ntp::Silent, Ntp::Unreachable, Ntp::Denies]);
                self.put_ms(at_ms, Happening::Ntp(ntp));
                self.put_ms(at_ms + 4 * HOUR_S * 1_000, Happening::Ntp(Ntp::Answers));
            }
            2 => {
                let mv = self.one_of(&[3_100, 3_250, 3_400, 3_450]);
                for step in 0..15 {
                    self.put_ms(at_ms + step * 1_000, Happening::Battery { mv });
                }
                for step in 0..65 {
                    self.put_ms(until_ms + step * 1_000, Happening::Battery { mv: 4_000 });
                }
            }
            _ => {
                let held = Duration::from_millis(self.up_to(40, 6_000));
                self.put_ms(at_ms, Happening::Button { held });
            }
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
