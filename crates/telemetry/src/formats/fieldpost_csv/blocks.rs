//! Lines in bulk, and the block checksums over them.
//!
//! Reads hundreds of kilobytes at a time and gives lines in place. While a recording has an `OPEN` row, every byte also
//! goes through the checksum chain.

use std::io::{self, BufRead};

use wire::recording::{BlockMarker, ChainVerifier, RecordingId, Verdict};

use crate::formats::ReadError;
use crate::formats::lines::MAX_LINE_BYTES;
use crate::sink::{Rejection, Sink};

/// Read at a time: large enough that the system call does not show, small enough for the second-level cache.
const BUFFER_BYTES: usize = 256 * 1024;

pub(super) struct BulkLines<'i> {
    input: &'i mut dyn BufRead,
    buffer: Vec<u8>,
    /// The current line with its end is `line_start..next`; what was read reaches to `filled`.
    line_start: usize,
    next: usize,
    filled: usize,
    at_end: bool,
    number: u64,
    chain: Option<Chain>,
}

struct Chain {
    verifier: ChainVerifier,
    /// Bytes of the buffer before this are in the checksum already.
    told: usize,
}

/// A line without its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'l> {
    pub(super) bytes: &'l [u8],
    pub(super) number: u64,
    /// False for a last line that lacks its end: the power may have gone within it.
    pub(super) terminated: bool,
}

impl<'i> BulkLines<'i> {
    pub(super) fn new(input: &'i mut dyn BufRead) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER_BYTES],
            line_start: 0,
            next: 0,
            filled: 0,
            at_end: false,
            number: 0,
            chain: Some(Chain {
                verifier: ChainVerifier::new(),
                told: 0,
            }),
        }
    }

    /// Number of the current line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end. A line longer than any logger writes is passed over and counted as malformed: one
    /// corrupt cluster must not cost the rest of a session.
    pub(super) fn advance(&mut self, sink: &mut dyn Sink) -> Result<Option<Line<'_>>, ReadError> {
        let mut overlong = false;
        loop {
            let end = self.find_end()?;
            let found = match end {
                End::Terminated(next) => Some((next, true)),
                End::Overlong => {
                    overlong = true;
                    // The rest of it is looked for from here on.
                    self.line_start = self.filled;
                    self.next = self.filled;
                    continue;
                }
                End::File if self.next < self.filled => Some((self.filled, false)),
                End::File => None,
            };
            let Some((next, terminated)) = found else {
                if overlong {
                    self.number += 1;
                    sink.rejected(Rejection::Malformed, self.number);
                }
                return Ok(None);
            };
            self.number += 1;
            self.line_start = self.next;
            self.next = next;
            if overlong {
                sink.rejected(Rejection::Malformed, self.number);
                overlong = false;
                continue;
            }
            let bytes = without_end(&self.buffer[self.line_start..self.next]);
            return Ok(Some(Line {
                bytes,
                number: self.number,
                terminated,
            }));
        }
    }

    /// The first data row is no `OPEN` row: there is nothing to check blocks against.
    pub(super) fn stop_checking(&mut self) {
        self.chain = None;
    }

    /// The current line is the `OPEN` row of this recording.
    pub(super) fn opened(&mut self, id: RecordingId) {
        if let Some(chain) = &mut self.chain {
            chain.verifier.opened(id);
        }
    }

    /// The current line ends a block: whether the block is as it was written. `None` without an `OPEN` row.
    pub(super) fn check_block(&mut self) -> Option<Verdict> {
        let line = &self.buffer[self.line_start..self.next];
        let marker = BlockMarker::parse(line)?;
        let chain = self.chain.as_mut()?;
        chain
            .verifier
            .rows(&self.buffer[chain.told.min(self.line_start)..self.line_start]);
        chain.told = self.next;
        Some(chain.verifier.block(line, &marker))
    }

    /// Where the line that starts at `next` ends; reads on until it is known.
    fn find_end(&mut self) -> Result<End, ReadError> {
        let mut searched = self.next;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[searched..self.filled]) {
                return Ok(End::Terminated(searched + found + 1));
            }
            searched = self.filled;
            if self.filled - self.next > MAX_LINE_BYTES {
                return Ok(End::Overlong);
            }
            if self.at_end {
                return Ok(End::File);
            }
            searched -= self.make_room();
            self.fill()?;
        }
    }

    /// Moves the unread rest to the front; gives how far it moved.
    fn make_room(&mut self) -> usize {
        let moved = self.next;
        if let Some(chain) = &mut self.chain {
            chain.verifier.rows(&self.buffer[chain.told.min(moved)..moved]);
            chain.told = 0;
        }
        self.buffer.copy_within(moved..self.filled, 0);
        self.filled -= moved;
        self.next = 0;
        self.line_start = 0;
        moved
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.at_end = true,
                Ok(read_bytes) => self.filled += read_bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(ReadError::Io {
                        line: self.number,
                        source,
                    });
                }
            }
            return Ok(());
        }
    }
}

enum End {
    /// Offset behind the line feed.
    Terminated(usize),
    Overlong,
    File,
}

/// Without LF or CRLF, and without the NUL bytes of a preallocated or torn sector around it.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.first() != Some(&0) && line.last() != Some(&0) {
        return line;
    }
    let start = line.iter().position(|&b| b != 0).unwrap_or(line.len());
    let end = line.iter().rposition(|&b| b != 0).map_or(start, |last| last + 1);
    &line[start..end]
}
