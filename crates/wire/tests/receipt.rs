//! Receipts and key statements: the golden bytes, and that nothing but the signed bytes is believed.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};
use wire::receipt::{
    Accepted, Held, Mismatch, NAME_BYTES_MAX, NotAKey, PublicKey, RECEIPT_BYTES_MAX, RECEIPT_TEXT_BYTES_MAX,
    ReceiptError, ServerKey, SignedReceipt, SignedStatement, Stored, TrustedKeys, VerifyError, verify,
};

const GOLDEN: &str = include_str!("../vectors/receipt.json");

const TENANT: [u8; 16] = *b"\x01\x93\xA0\x00\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x01";
const DEVICE: [u8; 16] = *b"\x01\x93\xA0\x00\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x02";

fn key(number: u8) -> ServerKey {
    ServerKey::from_seed(&[number; 32])
}

fn stored() -> Stored<'static> {
    Stored {
        tenant: TENANT,
        device: Some(DEVICE),
        name: "sess_000123.csv",
        size_bytes: 1_234_567,
        sha256: [0xAB; 32],
        stored_at_us: 1_792_345_678_900_123,
    }
}

fn held() -> Held<'static> {
    Held {
        device: DEVICE,
        name: "sess_000123.csv",
        size_bytes: 1_234_567,
        sha256: [0xAB; 32],
    }
}

#[test]
fn receipts_and_statements_are_the_golden_bytes() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let again = golden_again();
    assert_eq!(
        golden,
        again,
        "the vectors from values are:\n{}",
        serde_json::to_string_pretty(&again).unwrap()
    );
}

#[test]
fn golden_receipts_verify_from_their_text_and_the_refused_ones_do_not() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let keys: Vec<PublicKey> = golden["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| PublicKey::from_text(key["public_key"].as_str().unwrap()).unwrap())
        .collect();
    let judge = |text: &Value| {
        let text = text.as_str().unwrap();
        SignedReceipt::from_text(text)
            .map_err(VerifyError::from)
            .and_then(|signed| signed.verify(&keys).map(|receipt| receipt.stored.size_bytes))
    };
    for receipt in golden["receipts"].as_array().unwrap() {
        assert_eq!(
            judge(&receipt["text"]),
            Ok(receipt["size_bytes"].as_str().unwrap().parse().unwrap())
        );
    }
    for refused in golden["refused"].as_array().unwrap() {
        assert!(judge(&refused["text"]).is_err(), "{}", refused["why"]);
    }
}

#[test]
fn a_receipt_says_after_its_journey_what_was_signed() {
    let signed = SignedReceipt::sign(&stored(), &key(1)).unwrap();
    let text = signed.to_string();
    let arrived = SignedReceipt::from_text(&text).unwrap();
    let receipt = arrived.verify(&[key(2).public(), key(1).public()]).unwrap();
    assert_eq!(receipt.stored, stored());
    assert_eq!(receipt.key, key(1).public().id());
    assert_eq!(receipt.stored.check(&held()), Ok(()));
}

#[test]
fn a_receipt_by_another_key_or_by_nobody_is_refused() {
    let signed = SignedReceipt::sign(&stored(), &key(1)).unwrap();
    let stranger = key(3).public();
    assert_eq!(
        signed.verify(&[stranger]),
        Err(VerifyError::UnknownKey(key(1).id()))
    );
    assert_eq!(signed.verify(&[]), Err(VerifyError::UnknownKey(key(1).id())));
    // A stranger who writes our key's id over his own: the id only finds the key, it proves nothing.
    let mut forged = SignedReceipt::sign(&stored(), &key(3))
        .unwrap()
        .as_bytes()
        .to_vec();
    forged[5..13].copy_from_slice(&key(1).id().0);
    assert_eq!(
        verify(&forged, &[key(1).public()]),
        Err(VerifyError::BadSignature)
    );
}

