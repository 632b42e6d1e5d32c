//! Kills the real server with SIGKILL at random moments while eight devices upload, and then looks for everything that was
//! acknowledged.
//!
//! What must hold after every kill: a recording whose upload was answered with 2xx is there with its SHA-256; every
//! object that is visible has the content that its name says; every session that is listed has its recording. After the
//! last kill every job finishes. A process kill leaves the page cache alone, so this proves ordering and recovery, not
//! fsync; the crashing file system in the server's own tests proves that.

mod client;
mod drive;
mod ledger;
mod server;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::client::{Client, Shape};
use self::ledger::Ledger;
use self::server::Server;
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
/// From readiness to the kill: from "hardly started" to "many uploads and jobs under way".
const ALIVE_MS: std::ops::Range<u64> = 5..700;
/// The last analysis is over long before; a job that hangs is what this finds.
const JOBS_WAIT: Duration = Duration::from_secs(120);

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
    let ledger = Ledger::default();
    let over = AtomicBool::new(false);
    let start = Instant::now();
    let outcome = std::thread::scope(|scope| {
        for uploader in 0..UPLOADERS {
            let (client, token, ledger, over) = (&client, token.as_str(), &ledger, &over);
            scope.spawn(move || upload_until_over(client, token, ledger, over, args.seed * 1000 + uploader));
        }
        let outcome = kill_again_and_again(&mut server, &client, &cookie, &ledger, args);
        over.store(true, Ordering::Relaxed);
        outcome
    });
    outcome?;
    let jobs = wait_for_jobs(&client, &cookie)?;
    let checked = check(&server.data_dir, &client, &cookie, &ledger.all())?;
    server.kill()?;
    let Checked {
        recordings,
        objects,
        without_row,
    } = checked;
    let (acknowledged, refused, lost) = ledger.figures();
    say(format_args!(
        "{} kills in {:.0} s: {acknowledged} uploads acknowledged, {refused} refused, {lost} broken off by a kill;\n\
         {recordings} recordings fetched and equal to their SHA-256, {objects} objects whole, {without_row} of them stored but not yet visible;\n\
         {} sessions analysed, {} with an error",
        args.kills,
        start.elapsed().as_secs_f64(),
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
    cookie: &str,
    ledger: &Ledger,
    args: &Args,
) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    for kill in 1..=args.kills {
        std::thread::sleep(Duration::from_millis(rng.random_range(ALIVE_MS)));
        server.kill()?;
        // What was acknowledged before the kill; later uploads go to the next server.
        let acknowledged = ledger.unchecked();
        server.start().with_context(|| format!("after kill {kill}"))?;
        check(&server.data_dir, client, cookie, &acknowledged)
            .with_context(|| format!("after kill {kill}"))?;
        if kill % 20 == 0 || kill == args.kills {
            let (acknowledged, ..) = ledger.figures();
            say(format_args!(
                "{kill} kills, {acknowledged} uploads acknowledged, nothing lost"
            ));
        }
    }
    Ok(())
}

/// One device: a file after the other, in the three shapes by turns, until the soak is over.
fn upload_until_over(client: &Client, token: &str, ledger: &Ledger, over: &AtomicBool, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut number = 0u32;
    while !over.load(Ordering::Relaxed) {
        number += 1;
        let bytes = drive::csv(&mut rng);
        let name = format!("dev{seed}_{number}.csv");
        let shape = [Shape::Raw, Shape::Json, Shape::Multipart][number as usize % 3];
        ledger.note(client.upload(token, &name, &bytes, shape), &bytes);
    }
}

struct Checked {
    recordings: usize,
    objects: usize,
    without_row: usize,
}

/// Compares what the server shows with what it acknowledged.
fn check(data_dir: &Path, client: &Client, cookie: &str, acknowledged: &[ledger::Stored]) -> Result<Checked> {
    for stored in acknowledged {
        let found = client.raw_sha256(cookie, &stored.recording_id)?;
        if found != stored.sha256 {
            bail!(
                "recording {} was acknowledged as {} and reads as {found}",
                stored.recording_id,
                stored.sha256
            );
        }
    }
    let objects = whole_objects(&data_dir.join("raw"))?;
    let listed = client.sessions(cookie)?;
    let mut visible = BTreeSet::new();
    for session in &listed {
        // The name of an object is its hash, so presence here and wholeness above say that the recording is readable.
        visible.insert(client.raw_etag(cookie, &session.recording_id)?);
    }
    if let Some(missing) = visible.iter().find(|sha256| !objects.contains(*sha256)) {
        bail!("a session is listed whose object {missing} is not there");
    }
    let without_row = objects.difference(&visible).count();
    Ok(Checked {
        recordings: acknowledged.len(),
        objects: objects.len(),
        without_row,
    })
}

/// Names of all objects, each read and compared with its name.
fn whole_objects(raw: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for tenant in folder(raw)? {
        for object in folder(&tenant)? {
            let name = object
                .file_name()
                .context("an object has a name")?
                .to_string_lossy()
                .into_owned();
            let found = crate::hash::sha256_hex(&std::fs::read(&object)?);
            if found != name {
                bail!("a half object is visible: {name} has the content of {found}");
            }
            names.insert(name);
        }
    }
    Ok(names)
}

fn folder(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

struct Jobs {
    ready: usize,
    failed: usize,
}

fn wait_for_jobs(client: &Client, cookie: &str) -> Result<Jobs> {
    let start = Instant::now();
    loop {
        let sessions = client.sessions(cookie)?;
        let count = |status: &str| sessions.iter().filter(|session| session.status == status).count();
        let (ready, failed) = (count("ready"), count("failed"));
        if ready + failed == sessions.len() {
            return Ok(Jobs { ready, failed });
        }
        if start.elapsed() > JOBS_WAIT {
            bail!(
                "{} of {} sessions are still not analysed",
                sessions.len() - ready - failed,
                sessions.len()
            );
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
