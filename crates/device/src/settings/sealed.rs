//! A password in a box that a page sealed for this device (`docs/decisions/0020-sealed-networks.md`, version 1).
//!
//! ```text
//! 1 ‖ ephemeral P-256 public key (65) ‖ nonce (12) ‖ AES-256-GCM ciphertext (0 to 64) ‖ tag (16)
//! key = HKDF-SHA-256(ECDH, salt = ephemeral key ‖ device key, info = "fieldpost network 1")      AAD = 1 ‖ device_uuid (16) ‖ SSID
//! ```

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use heapless::Vec;

use super::network::Password;
use crate::link::{SSID_BYTES_MAX, Ssid};

/// As the server bounds it.
pub(super) const SEALED_BYTES_MAX: usize = 512;
/// base64url.
pub(super) const SEALED_TEXT_BYTES_MAX: usize = (SEALED_BYTES_MAX * 4).div_ceil(3);

const VERSION: u8 = 1;
const KEY_BYTES: usize = 65;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// A passphrase of 63 bytes or a key of 64 digits.
pub const PASSWORD_BYTES_MAX: usize = 64;
/// SEC 1, 2.3.3.
const UNCOMPRESSED: u8 = 4;

/// A box whose parts are where they should be; whether it opens is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'b> {
    pub ephemeral: &'b [u8; KEY_BYTES],
    pub nonce: &'b [u8; NONCE_BYTES],
    pub ciphertext: &'b [u8],
    pub tag: &'b [u8; TAG_BYTES],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSealed {
    /// A version that this firmware does not know.
    Version(u8),
    /// No base64url, or too short or too long for its version.
    Length,
}

impl fmt::Display for BadSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(
                f,
                "the sealed password is of version {version}; this firmware knows version 1"
            ),
            Self::Length => f.write_str("the sealed password has the wrong length, or is no base64url"),
        }
    }
}

/// The box was not made for this device and this network, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CannotOpen;

/// Whoever holds the device's P-256 key. Takes some 100 ms on a chip.
pub trait Unseal {
    /// What is in the box, checked against its tag with [`Sealed::aad`].
    fn open(&mut self, ssid: &Ssid, sealed: &Sealed<'_>) -> Result<Vec<u8, PASSWORD_BYTES_MAX>, CannotOpen>;
}

impl<'b> Sealed<'b> {
    /// For HKDF.
    pub const INFO: &'static [u8] = b"fieldpost network 1";

    /// The bytes behind a text, in the buffer.
    pub(super) fn decode_text(text: &str, buffer: &'b mut [u8; SEALED_BYTES_MAX]) -> Option<&'b [u8]> {
        let count = URL_SAFE_NO_PAD
            .decode_slice(text.trim_end_matches('='), buffer)
            .ok()?;
        buffer.get(..count)
    }

    pub fn parse(bytes: &'b [u8]) -> Result<Self, BadSealed> {
        let (version, rest) = bytes.split_first().ok_or(BadSealed::Length)?;
        if *version != VERSION {
            return Err(BadSealed::Version(*version));
        }
        let (ephemeral, rest) = rest.split_first_chunk::<KEY_BYTES>().ok_or(BadSealed::Length)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(BadSealed::Length)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(BadSealed::Length)?;
        if ciphertext.len() > PASSWORD_BYTES_MAX || ephemeral[0] != UNCOMPRESSED {
            return Err(BadSealed::Length);
        }
        Ok(Self {
            ephemeral,
            nonce,
            ciphertext,
            tag,
        })
    }

    /// What the tag covers beside the ciphertext.
    pub fn aad(device_uuid: [u8; 16], ssid: &Ssid) -> Vec<u8, { 1 + 16 + SSID_BYTES_MAX }> {
        [VERSION]
            .into_iter()
            .chain(device_uuid)
            .chain(ssid.as_bytes().iter().copied())
            .collect()
    }

    /// The password of a network, opened.
    pub(super) fn password(&self, ssid: &Ssid, unseal: &mut impl Unseal) -> Result<Password, CannotOpen> {
        let text = unseal.open(ssid, self)?;
        Password::new(&text).map_err(|_| CannotOpen)
    }
}
