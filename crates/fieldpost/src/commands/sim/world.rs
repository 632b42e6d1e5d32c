//! `fieldpost sim world`: one world or thousands, on two threads.

use std::num::NonZeroU64;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sim::world::{Clock, Level, Outcome, Plan, Summary, Violation, run, shrunk};

use crate::output;

const THREADS: usize = 2;
/// Worlds that are tried to make one smaller that breaks a promise.
const SMALLER_TRIES: u32 = 120;

#[derive(Debug, clap::Args)]
pub(crate) struct World {
    /// One world.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Many: A..B, without B.
    #[arg(long, value_parser = seeds, default_value = "0..100")]
    seeds: Range<u64>,
    /// End each world after so many steps, wherever it is then.
    #[arg(long)]
    steps: Option<NonZeroU64>,
    /// How much goes wrong.
    #[arg(long, value_parser = level, default_value = "harsh")]
    faults: Level,
    /// The answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    faults: &'static str,
    seeds: [u64; 2],
    seconds: f64,
    worlds_per_s: f64,
    #[serde(flatten)]
    summary: Summary,
    /// Of one world alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    violation: Option<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    seed: u64,
    promise: &'static str,
    says: String,
    at: String,
    before: Vec<String>,
    /// What has to happen for it.
    needs: Vec<String>,
    repeat: String,
}

impl World {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let seeds = match self.seed {
            Some(seed) => {
                seed..seed
                    .checked_add(1)
                    .context("there is no world behind that seed")?
            }
            None => self.seeds.clone(),
        };
        if seeds.is_empty() {
            bail!(
                "{}..{} has no seed in it: A..B is from A to the one before B",
                seeds.start,
                seeds.end
            );
        }
        let began = Instant::now();
        let all = self.all(&seeds);
        let seconds = began.elapsed().as_secs_f64();
        let found = all
            .first
            .map(|(seed, violation)| self.explained(seed, &violation));
        let report = Report {
            faults: self.faults.name(),
            seeds: [seeds.start, seeds.end],
            seconds,
            worlds_per_s: all.summary.worlds as f64 / seconds,
            summary: all.summary,
            hash: all.hash.filter(|_| seeds.end - seeds.start == 1).map(hex::encode),
            violation: found,
        };
        let is_kept = report.violation.is_none();
        if self.json {
            output::answer_json(&report)?;
        } else {
            output::answer(&table(&report))?;
        }
        Ok(if is_kept {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn steps_max(&self) -> u64 {
        self.steps.map_or(u64::MAX, NonZeroU64::get)
    }

    /// Every seed, until one breaks a promise; then the lower ones that were begun are waited for.
    fn all(&self, seeds: &Range<u64>) -> All {
        let next = AtomicU64::new(seeds.start);
        let stop = AtomicBool::new(false);
        let bar = bar(seeds.end - seeds.start);
        let parts = thread::scope(|scope| {
            let work = || self.some(seeds, &next, &stop, &bar);
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect::<Vec<_>>()
        });
        bar.finish_and_clear();
        let mut all = All::default();
        for part in parts {
            match part {
                Ok(part) => all.add(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    }

    fn some(&self, seeds: &Range<u64>, next: &AtomicU64, stop: &AtomicBool, bar: &ProgressBar) -> All {
        let mut all = All::default();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            let outcome = run(&Plan::draw(seed, self.faults), self.steps_max());
            if outcome.violation.is_some() {
                stop.store(true, Ordering::Relaxed);
            }
            all.take(seed, outcome);
            bar.inc(1);
        }
        all
    }

    fn explained(&self, seed: u64, violation: &Violation) -> Found {
        let plan = Plan::draw(seed, self.faults);
        let small = shrunk(&plan, violation.broken.rule, self.steps_max(), SMALLER_TRIES);
        let needs = small.happenings.iter();
        let steps = self
            .steps
            .map(|steps| format!(" --steps {steps}"))
            .unwrap_or_default();
        Found {
            seed,
            promise: violation.broken.rule.promise(),
            says: violation.broken.says.clone(),
            at: Clock(violation.at).to_string(),
            before: violation
                .before
                .iter()
                .map(|(at, what)| format!("{} {what}", Clock(*at)))
                .collect(),
            needs: needs
                .map(|(at, what)| format!("{} {what:?}", Clock(*at)))
                .collect(),
            repeat: format!(
                "fieldpost sim world --seed {seed} --faults {}{steps}",
                self.faults
            ),
        }
    }
}

/// What some worlds came to.
#[derive(Debug, Default)]
struct All {
    summary: Summary,
    hash: Option<[u8; 32]>,
    /// The one with the lowest seed.
    first: Option<(u64, Violation)>,
}

impl All {
    fn take(&mut self, seed: u64, outcome: Outcome) {
        self.summary.add(&outcome.summary);
        self.hash = Some(outcome.hash);
        if let Some(violation) = outcome.violation {
            self.found(seed, violation);
        }
    }

    fn add(&mut self, other: Self) {
        self.summary.add(&other.summary);
        self.hash = self.hash.or(other.hash);
        if let Some((seed, violation)) = other.first {
            self.found(seed, violation);
        }
    }

    fn found(&mut self, seed: u64, violation: Violation) {
        if self.first.as_ref().is_none_or(|(first, _)| seed < *first) {
            self.first = Some((seed, violation));
        }
    }
}

fn bar(worlds: u64) -> ProgressBar {
    let bar = ProgressBar::new(worlds);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} worlds, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn table(report: &Report) -> String {
    let Report { summary, .. } = report;
    let mut lines = vec![format!(
        "{} worlds, faults {}, {:.1} worlds/s",
        summary.worlds, report.faults, report.worlds_per_s
    )];
    let mut row = |what: &str, count: u64| lines.push(format!("  {count:>14}  {what}"));
    row("recordings", summary.recordings);
    row("samples", summary.samples);
    row("bytes delivered", summary.delivered_bytes);
    row("cuts", summary.cuts);
    row("cuts during a receipt", summary.cuts_during_receipt);
    row("faults that happened, by kind:", summary.faults.values().sum());
    for (kind, count) in &summary.faults {
        row(kind, *count);
    }
    if let Some(hash) = &report.hash {
        lines.push(format!("hash {hash}"));
    }
    match &report.violation {
        None => lines.push("every promise was kept".to_owned()),
        Some(found) => lines.extend(told(found)),
    }
    lines.join("\n")
}

fn told(found: &Found) -> Vec<String> {
    let mut lines = vec![
        format!("NOT KEPT in world {}: {}", found.seed, found.promise),
        format!("  {} {}", found.at, found.says),
        "what happened before:".to_owned(),
    ];
    lines.extend(found.before.iter().map(|line| format!("  {line}")));
    lines.push("it needs no more than:".to_owned());
    lines.extend(found.needs.iter().map(|line| format!("  {line}")));
    lines.push(format!("again: {}", found.repeat));
    lines
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parsed = text
        .split_once("..")
        .and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parsed.ok_or_else(|| format!("{text} is not of the form 0..100"))
}

fn level(text: &str) -> Result<Level, String> {
    let known = Level::ALL.into_iter().find(|level| level.name() == text);
    known.ok_or_else(|| format!("{text} is none of none, mild and harsh"))
}
