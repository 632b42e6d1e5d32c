//! What people are told of the card.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::{CardTrouble, Store};
use crate::block::BlockDevice;
use crate::outbox::State;

/// After the start, and whenever a recording came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CardReport {
    pub trouble: Option<CardTrouble>,
    /// Nothing where nobody has counted.
    pub used_percent: Option<u8>,
    pub recordings: u16,
    /// Of them, without a receipt.
    pub waiting: u16,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    pub fn report(&self) -> CardReport {
        let rows = self.ledger().rows();
        let waiting = rows
            .iter()
            .filter(|row| !matches!(row.state, State::Receipted | State::Archived))
            .count();
        CardReport {
            trouble: self.card_trouble(),
            used_percent: self.used_percent(),
            recordings: u16::try_from(rows.len()).unwrap_or(u16::MAX),
            waiting: u16::try_from(waiting).unwrap_or(u16::MAX),
        }
    }

    fn used_percent(&self) -> Option<u8> {
        let volume = &self.slot.get::<(), ()>().ok()?.volume;
        let all = u64::from(volume.geometry().clusters());
        let used = all.saturating_sub(u64::from(volume.free_clusters()?));
        u8::try_from((used * 100).checked_div(all)?).ok()
    }
}
