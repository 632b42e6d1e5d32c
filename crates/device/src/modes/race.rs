//! A race logger: it records when it is ridden, and hands over when somebody asks or when there is nothing better to do.

use core::time::Duration;

use heapless::Vec;

use super::battery::{Battery, Level};
use super::io::{Advertise, Input, Output, Refusal, SealReason, Wishes};
use super::motion::Motion;
use super::{PAIRING_WINDOW, SETUP_ALONE, SETUP_LINGERS, Want};
use crate::breadcrumb::Cause;
use crate::link::NetworkKey;
use crate::signal::{Activity, Press};
use crate::time::{Instant, earliest};

/// A card may stall, a full directory may have to be read: longer than this is stuck.
pub const SEAL_TIMEOUT: Duration = Duration::from_secs(30);
/// A sync that a person asked for looks for a known network so long; a hotspot's search has its own end in `link`.
pub const SYNC_SEARCH: Duration = Duration::from_secs(90);
/// A card that refused to open a recording is not asked at every fix.
const OPEN_PAUSE: Duration = Duration::from_secs(30);
/// After a sync that failed, that was stopped, or that left something over, the next one by itself waits.
const AUTO_PAUSE: Duration = Duration::from_secs(600);
/// How long an outcome is shown; Bluetooth's DONE and ERROR last as long.
const OUTCOME_SHOWS: Duration = Duration::from_secs(5);
/// One level can change by one command, and an answer to a person may come with it.
pub(super) const COMMANDS_MAX: usize = 2;

/// A sync that a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    hotspot: Option<NetworkKey>,
}

