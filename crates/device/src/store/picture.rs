//! A still: written at once, sealed at once, or not there after a cut.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;
use sha2::{Digest, Sha256};
use wire::recording::RecordingId;

use super::changes::{Media, Mounted};
use super::error::StorageError;
use super::session::{New, Place};
use super::{Extents, Store};
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::fat::{self, Stamp};
use crate::outbox::{Entry, Kind, Number, Step};
use crate::recorder::Reader;

/// A whole picture, and what is noted with it.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub bytes: &'a [u8],
    pub id: RecordingId,
    /// The owner it is for.
    pub claim: u32,
    pub stamp: Stamp,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// Keeps a picture. When this returns, it may be offered.
    pub async fn keep_picture(
        &mut self,
        picture: &Picture<'_>,
    ) -> Result<Number, StorageError<C::Error, F::Error>> {
        if self.active.is_some() {
            return Err(StorageError::Recording);
        }
        let size_bytes = u32::try_from(picture.bytes.len()).map_err(|_| StorageError::Full)?;
        let extents = Extents {
            bytes: size_bytes,
            bytes_min: size_bytes,
        };
        let place = self.place(extents).await?;
        let kept = self.keep_at(picture, size_bytes, place).await;
        self.settle(kept)
    }

    async fn keep_at(
        &mut self,
        picture: &Picture<'_>,
        size_bytes: u32,
        place: Place,
    ) -> Result<Number, StorageError<C::Error, F::Error>> {
        let mounted = self.slot.get_mut()?;
        let new = New {
            kind: Kind::Picture,
            id: picture.id,
            claim: picture.claim,
            stamp: picture.stamp,
        };
        let entry = self.media.enter(mounted, &new, place, self.on_card).await?;
        self.next_cluster = entry.extent.end();
        self.media.fill(mounted, &entry, picture.bytes).await?;
        self.media
            .seal(mounted, &entry, size_bytes, picture.stamp)
            .await?;
        let step = Step::Digest(Sha256::digest(picture.bytes).into());
        self.media
            .ledger
            .advance(&mut self.media.flash, entry.number, step)
            .await?;
        Ok(entry.number)
    }
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    /// Writes the bytes from the beginning of the extent on, and zeros up to the end of the last sector.
    async fn fill(
        &mut self,
        mounted: &Mounted,
        entry: &Entry,
        bytes: &[u8],
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        let here = mounted.volume.sectors_of(entry.extent);
        let (first, _) = here.ok_or(StorageError::NotHere(entry.number))?;
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % SECTOR_BYTES);
        if !whole.is_empty() {
            self.card.write(first, whole).await.map_err(fat::Error::Card)?;
        }
        if !rest.is_empty() {
            let mut last = [0; SECTOR_BYTES];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            let at = first + (whole.len() / SECTOR_BYTES) as u32;
            self.card.write(at, &last).await.map_err(fat::Error::Card)?;
        }
        Ok(())
    }
}

impl<B: BlockDevice> Reader<'_, B> {
    /// Of a file that does not end with a sector.
    pub(super) async fn picture_digest(&mut self, size_bytes: u32) -> Result<[u8; 32], B::Error> {
        let mut sha256 = Sha256::new();
        let mut left = size_bytes as usize;
        let mut at = self.first;
        while left > 0 {
            let count = left.div_ceil(SECTOR_BYTES).min(self.buffer.len() / SECTOR_BYTES);
            let Some(piece) = self.buffer.get_mut(..count * SECTOR_BYTES) else {
                break;
            };
            self.card.read(at, piece).await?;
            let taken = left.min(piece.len());
            sha256.update(piece.get(..taken).unwrap_or_default());
            left -= taken;
            at += count as u32;
        }
        Ok(sha256.finalize().into())
    }
}
