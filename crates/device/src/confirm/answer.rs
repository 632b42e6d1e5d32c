//! The answer to a confirmation, read strictly: one that is cut off, has another count or misses a word confirms nothing.

use heapless::Vec;
use serde::Deserialize;

use super::ASKED_MAX;

/// One life of a server's storage, a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u128);

impl Epoch {
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// `0193a000-0000-7000-8000-000000000001`.
    pub fn from_text(text: &str) -> Option<Self> {
        const DASHES: [usize; 4] = [8, 13, 18, 23];
        if text.len() != 36 {
            return None;
        }
        let mut bits: u128 = 0;
        for (at, byte) in text.bytes().enumerate() {
            if DASHES.contains(&at) {
                if byte != b'-' {
                    return None;
                }
            } else {
                let digit = char::from(byte).to_digit(16)?;
                bits = bits << 4 | u128::from(digit);
            }
        }
        Some(Self(bits))
    }
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) epoch: Epoch,
    pub(super) held: Vec<bool, ASKED_MAX>,
}

impl Said {
    pub(super) fn read(body: &[u8], asked: usize) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer<'b> {
            storage_epoch: &'b str,
            #[serde(borrow)]
            items: Vec<Item<'b>, ASKED_MAX>,
        }
        #[derive(Deserialize)]
        struct Item<'b> {
            held: bool,
            reason: Option<&'b str>,
        }
        let (answer, _) = serde_json_core::from_slice::<Answer<'_>>(body).ok()?;
        if answer.items.len() != asked {
            return None;
        }
        Some(Self {
            epoch: Epoch::from_text(answer.storage_epoch)?,
            held: answer
                .items
                .iter()
                .map(|item| item.held && item.reason.is_none())
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    const EPOCH: &str = "0193a000-0000-7000-8000-0000000000ff";

    fn read(items: &str, asked: usize) -> Option<Vec<bool, ASKED_MAX>> {
        let body = std::format!(r#"{{"storage_epoch":"{EPOCH}","later":[1,{{}}],"items":[{items}]}}"#);
        Said::read(body.as_bytes(), asked).map(|said| said.held)
    }

    #[test]
    fn only_a_whole_answer_to_all_that_was_asked_counts() {
        let held = r#"{"held":true,"reason":null}"#;
        let lost = r#"{"reason":"bytes_missing","held":false}"#;
        let both = std::format!("{held},{lost}");
        assert_eq!(read(&both, 2).as_deref(), Some(&[true, false][..]));
        assert_eq!(read(held, 2), None);
        assert_eq!(read(&both, 1), None);
        assert_eq!(read(r#"{"held":1}"#, 1), None);
        assert_eq!(
            read(r#"{"held":true,"reason":"bytes_missing"}"#, 1).as_deref(),
            Some(&[false][..])
        );
        assert_eq!(
            read(r#"{"held":false,"reason":null}"#, 1).as_deref(),
            Some(&[false][..])
        );
        let whole = std::format!(r#"{{"storage_epoch":"{EPOCH}","items":[{held}]}}"#);
        assert!(Said::read(whole.as_bytes(), 1).is_some());
        for end in 0..whole.len() {
            assert!(Said::read(&whole.as_bytes()[..end], 1).is_none(), "{end}");
        }
    }

    #[test]
    fn an_epoch_is_a_uuid() {
        assert_eq!(
            Epoch::from_text(EPOCH).map(Epoch::to_bits),
            Some(0x0193_a000_0000_7000_8000_0000_0000_00ff)
        );
        for wrong in [
            "",
            "0193a000",
            "0193a000-0000-7000-8000-0000000000fg",
            "0193a00000000-7000-8000-0000000000ff1",
        ] {
            assert_eq!(Epoch::from_text(wrong), None, "{wrong}");
        }
    }
}
