//! A card and a flash under one power supply, so that a cut falls between any two of all their writes.
//!
//! ```text
//! device ─┬─ CardSlot ─► sectors ──┐
//!         └─ FlashChip ► programs, ├─► one count of steps ─► cut at step n ─► State: what the next boot finds
//!                        erases ───┘
//! ```
//!
//! Every possible cut of a run costs one run only: let it run with [`Board::recording`], and lay out the state of each cut from its
//! [`Step`]s with [`Step::carry_out`] and [`Step::interrupt`].

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use device::block::{BlockDevice, SECTOR_BYTES};
use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashErrorKind, ReadNorFlash,
};

use crate::card::{CardError, Image, Sector, Tear};
use crate::nor::{BLOCK_BYTES, Fault, Operation, WORD_BYTES};

/// What lies on both media while the power is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub card: Image,
    pub flash: Vec<u8>,
}

impl State {
    /// What is left where somebody else has it.
    pub fn none() -> Self {
        Self {
            card: Image::blank(0),
            flash: Vec::new(),
        }
    }
}

/// One write to either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Sector {
        lba: u32,
        data: Box<Sector>,
    },
    Flash(Operation),
    /// Another card is put in.
    Insert(Image),
}

/// How a step ends that the power goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it happened.
    Before,
    /// It happened, and nobody was told.
    After,
    /// A sector reads back as garbage; flash as an interrupted program or erase leaves it.
    Torn(u64),
}

impl Step {
    const fn medium(&self) -> Medium {
        match self {
            Self::Sector { .. } | Self::Insert(_) => Medium::Card,
            Self::Flash(Operation::Program { .. }) => Medium::FlashProgram,
            Self::Flash(Operation::Erase { .. }) => Medium::FlashErase,
        }
    }

    pub fn carry_out(&self, state: &mut State) {
        match self {
            Self::Sector { lba, data } => state.card.write(*lba, data),
            Self::Flash(operation) => operation.carry_out(&mut state.flash),
            Self::Insert(card) => state.card = card.clone(),
        }
    }

    pub fn interrupt(&self, state: &mut State, cut: Cut) {
        match (self, cut) {
            // A hand needs no power.
            (Self::Insert(_), _) | (_, Cut::After) => self.carry_out(state),
            (_, Cut::Before) => {}
            (Self::Sector { lba, data }, Cut::Torn(seed)) => {
                let left = Tear::Garbage(seed).leaves(&state.card.read(*lba), data);
                state.card.write(*lba, &left);
            }
            (Self::Flash(operation), Cut::Torn(seed)) => {
                operation.interrupt(&mut state.flash, Fault::Torn(seed));
            }
        }
    }
}

#[derive(Debug)]
struct Inner {
    state: State,
    steps: u64,
    log: Option<Vec<Step>>,
    cut: Option<(u64, Cut)>,
    /// In the next erase.
    erase_cut: Option<Cut>,
    is_off: bool,
    fell: Option<Fell>,
    /// So many operations of the card go well before the next ones fail.
    card_works: u32,
    card_fails: u32,
    card_failed: u64,
}

/// Where the power went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fell {
    pub into: Medium,
    pub cut: Cut,
}

