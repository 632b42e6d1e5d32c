//! One kept-alive connection that carries out a device's requests, and breaks when it is told to.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use device::exchange::{ANSWER_BYTES_MAX, Body, NoAnswer, Request};
use device::outbox::Number;

use crate::http::HttpReply;

/// A server that says nothing for so long is not there; its slowest answer to a device takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// As much as a chip holds between card and radio.
const PIECE_BYTES: usize = 4096;
/// A device keeps no longer head of an answer.
const HEAD_BYTES_MAX: usize = 4096;
const HEADERS_MAX: usize = 48;

/// Where the server is, and who asks.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// As `Host` says it.
    pub host: String,
    /// The settings' path before every request's: nothing, or `/i/<key>`.
    pub base: String,
    /// A bearer token; `None` where the base path has a key.
    pub token: Option<String>,
    /// The device's UUID, said beside a key that many devices have.
    pub device: Option<String>,
}

/// What befalls one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    #[default]
    Fair,
    /// The connection breaks after so many bytes of the body.
    CutAfter(u32),
    /// Everything is sent, and the answer is never heard.
    AnswerLost,
    /// Nobody takes the connection.
    NoRoute,
}

/// Whether the connection broke on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    pub why: NoAnswer,
    pub on_purpose: bool,
}

/// A connection, made when it is needed.
#[derive(Debug)]
pub struct Connection {
    endpoint: Endpoint,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
    head_bytes: usize,
    /// Bytes of requests and of their bodies that were handed to the network.
    pub sent_bytes: u64,
}

