//! Key statements: how a device that knows one key of a server comes to know the next.

use core::fmt;

use super::encoding::{Fields, Writer, check_signature};
use super::signed::{Bytes, DECODE_BYTES, decode};
use super::{KeyId, PublicKey, ReceiptError, SIGNATURE_BYTES, ServerKey, VerifyError};

const KIND: &[u8; 3] = b"FPK";
const STATEMENT_BYTES: usize = 4 + 9 + 33 + 9 + SIGNATURE_BYTES;

/// "My next key is this one", said by the key before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyStatement {
    /// The key that signs the statement.
    pub signer: KeyId,
    pub next: PublicKey,
    /// When the next key was made, in microseconds of Unix time; for people, never a reason to refuse.
    pub made_at_us: i64,
}

/// A signed key statement, 119 bytes; its `Display` is the text form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignedStatement(Bytes<STATEMENT_BYTES>);

impl SignedStatement {
    /// `signer` says that `next` follows it.
    pub fn sign(signer: &ServerKey, next: PublicKey, made_at_us: i64) -> Result<Self, ReceiptError> {
        let mut bytes = Bytes::EMPTY;
        let mut out = Writer::begin(&mut bytes.buffer, KIND)?;
        out.field(&signer.id().0)?;
        out.field(next.as_bytes())?;
        out.field(&made_at_us.to_be_bytes())?;
        let len = out.len;
        bytes.sign(len, signer)?;
        Ok(Self(bytes))
    }

    /// Reads the text form; the signature is not yet checked.
    pub fn from_text(text: &str) -> Result<Self, ReceiptError> {
        let mut buffer = [0; DECODE_BYTES];
        Self::from_bytes(decode(text, &mut buffer)?)
    }

    /// Takes the binary form; the signature is not yet checked.
    pub fn from_bytes(signed: &[u8]) -> Result<Self, ReceiptError> {
        parse(signed)?;
        Bytes::copy(signed).map(Self)
    }

    /// What it says, once one of `keys` is known to have signed it. Whether that key may name a next one is
    /// [`super::TrustedKeys::accept`]'s question.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<KeyStatement, VerifyError> {
        let statement = parse(self.as_bytes())?;
        check_signature(self.as_bytes(), statement.signer, keys)?;
        Ok(statement)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn parse(signed: &[u8]) -> Result<KeyStatement, ReceiptError> {
    if signed.len() > STATEMENT_BYTES {
        return Err(ReceiptError::TooLong);
    }
    let mut fields = Fields::begin(signed, KIND)?;
    let statement = KeyStatement {
        signer: KeyId(fields.fixed("signer")?),
        next: PublicKey::from_bytes(fields.fixed("next")?).map_err(|_| ReceiptError::NotAKey)?,
        made_at_us: i64::from_be_bytes(fields.fixed("made_at")?),
    };
    fields.end()?;
    Ok(statement)
}

impl fmt::Display for SignedStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SignedStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedStatement({self})")
    }
}
