//! What goes wrong with a device itself: cuts that wait for their moment, storage that stalls or fails, a sky without satellites.

use std::time::Duration;

use device::controller::{Order, Output};
use device::offload::LedgerStep;
use device::recorder::Sample;
use device::store::Store;

use super::Unit;
use super::uplink::Uplink;
use crate::board::{Board, CardSlot, Cut, Fell, FlashChip, Step};

/// When an armed cut begins to count steps of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// From now on.
    Now,
    /// At the next start, which repairs.
    Boot,
    Open,
    Seal,
    /// The ledger is told that a server begins to take a recording.
    Offer,
    /// The ledger is told that a receipt was checked.
    Receipt,
    /// Settings or hours are saved.
    Save,
    /// In the next erase of the flash; steps do not count.
    Erase,
}

/// The power goes `steps` writes after its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Armed {
    pub moment: Moment,
    pub steps: u64,
    pub cut: Cut,
}

/// Storage that takes its time once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    Card(Duration),
    Flash(Duration),
}

impl Stall {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card(_) => "card stall",
            Self::Flash(_) => "flash stall",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ntp {
    #[default]
    Answers,
    Silent,
    Unreachable,
    /// It asks to be left alone.
    Denies,
    /// Somebody answers who was not asked, with another date.
    Forged,
    /// The answer comes when nobody waits for it any more.
    Late,
}

/// See the module. Whoever runs the device sets them and finds out what came of it.
#[derive(Debug, Default)]
pub struct Faults {
    pub armed: Vec<Armed>,
    pub(super) erase_cut: Option<Cut>,
    pub stall: Option<Stall>,
    /// The receiver has no fix.
    pub is_blind: bool,
    pub ntp: Ntp,
    /// Where the power went, and whether that was at boot.
    pub fallen: Option<(Fell, bool)>,
    pub stalled: Vec<Stall>,
    pub ntp_failed: u64,
    pub blind_lines: u64,
}

impl Faults {
    pub(super) fn armed_for(&mut self, moment: &Moment) -> Option<Armed> {
        let at = self.armed.iter().position(|armed| armed.moment == *moment)?;
        Some(self.armed.remove(at))
    }

    fn stall_at(&mut self, output: &Output) -> Option<Duration> {
        let stall = self.stall?;
        let (is_due, span) = match (stall, output) {
            (Stall::Card(span), Output::Store(Order::Open | Order::Seal(_)) | Output::Exchange(_)) => {
                (true, span)
            }
            (
                Stall::Flash(span),
                Output::Store(Order::Step(_) | Order::SaveSettings | Order::SaveUptime { .. }),
            ) => (true, span),
            (Stall::Card(span) | Stall::Flash(span), _) => (false, span),
        };
        is_due.then(|| self.stalls(stall, span))
    }

    fn stalls(&mut self, stall: Stall, span: Duration) -> Duration {
        self.stall = None;
        self.stalled.push(stall);
        span
    }
}

impl<L: Uplink> Unit<L> {
    /// From now on, what storage and sensors do can be taken out: [`Self::take_given`], [`Self::take_steps`].
    pub fn watched(&mut self) {
        self.given = Some(Vec::new());
    }