impl Fell {
    /// As counts of it call it.
    pub const fn name(&self) -> &'static str {
        match (self.into, self.cut) {
            (Medium::Card, Cut::Before) => "cut before a sector",
            (Medium::Card, Cut::After) => "cut after a sector",
            (Medium::Card, Cut::Torn(_)) => "cut within a sector",
            (Medium::FlashProgram, Cut::Before) => "cut before a program",
            (Medium::FlashProgram, Cut::After) => "cut after a program",
            (Medium::FlashProgram, Cut::Torn(_)) => "cut within a program",
            (Medium::FlashErase, Cut::Before) => "cut before an erase",
            (Medium::FlashErase, Cut::After) => "cut after an erase",
            (Medium::FlashErase, Cut::Torn(_)) => "cut within an erase",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    Card,
    FlashProgram,
    FlashErase,
}

/// A handle; clones are the same board.
#[derive(Debug, Clone)]
pub struct Board(Rc<RefCell<Inner>>);

impl Board {
    /// Gives the board power.
    pub fn on(state: State) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            state,
            steps: 0,
            log: None,
            cut: None,
            erase_cut: None,
            is_off: false,
            fell: None,
            card_works: 0,
            card_fails: 0,
            card_failed: 0,
        })))
    }

    /// As [`Self::on`], and keeps every step.
    pub fn recording(state: State) -> Self {
        let board = Self::on(state);
        board.0.borrow_mut().log = Some(Vec::new());
        board
    }

    /// The power goes in this step, counted from 0.
    pub fn cut_at(&self, step: u64, cut: Cut) {
        self.0.borrow_mut().cut = Some((step, cut));
    }

    /// The power goes in this step, counted from the next one as 0.
    pub fn cut_in(&self, steps: u64, cut: Cut) {
        self.cut_at(self.steps() + steps, cut);
    }

    /// The power goes in the next erase of the flash.
    pub fn cut_in_erase(&self, cut: Cut) {
        self.0.borrow_mut().erase_cut = Some(cut);
    }

    /// A cut that has not fallen yet does not.
    pub fn spare(&self) {
        let mut inner = self.0.borrow_mut();
        (inner.cut, inner.erase_cut) = (None, None);
    }

    pub fn is_off(&self) -> bool {
        self.0.borrow().is_off
    }

    /// Where the power went, once it has.
    pub fn fell(&self) -> Option<Fell> {
        self.0.borrow().fell
    }

    /// The card's next operations fail, as with a bad contact.
    pub fn fail_card(&self, operations: u32) {
        let mut inner = self.0.borrow_mut();
        (inner.card_works, inner.card_fails) = (0, operations);
    }

    /// After so many operations of the card all fail.
    pub fn fail_card_after(&self, operations: u32) {
        let mut inner = self.0.borrow_mut();
        (inner.card_works, inner.card_fails) = (operations, u32::MAX);
    }

    /// Puts another card in, and gives the one that was there.
    pub fn insert(&self, card: Image) -> Image {
        let before = self.0.borrow().state.card.clone();
        self.step(Step::Insert(card));
        before
    }

    /// What is still to go wrong with the card, for whoever puts it back after a look: [`Self::set_card_faults`].
    pub fn take_card_faults(&self) -> (u32, u32) {
        let inner = self.0.borrow();
        let faults = (inner.card_works, inner.card_fails);
        drop(inner);
        self.set_card_faults((0, 0));
        faults
    }

    pub fn set_card_faults(&self, faults: (u32, u32)) {
        let mut inner = self.0.borrow_mut();
        (inner.card_works, inner.card_fails) = faults;
    }

    /// How many operations of the card failed.
    pub fn card_failed(&self) -> u64 {
        self.0.borrow().card_failed
    }

    pub fn card(&self) -> CardSlot {
        CardSlot(self.clone())
    }

    pub fn flash(&self) -> FlashChip {
        FlashChip(self.clone())
    }

    pub fn state(&self) -> State {
        self.0.borrow().state.clone()
    }

    /// Steps that were begun.
    pub fn steps(&self) -> u64 {
        self.0.borrow().steps
    }

    pub fn log(&self) -> Vec<Step> {
        self.0.borrow().log.clone().unwrap_or_default()
    }

    /// The steps since the last call, of a board that keeps them.
    pub fn take_log(&self) -> Vec<Step> {
        self.0
            .borrow_mut()
            .log
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Ends it, and leaves what lies on both media.
    pub fn into_state(self) -> State {
        match Rc::try_unwrap(self.0) {
            Ok(inner) => inner.into_inner().state,
            Err(shared) => shared.borrow().state.clone(),
        }
    }

    async fn gate(&self) {
        // Nothing stays borrowed while this waits.
        let is_off = self.0.borrow().is_off;
        if is_off {
            pending::<()>().await;
        }
    }

    fn step(&self, step: Step) {
        let mut inner = self.0.borrow_mut();
        let index = inner.steps;
        inner.steps += 1;
        let is_erase = step.medium() == Medium::FlashErase;
        let here = inner.cut.filter(|(at, _)| *at == index).map(|(_, cut)| cut);
        let here = here.or(inner.erase_cut.filter(|_| is_erase));
        if let Some(cut) = here {
            step.interrupt(&mut inner.state, cut);
            inner.fell = Some(Fell {
                into: step.medium(),
                cut,
            });
            inner.is_off = true;
            return;
        }
        step.carry_out(&mut inner.state);
        if let Some(log) = &mut inner.log {
            log.push(step);
        }
    }
}

