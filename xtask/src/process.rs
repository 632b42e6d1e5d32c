//! Running other programs: their output stays on the terminal, a failure names the command line, and the closing lines of
//! test runners are added up.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The one place that writes to the terminal.
pub(crate) fn say(text: impl fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A closed pipe (`cargo xtask test | head`) is no reason to stop checking.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Runs a command to its end; an exit code other than 0 is an error.
pub(crate) fn run_to_end(command: &mut Command) -> Result<()> {
    let line = shown(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command and gives back what it wrote to stdout; its stderr stays on the terminal.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = shown(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` wrote something that is not UTF-8"))
}

/// Whether a program is on the path and starts.
pub(crate) fn exists(program: &str) -> bool {
    let mut probe = Command::new(program);
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    line
}

/// How many tests ran, over all runners.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Runs a test runner and adds up its closing lines while its output passes through.
///
/// # Errors
/// The runner failed, or ran no test at all: a filter that matches nothing must not look like success.
pub(crate) fn run_tests(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let line = shown(command);
    command
        .env("CARGO_TERM_COLOR", "never")
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    let stderr = child.stderr.take().context("stderr is piped")?;
    let mut here = Counts::default();
    std::thread::scope(|scope| {
        let errors = scope.spawn(|| relay(stderr));
        here += relay(stdout);
        // The other thread only relays lines; it has nothing to panic about but a lost count would hide failures.
        here += errors.join().unwrap_or_default();
    });
    *counts += here;
    let status = child.wait()?;
    if !status.success() {
        bail!("`{line}` failed: {status}; {here}");
    }
    if here == Counts::default() {
        bail!("`{line}` ran no test");
    }
    Ok(())
}

fn relay(stream: impl std::io::Read) -> Counts {
    let mut counts = Counts::default();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        say(&line);
        counts += closing_line(&line);
    }
    counts
}

/// Reads the closing line of nextest (`Summary […] 12 tests run: 12 passed, 1 skipped`), of the standard harness
/// (`test result: ok. 3 passed; 0 failed; 1 ignored; …`), of vitest (`Tests  1 failed | 4 passed (5)`) and those of Node's
/// runner (`# pass 2` or `ℹ pass 2`, each number on a line of its own); any other line counts nothing.
fn closing_line(line: &str) -> Counts {
    let line = line.trim_start();
    if let Some(line) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
        return node_line(line);
    }
    let is_closing = ["Summary [", "test result: ", "Tests  "]
        .iter()
        .any(|start| line.starts_with(start));
    let mut counts = Counts::default();
    if !is_closing {
        return counts;
    }
    let words: Vec<&str> = line
        .split([' ', ',', ';', '|', '(', ')'])
        .filter(|word| !word.is_empty())
        .collect();
    for pair in words.windows(2) {
        let (Ok(number), word) = (pair[0].parse::<u64>(), pair[1]) else {
            continue;
        };
        match word {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "skipped" | "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    counts
}

fn node_line(line: &str) -> Counts {
    let number = |word: &str| {
        line.strip_prefix(word)
            .and_then(|rest| rest.strip_prefix(' ')?.parse().ok())
            .unwrap_or(0)
    };
    Counts {
        passed: number("pass"),
        failed: number("fail"),
        skipped: number("skipped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_every_runner_are_understood() {
        let nextest = "     Summary [   0.010s] 14 tests run: 12 passed (1 slow), 2 failed, 3 skipped";
        assert_eq!(
            closing_line(nextest),
            Counts {
                passed: 12,
                failed: 2,
                skipped: 3
            }
        );
        let harness =
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s";
        assert_eq!(
            closing_line(harness),
            Counts {
                passed: 3,
                failed: 0,
                skipped: 1
            }
        );
        let vitest = "      Tests  1 failed | 4 passed | 2 skipped (7)";
        assert_eq!(
            closing_line(vitest),
            Counts {
                passed: 4,
                failed: 1,
                skipped: 2
            }
        );
    }

    #[test]
    fn a_test_that_talks_about_passing_is_not_counted() {
        assert_eq!(closing_line("the gate was 3 passed"), Counts::default());
    }

    #[test]
    fn a_runner_that_runs_nothing_is_an_error() {
        let mut counts = Counts::default();
        let error = run_tests(&mut Command::new("true"), &mut counts).unwrap_err();
        assert!(error.to_string().contains("ran no test"), "{error}");
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = run_to_end(Command::new("false").arg("--gate")).unwrap_err();
        assert!(error.to_string().contains("`false --gate` failed"), "{error}");
    }
}
