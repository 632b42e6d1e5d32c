//! The card as sectors.

use core::fmt::Debug;

/// Cards have no other.
pub const SECTOR_BYTES: usize = 512;

/// A card, or whatever keeps sectors.
///
/// What [`Self::write`] has returned from is on the medium (a card in SPI mode is busy until then), and sectors get there in
/// the order in which they are written. A future that is dropped may have written any number of its first sectors, and the
/// one after them may read back as anything.
#[allow(
    async_fn_in_trait,
    reason = "one task owns the card; nothing is sent between threads"
)]
pub trait BlockDevice {
    type Error: Debug;

    /// How many sectors there are.
    fn sectors(&self) -> u32;

    /// Reads whole sectors from `first` on; the length of `into` is a multiple of [`SECTOR_BYTES`].
    async fn read(&mut self, first: u32, into: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes whole sectors from `first` on; the length of `data` is a multiple of [`SECTOR_BYTES`].
    async fn write(&mut self, first: u32, data: &[u8]) -> Result<(), Self::Error>;
}

impl<B: BlockDevice> BlockDevice for &mut B {
    type Error = B::Error;

    fn sectors(&self) -> u32 {
        B::sectors(self)
    }

    async fn read(&mut self, first: u32, into: &mut [u8]) -> Result<(), Self::Error> {
        B::read(self, first, into).await
    }

    async fn write(&mut self, first: u32, data: &[u8]) -> Result<(), Self::Error> {
        B::write(self, first, data).await
    }
}
