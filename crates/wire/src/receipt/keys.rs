//! The keys behind receipts: the server's secret ones, the public ones that devices hold, and how these follow each other.

use core::error::Error;
use core::fmt;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::{SIGNATURE_BYTES, SignedStatement, VerifyError};

/// The first eight bytes of the SHA-256 of a public key. It tells keys apart; it proves nothing. Written as 16 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A server's public key. Its `Display` is base64url without padding, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Neither a point on the curve nor the text of one, or a point under which anything can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAKey;

impl fmt::Display for NotAKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no Ed25519 public key; it has 32 bytes, 43 characters of base64url")
    }
}

impl Error for NotAKey {}

impl PublicKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, NotAKey> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NotAKey)?;
        if key.is_weak() {
            Err(NotAKey)
        } else {
            Ok(Self(key))
        }
    }

    pub fn from_text(text: &str) -> Result<Self, NotAKey> {
        let mut buffer = [0; 36];
        let len = URL_SAFE_NO_PAD
            .decode_slice(text, &mut buffer)
            .map_err(|_| NotAKey)?;
        let bytes = buffer.get(..len).ok_or(NotAKey)?;
        Self::from_bytes(bytes.try_into().map_err(|_| NotAKey)?)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    #[must_use]
    pub fn id(&self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(self.as_bytes()));
        KeyId([a, b, c, d, e, f, g, h])
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.0
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(self.as_bytes(), &URL_SAFE_NO_PAD).fmt(f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A server's secret key. It does not print.
#[derive(Clone)]
pub struct ServerKey {
    signing: SigningKey,
    id: KeyId,
}

impl ServerKey {
    /// From 32 bytes of the operating system's generator.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let id = PublicKey(signing.verifying_key()).id();
        Self { signing, id }
    }

    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.signing.verifying_key())
    }

    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn signature(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.signing.sign(message).to_bytes()
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({}, ***)", self.id)
    }
}

/// The two keys that a device holds for its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedKeys {
    newest: PublicKey,
    previous: Option<PublicKey>,
}

/// What a key statement changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The statement's key is the newest now; store both keys before the next receipt is believed.
    Changed,
    /// It was the newest already.
    Known,
}

impl TrustedKeys {
    #[must_use]
    pub const fn new(newest: PublicKey, previous: Option<PublicKey>) -> Self {
        Self { newest, previous }
    }

    #[must_use]
    pub const fn newest(&self) -> PublicKey {
        self.newest
    }

    #[must_use]
    pub const fn previous(&self) -> Option<PublicKey> {
        self.previous
    }

    /// What a receipt may be signed with.
    pub fn as_array(&self) -> [PublicKey; 2] {
        [self.newest, self.previous.unwrap_or(self.newest)]
    }

    /// Takes over the key that a statement names. Only the newest key may name the next one: whoever stole the one
    /// before it cannot lead a device away. Statements that a device missed are given to it oldest first.
    pub fn accept(&mut self, statement: &SignedStatement) -> Result<Accepted, VerifyError> {
        let told = statement.verify(&self.as_array())?;
        if told.next == self.newest {
            return Ok(Accepted::Known);
        }
        if told.signer != self.newest.id() {
            return Err(VerifyError::NotNewest(told.signer));
        }
        self.previous = Some(self.newest);
        self.newest = told.next;
        Ok(Accepted::Changed)
    }
}
