//! What flash says that the settings are, and what phones write into them.

use device::clock::Boot;
use device::settings::{BadConfigure, SETTINGS_BYTES_MAX, Settings, Via, configure};
use device::time::Instant;
use device::uptime::{SESSION_BYTES, SESSIONS_MAX, Uptime};

use super::bytes::Bytes;

/// The first byte says what the rest is: a blob, one whose checksum is put right, CONFIGURE in clear or sealed, saved uptime sessions.
pub fn blob(data: &[u8]) {
    let mut input = Bytes(data);
    match input.u8() % 5 {
        0 => decoded(input.0),
        1 => decoded(&with_checksum(input.0)),
        2 => configured(input.0, Via::Clear),
        3 => configured(input.0, Via::Sealed),
        _ => sessions(input),
    }
}

/// What is read can be written, and is the same then.
fn decoded(bytes: &[u8]) {
    if let Ok(settings) = Settings::decode(bytes) {
        same_when_written(&settings);
    }
}

fn same_when_written(settings: &Settings) {
    let mut blob = [0; SETTINGS_BYTES_MAX];
    let length = settings.encode(&mut blob);
    assert_eq!(Settings::decode(&blob[..length]).as_ref(), Ok(settings));
}

fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let [_, high, low, ..] = bytes[..] else {
        return bytes;
    };
    let end = 3 + usize::from(u16::from_be_bytes([high, low]));
    if let Some(covered) = bytes.get(..end) {
        let crc = crc32fast::hash(covered);
        bytes.truncate(end);
        bytes.extend(crc.to_be_bytes());
    }
    bytes
}

/// In clear nobody changes a secret.
fn configured(json: &[u8], via: Via) {
    let before = Settings::default();
    match configure(&before, json, via) {
        Ok(configured) => {
            let after = &configured.settings;
            same_when_written(after);
            let secrets = |settings: &Settings| {
                let keys = settings.server_keys.is_some();
                (settings.token.is_some(), settings.link_key.is_some(), keys)
            };
            assert!(via == Via::Sealed || secrets(after) == secrets(&before));
            assert!(
                configured
                    .join
                    .is_none_or(|key| after.networks.get(key).is_some())
            );
        }
        Err(BadConfigure::InClear(_)) => assert_eq!(via, Via::Clear),
        Err(_) => {}
    }
}

/// A device starts with whatever its flash says of earlier sessions.
fn sessions(mut input: Bytes<'_>) {
    let mut saved = Vec::new();
    while !input.is_empty() && saved.len() < SESSIONS_MAX + 2 {
        let slot = input.u8();
        let fixes = input.u8() & 1 == 0;
        let mut bytes = input.take(SESSION_BYTES).to_vec();
        if fixes && bytes.len() == SESSION_BYTES {
            let crc = crc32fast::hash(&bytes[..SESSION_BYTES - 4]);
            bytes[SESSION_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        }
        // A slot of flash holds one.
        if saved.iter().all(|(taken, _)| *taken != slot) {
            saved.push((slot, bytes));
        }
    }
    let boot = Boot { epoch: 7, number: 3 };
    let loaded = saved.iter().map(|(slot, bytes)| (*slot, &bytes[..]));
    let mut uptime = Uptime::new(boot, loaded, None, Instant::BOOT);
    assert!(uptime.sessions().count() <= SESSIONS_MAX);
    let said = std::iter::from_fn(|| uptime.poll())
        .take(4 * SESSIONS_MAX)
        .count();
    assert!(said < 4 * SESSIONS_MAX, "it never comes to rest");
}
