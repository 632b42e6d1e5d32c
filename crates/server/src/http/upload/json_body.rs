//! `{"filename": "…", "content": "…"}` read as it arrives, in either key order, with the content unescaped on the way.
//!
//! A logger with 100 KB of memory sends its whole CSV as one JSON string, so the value may be hundreds of megabytes and
//! must never be held. This is a push parser: bytes in, pieces of content out, a few dozen bytes of state between. It
//! accepts exactly RFC 8259 for the one object it expects; members it does not know are skipped if they are strings,
//! numbers or literals, and refused if they nest, since nothing that sends this shape nests.
//!
//! Pure and synchronous: no body, no file, no clock. The same document gives the same content however it was cut.

use std::str;

/// A file name is held in memory up to this length, counted once unescaped; what ingest keeps of its last part is shorter.
const FILENAME_BYTES_MAX: usize = 1024;
/// Keys and bare literals are short words; a longer one is not this shape.
const WORD_BYTES_MAX: usize = 64;
/// What can be a device's name: 64 characters. Of a longer value one byte more is held, so that it is seen to be none.
const DEVICE_BYTES_MAX: usize = 4 * 64;
/// Members that say which device sends; the first one counts.
const DEVICE_KEYS: [&[u8]; 3] = [b"device_uuid", b"device_id", b"device_uid"];

/// Why a document was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonBodyError {
    #[error("byte {at} is not what JSON allows there: {expected} was expected")]
    Syntax { at: u64, expected: &'static str },
    #[error("the string around byte {at} is not valid UTF-8 once unescaped")]
    NotText { at: u64 },
    #[error("the value of `{key}` must be a string")]
    NotAString { key: &'static str },
    #[error("`{key}` is given twice")]
    Twice { key: &'static str },
    #[error("`{key}` is missing; the body must be {{\"filename\": \"…\", \"content\": \"…\"}}")]
    Missing { key: &'static str },
    #[error("the file name is longer than {FILENAME_BYTES_MAX} bytes")]
    FilenameTooLong,
    #[error("the body ends in the middle of the JSON document")]
    Truncated,
}

/// Where in the document the next byte falls.
///
/// ```text
/// Start ─{→ KeyOrEnd ─"→ Str(Key) ─"→ Colon ─:→ Value ─"→ Str(Filename|Content|Device|Skipped) ─"→ CommaOrEnd ─}→ End
///                                                └─ literal → Bare ─ , or } ─┘      └─,→ Key ─"→ Str(Key)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    KeyOrEnd,
    Key,
    Colon,
    Value,
    Str(Target, Escape),
    Bare,
    CommaOrEnd,
    End,
}

/// Which value the string being read belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Key,
    Filename,
    Content,
    Device,
    Skipped,
}

/// How far into an escape sequence a string is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Backslash,
    /// Inside `\uXXXX`: the digits so far, and the high surrogate before it if there was one.
    Unicode {
        high: Option<u16>,
        value: u16,
        digits: u8,
    },
    /// A high surrogate is complete and only `\` may follow.
    LowBackslash {
        high: u16,
    },
    /// … and then only `u`.
    LowU {
        high: u16,
    },
}

/// The parser; feed it with [`JsonBody::push`] and close it with [`JsonBody::finish`].
#[derive(Debug)]
pub struct JsonBody {
    state: State,
    at: u64,
    /// Key, file name or bare literal while it is being read.
    word: Vec<u8>,
    target: Target,
    filename: Option<String>,
    device: Option<String>,
    content_seen: bool,
    utf8: Utf8Check,
}

impl Default for JsonBody {
    fn default() -> Self {
        Self::new()
    }
}

impl JsonBody {
    pub fn new() -> Self {
        Self {
            state: State::Start,
            at: 0,
            word: Vec::new(),
            target: Target::Skipped,
            filename: None,
            device: None,
            content_seen: false,
            utf8: Utf8Check::default(),
        }
    }