impl Asked {
    const ANY: Self = Self { hotspot: None };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    Opening { until: Instant },
    Running { since: Instant },
    Sealing { until: Instant, then: Option<Asked> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    Searching { until: Option<Instant> },
    Offloading,
    Ended { is_done: bool, until: Instant },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Recording(Recording),
    /// By itself where nobody asked.
    Syncing {
        asked: Option<Asked>,
        sync: Sync,
    },
    Setup {
        until: Option<Instant>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Race {
    state: State,
    motion: Motion,
    battery: Battery,
    is_card_full: bool,
    has_networks: bool,
    is_auto: bool,
    has_pending: bool,
    is_connected: bool,
    has_client: bool,
    /// The button closed a recording on the move: the next one waits for a stop.
    is_disarmed: bool,
    open_from: Instant,
    auto_from: Instant,
    pairing_until: Option<Instant>,
    commands: Vec<Output, COMMANDS_MAX>,
}

impl Race {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Idle,
            motion: Motion::new(),
            battery: Battery::new(),
            is_card_full: false,
            has_networks: false,
            is_auto: true,
            has_pending: false,
            is_connected: false,
            has_client: false,
            is_disarmed: false,
            open_from: Instant::BOOT,
            auto_from: Instant::BOOT,
            pairing_until: None,
            commands: Vec::new(),
        }
    }

    pub(super) fn handle(&mut self, input: Input, now: Instant) -> (Wishes, Vec<Output, COMMANDS_MAX>) {
        self.take(input, now);
        self.pairing_until = self.pairing_until.filter(|&until| now < until);
        // What ends leads to Idle, and Idle leads on.
        for _ in 0..2 {
            self.settle(now);
        }
        // Nobody is on an access point that is not there.
        self.has_client &= matches!(self.state, State::Setup { .. });
        (self.wishes(), core::mem::take(&mut self.commands))
    }

    fn take(&mut self, input: Input, now: Instant) {
        match input {
            Input::Tick => {}
            Input::Press(press) => self.pressed(press, now),
            Input::Fix { speed_mm_s } => {
                self.motion.fix(speed_mm_s, now);
                self.is_disarmed &= !self.motion.has_stopped(now);
            }
            Input::NoFix => self.motion.no_fix(now),
            Input::Opened => self.opened(now),
            Input::OpenFailed => {
                self.open_from = now + OPEN_PAUSE;
                self.closed(now);
            }
            Input::Sealed => {
                // One that is being opened is another one.
                if !matches!(self.state, State::Recording(Recording::Opening { .. })) {
                    self.closed(now);
                }
            }
            Input::CardFull(is_full) => self.is_card_full = is_full,
            Input::Battery { mv } => self.battery.measured(mv, now),
            Input::Mains(is_on) => self.battery.set_mains(is_on),
            Input::Networks(count) => self.has_networks = count > 0,
            Input::AutoSync(is_auto) => self.is_auto = is_auto,
            Input::Pending(has_pending) => {
                if has_pending && !self.has_pending {
                    self.auto_from = now;
                }
                self.has_pending = has_pending;
            }
            Input::SyncAsked(hotspot) => self.unless_recording(|race| race.sync(Asked { hotspot }, now)),
            Input::SetupAsked => self.unless_recording(|race| race.set_up(now)),
            Input::SyncStopped => self.stop_sync(now),
            Input::Connected => self.connected(now),
            Input::Disconnected => self.disconnected(now),
            Input::SearchGaveUp => {
                if let State::Syncing {
                    asked: Some(_),
                    sync: Sync::Searching { .. },
                } = self.state
                {
                    self.end_sync(false, now);
                }
            }
            Input::ApClients(count) => self.set_clients(count, now),
            Input::OffloadDone => self.offload_ended(true, now),
            Input::OffloadFailed => self.offload_ended(false, now),
        }
    }

    fn pressed(&mut self, press: Press, now: Instant) {
        match (self.state, press) {
            (State::Idle, _) => self.sync(Asked::ANY, now),
            (State::Recording(recording), press) => {
                let then = (press == Press::AtBoot).then_some(Asked::ANY);
                self.is_disarmed = true;
                if !matches!(recording, Recording::Sealing { .. }) {
                    self.seal(SealReason::Button, then, now);
                }
            }
            (State::Syncing { .. } | State::Setup { .. }, Press::Held) => {
                self.pairing_until = Some(now + PAIRING_WINDOW);
            }
            (State::Syncing { asked, sync }, press) => {
                let is_over = matches!(sync, Sync::Ended { .. });
                if asked.is_none() || is_over {
                    self.sync(Asked::ANY, now);
                } else if press == Press::Short {
                    self.stop_sync(now);
                }
            }
            (State::Setup { .. }, Press::Short) => self.state = State::Idle,
            (State::Setup { .. }, Press::AtBoot) => {}
        }
    }

    fn unless_recording(&mut self, action: impl FnOnce(&mut Self)) {
        if self.is_recording() {
            self.command(Output::Refused(Refusal::Recording));
        } else {
            action(self);
        }
    }

    fn sync(&mut self, asked: Asked, now: Instant) {
        if !self.has_networks && asked.hotspot.is_none() {
            self.set_up(now);
            return;
        }
        let sync = if self.is_connected {
            Sync::Offloading
        } else {
            searching(Some(asked), now)
        };
        self.state = State::Syncing {
            asked: Some(asked),
            sync,
        };
    }

    fn set_up(&mut self, now: Instant) {
        let until = (!self.has_client).then_some(now + SETUP_ALONE);
        self.state = State::Setup { until };
    }

    fn stop_sync(&mut self, now: Instant) {
        if let State::Syncing { .. } = self.state {
            self.auto_from = now + AUTO_PAUSE;
            self.state = State::Idle;
        }
        if let State::Recording(Recording::Sealing { then, .. }) = &mut self.state {
            *then = None;
        }
    }

    fn end_sync(&mut self, is_done: bool, now: Instant) {
        if let State::Syncing { sync, .. } = &mut self.state {
            let until = now + OUTCOME_SHOWS;
            *sync = Sync::Ended { is_done, until };
            self.auto_from = now + AUTO_PAUSE;
        }
    }

    fn offload_ended(&mut self, is_done: bool, now: Instant) {
        if let State::Syncing {
            sync: Sync::Offloading,
            ..
        } = self.state
        {
            self.end_sync(is_done, now);
        }
    }

    fn connected(&mut self, now: Instant) {
        self.is_connected = true;
        match &mut self.state {
            State::Syncing { sync, .. } if matches!(sync, Sync::Searching { .. }) => *sync = Sync::Offloading,
            State::Setup { until } => *until = Some(now + SETUP_LINGERS),
            State::Syncing { .. } | State::Idle | State::Recording(_) => {}
        }
    }

    fn disconnected(&mut self, now: Instant) {
        self.is_connected = false;
        match &mut self.state {
            State::Syncing { asked, sync } if *sync == Sync::Offloading => *sync = searching(*asked, now),
            State::Setup { .. } => self.set_up(now),
            State::Syncing { .. } | State::Idle | State::Recording(_) => {}
        }
    }

    fn set_clients(&mut self, count: u8, now: Instant) {
        self.has_client = count > 0;
        // After a connection it is the page that has to be read, however many read it.
        if matches!(self.state, State::Setup { .. }) && !self.is_connected {
            self.set_up(now);
        }
    }

    /// What the recorder says is true, whatever was expected; only a seal that is on its way comes after it.
    fn opened(&mut self, now: Instant) {
        match self.state {
            State::Recording(Recording::Sealing { .. } | Recording::Running { .. }) => {}
            State::Recording(Recording::Opening { .. })
            | State::Idle
            | State::Syncing { .. }
            | State::Setup { .. } => {
                self.state = State::Recording(Recording::Running { since: now });
            }
        }
    }

    /// A recording is over, or never was.
    fn closed(&mut self, now: Instant) {
        let State::Recording(recording) = self.state else {
            return;
        };
        self.auto_from = now;
        self.state = State::Idle;
        if let Recording::Sealing {
            then: Some(asked), ..
        } = recording
        {
            self.sync(asked, now);
        }
    }

    fn seal(&mut self, why: SealReason, then: Option<Asked>, now: Instant) {
        let until = now + SEAL_TIMEOUT;
        self.state = State::Recording(Recording::Sealing { until, then });
        self.command(Output::Seal(why));
    }

    fn settle(&mut self, now: Instant) {
        match self.state {
            State::Idle if self.may_open(now) => {
                let until = now + SEAL_TIMEOUT;
                self.state = State::Recording(Recording::Opening { until });
                self.pairing_until = None;
                self.command(Output::Open);
            }
            State::Idle if self.may_sync_by_itself() && now >= self.auto_from => {
                let sync = searching(None, now);
                self.state = State::Syncing { asked: None, sync };
            }
            State::Recording(recording) => self.settle_recording(recording, now),
            State::Syncing { asked, sync } => self.settle_sync(asked, sync, now),
            State::Setup { until } => {
                let is_over = until.is_some_and(|until| now >= until);
                let rides_off = self.may_open(now) && !self.has_client && !self.is_connected;
                if rides_off || self.battery.level() == Level::Empty {
                    self.state = State::Idle;
                } else if is_over && self.is_connected {
                    self.sync(Asked::ANY, now);
                } else if is_over {
                    self.state = State::Idle;
                }
            }
            State::Idle => {}
        }
    }

    fn settle_recording(&mut self, recording: Recording, now: Instant) {
        match recording {
            Recording::Running { since } => {
                let is_over = self.motion.seals_at(since).is_some_and(|at| now >= at);
                let why = if self.battery.level() == Level::Empty {
                    Some(SealReason::Battery)
                } else if self.is_card_full {
                    Some(SealReason::CardFull)
                } else {
                    is_over.then_some(SealReason::Standing)
                };
                if let Some(why) = why {
                    self.seal(why, None, now);
                }
            }
            Recording::Opening { until } if now >= until => {
                let until = now + SEAL_TIMEOUT;
                self.state = State::Recording(Recording::Opening { until });
                self.command(Output::Restart(Cause::Stuck));
            }
            Recording::Sealing { until, then } if now >= until => {
                let until = now + SEAL_TIMEOUT;
                self.state = State::Recording(Recording::Sealing { until, then });
                self.command(Output::Restart(Cause::SealStuck));
            }
            Recording::Opening { .. } | Recording::Sealing { .. } => {}
        }
    }

    fn settle_sync(&mut self, asked: Option<Asked>, sync: Sync, now: Instant) {
        let is_needless = asked.is_none() && !self.may_sync_by_itself();
        let rides_off = self.may_open(now) && (asked.is_none() || sync != Sync::Offloading);
        match sync {
            Sync::Ended { until, .. } if now >= until || rides_off => self.state = State::Idle,
            Sync::Ended { .. } => {}
            Sync::Searching { .. } | Sync::Offloading if is_needless || rides_off => self.state = State::Idle,
            Sync::Searching { .. } | Sync::Offloading if self.battery.level() == Level::Empty => {
                self.end_sync(false, now);
            }
            Sync::Searching { until } if until.is_some_and(|until| now >= until) => self.end_sync(false, now),
            Sync::Searching { .. } | Sync::Offloading => {}
        }
    }

    fn may_open(&self, now: Instant) -> bool {
        let has_room = !self.is_card_full && self.battery.level() != Level::Empty;
        has_room && !self.is_disarmed && now >= self.open_from && self.motion.is_moving(now)
    }

    fn may_sync_by_itself(&self) -> bool {
        self.is_auto && self.has_pending && self.has_networks && self.battery.level() == Level::Good
    }

    fn wishes(&self) -> Wishes {
        let advertise = if self.is_recording() {
            Advertise::Slow
        } else if self.pairing_until.is_some() {
            Advertise::Pairing
        } else {
            Advertise::Normal
        };
        let idle = Wishes {
            advertise,
            ..Wishes::IDLE
        };
        match self.state {
            State::Idle => idle,
            State::Recording(_) => Wishes {
                is_dark: true,
                ..idle
            },
            State::Syncing {
                sync: Sync::Ended { .. },
                ..
            } => idle,
            State::Syncing { asked, sync } => Wishes {
                link: match asked.and_then(|asked| asked.hotspot) {
                    Some(key) => Want::HotspotSync(key),
                    None => Want::Online,
                },
                offload: sync == Sync::Offloading,
                portal: self.is_connected,
                ..idle
            },
            State::Setup { .. } => Wishes {
                link: Want::SetupAp,
                portal: true,
                ..idle
            },
        }
    }

    pub(super) fn is_recording(&self) -> bool {
        matches!(self.state, State::Recording(_))
    }

    pub(super) fn activity(&self) -> Activity {
        match self.state {
            State::Recording(_) => Activity::None,
            State::Idle | State::Syncing { .. } | State::Setup { .. } if self.pairing_until.is_some() => {
                Activity::Pairing
            }
            State::Idle => Activity::None,
            State::Setup { .. } => Activity::Setup,
            State::Syncing { asked, sync } => match sync {
                // One that nobody asked for shows when it finds something, not for hours before.
                Sync::Searching { .. } if asked.is_none() => Activity::None,
                Sync::Searching { .. } => Activity::Searching,
                Sync::Offloading => Activity::Uploading,
                Sync::Ended { is_done: true, .. } => Activity::Done,
                Sync::Ended { is_done: false, .. } => Activity::Failed,
            },
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let of_state = match self.state {
            State::Idle => self.may_sync_by_itself().then_some(self.auto_from),
            State::Recording(Recording::Opening { until } | Recording::Sealing { until, .. }) => Some(until),
            State::Recording(Recording::Running { since }) => self.motion.seals_at(since),
            State::Syncing { sync, .. } => match sync {
                Sync::Searching { until } => until,
                Sync::Offloading => None,
                Sync::Ended { until, .. } => Some(until),
            },
            State::Setup { until } => until,
        };
        earliest(of_state, self.pairing_until)
    }

    fn command(&mut self, command: Output) {
        // One input leads to one command and one answer.
        let _ = self.commands.push(command);
    }
}

/// A sync that nobody asked for looks for as long as nothing else is to do, and a hotspot's search ends in `link`.
fn searching(asked: Option<Asked>, now: Instant) -> Sync {
    let is_any = asked.is_some_and(|asked| asked.hotspot.is_none());
    Sync::Searching {
        until: is_any.then_some(now + SYNC_SEARCH),
    }
}
