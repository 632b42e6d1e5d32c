//! Whether the server still holds what it once signed for: asked before a device frees the space.

use std::io;

use wire::receipt::{SignedReceipt, VerifyError};

use super::{Receipts, ReceiptsError};
use crate::objects::Digest;
use crate::store::{DeviceId, TenantId, recordings};

/// What somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The text form of a receipt.
    Receipt(String),
    Digest(Digest),
}

/// The answer to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A recording of the team has these bytes, and an object of their size lies in its place.
    Held,
    /// The team has no such recording, or the receipt is another's.
    NoRecording,
    /// The row is there and its object is not, or has another size.
    BytesMissing,
    /// The receipt is not one of ours, or not as we made it.
    NotOurs(VerifyError),
}

impl Receipts {
    /// `only_device` asks: its own receipts are the only ones it is told about.
    pub async fn confirm(
        &self,
        tenant: TenantId,
        only_device: Option<DeviceId>,
        question: &Question,
    ) -> Result<Verdict, ReceiptsError> {
        let digest = match question {
            Question::Digest(digest) => *digest,
            Question::Receipt(text) => match self.signed_for(tenant, only_device, text).await {
                Ok(digest) => digest,
                Err(verdict) => return Ok(verdict),
            },
        };
        // By the bytes alone: the same recording under another name is as good, and nobody is told whose it is.
        let Some(size_bytes) = recordings::size_of_object(&self.store, tenant, digest).await? else {
            return Ok(Verdict::NoRecording);
        };
        match tokio::fs::metadata(self.objects.raw_path(tenant, digest)).await {
            Ok(found) if found.is_file() && found.len() == size_bytes => Ok(Verdict::Held),
            Ok(_) => Ok(Verdict::BytesMissing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Verdict::BytesMissing),
            Err(error) => Err(error.into()),
        }
    }

    /// The digest in a receipt that is ours and the asker's.
    async fn signed_for(
        &self,
        tenant: TenantId,
        only_device: Option<DeviceId>,
        text: &str,
    ) -> Result<Digest, Verdict> {
        let signed = SignedReceipt::from_text(text).map_err(|error| Verdict::NotOurs(error.into()))?;
        let keys = self.keyring().await.public_keys();
        let stored = signed.verify(&keys).map_err(Verdict::NotOurs)?.stored;
        let device = only_device.map(|device| device.0.into_bytes());
        if stored.tenant != tenant.0.into_bytes() || (device.is_some() && device != stored.device) {
            return Err(Verdict::NoRecording);
        }
        Ok(Digest(stored.sha256))
    }
}
