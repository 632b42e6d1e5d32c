//! SHA-256 of a file of whole sectors, with a place that can be kept and taken up again.

use sha2::block_api::compress256;

use crate::block::SECTOR_BYTES;

/// SHA-256 works on blocks of this many bytes.
const BLOCK_BYTES: usize = 64;
/// FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The digest of the sectors so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileDigest {
    state: [u32; 8],
    bytes: u32,
}

impl Default for FileDigest {
    fn default() -> Self {
        Self {
            state: INITIAL,
            bytes: 0,
        }
    }
}

impl FileDigest {
    /// Where a `DIGEST` row says that somebody was; `None` for a place that no sector ends at.
    pub fn resume(bytes: u32, state: [u32; 8]) -> Option<Self> {
        let whole = usize::try_from(bytes).is_ok_and(|bytes| bytes.is_multiple_of(SECTOR_BYTES));
        whole.then_some(Self { state, bytes })
    }

    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    pub fn state(&self) -> [u32; 8] {
        self.state
    }

    /// Takes the next sectors. What is left of a last one that is not whole is not looked at.
    pub fn sectors(&mut self, data: &[u8]) {
        let (sectors, _) = data.as_chunks::<SECTOR_BYTES>();
        for sector in sectors {
            compress256(&mut self.state, sector.as_chunks::<BLOCK_BYTES>().0);
            self.bytes = self.bytes.wrapping_add(SECTOR_BYTES as u32);
        }
    }

    /// The SHA-256 of a file that ends here.
    pub fn finish(mut self) -> [u8; 32] {
        // The message is whole blocks, so its padding is a block of its own: a one bit, zeros, the length in bits.
        let mut padding = [0; BLOCK_BYTES];
        padding[0] = 0x80;
        let (_, length) = padding.split_at_mut(BLOCK_BYTES - 8);
        length.copy_from_slice(&(u64::from(self.bytes) * 8).to_be_bytes());
        compress256(&mut self.state, &[padding]);
        let mut digest = [0; 32];
        for (out, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *out = word.to_be_bytes();
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn bytes(sectors: usize) -> [u8; 8 * SECTOR_BYTES] {
        let mut data = [0; 8 * SECTOR_BYTES];
        for (at, byte) in data.iter_mut().enumerate().take(sectors * SECTOR_BYTES) {
            *byte = (at * 31 % 251) as u8;
        }
        data
    }

    #[test]
    fn it_is_the_sha256_that_everybody_has() {
        for sectors in 0..=8 {
            let data = bytes(sectors);
            let file = &data[..sectors * SECTOR_BYTES];
            let mut digest = FileDigest::default();
            digest.sectors(file);
            assert_eq!(
                digest.finish(),
                <[u8; 32]>::from(Sha256::digest(file)),
                "{sectors} sectors"
            );
        }
    }

    #[test]
    fn a_kept_place_is_taken_up_again() {
        let data = bytes(8);
        let mut before = FileDigest::default();
        before.sectors(&data[..3 * SECTOR_BYTES]);
        let mut after = FileDigest::resume(before.bytes(), before.state()).unwrap();
        after.sectors(&data[3 * SECTOR_BYTES..]);
        assert_eq!(after.finish(), <[u8; 32]>::from(Sha256::digest(data)));
        assert_eq!(FileDigest::resume(100, before.state()), None);
    }
}
