//! How long the device was on.
//!
//! ```text
//!  start ──► earlier sessions are closed ─┐
//!            a new one is open            ├─► every 60 s: Save ──► flash, one slot a session, 64 of them
//!                                         │
//!            online, something untold ────┴─► Send: oldest first, 7 at a time ──► the server's result for each
//!                                                     stored: noted, and erased when it is closed and all of it is told
//!                                                     not stored, no answer: kept, sent again
//! ```
//!
//! A session is one boot ([`Boot`]): that is its identity from the first second, whatever is learned of the date later. Its start is sent when it is known and again, with
//! a higher `start_revision`, when the clock was corrected; the server moves the hours and counts them once. A session that ended before anybody
//! knew the time is sent without one.
//!
//! Promises: a cut costs at most the last 60 s; a session leaves flash only after the server said of it that it is stored, all of it; more than [`SESSIONS_MAX`]
//! that nobody heard of make the one go of which the least would be lost (of equals the oldest), and that is counted, kept ([`Output::SaveLoss`]) and told.
//!
//! Call [`Uptime::handle`] when the network comes or goes, the date changes, an answer comes, and at [`Uptime::next_deadline`], which every call
//! may move; drain [`Uptime::poll`] after each.

mod heartbeat;
mod io;
mod loss;
mod send;
mod session;

use core::time::Duration;

use heapless::Vec;
pub use io::{Input, Output};
pub use loss::{LOSS_BYTES, Loss};
use send::FIRST_PAUSE;
use session::{BadSession, Halves, PART_S};
pub use session::{SESSION_BYTES, Session, Status};

use crate::breadcrumb::Breadcrumb;
use crate::clock::{Boot, UnixMs};
use crate::time::{Instant, earliest};

/// Two months of a club's aircraft in which nobody had a network.
pub const SESSIONS_MAX: usize = 64;
/// Their answers fit into what is kept of one.
pub const BATCH_MAX: usize = 7;

const SAVE_EVERY: Duration = Duration::from_secs(60);
/// People see a device as online for a minute after it was heard.
const BEAT_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Held {
    session: Session,
    /// The server refused it; it waits until then.
    not_before: Halves,
    slot: u8,
    unsaved: bool,
}

const _: () = assert!(size_of::<Held>() <= 48);

impl Held {
    const fn new(slot: u8, session: Session, unsaved: bool) -> Self {
        Self {
            session,
            not_before: Halves::of(0),
            slot,
            unsaved,
        }
    }

    const fn not_before(&self) -> Instant {
        Instant::from_micros(self.not_before.bits())
    }

    const fn wait_until(&mut self, at: Instant) {
        self.not_before = Halves::of(at.as_micros());
    }
}

/// See the module. Some 3.5 KiB.
#[derive(Debug)]
pub struct Uptime {
    boot: Boot,
    part: u16,
    /// Oldest first; the last is the open one.
    held: Vec<Held, SESSIONS_MAX>,
    /// Slots that hold something of a newer firmware.
    foreign: u64,
    to_erase: u64,
    loss: Loss,
    save_loss: bool,
    began: Option<UnixMs>,
    online: bool,
    next_save: Instant,
    next_beat: Instant,
    not_before: Instant,
    pause: Duration,
    batch_max: usize,
    /// What was sent and not answered yet, as it was sent.
    sent: Vec<(u8, Session), BATCH_MAX>,
    sent_loss: Option<Loss>,
    /// What the boot before left behind.
    crumb: Option<Breadcrumb>,
    sent_crumb: bool,
    crumb_told: bool,
    sending: bool,
    wanted: Option<u32>,
    unauthorized: bool,
}

impl Uptime {
    /// `saved` is what flash holds, with the slots; `loss` what [`Output::SaveLoss`] wrote last. `boot` was never used before.
    pub fn new<'b>(
        boot: Boot,
        saved: impl IntoIterator<Item = (u8, &'b [u8])>,
        loss: Option<&[u8]>,
        now: Instant,
    ) -> Self {
        let mut uptime = Self {
            boot,
            part: 0,
            held: Vec::new(),
            foreign: 0,
            to_erase: 0,
            loss: loss.and_then(Loss::decode).unwrap_or_default(),
            save_loss: false,
            began: None,
            online: false,
            next_save: now + SAVE_EVERY,
            next_beat: now,
            not_before: now,
            pause: FIRST_PAUSE,
            batch_max: BATCH_MAX,
            sent: Vec::new(),
            sent_loss: None,
            crumb: None,
            sent_crumb: false,
            crumb_told: false,
            sending: false,
            wanted: None,
            unauthorized: false,
        };
        for (slot, bytes) in saved {
            uptime.load(slot, bytes);
        }
        // Before the last reset, then by the count.
        uptime.held.sort_unstable_by_key(|held| {
            let session = &held.session;
            (
                session.boot.epoch == boot.epoch,
                session.boot.number,
                session.part,
            )
        });
        uptime.open(now);
        uptime
    }

    fn load(&mut self, slot: u8, bytes: &[u8]) {
        if usize::from(slot) >= SESSIONS_MAX {
            return;
        }
        match Session::decode(bytes) {
            Ok(mut session) => {
                let unsaved = session.status == Status::Open;
                session.status = Status::Closed;
                // 64 slots, 64 places.
                let _ = self.held.push(Held::new(slot, session, unsaved));
            }
            Err(BadSession::Newer) => self.foreign |= 1 << slot,
            Err(BadSession::Damaged) => {
                self.to_erase |= 1 << slot;
                self.lost(0);
            }
        }
    }

