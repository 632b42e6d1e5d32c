//! A way to the server that delivers a request to its last byte and keeps the answer to itself.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// Longer than any answer takes; one that never comes ends the soak.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// A request that was delivered, on a connection whose sender will not hear the answer.
pub(super) struct Doomed {
    sender: TcpStream,
    from_sender: TcpStream,
    to_server: TcpStream,
}

impl Doomed {
    /// Returns once the server's side of the way has all of the request.
    pub(super) fn deliver(addr: &str, request: &[u8]) -> Result<Self> {
        let way = TcpListener::bind("127.0.0.1:0")?;
        let sender = TcpStream::connect(way.local_addr()?)?;
        let (mut from_sender, _) = way.accept()?;
        let mut to_server = TcpStream::connect(addr).context("the server does not listen")?;
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| (&sender).write_all(request));
            let mut left = request.len();
            let mut piece = [0; 16 * 1024];
            while left > 0 {
                let count = from_sender.read(&mut piece)?;
                ensure!(count > 0, "the sender stopped early");
                to_server.write_all(&piece[..count])?;
                left -= count;
            }
            if let Ok(sent) = sending.join() {
                sent?;
            }
            anyhow::Ok(())
        })?;
        Ok(Self {
            sender,
            from_sender,
            to_server,
        })
    }

    pub(super) fn until_answer_begins(&mut self) -> Result<()> {
        self.to_server.set_read_timeout(Some(ANSWER_WAIT))?;
        let begun = self.to_server.peek(&mut [0]).context("no answer came")?;
        ensure!(begun > 0, "the server closed the connection without an answer");
        Ok(())
    }

    /// Cuts the connection on both sides; gives what the server had answered by then.
    pub(super) fn cut(mut self) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        self.to_server.set_nonblocking(true)?;
        match self.to_server.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionReset) => {}
            Err(error) => return Err(error.into()),
        }
        // The server may have been first.
        let _ = self.to_server.shutdown(Shutdown::Both);
        drop(self.from_sender);
        let mut heard = Vec::new();
        let _ = self.sender.read_to_end(&mut heard);
        ensure!(heard.is_empty(), "the sender heard an answer that was to be lost");
        Ok(answer)
    }
}
