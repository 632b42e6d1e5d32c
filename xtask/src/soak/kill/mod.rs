//! Kills the real server with SIGKILL at random moments while eight devices upload, and then looks for everything that was
//! acknowledged.
//!
//! What must hold after every kill: a recording whose upload was answered with 2xx is there with its SHA-256; every
//! object that is visible has the content that its name says; every session that is listed has its recording. After the
//! last kill every job finishes. A process kill leaves the page cache alone, so this proves ordering and recovery, not
//! fsync; the crashing file system in the server's own tests proves that.

mod check;
mod client;
mod drive;
mod ledger;
mod server;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::check::Checker;
pub(super) use self::client::Client;
use self::client::Shape;
use self::ledger::Ledger;
pub(super) use self::server::Server;
use crate::process::{run_to_end, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// The same seed gives the same moments and the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Args {
    pub(crate) fn short(kills: u32) -> Self {
        Self { kills, seed: 1 }
    }
}

const UPLOADERS: u64 = 8;
/// What the devices do: they upload until the kill and hold still while everything is compared.
const UPLOADING: u8 = 0;
const CHECKING: u8 = 1;
const OVER: u8 = 2;
/// From readiness to the kill: from "hardly started" to "many uploads and jobs under way".
const ALIVE_MS: std::ops::Range<u64> = 5..700;
/// Between two uploads of one device, and before its next attempt while the server is down: enough uploads are under way at
/// any moment, and their number does not outgrow the checks.
const PAUSE: Duration = Duration::from_millis(25);
/// The backlog is worked off by and by; a job that hangs is what this finds.
const JOB_WAIT: Duration = Duration::from_secs(60);
/// The complete comparison reads every row again: after every kill it would make the proof quadratic.
const KILLS_BETWEEN_COMPLETE_CHECKS: u32 = 50;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    run_to_end(Command::new("cargo").current_dir(root).args([
        "build",
        "--locked",
        "--package",
        "fieldpost",
    ]))?;
    let folder = root.join(format!("target/soak/kill-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut server = Server::prepare(root.join("target/debug/fieldpost"), folder.join("data"))?;
    let token = server.add_people()?;
    server.start()?;
    let client = Client::new(server.base());
    let cookie = client.sign_in()?;
    let mut checker = Checker::new(server.data_dir.join("raw"), cookie.clone());
    let ledger = Ledger::default();
    let phase = AtomicU8::new(UPLOADING);
    let start = Instant::now();
    let outcome = std::thread::scope(|scope| {
        for uploader in 0..UPLOADERS {
            let (client, token, ledger, phase) = (&client, token.as_str(), &ledger, &phase);
            scope.spawn(move || upload_until_over(client, token, ledger, phase, args.seed * 1000 + uploader));
        }
        let outcome = kill_again_and_again(&mut server, &client, &mut checker, &ledger, &phase, args);
        phase.store(OVER, Ordering::Relaxed);
        outcome
    });
    outcome?;
    let jobs = wait_for_jobs(&client, &cookie)?;
    for stored in &ledger.all() {
        checker.acknowledged(&client, stored)?;
    }
    let objects = checker.complete(&client)?;
    server.kill()?;
    let (acknowledged, refused, broken_off) = ledger.figures();
    say(format_args!(
        "{} kills in {:.0} s: {acknowledged} uploads acknowledged, {refused} refused, {broken_off} broken off by a kill;\n\
         every acknowledged recording is there with its SHA-256; {} objects, all whole, none without a row;\n\
         {} sessions analysed, {} with an error",
        args.kills,
        start.elapsed().as_secs_f64(),
        objects.whole,
        jobs.ready,
        jobs.failed,
    ));
    if acknowledged == 0 {
        bail!("no upload was acknowledged: nothing was proved");
    }
    if refused > 0 {
        bail!(
            "{refused} uploads were refused by a server that was up; the last: {}",
            ledger.last_refusal()
        );
    }
    if jobs.failed > 0 {
        bail!("{} analyses failed on files that are whole", jobs.failed);
    }
    std::fs::remove_dir_all(&folder).context("cannot remove the data folder of the soak")
}

fn kill_again_and_again(
    server: &mut Server,
    client: &Client,
    checker: &mut Checker,
    ledger: &Ledger,
    phase: &AtomicU8,
    args: &Args,
) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    for kill in 1..=args.kills {
        phase.store(UPLOADING, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(rng.random_range(ALIVE_MS)));
        server.kill()?;
        phase.store(CHECKING, Ordering::Relaxed);
        // An answer that is still being read when this looks is checked after the next kill.
        let acknowledged = ledger.unchecked();
        checker
            .objects_are_whole()
            .with_context(|| format!("after kill {kill}"))?;
        server.start().with_context(|| format!("after kill {kill}"))?;
        for stored in &acknowledged {
            checker
                .acknowledged(client, stored)
                .with_context(|| format!("after kill {kill}"))?;
        }
        if kill % KILLS_BETWEEN_COMPLETE_CHECKS == 0 {
            checker
                .complete(client)
                .with_context(|| format!("after kill {kill}"))?;
            let (acknowledged, ..) = ledger.figures();
            say(format_args!(
                "{kill} kills, {acknowledged} uploads acknowledged, nothing lost"
            ));
        }
    }
    Ok(())
}

/// One device: a file after the other, in the three shapes by turns, until the soak is over.
fn upload_until_over(client: &Client, token: &str, ledger: &Ledger, phase: &AtomicU8, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut number = 0u32;
    loop {
        let now = phase.load(Ordering::Relaxed);
        if now == OVER {
            return;
        }
        if now == CHECKING {
            std::thread::sleep(PAUSE);
            continue;
        }
        number += 1;
        let bytes = drive::csv(&mut rng);
        let name = format!("dev{seed}_{number}.csv");
        let shape = [Shape::Raw, Shape::Json, Shape::Multipart][number as usize % 3];
        ledger.note(client.upload(token, &name, &bytes, shape), &bytes);
        std::thread::sleep(PAUSE);
    }
}

struct Jobs {
    ready: usize,
    failed: usize,
}

fn wait_for_jobs(client: &Client, cookie: &str) -> Result<Jobs> {
    let mut last_progress = Instant::now();
    let mut done_before = 0;
    loop {
        let sessions = client.sessions(cookie)?;
        let count = |status: &str| sessions.iter().filter(|session| session.status == status).count();
        let (ready, failed) = (count("ready"), count("failed"));
        let done = ready + failed;
        if done == sessions.len() {
            return Ok(Jobs { ready, failed });
        }
        if done > done_before {
            (done_before, last_progress) = (done, Instant::now());
        }
        if last_progress.elapsed() > JOB_WAIT {
            bail!(
                "no analysis ended for {JOB_WAIT:?}; {} of {} sessions wait",
                sessions.len() - done,
                sessions.len()
            );
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}
