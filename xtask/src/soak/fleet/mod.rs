//! Kills the real server while a fleet of simulated devices delivers to it, and then looks for everything that any of them holds.
//!
//! ```text
//! fieldpost sim fleet ──► fieldpost serve ◄── SIGKILL, start, SIGKILL, start …
//!        └─ list of what the devices hold ─► compared with rows, objects on the disk, receipts
//! ```
//!
//! What must hold in the end: the fleet says itself that nothing is missing; every recording that a device holds, or held and deleted,
//! is on the server under its device and name with the same SHA-256, in its rows and in the bytes of an object; every receipt verifies with
//! the keys of the first start; no upload is left unfinished.

mod check;
mod run;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::check::Checked;
use self::run::{Outcome, Run};
use super::client::Client;
use super::server::{Build, Server};
use crate::process::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 200)]
    devices: u32,
    #[arg(long, default_value_t = 10)]
    kills: u32,
    /// The same seed gives the same devices, rides and moments of kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How much faster than ours the devices' time goes.
    #[arg(long, default_value_t = 20)]
    speed: u32,
    /// Use the server and the devices as the tests have them: slower, and with their assertions.
    #[arg(long)]
    debug: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            devices: 200,
            kills: 10,
            seed: 1,
            speed: 20,
            debug: false,
        }
    }
}

impl Args {
    /// For every push.
    pub(crate) fn short() -> Self {
        Self {
            devices: 10,
            kills: 2,
            seed: 1,
            speed: 40,
            debug: true,
        }
    }

    fn rough(&self) -> Duration {
        BEFORE_KILLS + A_KILL * self.kills + AFTER_KILLS
    }
}

/// Until the first devices have something to deliver.
const BEFORE_KILLS: Duration = Duration::from_secs(3);
/// The server is killed once in so long, at a random moment.
const A_KILL: Duration = Duration::from_millis(4500);
const AFTER_KILLS: Duration = Duration::from_secs(1);
/// It stays away for so long.
const DOWN_MS: std::ops::Range<u64> = 0..1500;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let build = if args.debug { Build::Debug } else { Build::Release };
    let mut server = Server::fresh(root, "fleet", build)?;
    server.add_people()?;
    let key = server.add_fleet_key()?;
    server.start()?;
    let client = Client::new(server.base());
    let (cookie, keys) = (client.sign_in()?, client.keys()?);
    let begun = Instant::now();
    let fleet = Run::start(&server, &key, args)?;
    kill_again_and_again(&mut server, args, begun)?;
    let outcome = fleet.end()?;
    let lived = begun.elapsed();
    // What is on the disk has to be enough for another start.
    server.kill()?;
    server.start()?;
    let checked = check::everything(&server, &client, &cookie, &keys, &outcome.held)?;
    say(table(args, &outcome, &checked, lived)?);
    if let Some(violation) = outcome.violations()?.first() {
        bail!("the fleet says: {violation}");
    }
    ensure!(outcome.is_success, "the fleet ended with a failure");
    if let Some(wrong) = checked.wrong.first() {
        bail!("{} things are wrong, the first: {wrong}", checked.wrong.len());
    }
    ensure!(
        outcome.held.len() >= args.devices as usize,
        "hardly anything was recorded: nothing was proved"
    );
    server.discard()
}

fn kill_again_and_again(server: &mut Server, args: &Args, begun: Instant) -> Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(args.seed);
    for kill in 0..args.kills {
        let slot = BEFORE_KILLS + A_KILL * kill;
        let down = Duration::from_millis(rng.random_range(DOWN_MS));
        // The rest of the slot is for coming back.
        let at = slot + (A_KILL - Duration::from_millis(DOWN_MS.end)).mul_f64(rng.random());
        std::thread::sleep(at.saturating_sub(begun.elapsed()));
        server.kill()?;
        std::thread::sleep(down);
        server.start()?;
    }
    Ok(())
}

fn table(args: &Args, outcome: &Outcome, checked: &Checked, lived: Duration) -> Result<String> {
    let figure = |key| outcome.figure(key);
    let rows = [
        ("devices", u64::from(args.devices)),
        ("kills of the server", u64::from(args.kills)),
        ("seconds", lived.as_secs()),
        ("recordings", figure("recordings")?),
        ("their bytes", figure("bytes")?),
        ("bytes sent, repeats included", figure("sent_bytes")?),
        ("exchanges", figure("exchanges")?),
        ("power cuts", figure("power_cuts")?),
        ("networks lost", figure("networks_lost")?),
        ("exchanges without a route", figure("no_route")?),
        ("connections cut in a body", figure("cut_in_body")?),
        ("answers lost", figure("answers_lost")?),
        ("exchanges broken by a kill", figure("broken_by_server")?),
        ("receipts that devices verified", figure("receipts_verified")?),
        ("receipts that verify afterwards", checked.receipts),
        ("recordings in the server's rows", checked.in_rows),
        ("recordings whose object has their SHA-256", checked.in_objects),
        ("deleted by a device, with receipt", checked.deleted),
        ("wrong", checked.wrong.len() as u64),
    ];
    let lines = rows.iter().map(|(name, value)| format!("{name:<44}{value:>14}"));
    let seen = figure("server_restarts").context("the fleet feels the server's pulse")?;
    let pulse = format!("the fleet saw the server come back {seen} times");
    Ok(lines.chain([pulse]).collect::<Vec<_>>().join("\n"))
}
