//! `fieldpost receipt`: a receipt is checked without a server, and every way to fail is told apart.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::{Done, Server, add_device, run, write};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wire::receipt::{ServerKey, SignedReceipt, Stored};

const BYTES: &[u8] = b"tick_ms,row_type\r\n1,I\r\n";
const DEVICE: &str = "0193a000-0000-7000-8000-000000000002";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A file with a receipt for it, and the key that made it.
struct Case {
    folder: TempDir,
    file: PathBuf,
    receipt: SignedReceipt,
    key: ServerKey,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "sess_000123.csv", BYTES);
    let key = ServerKey::from_seed(&[1; 32]);
    let stored = Stored {
        tenant: [7; 16],
        device: Some(DEVICE.parse::<uuid::Uuid>().unwrap().into_bytes()),
        name: "sess_000123.csv",
        size_bytes: BYTES.len() as u64,
        sha256: Sha256::digest(BYTES).into(),
        stored_at_us: 1_792_345_678_900_123,
    };
    let receipt = SignedReceipt::sign(&stored, &key).unwrap();
    Case {
        folder,
        file,
        receipt,
        key,
    }
}

fn verify(file: &Path, receipt: &str, key: &str, more: &[&str]) -> Done {
    run(&[
        &[
            "receipt",
            "verify",
            text(file),
            "--receipt",
            receipt,
            "--key",
            key,
        ],
        more,
    ]
    .concat())
}

#[track_caller]
fn expect_refusal(done: &Done, code: i32, words: &str) {
    assert_eq!(done.code, code, "{done:?}");
    assert!(done.stdout.is_empty(), "{done:?}");
    assert!(done.stderr.contains(words), "no {words:?} in {done:?}");
}

#[test]
fn a_receipt_for_this_file_is_verified_and_read_out() {
    let case = case();
    let (receipt, key) = (case.receipt.to_string(), case.key.public().to_string());
    let done = verify(&case.file, &receipt, &key, &[]).expect_success();
    for words in ["sess_000123.csv", DEVICE, "2026-10-18T17:47:58.900123Z"] {
        assert!(done.stdout.contains(words), "{done:?}");
    }
    let said = verify(&case.file, &receipt, &key, &["--json"])
        .expect_success()
        .json();
    assert_eq!(
        (&said["verified"], &said["name"]),
        (&true.into(), &"sess_000123.csv".into())
    );
    assert_eq!(said["size_bytes"], BYTES.len());
    assert_eq!(said["key_id"], case.key.id().to_string());
    let strict = ["--name", "sess_000123.csv", "--device", DEVICE];
    verify(&case.file, &receipt, &key, &strict).expect_success();

    let renamed = write(case.folder.path(), "from the card.csv", BYTES);
    verify(&renamed, &receipt, &key, &[]).expect_success();
}

#[test]
fn every_way_to_fail_has_its_own_code_and_words() {
    let case = case();
    let (receipt, key) = (case.receipt.to_string(), case.key.public().to_string());
    let file = |name, bytes| write(case.folder.path(), name, bytes);

    expect_refusal(&verify(&case.file, "RlBSAQg", &key, &[]), 3, "copy it whole");
    let stranger = ServerKey::from_seed(&[2; 32]).public().to_string();
    expect_refusal(
        &verify(&case.file, &receipt, &stranger, &[]),
        4,
        &case.key.id().to_string(),
    );
    let mut forged = case.receipt.as_bytes().to_vec();
    forged[60] ^= 1;
    let forged = SignedReceipt::from_bytes(&forged).unwrap().to_string();
    expect_refusal(&verify(&case.file, &forged, &key, &[]), 5, "signature is wrong");
    let longer = file("longer.csv", b"tick_ms,row_type\r\n1,I\r\n2");
    expect_refusal(
        &verify(&longer, &receipt, &key, &[]),
        6,
        "for 23 bytes, here are 24",
    );
    let changed = file("changed.csv", b"tick_ms,row_type\r\n2,I\r\n");
    expect_refusal(&verify(&changed, &receipt, &key, &[]), 7, "SHA-256 differs");
    let named = verify(&case.file, &receipt, &key, &["--name", "other.csv"]);
    expect_refusal(&named, 8, "for the name `sess_000123.csv`, not `other.csv`");
    let other = "0193a000-0000-7000-8000-000000000003";
    let of_device = verify(&case.file, &receipt, &key, &["--device", other]);
    expect_refusal(&of_device, 9, DEVICE);

    let as_json = verify(&changed, &receipt, &key, &["--json"]);
    assert_eq!(
        (as_json.code, &as_json.json()["reason"]),
        (7, &"other_bytes".into())
    );
    verify(Path::new("no such file"), &receipt, &key, &[])
        .expect_failure(&["no such file", "cannot be read"]);
    verify(&case.file, &receipt, "AAAA", &[]).expect_failure(&["--key", "/.well-known/fieldpost"]);
    assert_eq!(run(&["receipt", "verify", text(&case.file)]).code, 2);
}

