//! `Upload-Metadata`: pairs of a key and a Base64 value, with commas between them.

use core::fmt;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use super::HeaderError;

/// Longest value of the header: a file name of 255 bytes, a digest and a device make under 600.
pub const METADATA_BYTES_MAX: usize = 4096;
/// Most keys; looking for a repeated one compares each with each.
pub const KEYS_MAX: usize = 32;

/// A header's value that was checked: keys are unique and visible ASCII, values are Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata<'t> {
    text: &'t str,
}

/// A value as it was sent, still in Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'t> {
    encoded: &'t str,
}

impl<'t> Metadata<'t> {
    /// Reads a header's value. Blanks around a pair are allowed, an empty header has no keys.
    pub fn parse(text: &'t str) -> Result<Self, HeaderError> {
        if text.len() > METADATA_BYTES_MAX {
            return Err(HeaderError::MetadataTooLong);
        }
        let metadata = Self { text };
        for (index, (key, value)) in metadata.pairs().enumerate() {
            if index == KEYS_MAX {
                return Err(HeaderError::TooManyKeys);
            }
            if key.is_empty() {
                return Err(HeaderError::EmptyKey);
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(HeaderError::BadKey);
            }
            if metadata.pairs().take(index).any(|(earlier, _)| earlier == key) {
                return Err(HeaderError::RepeatedKey);
            }
            value.check()?;
        }
        Ok(metadata)
    }

    /// The header as it came, to be given back.
    #[must_use]
    pub const fn as_str(&self) -> &'t str {
        self.text
    }

    /// Every key with its value, in the order of the header.
    pub fn pairs(&self) -> impl Iterator<Item = (&'t str, Value<'t>)> + use<'t> {
        let blank = self.text.trim_matches(' ').is_empty();
        let pairs = self.text.split(',').filter(move |_| !blank);
        pairs.map(|pair| {
            let pair = pair.trim_matches(' ');
            let (key, encoded) = pair.split_once(' ').unwrap_or((pair, ""));
            (key, Value { encoded })
        })
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'t>> {
        self.pairs()
            .find_map(|(known, value)| (known == key).then_some(value))
    }
}

impl Value<'_> {
    /// Writes the decoded bytes to the front of `out` and gives them; `None` if they do not fit.
    pub fn decode<'o>(&self, out: &'o mut [u8]) -> Option<&'o [u8]> {
        let length = STANDARD.decode_slice(self.encoded, out).ok()?;
        out.get(..length)
    }

    fn check(&self) -> Result<(), HeaderError> {
        // A whole header at once would be 3 KiB of stack, which a microcontroller does not have: four characters are
        // three bytes, so any multiple of four can be decoded by itself, but only the last piece may be padded.
        const PIECE: usize = 64;
        let mut rest = self.encoded.as_bytes();
        let mut decoded = [0_u8; PIECE];
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(rest.len().min(PIECE));
            let length = STANDARD
                .decode_slice(piece, &mut decoded)
                .map_err(|_| HeaderError::BadValue)?;
            if !later.is_empty() && length != PIECE / 4 * 3 {
                return Err(HeaderError::BadValue);
            }
            rest = later;
        }
        Ok(())
    }
}

/// Writes one pair, after a comma unless it is the first; `key` has to be visible ASCII without a comma.
pub fn write_pair(out: &mut dyn fmt::Write, first: bool, key: &str, value: &[u8]) -> fmt::Result {
    let comma = if first { "" } else { "," };
    if value.is_empty() {
        return write!(out, "{comma}{key}");
    }
    write!(out, "{comma}{key} {}", Base64Display::new(value, &STANDARD))
}
