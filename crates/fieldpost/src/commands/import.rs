//! `fieldpost import`: files to a server, with progress, and a plain word on each.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use server::auth::secret::Token;

use crate::output;
use crate::remote::{Remote, Stored, UploadError};

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// Recordings in any format.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Base URL of the server: https://laps.example.org
    #[arg(long, env = "FIELDPOST_SERVER", value_name = "URL")]
    server: String,
    /// The device's token, as `fieldpost device add` prints it.
    #[arg(long, env = "FIELDPOST_TOKEN", value_name = "T", hide_env_values = true, value_parser = presented,
        allow_hyphen_values = true)]
    token: Option<Token>,
    /// A file that holds the token, so that it stands in no process list.
    #[arg(
        long,
        env = "FIELDPOST_TOKEN_FILE",
        value_name = "FILE",
        conflicts_with = "token"
    )]
    token_file: Option<PathBuf>,
    /// Print what happened to each file as JSON.
    #[arg(long)]
    json: bool,
}

/// What happened to all files.
#[derive(Serialize)]
struct Summary {
    files: Vec<Outcome>,
    stored: usize,
    duplicates: usize,
    failed: usize,
}

/// What happened to one file.
#[derive(Serialize)]
struct Outcome {
    file: PathBuf,
    #[serde(flatten)]
    result: Sent,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Sent {
    Stored(Receipt),
    /// The server had these bytes under this name already.
    Duplicate(Receipt),
    Failed {
        error: String,
    },
}

#[derive(Serialize)]
struct Receipt {
    recording_id: String,
    session_id: String,
    sha256: String,
    size_bytes: u64,
}

impl Import {
    /// Sends every file; one that fails does not keep the others back, but makes the exit code 1.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let remote = Remote::new(&self.server, self.token()?);
        let progress = Progress::new(&self.files);
        let mut files = Vec::with_capacity(self.files.len());
        for file in self.files {
            let sent = Sent::from(remote.upload(&file, &mut |bytes| progress.sending(bytes)));
            progress.done(&file);
            if !self.json {
                progress.say(&sent.to_line(&file));
            }
            files.push(Outcome { file, result: sent });
        }
        progress.finish();
        let summary = Summary::of(files);
        if self.json {
            output::answer_json(&summary)?;
        } else {
            output::answer(&summary.to_line())?;
        }
        Ok(if summary.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn token(&self) -> anyhow::Result<Token> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(token.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("the token file {} cannot be read", path.display()))?;
                Ok(Token::presented(text.trim()))
            }
            (None, None) => bail!(
                "no token; give --token or --token-file (`fieldpost device add NAME --user EMAIL` on the server prints one)"
            ),
        }
    }
}

/// A token from the command line or the environment.
fn presented(text: &str) -> Result<Token, Infallible> {
    Ok(Token::presented(text))
}

impl From<Result<Stored, UploadError>> for Sent {
    fn from(result: Result<Stored, UploadError>) -> Self {
        match result {
            Ok(Stored {
                recording_id,
                session_id,
                sha256,
                size_bytes,
                duplicate,
            }) => {
                let receipt = Receipt {
                    recording_id,
                    session_id,
                    sha256,
                    size_bytes,
                };
                if duplicate {
                    Self::Duplicate(receipt)
                } else {
                    Self::Stored(receipt)
                }
            }
            Err(error) => Self::Failed {
                error: error.to_string(),
            },
        }
    }
}

impl Sent {
    fn to_line(&self, file: &Path) -> String {
        let file = file.display();
        match self {
            Self::Stored(receipt) => format!("{file}: stored, {}", HumanBytes(receipt.size_bytes)),
            Self::Duplicate(_) => format!("{file}: was there already"),
            Self::Failed { error } => format!("{file}: not stored: {error}"),
        }
    }
}

impl Summary {
    fn of(files: Vec<Outcome>) -> Self {
        let count = |is: fn(&Sent) -> bool| files.iter().filter(|file| is(&file.result)).count();
        Self {
            stored: count(|sent| matches!(sent, Sent::Stored(_))),
            duplicates: count(|sent| matches!(sent, Sent::Duplicate(_))),
            failed: count(|sent| matches!(sent, Sent::Failed { .. })),
            files,
        }
    }

    fn to_line(&self) -> String {
        format!(
            "{} stored, {} there already, {} failed",
            self.stored, self.duplicates, self.failed
        )
    }
}

/// Bytes over the whole batch, shown on a terminal and nowhere else; it only moves forward, also when a try is repeated.
struct Progress {
    bar: ProgressBar,
    before_bytes: std::cell::Cell<u64>,
}

impl Progress {
    fn new(files: &[PathBuf]) -> Self {
        let bar = ProgressBar::new(files.iter().map(|file| size_bytes(file)).sum());
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            before_bytes: std::cell::Cell::new(0),
        }
    }

    fn sending(&self, bytes: u64) {
        self.bar
            .set_position(self.bar.position().max(self.before_bytes.get() + bytes));
    }

    fn done(&self, file: &Path) {
        self.before_bytes.set(self.before_bytes.get() + size_bytes(file));
        self.sending(0);
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| output::note(line));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What cannot be read counts nothing; the upload itself says why.
fn size_bytes(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}
