//! All recordings that the device holds.

use core::fmt::{self, Debug};

use embedded_storage_async::nor_flash::MultiwriteNorFlash;
use heapless::Vec;
use wire::recording::RecordingId;

use super::encoding::{self, ENTRY_BYTES_MAX};
use super::{DirSlot, Entry, Extent, Kind, Number, Refused, State, Step};
use crate::flash::{Error, FlashStore};

/// A season of track days. Beyond it something has to be delivered and removed first.
pub const LEDGER_MAX: usize = 512;

/// What of an entry is at hand without a look into the flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub number: Number,
    /// 0 while it is open.
    pub size_bytes: u32,
    slot: DirSlot,
    pub kind: Kind,
    pub state: State,
}

/// More than a folder has.
const NOWHERE: DirSlot = DirSlot(u16::MAX);

const _: () = assert!(size_of::<Row>() <= 12);

/// A number that was counted and is on nothing yet. Whoever drops it leaves a gap in the numbers, which is harmless.
#[derive(Debug, PartialEq, Eq)]
pub struct FreshNumber(Number);

impl FreshNumber {
    pub const fn number(&self) -> Number {
        self.0
    }
}

/// What is known of a recording before its first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    pub kind: Kind,
    pub id: RecordingId,
    pub card: u32,
    pub extent: Extent,
    pub slot: DirSlot,
    pub claim: u32,
}

/// Why the ledger does not do what it was asked for. Nothing was changed, unless the flash failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerError<E> {
    Flash(Error<E>),
    /// There is no such recording.
    Unknown(Number),
    /// It holds [`LEDGER_MAX`] already.
    Full,
    Refused(Refused),
}

/// The index of the ledger; the entries themselves are in flash. Of a card that is not in the slot they are known and out of reach: they keep
/// their numbers and states, and wait.
#[derive(Debug)]
pub struct Ledger {
    /// By number.
    rows: Vec<Row, LEDGER_MAX>,
    card: Option<u32>,
    /// Claims only grow, as numbers do: the newest, and the first recording under it. All before are other owners'.
    claim: u32,
    claimed_from: Number,
}

/// Before anything is in it.
impl Default for Ledger {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            card: None,
            claim: 0,
            claimed_from: Number(0),
        }
    }
}

