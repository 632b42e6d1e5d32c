//! Changes that were begun and not finished.
//!
//! ```text
//! begun ── of this card ──► carried out, taken back
//!   └───── of another ────► parked ── its card is back ──► carried out, taken back
//! ```
//!
//! A parked one is carried out before anything new is begun on its card, so it never undoes what came later.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::changes::Media;
use super::error::StorageError;
use super::repair::Buffer;
use crate::block::BlockDevice;
use crate::fat::{self, FatChange, SectorChange, Volume};
use crate::flash::{FlashStore, Item, PARKED_MAX};

/// What of the two is there, and their bytes.
///
/// ```text
/// 0   1: a change of the tables, 2: of a directory
/// 1   the tables' intent
/// 41  the directory's
/// ```
struct Intents<'b>(&'b mut [u8; INTENTS_BYTES]);

const INTENTS_BYTES: usize = 1 + FatChange::BYTES + SectorChange::BYTES;

impl Intents<'_> {
    const NAME: usize = 1 + FatChange::BYTES;
    const HAS_RUN: u8 = 1;
    const HAS_NAME: u8 = 2;

    fn run(&self) -> Option<FatChange> {
        let (bytes, _) = self.0.get(1..)?.split_first_chunk()?;
        let run = FatChange::from_bytes(bytes).filter(|_| self.0[0] & Self::HAS_RUN != 0)?;
        // A new run without a name was not begun: see [`Media::both`].
        let is_new = run.used_before == 0 && run.from == 0;
        (self.has_name() || !is_new).then_some(run)
    }

    fn name(&self) -> Option<SectorChange<'_>> {
        let (bytes, _) = self.0.get(Self::NAME..)?.split_first_chunk()?;
        self.has_name().then_some(SectorChange(bytes))
    }

    fn has_name(&self) -> bool {
        self.0[0] & Self::HAS_NAME != 0
    }

    fn serial(&self) -> Option<u32> {
        let run = self.run().map(|run| run.serial);
        run.or_else(|| self.name().map(|name| name.serial()))
    }
}

const _: () = assert!(Item::Parked(0).bytes_max() == INTENTS_BYTES);

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    /// Finishes what was begun on this card, now or when it was here last, and puts aside what is another's. Whether something had to be
    /// given up: the card was changed elsewhere in the meantime, or too many cards wait.
    pub(super) async fn redo(
        &mut self,
        volume: &mut Volume,
    ) -> Result<bool, StorageError<C::Error, F::Error>> {
        let Self {
            card,
            flash,
            recording,
            ..
        } = self;
        let (one, another) = two_of(recording.buffer()).ok_or(StorageError::Row)?;
        let serial = Some(volume.geometry().serial);
        let mut dropped = false;
        for place in 0..PARKED_MAX {
            if let Some(parked) = parked(flash, place, one).await?
                && parked.serial() == serial
            {
                dropped |= carry_out(card, volume, &parked).await?;
                flash.remove(Item::Parked(place)).await?;
            }
        }
        let begun = begun(flash, one).await?;
        dropped |= match begun.serial() {
            None => false,
            begun_on if begun_on == serial => carry_out(card, volume, &begun).await?,
            Some(_) => park(flash, &begun, another).await?,
        };
        flash.remove(Item::FatIntent).await?;
        flash.remove(Item::DirectoryIntent).await?;
        Ok(dropped)
    }
}

/// First the tables, then the folder, as they were written.
async fn carry_out<C: BlockDevice, F>(
    card: &mut C,
    volume: &mut Volume,
    intents: &Intents<'_>,
) -> Result<bool, StorageError<C::Error, F>> {
    let mut dropped = false;
    if let Some(run) = intents.run() {
        dropped = is_dropped(volume.redo(card, &run).await)?;
    }
    if let Some(name) = intents.name().filter(|_| !dropped) {
        dropped = is_dropped(volume.apply_entry(card, name).await)?;
    }
    Ok(dropped)
}

async fn begun<'b, C, F: MultiwriteNorFlash>(
    flash: &mut FlashStore<F>,
    bytes: &'b mut [u8; INTENTS_BYTES],
) -> Result<Intents<'b>, StorageError<C, F::Error>> {
    let (run, name) = bytes[1..].split_at_mut(FatChange::BYTES);
    let has_run = read_exact(flash, Item::FatIntent, run).await?;
    let has_name = read_exact(flash, Item::DirectoryIntent, name).await?;
    bytes[0] = u8::from(has_run) * Intents::HAS_RUN + u8::from(has_name) * Intents::HAS_NAME;
    Ok(Intents(bytes))
}

async fn parked<'b, C, F: MultiwriteNorFlash>(
    flash: &mut FlashStore<F>,
    place: u8,
    bytes: &'b mut [u8; INTENTS_BYTES],
) -> Result<Option<Intents<'b>>, StorageError<C, F::Error>> {
    let is_there = read_exact(flash, Item::Parked(place), bytes).await?;
    Ok(is_there.then_some(Intents(bytes)))
}

/// Puts intents aside until their card is back, and says whether others had to go for them.
async fn park<C, F: MultiwriteNorFlash>(
    flash: &mut FlashStore<F>,
    intents: &Intents<'_>,
    other: &mut [u8; INTENTS_BYTES],
) -> Result<bool, StorageError<C, F::Error>> {
    let mut free = None;
    for place in 0..PARKED_MAX {
        match parked(flash, place, other).await? {
            // A cut came after they were put aside, and may have taken one of the two back.
            Some(known) if known.serial() == intents.serial() => return Ok(false),
            Some(_) => {}
            None => free = free.or(Some(place)),
        }
    }
    flash.write(Item::Parked(free.unwrap_or(0)), intents.0).await?;
    Ok(free.is_none())
}

/// Room for two changes in the block of the recorder.
fn two_of(buffer: &mut Buffer) -> Option<(&mut [u8; INTENTS_BYTES], &mut [u8; INTENTS_BYTES])> {
    let (one, rest) = buffer.split_first_chunk_mut()?;
    Some((one, rest.first_chunk_mut()?))
}

/// Whether the card was changed elsewhere, so that an intent is not carried out any more.
fn is_dropped<C, F>(redone: Result<(), fat::Error<C>>) -> Result<bool, StorageError<C, F>> {
    match redone {
        Ok(()) => Ok(false),
        Err(fat::Error::Changed | fat::Error::OtherCard | fat::Error::Astray) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether an item of exactly this length is there.
async fn read_exact<C, F: MultiwriteNorFlash>(
    flash: &mut FlashStore<F>,
    item: Item,
    bytes: &mut [u8],
) -> Result<bool, StorageError<C, F::Error>> {
    let wanted = bytes.len();
    let read = flash.read(item, bytes).await?;
    Ok(read.is_some_and(|read| read.len() == wanted))
}
