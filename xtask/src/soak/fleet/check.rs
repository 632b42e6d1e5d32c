//! Compares what the devices hold with what the server has: rows, objects, receipts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use wire::receipt::PublicKey;

use super::super::client::{Client, text};
use super::super::receipts::{self, Sent};
use super::super::server::Server;
use super::run::Held;
use crate::hash::sha256_hex;

#[derive(Default)]
pub(super) struct Checked {
    pub(super) receipts: u64,
    pub(super) in_rows: u64,
    pub(super) in_objects: u64,
    pub(super) deleted: u64,
    pub(super) wrong: Vec<String>,
}

/// By device and name, with the SHA-256 of each recording of that name.
type Rows = BTreeMap<(String, String), Vec<String>>;

pub(super) fn everything(
    server: &Server,
    client: &Client,
    cookie: &str,
    keys: &[PublicKey],
    held: &[Held],
) -> Result<Checked> {
    let (rows, objects) = (rows(client, cookie)?, objects(&server.data_dir)?);
    let mut checked = Checked::default();
    for one in held {
        checked.one(one, keys, &rows, &objects);
    }
    for (sha256, found) in &objects {
        if sha256 != found {
            checked
                .wrong
                .push(format!("object {sha256} has the content of {found}"));
        }
    }
    // Staging is in use while recordings are analysed.
    let left = std::fs::read_dir(server.data_dir.join("uploads"))?.count();
    if left > 0 {
        checked.wrong.push(format!("{left} uploads are left unfinished"));
    }
    Ok(checked)
}

impl Checked {
    fn one(&mut self, held: &Held, keys: &[PublicKey], rows: &Rows, objects: &BTreeMap<String, String>) {
        let Held { device, name, .. } = held;
        let mut check = |is_good: bool, good: fn(&mut Self) -> &mut u64, wrong: &str| {
            if is_good {
                *good(self) += 1;
            } else {
                self.wrong
                    .push(format!("{device} {name} ({}): {wrong}", held.state));
            }
        };
        let known = rows.get(&(device.clone(), name.clone()));
        check(
            known.is_some_and(|known| known.contains(&held.sha256)),
            |checked| &mut checked.in_rows,
            "no row of the server has its bytes",
        );
        check(
            objects.get(&held.sha256) == Some(&held.sha256),
            |checked| &mut checked.in_objects,
            "no object on the disk has its bytes",
        );
        check(
            verifies(held, keys),
            |checked| &mut checked.receipts,
            "it has no receipt that verifies",
        );
        if held.state == "removed" {
            self.deleted += 1;
        }
    }
}

/// As a device checks it before it lets go of the recording.
fn verifies(held: &Held, keys: &[PublicKey]) -> bool {
    let digest = hex::decode(&held.sha256)
        .ok()
        .and_then(|digest| digest.try_into().ok());
    let (Some(receipt), Some(sha256)) = (&held.receipt, digest) else {
        return false;
    };
    let sent = Sent {
        device: Some(held.device.clone()),
        name: held.name.clone(),
        size_bytes: held.size_bytes,
        sha256,
    };
    receipts::verify(keys, receipt, &sent).is_ok()
}

fn rows(client: &Client, cookie: &str) -> Result<Rows> {
    let mut rows = Rows::new();
    for (path, list) in [
        ("/api/v1/sessions?limit=100", "sessions"),
        ("/api/v1/pictures?limit=100", "pictures"),
    ] {
        for row in client.pages(cookie, path, list)? {
            let device = row.pointer("/device/id").and_then(Value::as_str);
            let device = device.with_context(|| format!("{row} is nobody's"))?.to_owned();
            let key = (device, text(&row, "file_name")?);
            rows.entry(key).or_default().push(text(&row, "sha256")?);
        }
    }
    Ok(rows)
}

/// The SHA-256 of each object's content, by its name.
fn objects(data_dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for team in std::fs::read_dir(data_dir.join("raw"))? {
        for object in std::fs::read_dir(team?.path())? {
            let object = object?;
            let name = object.file_name().to_string_lossy().into_owned();
            found.insert(name, sha256_hex(&std::fs::read(object.path())?));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_does_not_have_is_found() {
        let held = Held {
            device: "d".to_owned(),
            name: "sess_000001.csv".to_owned(),
            size_bytes: 3,
            sha256: sha256_hex(b"abc"),
            state: "receipted".to_owned(),
            receipt: None,
        };
        let mut checked = Checked::default();
        let key = (held.device.clone(), held.name.clone());
        let rows = Rows::from([(key, vec![sha256_hex(b"abd")])]);
        let objects = BTreeMap::from([(sha256_hex(b"abc"), sha256_hex(b"ab"))]);
        checked.one(&held, &[], &rows, &objects);
        assert_eq!(checked.wrong.len(), 3, "{:?}", checked.wrong);
        assert_eq!((checked.in_rows, checked.in_objects, checked.receipts), (0, 0, 0));
    }
}
