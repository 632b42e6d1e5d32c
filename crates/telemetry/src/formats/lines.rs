//! Lines of a text file, one at a time, with a bound on their length.
//!
//! Ends at LF or CRLF; a byte-order mark in front and the NUL bytes of a preallocated or torn card sector are dropped.
//! A line over the bound is skipped and counted as malformed: one corrupt cluster must not cost the rest of a session.

use std::borrow::Cow;
use std::io::BufRead;

use crate::model::Message;
use crate::sink::{Rejection, Sink};

use super::{Format, ReadError};

/// The longest real line seen is 1.2 kB (the first of a GPX); this is a common card cluster, so one of garbage passes for
/// a line and costs no more than that.
pub(crate) const MAX_LINE_BYTES: usize = 64 * 1024;

pub(crate) struct Lines<'a> {
    input: &'a mut dyn BufRead,
    line: Vec<u8>,
    number: u64,
    /// False for a last line that lacks its line end: the logger may have died within it.
    terminated: bool,
    overlong_told: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Self {
        Self {
            input,
            line: Vec::with_capacity(512),
            number: 0,
            terminated: true,
            overlong_told: false,
        }
    }

    /// Reads the next line; false at the end of the file. Overlong lines are passed over and told to `sink`.
    pub(crate) fn advance(&mut self, sink: &mut dyn Sink) -> Result<bool, ReadError> {
        loop {
            match self.take_line()? {
                Taken::End => return Ok(false),
                Taken::Line => return Ok(true),
                Taken::Overlong => self.tell_overlong(sink),
            }
        }
    }

    /// The current line without its end.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// True for a last line without its line end.
    pub(crate) fn is_cut(&self) -> bool {
        !self.terminated
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.line.iter().all(u8::is_ascii_whitespace)
    }

    /// The current line as text: UTF-8 where it is, else Latin-1 as its Windows superset.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        text(&self.line)
    }

    /// Number of the current line, from 1; of the last line after the end.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Hands every line that is not blank to `row` and counts those that it refuses; an error if there is none at all.
    pub(crate) fn for_each_row(
        &mut self,
        format: Format,
        sink: &mut dyn Sink,
        mut row: impl FnMut(&Self, &mut dyn Sink) -> Result<Row, Rejection>,
    ) -> Result<(), ReadError> {
        let mut any = false;
        while self.advance(sink)? {
            if self.is_blank() {
                continue;
            }
            match row(self, sink) {
                Ok(Row::Data) => any = true,
                Ok(Row::Aside) => {}
                Err(why) => {
                    any = true;
                    self.reject(why, sink);
                }
            }
        }
        if any {
            Ok(())
        } else {
            Err(ReadError::HeaderOnly {
                format,
                line: self.number,
            })
        }
    }

    /// Counts the current line as not used, and says so where the file breaks off in it.
    pub(crate) fn reject(&self, why: Rejection, sink: &mut dyn Sink) {
        sink.rejected(why, self.number);
        if !self.terminated {
            sink.message(Message {
                code: "cut_off".into(),
                text: "The file breaks off within its last line; the logger lost power there or the copy is not whole. \
                       Everything before it is used."
                    .into(),
                line: Some(self.number),
            });
        }
    }

    fn take_line(&mut self) -> Result<Taken, ReadError> {
        self.line.clear();
        self.terminated = false;
        let mut seen = false;
        let mut overlong = false;
        while !self.terminated {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(ReadError::Io {
                        line: self.number,
                        source,
                    });
                }
            };
            if chunk.is_empty() {
                break;
            }
            seen = true;
            let end = memchr::memchr(b'\n', chunk);
            let part = end.and_then(|end| chunk.get(..end)).unwrap_or(chunk);
            let used = part.len() + usize::from(end.is_some());
            // Padding in front of a row is what lay there before the row was written.
            let part = if self.line.is_empty() {
                trim_padding(part)
            } else {
                part
            };
            let room = MAX_LINE_BYTES - self.line.len();
            overlong |= part.len() > room;
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            self.input.consume(used);
            self.terminated = end.is_some();
        }
        if !seen {
            return Ok(Taken::End);
        }
        self.number += 1;
        if overlong {
            return Ok(Taken::Overlong);
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        if self.number == 1 && self.line.starts_with(b"\xEF\xBB\xBF") {
            self.line.drain(..3);
        }
        Ok(Taken::Line)
    }

    fn tell_overlong(&mut self, sink: &mut dyn Sink) {
        sink.rejected(Rejection::Malformed, self.number);
        if !self.overlong_told {
            self.overlong_told = true;
            sink.message(Message {
                code: "line_too_long".into(),
                text: format!(
                    "A line is longer than {MAX_LINE_BYTES} bytes and was skipped; the file is probably damaged there."
                ),
                line: Some(self.number),
            });
        }
    }
}

/// What a line behind the header was.
pub(crate) enum Row {
    Data,
    /// A comment, a header that comes again: no record, and no sign that there are any.
    Aside,
}

enum Taken {
    End,
    Line,
    Overlong,
}

/// Bytes without those that preallocated file systems and erased flash leave in front.
fn trim_padding(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| !matches!(byte, 0 | 0xFF))
        .unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Bytes as text: UTF-8 where it is, else Latin-1 as its Windows superset.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}
