//! The cells of one line of comma-separated text, quotes understood, and numbers in them.

use std::borrow::Cow;

use crate::sink::Rejection;

use super::ReadError;
use super::lines::{Lines, text};

/// The widest real file seen has 47; twenty times that leaves room for any CAN bus and still bounds memory.
pub(crate) const MAX_COLUMNS: usize = 1024;

/// Unix milliseconds reach it in the year 33 658; a sum of stamps below it is still finite and exact to a millisecond.
pub(crate) const MAX_STAMP: f64 = 1e15;

/// Cells of the line given last; the buffers are kept from line to line.
pub(crate) struct Cells {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
}

impl Cells {
    pub(crate) fn new() -> Self {
        Self {
            reader: csv_core::Reader::new(),
            text: Vec::new(),
            ends: vec![0; MAX_COLUMNS],
            count: 0,
        }
    }

    /// Splits one line; false if it has more than [`MAX_COLUMNS`] cells.
    pub(crate) fn split(&mut self, line: &[u8]) -> bool {
        self.reader.reset();
        self.count = 0;
        if self.text.len() < line.len() {
            self.text.resize(line.len(), 0);
        }
        let (result, _, written, ends) = self.reader.read_record(line, &mut self.text, &mut self.ends);
        let mut count = ends;
        if result == csv_core::ReadRecordResult::InputEmpty {
            // A line comes without its end, so an empty input is what closes the record.
            let text = self.text.get_mut(written..).unwrap_or_default();
            let rest = self.ends.get_mut(ends..).unwrap_or_default();
            let (result, _, _, more) = self.reader.read_record(&[], text, rest);
            if result == csv_core::ReadRecordResult::OutputEndsFull {
                return false;
            }
            count += more;
        } else if result == csv_core::ReadRecordResult::OutputEndsFull {
            return false;
        }
        self.count = count;
        true
    }

    /// Splits the line `lines` stands at, as a header: too many columns end the reading.
    pub(crate) fn split_header(&mut self, lines: &Lines<'_>) -> Result<(), ReadError> {
        if self.split(lines.bytes()) {
            return Ok(());
        }
        Err(ReadError::TooManyColumns {
            line: lines.number(),
            limit: MAX_COLUMNS,
        })
    }

    /// Splits the row `lines` stands at; a row with fewer than `width` cells was torn and cannot be told apart.
    pub(crate) fn split_row(&mut self, lines: &Lines<'_>, width: usize) -> Result<(), Rejection> {
        if self.split(lines.bytes()) && self.count >= width {
            Ok(())
        } else {
            Err(Rejection::Malformed)
        }
    }

    /// Splits a line at its blanks, any number of them, as VBO files are written.
    pub(crate) fn split_blanks(&mut self, line: &[u8]) -> bool {
        self.count = 0;
        self.text.clear();
        for word in line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
        {
            self.text.extend_from_slice(word);
            let Some(end) = self.ends.get_mut(self.count) else {
                return false;
            };
            *end = self.text.len();
            self.count += 1;
        }
        true
    }

    /// The time stamp of a row: it must be there and be a time that some clock can show.
    pub(crate) fn stamp(&self, index: usize) -> Result<f64, Rejection> {
        self.number(index)
            .ok()
            .filter(|stamp| stamp.abs() < MAX_STAMP)
            .ok_or(Rejection::Malformed)
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// One cell without the blanks around it; empty where the row is shorter.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        if index >= self.count {
            return b"";
        }
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default().trim_ascii()
    }

    pub(crate) fn text(&self, index: usize) -> Cow<'_, str> {
        text(self.get(index))
    }

    /// All cells as text, for a header row.
    pub(crate) fn texts(&self) -> Vec<String> {
        (0..self.count)
            .map(|index| self.text(index).into_owned())
            .collect()
    }

    /// A cell as a number; NaN where it is empty or says "not a number".
    pub(crate) fn number(&self, index: usize) -> Result<f64, NotANumber> {
        number(self.get(index))
    }

    /// A cell as a number; NaN where there is none.
    pub(crate) fn number_or_nan(&self, index: usize) -> f64 {
        self.number(index).unwrap_or(f64::NAN)
    }
}

/// A cell that should hold a number holds something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;

/// A number in text; NaN for an empty text and for infinities, which no sensor measures.
pub(crate) fn number(text: &[u8]) -> Result<f64, NotANumber> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Ok(f64::NAN);
    }
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let value: f64 = fast_float2::parse(text).map_err(|_| NotANumber)?;
    Ok(if value.is_finite() { value } else { f64::NAN })
}

/// Latitude and longitude that exist on Earth and are not the 0, 0 of a receiver without a fix.
pub(crate) fn is_place(lat_deg: f64, lon_deg: f64) -> bool {
    lat_deg.abs() <= 90.0 && lon_deg.abs() <= 180.0 && !(lat_deg == 0.0 && lon_deg == 0.0)
}
