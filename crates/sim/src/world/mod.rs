//! Worlds: a device among people, networks, servers and failing hardware, from one seed, looked at after every step.
//!
//! ```text
//!  Plan::draw(seed) ─► happenings ─► World ◄──► Unit (the real device)
//!                                     │ steps: samples, writes, words
//!                        ┌────────────┼─────────────┐
//!                        ▼            ▼             ▼
//!          Truth, Blocked ◄── Invariants        TraceHash
//!                           Promised, Pictures
//! ```
//!
//! A world is that of a race logger (about ten minutes of recording in one to four rides), of an uptime logger or of a camera (hours with
//! power); days of waiting follow, and then it turns good: from [`Plan::good_from`] on
//! power, network and server are well, and everything that may leave the device must. One seed gives one world to the bit: the same in
//! debug and release, in any folder and time zone. Nothing here reads a clock or a hash map, and all chance is in the plan.
//!
//! `tests/world/hashes.txt` holds the hashes of twenty worlds. Every change of what devices do moves them, and where two such changes meet they
//! are written anew: `FIELDPOST_RENEW_HASHES=1 cargo nextest run -p sim --test world a_seed_is_one_world`.
//!
//! The hash covers Rust's `Debug` words of what the device wants: renaming one of its types moves it, which is accepted, as nobody compares
//! hashes between versions.
//!
//! It deliberately knows the device only from outside: its writes, its words, its ledger and what the server got.

mod blocked;
mod draw;
mod happen;
mod invariants;
mod pictures;
mod plan;
mod promised;
mod shrink;
mod summary;
mod trace;
mod truth;
mod violation;

use std::collections::VecDeque;
use std::time::Duration;

use device::controller::Input;
use device::settings::Profile;
use device::time::Instant;

use crate::board::Step;
use crate::unit::Unit;
use crate::unit::faults::Stall;
use blocked::Blocked;
use invariants::Invariants;
pub use plan::{Air, AtServer, Happening, Level, Plan, Wishes};
pub use shrink::shrunk;
pub use summary::Summary;
use trace::TraceHash;
use truth::Truth;
pub use violation::{Broken, Clock, Rule, Violation};

/// So much of what happened last is told with a violation.
const REMEMBERED: usize = 40;
/// Longer than the longest pause of every machine, one after the other.
const PATIENCE: Duration = Duration::from_hours(3);
/// How often it is looked whether everything has arrived.
const LOOK: Duration = Duration::from_secs(20);
/// How often a person asks once more for a sync.
const ASKS_EVERY: Duration = Duration::from_mins(5);
/// A block waits for half a second, and the IMU is read out every 50 ms; only what storage was busy for comes on top.
const HELD: Duration = Duration::from_millis(600);

/// What a world came to.
#[derive(Debug)]
pub struct Outcome {
    pub hash: [u8; 32],
    pub summary: Summary,
    pub violation: Option<Violation>,
}

/// See the module.
struct World<'p> {
    plan: &'p Plan,
    done: usize,
    unit: Unit,
    /// Whether the person wants it on.
    is_wanted_on: bool,
    comes_back: Option<Instant>,
    off_for: Duration,
    button_up: Option<Instant>,
    /// Of [`Happening::CutOnceStored`]: how long after, and then for how long.
    once_stored: Option<(Duration, Duration)>,
    forgets_uploads: bool,
    cut_at: Option<Instant>,
    stored: usize,
    card_failed: u64,
    ntp_failed: u64,
    blocked: Blocked,
    truth: Truth,
    invariants: Invariants,
    trace: TraceHash,
    summary: Summary,
    before: VecDeque<(Instant, String)>,
}

/// Lets a world happen. `steps_max` ends it early, without asking for more.
pub fn run(plan: &Plan, steps_max: u64) -> Outcome {
    let mut world = World::new(plan);
    let ended = world.live(steps_max);
    world.tally();
    let violation = ended.err().map(|broken| Violation {
        broken,
        at: world.unit.now(),
        before: world.before.drain(..).collect(),
    });
    Outcome {
        hash: world.trace.finish(),
        summary: world.summary,
        violation,
    }
}

