//! Looks over a device's shoulder: what it holds, what it was given a receipt for, and whether anything went that should not have.

use std::collections::BTreeMap;
use std::time::Duration;

use device::outbox::{Kind, Number, Row, State};
use device::time::Instant;
use sha2::{Digest, Sha256};
use wire::receipt::{PublicKey, SignedReceipt};

use super::report::{Deed, Held, Report, Standing, state_name};
use crate::exec;
use crate::unit::Unit;
use crate::unit::uplink::Uplink;

/// A recording that was open for less may have nothing in it when the power goes.
const MAY_BE_EMPTY: Duration = Duration::from_secs(2);
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy)]
struct Seen {
    row: Row,
    first: Instant,
    last: Instant,
}

/// A receipt that verified.
#[derive(Debug, Clone)]
struct Given {
    text: String,
    size_bytes: u64,
    sha256: [u8; 32],
}

pub(super) struct Watch {
    device: String,
    keys: Vec<PublicKey>,
    /// A camera never stops: what it takes later has nothing to prove.
    until: Instant,
    seen: BTreeMap<Number, Seen>,
    gone: Vec<Held>,
    /// By the name of the recording.
    given: BTreeMap<String, Given>,
    receipts_verified: u64,
    violations: Vec<String>,
}

impl Watch {
    pub(super) fn new(device: String, keys: Vec<PublicKey>, until: Instant) -> Self {
        Self {
            device,
            keys,
            until,
            seen: BTreeMap::new(),
            gone: Vec::new(),
            given: BTreeMap::new(),
            receipts_verified: 0,
            violations: Vec::new(),
        }
    }

    pub(super) fn wrong(&mut self, what: String) {
        self.violations.push(what);
    }

    /// Takes a receipt that the device heard.
    pub(super) fn heard(&mut self, text: &str) {
        let signed = SignedReceipt::from_text(text).ok();
        let verified = signed.as_ref().and_then(|signed| signed.verify(&self.keys).ok());
        let Some(receipt) = verified else {
            self.wrong(format!("the server gave a receipt that does not verify: {text}"));
            return;
        };
        self.receipts_verified += 1;
        let given = Given {
            text: text.to_owned(),
            size_bytes: receipt.stored.size_bytes,
            sha256: receipt.stored.sha256,
        };
        self.given.insert(receipt.stored.name.to_owned(), given);
    }

    /// Compares the ledger with what it was; what changed, for people.
    pub(super) fn look(&mut self, rows: &[Row], now: Instant) -> Vec<Deed> {
        let mut deeds = Vec::new();
        for row in rows {
            let before = self.seen.get(&row.number).copied();
            if before.is_none_or(|before| before.row.state != row.state) {
                deeds.extend(deed(row, before.map(|before| before.row.state)));
            }
            let first = before.map_or(now, |before| before.first);
            let seen = Seen {
                row: *row,
                first,
                last: now,
            };
            self.seen.insert(row.number, seen);
        }
        let is_there = |number: &Number| rows.iter().any(|row| row.number == *number);
        let gone: Vec<Seen> = (self.seen.iter())
            .filter(|(number, _)| !is_there(number))
            .map(|(_, seen)| *seen)
            .collect();
        for seen in gone {
            self.seen.remove(&seen.row.number);
            deeds.extend(self.removed(&seen));
        }
        deeds
    }

    fn removed(&mut self, seen: &Seen) -> Option<Deed> {
        let name = name(&seen.row);
        if let Some(given) = self.given.get(&name) {
            self.gone.push(Held {
                device: self.device.clone(),
                name: name.clone(),
                size_bytes: u32::try_from(given.size_bytes).unwrap_or(u32::MAX),
                sha256: hex(&given.sha256),
                state: "removed",
                receipt: Some(given.text.clone()),
            });
            return Some(Deed::Removed(name));
        }
        let may_be_empty = seen.row.state == State::Open && seen.last.since(seen.first) < MAY_BE_EMPTY;
        if !may_be_empty {
            let state = state_name(seen.row.state);
            self.wrong(format!("{name} was {state} and is gone without a receipt"));
        }
        None
    }

    pub(super) fn is_recording(&self) -> bool {
        self.seen.values().any(|seen| seen.row.state == State::Open)
    }

    /// Whether nothing that has to be is left to hand over.
    pub(super) fn is_delivered(&self) -> bool {
        let is_done = |state| is_receipted(state) || state == State::Quarantined;
        let mut due = self.seen.values().filter(|seen| seen.first <= self.until);
        due.all(|seen| is_done(seen.row.state))
    }

    pub(super) fn count(&self, standing: &mut Standing) {
        let at_an_end = self.seen.values().filter(|seen| seen.row.state != State::Open);
        let gone = u32::try_from(self.gone.len()).unwrap_or(u32::MAX);
        (standing.sealed, standing.delivered, standing.delivered_bytes) = (gone, gone, 0);
        standing.delivered_bytes = self.gone.iter().map(|held| u64::from(held.size_bytes)).sum();
        for seen in at_an_end {
            standing.sealed += 1;
            if is_receipted(seen.row.state) {
                standing.delivered += 1;
                standing.delivered_bytes += u64::from(seen.row.size_bytes);
            }
        }
    }

    /// Reads everything that is on the card, and compares it with the ledger and with the receipts.
    pub(super) fn report<L: Uplink>(mut self, unit: &mut Unit<L>) -> Report {
        let mut held = std::mem::take(&mut self.gone);
        let is_due = |seen: &Seen| seen.first <= self.until || is_receipted(seen.row.state);
        let due = self.seen.values().filter(|seen| is_due(seen));
        let numbers: Vec<Number> = due.map(|seen| seen.row.number).collect();
        for number in numbers {
            match self.held(unit, number) {
                Some(found) => held.push(found),
                None => self.wrong(format!("recording {number} cannot be read")),
            }
        }
        Report {
            device: self.device,
            held,
            receipts_verified: self.receipts_verified,
            violations: self.violations,
            ..Report::default()
        }
    }

