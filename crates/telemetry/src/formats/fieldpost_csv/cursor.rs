//! Cells of a line read left to right as numbers, without finding their ends first.

use crate::formats::cells::{NotANumber, number};

/// Powers of ten up to this are exact in `f64`, as are integers up to 2^53: their quotient is then rounded once,
/// which is the correctly rounded value of the decimal.
const POWERS_OF_TEN: [f64; 19] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
];
const EXACT_MAX: u64 = 1 << 53;

pub(super) struct Cursor<'l> {
    line: &'l [u8],
    /// Start of the next cell; one past the line's length when there is none.
    at: usize,
}

impl<'l> Cursor<'l> {
    /// `line` without its line end.
    pub(super) fn new(line: &'l [u8]) -> Self {
        Self { line, at: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at > self.line.len()
    }

    /// What is left of the line, from the next cell on.
    pub(super) fn rest(&self) -> &'l [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// The next cell as it stands; empty after the last.
    pub(super) fn text(&mut self) -> &'l [u8] {
        let rest = self.rest();
        let len = memchr::memchr(b',', rest).unwrap_or(rest.len());
        self.at += len + 1;
        &rest[..len]
    }

    /// The next cell as a number: NaN when it is empty or there is none.
    pub(super) fn number(&mut self) -> Result<f64, NotANumber> {
        let rest = self.rest();
        let negative = rest.first() == Some(&b'-');
        let mut mantissa: u64 = 0;
        let mut dot = None;
        let mut len = usize::from(negative);
        while let Some(&byte) = rest.get(len) {
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            } else if byte == b'.' && dot.is_none() {
                dot = Some(len);
            } else if byte == b',' {
                break;
            } else {
                return number(self.text());
            }
            len += 1;
        }
        if len == 0 {
            self.at += 1;
            return Ok(f64::NAN);
        }
        let digits = len - usize::from(negative) - usize::from(dot.is_some());
        if digits == 0 || digits >= POWERS_OF_TEN.len() || mantissa > EXACT_MAX {
            return number(self.text());
        }
        self.at += len + 1;
        let decimals = dot.map_or(0, |dot| len - dot - 1);
        let magnitude = mantissa as f64 / POWERS_OF_TEN[decimals];
        Ok(if negative { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(line: &str) -> Vec<Result<f64, NotANumber>> {
        let mut cursor = Cursor::new(line.as_bytes());
        let mut out = Vec::new();
        while !cursor.is_at_end() {
            out.push(cursor.number());
        }
        out
    }

    #[test]
    fn cells_are_read_in_order_and_empty_ones_are_unknown() {
        let read = numbers("12,-0.5,,7.");
        assert_eq!(read.len(), 4);
        assert_eq!((read[0], read[1], read[3]), (Ok(12.0), Ok(-0.5), Ok(7.0)));
        assert!(read[2].unwrap().is_nan());
    }

    #[test]
    fn what_is_no_plain_decimal_is_still_read_or_refused() {
        assert_eq!(numbers("+2.65E-01, 3 ")[..], [Ok(0.265), Ok(3.0)]);
        for bad in ["-", ".", "1.2.3", "abc", "1-2", "-.-"] {
            assert_eq!(numbers(bad), [Err(NotANumber)], "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_decimal_reads_as_the_standard_library_reads_it(text in "-?[0-9]{1,20}(\\.[0-9]{1,20})?") {
            prop_assert_eq!(numbers(&text), vec![Ok(text.parse::<f64>().unwrap())]);
        }
    }
}