    /// Samples that the recorder was given since the last call.
    pub fn take_given(&mut self) -> Vec<Sample> {
        self.given.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Writes that reached card and flash since the last call; of one that the power went in, nothing.
    pub fn take_steps(&mut self) -> Vec<Step> {
        let mut steps = std::mem::take(&mut self.unwatched);
        if let Some(board) = &self.board {
            steps.extend(board.take_log());
        }
        steps
    }

    /// Both storages as their owner has them, while there is power.
    pub fn store(&mut self) -> Option<&mut Store<CardSlot, FlashChip>> {
        self.running.as_mut().map(|running| &mut running.store)
    }

    /// Lets somebody look at the storage whom its faults do not concern.
    pub fn look<T>(&mut self, look: impl FnOnce(&mut Store<CardSlot, FlashChip>) -> T) -> Option<T> {
        let running = self.running.as_mut()?;
        let faults = self.board.as_ref().map(Board::take_card_faults);
        let seen = look(&mut running.store);
        if let (Some(board), Some(faults)) = (&self.board, faults) {
            board.set_card_faults(faults);
        }
        Some(seen)
    }

    /// The power goes in the course of what storage does from now on, or never where it does too little.
    pub fn arm(&mut self, armed: Armed) {
        match (armed.moment, &self.board) {
            (Moment::Now, Some(board)) => board.cut_in(armed.steps, armed.cut),
            (Moment::Erase, board) => {
                self.faults.erase_cut = Some(armed.cut);
                if let Some(board) = board {
                    board.cut_in_erase(armed.cut);
                }
            }
            (_, _) => self.faults.armed.push(armed),
        }
    }

    /// The next operations of the card fail.
    pub fn fail_card(&mut self, operations: u32) {
        if let Some(board) = &self.board {
            board.fail_card(operations);
        }
    }

    /// Operations of the card that failed since it was given power.
    pub fn card_failed(&self) -> u64 {
        self.board.as_ref().map_or(0, |board| board.card_failed())
    }

    /// Nothing goes wrong with it any more.
    pub fn heal(&mut self) {
        self.faults = Faults::default();
        if let Some(board) = &self.board {
            board.spare();
            board.fail_card(0);
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.board.as_ref().is_some_and(|board| board.is_off())
    }

    /// Lets what needs storage wait while that is busy, in its order. Gives what is to be carried out now.
    pub(super) fn unless_busy(&mut self, output: Output) -> Option<Output> {
        let needs_storage = matches!(output, Output::Store(_) | Output::Exchange(_));
        let now = self.now;
        let running = self.running.as_mut()?;
        if output == Output::BreakOff {
            let before = running.waiting.len();
            running
                .waiting
                .retain(|waits| !matches!(waits, Output::Exchange(_)));
            return (running.waiting.len() == before).then_some(output);
        }
        if !needs_storage {
            return Some(output);
        }
        if running.busy_until.is_none()
            && let Some(span) = self.faults.stall_at(&output)
        {
            running.busy_until = Some(now + span);
        }
        if running.busy_until.is_some() {
            running.waiting.push_back(output);
            return None;
        }
        self.arm_for(&output);
        Some(output)
    }

    /// Carries out what waited, once storage is free again.
    pub(super) fn resume(&mut self) {
        let now = self.now;
        let Some(running) = self.running.as_mut() else {
            return;
        };
        if running.busy_until.take_if(|until| *until <= now).is_none() {
            return;
        }
        let waited = std::mem::take(&mut running.waiting);
        for output in waited {
            if let Some(output) = self.unless_busy(output) {
                self.carry_out(output);
            }
            if self.is_cut() {
                return;
            }
        }
        self.drain();
    }

    /// A write of samples that takes its time.
    pub(super) fn stall_pump(&mut self) {
        if let Some(stall @ Stall::Card(span)) = self.faults.stall {
            let until = self.now + self.faults.stalls(stall, span);
            if let Some(running) = &mut self.running {
                running.busy_until = Some(until);
            }
        }
    }

    fn arm_for(&mut self, output: &Output) {
        let Output::Store(order) = output else {
            return;
        };
        let moment = match order {
            Order::Open => Moment::Open,
            Order::Seal(_) => Moment::Seal,
            Order::Step(LedgerStep::Offered(_)) => Moment::Offer,
            Order::Step(LedgerStep::Receipted(_)) => Moment::Receipt,
            Order::SaveSettings | Order::SaveUptime { .. } => Moment::Save,
            Order::Step(LedgerStep::Quarantined(..))
            | Order::Survey { .. }
            | Order::Next { .. }
            | Order::EraseUptime { .. }
            | Order::SaveUptimeLoss
            | Order::ForgetBreadcrumb
            | Order::MayGiveWay { .. }
            | Order::Remove(_)
            | Order::OfferAgain(_)
            | Order::OfferAllAgain
            | Order::SaveEpoch(_)
            | Order::StorePicture { .. }
            | Order::SaveTally => return,
        };
        if let (Some(armed), Some(board)) = (self.faults.armed_for(&moment), &self.board) {
            board.cut_in(armed.steps, armed.cut);
        }
    }
}
