//! Kills the real server with SIGKILL at random moments while devices send recordings whole and in pieces, pictures and
//! heartbeats, and then looks for everything that was acknowledged.
//!
//! What must hold after every kill: a recording whose upload was answered with 2xx is there with its SHA-256; every
//! object that is visible has the content that its name says; everything that is listed has its recording; an offset that
//! was told is where an upload goes on, or before it. After the last kill every job finishes, every receipt verifies with the keys of
//! the first start, hours are at least those that were acknowledged, and one more start leaves no object without a row and nothing
//! unfinished. A process kill leaves the page cache alone, so this proves ordering and recovery, not
//! fsync; the crashing file system in the server's own tests proves that.

mod check;
mod devices;
mod field;
mod ledger;
mod pulse;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use wire::receipt::PublicKey;

use self::check::Checker;
use self::field::{Field, Gate};
use self::ledger::Ledger;
use super::client::{Client, Who};
use super::server::{Build, Server};
use super::{jobs, receipts};
use crate::postgres::Cluster;
use crate::process::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 500)]
    kills: u32,
    /// The same seed gives the same moments and the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the rows in a PostgreSQL server that is started for this; it is not killed.
    #[arg(long)]
    postgres: bool,
}

impl Args {
    pub(crate) fn short(kills: u32) -> Self {
        Self {
            kills,
            seed: 1,
            postgres: false,
        }
    }
}

/// Devices of each kind.
const WHOLE: u64 = 4;
const IN_PIECES: u64 = 3;
const LOGGERS: u64 = 2;
/// From readiness to the kill: from "hardly started" to "many uploads and jobs under way".
const ALIVE_MS: std::ops::Range<u64> = 5..700;
/// The complete comparison reads every row again: after every kill it would make the proof quadratic.
const KILLS_BETWEEN_COMPLETE_CHECKS: u32 = 50;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let cluster = args.postgres.then(Cluster::start).transpose()?;
    let mut server = Server::fresh(root, "kill", Build::Debug)?;
    if let Some(cluster) = &cluster {
        server = server.with_database(cluster.database("kill_soak")?);
    }
    let device = server.add_people()?;
    server.start()?;
    let client = Client::new(server.base());
    let (cookie, keys) = (client.sign_in()?, client.keys()?);
    let ledger = Ledger::default();
    let field = Field {
        client: &client,
        ledger: &ledger,
        who: Who::device(&device.token),
        device: device.id.clone(),
        gate: Gate::default(),
    };
    let mut soak = Soak {
        checker: Checker::new(server.data_dir.clone(), cookie.clone()),
        server,
        cookie,
        keys,
    };
    let begun = Instant::now();
    std::thread::scope(|scope| {
        send_everything(scope, &field, args.seed);
        let outcome = soak.kill_again_and_again(&field, args);
        // Also after a failure: the devices would go on for ever.
        *field.gate.close() = true;
        outcome
    })?;
    soak.end(&field, args.kills, begun)?;
    soak.server.discard()
}

/// All devices, each on a thread and with a seed of its own.
fn send_everything<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    field: &'scope Field<'scope>,
    seed: u64,
) {
    let seeds = seed * 1000..;
    let mut seeds = seeds.into_iter();
    let mut next = move || seeds.next().unwrap_or_default();
    for _ in 0..WHOLE {
        let seed = next();
        scope.spawn(move || devices::send_whole(field, seed));
    }
    for _ in 0..IN_PIECES {
        let seed = next();
        scope.spawn(move || devices::send_in_pieces(field, seed));
    }
    for logger in 0..LOGGERS {
        let seed = next();
        scope.spawn(move || pulse::beat(field, logger, seed));
    }
}

struct Soak {
    server: Server,
    checker: Checker,
    cookie: String,
    /// Of before the first kill.
    keys: Vec<PublicKey>,
}

impl Soak {
    fn kill_again_and_again(&mut self, field: &Field<'_>, args: &Args) -> Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
        for kill in 1..=args.kills {
            std::thread::sleep(Duration::from_millis(rng.random_range(ALIVE_MS)));
            self.server.kill()?;
            // What was under way broke with the server; nothing begins before all is compared.
            let _closed = field.gate.close();
            self.compare(field, kill)
                .with_context(|| format!("after kill {kill}"))?;
        }
        Ok(())
    }

    fn compare(&mut self, field: &Field<'_>, kill: u32) -> Result<()> {
        self.checker.objects_are_whole()?;
        self.server.start()?;
        for stored in &field.ledger.unchecked() {
            self.checker.acknowledged(field.client, stored)?;
        }
        if let Some(wrong) = field.ledger.first_wrong() {
            bail!(wrong);
        }
        if kill.is_multiple_of(KILLS_BETWEEN_COMPLETE_CHECKS) {
            self.checker.complete(field.client)?;
            pulse::check(field.client, &self.cookie, &field.device, field.ledger)?;
            let figures = field.ledger.figures();
            say(format_args!(
                "{kill} kills, {} recordings and {} heartbeats acknowledged, nothing lost",
                figures.stored, figures.heartbeats
            ));
        }
        Ok(())
    }

    /// Everything is sent; looks at all of it again, before and after one more start.
    fn end(&mut self, field: &Field<'_>, kills: u32, begun: Instant) -> Result<()> {
        jobs::wait_for_all(field.client, &self.cookie)?;
        let given_up = jobs::again_where_given_up(field.client, &self.cookie)?;
        let looked_at = jobs::wait_for_all(field.client, &self.cookie)?;
        let acknowledged = field.ledger.all();
        for stored in &acknowledged {
            self.checker.acknowledged(field.client, stored)?;
            receipts::verify(&self.keys, &stored.receipt, &stored.sent)?;
        }
        self.server.kill()?;
        self.server.start()?;
        let objects = self.checker.complete(field.client)?;
        self.checker.swept()?;
        let hours = pulse::check(field.client, &self.cookie, &field.device, field.ledger)?;
        let figures = field.ledger.figures();
        say(format_args!(
            "{kills} kills in {:.0} s: {} recordings acknowledged, {} requests refused, {} broken off by a kill;\n\
             every acknowledged recording is there with its SHA-256, {} receipts verify offline;\n\
             {objects} objects, all whole, none without a row after the sweep, nothing unfinished left;\n\
             {} pieces answered, {} uploads gone on with after a kill, no acknowledged offset went back;\n\
             {} heartbeats acknowledged, {} sessions, {:.1} h counted, none of the acknowledged missing;\n\
             {} sessions and pictures looked at, {given_up} analyses asked for again after five kills in five tries, {} with an error",
            begun.elapsed().as_secs_f64(),
            figures.stored,
            figures.refused,
            figures.broken_off,
            acknowledged.len(),
            figures.pieces,
            figures.resumed,
            figures.heartbeats,
            hours.sessions,
            hours.counted_h,
            looked_at.done,
            looked_at.failed,
        ));
        if let Some(wrong) = field.ledger.first_wrong() {
            bail!(wrong);
        }
        ensure!(
            figures.stored > 0 && figures.heartbeats > 0 && figures.pieces > 0,
            "not everything was sent: nothing was proved"
        );
        ensure!(
            figures.refused == 0,
            "{} requests were refused by a server that was up; the last: {}",
            figures.refused,
            field.ledger.last_refusal()
        );
        ensure!(
            looked_at.failed == 0,
            "{} jobs failed on files that are whole",
            looked_at.failed
        );
        Ok(())
    }
}
