//! Lets what was planned happen.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use device::controller::Input;
use device::settings::{Profile, Settings, Via, configure};
use device::time::Instant;

use super::blocked::Blocked;
use super::invariants::Invariants;
use super::plan::{Air, AtServer};
use super::trace::TraceHash;
use super::truth::Truth;
use super::violation::{Broken, Rule};
use super::{Happening, Plan, Summary, World};
use crate::server::Server;
use crate::unit::faults::Ntp;
use crate::unit::{Ride, Surroundings, Unit};
use crate::wifi::{AccessPoint, HeldNetwork, Radio, Trouble};

const TOKEN: &str = "fpd_world";
const HOME: (&str, &str) = ("Home", "secret-secret");
const PHONE: (&str, &str) = ("iPhone", "twelve-twelve");
const OTHER_PASSWORD: &str = "changed-changed";
/// When worlds begin: a Sunday in November 2026.
const BEGAN_UTC_MS: i64 = 1_795_305_600_000;
/// A start that was cut is tried again after so long.
const AGAIN: Duration = Duration::from_secs(3);

impl<'p> World<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        let mut unit = unit(plan);
        unit.watched();
        Self {
            plan,
            done: 0,
            unit,
            is_wanted_on: false,
            comes_back: None,
            off_for: AGAIN,
            button_up: None,
            once_stored: None,
            forgets_uploads: false,
            cut_at: None,
            stored: 0,
            card_failed: 0,
            ntp_failed: 0,
            blocked: Blocked::default(),
            truth: Truth::default(),
            invariants: Invariants::of(plan),
            trace: TraceHash::default(),
            summary: Summary::default(),
            before: std::collections::VecDeque::new(),
        }
    }

    /// When something of the plan comes next, or of what follows from it.
    pub(super) fn next(&self) -> Instant {
        let planned = self.plan.happenings.get(self.done).map(|(at, _)| *at);
        [planned, self.comes_back, self.button_up, self.cut_at]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.plan.good_from)
    }

    /// Lets happen what is due.
    pub(super) fn happen(&mut self) -> Result<(), Broken> {
        let now = self.unit.now();
        if self.cut_at.take_if(|at| *at <= now).is_some() {
            let off_for = self.once_stored.take().map_or(AGAIN, |(_, off_for)| off_for);
            self.cut_off(off_for)?;
        }
        if self.comes_back.take_if(|at| *at <= now).is_some() && self.is_wanted_on {
            self.switch_on()?;
        }
        if self.button_up.take_if(|at| *at <= now).is_some() {
            self.unit.tell(Input::Button { is_down: false });
        }
        while let Some((at, happening)) = self.plan.happenings.get(self.done)
            && *at <= now
        {
            self.done += 1;
            self.begin(happening)?;
        }
        Ok(())
    }

    fn begin(&mut self, happening: &Happening) -> Result<(), Broken> {
        let now = self.unit.now();
        match happening {
            Happening::Power(true) => {
                self.is_wanted_on = true;
                if self.comes_back.is_none() && !self.unit.is_on() {
                    self.switch_on()?;
                }
            }
            Happening::Power(false) => {
                self.is_wanted_on = false;
                self.comes_back = None;
                if self.unit.is_on() {
                    self.summary.count("switched off", 1);
                    self.unit.power_off();
                    self.look()?;
                    self.lost_power(now)?;
                }
            }
            Happening::Cut { off_for } => self.cut_off(*off_for)?,
            Happening::Armed { armed, off_for } => {
                self.off_for = *off_for;
                self.unit.arm(*armed);
            }
            Happening::CutOnceStored { after, off_for } => self.once_stored = Some((*after, *off_for)),
            Happening::Button { held } => {
                self.unit.tell(Input::Button { is_down: true });
                self.button_up = Some(now + *held);
            }
            Happening::Battery { mv } => {
                if self.unit.is_on() {
                    self.summary.count(
                        if *mv < 3_300 {
                            "battery empty"
                        } else {
                            "battery low"
                        },
                        u64::from(*mv < 3_500),
                    );
                }
                self.unit.tell(Input::Battery { mv: *mv });
            }
            Happening::Blind(is_blind) => {
                self.summary
                    .count("no fix", u64::from(*is_blind && self.unit.is_on()));
                self.unit.faults.is_blind = *is_blind;
            }
            Happening::Stall(stall) => self.unit.faults.stall = Some(*stall),
            Happening::CardFails(operations) => self.unit.fail_card(*operations),
            Happening::BadFrames(frames) => self.unit.sensor.bad.extend(frames.iter().copied().map(Some)),
            Happening::ClockCell => {
                self.unit.rtc.pull_cell();
                self.summary.count("clock cell out", 1);
            }
            Happening::Ntp(ntp) => self.unit.faults.ntp = *ntp,
            Happening::Air(air) => self.on_the_air(*air),
            Happening::Server(act) => self.at_the_server(act),
        }
        Ok(())
    }

    fn on_the_air(&mut self, air: Air) {
        let now = self.unit.now();
        let is_on = self.unit.is_on();
        let radio = &mut self.unit.around.radio;
        match air {
            Air::Switch { index, is_on: up } => {
                self.summary.count("access point gone", u64::from(is_on && !up));
                radio.switch(index, up, now);
            }
            Air::Trouble { index, trouble } => {
                radio.access_points[index].trouble = trouble;
            }
            Air::Password { is_right } => {
                let password = if is_right { HOME.1 } else { OTHER_PASSWORD };
                radio.access_points[0].password = password.as_bytes().to_vec();
                // Whoever changes it restarts the router.
                radio.switch(0, false, now);
                radio.switch(0, true, now);
            }
            Air::ScansFail(count) => radio.scans_that_fail = count,
        }
    }

    fn at_the_server(&mut self, act: &AtServer) {
        let (device, now) = (self.unit.device(), self.unit.now());
        let server = &mut self.unit.around.server;
        match act {
            AtServer::Requests(faults) => server.next.extend(faults.iter().cloned().map(Some)),
            AtServer::Waiting(faults) => server.waiting.extend(faults.iter().cloned()),
            AtServer::Outage(fault) => server.always.clone_from(fault),
            AtServer::LosesRecording => {
                let newest = server.recordings().max_by_key(|stored| stored.stored_at_us);
                let newest = newest.and_then(|stored| Some((stored.sha256, stored.bytes.clone()?)));
                if let Some((sha256, bytes)) = newest {
                    server.lose(&bytes);
                    self.invariants.promised.lost(&[sha256]);
                    self.summary.count("server loses a recording", 1);
                }
            }
            AtServer::PutBack(back) => {
                let then_us = (BEGAN_UTC_MS + now.as_millis() as i64) * 1_000 - back.as_micros() as i64;
                let gone = server.put_back(then_us);
                self.invariants.promised.lost(&gone);
                self.stored = server.recordings().count();
                self.summary.count("new storage epoch", 1);
            }
            AtServer::ForgetsUploads => self.forgets_uploads = true,
            AtServer::Poison { number, status } => {
                let name = match self.plan.wishes.trade {
                    Profile::Race | Profile::Uptime => format!("sess_{number:06}.csv"),
                    Profile::Camera => format!("img_{number:06}.jpg"),
                };
                server.poisoned.insert(name, *status);
            }
            AtServer::Token { is_good: true } => server.add_device(TOKEN, device),
            AtServer::Token { is_good: false } => server.revoke(TOKEN),
        }
    }

    fn cut_off(&mut self, off_for: Duration) -> Result<(), Broken> {
        if !self.unit.is_on() {
            return Ok(());
        }
        self.summary.count("cut between writes", 1);
        self.comes_back = Some(self.unit.now() + off_for);
        self.unit.power_off();
        self.look()?;
        self.cut()
    }

    fn switch_on(&mut self) -> Result<(), Broken> {
        let now = self.unit.now();
        self.unit.power_on();
        if let Some(number) = self.unit.boot_number() {
            self.life_begins(number, now)?;
        } else if self.unit.faults.fallen.is_none() {
            return Err(Rule::Starts.broken("it does not".to_owned()));
        }
        Ok(())
    }

    pub(super) fn life_begins(&mut self, boot_number: u32, now: Instant) -> Result<(), Broken> {
        self.invariants.started(boot_number, now);
        self.invariants.ledger(&mut self.unit, &mut self.truth)?;
        self.truth.forget_pending();
        self.blocked = Blocked::default();
        Ok(())
    }

    /// Power, sky, network and server are well from now on.
    pub(super) fn heal(&mut self) -> Result<(), Broken> {
        let now = self.unit.now();
        let device = self.unit.device();
        self.ntp_failed = self.unit.faults.ntp_failed;
        self.unit.heal();
        self.unit.sensor.bad.clear();
        self.once_stored = None;
        self.done = self.plan.happenings.len();
        let radio = &mut self.unit.around.radio;
        radio.scans_that_fail = 0;
        radio.access_points[0].password = HOME.1.as_bytes().to_vec();
        for index in 0..radio.access_points.len() {
            radio.access_points[index].trouble = Trouble::None;
            radio.switch(index, true, now);
        }
        let server = &mut self.unit.around.server;
        server.next.clear();
        server.waiting.clear();
        server.always = None;
        server.add_device(TOKEN, device);
        self.unit.faults.ntp = Ntp::Answers;
        self.is_wanted_on = true;
        self.comes_back = None;
        self.cut_at = None;
        if !self.unit.is_on() {
            self.switch_on()?;
        }
        self.unit.tell(Input::Mains(true));
        self.look()
    }
}