    /// Reads `input` and appends the content it holds to `out`; never appends more bytes than it was given plus three.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), JsonBodyError> {
        let mut rest = input;
        while let Some(&byte) = rest.first() {
            if let State::Str(target, Escape::None) = self.state {
                let plain = plain_run(rest);
                if plain > 0 {
                    let (run, tail) = rest.split_at(plain);
                    self.take(target, run, out)?;
                    self.at += plain as u64;
                    rest = tail;
                    continue;
                }
            }
            self.state = self.step(byte, out)?;
            self.at += 1;
            rest = &rest[1..];
        }
        Ok(())
    }

    /// What the document said of the device so far; only senders that are not known otherwise need it.
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// The file name, if the document was whole and had both members.
    pub fn finish(self) -> Result<String, JsonBodyError> {
        if self.state != State::End {
            return Err(JsonBodyError::Truncated);
        }
        if !self.content_seen {
            return Err(JsonBodyError::Missing { key: "content" });
        }
        self.filename.ok_or(JsonBodyError::Missing { key: "filename" })
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<State, JsonBodyError> {
        let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match self.state {
            State::Str(target, escape) => self.in_string(target, escape, byte, out),
            State::Bare => self.in_bare(byte),
            State::Start | State::KeyOrEnd | State::Key | State::Colon | State::Value | State::CommaOrEnd
                if blank =>
            {
                Ok(self.state)
            }
            State::Start if byte == b'{' => Ok(State::KeyOrEnd),
            State::Start => Err(self.expected("`{`")),
            State::KeyOrEnd if byte == b'}' => Ok(State::End),
            State::KeyOrEnd | State::Key if byte == b'"' => Ok(self.open(Target::Key)),
            State::KeyOrEnd | State::Key => Err(self.expected("a key in double quotes")),
            State::Colon if byte == b':' => self.value_of_key(),
            State::Colon => Err(self.expected("`:`")),
            State::Value if byte == b'"' => Ok(self.open(self.target)),
            State::Value => self.open_bare(byte),
            State::CommaOrEnd if byte == b',' => Ok(State::Key),
            State::CommaOrEnd if byte == b'}' => Ok(State::End),
            State::CommaOrEnd => Err(self.expected("`,` or `}`")),
            State::End if blank => Ok(State::End),
            State::End => Err(self.expected("nothing more")),
        }
    }

    fn expected(&self, expected: &'static str) -> JsonBodyError {
        JsonBodyError::Syntax {
            at: self.at,
            expected,
        }
    }

    fn open(&mut self, target: Target) -> State {
        self.word.clear();
        self.utf8 = Utf8Check::default();
        State::Str(target, Escape::None)
    }

    /// A key is complete: decides where its value goes.
    fn value_of_key(&mut self) -> Result<State, JsonBodyError> {
        self.target = match self.word.as_slice() {
            b"filename" if self.filename.is_some() => return Err(JsonBodyError::Twice { key: "filename" }),
            b"content" if self.content_seen => return Err(JsonBodyError::Twice { key: "content" }),
            b"filename" => Target::Filename,
            b"content" => Target::Content,
            key if self.device.is_none() && DEVICE_KEYS.contains(&key) => Target::Device,
            _ => Target::Skipped,
        };
        Ok(State::Value)
    }

    fn open_bare(&mut self, byte: u8) -> Result<State, JsonBodyError> {
        match self.target {
            Target::Filename => return Err(JsonBodyError::NotAString { key: "filename" }),
            Target::Content => return Err(JsonBodyError::NotAString { key: "content" }),
            Target::Key | Target::Device | Target::Skipped => {}
        }
        if !(byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(self.expected("a string, a number, true, false or null"));
        }
        self.word.clear();
        self.word.push(byte);
        Ok(State::Bare)
    }

    fn in_bare(&mut self, byte: u8) -> Result<State, JsonBodyError> {
        let next = match byte {
            b',' => State::Key,
            b'}' => State::End,
            b' ' | b'\t' | b'\r' | b'\n' => State::CommaOrEnd,
            _ if self.word.len() < WORD_BYTES_MAX => {
                self.word.push(byte);
                return Ok(State::Bare);
            }
            _ => return Err(self.expected("the end of a number or literal")),
        };
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&self.word) else {
            return Err(self.expected("a number, true, false or null before it"));
        };
        if let (Target::Device, serde_json::Value::Number(number)) = (self.target, value) {
            self.device = Some(number.to_string());
        }
        Ok(next)
    }

    fn in_string(
        &mut self,
        target: Target,
        escape: Escape,
        byte: u8,
        out: &mut Vec<u8>,
    ) -> Result<State, JsonBodyError> {
        let next = match (escape, byte) {
            (Escape::None, b'"') => return self.close(target),
            (Escape::None, b'\\') => Escape::Backslash,
            (Escape::None, _) => {
                return Err(self.expected("an escape such as \\n instead of a control character"));
            }
            (Escape::Backslash, b'u') => Escape::Unicode {
                high: None,
                value: 0,
                digits: 0,
            },
            (Escape::Backslash, _) => {
                let unescaped = short_escape(byte).ok_or(self.expected("one of \" \\ / b f n r t u"))?;
                self.take(target, &[unescaped], out)?;
                Escape::None
            }
            (Escape::Unicode { high, value, digits }, _) => {
                let digit = char::from(byte)
                    .to_digit(16)
                    .ok_or(self.expected("a hexadecimal digit"))?;
                // A hexadecimal digit is below 16: the conversion cannot lose anything.
                let value = value << 4 | u16::try_from(digit).unwrap_or(0);
                if digits < 3 {
                    Escape::Unicode {
                        high,
                        value,
                        digits: digits + 1,
                    }
                } else {
                    self.code_unit(target, high, value, out)?
                }
            }
            (Escape::LowBackslash { high }, b'\\') => Escape::LowU { high },
            (Escape::LowU { high }, b'u') => Escape::Unicode {
                high: Some(high),
                value: 0,
                digits: 0,
            },
            (Escape::LowBackslash { .. } | Escape::LowU { .. }, _) => {
                return Err(self.expected("the second half of a surrogate pair"));
            }
        };
        Ok(State::Str(target, next))
    }

    /// One `\uXXXX` is complete: a character, the first half of one, or the second.
    fn code_unit(
        &mut self,
        target: Target,
        high: Option<u16>,
        unit: u16,
        out: &mut Vec<u8>,
    ) -> Result<Escape, JsonBodyError> {
        if high.is_none() && (0xD800..0xDC00).contains(&unit) {
            return Ok(Escape::LowBackslash { high: unit });
        }
        let mut units = high.into_iter().chain([unit]);
        let mut decoded = char::decode_utf16(&mut units);
        let character = match (decoded.next(), decoded.next()) {
            (Some(Ok(character)), None) => character,
            _ => return Err(self.expected("a whole surrogate pair")),
        };
        let mut buffer = [0; 4];
        self.take(target, character.encode_utf8(&mut buffer).as_bytes(), out)?;
        Ok(Escape::None)
    }

    fn close(&mut self, target: Target) -> Result<State, JsonBodyError> {
        if !self.utf8.is_complete() {
            return Err(JsonBodyError::NotText { at: self.at });
        }
        match target {
            Target::Key => return Ok(State::Colon),
            Target::Filename => {
                let text = str::from_utf8(&self.word).map_err(|_| JsonBodyError::NotText { at: self.at })?;
                self.filename = Some(text.to_owned());
            }
            Target::Device => self.device = Some(String::from_utf8_lossy(&self.word).into_owned()),
            Target::Content => self.content_seen = true,
            Target::Skipped => {}
        }
        Ok(State::CommaOrEnd)
    }

    fn take(&mut self, target: Target, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), JsonBodyError> {
        if !self.utf8.push(bytes) {
            return Err(JsonBodyError::NotText { at: self.at });
        }
        match target {
            Target::Content => out.extend_from_slice(bytes),
            Target::Filename if self.word.len() + bytes.len() > FILENAME_BYTES_MAX => {
                return Err(JsonBodyError::FilenameTooLong);
            }
            Target::Key if self.word.len() + bytes.len() > WORD_BYTES_MAX => {
                return Err(self.expected("a shorter key"));
            }
            Target::Filename | Target::Key => self.word.extend_from_slice(bytes),
            Target::Device => {
                let room = (DEVICE_BYTES_MAX + 1).saturating_sub(self.word.len());
                self.word.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Target::Skipped => {}
        }
        Ok(())
    }
}

