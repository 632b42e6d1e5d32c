//! A folder for a card: its files `sess_000001.csv`… are the recordings.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use device::outbox::{DirSlot, Entry, Extent, Kind, Number, State};
use device::portal::http::LIST_MAX;
use sha2::{Digest, Sha256};
use wire::recording::RecordingId;

use crate::Failure;

pub(crate) struct Shelf {
    /// The newest first.
    recordings: Vec<(Entry, File)>,
}

impl Shelf {
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let mut recordings = Vec::new();
        for file in std::fs::read_dir(folder)? {
            let path = file?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let digits = name
                .strip_prefix("sess_")
                .and_then(|rest| rest.strip_suffix(".csv"));
            let number = digits.ok_or_else(|| format!("{name} is no recording"))?.parse()?;
            let bytes = std::fs::read(&path)?;
            let entry = Entry {
                number: Number(number),
                kind: Kind::Session,
                id: RecordingId::parse(format!("{number:032x}").as_bytes()).ok_or("no id")?,
                card: 0,
                extent: Extent {
                    first: 2,
                    clusters: 1,
                },
                slot: DirSlot(0),
                size_bytes: u32::try_from(bytes.len())?,
                sha256: Some(Sha256::digest(&bytes).into()),
                state: State::Digested,
                claim: 0,
            };
            recordings.push((entry, File::open(&path)?));
        }
        recordings.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.number));
        Ok(Self { recordings })
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.recordings.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn find(&self, number: Number) -> Option<&Entry> {
        self.recordings
            .iter()
            .map(|(entry, _)| entry)
            .find(|entry| entry.number == number)
    }

    pub(crate) fn list(&self, before: Option<Number>) -> Vec<Entry> {
        let older = |entry: &&Entry| before.is_none_or(|before| entry.number < before);
        let entries = self.recordings.iter().map(|(entry, _)| entry);
        entries.filter(older).take(LIST_MAX).copied().collect()
    }

    /// Reads from an offset on; how many bytes it were.
    pub(crate) fn read(&self, number: Number, offset: u32, into: &mut [u8]) -> std::io::Result<usize> {
        let file = self.recordings.iter().find(|(entry, _)| entry.number == number);
        match file {
            Some((_, file)) => file.read_at(into, u64::from(offset)),
            None => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}
