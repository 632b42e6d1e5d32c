//! What people are told of the device: STATUS of the Bluetooth service, the local page and the light say it, each in its way.

use super::laps::Laps;
use super::{Controller, Output};
use crate::link::{JoinFailure, WifiStatus};
use crate::modes::BLIND_SEALS;
use crate::offload::{self, Trouble};
use crate::outbox::Number;

use crate::settings::Unseal;
use crate::signal::{self, Gps, Situation};
use crate::store::{CardReport, CardTrouble};
use crate::time::{Instant, earliest};

/// How long a refusal is shown, as every outcome is.
const REFUSAL_SHOWS: core::time::Duration = core::time::Duration::from_secs(5);

/// `state` of STATUS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Idle,
    /// Pairing or setup is open: it takes a configuration.
    Ready,
    WifiScanning,
    WifiConnecting,
    Syncing,
    /// For 5 s.
    Done,
    /// For 5 s.
    Error,
}

impl State {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Ready => "READY",
            Self::WifiScanning => "WIFI_SCANNING",
            Self::WifiConnecting => "WIFI_CONNECTING",
            Self::Syncing => "SYNCING",
            Self::Done => "DONE",
            Self::Error => "ERROR",
        }
    }
}

/// What stands in the way of what a person wants; the most telling of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// A sync was asked for while a recording ran.
    Recording,
    CardAbsent,
    CardFull,
    HotspotNotFound,
    WrongPassword,
    NoAddress,
    JoinFailed,
    /// The device's own network does not start.
    ApFailed,
    /// Said to a heartbeat.
    Unauthorized,
    /// Of the way to the server, or of what is handed over.
    Handover(Trouble),
}

impl Problem {
    /// `error` of STATUS.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::CardAbsent | Self::CardFull => "storage",
            Self::HotspotNotFound => "hotspot_not_found",
            Self::WrongPassword => "wrong_password",
            Self::NoAddress => "no_address",
            Self::JoinFailed => "join_failed",
            Self::ApFailed => "ap_failed",
            Self::Unauthorized => "unauthorized",
            Self::Handover(trouble) => trouble.word(),
        }
    }
}

impl From<JoinFailure> for Problem {
    fn from(why: JoinFailure) -> Self {
        match why {
            JoinFailure::WrongPassword => Self::WrongPassword,
            JoinFailure::NoAddress => Self::NoAddress,
            JoinFailure::NotFound | JoinFailure::Timeout | JoinFailure::Other => Self::JoinFailed,
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    pub wifi: WifiStatus,
    pub is_recording: bool,
    pub is_setup: bool,
    /// Bytes over the batch.
    pub sync_percent: u8,
    /// The recording under way, counted from 1, and of how many.
    pub file: (u16, u16),
    pub name: Option<Number>,
    /// Tenths of a volt.
    pub battery_dv: Option<u8>,
    pub gps: Gps,
    pub satellites: u8,
    /// Of the card, in use.
    pub storage_percent: Option<u8>,
    pub error: Option<Problem>,
}

/// What was heard and is not known by any machine later.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard {
    pub(super) card: CardReport,
    pub(super) is_card_full: bool,
    pub(super) is_hotspot_missing: bool,
    pub(super) join: Option<JoinFailure>,
    pub(super) is_ap_failing: bool,
    pub(super) is_unauthorized: bool,
    pub(super) refused_at: Option<Instant>,
    pub(super) battery_mv: Option<u16>,
    pub(super) has_fix: bool,
    pub(super) is_receiver_silent: bool,
    pub(super) blind_since: Option<Instant>,
    pub(super) satellites: u8,
    pub(super) heartbeat_at: Option<Instant>,
}

impl Heard {
    pub(super) fn fix(&mut self, is_valid: bool, satellites: u8, now: Instant) {
        self.is_receiver_silent = false;
        self.has_fix = is_valid;
        self.satellites = satellites;
        self.blind_since = if is_valid {
            None
        } else {
            self.blind_since.or(Some(now))
        };
    }

    pub(super) fn silent(&mut self) {
        self.is_receiver_silent = true;
        self.has_fix = false;
        self.satellites = 0;
    }

    /// A network was joined, or another one is wanted: what stood in the way does not any more.
    pub(super) fn looks_anew(&mut self) {
        self.is_hotspot_missing = false;
        self.join = None;
        self.is_ap_failing = false;
    }

    fn gps(&self, now: Instant) -> Gps {
        let is_blind = self
            .blind_since
            .is_some_and(|since| now.since(since) >= BLIND_SEALS);
        match self {
            Self { has_fix: true, .. } => Gps::Fixed,
            Self {
                is_receiver_silent: true,
                ..
            } => Gps::Missing,
            _ if is_blind => Gps::Missing,
            _ => Gps::Searching,
        }
    }

