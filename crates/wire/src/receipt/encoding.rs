//! The bytes that are signed: a beginning, fields that each carry their length, the signature.

use super::{
    KeyId, NAME_BYTES_MAX, PublicKey, RECEIPT_BYTES_MAX, Receipt, ReceiptError, SIGNATURE_BYTES, Stored,
    VERSION, VerifyError,
};

/// What a receipt begins with; signed like everything else, so that no statement can pass for a receipt.
const KIND: &[u8; 3] = b"FPR";

/// Reads the fields of a signed receipt **without** looking at its signature: only to show what it claims.
pub fn parse(signed: &[u8]) -> Result<Receipt<'_>, ReceiptError> {
    if signed.len() > RECEIPT_BYTES_MAX {
        return Err(ReceiptError::TooLong);
    }
    let mut fields = Fields::begin(signed, KIND)?;
    let key = KeyId(fields.fixed("key")?);
    let stored = Stored {
        tenant: fields.fixed("tenant")?,
        device: match fields.next()? {
            [] => None,
            device => Some(exactly("device", device)?),
        },
        name: core::str::from_utf8(fields.next()?).map_err(|_| ReceiptError::NameNotText)?,
        size_bytes: u64::from_be_bytes(fields.fixed("size")?),
        sha256: fields.fixed("sha256")?,
        stored_at_us: i64::from_be_bytes(fields.fixed("stored_at")?),
    };
    if stored.name.is_empty() {
        return Err(ReceiptError::NameLength);
    }
    fields.end()?;
    Ok(Receipt { key, stored })
}

/// Reads a signed receipt and proves that one of `keys` signed all of it.
pub fn verify<'r>(signed: &'r [u8], keys: &[PublicKey]) -> Result<Receipt<'r>, VerifyError> {
    let receipt = parse(signed)?;
    check_signature(signed, receipt.key, keys)?;
    Ok(receipt)
}

/// Writes everything that is signed into `buffer` and gives its length.
pub(super) fn write(
    stored: &Stored<'_>,
    key: KeyId,
    buffer: &mut [u8; RECEIPT_BYTES_MAX],
) -> Result<usize, ReceiptError> {
    if !(1..=NAME_BYTES_MAX).contains(&stored.name.len()) {
        return Err(ReceiptError::NameLength);
    }
    let mut out = Writer::begin(buffer, KIND)?;
    out.field(&key.0)?;
    out.field(&stored.tenant)?;
    out.field(stored.device.as_ref().map_or(&[][..], |device| &device[..]))?;
    out.field(stored.name.as_bytes())?;
    out.field(&stored.size_bytes.to_be_bytes())?;
    out.field(&stored.sha256)?;
    out.field(&stored.stored_at_us.to_be_bytes())?;
    Ok(out.len)
}

/// Checks the last bytes of `signed` as the signature of all others.
pub(super) fn check_signature(signed: &[u8], key: KeyId, keys: &[PublicKey]) -> Result<(), VerifyError> {
    let (message, signature) = signed
        .split_last_chunk::<SIGNATURE_BYTES>()
        .ok_or(ReceiptError::Truncated)?;
    let signer = keys
        .iter()
        .find(|candidate| candidate.id() == key)
        .ok_or(VerifyError::UnknownKey(key))?;
    if signer.has_signed(message, signature) {
        Ok(())
    } else {
        Err(VerifyError::BadSignature)
    }
}

/// Length-prefixed fields being read.
pub(super) struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    pub(super) fn begin(signed: &'b [u8], kind: &[u8; 3]) -> Result<Self, ReceiptError> {
        let (beginning, rest) = signed.split_first_chunk::<4>().ok_or(ReceiptError::Truncated)?;
        let [a, b, c, version] = *beginning;
        if [a, b, c] != *kind {
            return Err(ReceiptError::OtherKind);
        }
        if version != VERSION {
            return Err(ReceiptError::Version(version));
        }
        Ok(Self { rest })
    }

    pub(super) fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ReceiptError> {
        exactly(field, self.next()?)
    }

    fn next(&mut self) -> Result<&'b [u8], ReceiptError> {
        let (&len, rest) = self.rest.split_first().ok_or(ReceiptError::Truncated)?;
        let (field, rest) = rest
            .split_at_checked(usize::from(len))
            .ok_or(ReceiptError::Truncated)?;
        self.rest = rest;
        Ok(field)
    }

    /// What is left must be the signature.
    pub(super) fn end(self) -> Result<(), ReceiptError> {
        match self.rest.len() {
            SIGNATURE_BYTES => Ok(()),
            len if len < SIGNATURE_BYTES => Err(ReceiptError::Truncated),
            _ => Err(ReceiptError::Trailing),
        }
    }
}

fn exactly<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], ReceiptError> {
    bytes.try_into().map_err(|_| ReceiptError::FieldLength { field })
}

/// Length-prefixed fields being written.
pub(super) struct Writer<'b> {
    buffer: &'b mut [u8],
    pub(super) len: usize,
}

impl<'b> Writer<'b> {
    pub(super) fn begin(buffer: &'b mut [u8], kind: &[u8; 3]) -> Result<Self, ReceiptError> {
        let mut writer = Self { buffer, len: 0 };
        writer.raw(kind)?;
        writer.raw(&[VERSION])?;
        Ok(writer)
    }

    pub(super) fn field(&mut self, bytes: &[u8]) -> Result<(), ReceiptError> {
        let len = u8::try_from(bytes.len()).map_err(|_| ReceiptError::TooLong)?;
        self.raw(&[len])?;
        self.raw(bytes)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), ReceiptError> {
        let end = self.len + bytes.len();
        let place = self.buffer.get_mut(self.len..end).ok_or(ReceiptError::TooLong)?;
        place.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }
}