impl Connection {
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            stream: None,
            answer: Vec::new(),
            head_bytes: 0,
            sent_bytes: 0,
        }
    }

    /// Says from now on which device asks.
    pub fn name_device(&mut self, device: String) {
        self.endpoint.device = Some(device);
    }

    /// Ends it, as when the network goes away.
    pub fn drop_link(&mut self) {
        self.stream = None;
    }

    /// Sends the request and reads the answer, which [`Self::answer`] then gives. `read` fills a piece of a recording; `sent` hears
    /// how many bytes of the body went out since it last did.
    pub fn carry_out(
        &mut self,
        request: &Request<'_>,
        weather: Weather,
        read: impl FnMut(Number, u32, &mut [u8]) -> bool,
        mut sent: impl FnMut(u32),
    ) -> Result<(), Broken> {
        if self.stream.as_ref().is_some_and(|stream| !is_open(stream)) {
            // The server ended it while it was idle.
            self.stream = None;
        }
        let result = self.attempt(request, weather, read, &mut sent);
        result.inspect_err(|_| self.stream = None)
    }

    fn attempt(
        &mut self,
        request: &Request<'_>,
        weather: Weather,
        mut read: impl FnMut(Number, u32, &mut [u8]) -> bool,
        sent: &mut impl FnMut(u32),
    ) -> Result<(), Broken> {
        if weather == Weather::NoRoute {
            return Err(Broken::on_purpose(NoAnswer::Connect));
        }
        let head = self.head(request);
        self.send(head.as_bytes())?;
        match request.body {
            Body::Empty => {}
            Body::Written(text) => self.send(text.to_string().as_bytes())?,
            Body::Recording {
                number,
                offset,
                bytes,
            } => {
                let mut done = 0;
                while done < bytes {
                    let mut piece = [0; PIECE_BYTES];
                    let length = (bytes - done)
                        .min(PIECE_BYTES as u32)
                        .min(until_cut(weather, done));
                    if length == 0 {
                        return Err(Broken::on_purpose(NoAnswer::Broken));
                    }
                    let piece = &mut piece[..length as usize];
                    if !read(number, offset + done, piece) {
                        return Err(Broken::by(NoAnswer::Card));
                    }
                    self.send(piece)?;
                    done += length;
                    sent(length);
                }
            }
        }
        if weather == Weather::AnswerLost {
            // It is heard that there is one, so the server has done what it does.
            self.receive()?;
            return Err(Broken::on_purpose(NoAnswer::Broken));
        }
        self.receive()
    }

    /// What came last; of its body as much as a device keeps.
    pub fn answer(&self) -> HttpReply {
        let (mut headers, head) = (
            [httparse::EMPTY_HEADER; HEADERS_MAX],
            self.answer.get(..self.head_bytes),
        );
        let mut parsed = httparse::Response::new(&mut headers);
        if parsed.parse(head.unwrap_or_default()).is_err() {
            return HttpReply::of(0);
        }
        let mut reply = HttpReply::of(parsed.code.unwrap_or(0));
        for header in parsed.headers.iter() {
            if let Ok(value) = str::from_utf8(header.value) {
                reply = reply.with(header.name, &value);
            }
        }
        reply.body = self.answer.get(self.head_bytes..).unwrap_or_default().to_vec();
        reply
    }

    fn head(&self, request: &Request<'_>) -> String {
        let Endpoint {
            host,
            base,
            token,
            device,
            ..
        } = &self.endpoint;
        let mut head = format!(
            "{} {base}{} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n",
            request.method.name(),
            request.path,
            request.body.bytes()
        );
        if let Some(token) = token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if let Some(device) = device {
            head += &format!("X-Device: {device}\r\n");
        }
        for (name, value) in &request.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + "\r\n"
    }

    fn stream(&mut self) -> Result<&mut TcpStream, Broken> {
        if self.stream.is_none() {
            let stream = TcpStream::connect_timeout(&self.endpoint.address, PATIENCE)
                .map_err(|_| Broken::by(NoAnswer::Connect))?;
            let set = stream
                .set_read_timeout(Some(PATIENCE))
                .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
                .and_then(|()| stream.set_nodelay(true));
            set.map_err(|_| Broken::by(NoAnswer::Connect))?;
            self.stream = Some(stream);
        }
        self.stream.as_mut().ok_or(Broken::by(NoAnswer::Connect))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.stream()?
            .write_all(bytes)
            .map_err(|error| Broken::of(&error))?;
        self.sent_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Reads one answer with its body; of a longer body the beginning is kept and the connection ended.
    fn receive(&mut self) -> Result<(), Broken> {
        self.answer.clear();
        let (head_bytes, body_bytes, closes) = loop {
            if let Some(head) = self.parse_head()? {
                break head;
            }
            if self.answer.len() > HEAD_BYTES_MAX || self.more()? == 0 {
                return Err(Broken::by(NoAnswer::Broken));
            }
        };
        self.head_bytes = head_bytes;
        let kept = body_bytes.min(ANSWER_BYTES_MAX);
        while self.answer.len() < head_bytes + kept {
            if self.more()? == 0 {
                return Err(Broken::by(NoAnswer::Broken));
            }
        }
        self.answer.truncate(head_bytes + kept);
        if closes || kept < body_bytes {
            self.stream = None;
        }
        Ok(())
    }

    /// Length of the head, of the body, and whether the connection ends after it. Interim answers are dropped.
    fn parse_head(&mut self) -> Result<Option<(usize, usize, bool)>, Broken> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut parsed = httparse::Response::new(&mut headers);
            let status = parsed
                .parse(&self.answer)
                .map_err(|_| Broken::by(NoAnswer::Broken))?;
            let httparse::Status::Complete(head_bytes) = status else {
                return Ok(None);
            };
            let code = parsed.code.unwrap_or(0);
            if (100..200).contains(&code) {
                self.answer.drain(..head_bytes);
                continue;
            }
            let value = |wanted: &str| {
                let found = parsed
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case(wanted));
                found.and_then(|header| str::from_utf8(header.value).ok())
            };
            let length = value("content-length").and_then(|text| text.trim().parse().ok());
            let closes = value("connection").is_some_and(|text| text.eq_ignore_ascii_case("close"));
            // Without a length the body ends with the connection, or comes in chunks: not worth a device's while.
            let unknown = length.is_none() && code != 204;
            return Ok(Some((head_bytes, length.unwrap_or(0), closes || unknown)));
        }
    }

    fn more(&mut self) -> Result<usize, Broken> {
        let mut piece = [0; 1024];
        let Some(stream) = self.stream.as_mut() else {
            return Err(Broken::by(NoAnswer::Broken));
        };
        let count = stream.read(&mut piece).map_err(|error| Broken::of(&error))?;
        self.answer.extend_from_slice(&piece[..count]);
        Ok(count)
    }
}

/// Whether the other side has said nothing, which between two exchanges is as it should be.
fn is_open(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| {
        let peeked = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        peeked
    });
    peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// How many bytes may go out before the connection breaks.
fn until_cut(weather: Weather, done: u32) -> u32 {
    match weather {
        Weather::CutAfter(bytes) => bytes.saturating_sub(done),
        Weather::Fair | Weather::AnswerLost | Weather::NoRoute => u32::MAX,
    }
}

impl Broken {
    const fn by(why: NoAnswer) -> Self {
        Self {
            why,
            on_purpose: false,
        }
    }

    const fn on_purpose(why: NoAnswer) -> Self {
        Self {
            why,
            on_purpose: true,
        }
    }

    fn of(error: &io::Error) -> Self {
        let waited = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        Self::by(if waited {
            NoAnswer::Timeout
        } else {
            NoAnswer::Broken
        })
    }
}