impl Ledger {
    /// Builds the index at boot, before any card is seen. It counts entries that cannot be read: rot, or newer firmware's. They stay in the flash, and
    /// their files on the card.
    pub async fn load<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
    ) -> Result<u16, LedgerError<F::Error>> {
        self.rows.clear();
        let mut unreadable = 0_u16;
        let mut from = Number(0);
        while let Some(number) = flash.next_entry(from) {
            match read(flash, number).await {
                Ok(entry) => self.push(Row::of(&entry, None), entry.claim)?,
                Err(LedgerError::Flash(Error::Damaged | Error::TooLong)) => {
                    unreadable = unreadable.saturating_add(1);
                }
                Err(error) => return Err(error),
            }
            from = Number(number.0.saturating_add(1));
        }
        Ok(unreadable)
    }

    /// This card is in the slot now, or none.
    pub async fn see<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        card: Option<u32>,
    ) -> Result<(), LedgerError<F::Error>> {
        self.card = card;
        for row in &mut self.rows {
            row.slot = NOWHERE;
        }
        if card.is_some() {
            for row in &mut self.rows {
                *row = Row::of(&read(flash, row.number).await?, card);
            }
        }
        Ok(())
    }

    /// The file of this one is not where it should be: somebody took it.
    pub(crate) fn miss(&mut self, number: Number) {
        if let Ok(at) = self.position(number)
            && let Some(row) = self.rows.get_mut(at)
        {
            row.slot = NOWHERE;
        }
    }

    /// Whether one more recording has a place, if the oldest that is out of reach has to be forgotten for it.
    pub(crate) fn has_room(&self) -> bool {
        !self.rows.is_full() || self.rows.iter().any(|row| !row.is_here())
    }

    /// A device that sees many cards must go on recording: in a full ledger the oldest recording that is out of reach is forgotten. Its file stays
    /// where it is.
    pub(crate) async fn make_room<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
    ) -> Result<(), LedgerError<F::Error>> {
        let away = self.rows.iter().find(|row| !row.is_here());
        match away.map(|row| row.number).filter(|_| self.rows.is_full()) {
            Some(number) => self.forget(flash, number).await,
            None => Ok(()),
        }
    }

    /// Oldest first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Those that were made under this claim, oldest first; none of an earlier one than the newest.
    pub fn rows_of(&self, claim: u32) -> &[Row] {
        let first = self.rows.partition_point(|row| row.number < self.claimed_from);
        let rows = self.rows.get(first..).filter(|_| claim == self.claim);
        rows.unwrap_or_default()
    }

    pub fn row(&self, number: Number) -> Option<&Row> {
        self.rows.get(self.position(number).ok()?)
    }

    /// All that is known of a recording.
    pub async fn entry<F: MultiwriteNorFlash>(
        &self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<Entry, LedgerError<F::Error>> {
        self.position(number).map_err(|_| LedgerError::Unknown(number))?;
        read(flash, number).await
    }

    /// Counts the next recording; `on_card` is the highest number that a file on the card has.
    pub async fn next_number<F: MultiwriteNorFlash>(
        &self,
        flash: &mut FlashStore<F>,
        on_card: Option<Number>,
    ) -> Result<FreshNumber, LedgerError<F::Error>> {
        if self.rows.is_full() {
            return Err(LedgerError::Full);
        }
        let number = flash.count_recording(on_card).await?;
        Ok(FreshNumber(number))
    }

    /// Enters a recording that is about to begin.
    pub async fn open<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: FreshNumber,
        opening: &Opening,
    ) -> Result<Entry, LedgerError<F::Error>> {
        if self.rows.is_full() {
            return Err(LedgerError::Full);
        }
        let entry = Entry {
            number: number.0,
            kind: opening.kind,
            id: opening.id,
            card: opening.card,
            extent: opening.extent,
            slot: opening.slot,
            size_bytes: 0,
            sha256: None,
            state: State::Open,
            claim: opening.claim,
        };
        write(flash, &entry).await?;
        self.push(Row::of(&entry, Some(entry.card)), entry.claim)?;
        Ok(entry)
    }

    /// Numbers only grow, so it is the last.
    fn push<E>(&mut self, row: Row, claim: u32) -> Result<(), LedgerError<E>> {
        if claim != self.claim {
            (self.claim, self.claimed_from) = (claim, row.number);
        }
        self.rows.push(row).map_err(|_| LedgerError::Full)
    }

    /// Takes a step and gives the entry after it. When this returns it is in the flash.
    pub async fn advance<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
        step: Step<'_>,
    ) -> Result<Entry, LedgerError<F::Error>> {
        let before = self.entry(flash, number).await?;
        let entry = before.after(step).map_err(LedgerError::Refused)?;
        if entry != before {
            write(flash, &entry).await?;
            if let Ok(at) = self.position(number)
                && let Some(row) = self.rows.get_mut(at)
            {
                let slot = row.slot;
                *row = Row::of(&entry, self.card);
                row.slot = slot;
            }
        }
        Ok(entry)
    }

    /// Strikes out a recording that was being removed and whose file is gone from the card; its number stays taken.
    pub async fn remove<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<(), LedgerError<F::Error>> {
        self.strike(flash, number, &[State::Removing]).await
    }

    /// Strikes out a recording that was opened and of which not one block is on the card.
    pub async fn abandon<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<(), LedgerError<F::Error>> {
        self.strike(flash, number, &[State::Open]).await
    }

    /// Strikes out a recording that a server has, and whose file a person took off the card.
    pub(crate) async fn let_go<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<(), LedgerError<F::Error>> {
        self.strike(flash, number, &[State::Receipted, State::Archived])
            .await
    }

    async fn strike<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
        only: &[State],
    ) -> Result<(), LedgerError<F::Error>> {
        let state = self.row(number).ok_or(LedgerError::Unknown(number))?.state;
        if !only.contains(&state) {
            return Err(LedgerError::Refused(Refused::Order(state)));
        }
        self.forget(flash, number).await
    }

    async fn forget<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<(), LedgerError<F::Error>> {
        let at = self.position(number).map_err(|_| LedgerError::Unknown(number))?;
        flash.remove_entry(number).await?;
        self.rows.remove(at);
        Ok(())
    }

    fn position(&self, number: Number) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&number, |row| row.number)
    }
}

impl Row {
    /// What is at hand of an entry while this card is in the slot.
    pub fn of(entry: &Entry, card: Option<u32>) -> Self {
        let is_here = card == Some(entry.card);
        Self {
            number: entry.number,
            size_bytes: entry.size_bytes,
            slot: if is_here { entry.slot } else { NOWHERE },
            kind: entry.kind,
            state: entry.state,
        }
    }

    /// Its place in the folder of the card that is in the slot; `None` where it lies on another, or was taken away.
    pub fn slot(&self) -> Option<DirSlot> {
        (self.slot != NOWHERE).then_some(self.slot)
    }

    pub fn is_here(&self) -> bool {
        self.slot != NOWHERE
    }
}

async fn read<F: MultiwriteNorFlash>(
    flash: &mut FlashStore<F>,
    number: Number,
) -> Result<Entry, LedgerError<F::Error>> {
    let mut buffer = [0; ENTRY_BYTES_MAX];
    let bytes = flash
        .read_entry(number, &mut buffer)
        .await?
        .ok_or(LedgerError::Unknown(number))?;
    encoding::from_bytes(number, bytes).ok_or(LedgerError::Flash(Error::Damaged))
}

async fn write<F: MultiwriteNorFlash>(
    flash: &mut FlashStore<F>,
    entry: &Entry,
) -> Result<(), LedgerError<F::Error>> {
    let (bytes, len) = encoding::to_bytes(entry);
    flash.write_entry(entry.number, &bytes[..len]).await?;
    Ok(())
}

impl<E> From<Error<E>> for LedgerError<E> {
    fn from(error: Error<E>) -> Self {
        Self::Flash(error)
    }
}

impl<E: Debug> fmt::Display for LedgerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => fmt::Display::fmt(error, f),
            Self::Unknown(number) => write!(f, "there is no recording {number}"),
            Self::Full => write!(
                f,
                "the device holds {LEDGER_MAX} recordings; let it deliver some, and archived ones go"
            ),
            Self::Refused(refused) => fmt::Display::fmt(refused, f),
        }
    }
}

impl<E: Debug> core::error::Error for LedgerError<E> {}
