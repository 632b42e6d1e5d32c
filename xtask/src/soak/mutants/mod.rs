//! Changes that would cost somebody data, planted one after the other, to see that each is noticed.
//!
//! The code is copied to a folder of its own, so that nobody works on mutated files. A mutant that does not compile proves nothing and
//! is a failure; so is one that does not apply any more.

mod patch;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{run_to_end, say};
use patch::{Finder, Mutant};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these; all if none is named.
    names: Vec<String>,
}

/// A mutant that sends the tests round in a circle is noticed too.
const PATIENCE: Duration = Duration::from_mins(10);
/// In so many worlds a planted bug has to show.
const WORLDS: u32 = 500;

enum Outcome {
    Found { by: String, took: Duration },
    Hangs,
    Survives,
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mutants = chosen(root, &args.names)?;
    let tree = super::tree::copy(root, "mutants")?;
    for finder in [Finder::Cuts, Finder::Worlds] {
        let is_asked = mutants.iter().any(|mutant| mutant.finders.contains(&finder));
        if is_asked && !matches!(look(root, &tree, finder)?, Outcome::Survives) {
            bail!("{finder:?} finds something where nothing was planted");
        }
    }
    let mut survivors = 0;
    let mut table = vec!["| planted | found by | within |\n|---|---|---|".to_owned()];
    for mutant in &mutants {
        mutant.apply(&tree)?;
        let outcomes: Result<Vec<Outcome>> = mutant
            .finders
            .iter()
            .map(|finder| look(root, &tree, *finder))
            .collect();
        mutant.take_back(root, &tree)?;
        for outcome in outcomes.with_context(|| mutant.name.clone())? {
            survivors += usize::from(matches!(outcome, Outcome::Survives));
            let row = format!("| {} | {outcome} |", mutant.title);
            say(&row);
            table.push(row);
        }
    }
    say(table.join("\n"));
    if survivors > 0 {
        bail!("{survivors} were not noticed");
    }
    Ok(())
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { by, took } => write!(f, "{by} | {:.0} s", took.as_secs_f64()),
            Self::Hangs => f.write_str("it goes round in a circle |"),
            Self::Survives => f.write_str("**nobody** |"),
        }
    }
}

fn chosen(root: &Path, names: &[String]) -> Result<Vec<Mutant>> {
    let all = patch::read_all(&root.join("crates/sim/mutants"))?;
    if let Some(unknown) = names
        .iter()
        .find(|name| all.iter().all(|mutant| mutant.name != **name))
    {
        bail!("no mutant is called `{unknown}`");
    }
    Ok(all
        .into_iter()
        .filter(|mutant| names.is_empty() || names.contains(&mutant.name))
        .collect())
}

/// Lets a finder look at the tree as it is.
fn look(root: &Path, tree: &Path, finder: Finder) -> Result<Outcome> {
    run_to_end(cargo(root, tree, finder).arg("--no-run")).context("it does not compile")?;
    let began = Instant::now();
    let log = root.join("target/mutants/log");
    let mut look = cargo(root, tree, finder);
    if finder == Finder::Worlds {
        look.env("FIELDPOST_WORLD_SEEDS", format!("0..{WORLDS}")).args([
            "--",
            "--exact",
            "devices_keep_their_promises_in_harsh_worlds",
        ]);
    }
    let file = fs::File::create(&log)?;
    look.stdout(Stdio::from(file.try_clone()?))
        .stderr(Stdio::from(file));
    let mut child = look.spawn().context("cannot start cargo")?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(Outcome::Hangs);
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    if status.success() {
        return Ok(Outcome::Survives);
    }
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    Ok(Outcome::Found {
        by: first_failure(&said).context("cargo failed, and no test")?,
        took: began.elapsed(),
    })
}

fn cargo(root: &Path, tree: &Path, finder: Finder) -> Command {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", root.join("target/mutants/build"))
        .args(["test", "--locked", "--quiet", "--package", "sim"]);
    match finder {
        Finder::Cuts => cargo.args([
            "--no-fail-fast",
            "--test",
            "store",
            "--test",
            "ledger",
            "--test",
            "recorder",
        ]),
        Finder::Worlds => cargo.args(["--release", "--test", "world"]),
    };
    cargo
}

/// The first test that a runner names as failed.
fn first_failure(said: &str) -> Option<String> {
    let seed = said
        .lines()
        .find_map(|line| line.strip_prefix("fieldpost sim world "));
    if let Some(seed) = seed {
        return Some(format!("`{}`", seed.trim_end_matches(" --faults harsh")));
    }
    let named = said.lines().find_map(|line| {
        let name = line.strip_prefix("---- ")?.strip_suffix(" stdout ----")?;
        Some(format!("`{name}`"))
    });
    // What goes down with the whole process (an overflow of the stack) names nobody.
    named.or_else(|| {
        said.contains("process didn't exit successfully")
            .then(|| "the end of the process".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_that_failed_is_named() {
        let said = "running 2 tests\n.F\nfailures:\n\n---- cuts::every_cut stdout ----\nthread panicked";
        assert_eq!(first_failure(said).as_deref(), Some("`cuts::every_cut`"));
        let said =
            "---- devices_keep_their_promises stdout ----\nfieldpost sim world --seed 12 --faults harsh\n";
        assert_eq!(first_failure(said).as_deref(), Some("`--seed 12`"));
        assert_eq!(first_failure("error: could not compile"), None);
    }
}
