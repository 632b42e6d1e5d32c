//! The only place that writes to stdout and stderr.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;

/// Answers a command: one line or several, without the last line end.
pub(crate) fn answer(text: &str) -> anyhow::Result<()> {
    answer_with(|stdout| writeln!(stdout, "{text}"))
}

/// Answers a command with something long.
pub(crate) fn answer_with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        // Whoever reads has had enough, as `head` does; that is no failure of ours.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("stdout cannot be written"),
    }
}

/// Answers a script.
pub(crate) fn answer_json(value: &impl Serialize) -> anyhow::Result<()> {
    answer(&serde_json::to_string_pretty(value).context("the answer cannot be written as JSON")?)
}

/// Tells a person something that is not the answer.
pub(crate) fn note(text: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells why a command failed: the cause, then what lies behind it.
pub(crate) fn failure(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Libraries often repeat their source in their own text.
        if !text.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(&cause);
        }
    }
    note(&text);
}

/// Minutes, seconds and the three decimals that a lap time is known to: `1:52.062`.
pub(crate) fn clock(ms: f64) -> String {
    let whole_ms = ms.round() as i64;
    let (sign, ms) = if whole_ms < 0 {
        ("-", -whole_ms)
    } else {
        ("", whole_ms)
    };
    let (minutes, seconds, ms) = (ms / 60_000, ms / 1_000 % 60, ms % 1_000);
    format!("{sign}{minutes}:{seconds:02}.{ms:03}")
}

/// Rows of cells as columns, the first to the left and all others to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, &width))| {
                    if column == 0 {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                })
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_time_reads_as_on_a_timing_screen() {
        assert_eq!(clock(112_062.4), "1:52.062");
        assert_eq!(clock(59_999.6), "1:00.000");
        assert_eq!(clock(-310.0), "-0:00.310");
    }

    #[test]
    fn columns_line_up() {
        let rows = [
            vec!["lap".to_owned(), "time".to_owned()],
            vec!["1".to_owned(), "1:52.062".to_owned()],
        ];
        assert_eq!(table(&rows), "lap      time\n1    1:52.062");
    }
}
