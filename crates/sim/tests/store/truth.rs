//! What the world was told, and what must therefore be on card and flash.

use std::collections::BTreeMap;

use device::outbox::{Entry, Kind, State as Progress};
use sha2::{Digest, Sha256};
use wire::recording::{BlockMarker, ChainVerifier, RecordingId, Verdict};

use crate::life::{Device, settings};

/// What a call's return says for good.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Number {
        id: u128,
        number: u32,
        tick_ms: u32,
    },
    /// Samples up to this tick were handed over, and every block that was ready was written.
    Pumped {
        id: u128,
        tick_ms: u32,
    },
    Stopped {
        id: u128,
    },
    Reached {
        id: u128,
        progress: Progress,
    },
    /// From here on it may have to be offered again.
    GoingBack {
        id: u128,
    },
    Back {
        id: u128,
    },
    /// From here on it may go.
    Removing {
        id: u128,
    },
    Removed {
        id: u128,
    },
    Settings(usize),
    /// An uptime session may have this from here on; `None` is erased.
    Counting {
        slot: u32,
        run_s: Option<u32>,
    },
    Counted {
        slot: u32,
        run_s: Option<u32>,
    },
}

/// Everything that was told, each with the number of steps that were done by then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diary {
    pub(crate) entries: Vec<(u64, Told)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    number: Option<u32>,
    began_ms: u32,
    pumped_ms: u32,
    is_stopped: bool,
    progress: Option<Progress>,
    may_go_back: bool,
    may_go: bool,
    is_gone: bool,
}

/// What is known to a world that was told the diary up to a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    sessions: BTreeMap<u128, Session>,
    settings: Option<usize>,
    /// What each uptime session has, and what it may have.
    uptime: BTreeMap<u32, [Option<u32>; 2]>,
}

impl Truth {
    pub(crate) fn at(diary: &Diary, step: u64) -> Self {
        let mut truth = Self::default();
        for (_, told) in diary.entries.iter().take_while(|(steps, _)| *steps <= step) {
            truth.learn(told);
        }
        truth
    }

    fn learn(&mut self, told: &Told) {
        if let Told::Settings(version) = told {
            self.settings = Some(*version);
            return;
        }
        if let Told::Counting { slot, run_s } = told {
            self.uptime.entry(*slot).or_default()[1] = *run_s;
            return;
        }
        if let Told::Counted { slot, run_s } = told {
            self.uptime.insert(*slot, [*run_s; 2]);
            return;
        }
        let (Told::Number { id, .. }
        | Told::Pumped { id, .. }
        | Told::Stopped { id }
        | Told::Reached { id, .. }
        | Told::GoingBack { id }
        | Told::Back { id }
        | Told::Removing { id }
        | Told::Removed { id }) = told
        else {
            return;
        };
        let session = self.sessions.entry(*id).or_default();
        match told {
            Told::Number { number, tick_ms, .. } => {
                session.number = Some(*number);
                session.began_ms = *tick_ms;
            }
            Told::Pumped { tick_ms, .. } => session.pumped_ms = *tick_ms,
            Told::Stopped { .. } => session.is_stopped = true,
            Told::Reached { progress, .. } => session.progress = Some(*progress),
            Told::GoingBack { .. } => session.may_go_back = true,
            Told::Back { .. } => {
                session.may_go_back = false;
                session.progress = Some(Progress::Digested);
            }
            Told::Removing { .. } => session.may_go = true,
            Told::Removed { .. } => session.is_gone = true,
            Told::Settings(_) | Told::Counting { .. } | Told::Counted { .. } => {}
        }
    }

    /// Looks at a device that has just started. `whole` is each recording as it is when nothing is cut.
    pub(crate) async fn check(&self, device: &mut Device, whole: &BTreeMap<u128, Vec<u8>>) {
        let (mut found, mut away) = (BTreeMap::new(), BTreeMap::new());
        for row in device.store.ledger().rows().to_vec() {
            let entry = device.store.entry(row.number).await.unwrap();
            if !row.is_here() {
                away.insert(entry.id.0, entry);
                continue;
            }
            let mut bytes = vec![0; entry.size_bytes as usize];
            device.store.read(row.number, 0, &mut bytes).await.unwrap();
            assert!(
                entry.state >= Progress::Digested,
                "boot leaves none half done: {entry:?}"
            );
            assert_eq!(
                entry.sha256,
                Some(Sha256::digest(&bytes).into()),
                "the digest of what is there"
            );
            let whole = &whole[&entry.id.0];
            assert!(whole.starts_with(&bytes), "bytes as they were recorded");
            match entry.kind {
                Kind::Session => assert_opens_cleanly(&bytes, entry.id),
                Kind::Picture => assert_eq!(bytes.len(), whole.len(), "all of it, or nothing"),
            }
            assert!(found.insert(entry.id.0, (entry, bytes)).is_none());
        }
        for (id, session) in &self.sessions {
            match found.get(id) {
                Some((entry, bytes)) => session.check(entry, bytes, &whole[id]),
                None => match away.get(id) {
                    Some(entry) => session.check_away(entry),
                    None => session.check_missing(),
                },
            }
        }
        self.check_settings(device).await;
        self.check_uptime(device).await;
    }

