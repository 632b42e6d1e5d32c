//! The promises, looked at where a step touched what they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use device::offload::Activity;
use device::outbox::{Entry, Kind, Number, Row, State};
use device::settings::AfterReceipt;
use device::time::Instant;
use wire::recording::RecordingId;

use super::Plan;
use super::pictures::{Pictures, fits};
use super::promised::Promised;
use super::truth::Truth;
use super::violation::{Broken, Rule};
use crate::exec;
use crate::server::Server;
use crate::unit::Unit;

/// A session of hours is saved every minute, and flash may be busy then.
const HOURS_LAG: Duration = Duration::from_secs(62);

/// What is known of a recording from the last look at the ledger.
#[derive(Debug, Clone, Copy)]
struct Known {
    row: Row,
    id: RecordingId,
    sha256: Option<[u8; 32]>,
}

/// A time on.
#[derive(Debug, Clone, Copy)]
struct Boot {
    number: u32,
    began: Instant,
    ended: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Invariants {
    known: BTreeMap<Number, Known>,
    ids: BTreeSet<RecordingId>,
    highest: Option<Number>,
    boots: Vec<Boot>,
    pub(super) promised: Promised,
    pub(super) pictures: Pictures,
    after_receipt: AfterReceipt,
    spool_bytes_max: u32,
    percent: Option<u8>,
}

impl Invariants {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            after_receipt: plan.wishes.after_receipt,
            spool_bytes_max: plan.hardware.spool_bytes_max,
            ..Self::default()
        }
    }

    /// Compares the ledger with what it was and with what lies on the card.
    pub(super) fn ledger(&mut self, unit: &mut Unit, truth: &mut Truth) -> Result<(), Broken> {
        let Some(store) = unit.store() else {
            return Ok(());
        };
        let rows = store.ledger().rows().to_vec();
        let gone: Vec<Number> = self
            .known
            .keys()
            .copied()
            .filter(|known| !has(&rows, *known))
            .collect();
        for number in gone {
            self.gone(number, &unit.around.server, truth)?;
        }
        for row in rows.iter().copied() {
            if self.known.get(&row.number).is_some_and(|known| known.row == row) {
                continue;
            }
            let entry = unit
                .store()
                .and_then(|store| exec::run(store.entry(row.number)).done());
            let Some(Ok(entry)) = entry else {
                return Err(Rule::Ledger.broken(format!("recording {} cannot be read", row.number)));
            };
            self.changed(row, &entry, unit, truth)?;
            let (id, sha256) = (entry.id, entry.sha256);
            self.known.insert(row.number, Known { row, id, sha256 });
        }
        fits(&rows, self.spool_bytes_max, &self.promised)
    }

    fn changed(&mut self, row: Row, entry: &Entry, unit: &mut Unit, truth: &mut Truth) -> Result<(), Broken> {
        let before = self.known.get(&row.number).copied();
        match before {
            None => self.begun(entry)?,
            Some(before) if before.id != entry.id => {
                let says = format!("{} was {} and is {}", row.number, before.id, entry.id);
                return Err(Rule::Identity.broken(says));
            }
            Some(before) if before.row.state > row.state && !self.may_go_back(before.row.state, &row) => {
                let says = format!("{}: {:?} after {:?}", row.number, row.state, before.row.state);
                return Err(Rule::Ledger.broken(says));
            }
            Some(_) => {}
        }
        let was_open = before.is_none_or(|before| before.row.state == State::Open);
        if was_open && row.state != State::Open {
            match entry.kind {
                Kind::Session => sealed(entry, unit, truth)?,
                Kind::Picture => {
                    let bytes = bytes(unit, entry.number, 0, entry.size_bytes)?;
                    self.pictures.kept(entry, &bytes)?;
                }
            }
        }
        if let (Some(sha256), Some(lies)) = (entry.sha256, truth.recording(entry.id))
            && sha256 != lies.sha256()
        {
            return Err(Rule::Ledger.broken(format!("the digest of {} is another one", entry.number)));
        }
        let had_receipt = before.is_some_and(|before| has_receipt(before.row.state));
        if has_receipt(row.state) && !had_receipt {
            self.receipted(entry, unit)?;
        }
        Ok(())
    }

    /// A server that changed its mind takes what it refused, and what it said it has not is offered again.
    fn may_go_back(&mut self, before: State, row: &Row) -> bool {
        match before {
            State::Quarantined => has_receipt(row.state),
            State::Receipted | State::Archived => self.promised.goes_back(row.number),
            State::Open | State::Sealed | State::Digested | State::Offered | State::Removing => false,
        }
    }

    /// After every exchange, before the device has heard of it.
    pub(super) fn hear(&mut self, unit: &mut Unit) {
        let receipted = self.known.values().filter(|known| has_receipt(known.row.state));
        let receipted = receipted.filter_map(|known| Some((known.row.number, known.sha256?)));
        self.promised.hear(unit, receipted);
    }

    fn begun(&mut self, entry: &Entry) -> Result<(), Broken> {
        let is_new = self.ids.insert(entry.id);
        if !is_new || self.highest.is_some_and(|highest| entry.number <= highest) {
            let says = format!("{} {} after {:?}", entry.number, entry.id, self.highest);
            return Err(Rule::Identity.broken(says));
        }
        self.highest = Some(entry.number);
        Ok(())
    }

    fn gone(&mut self, number: Number, server: &Server, truth: &mut Truth) -> Result<(), Broken> {
        let Some(known) = self.known.remove(&number) else {
            return Ok(());
        };
        let bytes = truth.recording(known.id).map_or(0, |lies| lies.whole_bytes);
        truth.removed(known.id);
        let state = known.row.state;
        let is_confirmed = known
            .sha256
            .is_some_and(|sha256| server.confirmed.contains(&sha256));
        if (state == State::Open && bytes == 0) || (has_receipt(state) && is_confirmed) {
            return Ok(());
        }
        let says = format!("{number} with {bytes} bytes, which was {state:?}");
        Err(Rule::Gone.broken(says))
    }

    /// The server has every byte of it that is on the card.
    fn receipted(&self, entry: &Entry, unit: &mut Unit) -> Result<(), Broken> {
        let trouble = unit.store().and_then(|store| store.report().trouble);
        let is_there = match (trouble, entry.sha256) {
            // It left the card alone after an error; what lies there is looked at in the end.
            (Some(_), Some(sha256)) => unit.around.server.holds_digest(sha256),
            (_, _) => {
                let bytes = bytes(unit, entry.number, 0, entry.size_bytes)?;
                unit.around.server.holds(&bytes)
            }
        };
        let is_excused = entry.sha256.is_some_and(|sha256| self.promised.is_lost(&sha256));
        if is_there || is_excused {
            return Ok(());
        }
        let says = format!("{} has one, and the server has not these bytes", entry.number);
        Err(Rule::Receipt.broken(says))
    }

    pub(super) fn started(&mut self, number: u32, now: Instant) {
        self.boots.push(Boot {
            number,
            began: now,
            ended: None,
        });
        self.percent = None;
    }

    pub(super) fn is_another_life(&self, number: u32) -> bool {
        let runs = self.boots.last().filter(|boot| boot.ended.is_none());
        runs.is_some_and(|boot| boot.number != number)
    }

    /// Gives when the device began that was running until now, if one was.
    pub(super) fn ended(&mut self, now: Instant) -> Option<Instant> {
        let boot = self.boots.last_mut().filter(|boot| boot.ended.is_none())?;
        boot.ended = Some(now);
        Some(boot.began)
    }

    /// After every exchange.
    pub(super) fn progress(&mut self, unit: &Unit) -> Result<(), Broken> {
        let Some(controller) = unit.controller() else {
            return Ok(());
        };
        if controller.dropped() > 0 {
            return Err(Rule::Dropped.broken(format!("{} times", controller.dropped())));
        }
        let status = controller.offload_status();
        let before = self.percent.filter(|before| *before < 100);
        let goes_on = matches!(status.activity, Activity::Syncing | Activity::Waiting);
        self.percent = goes_on.then_some(status.percent);
        match before {
            Some(before) if goes_on && status.percent < before => {
                Err(Rule::Progress.broken(format!("{} % after {before} %", status.percent)))
            }
            _ => Ok(()),
        }
    }

    /// Recordings that a server has whole and the ledger does not know it of yet.
    pub(super) fn awaits_receipt(&self, server: &Server) -> bool {
        let mut waiting = self.known.values().filter(|known| !has_receipt(known.row.state));
        waiting.any(|known| {
            known.sha256.is_some_and(|sha256| {
                server
                    .recordings()
                    .any(|stored| stored.sha256 == sha256 && stored.bytes.is_some())
            })
        })
    }

    /// What still has to leave the device.
    pub(super) fn left(&self) -> Vec<(Number, State)> {
        let left = self
            .known
            .values()
            .map(|known| (known.row.number, known.row.state));
        left.filter(|(_, state)| !has_receipt(*state) && *state != State::Quarantined)
            .collect()
    }

    /// What is delivered, was to be deleted, and is still there.
    pub(super) fn to_delete(&self) -> Vec<(Number, State)> {
        if self.after_receipt == AfterReceipt::Archive {
            return Vec::new();
        }
        let here = self
            .known
            .values()
            .map(|known| (known.row.number, known.row.state));
        here.filter(|(_, state)| has_receipt(*state)).collect()
    }

    pub(super) fn recordings(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Everything that has a receipt is on the server and as it was, at the end of all.
    pub(super) fn at_the_end(&self, unit: &mut Unit, truth: &Truth) -> Result<(), Broken> {
        for known in self.known.values().filter(|known| has_receipt(known.row.state)) {
            let bytes = bytes(unit, known.row.number, 0, known.row.size_bytes)?;
            if Some(crate::server::sha256(&bytes)) != known.sha256 {
                return Err(Rule::EarlierByte.broken(format!("{} is not what it was", known.row.number)));
            }
            let is_excused = known
                .sha256
                .is_some_and(|sha256| self.promised.is_unknown_loss(&sha256));
            if !unit.around.server.holds(&bytes) && !is_excused {
                return Err(Rule::Receipt.broken(format!("{} is not there any more", known.row.number)));
            }
        }
        let pending = truth.pending();
        if pending > 0 && self.left().is_empty() && !unit.is_recording() {
            return Err(Rule::Sample.broken(format!("{pending} samples are in no recording")));
        }
        Ok(())
    }

    /// How many seconds of which boot the server does not count, or counts too much; `None` where all is well.
    pub(super) fn hours(&self, unit: &Unit, now: Instant) -> Option<String> {
        let counted: BTreeMap<u32, i64> = unit
            .around
            .server
            .sessions(unit.device())
            .filter_map(|(key, session)| Some((key.rsplit(':').next()?.parse().ok()?, session.run_seconds)))
            .collect();
        let untold = unit
            .controller()
            .map_or(0, |controller| controller.uptime().loss().sessions);
        for boot in &self.boots {
            let run = boot.ended.unwrap_or(now).since(boot.began);
            let run_s = i64::try_from(run.as_secs()).unwrap_or(i64::MAX);
            // Of the one that runs the rest is told later.
            let told = boot
                .ended
                .map_or(Duration::ZERO, |_| run.saturating_sub(HOURS_LAG));
            let least_s = i64::try_from(told.as_secs()).unwrap_or(i64::MAX);
            let counted_s = counted.get(&boot.number).copied();
            if counted_s.unwrap_or(0) > run_s || (untold == 0 && counted_s.unwrap_or(0) < least_s) {
                return Some(format!(
                    "boot {} ran {run_s} s, and {counted_s:?} are counted",
                    boot.number
                ));
            }
        }
        None
    }
}