#[test]
fn a_true_receipt_for_something_else_is_told_apart() {
    let other = |change: fn(&mut Held<'static>)| {
        let mut held = held();
        change(&mut held);
        stored().check(&held)
    };
    let size = Mismatch::Size {
        receipt_bytes: 1_234_567,
        held_bytes: 1_234_568,
    };
    assert_eq!(other(|held| held.size_bytes += 1), Err(size));
    assert_eq!(other(|held| held.sha256[31] ^= 1), Err(Mismatch::Digest));
    assert_eq!(other(|held| held.device[0] ^= 1), Err(Mismatch::Device));
    assert_eq!(other(|held| held.name = "sess_000124.csv"), Err(Mismatch::Name));
    let brought_by_a_person = Stored {
        device: None,
        ..stored()
    };
    assert_eq!(brought_by_a_person.check(&held()), Err(Mismatch::Device));
    assert_eq!(brought_by_a_person.check_bytes(1_234_567, &[0xAB; 32]), Ok(()));
}

#[test]
fn a_statement_never_passes_for_a_receipt_nor_the_other_way_round() {
    let statement = SignedStatement::sign(&key(1), key(2).public(), 5).unwrap();
    assert_eq!(
        SignedReceipt::from_bytes(statement.as_bytes()),
        Err(ReceiptError::OtherKind)
    );
    let short = Stored {
        name: "a",
        device: None,
        ..stored()
    };
    let receipt = SignedReceipt::sign(&short, &key(1)).unwrap();
    assert!(SignedStatement::from_bytes(&receipt.as_bytes()[..119]).is_err());
    assert_eq!(SignedStatement::from_text("RlBSAQ"), Err(ReceiptError::OtherKind));
}

#[test]
fn the_longest_name_fits_and_a_longer_or_an_empty_one_is_an_error() {
    let named = |name: &str| SignedReceipt::sign(&Stored { name, ..stored() }, &key(1));
    let longest = named(&"ü".repeat(127)).unwrap();
    assert!(SignedReceipt::from_text(&longest.to_string()).is_ok());
    let full = named(&"n".repeat(NAME_BYTES_MAX)).unwrap();
    assert_eq!(full.as_bytes().len(), RECEIPT_BYTES_MAX);
    assert_eq!(full.to_string().len(), RECEIPT_TEXT_BYTES_MAX);
    assert_eq!(SignedReceipt::from_text(&full.to_string()), Ok(full));
    assert_eq!(
        named(&"n".repeat(NAME_BYTES_MAX + 1)),
        Err(ReceiptError::NameLength)
    );
    assert_eq!(named(""), Err(ReceiptError::NameLength));
}

#[test]
fn a_malformed_receipt_says_what_is_wrong() {
    let refusal = |change: fn(&mut Vec<u8>)| {
        let signed = SignedReceipt::sign(&stored(), &key(1)).unwrap();
        let mut bytes = signed.as_bytes().to_vec();
        change(&mut bytes);
        SignedReceipt::from_bytes(&bytes).unwrap_err()
    };
    assert_eq!(refusal(|bytes| bytes[3] = 2), ReceiptError::Version(2));
    assert_eq!(refusal(|bytes| bytes[0] = b'f'), ReceiptError::OtherKind);
    assert_eq!(refusal(|bytes| bytes.push(0)), ReceiptError::Trailing);
    assert_eq!(refusal(|bytes| bytes.truncate(177)), ReceiptError::Truncated);
    assert_eq!(refusal(|bytes| bytes.resize(419, 0)), ReceiptError::TooLong);
    assert_eq!(
        refusal(|bytes| bytes[13] = 15),
        ReceiptError::FieldLength { field: "tenant" }
    );
    assert_eq!(refusal(|bytes| bytes[48] = 0xFF), ReceiptError::NameNotText);
}

