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
    pub claim: u32,
    pub slot: DirSlot,
    pub kind: Kind,
    pub state: State,
}

const _: () = assert!(size_of::<Row>() <= 16);

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

/// The index of the ledger; the entries themselves are in flash.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By number.
    rows: Vec<Row, LEDGER_MAX>,
}

impl Ledger {
    /// Builds the index at boot. The second value counts entries that cannot be read: rot, or newer firmware's. They stay in the flash, and
    /// their files on the card.
    pub async fn load<F: MultiwriteNorFlash>(
        flash: &mut FlashStore<F>,
    ) -> Result<(Self, u16), LedgerError<F::Error>> {
        let mut ledger = Self::default();
        let mut unreadable = 0_u16;
        let mut from = Number(0);
        while let Some(number) = flash.next_entry(from) {
            match read(flash, number).await {
                Ok(entry) => ledger.rows.push(Row::of(&entry)).map_err(|_| LedgerError::Full)?,
                Err(LedgerError::Flash(Error::Damaged | Error::TooLong)) => {
                    unreadable = unreadable.saturating_add(1);
                }
                Err(error) => return Err(error),
            }
            from = Number(number.0.saturating_add(1));
        }
        Ok((ledger, unreadable))
    }

    /// Oldest first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
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
            extent: opening.extent,
            slot: opening.slot,
            size_bytes: 0,
            sha256: None,
            state: State::Open,
            claim: opening.claim,
        };
        write(flash, &entry).await?;
        // Numbers only grow, so it is the last.
        self.rows.push(Row::of(&entry)).map_err(|_| LedgerError::Full)?;
        Ok(entry)
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
                *row = Row::of(&entry);
            }
        }
        Ok(entry)
    }

    /// Strikes out an archived recording whose file is gone from the card; its number stays taken.
    pub async fn remove<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<(), LedgerError<F::Error>> {
        self.strike(flash, number, State::Archived).await
    }

    /// Strikes out a recording that was opened and of which not one block is on the card.
    pub async fn abandon<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
    ) -> Result<(), LedgerError<F::Error>> {
        self.strike(flash, number, State::Open).await
    }

    async fn strike<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut FlashStore<F>,
        number: Number,
        only: State,
    ) -> Result<(), LedgerError<F::Error>> {
        let found = self.position(number).ok();
        let (at, state) = found
            .and_then(|at| Some((at, self.rows.get(at)?.state)))
            .ok_or(LedgerError::Unknown(number))?;
        if state != only {
            return Err(LedgerError::Refused(Refused::Order(state)));
        }
        flash.remove_entry(number).await?;
        self.rows.remove(at);
        Ok(())
    }

    fn position(&self, number: Number) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&number, |row| row.number)
    }
}

impl Row {
    const fn of(entry: &Entry) -> Self {
        Self {
            number: entry.number,
            size_bytes: entry.size_bytes,
            claim: entry.claim,
            slot: entry.slot,
            kind: entry.kind,
            state: entry.state,
        }
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
