//! What a person typed, read once into what cannot be wrong.

use heapless::{String, Vec};

use crate::link::{SSID_BYTES_MAX, Ssid};
use crate::settings::{Address, Password, URL_BYTES_MAX, named};

/// Longer than the server gives out, hyphens included.
pub const CLAIM_CHARS_MAX: usize = 16;
/// The proof that a form came from our own page.
pub(super) const TOKEN_CHARS: usize = 32;

pub(super) type Token = String<TOKEN_CHARS>;

/// What is to be kept and tried.
#[derive(Clone, PartialEq, Eq)]
pub struct Submitted {
    pub ssid: Ssid,
    /// Nothing where none was typed: the one that is known, else an open network.
    pub password: Option<Password>,
    /// Nothing where it stays as it is.
    pub server: Option<Address>,
    pub claim: Option<String<CLAIM_CHARS_MAX>>,
}

/// Secrets do not print.
impl core::fmt::Debug for Submitted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Submitted")
            .field("ssid", &self.ssid)
            .field("password", &self.password)
            .field("server", &self.server)
            .field("has_claim", &self.claim.is_some())
            .finish()
    }
}

/// Why a form was not taken. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormError {
    /// No form of ours: something in it cannot be read.
    Unreadable,
    /// It comes from a page of before the last start, or from elsewhere.
    NotOurs,
    NoNetwork,
    NetworkTooLong,
    Password,
    Url,
    Claim,
}

impl FormError {
    /// What a person reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "The form arrived damaged.",
            Self::NotOurs => "The device was started again since this page was opened.",
            Self::NoNetwork => "Choose a network, or type its name.",
            Self::NetworkTooLong => "The name of a network has at most 32 characters.",
            Self::Password => {
                "A Wi-Fi password has 8 to 63 characters. Leave it empty for an open network and for one that the device knows."
            }
            Self::Url => {
                "The server is an address like https://fieldpost.example.org, and not the device itself."
            }
            Self::Claim => "A claim code is made of letters, digits and hyphens, 16 at most.",
        }
    }
}

/// Reads the body of the form, `application/x-www-form-urlencoded`, which must bear the token.
pub(super) fn parse(body: &[u8], token: &str) -> Result<Submitted, FormError> {
    let mut picked = Vec::new();
    let mut typed = Value::new();
    let mut ours = false;
    let (mut password, mut server, mut code) = (None, None, None);
    for field in body.split(|&byte| byte == b'&').filter(|field| !field.is_empty()) {
        let mut halves = field.splitn(2, |&byte| byte == b'=');
        let name = halves.next().unwrap_or_default();
        let value = decode(halves.next().unwrap_or_default());
        match name {
            b"token" => ours = value? == token.as_bytes(),
            b"net" => picked = from_hex(&value?)?,
            b"ssid" => typed = value.map_err(|_| FormError::NetworkTooLong)?,
            b"password" => {
                let value = value.map_err(|_| FormError::Password)?;
                let read = Password::new(&value).map_err(|_| FormError::Password)?;
                password = Some(read).filter(|read| *read != Password::Open);
            }
            b"url" => server = address(&value.map_err(|_| FormError::Url)?)?,
            b"claim" => code = claim(&value.map_err(|_| FormError::Claim)?)?,
            // Browsers add nothing by themselves, and what somebody else adds does no harm.
            _ => {}
        }
    }
    if !ours {
        return Err(FormError::NotOurs);
    }
    // What was typed was meant, even where a network is still ticked above it.
    let name = match typed.trim_ascii() {
        [] => &picked[..],
        typed if typed.len() > SSID_BYTES_MAX => return Err(FormError::NetworkTooLong),
        typed => typed,
    };
    Ok(Submitted {
        ssid: named(name).map_err(|_| FormError::NoNetwork)?,
        password,
        server,
        claim: code,
    })
}

/// What a field holds at most: the longest is the server's address with an ingest key behind it.
type Value = Vec<u8, { 2 * URL_BYTES_MAX }>;

/// A value without its escapes.
fn decode(value: &[u8]) -> Result<Value, FormError> {
    let mut decoded = Vec::new();
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let byte = match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or(FormError::Unreadable)?;
                rest = after;
                hex_byte(digits).ok_or(FormError::Unreadable)?
            }
            byte => byte,
        };
        decoded.push(byte).map_err(|_| FormError::Unreadable)?;
    }
    Ok(decoded)
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let &[high, low] = digits else {
        return None;
    };
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn from_hex(digits: &[u8]) -> Result<Vec<u8, SSID_BYTES_MAX>, FormError> {
    let mut bytes = Vec::new();
    for pair in digits.chunks(2) {
        let byte = hex_byte(pair).ok_or(FormError::Unreadable)?;
        bytes.push(byte).map_err(|_| FormError::Unreadable)?;
    }
    Ok(bytes)
}