#[test]
fn a_device_follows_rotations_in_order_and_keeps_two_keys() {
    let (a, b, c) = (key(1), key(2), key(3));
    let a_names_b = SignedStatement::sign(&a, b.public(), 10).unwrap();
    let b_names_c = SignedStatement::sign(&b, c.public(), 20).unwrap();
    let mut keys = TrustedKeys::new(a.public(), None);
    assert_eq!(
        keys.accept(&b_names_c),
        Err(VerifyError::UnknownKey(b.id())),
        "the one before is missing"
    );
    assert_eq!(keys.accept(&a_names_b), Ok(Accepted::Changed));
    assert_eq!(keys.accept(&a_names_b), Ok(Accepted::Known));
    assert_eq!(keys, TrustedKeys::new(b.public(), Some(a.public())));
    assert_eq!(keys.accept(&b_names_c), Ok(Accepted::Changed));
    assert_eq!(keys, TrustedKeys::new(c.public(), Some(b.public())));
    let by = |key: &ServerKey| SignedReceipt::sign(&stored(), key).unwrap();
    assert!(by(&c).verify(&keys.as_array()).is_ok());
    assert!(by(&b).verify(&keys.as_array()).is_ok());
    assert_eq!(
        by(&a).verify(&keys.as_array()),
        Err(VerifyError::UnknownKey(a.id()))
    );
}

#[test]
fn a_key_that_was_replaced_cannot_name_another_successor() {
    let (a, b, thief) = (key(1), key(2), key(9));
    let mut keys = TrustedKeys::new(b.public(), Some(a.public()));
    let stolen = SignedStatement::sign(&a, thief.public(), 10).unwrap();
    assert_eq!(keys.accept(&stolen), Err(VerifyError::NotNewest(a.id())));
    assert_eq!(keys, TrustedKeys::new(b.public(), Some(a.public())));
}

#[test]
fn secret_keys_do_not_print_and_weak_public_keys_are_none() {
    let seed_hex = "07".repeat(32);
    let printed = format!("{:?}", key(7));
    assert!(
        printed.contains("***") && !printed.contains(&seed_hex) && !printed.contains("7, 7"),
        "{printed}"
    );
    // The neutral element and a point of order two: everything is signed under them.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(PublicKey::from_bytes(neutral), Err(NotAKey));
    let mut order_two = [0xFF; 32];
    order_two[0] = 0xEC;
    order_two[31] = 0x7F;
    assert_eq!(PublicKey::from_bytes(order_two), Err(NotAKey));
    assert_eq!(PublicKey::from_text("AAAA"), Err(NotAKey));
}

prop_compose! {
    fn any_stored()(
        tenant in any::<[u8; 16]>(), device in any::<Option<[u8; 16]>>(), size_bytes in any::<u64>(),
        sha256 in any::<[u8; 32]>(), stored_at_us in any::<i64>(), name in "[^\\p{Cc}/]{1,60}",
    ) -> (Stored<'static>, String) {
        (Stored { tenant, device, name: "", size_bytes, sha256, stored_at_us }, name)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_flipped_bit_is_refused((fields, name) in any_stored(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let signed = SignedReceipt::sign(&Stored { name: &name, ..fields }, &key(1)).unwrap();
        let mut bytes = signed.as_bytes().to_vec();
        prop_assert_eq!(verify(&bytes, &[key(1).public()]).unwrap().stored, Stored { name: &name, ..fields });
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(verify(&bytes, &[key(1).public()]).is_err());
    }

    #[test]
    fn any_truncation_and_any_addition_is_an_error((fields, name) in any_stored(), more in 1..40_usize) {
        let signed = SignedReceipt::sign(&Stored { name: &name, ..fields }, &key(1)).unwrap();
        for len in 0..signed.as_bytes().len() {
            prop_assert!(verify(&signed.as_bytes()[..len], &[key(1).public()]).is_err(), "cut to {}", len);
        }
        let mut longer = signed.as_bytes().to_vec();
        longer.resize(longer.len() + more, 0);
        prop_assert!(verify(&longer, &[key(1).public()]).is_err());
    }

    #[test]
    fn any_changed_character_of_the_text_is_refused(at in any::<prop::sample::Index>(), other in "[ -~]") {
        let text = SignedReceipt::sign(&stored(), &key(1)).unwrap().to_string();
        let at = at.index(text.len());
        let mut changed = text.clone();
        changed.replace_range(at..=at, &other);
        let believed = SignedReceipt::from_text(&changed).is_ok_and(|signed| signed.verify(&[key(1).public()]).is_ok());
        prop_assert_eq!(believed, changed == text);
    }

    #[test]
    fn any_flipped_bit_of_a_statement_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let statement = SignedStatement::sign(&key(1), key(2).public(), 5).unwrap();
        let mut bytes = statement.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let told = SignedStatement::from_bytes(&bytes).map_err(VerifyError::from).and_then(|signed| signed.verify(&[key(1).public()]));
        prop_assert!(told.is_err());
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500), text in ".{0,80}") {
        let _ = verify(&bytes, &[key(1).public()]);
        let _ = SignedReceipt::from_text(&text);
        let _ = SignedStatement::from_bytes(&bytes);
    }
}

