//! Wi-Fi: which network, when, and the access point of a device that has none. Knows no radio and no password.
//!
//! ```text
//!          wanted                found              address
//!  Idle ──────────► Scanning ─────────► Joining ─────────────► Connected
//!   ▲  ▲             ▲    │  ▲      ╲   ▲   │                      │
//!   │  │       until │    │  │ 0.3 s ╲  │   │ fails, or 20 s       │ lost: at once
//!   │  │             │    ▼  │        ▼ │   ▼                      │
//!   │  └─────────── Pausing ◄┘       Moving  (the access point goes to the channel first)
//!   │ somebody is on the access point ▲                            │
//!   │                                 └────────────────────────────┘
//!  GaveUp ◄── a hotspot that did not come for 90 s
//! ```
//!
//! **Contract.** [`Link::handle`] for each input; then [`Link::poll`] until it gives nothing, and carry the orders out in that
//! order; then sleep until an input or [`Link::next_deadline`], which any input may change. Answers carry the [`Attempt`] of
//! their order.
//!
//! **A round** is: look (up to [`SCANS_MAX`] times), join the best network in sight that was not tried yet, look again. When
//! everything in sight was tried, or there is nothing of ours in sight, it pauses. Because it looks before each try, a good network
//! that comes up waits for one join at most, however many bad ones stand around.
//!
//! **How soon is a returning router joined again?** In the first hour after a loss the pause is at most [`PAUSE_SHORT`]; then a scan
//! (3 s) and a join (a few seconds) follow, and one more scan if the router came up during one: under 30 s. On mains it stays so for
//! ever. On battery the pause doubles after the first hour up to [`PAUSE_LONG`], with the radio off meanwhile, and that pause is
//! the bound. A person who wants something, or power that comes back, ends the pause.
//!
//! **Promises.** Nothing is sent while a recording runs, from the input on. Each try begins with a disconnect, so that no driver
//! is left between two networks. While somebody is on our access point only their own form leads to a join. Orders per input are at most
//! [`OUTPUTS_PER_INPUT`]. What is left alone: a known network that hides its name is not looked for.

mod ap;
mod io;
mod network;
mod station;

use core::fmt::Write;
use core::time::Duration;

use heapless::{Deque, String};

use crate::jitter::Jitter;
use crate::time::{Instant, earliest};

pub use io::{Attempt, Event, Input, JoinFailure, Output, Power, Want, WifiStatus};
pub use network::{Candidate, Known, NETWORKS_MAX, NetworkKey, SSID_BYTES_MAX, Security, Seen, Ssid};

use ap::{Ap, Order};
use network::{Choice, Networks, Picked};
use station::Station;

/// A scan of all channels takes 3 s; a driver that says nothing for so long has forgotten it.
pub const SCAN_TIMEOUT: Duration = Duration::from_secs(10);
/// Scans miss an access point now and then.
pub const SCANS_MAX: u8 = 3;
/// Association and address together.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest pause within [`PAUSE_GROWS_AFTER`] of a loss, and on mains.
pub const PAUSE_SHORT: Duration = Duration::from_secs(5);
/// The longest of all.
pub const PAUSE_LONG: Duration = Duration::from_secs(300);
pub const PAUSE_GROWS_AFTER: Duration = Duration::from_secs(3600);
/// A hotspot that was not seen for so long is said to be missing.
pub const HOTSPOT_UNSEEN: Duration = Duration::from_secs(15);
/// People walk through settings screens; after this nobody does any more.
pub const HOTSPOT_SEARCH: Duration = Duration::from_secs(90);
/// Of the longest chain: a connection that is left for a form, and the access point that starts over.
pub const OUTPUTS_PER_INPUT: usize = 6;

/// Between two scans, and after a join that failed: the driver's own clean-up takes some time.
const GAP: Duration = Duration::from_millis(300);
/// Phones follow an announced change of channel within ten beacons.
const AP_MOVE: Duration = Duration::from_millis(1500);
/// A connection that broke sooner was none: other networks go first.
const LASTED: Duration = Duration::from_secs(10);
/// When none of the networks around had internet, one is kept for so long before the next is tried again.
const ELSEWHERE_PAUSE: Duration = Duration::from_secs(120);
/// Where the access point starts when no network decides.
const AP_CHANNEL: u8 = 1;
/// Two inputs' worth, for a caller that drains late; beyond it the oldest order goes, because the newest is what counts.
const OUTPUTS_MAX: usize = 2 * OUTPUTS_PER_INPUT;

