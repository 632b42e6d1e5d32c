//! Why a receipt, a statement or what they are compared with is refused.

use core::error::Error;
use core::fmt;

use super::{KeyId, NAME_BYTES_MAX, RECEIPT_BYTES_MAX, VERSION};

/// The bytes or the text are not a receipt or statement, or not one that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptError {
    /// The text has characters outside base64url, padding, or loose bits at its end.
    NotText,
    /// Longer than any can be.
    TooLong,
    /// Other bytes altogether, or the other one of the two kinds.
    OtherKind,
    /// Made by a newer server.
    Version(u8),
    /// Ends before it is complete.
    Truncated,
    /// Goes on after its signature.
    Trailing,
    /// A field does not have the length that it has in every receipt.
    FieldLength { field: &'static str },
    /// The name is no UTF-8.
    NameNotText,
    /// The name is empty or too long to be signed.
    NameLength,
    /// What a statement names as the next key is none.
    NotAKey,
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("the text is not base64url without padding; copy it whole"),
            Self::TooLong => write!(
                f,
                "it is longer than the {RECEIPT_BYTES_MAX} bytes that it can have"
            ),
            Self::OtherKind => f.write_str("it does not begin as this kind of signed statement does"),
            Self::Version(version) => write!(
                f,
                "it has version {version}, this program knows {VERSION}; use a newer one"
            ),
            Self::Truncated => f.write_str("it ends before it is complete; copy it whole"),
            Self::Trailing => f.write_str("bytes follow its signature"),
            Self::FieldLength { field } => write!(f, "its field `{field}` has an impossible length"),
            Self::NameNotText => f.write_str("its file name is no UTF-8"),
            Self::NameLength => write!(f, "its file name is not 1 to {NAME_BYTES_MAX} bytes long"),
            Self::NotAKey => f.write_str("the key that it names is no Ed25519 public key"),
        }
    }
}

impl Error for ReceiptError {}

/// Why a receipt or statement proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    Malformed(ReceiptError),
    /// None of the caller's keys made it: another server, or a rotation that the caller has not heard of.
    UnknownKey(KeyId),
    /// A statement by a key that has named its successor already; only the newest may name the next.
    NotNewest(KeyId),
    /// Something in it was changed, or it was never signed by this key.
    BadSignature,
}

impl From<ReceiptError> for VerifyError {
    fn from(error: ReceiptError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::UnknownKey(key) => write!(
                f,
                "it is signed with the key {key}, which is not among those given; fetch the server's keys anew"
            ),
            Self::NotNewest(key) => write!(f, "the key {key} that signed it has a successor already"),
            Self::BadSignature => {
                f.write_str("its signature is wrong: it was changed, or another key made it")
            }
        }
    }
}

impl Error for VerifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::UnknownKey(_) | Self::NotNewest(_) | Self::BadSignature => None,
        }
    }
}

/// A true receipt, but for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    Size { receipt_bytes: u64, held_bytes: u64 },
    Digest,
    Device,
    Name,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size {
                receipt_bytes,
                held_bytes,
            } => write!(
                f,
                "the receipt is for {receipt_bytes} bytes, here are {held_bytes}"
            ),
            Self::Digest => f.write_str("the receipt is for other bytes: the SHA-256 differs"),
            Self::Device => f.write_str("the receipt is for a recording of another device"),
            Self::Name => f.write_str("the receipt is for a file of another name"),
        }
    }
}

impl Error for Mismatch {}
