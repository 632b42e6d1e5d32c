//! Receipts: a server's signed word that it holds a recording, and how a device checks it without trusting anything else.
//!
//! ```text
//! server   Stored ── sign(key) ──► SignedReceipt ── Display ──► `Fieldpost-Receipt: RlBSAQg…`
//! device   text ── SignedReceipt::from_text ──► verify(keys) ──► Receipt ── stored.check(held) ──► may archive
//! ```
//!
//! Promises: what [`verify`] returns was signed, every field of it, by one of the caller's keys; there is one encoding of
//! each receipt, so whatever is changed, cut off or added is refused. The signature is Ed25519, checked strictly (no
//! weak keys, no second form of a signature). Nothing here looks at a clock: `stored_at_us` is the server's own and is
//! never a reason to refuse. Nothing allocates. `docs/formats/receipt.md` has the byte layout and a worked example.

mod encoding;
mod error;
mod keys;
mod signed;
mod statement;

pub use encoding::{parse, verify};
pub use error::{Mismatch, ReceiptError, VerifyError};
pub use keys::{Accepted, KeyId, NotAKey, PublicKey, ServerKey, TrustedKeys};
pub use signed::SignedReceipt;
pub use statement::{KeyStatement, SignedStatement};

/// The only version there is.
pub const VERSION: u8 = 1;
/// Longest name that a receipt can hold, in bytes; as long as file systems allow.
pub const NAME_BYTES_MAX: usize = 255;
/// No signed receipt is longer: its beginning, seven fields with a length byte each, the signature.
pub const RECEIPT_BYTES_MAX: usize = 4 + 9 + 17 + 17 + (1 + NAME_BYTES_MAX) + 9 + 33 + 9 + SIGNATURE_BYTES;
/// No receipt's text is longer: four characters for three bytes.
pub const RECEIPT_TEXT_BYTES_MAX: usize = (RECEIPT_BYTES_MAX * 4).div_ceil(3);
/// The response header that carries a receipt's text.
pub const FIELDPOST_RECEIPT: &str = "Fieldpost-Receipt";

const SIGNATURE_BYTES: usize = 64;

/// What one of a server's keys says is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt<'n> {
    /// Which key signed.
    pub key: KeyId,
    pub stored: Stored<'n>,
}

/// A recording that a server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'n> {
    /// The team whose data it is, a UUID.
    pub tenant: [u8; 16],
    /// The device that made the recording, a UUID; `None` when a person sent a file without saying whose it is.
    pub device: Option<[u8; 16]>,
    /// The file's name as it was sent, without folders; 1 to [`NAME_BYTES_MAX`] bytes.
    pub name: &'n str,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
    /// When the bytes were durable by the server's clock, in microseconds of Unix time.
    pub stored_at_us: i64,
}

/// What a device knows of a recording that it still has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held<'n> {
    /// The device's own id.
    pub device: [u8; 16],
    pub name: &'n str,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

impl Stored<'_> {
    /// Whether a verified receipt is for exactly what the device has. `Ok` is what allows it to archive the recording.
    pub fn check(&self, held: &Held<'_>) -> Result<(), Mismatch> {
        self.check_bytes(held.size_bytes, &held.sha256)?;
        if self.device != Some(held.device) {
            return Err(Mismatch::Device);
        }
        if self.name != held.name {
            return Err(Mismatch::Name);
        }
        Ok(())
    }

    /// Whether it is for these bytes, whoever sent them under whatever name.
    pub fn check_bytes(&self, size_bytes: u64, sha256: &[u8; 32]) -> Result<(), Mismatch> {
        if self.size_bytes != size_bytes {
            return Err(Mismatch::Size {
                receipt_bytes: self.size_bytes,
                held_bytes: size_bytes,
            });
        }
        if self.sha256 != *sha256 {
            return Err(Mismatch::Digest);
        }
        Ok(())
    }
}
