//! What the server signed for and does not have any more, and what it told the device of that.
//!
//! A receipt that is worth nothing may be seen on the device only until the server says so in an answer: from then on the recording is offered
//! again, and must be there at the end. Nothing else leads back from a receipt.

use std::collections::BTreeSet;

use device::confirm::Epoch;
use device::outbox::Number;

use crate::exec;
use crate::server::Server;
use crate::unit::Unit;

type Digest = [u8; 32];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Promised {
    lost: BTreeSet<Digest>,
    /// Of them, what the device was told of.
    told: BTreeSet<Digest>,
    /// Each once.
    may_go_back: BTreeSet<Number>,
    went_back: BTreeSet<Number>,
    questions: u64,
}

impl Promised {
    pub(super) fn lost(&mut self, digests: &[Digest]) {
        for digest in digests {
            self.lost.insert(*digest);
            self.told.remove(digest);
        }
    }

    /// After every exchange, before the device has heard of it: `receipted` is what has a receipt then.
    pub(super) fn hear(&mut self, unit: &mut Unit, receipted: impl Iterator<Item = (Number, Digest)>) {
        let server = &unit.around.server;
        self.lost.retain(|digest| !server.holds_digest(*digest));
        if server.questions == self.questions {
            return;
        }
        self.questions = server.questions;
        let is_other = is_other_storage(unit);
        for (number, digest) in receipted {
            if !is_other && !unit.around.server.denied.contains(&digest) {
                continue;
            }
            self.may_go_back.insert(number);
            if self.lost.contains(&digest) {
                self.told.insert(digest);
            }
        }
    }

    /// Whether the recording may be offered again, now.
    pub(super) fn goes_back(&mut self, number: Number) -> bool {
        self.went_back.insert(number);
        self.may_go_back.remove(&number)
    }

    pub(super) fn went_back(&self, number: Number) -> bool {
        self.went_back.contains(&number)
    }

    pub(super) fn is_lost(&self, digest: &Digest) -> bool {
        self.lost.contains(digest)
    }

    /// Nobody told the device that the server does not have it any more.
    pub(super) fn is_unknown_loss(&self, digest: &Digest) -> bool {
        self.is_lost(digest) && !self.told.contains(digest)
    }
}

/// Whether the answer that is on its way tells the device of another storage than that which it knows.
fn is_other_storage(unit: &mut Unit) -> bool {
    let now = epoch_of(&unit.around.server);
    let known = unit.look(|store| exec::run(store.storage_epoch()).done());
    matches!(known, Some(Some(Ok(Some(known)))) if known != now)
}

fn epoch_of(server: &Server) -> Epoch {
    Epoch::from_bits(server.epoch())
}
