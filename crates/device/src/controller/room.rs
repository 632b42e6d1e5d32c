//! When is asked which of the delivered recordings may give way.
//!
//! ```text
//!  Idle ── due, online, nothing recorded ──► Looking ── some ──► Asking ── Done, Failed ──► Idle
//!   ▲                                           └── none, or the network is gone ──────────────┘
//!   └── due: online, a receipt, a full card, a removal (there may be more)
//! ```
//!
//! Storage decides what may give way ([`crate::store::Store::may_give_way`]), the server confirms it ([`crate::confirm`]), storage removes it. A
//! race logger ends its sync only after that: it is online for nothing else.

/// See the module.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    phase: Phase,
    is_due: bool,
    /// Removals that storage has not answered yet.
    removals: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Idle,
    Looking,
    Asking,
}

impl Room {
    pub(super) fn is_due(&mut self) {
        self.is_due = true;
    }

    /// Whether storage is to be asked now.
    pub(super) fn begins(&mut self, is_possible: bool) -> bool {
        let begins = is_possible && self.is_due && self.phase == Phase::Idle && self.removals == 0;
        if begins {
            self.is_due = false;
            self.phase = Phase::Looking;
        }
        begins
    }

    /// Storage has answered; whether the server is to be asked.
    pub(super) fn found(&mut self, is_some: bool, is_online: bool) -> bool {
        let asks = self.phase == Phase::Looking && is_some && is_online;
        self.is_due |= is_some && !is_online;
        self.phase = if asks { Phase::Asking } else { Phase::Idle };
        asks
    }

    pub(super) fn removes(&mut self) {
        self.removals = self.removals.saturating_add(1);
    }

    pub(super) fn removed(&mut self, is_gone: bool) {
        self.removals = self.removals.saturating_sub(1);
        self.is_due |= is_gone;
    }

    pub(super) fn asked(&mut self) {
        self.phase = Phase::Idle;
    }

    /// Whether something of it is under way, or will be as soon as it may.
    pub(super) fn is_busy(&self, is_possible: bool) -> bool {
        self.phase != Phase::Idle || self.removals > 0 || (self.is_due && is_possible)
    }
}
