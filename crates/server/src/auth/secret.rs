//! Secrets as types that do not print.
//!
//! A token is 256 random bits, shown once; what is stored is its SHA-256, which for a value of that entropy needs no
//! salt and no slow hash. Passwords are for `auth::password`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A bearer token, cookie value or one-time link secret in clear.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

/// What a token begins with says where to look for it, and lets scanners for leaked secrets find it.
const PERSONAL: &str = "fpp_";
const SHARE: &str = "fps_";
const INGEST: &str = "fpi_";

impl Token {
    pub fn generate() -> Self {
        loop {
            let text = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
            // On a command line that would be an option.
            if !text.starts_with('-') {
                return Self(text);
            }
        }
    }

    /// A person's token for their scripts.
    pub fn generate_personal() -> Self {
        Self(format!("{PERSONAL}{}", Self::generate().0))
    }

    /// A link to one session.
    pub fn generate_share() -> Self {
        Self(format!("{SHARE}{}", Self::generate().0))
    }

    /// A key that stands in a path, for devices that cannot send headers.
    pub fn generate_ingest() -> Self {
        Self(format!("{INGEST}{}", Self::generate().0))
    }

    /// Whether this claims to be a person's token.
    pub fn is_personal(&self) -> bool {
        self.0.starts_with(PERSONAL)
    }

    /// Whether this claims to be a link to a session.
    pub fn is_share(&self) -> bool {
        self.0.starts_with(SHARE)
    }

    /// What a caller presented; any text, it simply matches nothing if it was never a token.
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored and looked up.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(hex::encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// What a person types into a device: 50 random bits as ten characters that are hard to mistake for each other.
///
/// Enough for the quarter of an hour that it lives behind a rate limit; a token it is not.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimCode(String);

/// Crockford's base 32: without I, L, O and U.
const CODE_ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M',
    'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];
const CODE_CHARS: usize = 10;

impl ClaimCode {
    pub fn generate() -> Self {
        let random = rand::random::<[u8; CODE_CHARS]>();
        let letters = random.iter().map(|byte| CODE_ALPHABET[usize::from(byte % 32)]);
        Self(letters.collect())
    }

    /// As a person typed it: case, spaces and dashes do not matter, and letters that look like digits are those.
    pub fn typed(text: &str) -> Self {
        let letters = text.chars().filter(|c| c.is_ascii_alphanumeric());
        let meant = letters.map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        Self(meant.collect())
    }

    /// In two groups, for the one answer that shows it.
    pub fn expose(&self) -> String {
        let (first, second) = self.0.split_at(self.0.len() / 2);
        format!("{first}-{second}")
    }

    pub fn digest(&self) -> TokenDigest {
        Token::presented(&self.0).digest()
    }
}

impl<'de> Deserialize<'de> for ClaimCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::typed(&String::deserialize(deserializer)?))
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(***)")
    }
}

/// Parts of names under which people keep what may not lie about in clear, without what separates words.
const SECRET_PARTS: [&str; 11] = [
    "password",
    "passphrase",
    "passwd",
    "passcode",
    "kennwort",
    "secret",
    "token",
    "privatekey",
    "apikey",
    "credential",
    "bearer",
];
/// The same as whole words: inside others they mean something else (`bypass`).
const SECRET_WORDS: [&str; 6] = ["pass", "pw", "pwd", "psk", "wpa", "auth"];

/// Whether what stands under this name, or the value itself, is most likely a secret.
#[must_use]
pub fn reads_like_a_secret(name: &str, value: Option<&str>) -> bool {
    let name = name.to_ascii_lowercase();
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
    let joined: String = words().collect();
    SECRET_PARTS.iter().any(|part| joined.contains(part))
        || words().any(|word| SECRET_WORDS.contains(&word))
        || value.is_some_and(has_password_in_url)
}

/// `scheme://user:password@host`.
fn has_password_in_url(value: &str) -> bool {
    let authority = value
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// SHA-256 of a token in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDigest(String);

impl TokenDigest {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password in clear, between the request and its hash.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_looks_like_an_option() {
        let tokens = (0..2000).map(|_| Token::generate());
        assert!(tokens.into_iter().all(|token| !token.expose().starts_with('-')));
    }

    #[test]
    fn secrets_do_not_print() {
        let token = Token::presented("s3cret-token");
        let password = Password::new("s3cret-password");
        assert!(!format!("{token:?} {password:?}").contains("s3cret"));
    }

    #[test]
    fn a_claim_code_is_the_same_however_it_is_typed() {
        let code = ClaimCode::generate();
        let shown = code.expose();
        assert_eq!(shown.len(), 11, "{shown}");
        let sloppy = format!(
            " {} ",
            shown
                .to_lowercase()
                .replace('-', " ")
                .replace('0', "o")
                .replace('1', "l")
        );
        assert_eq!(ClaimCode::typed(&sloppy).digest(), code.digest());
        assert_ne!(ClaimCode::generate(), code);
        assert!(!format!("{code:?}").contains(&shown[..5]));
    }

    #[test]
    fn a_token_is_stored_as_its_sha256() {
        assert_eq!(
            Token::presented("abc").digest().as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_ne!(Token::generate(), Token::generate());
        assert_eq!(Token::generate().expose().len(), 43);
    }
}