#[derive(Debug, Clone)]
pub struct CardSlot(Board);

impl CardSlot {
    /// Whether the operation may go on. After a cut this never returns.
    async fn gate(&self) -> Result<(), CardError> {
        self.0.gate().await;
        let mut inner = self.0.0.borrow_mut();
        if inner.card_fails == 0 {
            return Ok(());
        }
        if inner.card_works > 0 {
            inner.card_works -= 1;
            return Ok(());
        }
        inner.card_fails -= 1;
        inner.card_failed += 1;
        Err(CardError::Gone)
    }
}

impl BlockDevice for CardSlot {
    type Error = CardError;

    fn sectors(&self) -> u32 {
        self.0.0.borrow().state.card.sectors()
    }

    async fn read(&mut self, first: u32, into: &mut [u8]) -> Result<(), CardError> {
        self.gate().await?;
        let inner = self.0.0.borrow();
        for (lba, sector) in (first..).zip(into.chunks_exact_mut(SECTOR_BYTES)) {
            sector.copy_from_slice(&inner.state.card.read(lba));
        }
        Ok(())
    }

    async fn write(&mut self, first: u32, data: &[u8]) -> Result<(), CardError> {
        let (sectors, _) = data.as_chunks::<SECTOR_BYTES>();
        for (lba, sector) in (first..).zip(sectors) {
            self.gate().await?;
            let data = Box::new(*sector);
            self.0.step(Step::Sector { lba, data });
        }
        self.0.gate().await;
        Ok(())
    }
}

#[derive(Debug, Clone)]
pub struct FlashChip(Board);

impl FlashChip {
    fn check(&self, offset: u32, bytes: usize, unit: usize) -> Result<(), NorFlashErrorKind> {
        let start = offset as usize;
        if !start.is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        if start + bytes > self.capacity() {
            return Err(NorFlashErrorKind::OutOfBounds);
        }
        Ok(())
    }
}

impl ErrorType for FlashChip {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for FlashChip {
    const READ_SIZE: usize = WORD_BYTES;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.check(offset, bytes.len(), Self::READ_SIZE)?;
        self.0.gate().await;
        bytes.copy_from_slice(&self.0.0.borrow().state.flash[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.0.borrow().state.flash.len()
    }
}

impl NorFlash for FlashChip {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = BLOCK_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let bytes = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)?;
        self.check(from, bytes as usize, BLOCK_BYTES)?;
        for offset in (from..to).step_by(BLOCK_BYTES) {
            self.0.gate().await;
            self.0.step(Step::Flash(Operation::Erase { offset }));
        }
        self.0.gate().await;
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.check(offset, bytes.len(), WORD_BYTES)?;
        self.0.gate().await;
        let data = bytes.to_vec();
        self.0.step(Step::Flash(Operation::Program { offset, data }));
        self.0.gate().await;
        Ok(())
    }
}

impl MultiwriteNorFlash for FlashChip {}
