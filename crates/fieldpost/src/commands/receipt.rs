//! `fieldpost receipt`: checking a receipt without any server, and the server's keys for them.

mod given;
mod verify;

use std::process::ExitCode;

use server::receipts;

use crate::data_dir::{DataDir, block_on};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Receipt {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Whether a receipt proves that a server stored exactly this file; asks nobody.
    Verify(verify::Verify),
    /// Make a new key for receipts, which the present one signs for; a running server signs with it within 10 s.
    RotateKey {
        #[command(flatten)]
        data_dir: DataDir,
        /// Print {"key_id", "public_key"} as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say that an older state of the data was put back: devices offer again what they still have.
    NewEpoch {
        #[command(flatten)]
        data_dir: DataDir,
        /// Print {"storage_epoch"} as JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Receipt {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Verify(verify) => return verify.run(),
            Action::RotateKey { data_dir, json } => rotate_key(&data_dir, json)?,
            Action::NewEpoch { data_dir, json } => new_epoch(&data_dir, json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rotate_key(data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let key = block_on(async { Ok(receipts::rotate(&data_dir.store().await?).await?) })?;
    if json {
        return output::answer_json(
            &serde_json::json!({ "key_id": key.id().to_string(), "public_key": key.to_string() }),
        );
    }
    output::answer(&format!(
        "key_id      {}\npublic_key  {key}\nReceipts are signed with it within 10 s; those of the keys before stay good.",
        key.id()
    ))
}

fn new_epoch(data_dir: &DataDir, json: bool) -> anyhow::Result<()> {
    let epoch = block_on(async { Ok(receipts::begin_epoch(&data_dir.store().await?).await?) })?;
    if json {
        return output::answer_json(&serde_json::json!({ "storage_epoch": epoch }));
    }
    output::answer(&format!(
        "storage_epoch  {epoch}\nDevices that ask for it offer again what they still have."
    ))
}
