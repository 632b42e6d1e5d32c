//! `Upload-Checksum`: which algorithm, and what it makes of the bytes of one request.

use core::fmt;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use super::HeaderError;

const DIGEST_BYTES_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    Sha1,
    Sha256,
    /// CRC-32 as in Ethernet and zip, its four bytes sent with the most significant first.
    Crc32,
}

impl ChecksumAlgorithm {
    /// As `Tus-Checksum-Algorithm` lists them.
    pub const LIST: &'static str = "sha1,sha256,crc32";

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Crc32 => "crc32",
        }
    }

    const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Crc32 => 4,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::Sha1, Self::Sha256, Self::Crc32];
        all.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// A digest of its algorithm's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum {
    algorithm: ChecksumAlgorithm,
    /// The digest, then zeros.
    bytes: [u8; DIGEST_BYTES_MAX],
}

impl Checksum {
    /// `digest` has to have the length of its algorithm.
    pub fn new(algorithm: ChecksumAlgorithm, digest: &[u8]) -> Result<Self, HeaderError> {
        if digest.len() != algorithm.digest_bytes() {
            return Err(HeaderError::WrongDigestLength);
        }
        let mut bytes = [0; DIGEST_BYTES_MAX];
        bytes[..digest.len()].copy_from_slice(digest);
        Ok(Self { algorithm, bytes })
    }

    pub fn parse(text: &str) -> Result<Self, HeaderError> {
        let (name, encoded) = text.split_once(' ').ok_or(HeaderError::NotAChecksum)?;
        let algorithm = ChecksumAlgorithm::parse(name).ok_or(HeaderError::UnknownAlgorithm)?;
        // Room for a longer digest too, so that it is told from what is not Base64.
        let mut digest = [0_u8; 2 * DIGEST_BYTES_MAX];
        match STANDARD.decode_slice(encoded.trim_matches(' '), &mut digest) {
            Ok(length) => Self::new(algorithm, &digest[..length]),
            Err(base64::DecodeSliceError::OutputSliceTooSmall) => Err(HeaderError::WrongDigestLength),
            Err(base64::DecodeSliceError::DecodeError(_)) => Err(HeaderError::NotAChecksum),
        }
    }

    #[must_use]
    pub const fn algorithm(&self) -> ChecksumAlgorithm {
        self.algorithm
    }

    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.bytes[..self.algorithm.digest_bytes()]
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Base64Display::new(self.digest(), &STANDARD);
        write!(f, "{} {digest}", self.algorithm.name())
    }
}
