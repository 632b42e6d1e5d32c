//! A list of checks that all run, whatever happens to the ones before, and one summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::say;

/// How one check ended.
enum Verdict {
    Passed,
    Failed(String),
    /// Could not run here; the text says why and what would change that.
    Skipped(String),
}

struct Done {
    name: &'static str,
    took: Duration,
    verdict: Verdict,
}

/// The checks so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

impl Steps {
    /// Runs one check; says whether it passed, for the ones that need its result.
    pub(crate) fn run(&mut self, name: &'static str, check: impl FnOnce() -> Result<()>) -> bool {
        say(format_args!("\n==> {name}"));
        let start = Instant::now();
        let verdict = match check() {
            Ok(()) => Verdict::Passed,
            Err(error) => {
                say(format_args!("FAILED: {error:#}"));
                Verdict::Failed(format!("{error:#}"))
            }
        };
        let took = start.elapsed();
        say(format_args!("    {name}: {:.1} s", took.as_secs_f64()));
        let passed = matches!(verdict, Verdict::Passed);
        self.done.push(Done { name, took, verdict });
        passed
    }

    /// Notes a check that cannot run here.
    pub(crate) fn skip(&mut self, name: &'static str, why: impl Into<String>) {
        let why = why.into();
        say(format_args!("\n==> {name}\nSKIPPED: {why}"));
        self.done.push(Done {
            name,
            took: Duration::ZERO,
            verdict: Verdict::Skipped(why),
        });
    }

    /// Prints every check with its duration.
    ///
    /// # Errors
    /// At least one check failed.
    pub(crate) fn finish(self) -> Result<()> {
        say("\nSummary");
        let mut failed = 0;
        for Done { name, took, verdict } in &self.done {
            let took = took.as_secs_f64();
            match verdict {
                Verdict::Passed => say(format_args!("  ok       {took:7.1} s  {name}")),
                Verdict::Failed(why) => {
                    failed += 1;
                    say(format_args!("  FAILED   {took:7.1} s  {name}: {why}"));
                }
                Verdict::Skipped(why) => say(format_args!("  SKIPPED            {name}: {why}")),
            }
        }
        let total: Duration = self.done.iter().map(|done| done.took).sum();
        say(format_args!("  {:.0} s in all", total.as_secs_f64()));
        if failed > 0 {
            bail!("{failed} of {} checks failed", self.done.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_fails_the_whole_and_later_checks_still_run() {
        let mut steps = Steps::default();
        let mut later_ran = false;
        assert!(!steps.run("first", || bail!("no")));
        assert!(steps.run("second", || {
            later_ran = true;
            Ok(())
        }));
        assert!(later_ran);
        assert_eq!(steps.finish().unwrap_err().to_string(), "1 of 2 checks failed");
    }

    #[test]
    fn a_skipped_check_does_not_fail_the_whole() {
        let mut steps = Steps::default();
        steps.skip("audit", "no network");
        assert!(steps.finish().is_ok());
    }
}
