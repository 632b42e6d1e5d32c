//! Heartbeats of as many devices as there are connections.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::connection::Connection;

#[derive(clap::Args)]
pub(super) struct Args {
    addr: SocketAddr,
    /// A device's token a line; each has a connection.
    #[arg(long)]
    tokens: PathBuf,
    /// Heartbeats in a request; 1 is sent as an object, more as an array.
    #[arg(long, default_value_t = 1)]
    each: u64,
    /// Heartbeats of one session, in which it grows; then the next session begins.
    #[arg(long, default_value_t = 1)]
    per_session: u64,
    /// Where the first session begins, in Unix seconds: other loads have other sessions.
    #[arg(long)]
    start: u64,
    #[arg(long)]
    seconds: f64,
}

pub(super) async fn run(args: Args) -> Result<Value> {
    let tokens = std::fs::read_to_string(&args.tokens).context("the file of tokens")?;
    let end = Duration::from_secs_f64(args.seconds);
    let mut senders = Vec::new();
    for token in tokens.lines() {
        let connection = Connection::open(args.addr).await?;
        let head = format!(
            "POST /api/v1/heartbeats HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
        );
        senders.push((connection, head));
    }
    let begun = Instant::now();
    let mut running = JoinSet::new();
    let stream = Stream {
        each: args.each,
        per_session: args.per_session,
        start: args.start,
    };
    for (connection, head) in senders {
        running.spawn(send_until(connection, head, stream, begun + end));
    }
    let mut sent = Vec::new();
    while let Some(ended) = running.join_next().await {
        sent.push(ended??);
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    let sessions: u64 = sent.iter().map(|beats| beats.div_ceil(args.per_session)).sum();
    Ok(json!({ "answered": sent.iter().sum::<u64>(), "sessions": sessions, "elapsed_s": elapsed_s }))
}

/// Gives the number of heartbeats.
async fn send_until(mut connection: Connection, head: String, stream: Stream, end: Instant) -> Result<u64> {
    let mut first = 0;
    let mut body = String::new();
    loop {
        stream.write(first, &mut body);
        let answer = connection.ask(&head, body.as_bytes()).await?;
        ensure!(
            answer.status == 200 && !contains(answer.body, b"\"success\":false"),
            "{} was answered: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        first += stream.each;
        if Instant::now() >= end {
            return Ok(first);
        }
    }
}

/// What a device says, by number.
#[derive(Debug, Clone, Copy)]
struct Stream {
    each: u64,
    per_session: u64,
    start: u64,
}

impl Stream {
    /// The body that begins with heartbeat `first`.
    fn write(self, first: u64, body: &mut String) {
        body.clear();
        let array = self.each > 1;
        if array {
            body.push('[');
        }
        for number in first..first + self.each {
            if number > first {
                body.push(',');
            }
            // Sessions follow one another without a gap and do not overlap.
            let (session, beat) = (number / self.per_session, number % self.per_session);
            let (began, run_s) = (self.start + session * self.per_session, beat + 1);
            // Writing to a string cannot fail.
            let _ = write!(
                body,
                "{{\"boot_epoch\":\"{}\",\"boot_number\":{session},\"session_start\":{began},\"run_seconds\":{run_s},\
                 \"last_update\":{},\"status\":\"running\"}}",
                self.start,
                began + run_s
            );
        }
        if array {
            body.push(']');
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_grows_and_the_next_begins_where_it_ended() {
        let stream = Stream {
            each: 3,
            per_session: 2,
            start: 1_600_000_000,
        };
        let mut body = String::new();
        stream.write(0, &mut body);
        let said: Value = serde_json::from_str(&body).unwrap();
        let key = |at: usize| {
            (
                said[at]["session_start"].as_u64(),
                said[at]["run_seconds"].as_u64(),
            )
        };
        assert_eq!(key(0), (Some(1_600_000_000), Some(1)));
        assert_eq!(key(1), (Some(1_600_000_000), Some(2)));
        assert_eq!(key(2), (Some(1_600_000_002), Some(1)));
        assert_ne!(said[1]["boot_number"], said[2]["boot_number"]);
    }
}
