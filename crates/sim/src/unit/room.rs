//! Orders about what may give way, and what people are told of the card.

use device::confirm::{Confirmation, Epoch};
use device::controller::Stored;
use device::outbox::{Number, Step};
use device::settings::AfterReceipt;

use super::Unit;
use super::uplink::Uplink;
use crate::exec;

impl<L: Uplink> Unit<L> {
    pub(super) fn after_receipt(&self) -> AfterReceipt {
        self.controller().map_or(AfterReceipt::Archive, |controller| {
            controller.settings().after_receipt
        })
    }

    pub(super) fn may_give_way(&mut self, after: AfterReceipt) {
        let Some(store) = self.store() else {
            return;
        };
        let found = exec::run(async {
            let oldest = store.may_give_way(after).await.ok()?;
            let epoch = store.storage_epoch().await.ok()?;
            Some((oldest, epoch))
        });
        let (oldest, epoch) = found.done().flatten().unwrap_or_default();
        self.answer_stored(Stored::MayGiveWay(oldest, epoch));
        // Somebody may have counted for it.
        self.report();
    }

    pub(super) fn remove(&mut self, confirmed: Confirmation) {
        let number = confirmed.number();
        let Some(store) = self.store() else {
            return;
        };
        let removed = exec::run(store.remove(confirmed)).done();
        let is_gone = removed.is_some_and(|removed| removed.is_ok());
        if is_gone {
            self.note("removals", || format!("{number} gives way"));
        }
        self.answer_stored(Stored::Removed(is_gone));
        self.report();
    }

    pub(super) fn offer_again(&mut self, number: Number) {
        if let Some(store) = self.store() {
            let _ = exec::run(store.advance(number, Step::OfferAgain));
        }
        self.report();
    }

    pub(super) fn offer_all_again(&mut self) {
        if let Some(store) = self.store() {
            let _ = exec::run(store.offer_all_again());
        }
        self.report();
    }

    pub(super) fn keep_epoch(&mut self, epoch: Epoch) {
        if let Some(store) = self.store() {
            let _ = exec::run(store.keep_storage_epoch(epoch));
        }
    }

    /// Says how the card is, after whatever changed it.
    pub(super) fn report(&mut self) {
        if let Some(report) = self.store().map(|store| store.report()) {
            self.answer_stored(Stored::Card(report));
        }
    }
}