/// A recording has just got its end, at a seal or in the repair after a cut.
fn sealed(entry: &Entry, unit: &mut Unit, truth: &mut Truth) -> Result<(), Broken> {
    let Some(lies) = truth.recording(entry.id) else {
        return Err(Rule::Ledger.broken(format!("{} was never begun on the card", entry.number)));
    };
    let whole_bytes = lies.whole_bytes;
    if entry.size_bytes < whole_bytes {
        let says = format!(
            "{} ends at {}, and {whole_bytes} bytes were whole",
            entry.number, entry.size_bytes
        );
        return Err(Rule::Sample.broken(says));
    }
    let rest = bytes(unit, entry.number, whole_bytes, entry.size_bytes - whole_bytes)?;
    truth.found(entry.id, &rest)?;
    truth.sealed(entry.id);
    Ok(())
}

fn bytes(unit: &mut Unit, number: Number, offset: u32, count: u32) -> Result<Vec<u8>, Broken> {
    let mut bytes = vec![0; count as usize];
    let read = unit.look(|store| exec::run(store.read(number, offset, &mut bytes)).done());
    match read {
        Some(Some(Ok(()))) => Ok(bytes),
        other => Err(Rule::Ledger.broken(format!("{number} cannot be read: {other:?}"))),
    }
}

fn has(rows: &[Row], number: Number) -> bool {
    rows.iter().any(|row| row.number == number)
}

const fn has_receipt(state: State) -> bool {
    matches!(state, State::Receipted | State::Archived | State::Removing)
}
