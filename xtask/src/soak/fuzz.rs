//! Fuzzing by libFuzzer, a few targets at a time, with bounds on memory and time for each input.
//!
//! The pinned compiler is used (`RUSTC_BOOTSTRAP` lets it accept the sanitizer's flag), so nothing beyond cargo-fuzz is
//! installed. What a run finds lives in `target/fuzz`; at the end the smallest inputs that still reach everything are
//! kept in `fuzz/corpus`, where the ordinary tests replay them.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{run_to_end, say};
use crate::system;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// At least this long for each target.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// At least this many executions of each target.
    #[arg(long, default_value_t = 100_000)]
    executions: u64,
    /// Targets at a time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only these; all if none is named.
    targets: Vec<String>,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            minutes: 10,
            executions: 100_000,
            jobs: 2,
            targets: Vec::new(),
        }
    }
}

/// A parser holds a line and a header; the process itself, the sanitizer and libFuzzer's tables need the rest.
const RSS_LIMIT_MB: u32 = 1024;
/// Freed memory that the sanitizer keeps to catch late uses: its default of 256 MB would hide a parser's own growth.
const QUARANTINE_MB: u32 = 16;
/// One allocation this large for an input of at most `MAX_LEN` means that a length was believed.
const MALLOC_LIMIT_MB: u32 = 64;
/// Enough for every header with some rows; longer inputs only make mutation slower.
const MAX_LEN: u32 = 16 * 1024;
/// By the wall clock: an input of `MAX_LEN` takes milliseconds, but a busy machine can stop a process for many seconds.
const TIMEOUT_S: u32 = 60;
/// Rounds of `minutes` that a slow target gets to reach its executions.
const MAX_ROUNDS: u32 = 6;
/// Found inputs that are committed for a target: the smallest first, up to these bounds.
const CORPUS_BYTES_MAX: u64 = 48 * 1024;
const CORPUS_FILES_MAX: usize = 120;

/// How one target fared.
struct Outcome {
    target: String,
    executions: u64,
    took: Duration,
    peak_rss_mb: u64,
    committed: usize,
    result: Result<()>,
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let targets = chosen(root, &args.targets)?;
    system::install_fuzz_packages()?;
    let binaries = build(root, &targets)?;
    let waiting: Mutex<VecDeque<String>> = Mutex::new(targets.into());
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                while let Some(target) = pop(&waiting) {
                    let outcome = soak(root, &binaries, &target, args);
                    say(row(&outcome));
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push(outcome);
                    }
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_by(|a, b| a.target.cmp(&b.target));
    say("\ntarget                  executions  minutes  peak RSS  corpus  result");
    for outcome in &outcomes {
        say(row(outcome));
    }
    let failed = outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
    if failed > 0 {
        bail!("{failed} of {} targets failed", outcomes.len());
    }
    Ok(())
}

fn pop(waiting: &Mutex<VecDeque<String>>) -> Option<String> {
    waiting.lock().ok()?.pop_front()
}

fn row(outcome: &Outcome) -> String {
    let Outcome {
        target,
        executions,
        took,
        peak_rss_mb,
        committed,
        result,
    } = outcome;
    let minutes = took.as_secs_f64() / 60.0;
    let result = match result {
        Ok(()) => "clean".to_owned(),
        Err(error) => format!("FAILED: {error:#}"),
    };
    format!("{target:<22} {executions:>11}  {minutes:>7.1}  {peak_rss_mb:>5} MB  {committed:>6}  {result}")
}

/// Every file in `fuzz/fuzz_targets`, or those that were named.
fn chosen(root: &Path, named: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets")).context("cannot read fuzz/fuzz_targets")? {
        let path = entry?.path();
        all.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    all.sort();
    if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
        bail!("no fuzz target `{unknown}`; there are: {}", all.join(", "));
    }
    Ok(if named.is_empty() { all } else { named.to_vec() })
}

/// Builds the targets with address sanitizer and coverage; answers where the binaries are.
fn build(root: &Path, targets: &[String]) -> Result<PathBuf> {
    let cargo_fuzz = system::tool(root, &system::FUZZ)?;
    let target_dir = root.join("target/fuzz/build");
    for target in targets {
        let mut build = Command::new(&cargo_fuzz);
        build
            .current_dir(root)
            .args(["fuzz", "build", "--features", "libfuzzer", "--target-dir"]);
        build.arg(&target_dir).arg(target);
        // Link-time optimisation costs minutes for each of the binaries and finds nothing.
        build
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off");
        run_to_end(&mut build)?;
    }
    Ok(target_dir.join(format!("{}-unknown-linux-gnu/release", std::env::consts::ARCH)))
}

