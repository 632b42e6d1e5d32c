//! The life of one device of a fleet.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::{SendError, SyncSender};
use std::time::{self, Duration};

use device::controller::Input;
use device::settings::{Settings, Via, configure};
use device::time::Instant;
use wire::receipt::PublicKey;

use super::forecast::forecast;
use super::plan::{Act, Plan};
use super::report::{Deed, Figures, News, Report, Said, Standing};
use super::watch::Watch;
use super::{Kind, Role, Setup};
use crate::live::{Endpoint, Live};
use crate::still::still;
use crate::unit::{Surroundings, Unit};
use crate::wifi::{AccessPoint, HeldNetwork, Radio};

/// Between two looks at the clock.
const BREATH: Duration = Duration::from_millis(25);
/// A display changes no faster.
const STANDING_EVERY: Duration = Duration::from_millis(250);
/// A finger on the button.
const PRESS: Duration = Duration::from_millis(200);
const SSID: &str = "Paddock";
const PASSWORD: &str = "paddock-paddock";
const PICTURE_EVERY_S: u32 = 20;
/// What the device believes its server is called; the world leads it to the one of the [`Setup`].
const URL: &str = "https://fieldpost.example";

/// Nobody listens any more.
struct Unheard;

impl<T> From<SendError<T>> for Unheard {
    fn from(_: SendError<T>) -> Self {
        Self
    }
}

/// From its first start to its report, or until nobody listens.
pub(super) fn live(setup: &Setup, role: Role, index: usize, news: &SyncSender<News>) {
    // Who does not listen any more does not want to hear so.
    let _ = Member::new(setup, role, index, news).and_then(|member| member.live(setup));
}

struct Member<'n> {
    unit: Unit<Live>,
    watch: Watch,
    kind: Kind,
    plan: Plan,
    /// How many of the plan's acts are done.
    done: usize,
    /// Exchanges with an answer when the good time began.
    answered_before_good: u64,
    is_good: Rc<Cell<bool>>,
    was_online: bool,
    told: (Standing, time::Instant),
    power_cuts: u64,
    networks_lost: u64,
    index: usize,
    news: &'n SyncSender<News>,
}

impl<'n> Member<'n> {
    fn new(setup: &Setup, role: Role, index: usize, news: &'n SyncSender<News>) -> Result<Self, Unheard> {
        let is_good = Rc::new(Cell::new(false));
        let endpoint = Endpoint {
            address: setup.address,
            host: setup.host.clone(),
            base: setup.base.clone(),
            token: None,
            device: None,
        };
        let forecast = forecast(role.seed, setup.faults, Rc::clone(&is_good));
        let (settings, network) = settings(&setup.server_keys, &role);
        let around = Surroundings {
            radio: Radio::new(role.seed, vec![AccessPoint::new(SSID, PASSWORD).on()]),
            held: network.into_iter().collect(),
            server: Live::new(endpoint, setup.speed, forecast),
            token: String::new(),
            ride: role.ride,
            began_utc_ms: setup.began_utc_ms,
        };
        let mut unit = Unit::new(role.seed, &settings, around);
        unit.sensor.sees = Some(still);
        let device = unit.around.server.device().to_owned();
        let keys = setup.server_keys.iter();
        let keys = keys.filter_map(|text| PublicKey::from_text(text).ok()).collect();
        let member = Self {
            unit,
            watch: Watch::new(device.clone(), keys, role.plan.good_from),
            kind: role.kind,
            plan: role.plan,
            done: 0,
            answered_before_good: 0,
            is_good,
            was_online: false,
            told: (Standing::default(), time::Instant::now()),
            power_cuts: 0,
            networks_lost: 0,
            index,
            news,
        };
        member.say(Said::Born(device))?;
        Ok(member)
    }

    fn live(mut self, setup: &Setup) -> Result<(), Unheard> {
        let began = time::Instant::now();
        self.act(Act::PowerOn)?;
        let rough = self.plan.good_from.since(Instant::BOOT).div_f64(setup.speed);
        let patience = rough + setup.patience;
        loop {
            let now = Instant::BOOT + began.elapsed().mul_f64(setup.speed);
            self.go_to(now)?;
            self.look()?;
            if self.is_done() {
                break;
            }
            if began.elapsed() > patience {
                self.watch
                    .wrong("not everything was delivered although nothing went wrong any more".to_owned());
                break;
            }
            std::thread::sleep(BREATH);
        }
        let figures = self.figures();
        let (index, news, at_ms) = (self.index, self.news, self.unit.now().as_millis());
        let report = Report {
            figures,
            ..self.watch.report(&mut self.unit)
        };
        let said = Said::Ended(Box::new(report));
        Ok(news.send(News {
            device: index,
            at_ms,
            said,
        })?)
    }

    /// What is always on has to be heard of once more as well.
    fn is_done(&self) -> bool {
        let is_heard = match self.kind {
            Kind::Race => true,
            Kind::Uptime | Kind::Camera => self.unit.around.server.tally.answered > self.answered_before_good,
        };
        self.is_good.get() && is_heard && self.watch.is_delivered()
    }