    fn held<L: Uplink>(&mut self, unit: &mut Unit<L>, number: Number) -> Option<Held> {
        let store = unit.store()?;
        let entry = exec::run(store.entry(number)).done()?.ok()?;
        let mut hash = Sha256::new();
        let mut offset = 0;
        while offset < entry.size_bytes {
            let length = (entry.size_bytes - offset).min(PIECE_BYTES as u32);
            let mut piece = vec![0; length as usize];
            exec::run(store.read(number, offset, &mut piece)).done()?.ok()?;
            hash.update(&piece);
            offset += length;
        }
        let sha256: [u8; 32] = hash.finalize().into();
        let name = entry.file_name().to_string();
        if entry.sha256.is_some_and(|known| known != sha256) {
            self.wrong(format!("{name} has other bytes than its ledger says"));
        }
        let given = self.given.get(&name).cloned();
        let fits = |given: &Given| given.size_bytes == u64::from(entry.size_bytes) && given.sha256 == sha256;
        if is_receipted(entry.state) && !given.as_ref().is_some_and(fits) {
            self.wrong(format!(
                "{name} counts as delivered and no receipt is for its bytes"
            ));
        }
        Some(Held {
            device: self.device.clone(),
            name,
            size_bytes: entry.size_bytes,
            sha256: hex(&sha256),
            state: state_name(entry.state),
            receipt: given.map(|given| given.text),
        })
    }
}

/// A proof was checked for it.
fn is_receipted(state: State) -> bool {
    matches!(state, State::Receipted | State::Archived | State::Removing)
}

fn deed(row: &Row, before: Option<State>) -> Option<Deed> {
    let (name, size_bytes) = (name(row), row.size_bytes);
    let was_sealed = before.is_some_and(|before| before != State::Open);
    match row.state {
        State::Open => Some(Deed::Records(name)),
        State::Sealed | State::Digested | State::Offered => {
            (!was_sealed).then_some(Deed::Sealed { name, size_bytes })
        }
        State::Receipted | State::Archived | State::Removing => {
            let was_delivered = before.is_some_and(is_delivered);
            (!was_delivered).then_some(Deed::Delivered { name, size_bytes })
        }
        State::Quarantined => Some(Deed::Quarantined(name)),
    }
}

const fn is_delivered(state: State) -> bool {
    matches!(state, State::Receipted | State::Archived | State::Removing)
}

fn name(row: &Row) -> String {
    Kind::file_name(row.kind, row.number).to_string()
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use device::outbox::{DirSlot, Entry, Extent};
    use wire::recording::RecordingId;

    use super::*;

    fn row(number: u32, state: State) -> Row {
        let entry = Entry {
            number: Number(number),
            kind: Kind::Session,
            id: RecordingId(1),
            card: 0,
            extent: Extent {
                first: 2,
                clusters: 1,
            },
            slot: DirSlot(0),
            size_bytes: 512,
            sha256: None,
            state,
            claim: 0,
        };
        Row::of(&entry, Some(0))
    }

    fn watch() -> Watch {
        Watch::new("device".to_owned(), Vec::new(), at(50))
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn what_goes_without_a_receipt_is_seen() {
        for state in [
            State::Sealed,
            State::Offered,
            State::Receipted,
            State::Quarantined,
        ] {
            let mut watch = watch();
            watch.look(&[row(1, state), row(2, state)], at(1));
            watch.look(&[row(1, state)], at(2));
            assert_eq!(watch.violations.len(), 1, "{state:?}");
            assert!(watch.violations[0].contains("sess_000002.csv"));
        }
    }

    #[test]
    fn a_recording_that_was_hardly_begun_may_be_empty_and_a_longer_one_not() {
        for (until, violations) in [(2, 0), (4, 1)] {
            let mut watch = watch();
            watch.look(&[row(1, State::Open)], at(1));
            watch.look(&[row(1, State::Open)], at(until));
            watch.look(&[], at(100));
            assert_eq!(watch.violations.len(), violations);
        }
    }

    #[test]
    fn a_receipt_by_nobody_known_is_a_violation_and_counts_for_nothing() {
        let mut watch = watch();
        watch.heard("RlBS");
        assert_eq!((watch.violations.len(), watch.receipts_verified), (1, 0));
    }

    #[test]
    fn a_picture_of_the_good_time_is_not_waited_for_and_an_older_one_is() {
        let mut watch = watch();
        watch.look(&[row(1, State::Offered)], at(49));
        watch.look(&[row(1, State::Offered), row(2, State::Digested)], at(51));
        assert!(!watch.is_delivered());
        watch.look(&[row(1, State::Receipted), row(2, State::Digested)], at(52));
        assert!(watch.is_delivered());
    }

    #[test]
    fn each_step_is_told_once() {
        let mut watch = watch();
        let told: Vec<Deed> = [
            State::Open,
            State::Open,
            State::Digested,
            State::Offered,
            State::Receipted,
        ]
        .into_iter()
        .flat_map(|state| watch.look(&[row(1, state)], at(1)))
        .collect();
        let name = "sess_000001.csv".to_owned();
        let size_bytes = 512;
        let expected = [
            Deed::Records(name.clone()),
            Deed::Sealed {
                name: name.clone(),
                size_bytes,
            },
            Deed::Delivered { name, size_bytes },
        ];
        assert_eq!(told, expected);
        assert!(watch.is_delivered());
    }
}
