//! `fieldpost rebuild`: derives everything again from the raw recordings and says whether the same bytes came out.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use server::backend::Backend;
use server::rebuild::{Outcome, Rebuilt, rebuild};

use crate::data_dir::{DataDir, block_on};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    data_dir: DataDir,
    /// Print what became of each session and picture as JSON.
    #[arg(long)]
    json: bool,
}

/// Nothing is taken in while rebuilding.
const RECORDING_BYTES_MAX: u64 = 0;

impl Rebuild {
    /// Exit code 1 when a raw recording is missing or damaged, cannot be analysed any more or its derived files could not be
    /// replaced; derived files that were replaced are repaired, not an error.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} recordings {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let rebuilt = block_on(async {
            let backend = Backend::open(self.data_dir.existing()?, RECORDING_BYTES_MAX).await?;
            let each = |done: usize, all: usize, _: &Rebuilt| {
                bar.set_length(all as u64);
                bar.set_position(done as u64);
            };
            Ok(rebuild(&backend, each).await?)
        })?;
        bar.finish_and_clear();
        if self.json {
            output::answer_json(&rebuilt)?;
        } else {
            output::answer(&summary(&rebuilt))?;
        }
        Ok(if rebuilt.iter().all(|one| one.outcome.is_sound()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn summary(rebuilt: &[Rebuilt]) -> String {
    let mut lines = Vec::new();
    for one in rebuilt {
        let name = &one.file_name;
        match &one.outcome {
            Outcome::Equal { .. } => {}
            Outcome::Replaced { files } => lines.push(format!("{name}: replaced {}", files.join(", "))),
            Outcome::RawMissing { path } => lines.push(format!(
                "{name}: raw missing: {path} is not there; bring it back from a backup"
            )),
            Outcome::RawUnreadable { path, reason } => lines.push(format!(
                "{name}: raw unreadable: {path}: {reason}; see to the disk, or bring the file back from a backup"
            )),
            Outcome::NowFails { message, .. } => lines.push(format!("{name}: cannot be analysed now: {message}")),
            Outcome::NotReplaced { files, reason } => {
                lines.push(format!("{name}: not replaced {}: {reason}", files.join(", ")));
            }
            Outcome::Damaged { expected_sha256, found_sha256 } => lines.push(format!(
                "{name}: the raw recording is damaged (SHA-256 {found_sha256}, stored as {expected_sha256}); bring it \
                 back from a backup"
            )),
        }
    }
    let (sessions, pictures): (Vec<&Rebuilt>, Vec<&Rebuilt>) =
        rebuilt.iter().partition(|one| one.session_id.is_some());
    lines.push(counted(&sessions, "sessions"));
    if !pictures.is_empty() {
        lines.push(counted(&pictures, "pictures"));
    }
    lines.join("\n")
}

fn counted(rebuilt: &[&Rebuilt], what: &str) -> String {
    let same = |one: &&&Rebuilt| matches!(one.outcome, Outcome::Equal { .. });
    let equal = rebuilt.iter().filter(same).count();
    format!("{} {what}, {equal} with the same bytes as before", rebuilt.len())
}