/// For the page, beside the form.
pub const AP_MOVES_WARNING: &str = "While the device joins your network, this Wi-Fi may vanish for a moment. \
     If your phone leaves it, come back to it: the page will say what happened.";

/// `Datalogger-` and four characters that tell one device from its neighbour.
pub fn ap_name(tail: u16) -> String<15> {
    let mut name = String::new();
    // Eleven characters and four always fit.
    let _ = write!(name, "Datalogger-{tail:04X}");
    name
}

/// What a link begins with.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// From the hardware's random numbers.
    pub seed: u32,
    /// Whether the boot before ended in [`Output::RestartForAp`].
    pub restarted_for_ap: bool,
}

/// The search for a hotspot that a person is about to switch on.
#[derive(Debug, Clone, Copy)]
struct Hotspot {
    key: NetworkKey,
    since: Instant,
    is_seen: bool,
    is_said: bool,
}

impl Hotspot {
    const fn new(key: NetworkKey, since: Instant) -> Self {
        Self {
            key,
            since,
            is_seen: false,
            is_said: false,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Link {
    want: Want,
    is_recording: bool,
    power: Power,
    is_transferring: bool,
    networks: Networks,
    station: Station,
    ap: Ap,
    hotspot: Option<Hotspot>,
    /// What a person gave on our page, until it was tried.
    form: Option<NetworkKey>,
    /// A round has ended since this was wanted.
    has_looked_round: bool,
    /// Since when there is no connection, or since when one is wanted.
    without_since: Instant,
    /// The last pause that was longer than [`PAUSE_SHORT`].
    long_pause: Option<Duration>,
    /// In this round a network without internet was left.
    is_elsewhere: bool,
    elsewhere_from: Instant,
    is_radio_on: bool,
    last_attempt: u16,
    jitter: Jitter,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

impl Link {
    pub fn new(start: Start) -> Self {
        Self {
            want: Want::Off,
            is_recording: false,
            power: Power::Battery,
            is_transferring: false,
            networks: Networks::default(),
            station: Station::Idle,
            ap: Ap::new(start.restarted_for_ap),
            hotspot: None,
            form: None,
            has_looked_round: false,
            without_since: Instant::BOOT,
            long_pause: None,
            is_elsewhere: false,
            elsewhere_from: Instant::BOOT,
            is_radio_on: false,
            last_attempt: 0,
            jitter: Jitter::new(start.seed),
            outputs: Deque::new(),
        }
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        let was_on = self.is_on();
        self.take(input, now);
        if self.is_on() && !was_on {
            self.begin(now);
        }
        self.settle(now);
    }

    /// The next order or event.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle`] with a tick if nothing else happens before. Any input may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.is_on() {
            return None;
        }
        let searches = earliest(self.ap.deadline(), self.station.deadline());
        earliest(searches, self.hotspot_deadline())
    }

    pub fn status(&self) -> WifiStatus {
        if !self.is_on() {
            return WifiStatus::Off;
        }
        match &self.station {
            Station::Connected { .. } => WifiStatus::Connected,
            Station::Joining { .. } | Station::Moving { .. } => WifiStatus::Connecting,
            Station::GaveUp => WifiStatus::Failed,
            Station::Idle | Station::Scanning { .. } | Station::Pausing { .. } if self.ap.is_up() => {
                WifiStatus::Ap
            }
            Station::Scanning { .. } | Station::Pausing { .. } => WifiStatus::Scanning,
            Station::Idle if self.hotspot.is_some() => WifiStatus::Scanning,
            // An access point that does not start, or nothing known to look for.
            Station::Idle => WifiStatus::Failed,
        }
    }

    pub fn connected_to(&self) -> Option<NetworkKey> {
        match &self.station {
            Station::Connected { key, .. } => Some(*key),
            Station::Idle
            | Station::Scanning { .. }
            | Station::Pausing { .. }
            | Station::Moving { .. }
            | Station::Joining { .. }
            | Station::GaveUp => None,
        }
    }

    fn is_on(&self) -> bool {
        self.want != Want::Off && !self.is_recording
    }

    fn take(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Tick => {}
            Input::Want(want) => self.set_want(want, now),
            Input::Networks(list) => self.set_networks(list, now),
            Input::Recording(is_recording) => self.is_recording = is_recording,
            Input::Power(power) => {
                if power == Power::Mains && self.power == Power::Battery {
                    self.end_long_pause();
                }
                self.power = power;
            }
            Input::Transferring(is_transferring) => {
                let changed = self.is_transferring != is_transferring;
                self.is_transferring = is_transferring;
                if changed && self.connected_to().is_some() {
                    self.push(Output::PowerSave(!is_transferring));
                }
            }
            Input::NoInternet => self.look_elsewhere(now),
            Input::Form(key) => self.take_form(key, now),
            Input::ScanDone { attempt, seen } => self.scan_done(attempt, seen, now),
            Input::ScanFailed { attempt } => self.scan_failed(attempt, now),
            Input::Joined { attempt } => self.associated(attempt),
            Input::GotAddress { attempt } => self.connected(attempt, now),
            Input::JoinFailed { attempt, why } => self.join_failed(attempt, why, now),
            Input::Lost { attempt } => self.lost(attempt, now),
            Input::ApStarted => self.ap.started(),
            Input::ApFailed => {
                let order = self.ap.failed(self.may_restart(), now);
                self.push_ap(order);
            }
            Input::ApClients(count) => self.ap.set_clients(count),
        }
    }

    fn set_want(&mut self, want: Want, now: Instant) {
        if self.want == want && self.station != Station::GaveUp {
            return;
        }
        self.want = want;
        self.has_looked_round = false;
        self.hotspot = None;
        if let Want::HotspotSync(key) = want {
            self.hotspot = Some(Hotspot::new(key, now));
            if self.station.engaged_with().is_some_and(|other| other != key) {
                self.leave(now);
            }
        }
        self.search_anew(now);
    }

    fn set_networks(&mut self, list: &[Known], now: Instant) {
        if !self.networks.replace(list) {
            return;
        }
        self.form = self.form.filter(|&key| self.networks.contains(key));
        let engaged = self.station.engaged_with();
        if engaged.is_some_and(|key| !self.networks.contains(key)) {
            self.leave(now);
        }
        if self.station != Station::GaveUp {
            self.search_anew(now);
        }
    }

    fn take_form(&mut self, key: NetworkKey, now: Instant) {
        if !self.is_on() || !self.networks.contains(key) {
            return;
        }
        self.form = Some(key);
        self.leave(now);
        self.networks.forget_failures();
        self.search_anew(now);
    }

    /// Wi-Fi may be used from now on.
    fn begin(&mut self, now: Instant) {
        self.has_looked_round = false;
        self.networks.forget_failures();
        self.is_elsewhere = false;
        self.elsewhere_from = now;
        if let Some(hotspot) = &mut self.hotspot {
            *hotspot = Hotspot::new(hotspot.key, now);
        }
        self.search_anew(now);
    }

    /// Brings the machines to where the inputs and the time want them.
    fn settle(&mut self, now: Instant) {
        if !self.is_on() {
            self.go_dark(now);
            return;
        }
        // The end of a round may be what an access point waits for, and its start is what the station waits for.
        for _ in 0..2 {
            let order = self.ap.settle(self.ap_wanted(), self.may_restart(), now);
            self.push_ap(order);
            self.settle_hotspot(now);
            self.settle_station(now);
        }
    }

    fn go_dark(&mut self, now: Instant) {
        self.note_loss(now);
        self.station = Station::Idle;
        self.ap.vanish();
        self.form = None;
        self.switch_radio_off();
    }

    fn switch_radio_off(&mut self) {
        if self.is_radio_on {
            self.is_radio_on = false;
            self.push(Output::RadioOff);
        }
    }

    /// The channel for an access point, if there shall be one.
    fn ap_wanted(&self) -> Option<u8> {
        let station_channel = self.station.channel();
        let wanted = match self.want {
            Want::Off | Want::Online | Want::HotspotSync(_) => false,
            Want::SetupAp => true,
            Want::StaAndAp => {
                let has_answer =
                    station_channel.is_some() || self.has_looked_round || self.networks.is_empty();
                has_answer || !self.ap.is_down()
            }
        };
        wanted.then_some(station_channel.unwrap_or(AP_CHANNEL))
    }

    /// A connection is worth more than an access point.
    fn may_restart(&self) -> bool {
        self.is_on() && self.connected_to().is_none()
    }

    fn push_ap(&mut self, order: Option<Order>) {
        match order {
            Some(Order::Start { channel }) => self.push(Output::StartAp { channel }),
            Some(Order::Stop) => self.push(Output::StopAp),
            Some(Order::Restart) => self.push(Output::RestartForAp),
            None => {}
        }
    }

    fn push(&mut self, output: Output) {
        if matches!(
            output,
            Output::Scan { .. } | Output::Join { .. } | Output::StartAp { .. }
        ) {
            self.is_radio_on = true;
        }
        if self.outputs.is_full() {
            self.outputs.pop_front();
        }
        // There is room now.
        let _ = self.outputs.push_back(output);
    }
}
