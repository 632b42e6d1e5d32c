//! What a device does with a receipt before it lets go of a recording, without asking the server.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use wire::receipt::{Held, PublicKey, SignedReceipt};

/// What a sender still has of a recording: enough to know whether a receipt is for it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// `None` where a person sent it and named no device.
    pub(super) device: Option<String>,
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: [u8; 32],
}

impl Sent {
    pub(super) fn new(device: Option<&str>, name: &str, bytes: &[u8]) -> Self {
        Self {
            device: device.map(str::to_owned),
            name: name.to_owned(),
            size_bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).into(),
        }
    }

    pub(super) fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// The receipt is one of these keys' and is for exactly this device, name and bytes.
pub(super) fn verify(keys: &[PublicKey], receipt: &str, sent: &Sent) -> Result<()> {
    let about = || format!("the receipt of {}", sent.name);
    let signed = SignedReceipt::from_text(receipt).with_context(about)?;
    let stored = signed.verify(keys).with_context(about)?.stored;
    let matches = match &sent.device {
        Some(device) => stored.check(&Held {
            device: uuid(device)?,
            name: &sent.name,
            size_bytes: sent.size_bytes,
            sha256: sent.sha256,
        }),
        None => {
            if stored.device.is_some() || stored.name != sent.name {
                bail!("{} is of another device or name", about());
            }
            stored.check_bytes(sent.size_bytes, &sent.sha256)
        }
    };
    matches.with_context(about)
}

fn uuid(text: &str) -> Result<[u8; 16]> {
    let bytes = hex::decode(text.replace('-', "")).with_context(|| format!("{text} is no UUID"))?;
    let bytes: Result<[u8; 16], _> = bytes.try_into();
    bytes.map_err(|_| anyhow::anyhow!("{text} is no UUID"))
}

#[cfg(test)]
mod tests {
    use wire::receipt::{ServerKey, Stored};

    use super::*;

    const DEVICE: &str = "0193a000-0000-7000-8000-000000000002";

    #[test]
    fn only_the_receipt_for_these_very_bytes_is_one() {
        let key = ServerKey::from_seed(&[1; 32]);
        let stored = Stored {
            tenant: [7; 16],
            device: Some(uuid(DEVICE).unwrap()),
            name: "a.csv",
            size_bytes: 3,
            sha256: Sha256::digest(b"abc").into(),
            stored_at_us: 0,
        };
        let receipt = SignedReceipt::sign(&stored, &key).unwrap().to_string();
        let keys = [key.public()];
        let verdict = |device, name, bytes| verify(&keys, &receipt, &Sent::new(device, name, bytes));
        assert!(verdict(Some(DEVICE), "a.csv", b"abc").is_ok());
        assert!(verdict(Some(DEVICE), "a.csv", b"abd").is_err());
        assert!(verdict(Some(DEVICE), "b.csv", b"abc").is_err());
        assert!(verdict(None, "a.csv", b"abc").is_err());
        let other = ServerKey::from_seed(&[2; 32]).public();
        let sent = Sent::new(Some(DEVICE), "a.csv", b"abc");
        assert!(verify(&[other], &receipt, &sent).is_err());
    }
}
