//! What the sensors said and what was written of it, kept apart from what the device believes.
//!
//! ```text
//! samples given ──► pending ─┐ compared row by row
//! sectors written ► block ───┴► whole blocks: so many bytes, with this digest
//! ```
//!
//! A recording is known by its first sector, which begins with our header; what follows it sector by sector is its own. It
//! looks at each byte once, when it is written.

use std::collections::{BTreeMap, VecDeque};

use device::block::SECTOR_BYTES;
use device::recorder::{ImuSample, ImuScale, Sample};
use sha2::{Digest, Sha256};
use wire::recording::{BlockMarker, ChainVerifier, HEADER, ROW_BYTES_MAX, RecordingId, Row, Verdict};

use super::violation::{Broken, Rule};
use crate::card::Sector;

/// A recording as it lies on the card.
#[derive(Debug)]
pub(super) struct Lies {
    pub(super) id: RecordingId,
    first_sector: u32,
    /// Sectors that were written.
    sectors: u32,
    /// Of the block that is not whole yet.
    block: Vec<u8>,
    /// Bytes of whole blocks, and their digest.
    pub(super) whole_bytes: u32,
    digest: Sha256,
    chain: ChainVerifier,
    /// Nothing may be written behind it any more.
    is_over: bool,
}

#[derive(Debug, Default)]
pub(super) struct Truth {
    recordings: Vec<Lies>,
    imu: VecDeque<ImuSample>,
    gps: VecDeque<device::recorder::GpsSample>,
    pub(super) samples: u64,
    /// Storage took nothing for so long that some may have had no room.
    pub(super) may_lose: bool,
    /// Ends that are worth counting, as the recordings give them.
    pub(super) ends: BTreeMap<&'static str, u64>,
}

impl Truth {
    pub(super) fn given(&mut self, sample: Sample) {
        self.samples += 1;
        match sample {
            Sample::Imu(sample) => self.imu.push_back(sample),
            Sample::Gps(sample) => self.gps.push_back(sample),
            Sample::Lost(_) => {}
        }
    }

    /// A sector reached the card.
    pub(super) fn written(&mut self, lba: u32, data: &Sector) -> Result<(), Broken> {
        if let Some(id) = opening(data) {
            // The first block once more, after the card refused to go on.
            self.recordings
                .retain(|known| known.id != id || known.whole_bytes > 0);
            if self.recordings.iter().any(|known| known.id == id) {
                return Err(Rule::EarlierByte.broken(format!("recording {id} begins a second time")));
            }
            self.recordings.push(Lies::new(id, lba));
        }
        let found = self.recordings.iter_mut().rposition(|known| known.has(lba));
        let Some(at) = found else {
            return Ok(());
        };
        let recording = &mut self.recordings[at];
        recording.take(lba, data)?;
        if recording.block_ends() {
            self.block(at)?;
        }
        Ok(())
    }

    /// The open recording's next block is whole: its rows are what the sensors said.
    fn block(&mut self, at: usize) -> Result<(), Broken> {
        let recording = &mut self.recordings[at];
        let block = std::mem::take(&mut recording.block);
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            match BlockMarker::parse(line) {
                Some(marker) => {
                    if recording.chain.block(line, &marker) != Verdict::Whole {
                        let id = recording.id;
                        return Err(Rule::Chain.broken(format!("a block of {id} is damaged")));
                    }
                }
                None => {
                    recording.chain.rows(line);
                    if let Some(end) = end(line) {
                        *self.ends.entry(end).or_default() += 1;
                    }
                    row(line, &mut self.imu, &mut self.gps, self.may_lose)?;
                }
            }
        }
        recording.digest.update(&block);
        recording.whole_bytes += block.len() as u32;
        Ok(())
    }

    pub(super) fn recording(&self, id: RecordingId) -> Option<&Lies> {
        self.recordings.iter().find(|known| known.id == id)
    }

    /// The tick of the oldest sample that is in no whole block.
    pub(super) fn oldest_pending_ms(&self) -> Option<u32> {
        let imu = self.imu.front().map(|sample| sample.tick_ms);
        let gps = self.gps.front().map(|sample| sample.tick_ms);
        [imu, gps].into_iter().flatten().min()
    }

    pub(super) fn pending(&self) -> usize {
        self.imu.len() + self.gps.len()
    }

    /// What was not on the card is gone.
    pub(super) fn forget_pending(&mut self) {
        self.imu.clear();
        self.gps.clear();
    }

    /// The power went: half a block does not count, and of the one in flight it is not known whether it is whole.
    pub(super) fn cut(&mut self) {
        for recording in &mut self.recordings {
            recording.block.clear();
            recording.is_over = true;
        }
    }

    /// What a repaired recording has behind its last known whole block.
    pub(super) fn found(&mut self, id: RecordingId, rest: &[u8]) -> Result<(), Broken> {
        let Some(at) = self.recordings.iter().position(|known| known.id == id) else {
            return Ok(());
        };
        self.recordings[at].block = rest.to_vec();
        if rest.is_empty() {
            return Ok(());
        }
        if !self.recordings[at].block_ends() {
            return Err(Rule::Chain.broken(format!("recording {id} ends within a block")));
        }
        self.block(at)
    }

    pub(super) fn sealed(&mut self, id: RecordingId) {
        if let Some(known) = self.recordings.iter_mut().find(|known| known.id == id) {
            known.is_over = true;
        }
    }

    /// Its place on the card is free for others.
    pub(super) fn removed(&mut self, id: RecordingId) {
        self.recordings.retain(|known| known.id != id);
    }
}