/// The vectors from values. Numbers that JavaScript would round are strings.
fn golden_again() -> Value {
    let (old, new) = (key(1), key(2));
    let by_a_person = Stored {
        device: None,
        name: "Größe ✓.csv",
        size_bytes: 0,
        stored_at_us: 0,
        ..stored()
    };
    let huge = Stored {
        name: &"n".repeat(NAME_BYTES_MAX),
        size_bytes: u64::MAX,
        stored_at_us: i64::MAX,
        ..stored()
    };
    let plain = SignedReceipt::sign(&stored(), &old).unwrap();
    let statement = SignedStatement::sign(&old, new.public(), 1_792_345_678_900_123).unwrap();
    json!({
        "version": 1,
        "keys": [key_again(&old, 1), key_again(&new, 2)],
        "receipts": [
            receipt_again("a device's recording", &stored(), &old),
            receipt_again("brought by a person, an empty file, a name beyond ASCII, signed by the next key", &by_a_person, &new),
            receipt_again("every field at its largest", &huge, &old),
        ],
        "refused": [
            refused_again("a bit of the size is flipped", &plain, |bytes| bytes[67] ^= 1),
            refused_again("a bit of the signature is flipped", &plain, |bytes| bytes[150] ^= 1),
            refused_again("the last byte is missing", &plain, |bytes| bytes.truncate(bytes.len() - 1)),
            refused_again("a byte follows", &plain, |bytes| bytes.push(0)),
            refused_again("version 2", &plain, |bytes| bytes[3] = 2),
            refused_again("a stranger's signature under our key's id", &SignedReceipt::sign(&stored(), &key(3)).unwrap(),
                |bytes| bytes[5..13].copy_from_slice(&key(1).id().0)),
            refused_again("a stranger's receipt", &SignedReceipt::sign(&stored(), &key(3)).unwrap(), |_| {}),
        ],
        "statements": [{
            "why": "the first key names the second",
            "signer": old.id().to_string(),
            "next": new.public().to_string(),
            "made_at_us": "1792345678900123",
            "hex": hex(statement.as_bytes()),
            "text": statement.to_string(),
        }],
    })
}

fn key_again(key: &ServerKey, number: u8) -> Value {
    json!({ "seed_hex": hex(&[number; 32]), "id": key.id().to_string(), "public_key": key.public().to_string() })
}

fn receipt_again(why: &str, stored: &Stored<'_>, key: &ServerKey) -> Value {
    let signed = SignedReceipt::sign(stored, key).unwrap();
    json!({
        "why": why,
        "key": key.id().to_string(),
        "tenant_hex": hex(&stored.tenant),
        "device_hex": stored.device.map(|device| hex(&device)),
        "name": stored.name,
        "size_bytes": stored.size_bytes.to_string(),
        "sha256": hex(&stored.sha256),
        "stored_at_us": stored.stored_at_us.to_string(),
        "hex": hex(signed.as_bytes()),
        "text": signed.to_string(),
    })
}

fn refused_again(why: &str, signed: &SignedReceipt, change: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut bytes = signed.as_bytes().to_vec();
    change(&mut bytes);
    json!({ "why": why, "text": base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &bytes) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
