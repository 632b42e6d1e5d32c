//! A virtual SD card whose power can be cut at any sector.
//!
//! [`Card`] is a handle: the device under test holds one, the world another, so the world still has the card after it dropped the
//! device. [`Card::image`] is what the next boot finds.
//!
//! Two fault models. In both, sectors reach the medium one by one, in order, and a cut lets a number of them through. In
//! the first the sector after them keeps its old bytes; in the second it reads back as garbage ([`Tear`]).
//!
//! Every operation passes through one gate, [`Card::gate`]: there a cut becomes a future that waits for ever, a pulled card an
//! error, and there a world with virtual time may let a card stall.

mod image;
mod tear;

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

use device::block::{BlockDevice, SECTOR_BYTES};

pub use image::{Image, Sector};
pub use tear::Tear;

/// Why a card did not do as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardError {
    /// It is not in its slot.
    Gone,
    /// It has no such sector, or the buffer is no whole number of sectors.
    OutOfRange,
}

/// One sector that reached the medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub lba: u32,
    pub data: Sector,
}

/// When what befalls it does, counted in sectors written from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    writes_left: u64,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Cut(Tear),
    Pulled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    On,
    Pulled,
    Off,
}

#[derive(Debug)]
struct State {
    image: Image,
    power: Power,
    plan: Option<Plan>,
    log: Vec<Written>,
    sectors_read: u64,
}

/// A handle on a card; clones are the same card.
#[derive(Debug, Clone)]
pub struct Card(Rc<RefCell<State>>);

impl Card {
    /// A card that was just given power.
    pub fn boot(image: Image) -> Self {
        Self(Rc::new(RefCell::new(State {
            image,
            power: Power::On,
            plan: None,
            log: Vec::new(),
            sectors_read: 0,
        })))
    }

    /// Lets `writes` more sectors through and takes the power away during the next.
    pub fn cut_after(&self, writes: u64, tear: Tear) {
        self.0.borrow_mut().plan = Some(Plan {
            writes_left: writes,
            fate: Fate::Cut(tear),
        });
    }

    /// Lets `writes` more sectors through; then a person takes the card out of a running device.
    pub fn pull_after(&self, writes: u64) {
        self.0.borrow_mut().plan = Some(Plan {
            writes_left: writes,
            fate: Fate::Pulled,
        });
    }

    /// Out of its slot: every operation is an error until [`Self::insert`].
    pub fn pull(&self) {
        self.0.borrow_mut().power = Power::Pulled;
    }

    pub fn insert(&self) {
        self.0.borrow_mut().power = Power::On;
    }

    /// What lies on the medium now.
    pub fn image(&self) -> Image {
        self.0.borrow().image.clone()
    }

    /// Every sector that was written since this boot, in order.
    pub fn log(&self) -> Vec<Written> {
        self.0.borrow().log.clone()
    }

    pub fn sectors_written(&self) -> u64 {
        self.0.borrow().log.len() as u64
    }

    pub fn sectors_read(&self) -> u64 {
        self.0.borrow().sectors_read
    }

    /// Whether the operation may go on. After a cut this never returns.
    async fn gate(&self) -> Result<(), CardError> {
        // Copied out: nothing may stay borrowed while this waits.
        let power = self.0.borrow().power;
        match power {
            Power::On => Ok(()),
            Power::Pulled => Err(CardError::Gone),
            Power::Off => pending().await,
        }
    }

    /// One sector, or what befalls it instead.
    fn write_one(&self, lba: u32, data: &Sector) {
        let mut state = self.0.borrow_mut();
        if let Some(plan) = &mut state.plan {
            if plan.writes_left == 0 {
                let fate = plan.fate;
                state.plan = None;
                state.befall(fate, lba, data);
                return;
            }
            plan.writes_left -= 1;
        }
        state.image.write(lba, data);
        state.log.push(Written { lba, data: *data });
    }
}

impl State {
    fn befall(&mut self, fate: Fate, lba: u32, data: &Sector) {
        match fate {
            Fate::Cut(tear) => {
                let left = tear.leaves(&self.image.read(lba), data);
                self.image.write(lba, &left);
                self.power = Power::Off;
            }
            Fate::Pulled => self.power = Power::Pulled,
        }
    }