impl Lies {
    fn new(id: RecordingId, first_sector: u32) -> Self {
        let mut chain = ChainVerifier::new();
        chain.opened(id);
        Self {
            id,
            first_sector,
            sectors: 0,
            block: Vec::new(),
            whole_bytes: 0,
            digest: Sha256::new(),
            chain,
            is_over: false,
        }
    }

    pub(super) fn sha256(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    fn has(&self, lba: u32) -> bool {
        let end = self.first_sector + self.sectors + u32::from(!self.is_over);
        (self.first_sector..end).contains(&lba)
    }

    /// The next sector, or one of the block that is not whole yet once more.
    fn take(&mut self, lba: u32, data: &Sector) -> Result<(), Broken> {
        let at = (lba - self.first_sector) as usize * SECTOR_BYTES;
        let Some(within) = at
            .checked_sub(self.whole_bytes as usize)
            .filter(|_| !self.is_over)
        else {
            let id = self.id;
            return Err(Rule::EarlierByte.broken(format!("byte {at} of recording {id} is written again")));
        };
        match self.block.get(within..within + SECTOR_BYTES) {
            Some(before) if before == data => {}
            Some(_) => {
                let id = self.id;
                return Err(Rule::EarlierByte.broken(format!("byte {at} of recording {id} is another one")));
            }
            None => {
                self.block.extend_from_slice(data);
                self.sectors += 1;
            }
        }
        Ok(())
    }

    fn block_ends(&self) -> bool {
        let Some(rows) = self.block.strip_suffix(b"\n") else {
            return false;
        };
        let last = rows.rsplit(|byte| *byte == b'\n').next().unwrap_or(rows);
        BlockMarker::parse(last).is_some()
    }
}

/// The id, where a sector is the first of a recording.
fn opening(data: &Sector) -> Option<RecordingId> {
    let rest = data.strip_prefix(HEADER.as_bytes())?.strip_prefix(b"\n")?;
    let mut cells = rest.split(|byte| *byte == b',').skip(1);
    (cells.next()? == b"M" && cells.next()? == b"OPEN").then_some(())?;
    RecordingId::parse(cells.next()?)
}

fn end(line: &[u8]) -> Option<&'static str> {
    let ends: [(&[u8], _); 3] = [
        (b",M,CLOSE,storage_full\n", "card full"),
        (b",M,CLOSE,low_battery\n", "recording ended by the battery"),
        (b",M,CLOSE,rotate\n", "recording went on in another"),
    ];
    let found = ends.into_iter().find(|(row, _)| line.ends_with(row));
    found.map(|(_, name)| name)
}

/// A row of samples is the oldest that was given and not written yet; a `LOSS` row stands for some.
fn row(
    line: &[u8],
    imu: &mut VecDeque<ImuSample>,
    gps: &mut VecDeque<device::recorder::GpsSample>,
    may_lose: bool,
) -> Result<(), Broken> {
    let mut cells = line.splitn(3, |byte| *byte == b',');
    let expected = match (cells.next(), cells.next()) {
        (_, Some(b"I")) => imu.pop_front().map(|sample| Row::Imu {
            tick_ms: sample.tick_ms,
            imu: ImuScale::BMI.cells(sample.counts),
        }),
        (_, Some(b"G")) => gps.pop_front().map(|sample| Row::Gps {
            tick_ms: sample.tick_ms,
            imu: None,
            gps: sample.gps,
        }),
        (_, Some(b"M")) => return loss(line, imu, gps, may_lose),
        _ => return Ok(()),
    };
    let mut buffer = [0; ROW_BYTES_MAX];
    let length = expected.and_then(|row| row.encode(&mut buffer).ok());
    let wanted = length.map(|length| &buffer[..length]);
    if wanted == Some(line) {
        return Ok(());
    }
    Err(Rule::Sample.broken(format!(
        "the row {:?} where {:?} was the next sample",
        String::from_utf8_lossy(line),
        wanted.map(String::from_utf8_lossy)
    )))
}

fn loss(
    line: &[u8],
    imu: &mut VecDeque<ImuSample>,
    gps: &mut VecDeque<device::recorder::GpsSample>,
    may_lose: bool,
) -> Result<(), Broken> {
    let cells: Vec<&str> = str::from_utf8(line)
        .unwrap_or_default()
        .trim_end()
        .split(',')
        .collect();
    let [_, _, "LOSS", what, count, from, ..] = cells[..] else {
        return Ok(());
    };
    let (count, from): (usize, u32) = (count.parse().unwrap_or(0), from.parse().unwrap_or(0));
    let first = match what {
        "imu" => imu
            .drain(..count.min(imu.len()))
            .next()
            .map(|sample| sample.tick_ms),
        "gps" => gps
            .drain(..count.min(gps.len()))
            .next()
            .map(|sample| sample.tick_ms),
        // Nothing is given any more, and that is what it says.
        _ => return Ok(()),
    };
    if !may_lose {
        return Err(Rule::Sample.broken(format!("{count} of {what} from {from} ms had no room")));
    }
    if first == Some(from) {
        return Ok(());
    }
    Err(Rule::Sample.broken(format!("a loss from {from} where {first:?} was next")))
}
