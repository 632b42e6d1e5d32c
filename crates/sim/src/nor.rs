//! Virtual NOR flash, and what a power cut leaves in it.
//!
//! ```text
//! device ── read · program · erase ──► Nor ── image ──► the next boot
//!                                       │
//!                                  cut at operation n: the future never ends, the image is torn as `Fault` says
//! ```
//!
//! Blocks of 4096 bytes, words of 4, as on an ESP32. Programming only clears bits; erasing sets a block's bits. An interrupted program
//! leaves any prefix of its words, and in the word after them any of the bits that were to be cleared; an interrupted erase leaves any bits
//! in its block. Nothing else is ever touched.
//!
//! Two ways to cut. [`Nor::cut_at`] stops a running device: from that operation on nothing it awaits comes back. Or let it run uncut with
//! [`Nor::recording`], and lay out the image of every possible cut from the log with [`Operation::carry_out`] and
//! [`Operation::interrupt`], which costs one run instead of one for each cut.

mod operation;

use core::future::pending;

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashErrorKind, ReadNorFlash,
};

pub use operation::{Fault, Operation};

/// What is erased at once.
pub const BLOCK_BYTES: usize = 4096;
/// What is programmed at once.
pub const WORD_BYTES: usize = 4;

/// What the device has asked of the flash since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub programs: u64,
    pub programmed_bytes: u64,
    pub erases: u64,
    /// Programs that wanted a cleared bit set: they do not read back as written, so a driver has no business making them.
    pub impossible_programs: u64,
}

impl Spent {
    /// Programs and erases; reads are no operations, since nothing can break in them.
    pub const fn operations(&self) -> u64 {
        self.programs + self.erases
    }
}

#[derive(Debug, Clone)]
pub struct Nor {
    image: Vec<u8>,
    spent: Spent,
    log: Option<Vec<Operation>>,
    cut: Option<(u64, Fault)>,
    dead: bool,
}

impl Nor {
    /// Erased flash of so many blocks.
    pub fn blank(blocks: usize) -> Self {
        Self::from_image(vec![0xFF; blocks * BLOCK_BYTES])
    }

    /// Flash as something left it; the length is a whole number of blocks.
    pub fn from_image(image: Vec<u8>) -> Self {
        assert_eq!(image.len() % BLOCK_BYTES, 0, "flash has whole blocks");
        Self {
            image,
            spent: Spent::default(),
            log: None,
            cut: None,
            dead: false,
        }
    }

    /// Keeps every operation from now on.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.log = Some(Vec::new());
        self
    }

    /// The power goes in operation `at`, counted from 0 since the flash was made.
    pub fn cut_at(&mut self, at: u64, fault: Fault) {
        self.cut = Some((at, fault));
    }

    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// The power is back: the same bits, no cut in sight.
    #[must_use]
    pub fn next_boot(self) -> Self {
        Self::from_image(self.image)
    }

    pub const fn spent(&self) -> Spent {
        self.spent
    }

    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// For faults that no cut explains: rot, other firmware, a hand with a programmer.
    pub fn image_mut(&mut self) -> &mut [u8] {
        &mut self.image
    }

    /// What was done since [`Self::recording`].
    pub fn log(&self) -> &[Operation] {
        self.log.as_deref().unwrap_or_default()
    }

    async fn perform(&mut self, operation: Operation) {
        if self.dead {
            return pending().await;
        }
        let index = self.spent.operations();
        if let Some((at, fault)) = self.cut
            && at == index
        {
            operation.interrupt(&mut self.image, fault);
            self.dead = true;
            return pending().await;
        }
        match &operation {
            Operation::Program { offset, data } => {
                self.spent.programs += 1;
                self.spent.programmed_bytes += data.len() as u64;
                let before = &self.image[*offset as usize..][..data.len()];
                if before.iter().zip(data).any(|(old, new)| new & !old != 0) {
                    self.spent.impossible_programs += 1;
                }
            }
            Operation::Erase { .. } => self.spent.erases += 1,
        }
        operation.carry_out(&mut self.image);
        if let Some(log) = &mut self.log {
            log.push(operation);
        }
    }

    fn check(&self, offset: u32, len: usize, unit: usize) -> Result<(), NorFlashErrorKind> {
        let start = offset as usize;
        if !start.is_multiple_of(unit) || !len.is_multiple_of(unit) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        match start.checked_add(len) {
            Some(end) if end <= self.image.len() => Ok(()),
            _ => Err(NorFlashErrorKind::OutOfBounds),
        }
    }
}

impl ErrorType for Nor {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = WORD_BYTES;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.check(offset, bytes.len(), Self::READ_SIZE)?;
        if self.dead {
            return pending().await;
        }
        bytes.copy_from_slice(&self.image[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.image.len()
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = BLOCK_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let len = to.checked_sub(from).ok_or(NorFlashErrorKind::OutOfBounds)?;
        self.check(from, len as usize, BLOCK_BYTES)?;
        for block in (from..to).step_by(BLOCK_BYTES) {
            self.perform(Operation::Erase { offset: block }).await;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.check(offset, bytes.len(), WORD_BYTES)?;
        let data = bytes.to_vec();
        self.perform(Operation::Program { offset, data }).await;
        Ok(())
    }
}

impl MultiwriteNorFlash for Nor {}
