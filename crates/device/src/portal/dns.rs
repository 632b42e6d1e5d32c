//! Names for those who joined the device's own network: every name is the device.
//!
//! ```text
//! one question of class IN:  A, ANY ─► our address        AAAA, HTTPS, … ─► no error, nothing
//! other operations           ─► not implemented           no whole question, or an answer ─► silence
//! ```
//!
//! That an AAAA or HTTPS question is answered with nothing, rather than not at all, is what makes phones go on to the address at once.

use super::ADDRESS;
use super::message::{CLASS_ANY, CLASS_IN, HEADER_BYTES, OPCODE, RESPONSE, Reader, Writer, rtype};

/// What DNS over UDP allows without extensions.
pub const MESSAGE_BYTES_MAX: usize = 512;
/// A phone that leaves should soon forget that everything is here.
const TTL_S: u32 = 5;

const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const NOT_IMPLEMENTED: u16 = 4;
/// The name of the question, which stands right after the header.
const SAME_NAME: u16 = 0xC00C;

/// Answers what came to port 53; the length of the answer, or nothing where there is none.
pub fn answer(query: &[u8], into: &mut [u8; MESSAGE_BYTES_MAX]) -> Option<usize> {
    if query.len() > MESSAGE_BYTES_MAX {
        return None;
    }
    let (header, mut reader) = Reader::new(query)?;
    if header.flags & RESPONSE != 0 {
        return None;
    }
    let flags = RESPONSE | header.flags & (OPCODE | RECURSION_DESIRED) | RECURSION_AVAILABLE;
    if header.flags & OPCODE != 0 {
        return Writer::new(into, header.id, flags | NOT_IMPLEMENTED).finish([0; 4]);
    }
    if header.questions != 1 {
        return None;
    }
    let question = reader.question()?;
    let mut writer = Writer::new(into, header.id, flags);
    writer.bytes(query.get(HEADER_BYTES..reader.at())?);
    let is_asked =
        matches!(question.class, CLASS_IN | CLASS_ANY) && matches!(question.rtype, rtype::A | rtype::ANY);
    if is_asked {
        writer.u16(SAME_NAME);
        writer.record(rtype::A, CLASS_IN, TTL_S, |data| data.bytes(&ADDRESS.octets()));
    }
    writer.finish([1, u16::from(is_asked), 0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    extern crate std;

    fn query(flags: u16, questions: u16, name: &[&str], rtype: u16) -> std::vec::Vec<u8> {
        let mut bytes = [0; 512];
        let mut writer = Writer::new(&mut bytes, 0xBEEF, flags);
        writer.name(name);
        writer.u16(rtype);
        writer.u16(CLASS_IN);
        let length = writer.finish([questions, 0, 0, 0]).unwrap();
        bytes[..length].to_vec()
    }

    fn ask(query: &[u8]) -> Option<std::vec::Vec<u8>> {
        let mut into = [0; MESSAGE_BYTES_MAX];
        let length = answer(query, &mut into)?;
        Some(into[..length].to_vec())
    }

    const PROBE: [&str; 3] = ["connectivitycheck", "gstatic", "com"];

    #[test]
    fn every_name_is_here() {
        for name in [&PROBE[..], &["example"], &["a", "b", "c", "d", "e"]] {
            let asked = query(RECURSION_DESIRED, 1, name, rtype::A);
            let answer = ask(&asked).unwrap();
            assert_eq!(answer[..4], [0xBE, 0xEF, 0x81, 0x80]);
            assert_eq!(answer[4..12], [0, 1, 0, 1, 0, 0, 0, 0]);
            assert_eq!(
                answer[12..asked.len()],
                asked[12..],
                "the question as it was asked"
            );
            assert_eq!(answer[answer.len() - 4..], [4, 3, 2, 1]);
        }
    }

    #[test]
    fn there_is_no_sixth_version_and_no_hint_and_that_is_no_error() {
        for other in [rtype::AAAA, 65, rtype::TXT] {
            let asked = query(RECURSION_DESIRED, 1, &PROBE, other);
            let answer = ask(&asked).unwrap();
            assert_eq!(answer[2..12], [0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
            assert_eq!(answer.len(), asked.len());
        }
    }

    #[test]
    fn answers_are_not_answered_and_what_is_broken_is_ignored() {
        assert_eq!(ask(&query(RESPONSE, 1, &PROBE, rtype::A)), None);
        assert_eq!(ask(&query(0, 2, &PROBE, rtype::A)).map(|a| a.len()), None);
        assert_eq!(ask(&query(0, 0, &PROBE, rtype::A)), None);
        let whole = query(0, 1, &PROBE, rtype::A);
        for cut in 0..whole.len() {
            assert_eq!(ask(&whole[..cut]), None, "{cut}");
        }
        let mut points_at_itself = whole.clone();
        points_at_itself[12..14].copy_from_slice(&[0xC0, 12]);
        assert_eq!(ask(&points_at_itself), None);
        assert_eq!(ask(&[0; 513]), None);
    }

    #[test]
    fn updates_are_not_for_us() {
        assert_eq!(
            ask(&query(0x2800, 1, &PROBE, rtype::A)).unwrap()[2..4],
            [0xA8, 0x84]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_one_record_or_none(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), real in proptest::bool::ANY) {
            let mut bytes = bytes;
            if real && bytes.len() > 12 {
                bytes[2..12].copy_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            }
            if let Some(answer) = ask(&bytes) {
                proptest::prop_assert!(answer.len() <= bytes.len() + 16);
                proptest::prop_assert_eq!(&answer[..2], &bytes[..2]);
            }
        }
    }
}