/// A device from the shop that knows two networks and a server.
fn unit(plan: &Plan) -> Unit {
    let server = Server::new(plan.seed);
    let keys = URL_SAFE_NO_PAD.encode(server.public_key().as_bytes());
    let mut settings = Settings::default();
    for (ssid, pass) in [HOME, PHONE] {
        let json = format!(
            r#"{{"ssid":"{ssid}","pass":"{pass}","url":"https://fieldpost.example","token":"{TOKEN}","server_keys":["{keys}"]}}"#
        );
        if let Ok(configured) = configure(&settings, json.as_bytes(), Via::Sealed) {
            settings = configured.settings;
        }
    }
    settings.profile = plan.wishes.trade;
    settings.after_receipt = plan.wishes.after_receipt;
    settings.picture_every_s = plan.wishes.picture_every_s;
    let networks = settings.networks.iter().zip([HOME, PHONE]);
    let held = networks.map(|(network, (ssid, pass))| HeldNetwork::new(network.key.0, ssid, pass));
    let around = Surroundings {
        radio: Radio::new(
            plan.seed,
            vec![
                AccessPoint::new(HOME.0, HOME.1).on(),
                AccessPoint::new(PHONE.0, PHONE.1).on_channel(11),
            ],
        ),
        held: held.collect(),
        server,
        token: TOKEN.to_owned(),
        ride: Ride::new(plan.rides.clone()),
        began_utc_ms: BEGAN_UTC_MS,
    };
    Unit::of(plan.hardware, plan.seed, &settings, around)
}