    fn check(&self, first: u32, bytes: usize) -> Result<(), CardError> {
        let sectors = (bytes / SECTOR_BYTES) as u64;
        let end = u64::from(first) + sectors;
        if bytes.is_multiple_of(SECTOR_BYTES) && end <= u64::from(self.image.sectors()) {
            Ok(())
        } else {
            Err(CardError::OutOfRange)
        }
    }
}

impl BlockDevice for Card {
    type Error = CardError;

    fn sectors(&self) -> u32 {
        self.0.borrow().image.sectors()
    }

    async fn read(&mut self, first: u32, into: &mut [u8]) -> Result<(), CardError> {
        self.gate().await?;
        let mut state = self.0.borrow_mut();
        state.check(first, into.len())?;
        for (lba, sector) in (first..).zip(into.chunks_exact_mut(SECTOR_BYTES)) {
            sector.copy_from_slice(&state.image.read(lba));
            state.sectors_read += 1;
        }
        Ok(())
    }

    async fn write(&mut self, first: u32, data: &[u8]) -> Result<(), CardError> {
        self.gate().await?;
        self.0.borrow().check(first, data.len())?;
        let (sectors, _) = data.as_chunks::<SECTOR_BYTES>();
        for (lba, sector) in (first..).zip(sectors) {
            self.write_one(lba, sector);
            self.gate().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Outcome, run};

    const OLD: Sector = [1; SECTOR_BYTES];
    const NEW: [u8; 3 * SECTOR_BYTES] = [2; 3 * SECTOR_BYTES];

    fn card() -> Card {
        let mut image = Image::blank(16);
        for lba in 0..16 {
            image.write(lba, &OLD);
        }
        Card::boot(image)
    }

    #[test]
    fn a_cut_lets_some_sectors_through_and_no_code_runs_after_it() {
        let card = card();
        card.cut_after(1, Tear::Whole);
        let mut after = false;
        let mut device = card.clone();
        let outcome = run(async {
            device.write(4, &NEW).await.unwrap();
            after = true;
        });
        assert_eq!(outcome, Outcome::Cut);
        assert!(!after);
        let first_bytes: Vec<u8> = (3..8).map(|lba| card.image().read(lba)[0]).collect();
        assert_eq!(first_bytes, [1, 2, 1, 1, 1]);
        assert!(run(card.clone().read(0, &mut [0; 512])).is_cut());
        assert_eq!(card.sectors_written(), 1);
    }

    #[test]
    fn in_the_second_model_the_sector_in_flight_is_neither_old_nor_new() {
        for seed in 0..32 {
            let card = card();
            card.cut_after(2, Tear::Garbage(seed));
            assert!(run(card.clone().write(4, &NEW)).is_cut());
            let torn = card.image().read(6);
            assert!(torn != OLD && torn[..] != NEW[..SECTOR_BYTES], "seed {seed}");
            assert_eq!(card.image().read(5)[..], NEW[..SECTOR_BYTES]);
            assert_eq!(card.image().read(7), OLD);
        }
    }

    #[test]
    fn a_pulled_card_says_so_and_works_again_once_it_is_back() {
        let card = card();
        card.pull_after(1);
        let mut device = card.clone();
        assert_eq!(run(device.write(4, &NEW)), Outcome::Done(Err(CardError::Gone)));
        assert_eq!(
            run(device.read(4, &mut [0; 512])),
            Outcome::Done(Err(CardError::Gone))
        );
        card.insert();
        assert_eq!(run(device.write(4, &NEW)), Outcome::Done(Ok(())));
    }

    #[test]
    fn there_is_nothing_past_its_end() {
        let mut card = card();
        let outcome = run(card.write(14, &NEW));
        assert_eq!(outcome, Outcome::Done(Err(CardError::OutOfRange)));
        let outcome = run(card.read(0, &mut [0; 100]));
        assert_eq!(outcome, Outcome::Done(Err(CardError::OutOfRange)));
    }
}
