//! Everything small that must survive a cut.
//!
//! ```text
//!  ledger entries ─ numbers ─ boot ─ settings ─ uptime ─ intents of the card ─ breadcrumb
//!                 └──────────────► FlashStore ◄──────────────┘
//!                                      │ keys and bytes
//!                                  journal (a map that no cut harms)
//!                                      │
//!                                  NOR flash
//! ```
//!
//! Promises: what a call has returned from is there after any cut; a call that was cut has happened or has not. Each value stands for itself:
//! what needs two of them together (a reset) writes down first what it is about to do, and [`FlashStore::mount`] finishes it.
//!
//! It deliberately knows nothing of what the bytes of an [`Item`] mean, and gives nobody but [`crate::outbox::Ledger`] a way to write an
//! entry.

mod identity;
pub mod journal;
mod keys;
mod words;

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

pub use identity::{Boot, CardIdentity, Drawn, SETUP_CODE_BYTES};
pub use journal::{Error, MountError, Report};
use journal::{Journal, RawKey};
pub use keys::{Item, NUMBER_MAX, PARKED_MAX, UPTIME_MAX};

use crate::outbox::{ENTRY_BYTES_MAX, LEDGER_MAX, Number};

/// What a device sets aside: room for a full ledger, all sessions, settings and intents at once, with half of it free for turning over.
pub const FLASH_BYTES: u32 = 32 * journal::PAGE_BYTES;

const _: () = {
    // Everything at its longest.
    let header = journal::RECORD_HEADER_BYTES as usize;
    let all = LEDGER_MAX * (ENTRY_BYTES_MAX + header)
        + UPTIME_MAX * (Item::Uptime(0).bytes_max() + header)
        + Item::Settings.bytes_max()
        + Item::Breadcrumb.bytes_max()
        + Item::FatIntent.bytes_max()
        + Item::DirectoryIntent.bytes_max()
        + PARKED_MAX as usize * (Item::Parked(0).bytes_max() + header)
        + Item::UptimeLoss.bytes_max()
        + Item::CameraTally.bytes_max()
        + Item::StorageEpoch.bytes_max()
        + 16 * (16 + header);
    assert!(all <= journal::live_bytes_max(FLASH_BYTES / journal::PAGE_BYTES) as usize);
};

/// See the module.
#[derive(Debug)]
pub struct FlashStore<F> {
    journal: Journal<F>,
}

impl<F: MultiwriteNorFlash> FlashStore<F> {
    /// Holds nothing until [`Self::open`].
    pub const fn new(flash: F) -> Self {
        let journal = Journal::new(flash);
        Self { journal }
    }

    /// Reads what is there; formats flash that is blank, and only that; finishes a reset that was cut.
    pub async fn open(&mut self) -> Result<Report, MountError<F::Error>> {
        let report = self.journal.open().await?;
        self.finish_reset().await.map_err(MountError::Reset)?;
        Ok(report)
    }

    /// Both at once, where memory is no matter.
    pub async fn mount(flash: F) -> Result<(Self, Report), MountError<F::Error>> {
        let mut store = Self::new(flash);
        let report = store.open().await?;
        Ok((store, report))
    }

    /// Gives up flash that [`Self::mount`] called foreign: a person's decision.
    pub async fn format(flash: F) -> Result<Self, MountError<F::Error>> {
        let journal = Journal::format(flash).await?;
        Ok(Self { journal })
    }

    /// Reads an item into the beginning of `buffer`; [`Item::bytes_max`] is always long enough.
    pub async fn read<'b>(
        &mut self,
        item: Item,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, Error<F::Error>> {
        match item.key() {
            Some(key) => self.journal.get(key, buffer).await,
            None => Ok(None),
        }
    }

    /// Keeps an item in place of what it was before. [`Error::Full`] for one uptime session more than [`UPTIME_MAX`].
    pub async fn write(&mut self, item: Item, bytes: &[u8]) -> Result<(), Error<F::Error>> {
        let key = item.key().ok_or(Error::Full)?;
        if bytes.len() > item.bytes_max() {
            return Err(Error::TooLong);
        }
        if let Item::Uptime(_) = item
            && !self.journal.contains(key)
            && self.uptime_sessions().count() >= UPTIME_MAX
        {
            return Err(Error::Full);
        }
        self.journal.put(key, bytes).await
    }

    /// Takes an item back; nothing happens where there is none.
    pub async fn remove(&mut self, item: Item) -> Result<(), Error<F::Error>> {
        match item.key() {
            Some(key) => self.journal.remove(key).await,
            None => Ok(()),
        }
    }

    /// The numbers of the uptime sessions that are kept, oldest first.
    pub fn uptime_sessions(&self) -> impl Iterator<Item = u32> {
        let mut from = Item::Uptime(0).key();
        core::iter::from_fn(move || {
            let key = self.journal.next_key(from?)?;
            from = key.0.checked_add(1).map(RawKey);
            keys::uptime_of(key)
        })
    }

    /// How much more fits, in bytes with their headers; 0 is full.
    pub fn free_bytes(&self) -> u32 {
        self.journal
            .live_bytes_max()
            .saturating_sub(self.journal.live_bytes())
    }

    pub fn into_flash(self) -> F {
        self.journal.into_flash()
    }

    /// The first recording of the ledger from this number on.
    pub(crate) fn next_entry(&self, from: Number) -> Option<Number> {
        self.journal
            .next_key(keys::entry(from)?)
            .and_then(keys::number_of)
    }

    fn last_entry(&self) -> Option<Number> {
        let last = keys::entry(Number(NUMBER_MAX))?;
        self.journal.last_key(last).and_then(keys::number_of)
    }

    pub(crate) async fn read_entry<'b>(
        &mut self,
        number: Number,
        buffer: &'b mut [u8; ENTRY_BYTES_MAX],
    ) -> Result<Option<&'b [u8]>, Error<F::Error>> {
        match keys::entry(number) {
            Some(key) => self.journal.get(key, buffer).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn write_entry(&mut self, number: Number, bytes: &[u8]) -> Result<(), Error<F::Error>> {
        let key = keys::entry(number).ok_or(Error::Full)?;
        self.journal.put(key, bytes).await
    }

    pub(crate) async fn remove_entry(&mut self, number: Number) -> Result<(), Error<F::Error>> {
        match keys::entry(number) {
            Some(key) => self.journal.remove(key).await,
            None => Ok(()),
        }
    }
}
