//! Where the devices are: they send until they are told to hold still, and finish what they began when all is over.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::super::client::{Client, Who};
use super::ledger::Ledger;

/// Between two requests of one device, and before its next attempt while the server is down: enough requests are under way at
/// any moment, and their number does not outgrow the checks.
const PAUSE: Duration = Duration::from_millis(25);

pub(super) struct Field<'s> {
    pub(super) client: &'s Client,
    pub(super) ledger: &'s Ledger,
    pub(super) who: Who,
    pub(super) device: String,
    pub(super) gate: Gate,
}

/// Held shared by every request, alone while everything is compared; says whether the soak is over.
#[derive(Default)]
pub(super) struct Gate(RwLock<bool>);

impl Gate {
    /// Waits until requests may be made; the guard is to be held over one.
    pub(super) fn enter(&self) -> Entered<'_> {
        std::thread::sleep(PAUSE);
        Entered(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until no request is under way, and lets none begin.
    pub(super) fn close(&self) -> RwLockWriteGuard<'_, bool> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Entered<'g>(RwLockReadGuard<'g, bool>);

impl Entered<'_> {
    /// Nothing new is to be begun.
    pub(super) fn is_over(&self) -> bool {
        *self.0
    }
}
