//! One kept-alive HTTP/1.1 connection: as little as a load needs, so that little of a core goes into it.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Head and body go out together up to this size; a larger body is not copied.
const TOGETHER_BYTES_MAX: usize = 128 * 1024;
/// No answer that is awaited here is longer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

pub(super) struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    answer: Vec<u8>,
}

/// Borrowed from the connection until the next request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer<'c> {
    pub(super) status: u16,
    head: &'c str,
    pub(super) body: &'c [u8],
}

impl Answer<'_> {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

impl Connection {
    pub(super) async fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr)
            .await
            .with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            out: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// `head` is the request line and headers, each line ended, without length and without the blank line.
    pub(super) async fn ask(&mut self, head: &str, body: &[u8]) -> Result<Answer<'_>> {
        self.out.clear();
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(
            format!("host: 127.0.0.1\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(),
        );
        if body.len() <= TOGETHER_BYTES_MAX {
            self.out.extend_from_slice(body);
            self.stream.write_all(&self.out).await?;
        } else {
            self.stream.write_all(&self.out).await?;
            self.stream.write_all(body).await?;
        }
        self.read().await
    }

    async fn read(&mut self) -> Result<Answer<'_>> {
        self.answer.clear();
        let whole = loop {
            if let Some(whole) = Whole::of(&self.answer)? {
                break whole;
            }
            ensure!(self.answer.len() < ANSWER_BYTES_MAX, "an answer without end");
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the connection was closed before its answer");
        };
        Ok(Answer {
            status: whole.status,
            head: std::str::from_utf8(&self.answer[..whole.body_at])?,
            body: &self.answer[whole.body_at..],
        })
    }
}

/// An answer that has arrived to its last byte.
struct Whole {
    status: u16,
    body_at: usize,
}

impl Whole {
    /// `None` while something is missing.
    fn of(answer: &[u8]) -> Result<Option<Self>> {
        let Some(head_ends) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let body_at = head_ends + 4;
        let head = std::str::from_utf8(&answer[..body_at])?;
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.with_context(|| format!("no status in {head:?}"))?;
        let body = &answer[body_at..];
        let complete = if status == 204 {
            true
        } else if let Some(length) = header(head, "content-length") {
            body.len() >= length.parse::<usize>()?
        } else if header(head, "transfer-encoding").is_some() {
            body.ends_with(b"0\r\n\r\n")
        } else {
            bail!("an answer whose length nobody knows: {head:?}");
        };
        Ok(complete.then_some(Self { status, body_at }))
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_the_last_byte_of_its_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx: y\r\n\r\nabc";
        for cut in 0..text.len() {
            assert!(Whole::of(&text[..cut]).unwrap().is_none(), "{cut}");
        }
        let whole = Whole::of(text).unwrap().unwrap();
        assert_eq!((whole.status, &text[whole.body_at..]), (200, &b"abc"[..]));
    }

    #[test]
    fn an_answer_in_chunks_ends_with_the_empty_one() {
        let text = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        assert!(Whole::of(&text[..text.len() - 1]).unwrap().is_none());
        assert_eq!(Whole::of(text).unwrap().unwrap().status, 201);
        assert!(Whole::of(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n").is_err());
        assert_eq!(
            Whole::of(b"HTTP/1.1 204 No Content\r\n\r\n")
                .unwrap()
                .unwrap()
                .status,
            204
        );
    }
}
