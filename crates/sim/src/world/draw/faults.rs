//! Which things go wrong, and how often each.

use std::time::Duration;

use device::settings::Profile;
use rand::RngExt;

use super::{Draft, HOUR_S};
use crate::board::Cut;
use crate::server::{Fault, Forgery, OffsetLie};
use crate::unit::camera::BadFrame;
use crate::unit::faults::{Armed, Moment, Ntp, Stall};
use crate::wifi::Trouble;
use crate::world::plan::{Air, AtServer, Happening};

const STATUSES: [u16; 18] = [
    400, 401, 403, 404, 408, 409, 410, 411, 413, 415, 422, 423, 429, 460, 500, 502, 503, 507,
];

impl Draft {
    pub(super) fn fault(&mut self) {
        let at_ms = self.moment_ms();
        match self.up_to(0, 28) {
            26 | 27 if self.trade != Profile::Race => self.at_home(at_ms),
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
        match self.up_to(0, 15) {
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
            15 => Fault::Unstored(self.one_of(&Forgery::ALL)),
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
            2 => {
                let back = Duration::from_secs(self.up_to(0, 36 * HOUR_S));
                self.at_server(at_ms, AtServer::PutBack(back));
            }
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
                let ntp = self.one_of(&[Ntp::Silent, Ntp::Unreachable, Ntp::Denies, Ntp::Forged, Ntp::Late]);
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

    fn at_home(&mut self, at_ms: u64) {
        if self.trade == Profile::Uptime || self.one_in(4) {
            self.put_ms(at_ms, Happening::ClockCell);
            return;
        }
        let count = self.up_to(1, 4);
        let frames = (0..count)
            .map(|_| self.one_of(&[BadFrame::None, BadFrame::Cut, BadFrame::NoEnd, BadFrame::Dark]));
        let frames = frames.collect();
        self.put_ms(at_ms, Happening::BadFrames(frames));
    }
}