/// `https://` is added where a person left it out.
fn address(typed: &[u8]) -> Result<Option<Address>, FormError> {
    let typed = core::str::from_utf8(typed.trim_ascii()).map_err(|_| FormError::Url)?;
    if typed.is_empty() {
        return Ok(None);
    }
    Address::parse(typed).map(Some).map_err(|_| FormError::Url)
}

fn claim(typed: &[u8]) -> Result<Option<String<CLAIM_CHARS_MAX>>, FormError> {
    let typed = typed.trim_ascii();
    if typed.is_empty() {
        return Ok(None);
    }
    if !typed
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    {
        return Err(FormError::Claim);
    }
    let typed = core::str::from_utf8(typed).map_err(|_| FormError::Claim)?;
    String::try_from(typed).map(Some).map_err(|_| FormError::Claim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn read(body: &str) -> Result<Submitted, FormError> {
        parse(std::format!("token={TOKEN}&{body}").as_bytes(), TOKEN)
    }

    extern crate std;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = read(
            "net=&ssid=Caf%C3%A9+%26+Bar&password=a%2Bb%20c%25d1&url=logs.example.org%2F&claim=7KQ2-MX41",
        )
        .unwrap();
        assert_eq!(form.ssid.as_bytes(), "Café & Bar".as_bytes());
        assert_eq!(form.password, Some(Password::new(b"a+b c%d1").unwrap()));
        assert_eq!(
            form.server.as_ref().unwrap().url.as_str(),
            "https://logs.example.org"
        );
        assert_eq!(form.claim.as_deref(), Some("7KQ2-MX41"));
        assert!(!std::format!("{form:?}").contains("a+b"));
    }

    #[test]
    fn a_ticked_network_is_its_bytes_and_a_typed_one_wins() {
        assert_eq!(read("net=FF00fe&ssid=").unwrap().ssid.as_bytes(), [255, 0, 254]);
        assert_eq!(read("net=FF00fe&ssid=Home").unwrap().ssid.as_bytes(), b"Home");
        let open = read("net=41&ssid=&password=&url=&claim=").unwrap();
        assert_eq!((open.password, open.server, open.claim), (None, None, None));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let long = "x".repeat(300);
        for (body, error) in [
            ("ssid=", FormError::NoNetwork),
            (
                "ssid=123456789012345678901234567890123",
                FormError::NetworkTooLong,
            ),
            (&std::format!("ssid={long}"), FormError::NetworkTooLong),
            ("ssid=a&password=1234567", FormError::Password),
            (
                &std::format!("ssid=a&password={}", &long[..64]),
                FormError::Password,
            ),
            ("ssid=a&password=1234567%0A", FormError::Password),
            ("ssid=a&url=http%3A%2F%2F4.3.2.1", FormError::Url),
            ("ssid=%00%00", FormError::NoNetwork),
            ("ssid=a&url=ftp%3A%2F%2Fx", FormError::Url),
            ("ssid=a&url=https%3A%2F%2Fme%3Apw%40x", FormError::Url),
            ("ssid=a&url=https%3A%2F%2F", FormError::Url),
            ("ssid=a&claim=a%20b", FormError::Claim),
            ("ssid=%4", FormError::NetworkTooLong),
            ("net=4", FormError::Unreadable),
        ] {
            assert_eq!(read(body), Err(error), "{body}");
        }
        assert!(
            read(&std::format!(
                "ssid=a&password={}",
                "0aB".repeat(22).get(..64).unwrap()
            ))
            .is_ok()
        );
    }

    #[test]
    fn only_our_own_page_is_believed() {
        assert_eq!(parse(b"ssid=a", TOKEN), Err(FormError::NotOurs));
        assert_eq!(parse(b"ssid=a&token=", TOKEN), Err(FormError::NotOurs));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_named(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let mut body = std::format!("token={TOKEN}&ssid=").into_bytes();
            body.extend(&bytes);
            if let Ok(form) = parse(&body, TOKEN) {
                proptest::prop_assert!(!form.ssid.is_hidden());
            }
        }
    }
}
