//! `fieldpost receipt verify`: each way to fail has its own words and its own exit code.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;
use server::store::DeviceId;
use sha2::{Digest, Sha256};
use wire::receipt::{Mismatch, PublicKey, Receipt, ReceiptError, SignedReceipt, VerifyError};

use super::given;
use crate::output;

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// The recording as it is here.
    file: PathBuf,
    /// The receipt: its text, or a file that holds it or the answer to the upload.
    #[arg(long, value_name = "R")]
    receipt: String,
    /// A public key of the server: its text, or a file with keys or with what /.well-known/fieldpost answers. May be
    /// given more than once.
    #[arg(long, value_name = "K", required = true, allow_hyphen_values = true)]
    key: Vec<String>,
    /// The name that the receipt has to be for; without it any name will do, as files get renamed.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The device that the receipt has to be for; without it any will do.
    #[arg(long, value_name = "UUID")]
    device: Option<DeviceId>,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

/// Why the receipt is no proof for this file. A file or a key that cannot be read is another kind of failure.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("this is no receipt: {0}")]
    Malformed(ReceiptError),
    #[error("the receipt proves nothing: {0}")]
    Unproved(VerifyError),
    #[error("the receipt is genuine, but not for this file: {0}")]
    Other(Mismatch),
    #[error("the receipt is genuine, but for the name `{receipt}`, not `{wanted}`")]
    Name { receipt: String, wanted: String },
    #[error("the receipt is genuine, but for {receipt}, not for the device {wanted}")]
    Device { receipt: String, wanted: DeviceId },
}

impl Refusal {
    /// A word for scripts, and the exit code.
    const fn kind(&self) -> (&'static str, u8) {
        match self {
            Self::Malformed(_) | Self::Unproved(VerifyError::Malformed(_)) => ("malformed", 3),
            Self::Unproved(VerifyError::UnknownKey(_) | VerifyError::NotNewest(_)) => ("unknown_key", 4),
            Self::Unproved(VerifyError::BadSignature) => ("bad_signature", 5),
            Self::Other(Mismatch::Size { .. }) => ("other_size", 6),
            Self::Other(Mismatch::Digest) => ("other_bytes", 7),
            Self::Other(Mismatch::Name) | Self::Name { .. } => ("other_name", 8),
            Self::Other(Mismatch::Device) | Self::Device { .. } => ("other_device", 9),
        }
    }
}

/// What the receipt says, in plain.
#[derive(Serialize)]
struct Said {
    verified: bool,
    key_id: String,
    tenant: String,
    device: Option<String>,
    name: String,
    size_bytes: u64,
    sha256: String,
    stored_at: String,
}

impl Verify {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let mut keys = Vec::new();
        for key in &self.key {
            keys.extend(given::keys(key)?);
        }
        let signed = given::receipt(&self.receipt)?.map_err(Refusal::Malformed);
        let held = measure(&self.file)?;
        match signed.and_then(|signed| self.judge(&signed, &keys, held)) {
            Ok(said) if self.json => output::answer_json(&said)?,
            Ok(said) => output::answer(&said.to_text(&self.file))?,
            Err(refusal) => return self.refuse(&refusal),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn judge(
        &self,
        signed: &SignedReceipt,
        keys: &[PublicKey],
        (size_bytes, sha256): (u64, [u8; 32]),
    ) -> Result<Said, Refusal> {
        let receipt = signed.verify(keys).map_err(Refusal::Unproved)?;
        let stored = &receipt.stored;
        stored.check_bytes(size_bytes, &sha256).map_err(Refusal::Other)?;
        if let Some(wanted) = self.name.as_ref().filter(|name| *name != stored.name) {
            return Err(Refusal::Name {
                receipt: stored.name.to_owned(),
                wanted: wanted.clone(),
            });
        }
        let said = Said::of(&receipt);
        if let Some(wanted) = self
            .device
            .filter(|device| Some(device.0.into_bytes()) != stored.device)
        {
            let receipt = said
                .device
                .map_or("no device".to_owned(), |id| format!("the device {id}"));
            return Err(Refusal::Device { receipt, wanted });
        }
        Ok(said)
    }

    fn refuse(&self, refusal: &Refusal) -> anyhow::Result<ExitCode> {
        let (reason, code) = refusal.kind();
        if self.json {
            let message = refusal.to_string();
            output::answer_json(
                &serde_json::json!({ "verified": false, "reason": reason, "message": message }),
            )?;
        } else {
            output::note(&format!("error: {}: {refusal}", self.file.display()));
        }
        Ok(ExitCode::from(code))
    }
}

impl Said {
    fn of(receipt: &Receipt<'_>) -> Self {
        let stored = &receipt.stored;
        let uuid = |bytes| DeviceId(uuid::Uuid::from_bytes(bytes)).to_string();
        Self {
            verified: true,
            key_id: receipt.key.to_string(),
            tenant: uuid(stored.tenant),
            device: stored.device.map(uuid),
            name: stored.name.to_owned(),
            size_bytes: stored.size_bytes,
            sha256: hex::encode(stored.sha256),
            // A time that no calendar has is shown as the number it is.
            stored_at: Timestamp::from_microsecond(stored.stored_at_us)
                .map_or_else(|_| format!("{} µs", stored.stored_at_us), |time| time.to_string()),
        }
    }

    fn to_text(&self, file: &Path) -> String {
        format!(
            "{}: the server holds these {} bytes\nname       {}\ndevice     {}\nstored at  {}\nkey        {}",
            file.display(),
            self.size_bytes,
            self.name,
            self.device.as_deref().unwrap_or("none: a person sent it"),
            self.stored_at,
            self.key_id
        )
    }
}

/// Size and SHA-256 of the file as it is.
fn measure(file: &Path) -> anyhow::Result<(u64, [u8; 32])> {
    let reading = || -> io::Result<(u64, [u8; 32])> {
        let mut source = File::open(file)?;
        let (mut hash, mut size_bytes) = (Sha256::new(), 0_u64);
        let mut piece = vec![0; 256 * 1024];
        loop {
            let count = source.read(&mut piece)?;
            let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else {
                return Ok((size_bytes, hash.finalize().into()));
            };
            hash.update(read);
            size_bytes += u64::try_from(count).unwrap_or(u64::MAX);
        }
    };
    reading().with_context(|| format!("{} cannot be read", file.display()))
}