    fn card(&self) -> Option<Problem> {
        match self.card.trouble {
            Some(CardTrouble::Full) => Some(Problem::CardFull),
            Some(
                CardTrouble::Absent | CardTrouble::Refused(_) | CardTrouble::Damaged | CardTrouble::InTheWay,
            ) => Some(Problem::CardAbsent),
            None => self.is_card_full.then_some(Problem::CardFull),
        }
    }

    fn refusal_ends(&self) -> Option<Instant> {
        self.refused_at.map(|at| at + REFUSAL_SHOWS)
    }
}

impl<U: Unseal> Controller<U> {
    pub fn status(&self) -> Status {
        let now = self.now;
        let handing = self.offload.status();
        let is_moving = matches!(
            handing.activity,
            offload::Activity::Syncing | offload::Activity::Waiting
        );
        let wifi = self.link.status();
        let activity = self.modes.activity();
        let state = match (activity, wifi) {
            (signal::Activity::Done, _) => State::Done,
            (signal::Activity::Failed, _) => State::Error,
            (_, WifiStatus::Scanning) => State::WifiScanning,
            (_, WifiStatus::Connecting) => State::WifiConnecting,
            _ if is_moving => State::Syncing,
            (signal::Activity::Pairing | signal::Activity::Setup, _) => State::Ready,
            (
                signal::Activity::None | signal::Activity::Searching | signal::Activity::Uploading,
                WifiStatus::Off | WifiStatus::Connected | WifiStatus::Ap | WifiStatus::Failed,
            ) => State::Idle,
        };
        Status {
            state,
            wifi,
            is_recording: self.modes.is_recording(),
            is_setup: activity == signal::Activity::Setup,
            sync_percent: handing.percent,
            file: handing.file,
            name: handing.name,
            battery_dv: self.heard.battery_mv.and_then(|mv| u8::try_from(mv / 100).ok()),
            gps: self.gps(now),
            satellites: self.heard.satellites,
            storage_percent: self.heard.card.used_percent,
            error: self.problem(handing.trouble, now),
        }
    }

    fn problem(&self, trouble: Option<Trouble>, now: Instant) -> Option<Problem> {
        let heard = &self.heard;
        let is_refused = heard.refusal_ends().is_some_and(|end| now < end);
        is_refused
            .then_some(Problem::Recording)
            .or(self.link_problem())
            .or(heard.is_unauthorized.then_some(Problem::Unauthorized))
            .or(trouble.map(Problem::Handover))
            .or(heard.card())
    }

    /// While somebody wants a network, and as long as the outcome is shown.
    fn link_problem(&self) -> Option<Problem> {
        let is_over =
            self.link.status() == WifiStatus::Off && self.modes.activity() != signal::Activity::Failed;
        if is_over {
            return None;
        }
        let heard = &self.heard;
        let of_ap = heard.is_ap_failing.then_some(Problem::ApFailed);
        let of_hotspot = heard.is_hotspot_missing.then_some(Problem::HotspotNotFound);
        of_hotspot.or(heard.join.map(Problem::from)).or(of_ap)
    }

    fn gps(&self, now: Instant) -> Gps {
        match self.receiver {
            Some(_) => self.heard.gps(now),
            None => Gps::Unused,
        }
    }

    /// All that the light depends on; [`signal::word`] says what it shows.
    pub fn situation(&self) -> Situation {
        Situation {
            is_recording: self.modes.is_recording(),
            is_storage_full: self.receiver.is_some() && self.heard.card().is_some(),
            gps: self.gps(self.now),
            activity: self.modes.activity(),
            sector: self.craft.laps().and_then(Laps::sector),
            heartbeat_at: self.heard.heartbeat_at,
        }
    }

    /// Says status and light where they are other ones than before.
    pub(super) fn settle_status(&mut self, now: Instant) -> bool {
        let mut said = false;
        let status = self.status();
        if self.has_room() && self.status_said != Some(status) {
            said = true;
            self.status_said = Some(status);
            self.put(Output::Status(status));
        }
        let (word, until) = signal::word(&self.situation(), now);
        if self.has_room() && self.light_said != Some(word) {
            said = true;
            self.light_said = Some(word);
            self.put(Output::Light(word));
        }
        self.light_until = until;
        said
    }

    /// When the light, or what is refused, goes out by itself.
    pub(super) fn status_ends(&self) -> Option<Instant> {
        let refusal = self.heard.refusal_ends().filter(|end| self.now < *end);
        earliest(self.light_until, refusal)
    }
}