    async fn check_settings(&self, device: &mut Device) {
        let mut buffer = [0; 2048];
        let item = device::flash::Item::Settings;
        let read = device.store.flash().read(item, &mut buffer).await.unwrap();
        let known = settings();
        let read = read.map(|bytes| known.iter().position(|known| known == bytes).expect("whole"));
        let next = self.settings.map_or(0, |version| version + 1);
        assert!(
            read == self.settings || read == Some(next),
            "{read:?} after {:?}",
            self.settings
        );
    }

    async fn check_uptime(&self, device: &mut Device) {
        for (slot, may_be) in &self.uptime {
            let mut buffer = [0; 64];
            let item = device::flash::Item::Uptime(*slot);
            let read = device.store.flash().read(item, &mut buffer).await.unwrap();
            let run_s = read.map(|bytes| u32::from_le_bytes(bytes.try_into().expect("whole")));
            assert!(may_be.contains(&run_s), "{run_s:?} of {may_be:?}");
        }
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.sessions.values().filter_map(|session| session.number)
    }
}

impl Session {
    fn check(&self, entry: &Entry, bytes: &[u8], whole: &[u8]) {
        assert!(!self.is_gone, "a removed recording is back: {entry:?}");
        assert!(self.number.is_none_or(|number| number == entry.number.0));
        if self.is_stopped {
            assert_eq!(bytes.len(), whole.len(), "a recording that was ended is whole");
        }
        if let Some(progress) = self.progress {
            let back = self.may_go_back && entry.state == Progress::Digested;
            assert!(
                back || entry.state >= progress,
                "{:?} after {progress:?}",
                entry.state
            );
        }
        if self.pumped_ms > 0 && !self.is_stopped {
            let kept_ms = last_sample_ms(bytes);
            assert!(
                kept_ms + 1_000 >= self.pumped_ms,
                "{kept_ms} of {} ms",
                self.pumped_ms
            );
        }
        let (recorded, proven) = (entry.state, self.progress >= Some(Progress::Receipted));
        assert!(recorded < Progress::Receipted || proven || self.progress == Some(Progress::Offered));
    }

    /// On a card that is not in the slot: it is as far as it was.
    fn check_away(&self, entry: &Entry) {
        assert!(!self.is_gone, "a removed recording is back: {entry:?}");
        assert!(self.number.is_none_or(|number| number == entry.number.0));
        if let Some(progress) = self.progress.filter(|_| !self.may_go_back) {
            assert!(entry.state >= progress, "{:?} after {progress:?}", entry.state);
        }
    }

    fn check_missing(&self) {
        let had_blocks = self.pumped_ms > self.began_ms + 1_000 || self.is_stopped;
        assert!(self.may_go || !had_blocks, "a recording is gone: {self:?}");
    }
}

/// Whole blocks to the last byte.
pub(crate) fn assert_opens_cleanly(bytes: &[u8], id: RecordingId) {
    let mut verifier = ChainVerifier::new();
    verifier.opened(id);
    let (mut at, mut end_of_blocks) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if let Some(marker) = BlockMarker::parse(line) {
            assert_eq!(verifier.block(line, &marker), Verdict::Whole);
            end_of_blocks = at;
        } else {
            verifier.rows(line);
        }
    }
    assert_eq!(end_of_blocks, bytes.len(), "no half block at the end");
}

/// The tick of the last inertial row.
pub(crate) fn last_sample_ms(bytes: &[u8]) -> u32 {
    let text = str::from_utf8(bytes).expect("a recording opens cleanly");
    let row = text
        .lines()
        .rev()
        .find(|line| line.contains(",I,"))
        .expect("rows");
    row.split(',').next().unwrap().parse().unwrap()
}
