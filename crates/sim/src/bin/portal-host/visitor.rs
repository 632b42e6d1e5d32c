//! One TCP connection and the state machine behind it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::Duration;

use device::portal::Site;
use device::portal::http::{Connection, Input, Output, Side};
use device::time::Instant;

use crate::shelf::Shelf;

/// How much is read of the card at once.
const READ_BYTES: usize = 16 * 1024;
/// What came while an answer was on its way.
const INBOX_BYTES_MAX: usize = 4096;
/// After the last byte the other side may still be sending: closing at once would reset the connection and lose the answer.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) struct Visitor {
    stream: TcpStream,
    connection: Connection,
    inbox: Vec<u8>,
    lingers_until: Option<Instant>,
}

/// What a turn came to.
#[derive(PartialEq, Eq)]
pub(crate) enum Turn {
    Nothing,
    Moved,
    Gone,
}

impl Visitor {
    pub(crate) fn new(stream: TcpStream, side: Side, peer: Ipv4Addr, now: Instant) -> Self {
        Self {
            stream,
            connection: Connection::new(side, peer, now),
            inbox: Vec::new(),
            lingers_until: None,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.connection.is_idle() && self.inbox.is_empty()
    }

    pub(crate) fn turn(&mut self, site: &mut Site, shelf: &Shelf, now: Instant) -> Turn {
        if let Some(until) = self.lingers_until {
            let ended = matches!(self.stream.read(&mut [0; 1024]), Ok(0));
            return if ended || now >= until {
                Turn::Gone
            } else {
                Turn::Nothing
            };
        }
        if self
            .connection
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.connection.handle(Input::Tick, now);
        }
        match self
            .receive(site, now)
            .and_then(|moved| Ok(self.send(site, shelf, now)? | moved))
        {
            Ok(true) => Turn::Moved,
            Ok(false) => Turn::Nothing,
            Err(_) => Turn::Gone,
        }
    }

    fn receive(&mut self, site: &mut Site, now: Instant) -> std::io::Result<bool> {
        let mut moved = false;
        if self.inbox.len() < INBOX_BYTES_MAX {
            let mut bytes = [0; INBOX_BYTES_MAX];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.inbox.extend(&bytes[..read]);
                    moved = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        let taken = self.connection.receive(&self.inbox, site, now);
        self.inbox.drain(..taken);
        Ok(moved | (taken > 0))
    }

    fn send(&mut self, site: &Site, shelf: &Shelf, now: Instant) -> std::io::Result<bool> {
        let mut moved = false;
        loop {
            let found: Option<_>;
            let listed: Vec<_>;
            let input = match self.connection.poll(site) {
                None => return Ok(moved),
                Some(Output::Close) => {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.lingers_until = Some(now + LINGER);
                    return Ok(true);
                }
                Some(Output::Send(bytes)) => match self.stream.write(bytes) {
                    Ok(sent) => Input::Sent(sent),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(moved),
                    Err(error) => return Err(error),
                },
                Some(Output::Find(number)) => {
                    found = shelf.find(number);
                    Input::Found(found)
                }
                Some(Output::List { before }) => {
                    listed = shelf.list(before);
                    Input::Listed(&listed)
                }
                Some(Output::Read {
                    number,
                    offset,
                    bytes,
                }) => {
                    let mut read = [0; READ_BYTES];
                    let most = usize::try_from(bytes).unwrap_or(READ_BYTES).min(READ_BYTES);
                    match shelf.read(number, offset, &mut read[..most]) {
                        Ok(0) | Err(_) => Input::Unreadable,
                        Ok(read_bytes) => match self.stream.write(&read[..read_bytes]) {
                            Ok(sent) => Input::Streamed(u32::try_from(sent).unwrap_or(0)),
                            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(moved),
                            Err(error) => return Err(error),
                        },
                    }
                }
            };
            self.connection.handle(input, now);
            moved = true;
        }
    }
}