/// How many bytes from the start are neither quote, backslash nor control character.
fn plain_run(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|&b| b == b'"' || b == b'\\' || b < 0x20)
        .unwrap_or(bytes.len())
}

fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' | b'/' => Some(byte),
        b'b' => Some(0x08),
        b'f' => Some(0x0C),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

/// UTF-8 validity of a string that arrives in pieces: the bytes of a character cut by a piece's end are carried over.
#[derive(Debug, Default)]
struct Utf8Check {
    carry: [u8; 4],
    carried: usize,
}

impl Utf8Check {
    fn push(&mut self, mut bytes: &[u8]) -> bool {
        while self.carried > 0 {
            let Some((&next, rest)) = bytes.split_first() else {
                return true;
            };
            self.carry[self.carried] = next;
            self.carried += 1;
            bytes = rest;
            match str::from_utf8(&self.carry[..self.carried]) {
                Ok(_) => self.carried = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        match str::from_utf8(bytes) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => {
                let tail = &bytes[error.valid_up_to()..];
                self.carry[..tail.len()].copy_from_slice(tail);
                self.carried = tail.len();
                true
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.carried == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<(String, Vec<u8>), JsonBodyError> {
        let mut body = JsonBody::new();
        let mut content = Vec::new();
        for piece in pieces {
            body.push(piece, &mut content)?;
        }
        Ok((body.finish()?, content))
    }

    fn read_whole(text: &str) -> Result<(String, Vec<u8>), JsonBodyError> {
        read(&[text.as_bytes()])
    }

    #[test]
    fn a_device_is_named_by_its_first_member_that_says_something() {
        let long = format!(r#"{{"device_uuid":"{}"}}"#, "é".repeat(500));
        for (text, device) in [
            (
                r#"{"device_uuid":null,"device_id":"a\u00e9","device_uid":"b"}"#,
                Some("aé"),
            ),
            (r#"{"device_id":42}"#, Some("42")),
            (r#"{"device":"a"}"#, None),
            (r#"{"device_uid":true}"#, None),
        ] {
            let mut body = JsonBody::new();
            body.push(text.as_bytes(), &mut Vec::new()).unwrap();
            assert_eq!(body.device(), device, "{text}");
        }
        let mut body = JsonBody::new();
        body.push(long.as_bytes(), &mut Vec::new()).unwrap();
        assert!(body.device().unwrap().chars().count() > 64);
    }

    #[test]
    fn both_key_orders_give_the_same() {
        let first = read_whole(r#"{"filename":"a.csv","content":"1,2\r\n3,4\r\n"}"#).unwrap();
        let second = read_whole(r#" { "content" : "1,2\r\n3,4\r\n" , "filename" : "a.csv" } "#).unwrap();
        assert_eq!(first, ("a.csv".to_owned(), b"1,2\r\n3,4\r\n".to_vec()));
        assert_eq!(first, second);
    }

    #[test]
    fn every_escape_is_undone() {
        let (_, content) =
            read_whole(r#"{"filename":"x","content":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83c\udfc1 é🏁"}"#)
                .unwrap();
        assert_eq!(content, "\"\\/\u{8}\u{c}\n\r\tAé€🏁 é🏁".as_bytes());
    }

    #[test]
    fn any_cut_gives_the_same_as_none() {
        let text = r#"{"kind":12,"filename":"r\u00e9né 🏁.csv","sum":null,"content":"a\ud83c\udfc1é\r\n\"🏁","more":"x\n"}"#;
        let whole = read_whole(text).unwrap();
        assert_eq!(whole.0, "réné 🏁.csv");
        assert_eq!(whole.1, "a🏁é\r\n\"🏁".as_bytes());
        let bytes = text.as_bytes();
        for cut in 0..=bytes.len() {
            assert_eq!(
                read(&[&bytes[..cut], &bytes[cut..]]).unwrap(),
                whole,
                "cut at {cut}"
            );
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).unwrap(), whole);
    }

    #[test]
    fn an_unescaped_control_character_is_refused_with_its_place() {
        assert_eq!(
            read(&[b"{\"filename\":\"a\",\"content\":\"1\n\"}"]),
            Err(JsonBodyError::Syntax {
                at: 28,
                expected: "an escape such as \\n instead of a control character"
            })
        );
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        for text in [
            r#""\ud83cx""#,
            r#""\ud83c\n""#,
            r#""\ud83c\u0041""#,
            r#""\udfc1""#,
            r#""\ud83c""#,
        ] {
            let document = format!(r#"{{"filename":"a","content":{text}}}"#);
            assert!(
                matches!(read_whole(&document), Err(JsonBodyError::Syntax { .. })),
                "{document}"
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused() {
        assert!(matches!(
            read(&[b"{\"filename\":\"a\",\"content\":\"\xff\"}"]),
            Err(JsonBodyError::NotText { .. })
        ));
        assert!(matches!(
            read(&[b"{\"filename\":\"a\",\"content\":\"\xc3\"}"]),
            Err(JsonBodyError::NotText { .. })
        ));
        assert!(matches!(
            read(&[b"{\"filename\":\"a\",\"content\":\"\xc3", b"\\n\"}"]),
            Err(JsonBodyError::NotText { .. })
        ));
    }

    #[test]
    fn what_is_not_the_shape_is_refused_by_cause() {
        assert_eq!(
            read_whole(r#"{"filename":"a"}"#),
            Err(JsonBodyError::Missing { key: "content" })
        );
        assert_eq!(
            read_whole(r#"{"content":"a"}"#),
            Err(JsonBodyError::Missing { key: "filename" })
        );
        assert_eq!(read_whole("{}"), Err(JsonBodyError::Missing { key: "content" }));
        assert_eq!(
            read_whole(r#"{"filename":"a","filename":"b"}"#),
            Err(JsonBodyError::Twice { key: "filename" })
        );
        assert_eq!(
            read_whole(r#"{"content":"a","content":"#),
            Err(JsonBodyError::Twice { key: "content" })
        );
        assert_eq!(
            read_whole(r#"{"filename":7}"#),
            Err(JsonBodyError::NotAString { key: "filename" })
        );
        assert_eq!(
            read_whole(r#"{"filename":"a","content":"b"#),
            Err(JsonBodyError::Truncated)
        );
        assert_eq!(read_whole(""), Err(JsonBodyError::Truncated));
        assert_eq!(
            read_whole(&format!(r#"{{"filename":"{}"}}"#, "x".repeat(2000))),
            Err(JsonBodyError::FilenameTooLong)
        );
        // 1 024 letters written as escapes of six bytes each: it is the name that counts, not how it is written.
        let escaped = r"\u0078".repeat(1024);
        let (name, _) = read_whole(&format!(r#"{{"filename":"{escaped}","content":""}}"#)).unwrap();
        assert_eq!(name.len(), 1024);
        for text in [
            "[]",
            r#"{"a":[1]}"#,
            r#"{"a":{}}"#,
            r#"{"a":tru}"#,
            r#"{"a" 1}"#,
            r#"{"a":1,}"#,
            r#"{"a":1}x"#,
        ] {
            assert!(
                matches!(read_whole(text), Err(JsonBodyError::Syntax { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_content() {
        let mut body = JsonBody::new();
        let mut out = Vec::new();
        body.push(br#"{"content":""#, &mut out).unwrap();
        let mut total = 0;
        for _ in 0..10_000 {
            out.clear();
            body.push(br"0123456789\r\n", &mut out).unwrap();
            total += out.len();
        }
        assert_eq!(total, 120_000);
        assert!(
            out.capacity() < 1024,
            "one piece at a time, was {}",
            out.capacity()
        );
        assert!(body.word.capacity() <= WORD_BYTES_MAX * 2);
        body.push(br#"","filename":"long.csv"}"#, &mut out).unwrap();
        assert_eq!(body.finish().unwrap(), "long.csv");
    }
}
