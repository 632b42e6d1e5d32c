//! What gives way for others, and on whose word.
//!
//! ```text
//! Receipted ── receive() ──► Archived          short of room, or to be deleted at once
//!                               │ may_give_way() ──► Asked ──► Confirm ──► Confirmation ──► remove()
//!                               │                                 └─► Missing, or another epoch
//!                               └──────────◄ offer_again() ◄─────────────┘
//! ```
//!
//! Nothing leaves the card without a [`Confirmation`] of just now for the bytes that the ledger knows, whatever the settings say
//! about what becomes of recordings after their receipt.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;
use heapless::Vec;

use super::Store;
use super::error::StorageError;
use crate::block::BlockDevice;
use crate::confirm::{ASKED_MAX, Asked, Confirmation, Epoch};
use crate::flash::Item;
use crate::outbox::{Entry, LEDGER_MAX, Number, Proof, Row, State, Step};
use crate::settings::AfterReceipt;

/// A card with less than this of its clusters free, or a ledger with less than this of its places, is short of room.
const FREE_PERCENT_MIN: u64 = 10;

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// Keeps what a receipt proved. A recording that is to stay is archived by that; one that is to be deleted waits for
    /// [`Self::may_give_way`]. After a cut between the two steps it is receipted, and may give way as well.
    pub async fn receive(
        &mut self,
        proof: &Proof,
        after: AfterReceipt,
    ) -> Result<Entry, StorageError<C::Error, F::Error>> {
        let entry = self.advance(proof.number(), Step::Receipt(proof)).await?;
        match after {
            AfterReceipt::Archive => self.advance(entry.number, Step::Archive).await,
            AfterReceipt::Delete => Ok(entry),
        }
    }

    /// The oldest recordings that may give way now, if the server confirms that it holds them: none while there is room, unless they are to
    /// be deleted at once. Where nobody knows how much is free it counts, which takes seconds on a large card.
    pub async fn may_give_way(
        &mut self,
        after: AfterReceipt,
    ) -> Result<Vec<Asked, ASKED_MAX>, StorageError<C::Error, F::Error>> {
        let mut oldest = Vec::new();
        if after == AfterReceipt::Archive && !self.is_short_of_room().await? {
            return Ok(oldest);
        }
        for at in 0..self.ledger().rows().len() {
            let row = self.ledger().rows().get(at).copied();
            let Some(row) = row.filter(|row| row.is_here() && is_delivered(row.state)) else {
                continue;
            };
            let entry = self.entry(row.number).await?;
            if let Some(sha256) = entry.sha256
                && oldest
                    .push(Asked {
                        number: row.number,
                        sha256,
                    })
                    .is_err()
            {
                break;
            }
        }
        Ok(oldest)
    }

    async fn is_short_of_room(&mut self) -> Result<bool, StorageError<C::Error, F::Error>> {
        if self.active.is_some() {
            return Err(StorageError::Recording);
        }
        let volume = &mut self.slot.get_mut()?.volume;
        let free = match volume.free_clusters() {
            Some(free) => free,
            None => volume.count_free(&mut self.media.card).await?,
        };
        let least = volume.geometry().clusters_for(self.extents.bytes_min);
        let run = volume
            .find_run(&mut self.media.card, least, self.next_cluster)
            .await?;
        let left = LEDGER_MAX.saturating_sub(self.media.ledger.rows().len());
        Ok(is_short(u64::from(free), u64::from(volume.geometry().clusters()))
            || is_short(left as u64, LEDGER_MAX as u64)
            || run.is_none_or(|run| run.clusters < least))
    }

    /// Takes a recording off the card that the server holds.
    pub async fn remove(&mut self, confirmed: Confirmation) -> Result<(), StorageError<C::Error, F::Error>> {
        if self.active.is_some() {
            return Err(StorageError::Recording);
        }
        let number = confirmed.number();
        if !self.ledger().row(number).is_some_and(Row::is_here) {
            return Err(StorageError::NotHere(number));
        }
        self.advance(number, Step::Remove(&confirmed)).await?;
        self.reading = None;
        let mounted = self.slot.get_mut()?;
        let removed = self.media.finish_removal(mounted, number).await;
        self.settle(removed)
    }

    /// The server's storage is another one than that which gave the receipts: all that is still here waits for an offer again. When this
    /// returns, keep the new epoch; after a cut before that it is done once more.
    pub async fn offer_all_again(&mut self) -> Result<(), StorageError<C::Error, F::Error>> {
        let mut from = Number(0);
        while let Some(row) = self.ledger().rows().iter().find(|row| row.number >= from) {
            let (number, state) = (row.number, row.state);
            from = Number(number.0.saturating_add(1));
            if is_delivered(state) {
                self.advance(number, Step::OfferAgain).await?;
            }
        }
        Ok(())
    }

    /// Which life of a server's storage the receipts are of; `None` before the first confirmation.
    pub async fn storage_epoch(&mut self) -> Result<Option<Epoch>, StorageError<C::Error, F::Error>> {
        let mut bytes = [0; 16];
        let read = self.media.flash.read(Item::StorageEpoch, &mut bytes).await?;
        let bits = read
            .and_then(|read| read.try_into().ok())
            .map(u128::from_be_bytes);
        Ok(bits.map(Epoch::from_bits))
    }

    pub async fn keep_storage_epoch(&mut self, epoch: Epoch) -> Result<(), StorageError<C::Error, F::Error>> {
        let bytes = epoch.to_bits().to_be_bytes();
        Ok(self.media.flash.write(Item::StorageEpoch, &bytes).await?)
    }
}

fn is_delivered(state: State) -> bool {
    matches!(state, State::Receipted | State::Archived)
}

fn is_short(free: u64, all: u64) -> bool {
    free * 100 < all * FREE_PERCENT_MIN
}
