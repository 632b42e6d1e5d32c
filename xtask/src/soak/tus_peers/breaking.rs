//! A way to the server that breaks: each connection ends after a random number of bytes. What goes to the server is watched.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What went to the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    /// Where each piece began, in the order in which they were sent.
    pub(super) offsets: Vec<u64>,
    pub(super) cuts: u64,
    /// Heads and bodies alike.
    pub(super) sent_bytes: u64,
}

/// Listens until the process ends.
pub(super) struct Breaking {
    pub(super) addr: SocketAddr,
    watched: Arc<Mutex<Watched>>,
}

impl Breaking {
    /// Connections live for up to twice `life_bytes`. The same seed lets the same connections live as long.
    pub(super) fn start(to: String, life_bytes: u64, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        let watched = Arc::new(Mutex::new(Watched::default()));
        let notes = watched.clone();
        std::thread::spawn(move || {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            for stream in listener.incoming().flatten() {
                // From hardly more than a head on.
                let life_bytes = random.random_range(life_bytes / 64..life_bytes * 2);
                let (to, notes) = (to.clone(), notes.clone());
                std::thread::spawn(move || relay(&stream, &to, life_bytes, &notes));
            }
        });
        Ok(Self { addr, watched })
    }

    pub(super) fn watched(&self) -> Watched {
        notes(&self.watched).clone()
    }
}

fn notes(watched: &Mutex<Watched>) -> MutexGuard<'_, Watched> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

fn relay(client: &TcpStream, to: &str, life_bytes: u64, watched: &Mutex<Watched>) {
    let Ok(server) = TcpStream::connect(to) else {
        return;
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            answer(&server, client);
            // The server has said all, or the connection was cut.
            let _ = client.shutdown(Shutdown::Both);
        });
        if deliver(client, &server, life_bytes, watched) {
            notes(watched).cuts += 1;
            let _ = client.shutdown(Shutdown::Both);
        }
        let _ = server.shutdown(Shutdown::Both);
    });
}

fn answer(mut server: &TcpStream, mut client: &TcpStream) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut piece) {
        if client.write_all(&piece[..count]).is_err() {
            return;
        }
    }
}

/// Says whether it ended because as many bytes went through.
fn deliver(
    mut client: &TcpStream,
    mut server: &TcpStream,
    life_bytes: u64,
    watched: &Mutex<Watched>,
) -> bool {
    let mut left_bytes = life_bytes;
    let mut offsets = Offsets::default();
    let mut piece = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut piece) {
        if server.write_all(&piece[..count]).is_err() {
            return false;
        }
        {
            let mut watched = notes(watched);
            watched.sent_bytes += count as u64;
            watched.offsets.extend(offsets.find(&piece[..count]));
        }
        left_bytes = left_bytes.saturating_sub(count as u64);
        if left_bytes == 0 {
            return true;
        }
    }
    false
}

/// Finds the heads of pieces in what goes by. The file is random: that it holds such a head by chance is not to be feared.
#[derive(Default)]
struct Offsets {
    /// The end of what went by, or all from the beginning of a head on.
    kept: Vec<u8>,
}

impl Offsets {
    const BEGINNING: &[u8] = b"PATCH /api/v1/uploads/";

    fn find(&mut self, bytes: &[u8]) -> Vec<u64> {
        self.kept.extend_from_slice(bytes);
        let mut found = Vec::new();
        loop {
            let Some(head) = position(&self.kept, Self::BEGINNING) else {
                let end = self.kept.len().saturating_sub(Self::BEGINNING.len() - 1);
                self.kept.drain(..end);
                return found;
            };
            self.kept.drain(..head);
            let Some(end) = position(&self.kept, b"\r\n\r\n") else {
                return found;
            };
            found.extend(offset(&self.kept[..end]));
            self.kept.drain(..end);
        }
    }
}

fn offset(head: &[u8]) -> Option<u64> {
    String::from_utf8_lossy(head).lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_offset = name.eq_ignore_ascii_case(wire::upload::UPLOAD_OFFSET);
        is_offset.then(|| value.trim().parse().ok()).flatten()
    })
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_found_however_the_stream_is_cut_up() {
        let stream = b"POST /api/v1/uploads HTTP/1.1\r\nupload-length: 9\r\n\r\n\
            PATCH /api/v1/uploads/a HTTP/1.1\r\nUpload-Offset: 0\r\n\r\nbytes of a file\
            PATCH /api/v1/uploads/a HTTP/1.1\r\nHost: b\r\nupload-offset: 15\r\nA: b\r\n\r\nmore";
        for size in [1, 7, 50, stream.len()] {
            let mut offsets = Offsets::default();
            let found: Vec<u64> = stream
                .chunks(size)
                .flat_map(|piece| offsets.find(piece))
                .collect();
            assert_eq!(found, [0, 15], "in pieces of {size}");
        }
    }
}
