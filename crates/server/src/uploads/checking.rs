//! The checksum of one request's bytes, counted along.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use wire::upload::{Checksum, ChecksumAlgorithm};

pub(super) struct Checking {
    wanted: Checksum,
    so_far: SoFar,
}

enum SoFar {
    Sha1(Sha1),
    Sha256(Sha256),
    Crc32(crc32fast::Hasher),
}

impl Checking {
    pub(super) fn of(wanted: Checksum) -> Self {
        let so_far = match wanted.algorithm() {
            ChecksumAlgorithm::Sha1 => SoFar::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => SoFar::Sha256(Sha256::new()),
            ChecksumAlgorithm::Crc32 => SoFar::Crc32(crc32fast::Hasher::new()),
        };
        Self { wanted, so_far }
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        match &mut self.so_far {
            SoFar::Sha1(hasher) => hasher.update(bytes),
            SoFar::Sha256(hasher) => hasher.update(bytes),
            SoFar::Crc32(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn agrees(self) -> bool {
        let wanted = self.wanted.digest();
        match self.so_far {
            SoFar::Sha1(hasher) => *hasher.finalize() == *wanted,
            SoFar::Sha256(hasher) => *hasher.finalize() == *wanted,
            SoFar::Crc32(hasher) => hasher.finalize().to_be_bytes() == *wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests of "hello world" as `sha1sum`, `sha256sum` and `crc32` print them, in Base64.
    #[test]
    fn each_algorithm_knows_its_digest() {
        for text in [
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
            "crc32 DUoRhQ==",
        ] {
            let checksum = Checksum::parse(text).unwrap();
            let agrees = |pieces: [&[u8]; 2]| {
                let mut checking = Checking::of(checksum);
                pieces.iter().for_each(|piece| checking.extend(piece));
                checking.agrees()
            };
            assert!(agrees([b"hello ", b"world"]), "{text}");
            assert!(!agrees([b"hello ", b"worlf"]), "{text}");
        }
    }
}