    fn open(&mut self, now: Instant) {
        let slot = match self.free_slot() {
            Some(slot) => slot,
            None => match self.give_way() {
                Some(slot) => slot,
                // Everything is a newer firmware's.
                None => return,
            },
        };
        self.to_erase &= !(1 << slot);
        let mut session = Session::new(self.boot, self.part);
        session.ran(self.run_s(now));
        if let Some(began) = self.began {
            session.began(began.plus(self.part_offset()));
        }
        // Room was made above.
        let _ = self.held.push(Held::new(slot, session, true));
    }

    fn free_slot(&self) -> Option<u8> {
        let used = self
            .held
            .iter()
            .fold(self.foreign, |used, held| used | (1 << held.slot));
        let slot = used.trailing_ones();
        u8::try_from(slot)
            .ok()
            .filter(|slot| usize::from(*slot) < SESSIONS_MAX)
    }

    /// Makes the session go of which the least would be lost.
    fn give_way(&mut self) -> Option<u8> {
        let least = (0..self.held.len())
            .min_by_key(|index| self.held.get(*index).map(|held| held.session.untold_s()))?;
        let held = self.held.remove(least);
        if !held.session.is_told() {
            self.lost(held.session.untold_s());
        }
        Some(held.slot)
    }

    fn lost(&mut self, run_s: u32) {
        self.loss.sessions = self.loss.sessions.saturating_add(1);
        self.loss.run_s = self.loss.run_s.saturating_add(u64::from(run_s));
        self.save_loss = true;
    }

    /// What the boot before left behind goes with the next heartbeat.
    pub fn found(&mut self, crumb: Breadcrumb) {
        self.crumb = Some(crumb);
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Tick => {}
            Input::Online => {
                self.online = true;
                self.next_beat = now;
                self.not_before = now;
                self.pause = FIRST_PAUSE;
            }
            Input::Offline => {
                self.online = false;
                self.forget_sent();
            }
            Input::Began(at) => self.began(at),
            Input::Answer(response) => self.answered(response, now),
            Input::NoAnswer => self.try_later(None, now),
        }
        self.run(now);
        self.send_next(now);
    }

    pub fn poll(&mut self) -> Option<Output> {
        if self.to_erase != 0 {
            let slot = self.to_erase.trailing_zeros();
            self.to_erase &= self.to_erase - 1;
            return u8::try_from(slot).ok().map(|slot| Output::Erase { slot });
        }
        if core::mem::take(&mut self.save_loss) {
            return Some(Output::SaveLoss);
        }
        if let Some(held) = self.held.iter_mut().find(|held| held.unsaved) {
            held.unsaved = false;
            return Some(Output::Save { slot: held.slot });
        }
        if let Some(version) = self.wanted.take() {
            return Some(Output::Wanted(version));
        }
        if core::mem::take(&mut self.crumb_told) {
            return Some(Output::BreadcrumbTold);
        }
        if core::mem::take(&mut self.unauthorized) {
            return Some(Output::Unauthorized);
        }
        core::mem::take(&mut self.sending).then_some(Output::Send)
    }

    /// The next second to save, and while there is a network the next to send in. Moved by every call to [`Self::handle`].
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.online || !self.sent.is_empty() {
            return Some(self.next_save);
        }
        let untold = self
            .untold()
            .map(|held| held.not_before().max(self.not_before))
            .min();
        earliest(earliest(Some(self.next_save), Some(self.next_beat)), untold)
    }

    /// What is to be written to a slot; `None` for one that holds nothing.
    pub fn encode(&self, slot: u8) -> Option<[u8; SESSION_BYTES]> {
        let held = self.held.iter().find(|held| held.slot == slot)?;
        Some(held.session.encode())
    }

    pub fn encode_loss(&self) -> [u8; LOSS_BYTES] {
        self.loss.encode()
    }

    pub const fn loss(&self) -> Loss {
        self.loss
    }

    /// Oldest first; the last is the open one.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.held.iter().map(|held| &held.session)
    }

    /// The latest date that was saved in any session: no clock that is earlier is right.
    pub fn last_known(&self) -> Option<UnixMs> {
        self.sessions().filter_map(Session::last_update).max()
    }

    fn began(&mut self, at: UnixMs) {
        self.began = Some(at);
        let boot = self.boot;
        for held in self.held.iter_mut().filter(|held| held.session.boot == boot) {
            let offset = Duration::from_secs(u64::from(held.session.part) * u64::from(PART_S));
            held.unsaved |= held.session.began(at.plus(offset));
        }
    }

    fn part_offset(&self) -> Duration {
        Duration::from_secs(u64::from(self.part) * u64::from(PART_S))
    }

    fn run_s(&self, now: Instant) -> u32 {
        let run = now.since(Instant::BOOT).saturating_sub(self.part_offset());
        u32::try_from(run.as_secs()).unwrap_or(u32::MAX)
    }

    /// The open session; none only where a newer firmware's fill every slot.
    fn current(&mut self) -> Option<&mut Held> {
        self.held
            .last_mut()
            .filter(|held| held.session.status == Status::Open)
    }

    fn run(&mut self, now: Instant) {
        if self.run_s(now) >= PART_S {
            self.next_part(now);
        }
        let save = now >= self.next_save;
        let beat = self.online && now >= self.next_beat;
        if !save && !beat {
            return;
        }
        let run_s = self.run_s(now);
        if let Some(held) = self.current() {
            held.session.ran(run_s);
            held.unsaved |= save;
        }
        if save {
            self.next_save = now + SAVE_EVERY;
        }
        if beat {
            self.next_beat = now + BEAT_EVERY;
        }
    }

    fn next_part(&mut self, now: Instant) {
        if let Some(held) = self.current() {
            held.session.ran(PART_S);
            held.session.status = Status::Closed;
            held.unsaved = true;
        }
        self.part = self.part.saturating_add(1);
        self.open(now);
    }
}
