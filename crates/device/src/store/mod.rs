//! The one owner of the card and of the flash.
//!
//! ```text
//!           boot(): redo intents, mend what was cut
//!              │
//!   ┌──────────▼──────────┐ start()  ┌───────────┐ pump() … block after block
//!   │        Idle         │ ───────► │ Recording │ ──────────────────────────┐
//!   │ read, steps, remove │ ◄─────── │           │ ◄─────────────────────────┘
//!   └─────────────────────┘  stop()  └───────────┘   full: rotate()
//! ```
//!
//! **Contract.** One task owns it, where it was built, and calls one thing after another. [`Store::boot`] first; while recording, [`Store::pump`] at least every
//! 100 ms. A block that the card does not take may be pumped again. After any other error of the card or the flash a change may be half done,
//! so nothing more is done with the card ([`StorageError::NoCard`]) until [`Store::reinsert`]; after a cut, boot puts everything right.
//!
//! **Memory.** It is built once, where it stays, and starts there. Between recordings the block of the recorder is where changes of the folder are
//! planned and what was cut is read, so no operation has a buffer of its own that is larger than a sector.
//!
//! Cards may be changed. What the ledger has of another card waits for it: it is neither read nor offered, nor struck out, and goes on where it was
//! when its card is back, with a change of that card that was half done.
//!
//! **Promises** (P3). Of a recording that was cut off, everything up to the last block that was on the card is kept, and the file opens cleanly;
//! no earlier byte of it, and no other file, is touched. A number is on one recording, for ever. What is receipted was proven.
//! `docs/decisions/0009-how-a-recording-lies-on-the-card.md` says how.
//!
//! | step | on the flash | on the card | after a cut here |
//! |---|---|---|---|
//! | number | counter | | the number is skipped |
//! | open | entry `Open` | | nothing on the card: struck out |
//! | link and name | two intents, taken back | tables, folder | both finished, or, before the second intent was whole, neither begun |
//! | record | | data sectors, once, in order | the end is found by the chain of checksums |
//! | length and chain | an intent each, taken back | folder, tables | done again from the found end |
//! | seal, digest | entry `Sealed`, then `Digested` | | the digest is taken up where the last `DIGEST` row says |
//! | remove | entry `Removing`, intents, then none | folder, tables | done again |

mod changes;
mod error;
mod giving;
mod handing;
mod intents;
mod picture;
mod repair;
mod report;
mod session;

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use crate::block::BlockDevice;
use crate::fat::{self, Stamp};
use crate::flash::{Boot, Drawn, FlashStore, MountError};
use crate::outbox::{Ledger, LedgerError, Number};
use crate::recorder::Recording;
pub use error::StorageError;
pub use picture::Picture;
pub use repair::Mended;
pub use report::CardReport;
pub use session::{Pumped, Rotated, Start};

use changes::{Media, Mounted, Slot};
use handing::Reading;
use session::Active;

/// See the module.
#[derive(Debug)]
pub struct Store<C: BlockDevice, F> {
    media: Media<C, F>,
    slot: Slot,
    /// The highest number that a file in the folder had at boot.
    on_card: Option<Number>,
    /// Where the next recording is looked for: after the last.
    next_cluster: u32,
    extents: Extents,
    active: Option<Active>,
    reading: Option<Reading>,
}

/// How much of the card a recording takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extents {
    /// Of one that is full, the next one goes on.
    pub bytes: u32,
    /// On a card with no longer free run than this, none is begun.
    pub bytes_min: u32,
}

/// 70 minutes at default rates; two minutes.
impl Default for Extents {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            bytes_min: 1 << 20,
        }
    }
}

/// Why there is nothing to record on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardTrouble {
    /// No card answers.
    Absent,
    /// One does, but not with a file system of ours: in the refusal's words.
    Refused(fat::Refusal),
    /// Its tables or its folder are not as they should be.
    Damaged,
    /// Something named FIELDPOST is in the way.
    InTheWay,
    Full,
}

/// What a start found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    pub boot: Boot,
    pub mended: Mended,
}

