//! What boot puts right.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::changes::{Media, Mounted};
use super::error::StorageError;
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::fat::{Edit, Listed, Stamp};
use crate::outbox::{Entry, Kind, Number, State, Step};
use crate::recorder::{BLOCK_BYTES_MAX, FileDigest, Reader};

/// The block of the recorder, which records nothing meanwhile.
pub(super) type Buffer = [u8; BLOCK_BYTES_MAX];

/// What a start found and did, for the log and for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mended {
    /// Recordings that were cut off and now end where their last block does.
    pub cut_off: u16,
    /// Recordings of which no block was on the card yet; their numbers are skipped.
    pub never_begun: u16,
    /// Removals that were finished.
    pub removed: u16,
    /// Recordings whose files somebody took off the card, or off their place. Those that a server has are struck out, the others wait.
    pub gone: u16,
    /// Entries of the ledger that cannot be read.
    pub unreadable: u16,
    /// A change of ours was half done, and then the card was changed elsewhere: it is as the other left it.
    pub dropped_intents: bool,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    /// Goes through the ledger once, by number, for entries go away on the way.
    pub(super) async fn repair(
        &mut self,
        mounted: &mut Mounted,
        stamp: Stamp,
        mended: &mut Mended,
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        let mut from = Number(0);
        while let Some(row) = self.ledger.rows().iter().find(|row| row.number >= from) {
            let (number, state, slot) = (row.number, row.state, row.slot());
            from = Number(number.0.saturating_add(1));
            let Some(slot) = slot else {
                continue;
            };
            let listed = mounted
                .volume
                .lookup(&mut self.card, &mounted.folder, slot)
                .await?;
            let here = listed.filter(|listed| listed.number == number);
            match (state, here) {
                (State::Removing, _) => {
                    self.finish_removal(mounted, number).await?;
                    mended.removed += 1;
                }
                (State::Open, Some(file)) => {
                    let is_kept = self.mend(mounted, number, file, stamp).await?;
                    mended.cut_off += u16::from(is_kept);
                    mended.never_begun += u16::from(!is_kept);
                }
                (State::Open, None) => {
                    // The name comes before the first row, so there is none, or the file is somebody else's business now.
                    self.ledger.abandon(&mut self.flash, number).await?;
                    mended.never_begun += 1;
                }
                (State::Sealed, Some(_)) => self.digest(mounted, number).await?,
                (_, Some(_)) => {}
                (State::Receipted | State::Archived, None) => {
                    self.ledger.let_go(&mut self.flash, number).await?;
                    mended.gone += 1;
                }
                (_, None) => {
                    self.ledger.miss(number);
                    mended.gone += 1;
                }
            }
        }
        Ok(())
    }

    /// What of the ledger is in reach with this card.
    pub(super) async fn see(&mut self, card: Option<u32>) -> Result<(), StorageError<C::Error, F::Error>> {
        Ok(self.ledger.see(&mut self.flash, card).await?)
    }

    /// Ends a recording where its last whole block does; says whether there is one.
    async fn mend(
        &mut self,
        mounted: &mut Mounted,
        number: Number,
        file: Listed,
        stamp: Stamp,
    ) -> Result<bool, StorageError<C::Error, F::Error>> {
        let entry = self.ledger.entry(&mut self.flash, number).await?;
        // A picture is sealed at once or not at all.
        let found = match entry.kind {
            Kind::Session => self.end_of(mounted, &entry).await?,
            Kind::Picture => 0,
        };
        if found == 0 {
            self.edit(mounted, entry.slot, Edit::Remove(file)).await?;
            self.resize(mounted, entry.extent, 0).await?;
            self.ledger.abandon(&mut self.flash, number).await?;
            return Ok(false);
        }
        self.seal(mounted, &entry, found * SECTOR_BYTES as u32, stamp)
            .await?;
        self.digest(mounted, number).await?;
        Ok(true)
    }

    /// How many sectors of whole blocks there are.
    async fn end_of(
        &mut self,
        mounted: &Mounted,
        entry: &Entry,
    ) -> Result<u32, StorageError<C::Error, F::Error>> {
        let mut reader = self.reader(mounted, entry)?;
        let tail = reader.tail(entry.id).await.map_err(crate::fat::Error::Card)?;
        Ok(tail.sectors)
    }

    /// Makes file, chain and ledger end at `size_bytes`, in this order.
    pub(super) async fn seal(
        &mut self,
        mounted: &mut Mounted,
        entry: &Entry,
        size_bytes: u32,
        stamp: Stamp,
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        let clusters = mounted.volume.geometry().clusters_for(size_bytes);
        let listed = mounted
            .volume
            .lookup(&mut self.card, &mounted.folder, entry.slot)
            .await?
            .ok_or(StorageError::NotHere(entry.number))?;
        if listed.bytes != size_bytes {
            let edit = Edit::Length {
                file: listed,
                bytes: size_bytes,
                written: Some(stamp),
            };
            self.edit(mounted, entry.slot, edit).await?;
        }
        self.resize(mounted, entry.extent, clusters).await?;
        let step = Step::Seal { size_bytes, clusters };
        self.ledger.advance(&mut self.flash, entry.number, step).await?;
        Ok(())
    }

    /// Reads what a sealed recording's digest does not know yet, from its last `DIGEST` row on.
    async fn digest(
        &mut self,
        mounted: &Mounted,
        number: Number,
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        let entry = self.ledger.entry(&mut self.flash, number).await?;
        let mut reader = self.reader(mounted, &entry)?;
        let sha256 = match entry.kind {
            Kind::Session => reader.session_digest(entry.size_bytes).await,
            Kind::Picture => reader.picture_digest(entry.size_bytes).await,
        };
        let sha256 = sha256.map_err(crate::fat::Error::Card)?;
        self.ledger
            .advance(&mut self.flash, number, Step::Digest(sha256))
            .await?;
        Ok(())
    }

    fn reader(
        &mut self,
        mounted: &Mounted,
        entry: &Entry,
    ) -> Result<Reader<'_, C>, StorageError<C::Error, F::Error>> {
        let (first, sectors) = mounted
            .volume
            .sectors_of(entry.extent)
            .ok_or(StorageError::NotHere(entry.number))?;
        Ok(Reader {
            card: &mut self.card,
            first,
            sectors,
            buffer: self.recording.buffer(),
        })
    }

    /// Takes a recording off the card, as far as it is still on it, and strikes it out.
    pub(super) async fn finish_removal(
        &mut self,
        mounted: &mut Mounted,
        number: Number,
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        let entry = self.ledger.entry(&mut self.flash, number).await?;
        let listed = mounted
            .volume
            .lookup(&mut self.card, &mounted.folder, entry.slot)
            .await?;
        if let Some(file) = listed.filter(|file| file.number == number) {
            self.edit(mounted, entry.slot, Edit::Remove(file)).await?;
        }
        self.resize(mounted, entry.extent, 0).await?;
        Ok(self.ledger.remove(&mut self.flash, number).await?)
    }
}

impl<B: BlockDevice> Reader<'_, B> {
    async fn session_digest(&mut self, size_bytes: u32) -> Result<[u8; 32], B::Error> {
        let end = size_bytes / SECTOR_BYTES as u32;
        let from = self.last_digest(end).await?;
        Ok(self.digest_to(from, end).await?.finish())
    }

    /// Takes a digest on to sector `end`.
    pub(super) async fn digest_to(
        &mut self,
        mut digest: FileDigest,
        end: u32,
    ) -> Result<FileDigest, B::Error> {
        loop {
            let at = digest.bytes() / SECTOR_BYTES as u32;
            let count = end
                .saturating_sub(at)
                .min((BLOCK_BYTES_MAX / SECTOR_BYTES) as u32);
            if count == 0 {
                return Ok(digest);
            }
            let Some(piece) = self.buffer.get_mut(..count as usize * SECTOR_BYTES) else {
                return Ok(digest);
            };
            self.card.read(self.first + at, piece).await?;
            digest.sectors(piece);
        }
    }
}
