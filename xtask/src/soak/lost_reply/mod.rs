//! The connection goes after the server stored the last byte of an upload and before its answer was heard, at random
//! moments, by device and phone in turn, over both roads. Whoever comes back gets the receipt that was lost, byte for byte, and there is one
//! recording.
//!
//! That the bytes were stored before the connection went is not assumed: the server is asked by another request before
//! the cut, and only such rounds count. Others are played to their end and checked as well.

mod doomed;
mod figures;
mod plan;
mod round;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use self::figures::Figures;
use self::plan::{Plan, Turn};
use self::round::Soak;
use super::server::{Build, Server};
use crate::process::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds in which the bytes were stored before the connection went; those cut earlier come on top.
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// The same seed gives the same files and the same moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            rounds: 1000,
            seed: 1,
        }
    }
}

impl Args {
    pub(crate) fn short() -> Self {
        Self { rounds: 20, seed: 1 }
    }
}

/// Played for each that counts; of the moments at most a fifth come before the bytes are stored.
const PLAYED_PER_ROUND_MAX: u32 = 4;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut server = Server::fresh(root, "lost-reply", Build::Debug)?;
    let device = server.add_people()?;
    server.start()?;
    let soak = Soak::new(&server, device)?;
    let begun = Instant::now();
    let (figures, recordings) = play(&soak, args)?;
    let took_s = begun.elapsed().as_secs_f64();
    let listed = soak.listed()?;
    ensure!(
        listed == recordings,
        "{} recordings are listed after {} rounds",
        listed.len(),
        figures.played()
    );
    say(format_args!(
        "lost reply: {} rounds in {took_s:.0} s ({:.1} a second), each stored before its connection was cut;\n\
         {figures};\n{} recordings, one for each round, and every receipt verifies",
        figures.stored,
        f64::from(figures.played()) / took_s,
        listed.len(),
    ));
    server.discard()
}

/// Plays until enough rounds count; gives the recordings of all that were played.
fn play(soak: &Soak, args: &Args) -> Result<(Figures, BTreeSet<String>)> {
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    let (mut figures, mut recordings) = (Figures::default(), BTreeSet::new());
    while figures.stored < args.rounds {
        let round = figures.played();
        ensure!(
            round < args.rounds.saturating_mul(PLAYED_PER_ROUND_MAX),
            "only {} of {round} rounds were stored before their connection was cut",
            figures.stored
        );
        // One that was cut too early has its turn again.
        let plan = Plan::draw(round, Turn::after(figures.stored), &mut random);
        let at_round = || format!("round {round}, seed {}", args.seed);
        let done = soak.round(&plan).with_context(at_round)?;
        figures.count(&plan, &done);
        ensure!(
            recordings.insert(done.recording_id),
            "round {round}: a recording of an earlier round was answered"
        );
    }
    Ok((figures, recordings))
}
