//! The one secret that a person types: on the label and on the USB console.
//!
//! It is the password of the device's own network, the key of the local page, and what settings sent by radio are sealed with. Drawn at the
//! first start, changed by a reset.

use core::fmt;

use heapless::String;

/// 80 bits: nobody guesses them over a radio.
pub const SETUP_CODE_CHARS: usize = 16;
/// How it is printed, `7F3A-…`: so many characters, then a hyphen.
const GROUP_CHARS: usize = 4;
/// With its hyphens.
pub const GROUPED_CHARS: usize = SETUP_CODE_CHARS + SETUP_CODE_CHARS / GROUP_CHARS - 1;

/// Sixteen characters of Crockford's base 32, upper case, without hyphens.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupCode(String<SETUP_CODE_CHARS>);

impl SetupCode {
    /// Reads what a person typed: any case, with or without hyphens and spaces, `O` for `0`, `I` and `L` for `1`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = String::new();
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                'U' => return None,
                c if c.is_ascii_digit() || c.is_ascii_uppercase() => c,
                _ => return None,
            };
            code.push(c).ok()?;
        }
        (code.len() == SETUP_CODE_CHARS).then_some(Self(code))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is printed: `0123-4567-89AB-CDEF`.
    pub fn grouped(&self) -> String<GROUPED_CHARS> {
        let mut grouped = String::new();
        for (index, c) in self.0.chars().enumerate() {
            // There is room for every character and every hyphen.
            if index > 0 && index % GROUP_CHARS == 0 {
                let _ = grouped.push('-');
            }
            let _ = grouped.push(c);
        }
        grouped
    }
}

/// A secret does not print.
impl fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = SetupCode::parse("o123-4567 89ab-cdel").unwrap();
        assert_eq!(code.as_str(), "0123456789ABCDE1");
        assert_eq!(code.grouped(), "0123-4567-89AB-CDE1");
        assert_eq!(SetupCode::parse(&code.grouped()), Some(code));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for wrong in [
            "",
            "0123456789ABCDE",
            "0123456789ABCDEF0",
            "U123456789ABCDEF",
            "0123456789ABCDÉF",
        ] {
            assert_eq!(SetupCode::parse(wrong), None, "{wrong}");
        }
    }
}
