//! Receipts: every upload is answered with one that the published key verifies, and the server says whether it still holds.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use server::receipts;
use server::store::accounts::Role;
use sha2::{Digest, Sha256};
use wire::receipt::{Accepted, PublicKey, SignedReceipt, SignedStatement, Stored, TrustedKeys};

use crate::recording::circle;
use crate::support::{OWNER, Reply, Site};

const OTHER: &str = "other@example.org";
const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a shot";

/// The keys that the server gives out, newest first.
fn published(site: &Site) -> Vec<PublicKey> {
    let keys = site.get("/.well-known/fieldpost", &[]).json()["keys"].clone();
    let text = |key: &Value| key["public_key"].as_str().unwrap().to_owned();
    keys.as_array()
        .unwrap()
        .iter()
        .map(|key| PublicKey::from_text(&text(key)).unwrap())
        .collect()
}

/// Verifies the text of a receipt with the published keys and looks at what it says.
fn verified<T>(site: &Site, text: &Value, look: impl FnOnce(&Stored<'_>) -> T) -> T {
    let signed = SignedReceipt::from_text(text.as_str().unwrap()).unwrap();
    let receipt = signed.verify(&published(site)).unwrap();
    look(&receipt.stored)
}

fn assert_is_for(site: &Site, text: &Value, device: Option<&str>, name: &str, bytes: &[u8]) {
    verified(site, text, |stored| {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        assert_eq!(stored.check_bytes(bytes.len() as u64, &digest), Ok(()), "{name}");
        assert_eq!(stored.name, name);
        assert_eq!(
            stored.device,
            device.map(|id| id.parse::<uuid::Uuid>().unwrap().into_bytes())
        );
        assert_eq!(stored.stored_at_us, 1_795_176_000_000_000, "the server's clock");
    });
}

fn one_file(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let receipt = reply.json()["receipt"].clone();
    assert_eq!(
        reply.header("fieldpost-receipt"),
        receipt.as_str(),
        "header and JSON say the same"
    );
    receipt
}

#[test]
fn every_shape_is_answered_with_a_receipt_that_the_published_key_verifies() {
    let site = Site::owned();
    let (id, bearer) = site.add_device(OWNER, "Logger");
    let (device, who) = (Some(id.as_str()), ("authorization", bearer.as_str()));

    let reply = site.post_json(
        "/api/upload",
        &[who],
        r#"{"filename":"json.csv","content":"1,2\r\n"}"#,
    );
    assert_is_for(&site, &one_file(&reply), device, "json.csv", b"1,2\r\n");

    let reply = site.send("POST", "/api/upload?filename=raw.csv", &[who], b"3,4\r\n");
    assert_is_for(&site, &one_file(&reply), device, "raw.csv", b"3,4\r\n");

    let form = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"one.csv\"\r\n\r\n5,6\r\n--b\r\n\
                Content-Disposition: form-data; name=\"f\"; filename=\"two.csv\"\r\n\r\n7,8\r\n--b--\r\n";
    let reply = site.send("POST", "/api/upload", &[FORM, who], form.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(
        reply.header("fieldpost-receipt"),
        None,
        "a form's files have one each, in JSON"
    );
    let files = reply.json()["files"].clone();
    assert_is_for(&site, &files[0]["receipt"], device, "one.csv", b"5,6");
    assert_is_for(&site, &files[1]["receipt"], device, "two.csv", b"7,8");

    let reply = site.send("POST", "/upload", &[("content-type", "image/jpeg"), who], JPEG);
    let name = reply.json()["filename"].as_str().unwrap().to_owned();
    assert_is_for(&site, &one_file(&reply), device, &name, JPEG);
    site.advance(Duration::from_secs(5));
    let again = site.send("POST", "/upload", &[("content-type", "image/jpeg"), who], JPEG);
    assert_eq!(
        one_file(&again),
        one_file(&reply),
        "the shot has the name of its first time"
    );
}

#[test]
fn a_repeat_gets_the_same_bytes_also_later_and_after_a_restart() {
    let mut site = Site::owned();
    let (_, bearer) = site.add_device(OWNER, "Logger");
    let who = ("authorization", bearer.as_str());
    let first = site.upload(who, "a.csv", b"1,2\r\n");
    site.advance(Duration::from_secs(3600));
    let repeated = site.upload(who, "a.csv", b"1,2\r\n");
    assert_eq!(
        (&repeated["duplicate"], &repeated["receipt"]),
        (&json!(true), &first["receipt"])
    );
    site.stop();
    site.start();
    assert_eq!(site.upload(who, "a.csv", b"1,2\r\n")["receipt"], first["receipt"]);

    let address = format!(
        "/api/v1/recordings/{}/receipt",
        first["recording_id"].as_str().unwrap()
    );
    let asked = site.get(&address, &[who]);
    assert_eq!(one_file(&asked), first["receipt"]);
    assert_eq!(asked.json()["filename"], "a.csv");
}

#[test]
fn a_receipt_names_the_device_whoever_brings_its_recording() {
    let site = Site::owned();
    let (id, bearer) = site.add_device(OWNER, "Logger");
    let (device, phone) = (
        ("authorization", bearer.as_str()),
        ("cookie", &*site.sign_in(OWNER)),
    );
    let recording = format!(
        "{}\n1,M,OPEN,00112233445566778899aabbccddeeff,a,b,race\n",
        wire::recording::HEADER
    );
    // A card first read by a person, who named no device.
    let by_person = site.upload(phone, "copy.csv", recording.as_bytes());
    assert_is_for(
        &site,
        &by_person["receipt"],
        None,
        "copy.csv",
        recording.as_bytes(),
    );
    // Its device comes later, with the name that it knows, and can let go of it.
    let by_device = site.upload(device, "sess_000001.csv", recording.as_bytes());
    assert_eq!(by_device["duplicate"], true);
    assert_is_for(
        &site,
        &by_device["receipt"],
        Some(&id),
        "sess_000001.csv",
        recording.as_bytes(),
    );

    // What the device sent stays the device's when a person brings it again.
    let other = recording.replace("ddeeff", "ddeefe");
    let by_device = site.upload(device, "sess_000002.csv", other.as_bytes());
    let by_person = site.upload(phone, "from_the_card.csv", other.as_bytes());
    assert_eq!(by_person["receipt"], by_device["receipt"]);
}

#[test]
fn a_receipt_is_shown_to_its_team_and_its_device_only() {
    let site = Site::owned();
    site.add_user(OTHER, Role::Owner);
    let (_, own) = site.add_device(OWNER, "Logger");
    let (_, neighbour) = site.add_device(OWNER, "Neighbour");
    let stored = site.upload(("authorization", &own), "a.csv", b"1,2\r\n");
    let address = format!(
        "/api/v1/recordings/{}/receipt",
        stored["recording_id"].as_str().unwrap()
    );
    for (who, status) in [
        (("cookie", site.sign_in(OWNER)), 200),
        (("authorization", own), 200),
        (("cookie", site.sign_in(OTHER)), 404),
        (("authorization", neighbour), 404),
    ] {
        let reply = site.get(&address, &[(who.0, &who.1)]);
        assert_eq!(reply.status, status, "{who:?}");
    }
    let unknown = "/api/v1/recordings/0193a000-0000-7000-8000-000000000001/receipt";
    assert_eq!(site.get(unknown, &[("cookie", &site.sign_in(OWNER))]).status, 404);
}

/// `null` for held, else the reason.
fn confirm(site: &Site, who: (&str, &str), items: &[Value]) -> Vec<Value> {
    let body = json!({ "items": items }).to_string();
    let reply = site.post_json("/api/v1/receipts/confirm", &[who], &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    let known = site.get("/.well-known/fieldpost", &[]).json();
    assert_eq!(answer["storage_epoch"], known["storage_epoch"]);
    let items = answer["items"].as_array().unwrap().clone();
    for item in &items {
        assert_eq!(item["held"] == json!(true), item["reason"].is_null());
    }
    items.into_iter().map(|item| item["reason"].clone()).collect()
}

fn object_of(site: &Site, stored: &Value) -> PathBuf {
    let tenant = verified(site, &stored["receipt"], |stored| {
        uuid::Uuid::from_bytes(stored.tenant)
    });
    let raw = site.folder.path().join("raw").join(tenant.to_string());
    raw.join(stored["sha256"].as_str().unwrap())
}

#[test]
fn confirming_looks_at_the_bytes_that_are_there_now() {
    let site = Site::owned();
    let (_, bearer) = site.add_device(OWNER, "Logger");
    let who = ("authorization", bearer.as_str());
    let kept = site.upload(who, "kept.csv", b"1,2\r\n");
    let removed = site.upload(who, "removed.csv", b"3,4\r\n");
    let cut = site.upload(who, "cut.csv", b"5,6\r\n");
    let items = [&kept, &removed, &cut].map(|stored| json!({ "receipt": stored["receipt"] }));
    assert_eq!(
        confirm(&site, who, &items),
        [Value::Null, Value::Null, Value::Null]
    );

    fs::remove_file(object_of(&site, &removed)).unwrap();
    fs::write(object_of(&site, &cut), b"5,6").unwrap();
    assert_eq!(
        confirm(&site, who, &items),
        [Value::Null, json!("bytes_missing"), json!("bytes_missing")]
    );
    for stored in [&removed, &cut] {
        for what in ["receipt", "raw"] {
            let path = format!(
                "/api/v1/recordings/{}/{what}",
                stored["recording_id"].as_str().unwrap()
            );
            let reply = site.get(&path, &[who]);
            assert_eq!(
                (reply.status, reply.error_code().as_str()),
                (410, "bytes_missing"),
                "{path}"
            );
        }
    }
    let by_digest = [&kept, &removed].map(|stored| json!({ "sha256": stored["sha256"] }));
    assert_eq!(
        confirm(&site, who, &by_digest),
        [Value::Null, json!("bytes_missing")]
    );
}

#[test]
fn confirming_believes_our_own_receipts_of_the_same_team_and_device_only() {
    let site = Site::owned();
    site.add_user(OTHER, Role::Owner);
    let (_, bearer) = site.add_device(OWNER, "Logger");
    let (_, neighbour) = site.add_device(OWNER, "Neighbour");
    let who = ("authorization", bearer.as_str());
    let stored = site.upload(who, "a.csv", b"1,2\r\n");
    let own = json!({ "receipt": stored["receipt"] });

    let stranger = site.sign_in(OTHER);
    assert_eq!(
        confirm(&site, ("cookie", &stranger), std::slice::from_ref(&own)),
        ["no_recording"]
    );
    let by_digest = json!({ "sha256": stored["sha256"] });
    assert_eq!(
        confirm(&site, ("cookie", &stranger), &[by_digest]),
        ["no_recording"]
    );
    assert_eq!(
        confirm(&site, ("authorization", &neighbour), std::slice::from_ref(&own)),
        ["no_recording"]
    );
    let member = site.sign_in(OWNER);
    assert_eq!(
        confirm(&site, ("cookie", &member), std::slice::from_ref(&own)),
        [Value::Null]
    );

    let text = stored["receipt"].as_str().unwrap();
    let changed = |from: &str, to: &str| json!({ "receipt": text.replacen(from, to, 1) });
    let of_another_server = wire::receipt::ServerKey::from_seed(&[9; 32]);
    let theirs = verified(&site, &stored["receipt"], |stored| {
        SignedReceipt::sign(stored, &of_another_server)
            .unwrap()
            .to_string()
    });
    let mut forged = SignedReceipt::from_text(text).unwrap().as_bytes().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = SignedReceipt::from_bytes(&forged).unwrap().to_string();
    let items = [
        json!({ "receipt": theirs }),
        json!({ "receipt": forged }),
        changed("R", "!"),
        json!({ "receipt": "" }),
        json!({ "sha256": "00".repeat(32) }),
    ];
    assert_eq!(
        confirm(&site, who, &items),
        [
            "unknown_key",
            "bad_signature",
            "malformed",
            "malformed",
            "no_recording"
        ]
    );
}

#[test]
fn one_to_twenty_five_items_are_confirmed_at_once_however_long_their_names() {
    let site = Site::owned();
    let (_, bearer) = site.add_device(OWNER, "Logger");
    let who = ("authorization", bearer.as_str());
    let stored = site.upload(who, &"n".repeat(255), b"1,2\r\n");
    let most = vec![json!({ "receipt": stored["receipt"] }); 25];
    assert_eq!(confirm(&site, who, &most), vec![Value::Null; 25]);
    let digest = json!({ "sha256": stored["sha256"] });
    for (items, code) in [
        (json!([]), "wrong_count"),
        (json!(vec![digest.clone(); 26]), "wrong_count"),
        (json!([{ "sha256": "beef" }]), "bad_digest"),
        (json!([{ "digest": "beef" }]), "wrong_shape"),
    ] {
        let reply = site.post_json(
            "/api/v1/receipts/confirm",
            &[who],
            &json!({ "items": items }).to_string(),
        );
        assert_eq!((reply.status, reply.error_code().as_str()), (422, code));
    }
}

#[test]
fn a_rotated_key_is_published_with_the_old_ones_word_and_signs_within_seconds() {
    let site = Site::owned();
    let (_, bearer) = site.add_device(OWNER, "Logger");
    let who = ("authorization", bearer.as_str());
    let before = site.upload(who, "a.csv", b"1,2\r\n");
    let mut device = TrustedKeys::new(published(&site)[0], None);

    let new = site.wait(receipts::rotate(site.running().store())).unwrap();
    site.advance(Duration::from_secs(10));
    let known = site.get("/.well-known/fieldpost", &[]);
    assert_eq!(known.header("cache-control"), Some("public, max-age=60"));
    let keys = known.json()["keys"].clone();
    assert_eq!(keys.as_array().unwrap().len(), 2);
    assert_eq!(keys[0]["public_key"], new.to_string());
    assert_eq!(keys[1]["statement"], Value::Null);
    let statement = SignedStatement::from_text(keys[0]["statement"].as_str().unwrap()).unwrap();
    assert_eq!(device.accept(&statement), Ok(Accepted::Changed));
    assert_eq!(device.newest(), new);

    let after = site.upload(who, "a.csv", b"1,2\r\n");
    assert_ne!(
        after["receipt"], before["receipt"],
        "another key, another signature"
    );
    let by = |stored: &Value| {
        let signed = SignedReceipt::from_text(stored["receipt"].as_str().unwrap()).unwrap();
        let receipt = signed.verify(&device.as_array()).unwrap();
        (receipt.key, receipt.stored.stored_at_us)
    };
    assert_eq!(
        by(&after),
        (new.id(), by(&before).1),
        "all but the key is as before"
    );
    let items = [&before, &after].map(|stored| json!({ "receipt": stored["receipt"] }));
    assert_eq!(confirm(&site, who, &items), [Value::Null, Value::Null]);
}

#[test]
fn a_new_storage_epoch_is_told_with_every_confirmation() {
    let site = Site::owned();
    let epoch = |site: &Site| site.get("/.well-known/fieldpost", &[]).json()["storage_epoch"].clone();
    let first = epoch(&site);
    let second = site.wait(receipts::begin_epoch(site.running().store())).unwrap();
    site.advance(Duration::from_secs(10));
    assert_eq!(epoch(&site), second.to_string());
    assert_ne!(epoch(&site), first);
}

#[test]
fn the_secret_of_a_replaced_key_is_gone_and_none_is_given_out() {
    let site = Site::owned();
    site.wait(receipts::rotate(site.running().store())).unwrap();
    let seeds = site.wait(async {
        let mut rows = site.running().store().read_across().await.unwrap();
        let query = server::store::sql::query("SELECT seed FROM server_keys ORDER BY number");
        let found = query.fetch_all(&mut rows).await.unwrap();
        let seed = |row: &server::store::sql::Row| row.get::<Option<Vec<u8>>>("seed").unwrap();
        found.iter().map(seed).collect::<Vec<_>>()
    });
    assert_eq!(seeds[0], None);
    let secret = seeds[1].clone().unwrap();
    let (bearer, circle) = (site.add_device(OWNER, "Logger").1, circle());
    let answers = [
        site.get("/.well-known/fieldpost", &[]).text(),
        site.upload(("authorization", &bearer), "a.csv", &circle)
            .to_string(),
    ];
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &secret);
    for answer in answers {
        assert!(!answer.contains(&base64) && !answer.contains(&hex::encode(&secret)));
    }
}
