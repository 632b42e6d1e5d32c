//! Thousands of slow uploads at once, over both roads: what each costs the server in memory, and whether people notice.
//!
//! The server is the release build in a process of its own; this process makes the load and says what that cost it.

mod drip;
mod watch;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::drip::{DRIP_BYTES, Plan, Progress, Road};
use self::watch::Memory;
use super::client::Client;
use super::server::{Build, Device, Server};
use super::{files, jobs};
use crate::process::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 5000)]
    uploads: usize,
    /// `raw` and `tus` say which of the two costs what; the goal is for both.
    #[arg(long, value_enum, default_value = "both")]
    road: Road,
    /// How long each of them drips, 5 000 bytes every second.
    #[arg(long, default_value_t = 300)]
    seconds: u32,
}

const KIB: u64 = 1024;
const GROWTH_BYTES_MAX: u64 = 64 * KIB;
/// For the 5 000 that the goal speaks of.
const PEAK_BYTES_MAX: u64 = 400_000_000;
const LIST_MAX: Duration = Duration::from_millis(50);
/// In the list that is asked for meanwhile.
const SESSIONS: usize = 300;
/// Questions for the list before memory is first looked at, so that what is made at first use is not put down to the uploads.
const WARM_UP: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Files, pipes and database of a process, beside a socket and a file for each upload.
const OTHER_FILES: u64 = 500;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    raise_the_limit(args.uploads)?;
    let mut server = Server::fresh(root, "slow-uploads", Build::Release)?;
    let device = server.add_people()?;
    server.start()?;
    let client = Client::new(server.base());
    let cookie = client.sign_in()?;
    fill_the_list(&client, &cookie, &device)?;
    // What the analyses took from the system would hide what the uploads take.
    server.kill()?;
    server.start()?;
    // Tasks on the runtime live as long as the process, and there is one plan in it.
    let plan: &Plan = Box::leak(Box::new(Plan {
        addr: server.addr(),
        token: device.token,
        uploads: args.uploads,
        seconds: args.seconds,
        road: args.road,
    }));
    let mut measured = measure(&server, &cookie, plan)?;
    server.discard()?;
    let met = measured.report(args);
    if !met {
        bail!("a goal was not met");
    }
    Ok(())
}

/// A socket for each upload on both sides, and a file for each that comes in one request. Children inherit the limit.
fn raise_the_limit(uploads: usize) -> Result<()> {
    let wanted = 2 * uploads as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).with_context(|| {
        format!("{wanted} files have to be open at once: run this from a shell with `ulimit -Hn {wanted}`")
    })
}

fn fill_the_list(client: &Client, cookie: &str, device: &Device) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for number in 0..SESSIONS {
        let url = format!("{}/api/upload?filename=before_{number}.csv", client.base);
        let post = client.agent.post(url).content_type("text/csv");
        let answer = post
            .header("authorization", format!("Bearer {}", device.token))
            .send(&files::drive(&mut rng, files::SHORT)[..])?;
        ensure!(
            answer.status().is_success(),
            "upload {number} was answered {}",
            answer.status()
        );
    }
    jobs::wait_for_all(client, cookie)?;
    Ok(())
}

/// Before, meanwhile and after.
struct Measured {
    before: Memory,
    /// The most that was held while all were dripping.
    resident_most: u64,
    peak: u64,
    took: Vec<Duration>,
    stored: usize,
    /// The most that dripped at the same moment.
    at_once: usize,
    load_processor_s: f64,
    server_processor_s: f64,
}

fn measure(server: &Server, cookie: &str, plan: &'static Plan) -> Result<Measured> {
    let progress: &Progress = Box::leak(Box::default());
    let stop = AtomicBool::new(false);
    let (base, process_id) = (server.base(), server.process_id()?);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| watch::ask_for_the_list(&base, cookie, &stop));
        std::thread::sleep(WARM_UP);
        let before = watch::memory(process_id)?;
        let processor = |id| watch::processor_s(id);
        let (load_before, server_before) = (processor(std::process::id())?, processor(process_id)?);
        let dripping = scope.spawn(|| drip::run(plan, progress));
        let (mut resident_most, mut at_once) = (0, 0);
        // From the first byte until the first upload is through: then the disk has 5 000 files to make durable.
        while progress.through.load(Ordering::Relaxed) == 0 && !dripping.is_finished() {
            std::thread::sleep(LOOK_EVERY);
            resident_most = resident_most.max(watch::memory(process_id)?.resident);
            at_once = at_once.max(progress.dripping.load(Ordering::Relaxed));
        }
        stop.store(true, Ordering::Relaxed);
        let (load_after, server_after) = (processor(std::process::id())?, processor(process_id)?);
        let ended = dripping.join().unwrap_or_else(|_| bail!("the load ended badly"));
        let took = asking
            .join()
            .unwrap_or_else(|_| bail!("the asking ended badly"))?;
        ended?;
        Ok(Measured {
            before,
            resident_most,
            peak: watch::memory(process_id)?.peak,
            took,
            stored: progress.stored.load(Ordering::Relaxed),
            at_once,
            load_processor_s: load_after - load_before,
            server_processor_s: server_after - server_before,
        })
    })
}

impl Measured {
    /// Prints the table; says whether every goal is met.
    fn report(&mut self, args: &Args) -> bool {
        let uploads = args.uploads as u64;
        let growth = self.resident_most.saturating_sub(self.before.resident);
        let each = growth.div_ceil(uploads.max(1));
        let (median, slowest) = (
            watch::percentile(&mut self.took, 50),
            watch::percentile(&mut self.took, 100),
        );
        let list = watch::percentile(&mut self.took, 99);
        let rows = [
            (
                "memory for each upload",
                format!("{} KiB", each.div_ceil(KIB)),
                "64 KiB",
                each <= GROWTH_BYTES_MAX,
            ),
            (
                "peak memory, to the very end",
                format!("{} MB", self.peak / 1_000_000),
                "400 MB",
                self.peak <= PEAK_BYTES_MAX,
            ),
            (
                "p99 of GET /api/v1/sessions",
                format!("{:.1} ms", list.as_secs_f64() * 1000.0),
                "50 ms",
                list <= LIST_MAX,
            ),
            (
                "uploads dripping at once",
                self.at_once.to_string(),
                "all",
                self.at_once == args.uploads,
            ),
            (
                "uploads stored in the end",
                self.stored.to_string(),
                "all",
                self.stored == args.uploads,
            ),
        ];
        let seconds = f64::from(args.seconds);
        say(format_args!(
            "{uploads} uploads of {DRIP_BYTES} bytes a second for {seconds} s, {}; release build",
            args.road.words()
        ));
        for (what, found, goal, met) in &rows {
            let met = if *met { "met" } else { "NOT MET" };
            say(format_args!("  {what:<30} {found:>10}   goal {goal:<7} {met}"));
        }
        say(format_args!(
            "  memory before {} MB, most while all dripped {} MB; list: {} answers, median {:.1} ms, slowest {:.1} ms;\n  \
             processor: {:.0} % of a core for the load, {:.0} % for the server",
            self.before.resident / 1_000_000,
            self.resident_most / 1_000_000,
            self.took.len(),
            median.as_secs_f64() * 1000.0,
            slowest.as_secs_f64() * 1000.0,
            self.load_processor_s / seconds * 100.0,
            self.server_processor_s / seconds * 100.0,
        ));
        rows.iter().all(|(.., met)| *met)
    }
}