impl World<'_> {
    fn live(&mut self, steps_max: u64) -> Result<(), Broken> {
        for _ in 0..steps_max {
            let end = self.next().min(self.plan.good_from);
            if self.unit.advance(end) {
                self.look()?;
            } else if end >= self.plan.good_from {
                return self.turn_good(steps_max);
            } else {
                self.happen()?;
                self.look()?;
            }
        }
        Ok(())
    }

    /// Nothing goes wrong any more, and everything must arrive.
    fn turn_good(&mut self, steps_max: u64) -> Result<(), Broken> {
        self.heal()?;
        let until = self.unit.now() + PATIENCE;
        let mut next = self.unit.now() + LOOK;
        let mut asks = next;
        for _ in 0..steps_max {
            let pressed = self.button_up.filter(|at| *at < next);
            if self.unit.advance(pressed.unwrap_or(next)) {
                self.look()?;
                continue;
            }
            if pressed.is_some() {
                self.happen()?;
                self.look()?;
                continue;
            }
            let hours = self.invariants.hours(&self.unit, self.unit.now());
            let left = self.invariants.left();
            let to_delete = self.invariants.to_delete();
            if hours.is_none() && left.is_empty() && to_delete.is_empty() {
                return self.invariants.at_the_end(&mut self.unit, &self.truth);
            }
            if next >= until {
                return Err(match hours {
                    Some(says) if left.is_empty() => Rule::Hours.broken(says),
                    _ => {
                        Rule::Delivered.broken(format!("still here: {left:?}; to be deleted: {to_delete:?}"))
                    }
                });
            }
            // A logger without recordings goes online when somebody asks it to, and tells its hours then.
            let is_race = self.plan.wishes.trade == Profile::Race;
            if is_race && left.is_empty() && next >= asks {
                asks = next + ASKS_EVERY;
                self.unit.tell(Input::Button { is_down: true });
                self.button_up = Some(self.unit.now() + Duration::from_millis(200));
            }
            next = next + LOOK;
        }
        Ok(())
    }

    /// Looks at what the last step touched, and at nothing else.
    fn look(&mut self) -> Result<(), Broken> {
        // What was told it from outside may have been the last.
        self.unit.fall();
        let now = self.unit.now();
        self.trace.moment(now);
        for sample in self.unit.take_given() {
            self.truth.given(sample);
        }
        for frame in std::mem::take(&mut self.unit.sensor.gave) {
            self.invariants.pictures.given(&frame, now);
        }
        self.look_at_card(now);
        let mut has_flash = false;
        for step in self.unit.take_steps() {
            self.trace.write(&step);
            match &step {
                Step::Sector { lba, data } => self.truth.written(*lba, data)?,
                Step::Flash(_) => has_flash = true,
                Step::Insert(_) => {}
            }
        }
        let has_words = !self.unit.log.is_empty();
        for (at, words) in std::mem::take(&mut self.unit.log) {
            self.trace.words(&words);
            self.remember(at, words);
        }
        self.look_at_power(now)?;
        self.look_at_restart(now)?;
        if has_flash {
            self.invariants.ledger(&mut self.unit, &mut self.truth)?;
        }
        if has_words {
            self.invariants.hear(&mut self.unit);
            self.invariants.progress(&self.unit)?;
            self.look_at_server(now);
        }
        self.invariants.pictures.late(now, &self.blocked)
    }

    fn look_at_card(&mut self, now: Instant) {
        let failed = self.unit.card_failed();
        if failed > self.card_failed {
            self.summary.count("card error", failed - self.card_failed);
            self.blocked.fails(now, failed - self.card_failed);
            self.invariants.pictures.forget_due();
            let trouble = self.unit.store().and_then(|store| store.report().trouble);
            if trouble.is_some() && !self.blocked.has_no_card {
                self.blocked.has_no_card = true;
                self.summary.count("card left alone until the next start", 1);
            }
        }
        self.card_failed = failed;
        for stall in std::mem::take(&mut self.unit.faults.stalled) {
            self.summary.count(stall.name(), 1);
            let (Stall::Card(span) | Stall::Flash(span)) = stall;
            self.blocked.stalls(now, span);
        }
        self.truth.may_lose = self.blocked.is_long(now);
    }

    /// Whether the device has begun anew in the step, by itself.
    fn look_at_restart(&mut self, now: Instant) -> Result<(), Broken> {
        let runs = self.unit.boot_number();
        let Some(number) = runs.filter(|number| self.invariants.is_another_life(*number)) else {
            return Ok(());
        };
        self.lost_power(now)?;
        self.life_begins(number, now)
    }

    /// Whether the power went in the step.
    fn look_at_power(&mut self, now: Instant) -> Result<(), Broken> {
        let Some((fell, is_boot)) = self.unit.faults.fallen.take() else {
            return Ok(());
        };
        self.summary.count(fell.name(), 1);
        self.summary.count("cut during boot", u64::from(is_boot));
        self.comes_back = Some(now + self.off_for);
        self.cut()
    }

    /// Counts a cut, and asks whether more than the last second is gone.
    fn cut(&mut self) -> Result<(), Broken> {
        let now = self.unit.now();
        self.summary.cuts += 1;
        if self.invariants.awaits_receipt(&self.unit.around.server) {
            self.summary.cuts_during_receipt += 1;
        }
        self.lost_power(now)
    }

    fn lost_power(&mut self, now: Instant) -> Result<(), Broken> {
        self.truth.cut();
        self.invariants.pictures.forget_due();
        self.once_stored = None;
        self.cut_at = None;
        let Some(started) = self.invariants.ended(now) else {
            return Ok(());
        };
        let Some(oldest_ms) = self.truth.oldest_pending_ms() else {
            return Ok(());
        };
        let oldest = started + Duration::from_millis(u64::from(oldest_ms));
        let waited = now.since(oldest);
        if self.blocked.has_no_card || waited <= HELD + self.blocked.since(oldest, now) {
            return Ok(());
        }
        let tick_ms = now.since(started).as_millis();
        let says = format!("of {oldest_ms} ms, and the power went at {tick_ms} ms");
        Err(Rule::Sample.broken(says))
    }

    /// What was to happen once the server has something.
    fn look_at_server(&mut self, now: Instant) {
        let stored = self.unit.around.server.recordings().count();
        if stored > self.stored
            && let Some((after, _)) = self.once_stored
        {
            self.cut_at = Some(now + after);
        }
        self.stored = stored;
        if self.forgets_uploads && self.unit.around.server.forget_uploads() > 0 {
            self.forgets_uploads = false;
            self.summary.count("server forgets uploads", 1);
        }
    }

    fn remember(&mut self, at: Instant, words: String) {
        if self.before.len() == REMEMBERED {
            self.before.pop_front();
        }
        self.before.push_back((at, words));
    }

    /// Adds up what is known at the end.
    fn tally(&mut self) {
        let server = &self.unit.around.server;
        let befell = server.befell.iter().chain(&self.unit.around.radio.befell);
        for (kind, count) in befell.chain(&self.truth.ends) {
            self.summary.count(kind, *count);
        }
        let restarts = self.unit.counts.get("restarts").copied();
        self.summary.count("restart", restarts.unwrap_or(0));
        self.summary
            .count("time server fails", self.unit.faults.ntp_failed + self.ntp_failed);
        self.summary.worlds = 1;
        self.summary.samples = self.truth.samples;
        self.summary
            .count("picture taken", self.invariants.pictures.count);
        self.summary.count("bad frame", self.unit.sensor.spoiled);
        self.summary.recordings = self.invariants.recordings();
        self.summary.delivered_bytes = server
            .recordings()
            .filter(|stored| stored.bytes.is_some())
            .map(|stored| stored.size_bytes)
            .sum();
    }
}
