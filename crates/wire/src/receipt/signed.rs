//! Signed bytes in a buffer of their own, and their text form for headers and JSON.

use core::fmt;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::encoding;
use super::{
    PublicKey, RECEIPT_BYTES_MAX, RECEIPT_TEXT_BYTES_MAX, Receipt, ReceiptError, SIGNATURE_BYTES, ServerKey,
    Stored, VerifyError,
};

/// base64 decodes in steps of three bytes and wants room for a whole last step.
pub(super) const DECODE_BYTES: usize = RECEIPT_BYTES_MAX.next_multiple_of(3) + 3;

/// A signed receipt, 418 bytes at most; its `Display` is the text form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignedReceipt(Bytes<RECEIPT_BYTES_MAX>);

impl SignedReceipt {
    /// The same recording and key give the same bytes. Fails for a name that is empty or too long, and nothing else.
    pub fn sign(stored: &Stored<'_>, key: &ServerKey) -> Result<Self, ReceiptError> {
        let mut bytes = Bytes::EMPTY;
        let len = encoding::write(stored, key.id(), &mut bytes.buffer)?;
        bytes.sign(len, key)?;
        Ok(Self(bytes))
    }

    /// Reads the text form. The receipt is whole, its signature not yet checked.
    pub fn from_text(text: &str) -> Result<Self, ReceiptError> {
        let mut buffer = [0; DECODE_BYTES];
        Self::from_bytes(decode(text, &mut buffer)?)
    }

    /// Takes the binary form. The receipt is whole, its signature not yet checked.
    pub fn from_bytes(signed: &[u8]) -> Result<Self, ReceiptError> {
        encoding::parse(signed)?;
        Bytes::copy(signed).map(Self)
    }

    /// What it says, once one of `keys` is known to have signed it.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<Receipt<'_>, VerifyError> {
        encoding::verify(self.as_bytes(), keys)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for SignedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SignedReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedReceipt({self})")
    }
}

/// Up to `N` bytes; those beyond `len` are zero, so that equality is that of the content.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes<const N: usize> {
    pub(super) buffer: [u8; N],
    len: usize,
}

impl<const N: usize> Bytes<N> {
    pub(super) const EMPTY: Self = Self {
        buffer: [0; N],
        len: 0,
    };

    pub(super) fn copy(from: &[u8]) -> Result<Self, ReceiptError> {
        let mut bytes = Self::EMPTY;
        bytes
            .buffer
            .get_mut(..from.len())
            .ok_or(ReceiptError::TooLong)?
            .copy_from_slice(from);
        bytes.len = from.len();
        Ok(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    /// Puts the signature of the first `len` bytes behind them.
    pub(super) fn sign(&mut self, len: usize, key: &ServerKey) -> Result<(), ReceiptError> {
        let (message, rest) = self
            .buffer
            .split_at_mut_checked(len)
            .ok_or(ReceiptError::TooLong)?;
        let place = rest
            .first_chunk_mut::<SIGNATURE_BYTES>()
            .ok_or(ReceiptError::TooLong)?;
        *place = key.signature(message);
        self.len = len + SIGNATURE_BYTES;
        Ok(())
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(self.as_bytes(), &URL_SAFE_NO_PAD).fmt(f)
    }
}

/// base64url without padding, in its one valid form.
pub(super) fn decode<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], ReceiptError> {
    if text.len() > RECEIPT_TEXT_BYTES_MAX {
        return Err(ReceiptError::TooLong);
    }
    let len = URL_SAFE_NO_PAD
        .decode_slice(text, buffer)
        .map_err(|_| ReceiptError::NotText)?;
    buffer.get(..len).ok_or(ReceiptError::TooLong)
}
