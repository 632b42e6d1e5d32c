//! Uploads of bytes that no other upload has.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use rand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::connection::Connection;

#[derive(clap::Args)]
pub(super) struct Args {
    addr: SocketAddr,
    #[arg(long)]
    road: Road,
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    token: String,
    #[arg(long)]
    size_bytes: usize,
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// No upload is begun after this; each connection makes one at least.
    #[arg(long, default_value_t = 0.0)]
    seconds: f64,
}

/// How a program wants its uploads.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Road {
    /// POST to `/api/upload`.
    Raw,
    /// Creation, then one PATCH.
    TusPatch,
    /// Creation with upload.
    TusCreate,
    /// PUT.
    Put,
}

/// What one connection did.
struct Sent {
    uploads: u64,
    /// Of the last one: what it can be found by, and its hash.
    name: String,
    sha256: String,
}

pub(super) async fn run(args: Args) -> Result<Value> {
    let mut content = vec![0; args.size_bytes];
    rand::rng().fill_bytes(&mut content);
    let until = Duration::from_secs_f64(args.seconds);
    let mut connections = Vec::new();
    for _ in 0..args.connections {
        connections.push((Connection::open(args.addr).await?, content.clone()));
    }
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for (number, (connection, content)) in connections.into_iter().enumerate() {
        let sender = Sender {
            connection,
            content,
            road: args.road,
            token: args.token.clone(),
            number,
        };
        running.spawn(sender.send_until(begun + until));
    }
    let mut sent = Vec::new();
    while let Some(ended) = running.join_next().await {
        sent.push(ended??);
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    let samples: Vec<Value> = sent
        .iter()
        .map(|one| json!({ "name": one.name, "sha256": one.sha256 }))
        .collect();
    let uploads: u64 = sent.iter().map(|one| one.uploads).sum();
    Ok(json!({ "answered": uploads, "elapsed_s": elapsed_s, "samples": samples }))
}

struct Sender {
    connection: Connection,
    content: Vec<u8>,
    road: Road,
    token: String,
    number: usize,
}

impl Sender {
    async fn send_until(mut self, end: Instant) -> Result<Sent> {
        let mut uploads = 0;
        loop {
            // 64 random bits and the count: no other upload has them.
            let mut stamp = rand::rng().next_u64().to_le_bytes().to_vec();
            stamp.extend(u64::to_le_bytes(uploads));
            self.content[..stamp.len()].copy_from_slice(&stamp);
            let name = format!("load-{}-{}", self.number, hex::encode(stamp));
            let name = self.upload(name).await?;
            uploads += 1;
            if Instant::now() >= end {
                let sha256 = hex::encode(Sha256::digest(&self.content));
                return Ok(Sent {
                    uploads,
                    name,
                    sha256,
                });
            }
        }
    }

    /// Gives the name that it is kept under.
    async fn upload(&mut self, name: String) -> Result<String> {
        match self.road {
            Road::Raw => {
                let token = &self.token;
                let head = format!(
                    "POST /api/upload?filename={name}.csv HTTP/1.1\r\nauthorization: Bearer {token}\r\n\
                     content-type: application/octet-stream\r\n"
                );
                self.ask(&head, 200).await?;
                Ok(name)
            }
            Road::Put => {
                self.ask(&format!("PUT /{name} HTTP/1.1\r\n"), 201).await?;
                Ok(name)
            }
            Road::TusCreate => {
                let mut head = creation(self.content.len());
                head.push_str("content-type: application/offset+octet-stream\r\n");
                let at = self.ask(&head, 201).await?;
                Ok(last_part(&at).to_owned())
            }
            Road::TusPatch => {
                let head = creation(self.content.len());
                let answer = self.connection.ask(&head, b"").await?;
                ensure!(answer.status == 201, "creation was answered {}", answer.status);
                let at = answer
                    .header("location")
                    .context("no location of a created upload")?;
                let id = last_part(at).to_owned();
                let head = format!(
                    "PATCH /files/{id} HTTP/1.1\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\n\
                     content-type: application/offset+octet-stream\r\n"
                );
                self.ask(&head, 204).await?;
                Ok(id)
            }
        }
    }

    /// Sends the content; gives the address in the answer if there is one.
    async fn ask(&mut self, head: &str, status: u16) -> Result<String> {
        let size = self.content.len();
        let answer = self.connection.ask(head, &self.content).await?;
        let found = answer.status;
        // The ceiling knows no roads.
        ensure!(
            found == status || found == 200,
            "{found} was answered, {status} expected: {}",
            String::from_utf8_lossy(answer.body)
        );
        if let Some(offset) = answer.header("upload-offset") {
            ensure!(offset.parse() == Ok(size), "{offset} of {size} bytes were taken");
        }
        Ok(answer.header("location").unwrap_or_default().to_owned())
    }
}

fn creation(size_bytes: usize) -> String {
    let mut head = "POST /files HTTP/1.1\r\ntus-resumable: 1.0.0\r\n".to_owned();
    // Writing to a string cannot fail.
    let _ = write!(head, "upload-length: {size_bytes}\r\n");
    head
}

fn last_part(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or(address)
}
