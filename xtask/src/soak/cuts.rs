//! The tests of the store with more cuts than CI has time for: `crates/sim/tests/store` says what is looked at after each.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::{run_to_end, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Pairs of cuts: one in the life, one in the start that mends it.
    #[arg(long, default_value_t = 100_000)]
    pairs: u32,
    /// Cuts after which `fsck.fat` looks at the card.
    #[arg(long, default_value_t = 500)]
    fsck: u32,
}

/// The tests print how much they cut.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut tests = Command::new("cargo");
    tests
        .current_dir(root)
        .args(["test", "-p", "sim", "--test", "store", "--", "--nocapture"])
        .args(["--test-threads", "2"])
        .env("FIELDPOST_CUT_PAIRS", args.pairs.to_string())
        .env("FIELDPOST_FSCK_CUTS", args.fsck.to_string());
    run_to_end(&mut tests)?;
    say(format_args!(
        "no recording was lost: every step, {} pairs, {} cards under fsck.fat",
        args.pairs, args.fsck
    ));
    Ok(())
}