/// Fuzzes one target until it has had its minutes and its executions, then keeps what was learned.
fn soak(root: &Path, binaries: &Path, target: &str, args: &Args) -> Outcome {
    let start = Instant::now();
    let mut outcome = Outcome {
        target: target.to_owned(),
        executions: 0,
        took: Duration::ZERO,
        peak_rss_mb: 0,
        committed: 0,
        result: Ok(()),
    };
    for _ in 0..MAX_ROUNDS {
        let round = round(root, binaries, target, args.minutes * 60);
        outcome.took = start.elapsed();
        match round {
            Ok(stats) => {
                outcome.executions += stats.executions;
                outcome.peak_rss_mb = outcome.peak_rss_mb.max(stats.peak_rss_mb);
            }
            Err(error) => {
                outcome.result = Err(error);
                return outcome;
            }
        }
        if outcome.executions >= args.executions {
            match keep_the_smallest(root, binaries, target) {
                Ok(committed) => outcome.committed = committed,
                Err(error) => outcome.result = Err(error),
            }
            return outcome;
        }
    }
    let text = format!(
        "{MAX_ROUNDS} rounds were not enough for {} executions",
        args.executions
    );
    outcome.result = Err(anyhow::Error::msg(text));
    outcome
}

#[derive(Debug, PartialEq, Eq)]
struct Stats {
    executions: u64,
    peak_rss_mb: u64,
}

fn round(root: &Path, binaries: &Path, target: &str, seconds: u64) -> Result<Stats> {
    let working = root.join("target/fuzz/corpus").join(target);
    let artifacts = root.join("target/fuzz/artifacts").join(target);
    fs::create_dir_all(&working)?;
    fs::create_dir_all(&artifacts)?;
    let log_path = root.join("target/fuzz").join(format!("{target}.log"));
    let log = fs::File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let status = fuzzer(binaries, target)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .args([&working, &root.join("fuzz/corpus").join(target)])
        .stdout(Stdio::null())
        .stderr(log)
        .status()
        .with_context(|| format!("cannot start the fuzzer of {target}"))?;
    let text = String::from_utf8_lossy(&fs::read(&log_path)?).into_owned();
    if !status.success() {
        bail!(
            "{status}; the input is in {}, the log is {}",
            artifacts.display(),
            log_path.display()
        );
    }
    final_stats(&text)
}

fn fuzzer(binaries: &Path, target: &str) -> Command {
    let mut command = Command::new(binaries.join(target));
    command.env(
        "ASAN_OPTIONS",
        format!("detect_odr_violation=0:quarantine_size_mb={QUARANTINE_MB}"),
    );
    command.arg(format!("-rss_limit_mb={RSS_LIMIT_MB}"));
    command.arg(format!("-malloc_limit_mb={MALLOC_LIMIT_MB}"));
    command.arg(format!("-max_len={MAX_LEN}"));
    command.arg(format!("-timeout={TIMEOUT_S}"));
    command
}

/// Reads libFuzzer's `stat::…` lines.
fn final_stats(log: &str) -> Result<Stats> {
    let stat = |name: &str| {
        let text = log
            .lines()
            .find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':'));
        text.and_then(|text| text.trim().parse().ok())
            .with_context(|| format!("the fuzzer printed no {name}"))
    };
    Ok(Stats {
        executions: stat("number_of_executed_units")?,
        peak_rss_mb: stat("peak_rss_mb")?,
    })
}

/// Replaces the found inputs of the committed corpus by the smallest set that reaches as much; seeds written by hand stay.
fn keep_the_smallest(root: &Path, binaries: &Path, target: &str) -> Result<usize> {
    let committed = root.join("fuzz/corpus").join(target);
    let merged = root.join("target/fuzz/merged").join(target);
    fs::create_dir_all(&committed)?;
    if merged.exists() {
        fs::remove_dir_all(&merged)?;
    }
    fs::create_dir_all(&merged)?;
    let mut merge = fuzzer(binaries, target);
    merge
        .arg("-merge=1")
        .args([&merged, &committed, &root.join("target/fuzz/corpus").join(target)]);
    run_to_end(merge.stdout(Stdio::null()).stderr(Stdio::null()))?;
    for (_, path) in sized_files(&committed)?.iter().filter(|(_, path)| is_found(path)) {
        fs::remove_file(path)?;
    }
    let mut bytes = 0;
    for (size, path) in sized_files(&merged)?.into_iter().take(CORPUS_FILES_MAX) {
        bytes += size;
        if bytes > CORPUS_BYTES_MAX {
            break;
        }
        let name = path.file_name().context("a corpus file has a name")?;
        fs::copy(&path, committed.join(name))?;
    }
    Ok(sized_files(&committed)?.len())
}

/// Files of a folder with their sizes, the smallest first.
fn sized_files(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        files.push((entry.metadata()?.len(), entry.path()));
    }
    files.sort();
    Ok(files)
}

/// libFuzzer names an input by its SHA-1; a seed has a name that a person gave it.
fn is_found(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_figures_are_read() {
        let log = "Done 5 runs\nstat::number_of_executed_units: 123456\nstat::average_exec_per_sec:     7\nstat::peak_rss_mb:              88\n";
        assert_eq!(
            final_stats(log).unwrap(),
            Stats {
                executions: 123_456,
                peak_rss_mb: 88
            }
        );
    }

    #[test]
    fn a_log_without_figures_is_an_error() {
        assert!(final_stats("crashed").is_err());
    }

    #[test]
    fn seeds_are_told_from_found_inputs_by_their_names() {
        assert!(is_found(Path::new("a/0123456789abcdef0123456789abcdef01234567")));
        assert!(!is_found(Path::new("a/two_laps.vbo")));
    }
}
