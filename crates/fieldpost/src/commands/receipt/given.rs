//! A receipt and keys as people have them at hand: as text, or in a file that holds the text or the JSON it came in.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use wire::receipt::{PublicKey, ReceiptError, SignedReceipt};

/// A server's 64 keys with their statements are 30 KB.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// What an upload was answered with: for one file, or for those of a form.
#[derive(Deserialize)]
struct Answer {
    receipt: Option<String>,
    #[serde(default)]
    files: Vec<OfFile>,
}

/// A file that was refused has none.
#[derive(Deserialize)]
struct OfFile {
    receipt: Option<String>,
}

impl Answer {
    fn receipt(self, given: &str) -> anyhow::Result<String> {
        let of_files = self.files.into_iter().filter_map(|file| file.receipt);
        let mut receipts: Vec<String> = self.receipt.into_iter().chain(of_files).collect();
        match (receipts.pop(), receipts.len()) {
            (Some(receipt), 0) => Ok(receipt),
            (Some(_), others) => bail!(
                "{given} holds the receipts of {} files; give the `receipt` of the one that is meant",
                others + 1
            ),
            (None, _) => bail!("{given} is no answer to an upload: it has no member `receipt`"),
        }
    }
}

/// What `/.well-known/fieldpost` answers.
#[derive(Deserialize)]
struct WellKnown {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    public_key: String,
}

/// A receipt: its text, or a file that holds the text, the bytes, or an upload's answer. The outer error is that the file
/// cannot be read, the inner one that it holds no receipt.
pub(super) fn receipt(given: &str) -> anyhow::Result<Result<SignedReceipt, ReceiptError>> {
    let Some(bytes) = content(given)? else {
        return Ok(SignedReceipt::from_text(given.trim()));
    };
    // Only the binary form begins so; its text begins with `RlBS`.
    if bytes.starts_with(b"FPR") {
        return Ok(SignedReceipt::from_bytes(&bytes));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(Err(ReceiptError::NotText));
    };
    if text.trim_start().starts_with('{') {
        let answer: Answer =
            serde_json::from_str(&text).with_context(|| format!("{given} is no answer to an upload"))?;
        return Ok(SignedReceipt::from_text(&answer.receipt(given)?));
    }
    Ok(SignedReceipt::from_text(text.trim()))
}

/// Public keys: the text of one, or a file that holds one a line or what `/.well-known/fieldpost` answers.
pub(super) fn keys(given: &str) -> anyhow::Result<Vec<PublicKey>> {
    let Some(bytes) = content(given)? else {
        return Ok(vec![key(given.trim(), "--key")?]);
    };
    let text = String::from_utf8(bytes).with_context(|| format!("{given} holds no keys: it is no text"))?;
    let keys: Vec<PublicKey> = if text.trim_start().starts_with('{') {
        let known: WellKnown = serde_json::from_str(&text).with_context(|| {
            format!("{given} is not what /.well-known/fieldpost answers: it has no member `keys`")
        })?;
        known
            .keys
            .iter()
            .map(|published| key(&published.public_key, given))
            .collect::<anyhow::Result<_>>()?
    } else {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| key(line, given))
            .collect::<anyhow::Result<_>>()?
    };
    if keys.is_empty() {
        bail!("{given} holds no key");
    }
    Ok(keys)
}

fn key(text: &str, place: &str) -> anyhow::Result<PublicKey> {
    PublicKey::from_text(text)
        .with_context(|| format!("{place} gives no key; a server's keys are at /.well-known/fieldpost"))
}

/// The file of that name; `None` when there is none and the text itself is meant.
fn content(given: &str) -> anyhow::Result<Option<Vec<u8>>> {
    if !Path::new(given).is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let reading = File::open(given).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    let size = reading.with_context(|| format!("{given} cannot be read"))?;
    ensure!(
        u64::try_from(size).is_ok_and(|size| size <= FILE_BYTES_MAX),
        "{given} is longer than any receipt or list of keys; was another file meant?"
    );
    Ok(Some(bytes))
}