/// Why a device cannot start: its own memory is not readable.
#[derive(Debug)]
pub enum BootError<F> {
    Mount(MountError<F>),
    Flash(crate::flash::Error<F>),
    Ledger(LedgerError<F>),
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// Takes over both storages and touches neither. It is large: build it where it stays.
    pub fn new(card: C, flash: F, extents: Extents) -> Self {
        Self {
            media: Media {
                card,
                flash: FlashStore::new(flash),
                ledger: Ledger::default(),
                recording: Recording::idle(),
            },
            slot: Slot::empty(),
            on_card: None,
            next_cluster: fat::FIRST_CLUSTER,
            extents,
            active: None,
            reading: None,
        }
    }

    /// Mends what the last cut left. Without a card it starts as well, and says so.
    pub async fn boot(&mut self, drawn: &Drawn, stamp: Stamp) -> Result<Started, BootError<F::Error>> {
        let Media { flash, ledger, .. } = &mut self.media;
        flash.open().await.map_err(BootError::Mount)?;
        let boot = flash.boot(drawn).await.map_err(BootError::Flash)?;
        let unreadable = ledger.load(flash).await.map_err(BootError::Ledger)?;
        let mut mended = Mended {
            unreadable,
            ..Mended::default()
        };
        self.insert(stamp, &mut mended).await;
        Ok(Started { boot, mended })
    }

    /// Takes the card that is in the slot now, after an error or when it was changed. A recording that was being made ends where its last
    /// block is, now or when its card is back.
    pub async fn reinsert(&mut self, stamp: Stamp) -> Mended {
        let mut mended = Mended::default();
        self.insert(stamp, &mut mended).await;
        mended
    }

    /// Why nothing can be recorded, if so.
    pub fn card_trouble(&self) -> Option<CardTrouble> {
        self.slot.trouble
    }

    pub fn ledger(&self) -> &Ledger {
        &self.media.ledger
    }

    /// Everything small that others keep: settings, uptime sessions, breadcrumbs.
    pub fn flash(&mut self) -> &mut FlashStore<F> {
        &mut self.media.flash
    }

    /// Gives both back, as a device does that is switched off.
    pub fn into_parts(self) -> (C, F) {
        (self.media.card, self.media.flash.into_flash())
    }

    /// Mounts the card that is in the slot now and mends it.
    async fn insert(&mut self, stamp: Stamp, mended: &mut Mended) {
        self.leave(CardTrouble::Absent);
        self.next_cluster = fat::FIRST_CLUSTER;
        let mounted = self.mount(stamp, mended).await;
        self.slot.trouble = mounted.err().map(|error| CardTrouble::of(&error));
    }

    async fn mount(
        &mut self,
        stamp: Stamp,
        mended: &mut Mended,
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        self.media.see(None).await?;
        let mounted = &mut self.slot.mounted;
        mended.dropped_intents |= self.media.mount(mounted, stamp).await?;
        let Mounted { volume, folder } = &mut *mounted;
        self.on_card = volume.highest_number(&mut self.media.card, folder).await?;
        self.media.see(Some(volume.geometry().serial)).await?;
        self.media.repair(mounted, stamp, mended).await
    }

    fn leave(&mut self, why: CardTrouble) {
        self.slot.trouble = Some(why);
        self.active = None;
        self.reading = None;
    }

    /// After an error that may have left a change half done the card is left alone: the next change would take the place of its intent.
    fn settle<T>(
        &mut self,
        done: Result<T, StorageError<C::Error, F::Error>>,
    ) -> Result<T, StorageError<C::Error, F::Error>> {
        if let Err(error) = &done
            && error.may_be_half_done()
        {
            self.leave(CardTrouble::of(error));
        }
        done
    }
}

impl CardTrouble {
    fn of<C, F>(error: &StorageError<C, F>) -> Self {
        match error {
            StorageError::Card(fat::Error::Refused(refusal)) => Self::Refused(*refusal),
            StorageError::Card(fat::Error::FolderInTheWay) => Self::InTheWay,
            StorageError::Card(fat::Error::Full) | StorageError::Full => Self::Full,
            StorageError::Card(
                fat::Error::Taken | fat::Error::Changed | fat::Error::OtherCard | fat::Error::Astray,
            ) => Self::Damaged,
            StorageError::Card(fat::Error::Card(_))
            | StorageError::NoCard
            | StorageError::Flash(_)
            | StorageError::Ledger(_)
            | StorageError::Recording
            | StorageError::NotHere(_)
            | StorageError::Row => Self::Absent,
        }
    }
}
