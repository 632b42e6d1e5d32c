//! What lies on a card: only sectors that hold something take memory.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use device::block::SECTOR_BYTES;

pub type Sector = [u8; SECTOR_BYTES];

/// A medium of any size; a sector that was never written is zero. Copies share what they have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    sectors: u32,
    held: BTreeMap<u32, Arc<Sector>>,
}

const ZERO: Sector = [0; SECTOR_BYTES];

impl Image {
    pub fn blank(sectors: u32) -> Self {
        Self {
            sectors,
            held: BTreeMap::new(),
        }
    }

    pub fn sectors(&self) -> u32 {
        self.sectors
    }

    pub fn read(&self, lba: u32) -> Sector {
        self.held.get(&lba).map_or(ZERO, |sector| **sector)
    }

    pub fn write(&mut self, lba: u32, data: &Sector) {
        if *data == ZERO {
            self.held.remove(&lba);
        } else {
            self.held.insert(lba, Arc::new(*data));
        }
    }

    /// Sectors that hold something, in order.
    pub fn held(&self) -> impl Iterator<Item = (u32, &Sector)> {
        self.held.iter().map(|(lba, sector)| (*lba, &**sector))
    }

    /// Reads an image file. Of a large one whose end is known to be empty, `bytes_max` may spare reading it.
    pub fn load(mut file: impl Read + Seek, bytes_max: u64) -> io::Result<Self> {
        let bytes = file.seek(SeekFrom::End(0))?;
        let sectors = u32::try_from(bytes / SECTOR_BYTES as u64).map_err(io::Error::other)?;
        let mut image = Self::blank(sectors);
        file.rewind()?;
        let mut buffer = vec![0; 1 << 20];
        let mut lba = 0;
        let mut rest = file.take(bytes_max);
        loop {
            let mut filled = 0;
            while filled < buffer.len() {
                match rest.read(&mut buffer[filled..])? {
                    0 => break,
                    bytes => filled += bytes,
                }
            }
            let (whole, _) = buffer[..filled].as_chunks::<SECTOR_BYTES>();
            for sector in whole {
                image.write(lba, sector);
                lba += 1;
            }
            if filled < buffer.len() {
                return Ok(image);
            }
        }
    }

    /// Writes the sectors that hold something; in an empty file the others stay holes. The caller sets its length.
    pub fn save(&self, mut file: impl Write + Seek) -> io::Result<()> {
        for (lba, sector) in &self.held {
            file.seek(SeekFrom::Start(u64::from(*lba) * SECTOR_BYTES as u64))?;
            file.write_all(&sector[..])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_of_64_gb_costs_what_was_written() {
        let mut image = Image::blank(125_000_000);
        image.write(124_999_999, &[7; 512]);
        image.write(5, &[7; 512]);
        image.write(5, &ZERO);
        assert_eq!(image.held.len(), 1);
        assert_eq!((image.read(124_999_999)[511], image.read(5)[0]), (7, 0));
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let mut image = Image::blank(4_000);
        for lba in [0, 1, 2_500, 3_999] {
            image.write(lba, &[9; 512]);
        }
        let mut file = io::Cursor::new(vec![0; 4_000 * SECTOR_BYTES]);
        image.save(&mut file).unwrap();
        assert_eq!(Image::load(&mut file, u64::MAX).unwrap(), image);
        let begin = Image::load(&mut file, 1024).unwrap();
        assert_eq!((begin.sectors(), begin.held.len()), (4_000, 2));
    }
}
