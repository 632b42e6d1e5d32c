//! The load: every upload on a connection of its own, a few bytes each second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep};

/// Sent at once, every second.
pub(super) const DRIP_BYTES: usize = 5_000;
const DRIP_EVERY: Duration = Duration::from_secs(1);
/// Between two beginnings, so that the drips of all are spread over the second and the listener's queue does not overflow.
const BEGIN_EVERY: Duration = Duration::from_millis(2);
/// Answers here are a head and at most a small JSON.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// How an upload comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Road {
    /// One request to `/api/upload`.
    Raw,
    /// A creation and one PATCH.
    Tus,
    /// Every other one over tus.
    Both,
}

impl Road {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Raw => "over /api/upload",
            Self::Tus => "over tus",
            Self::Both => "half over tus",
        }
    }

    fn is_tus(self, number: usize) -> bool {
        match self {
            Self::Raw => false,
            Self::Tus => true,
            Self::Both => !number.is_multiple_of(2),
        }
    }
}

pub(super) struct Plan {
    pub(super) addr: String,
    pub(super) token: String,
    pub(super) uploads: usize,
    pub(super) seconds: u32,
    pub(super) road: Road,
}

/// How far they are, for whoever measures meanwhile.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) dripping: AtomicUsize,
    /// Their last byte is sent.
    pub(super) through: AtomicUsize,
    pub(super) stored: AtomicUsize,
}

/// Fails with the first upload that the server does not store.
pub(super) fn run(plan: &'static Plan, progress: &'static Progress) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut uploads = JoinSet::new();
        for number in 0..plan.uploads {
            uploads.spawn(upload(plan, progress, number));
            sleep(BEGIN_EVERY).await;
            while let Some(ended) = uploads.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = uploads.join_next().await {
            ended??;
        }
        Ok(())
    })
}

async fn upload(plan: &Plan, progress: &Progress, number: usize) -> Result<()> {
    let about = || format!("upload {number}");
    let mut stream = TcpStream::connect(&plan.addr).await.with_context(about)?;
    stream.set_nodelay(true)?;
    let size_bytes = DRIP_BYTES * plan.seconds as usize;
    let head = if plan.road.is_tus(number) {
        let path = begin(plan, &mut stream, number, size_bytes)
            .await
            .with_context(about)?;
        format!(
            "PATCH {path} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
             Content-Type: application/offset+octet-stream\r\n"
        )
    } else {
        format!("POST /api/upload?filename=slow_{number}.csv HTTP/1.1\r\nContent-Type: text/csv\r\n")
    };
    let common = common(plan);
    stream
        .write_all(format!("{head}{common}Content-Length: {size_bytes}\r\n\r\n").as_bytes())
        .await?;
    progress.dripping.fetch_add(1, Ordering::Relaxed);
    let mut drip = vec![b'.'; DRIP_BYTES];
    let mut second = interval_at(Instant::now() + DRIP_EVERY, DRIP_EVERY);
    for number_in_file in 0..plan.seconds {
        second.tick().await;
        // No two pieces alike, so that nothing is saved by their being so.
        let mark = format!("{number},{number_in_file}\n");
        drip[..mark.len()].copy_from_slice(mark.as_bytes());
        stream.write_all(&drip).await.with_context(about)?;
    }
    progress.through.fetch_add(1, Ordering::Relaxed);
    let answer = answer(&mut stream).await.with_context(about)?;
    ensure!(
        answer.starts_with("HTTP/1.1 2"),
        "upload {number} was answered {answer}"
    );
    progress.stored.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Gives the path of the new upload.
async fn begin(plan: &Plan, stream: &mut TcpStream, number: usize, size_bytes: usize) -> Result<String> {
    let common = common(plan);
    let name = STANDARD.encode(format!("slow_{number}.csv"));
    let head = format!(
        "POST /api/v1/uploads HTTP/1.1\r\n{common}Tus-Resumable: 1.0.0\r\nUpload-Length: {size_bytes}\r\n\
         Upload-Metadata: filename {name}\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let answer = answer(stream).await?;
    let location = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then_some(value)
    });
    let location = location.with_context(|| format!("a creation was answered {answer}"))?;
    let path = location
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'));
    let (_, path) = path.with_context(|| format!("{location} has no path"))?;
    Ok(format!("/{path}"))
}

fn common(plan: &Plan) -> String {
    format!("Host: {}\r\nAuthorization: Bearer {}\r\n", plan.addr, plan.token)
}

/// The head of an answer, with what came of its body in the same read.
async fn answer(stream: &mut TcpStream) -> Result<String> {
    let mut answer = Vec::new();
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        ensure!(answer.len() < ANSWER_BYTES_MAX, "an answer without end");
        let count = stream.read_buf(&mut answer).await?;
        ensure!(count > 0, "the connection ended without an answer");
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
