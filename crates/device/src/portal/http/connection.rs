//! One connection: bytes in, bytes out, and now and then a question to the ledger.
//!
//! ```text
//! Head ──whole──► Body ──whole──► Writing ─► … ─► Head          too slow, unreadable, asked to ─► Writing ─► Closed
//!   │               (form only)      ▲  │
//!   └──► Finding ──Input::Found──────┘  └─► Rows ──Input::Listed──► Writing      Reading ──Input::Streamed──► …
//! ```
//!
//! After every [`Connection::receive`] and [`Connection::handle`] drain [`Connection::poll`]: it gives the same output until that is answered. Bytes
//! that `receive` did not take belong to the next request: offer them again after the answer.

use core::net::Ipv4Addr;
use core::time::Duration;

use heapless::Vec;

use super::Status;
use super::answer::{self, Answer, Extra};
use super::head::{self, FORM_BYTES_MAX, HEAD_BYTES_MAX, Verb};
use super::range::Part;
use super::routes::{IfRange, Route, Wanted, route};
use crate::outbox::{Entry, Number, State as Recorded};
use crate::portal::page::{self, Notice, Page};
use crate::portal::site::Site;
use crate::time::Instant;

/// A head, or what goes out: the longest part of a page with the longest head before it.
pub const BUFFER_BYTES: usize = HEAD_BYTES_MAX;
const _: () = assert!(FORM_BYTES_MAX <= BUFFER_BYTES);
/// Rows of the list that are asked for at once.
pub const LIST_MAX: usize = 8;

/// For a whole head and body. A phone at the edge of the radio needs two.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// Between requests, and between pieces of an answer: then another phone gets the place.
const QUIET_MAX: Duration = Duration::from_secs(15);
/// `0123\r\n` before a chunk.
const CHUNK_HEAD_BYTES: usize = 6;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// On which network somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The device's own, which takes the setup code to join.
    AccessPoint,
    /// One that the device joined.
    Station,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    pub(super) side: Side,
    pub(super) address: Ipv4Addr,
}