#[test]
fn a_receipt_and_keys_may_stand_in_files() {
    let case = case();
    let (receipt, key) = (case.receipt.to_string(), case.key.public().to_string());
    let file = |name, bytes: &[u8]| write(case.folder.path(), name, bytes);
    let receipts = [
        file("a.receipt", format!("{receipt}\n").as_bytes()),
        file("a.bin", case.receipt.as_bytes()),
        file(
            "answer.json",
            format!("{{\"success\":true,\"receipt\":\"{receipt}\"}}").as_bytes(),
        ),
    ];
    for receipt in &receipts {
        verify(&case.file, text(receipt), &key, &[]).expect_success();
    }
    let refused = "{\"success\":false,\"error\":{\"code\":\"no_file_name\"}}";
    let of_one = format!("{{\"files\":[{refused},{{\"receipt\":\"{receipt}\"}}]}}");
    let of_one = file("form.json", of_one.as_bytes());
    verify(&case.file, text(&of_one), &key, &[]).expect_success();
    let of_two = format!("{{\"files\":[{{\"receipt\":\"{receipt}\"}},{{\"receipt\":\"{receipt}\"}}]}}");
    let of_two = file("two.json", of_two.as_bytes());
    verify(&case.file, text(&of_two), &key, &[]).expect_failure(&["receipts of 2 files"]);
    let of_none = file("none.json", refused.as_bytes());
    verify(&case.file, text(&of_none), &key, &[]).expect_failure(&["no member `receipt`"]);
    let other = ServerKey::from_seed(&[2; 32]).public();
    let keys = file("keys.txt", format!("{other}\n{key}\n").as_bytes());
    verify(&case.file, &receipt, text(&keys), &[]).expect_success();
    let no_keys = file("none.json", b"{\"keys\":[]}");
    verify(&case.file, &receipt, text(&no_keys), &[]).expect_failure(&["holds no key"]);
    expect_refusal(&verify(&case.file, text(&case.file), &key, &[]), 3, "base64url");
}

#[test]
fn a_key_that_begins_with_a_hyphen_is_a_key() {
    let mut seeds = (0..=255_u8).map(|byte| ServerKey::from_seed(&[byte; 32]));
    let key = seeds
        .find(|key| key.public().to_string().starts_with('-'))
        .unwrap();
    let case = case();
    let done = verify(
        &case.file,
        &case.receipt.to_string(),
        &key.public().to_string(),
        &[],
    );
    expect_refusal(&done, 4, "not among those given");
}

#[test]
fn what_a_server_answers_is_verified_with_what_it_publishes_before_and_after_a_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let token = add_device(&data_dir);
    let dir = ["--data-dir", text(&data_dir)];
    let file = write(folder.path(), "a.csv", BYTES);
    let publish = |server: &Server, name: &str| {
        let mut known = ureq::get(format!("{}/.well-known/fieldpost", server.url))
            .call()
            .unwrap();
        write(
            folder.path(),
            name,
            known.body_mut().read_to_string().unwrap().as_bytes(),
        )
    };
    let server = Server::start(&data_dir);
    let mut answer = ureq::post(format!("{}/api/upload?filename=a.csv", server.url))
        .header("authorization", format!("Bearer {token}"))
        .send(BYTES)
        .unwrap();
    let header = answer.headers()["fieldpost-receipt"].to_str().unwrap().to_owned();
    let body = answer.body_mut().read_to_string().unwrap();
    let answer = write(folder.path(), "answer.json", body.as_bytes());
    let before = publish(&server, "before.json");
    server.stop();

    let said = verify(
        &file,
        text(&answer),
        text(&before),
        &["--json", "--name", "a.csv"],
    );
    assert_eq!(said.expect_success().json()["size_bytes"], BYTES.len());
    verify(&file, &header, text(&before), &[]).expect_success();

    let rotated = run(&[&["receipt", "rotate-key", "--json"], &dir[..]].concat()).expect_success();
    let epoch = run(&[&["receipt", "new-epoch", "--json"], &dir[..]].concat()).expect_success();
    let server = Server::start(&data_dir);
    let after = publish(&server, "after.json");
    let known: Value = serde_json::from_slice(&std::fs::read(&after).unwrap()).unwrap();
    assert_eq!(known["keys"][0]["public_key"], rotated.json()["public_key"]);
    assert_eq!(known["storage_epoch"], epoch.json()["storage_epoch"]);
    assert_eq!(known["api_base"], server.url);
    verify(&file, &header, text(&after), &[]).expect_success();
    let new_key = rotated.json()["public_key"].as_str().unwrap().to_owned();
    expect_refusal(&verify(&file, &header, &new_key, &[]), 4, "not among those given");
}

#[test]
fn keys_are_not_made_in_a_folder_that_is_no_servers() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["rotate-key", "new-epoch"] {
        run(&["receipt", command, "--data-dir", text(folder.path())]).expect_failure(&["--data-dir"]);
    }
}