    /// Lets the device go on, with what is planned until then.
    fn go_to(&mut self, now: Instant) -> Result<(), Unheard> {
        while let Some((at, act)) = self.plan.acts.get(self.done).copied() {
            if at > now || self.is_good.get() {
                break;
            }
            self.done += 1;
            self.unit.run_until(at);
            self.look()?;
            self.act(act)?;
        }
        if now >= self.plan.good_from && !self.is_good.replace(true) {
            self.answered_before_good = self.unit.around.server.tally.answered;
            self.say(Said::Did(Deed::GoodTimes))?;
            self.act(Act::Network(true))?;
            self.act(Act::PowerOn)?;
        }
        self.unit.run_until(now);
        Ok(())
    }

    fn act(&mut self, act: Act) -> Result<(), Unheard> {
        let now = self.unit.now();
        match act {
            Act::PowerOff if self.unit.is_on() => {
                self.unit.power_off();
                self.power_cuts += 1;
                self.say(Said::Did(Deed::PowerOff))
            }
            Act::PowerOn if !self.unit.is_on() => {
                if !self.unit.power_on() {
                    self.watch.wrong("it does not start".to_owned());
                }
                self.say(Said::Did(Deed::PowerOn))
            }
            Act::Network(is_there) => {
                let was_there = self
                    .unit
                    .around
                    .radio
                    .access_points
                    .iter()
                    .any(AccessPoint::is_on);
                if was_there == is_there {
                    return Ok(());
                }
                self.unit.around.radio.switch(0, is_there, now);
                if is_there {
                    return self.say(Said::Did(Deed::NetworkBack));
                }
                self.networks_lost += 1;
                self.say(Said::Did(Deed::NetworkGone))
            }
            Act::Press if self.unit.is_on() => {
                self.unit.tell(Input::Button { is_down: true });
                self.unit.run_until(now + PRESS);
                self.unit.tell(Input::Button { is_down: false });
                Ok(())
            }
            Act::PowerOff | Act::PowerOn | Act::Press => Ok(()),
        }
    }

    /// Looks for what changed, and says so.
    fn look(&mut self) -> Result<(), Unheard> {
        for text in std::mem::take(&mut self.unit.around.server.receipts) {
            self.watch.heard(&text);
        }
        let now = self.unit.now();
        if let Some(store) = self.unit.store() {
            let rows = store.ledger().rows().to_vec();
            for deed in self.watch.look(&rows, now) {
                self.say(Said::Did(deed))?;
            }
        }
        let is_online = self.unit.around.radio.connected_to().is_some();
        if std::mem::replace(&mut self.was_online, is_online) != is_online {
            self.say(Said::Did(if is_online { Deed::Online } else { Deed::Offline }))?;
        }
        let mut standing = Standing {
            is_on: self.unit.is_on(),
            is_recording: self.unit.is_on() && self.watch.is_recording(),
            is_online,
            figures: self.figures(),
            ..Standing::default()
        };
        self.watch.count(&mut standing);
        if standing != self.told.0 && self.told.1.elapsed() >= STANDING_EVERY {
            self.told = (standing, time::Instant::now());
            self.say(Said::Stands(standing))?;
        }
        Ok(())
    }

    fn figures(&self) -> Figures {
        let tally = &self.unit.around.server.tally;
        Figures {
            power_cuts: self.power_cuts,
            networks_lost: self.networks_lost,
            exchanges: tally.exchanges,
            answered: tally.answered,
            no_route: tally.no_route,
            cut_in_body: tally.cut,
            answers_lost: tally.answers_lost,
            broken_by_server: tally.broken,
            sent_bytes: tally.sent_bytes,
        }
    }

    fn say(&self, said: Said) -> Result<(), Unheard> {
        let news = News {
            device: self.index,
            at_ms: self.unit.now().as_millis(),
            said,
        };
        Ok(self.news.send(news)?)
    }
}

/// As a phone would have set it up, and the network of the paddock with it.
fn settings(server_keys: &[String], role: &Role) -> (Settings, Option<HeldNetwork>) {
    let profile = match role.kind {
        Kind::Race => "race",
        Kind::Uptime => "uptime",
        Kind::Camera => "camera",
    };
    let after_receipt = if role.deletes { "delete" } else { "archive" };
    let said = serde_json::json!({
        "ssid": SSID, "pass": PASSWORD, "url": URL, "token": "fpd_none", "server_keys": server_keys,
        "profile": profile, "after_receipt": after_receipt, "picture_every_s": PICTURE_EVERY_S,
    });
    let configured = configure(&Settings::default(), said.to_string().as_bytes(), Via::Sealed);
    let Ok(configured) = configured else {
        return (Settings::default(), None);
    };
    let settings = configured.settings;
    let key = settings.networks.iter().next().map(|network| network.key);
    (settings, key.map(|key| HeldNetwork::new(key.0, SSID, PASSWORD)))
}