/// What whoever runs the connection has to say.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// So many bytes of [`Output::Send`] went out.
    Sent(usize),
    /// Answers [`Output::Find`].
    Found(Option<&'a Entry>),
    /// Answers [`Output::List`]: the next ones, newest first; none at the end.
    Listed(&'a [Entry]),
    /// So many bytes that [`Output::Read`] asked for went out.
    Streamed(u32),
    /// The card could not be read: the answer breaks off, and the reader sees that it is short.
    Unreadable,
    Tick,
}

/// What is to be done; the same again until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output<'a> {
    Send(&'a [u8]),
    Find(Number),
    /// The newest recordings older than this one, [`LIST_MAX`] at most.
    List {
        before: Option<Number>,
    },
    /// Send bytes of a recording, at most so many, as many at a time as there is room for.
    Read {
        number: Number,
        offset: u32,
        bytes: u32,
    },
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body {
        bytes: usize,
    },
    Finding(Wanted),
    /// The buffer goes out from `sent` on, then this.
    Writing(Next),
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The next request, or the end.
    Done,
    Part {
        page: Page,
        index: usize,
    },
    Rows {
        before: Option<Number>,
    },
    Bytes {
        number: Number,
        offset: u32,
        end: u32,
    },
}

pub struct Connection {
    peer: Peer,
    state: State,
    buffer: Vec<u8, BUFFER_BYTES>,
    sent: usize,
    /// How the answer to the present request is given.
    keeps: bool,
    in_chunks: bool,
    has_body: bool,
    deadline: Instant,
}

impl Connection {
    pub fn new(side: Side, peer: Ipv4Addr, now: Instant) -> Self {
        Self {
            peer: Peer { side, address: peer },
            state: State::Head,
            buffer: Vec::new(),
            sent: 0,
            keeps: true,
            in_chunks: true,
            has_body: true,
            deadline: now + REQUEST_WITHIN,
        }
    }

    /// When [`Input::Tick`] does something. Changes by every call but [`Self::poll`].
    pub const fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Closed => None,
            State::Head | State::Body { .. } | State::Finding(_) | State::Writing(_) => Some(self.deadline),
        }
    }

    /// Between two requests: whoever has too many connections may end this one without anybody missing an answer.
    pub fn is_idle(&self) -> bool {
        self.state == State::Head && self.buffer.is_empty()
    }

    /// Takes bytes of the request; says how many. None while an answer is on its way.
    pub fn receive(&mut self, bytes: &[u8], site: &mut Site, now: Instant) -> usize {
        for (taken, &byte) in bytes.iter().enumerate() {
            match self.state {
                State::Head => self.head_byte(byte, site, now),
                State::Body { bytes } => {
                    // There is room for as many as were promised.
                    let _ = self.buffer.push(byte);
                    if self.buffer.len() == bytes {
                        self.form(site, now);
                    }
                }
                State::Finding(_) | State::Writing(_) | State::Closed => return taken,
            }
        }
        bytes.len()
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match (input, self.state) {
            (Input::Sent(bytes), State::Writing(_)) => {
                self.sent = self.sent.saturating_add(bytes).min(self.buffer.len());
                self.deadline = now + QUIET_MAX;
            }
            (Input::Found(entry), State::Finding(wanted)) => self.found(entry, wanted, now),
            (Input::Listed(entries), State::Writing(Next::Rows { .. })) => self.rows(entries),
            (Input::Streamed(bytes), State::Writing(Next::Bytes { number, offset, end })) => {
                let offset = offset.saturating_add(bytes).min(end);
                self.state = State::Writing(Next::Bytes { number, offset, end });
                self.deadline = now + QUIET_MAX;
            }
            (Input::Unreadable, _) => self.state = State::Closed,
            (Input::Tick, _) if now >= self.deadline => self.late(now),
            // What answers nothing that was asked says nothing.
            (
                Input::Tick | Input::Sent(_) | Input::Found(_) | Input::Listed(_) | Input::Streamed(_),
                State::Head | State::Body { .. } | State::Finding(_) | State::Writing(_) | State::Closed,
            ) => {}
        }
    }

    /// What is to be done now; nothing while bytes are waited for.
    pub fn poll(&mut self, site: &Site) -> Option<Output<'_>> {
        while self.sent == self.buffer.len() {
            let State::Writing(next) = self.state else {
                break;
            };
            match next {
                Next::Part { page, index } => self.part(page, index, site),
                Next::Rows { .. } => break,
                Next::Bytes { offset, end, .. } if offset < end => break,
                Next::Bytes { .. } | Next::Done => self.done(),
            }
        }
        match self.state {
            State::Head | State::Body { .. } => None,
            State::Finding(wanted) => Some(Output::Find(wanted.number)),
            State::Closed => Some(Output::Close),
            State::Writing(next) => match next {
                _ if self.sent < self.buffer.len() => self.buffer.get(self.sent..).map(Output::Send),
                Next::Rows { before } => Some(Output::List { before }),
                Next::Bytes { number, offset, end } => Some(Output::Read {
                    number,
                    offset,
                    bytes: end - offset,
                }),
                Next::Part { .. } | Next::Done => None,
            },
        }
    }

    fn head_byte(&mut self, byte: u8, site: &mut Site, now: Instant) {
        let is_blank_line = self.buffer.is_empty() && matches!(byte, b'\r' | b'\n');
        if is_blank_line {
            return;
        }
        if self.buffer.is_empty() {
            self.deadline = now + REQUEST_WITHIN;
            // Methods are capital letters: this is another protocol, and it waits for an answer of its own kind.
            if !byte.is_ascii_uppercase() {
                return self.refuse(Status::BadRequest, now);
            }
        }
        if self.buffer.push(byte).is_err() {
            return self.refuse(Status::HeadTooLarge, now);
        }
        if head::is_whole(&self.buffer) {
            self.request(site, now);
        }
    }

    fn request(&mut self, site: &mut Site, now: Instant) {
        let head = match head::parse(&self.buffer) {
            Ok(head) => head,
            Err(status) => return self.refuse(status, now),
        };
        self.in_chunks = head.is_1_1;
        self.has_body = head.verb != Verb::Head;
        // A body that is not read would be taken for the next request.
        self.keeps = head.keeps_connection && head.body_bytes == 0;
        let is_form_whole = head.body_bytes == 0;
        let body_bytes = head.body_bytes;
        match route(&head, self.peer, site, now) {
            Route::Answer(answer) => self.answer(&answer, now),
            Route::Form if is_form_whole => self.refuse(Status::BadRequest, now),
            Route::Form => {
                self.keeps = head.keeps_connection;
                self.buffer.clear();
                self.state = State::Body { bytes: body_bytes };
            }
            Route::Recording(wanted) => self.state = State::Finding(wanted),
            Route::List => self.answer(&Answer::page(Page::Recordings), now),
        }
    }

    fn form(&mut self, site: &mut Site, now: Instant) {
        let answer = match site.submit(&self.buffer) {
            Ok(()) => Answer::to(Status::SeeOther, "/result"),
            Err(error) => Answer::notice(Status::UnprocessableContent, Notice::Form(error)),
        };
        self.answer(&answer, now);
    }

    /// Answers what is no request, and ends: what follows cannot be read either.
    fn refuse(&mut self, status: Status, now: Instant) {
        self.keeps = false;
        self.in_chunks = false;
        self.has_body = true;
        self.answer(&Answer::refusal(status), now);
    }

    fn answer(&mut self, answer: &Answer, now: Instant) {
        self.begin(now);
        // Without chunks only its end says that a page is whole.
        self.keeps &= self.in_chunks || answer.page.is_none();
        // Those who do not sign in with the next request should not hold a place.
        self.keeps &= matches!(answer.extra, Extra::None | Extra::Challenge { .. })
            || answer.status == Status::SeeOther;
        let whole = answer.write(self.keeps, self.in_chunks, &mut self.buffer);
        debug_assert!(whole.is_ok(), "the buffer holds every head");
        self.state = State::Writing(match answer.page {
            Some(page) if self.has_body => Next::Part { page, index: 0 },
            Some(_) | None => Next::Done,
        });
    }

    fn begin(&mut self, now: Instant) {
        self.buffer.clear();
        self.sent = 0;
        self.deadline = now + QUIET_MAX;
    }

    fn found(&mut self, entry: Option<&Entry>, wanted: Wanted, now: Instant) {
        let Some(entry) = entry.filter(|entry| entry.kind == wanted.kind && entry.number == wanted.number)
        else {
            return self.answer(&Answer::notice(Status::NotFound, Notice::NotHere), now);
        };
        if entry.state == Recorded::Open {
            return self.answer(&Answer::notice(Status::Conflict, Notice::BeingRecorded), now);
        }
        let range_counts = match wanted.if_range {
            IfRange::Always => true,
            IfRange::Digest(digest) => entry.sha256 == Some(digest),
            IfRange::Never => false,
        };
        let part = if range_counts {
            wanted.range.of(entry.size_bytes)
        } else {
            Part::Whole
        };
        let (offset, end, is_part) = match part {
            Part::Whole => (0, entry.size_bytes, false),
            Part::Some { offset, end } => (offset, end, true),
            Part::Unsatisfiable => {
                let mut answer = Answer::notice(Status::RangeNotSatisfiable, Notice::RangeAfterEnd);
                answer.extra = Extra::Size {
                    bytes: entry.size_bytes,
                };
                return self.answer(&answer, now);
            }
        };
        self.begin(now);
        let whole = answer::recording(entry, offset, end, is_part, self.keeps, &mut self.buffer);
        debug_assert!(whole.is_ok(), "the buffer holds every head");
        let number = entry.number;
        self.state = State::Writing(if self.has_body {
            Next::Bytes { number, offset, end }
        } else {
            Next::Done
        });
    }

    fn part(&mut self, page: Page, index: usize, site: &Site) {
        let mut more = false;
        self.chunk(|out| match page::part(page, index, site, out) {
            Ok(has_part) => more = has_part,
            Err(_) => debug_assert!(false, "the buffer holds every part"),
        });
        let list_begins = page == Page::Recordings && index + 1 == page::AFTER_ROWS;
        self.state = State::Writing(if !more {
            Next::Done
        } else if list_begins {
            Next::Rows { before: None }
        } else {
            Next::Part {
                page,
                index: index + 1,
            }
        });
        if !more {
            self.end_of_page();
        }
    }

    fn rows(&mut self, entries: &[Entry]) {
        let entries = &entries[..entries.len().min(LIST_MAX)];
        let Some(last) = entries.last() else {
            self.state = State::Writing(Next::Part {
                page: Page::Recordings,
                index: page::AFTER_ROWS,
            });
            return;
        };
        self.chunk(|out| {
            for entry in entries {
                let whole = page::row(entry, out);
                debug_assert!(whole.is_ok(), "the buffer holds all rows of one answer");
            }
        });
        self.state = State::Writing(Next::Rows {
            before: Some(last.number),
        });
    }

    /// Puts what is written into the buffer, as a chunk where the other side knows them.
    fn chunk(&mut self, write: impl FnOnce(&mut Vec<u8, BUFFER_BYTES>)) {
        self.buffer.clear();
        self.sent = 0;
        if !self.in_chunks {
            return write(&mut self.buffer);
        }
        let _ = self.buffer.extend_from_slice(b"0000\r\n");
        write(&mut self.buffer);
        let bytes = self.buffer.len() - CHUNK_HEAD_BYTES;
        if bytes == 0 {
            // A chunk of nothing would end the body.
            return self.buffer.clear();
        }
        for (place, shift) in [12, 8, 4, 0].into_iter().enumerate() {
            self.buffer[place] = b"0123456789abcdef"[bytes >> shift & 0xF];
        }
        let _ = self.buffer.extend_from_slice(b"\r\n");
    }

    fn end_of_page(&mut self) {
        if self.in_chunks {
            let _ = self.buffer.extend_from_slice(LAST_CHUNK);
        }
    }

    fn done(&mut self) {
        self.buffer.clear();
        self.sent = 0;
        self.state = if self.keeps { State::Head } else { State::Closed };
    }

    fn late(&mut self, now: Instant) {
        let is_waited_for = match self.state {
            State::Head => !self.buffer.is_empty(),
            State::Body { .. } => true,
            State::Finding(_) | State::Writing(_) | State::Closed => false,
        };
        if is_waited_for {
            self.refuse(Status::RequestTimeout, now);
        } else {
            self.state = State::Closed;
        }
    }
}
