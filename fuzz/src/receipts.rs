//! Receipts and key statements, in binary and as the text of a header.

use wire::receipt::{ServerKey, SignedReceipt, SignedStatement, verify};

/// The first key of `crates/wire/vectors/receipt.json`, whose receipts are among the seeds.
const SEED: [u8; 32] = [1; 32];

/// What is read has one binary and one text form; what verifies is what signing its fields gives.
pub fn receipt(data: &[u8]) {
    let key = ServerKey::from_seed(&SEED);
    let keys = [key.public()];
    if let Ok(signed) = SignedReceipt::from_bytes(data) {
        assert_eq!(signed.as_bytes(), data);
        assert_eq!(SignedReceipt::from_text(&signed.to_string()), Ok(signed));
    }
    if let Ok(receipt) = verify(data, &keys) {
        let again = SignedReceipt::sign(&receipt.stored, &key).map(|signed| signed.as_bytes() == data);
        assert_eq!(again, Ok(true), "another encoding was believed");
    }
    if let Ok(signed) = SignedStatement::from_bytes(data) {
        assert_eq!(SignedStatement::from_text(&signed.to_string()), Ok(signed));
        if let Ok(told) = signed.verify(&keys) {
            let again = SignedStatement::sign(&key, told.next, told.made_at_us);
            assert_eq!(again, Ok(signed), "another encoding was believed");
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(signed) = SignedReceipt::from_text(text) {
            assert_eq!(signed.to_string(), text);
        }
        if let Ok(signed) = SignedStatement::from_text(text) {
            assert_eq!(signed.to_string(), text);
        }
    }
}
