//! The reader, a byte at a time.

use heapless::{String, Vec};

use super::path::{Path, Step};
use super::{DEPTH_MAX, JsonError, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    Text,
    Escape,
    Unicode { digits: u8, value: u16 },
    Number,
    Word { word: &'static str, read: usize },
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array { next: u16 },
}

/// See the module. `N` is the longest text in bytes, unescaped.
#[derive(Debug)]
pub struct Reader<const N: usize> {
    state: State,
    containers: Vec<Container, DEPTH_MAX>,
    path: Path,
    text: Vec<u8, N>,
    too_long: bool,
    is_name: bool,
    /// The first half of a pair of UTF-16, for which the second must follow.
    high: Option<u16>,
    at: u32,
}

impl<const N: usize> Default for Reader<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Reader<N> {
    pub const fn new() -> Self {
        Self {
            state: State::Value,
            containers: Vec::new(),
            path: Path(Vec::new()),
            text: Vec::new(),
            too_long: false,
            is_name: false,
            high: None,
            at: 0,
        }
    }

    /// Takes the next bytes and reports what they complete. After an error the reader is of no more use.
    pub fn feed(&mut self, bytes: &[u8], report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        for byte in bytes {
            self.byte(*byte, report)?;
            self.at = self.at.saturating_add(1);
        }
        Ok(())
    }

    /// The document ends here.
    pub fn finish(&mut self, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        if self.state == State::Number && self.containers.is_empty() {
            self.end_number(report)?;
        }
        match self.state {
            State::Done => Ok(()),
            State::Value
            | State::ValueOrEnd
            | State::Name
            | State::NameOrEnd
            | State::Colon
            | State::CommaOrEnd
            | State::Text
            | State::Escape
            | State::Unicode { .. }
            | State::Number
            | State::Word { .. } => Err(JsonError::Incomplete),
        }
    }

    fn wrong<T>(&self) -> Result<T, JsonError> {
        Err(JsonError::Syntax { at: self.at })
    }

    fn byte(&mut self, byte: u8, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        match self.state {
            State::Text => return self.text_byte(byte, report),
            State::Escape => return self.escape(byte),
            State::Unicode { digits, value } => return self.unicode(digits, value, byte),
            State::Word { word, read } => return self.word(word, read, byte, report),
            State::Number if matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') => {
                self.keep(byte);
                return Ok(());
            }
            // What ends a number belongs to what comes after it.
            State::Number => self.end_number(report)?,
            State::Value
            | State::ValueOrEnd
            | State::Name
            | State::NameOrEnd
            | State::Colon
            | State::CommaOrEnd
            | State::Done => {}
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return Ok(());
        }
        match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::NameOrEnd, b'}') => self.end_container(report),
            (State::Value | State::ValueOrEnd, _) => self.begin_value(byte, report),
            (State::Name | State::NameOrEnd, b'"') => {
                self.begin_text(true);
                Ok(())
            }
            (State::Colon, b':') => {
                self.state = State::Value;
                Ok(())
            }
            (State::CommaOrEnd, b',') => {
                self.state = match self.containers.last() {
                    Some(Container::Object) => State::Name,
                    Some(Container::Array { .. }) | None => State::Value,
                };
                Ok(())
            }
            (State::CommaOrEnd, b'}') if self.containers.last() == Some(&Container::Object) => {
                self.end_container(report)
            }
            (State::CommaOrEnd, b']') if self.containers.last() != Some(&Container::Object) => {
                self.end_container(report)
            }
            _ => self.wrong(),
        }
    }

    fn begin_value(&mut self, byte: u8, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        if let Some(Container::Array { next }) = self.containers.last() {
            // As deep as the containers, so it fits.
            let _ = self.path.0.push(Step::Item(*next));
        }
        match byte {
            b'{' => {
                report(&self.path, Token::BeginObject);
                self.begin_container(Container::Object, State::NameOrEnd)
            }
            b'[' => {
                report(&self.path, Token::BeginArray);
                self.begin_container(Container::Array { next: 0 }, State::ValueOrEnd)
            }
            b'"' => {
                self.begin_text(false);
                Ok(())
            }
            b'-' | b'0'..=b'9' => {
                self.begin_text(false);
                self.keep(byte);
                self.state = State::Number;
                Ok(())
            }
            b't' => self.begin_word("true"),
            b'f' => self.begin_word("false"),
            b'n' => self.begin_word("null"),
            _ => self.wrong(),
        }
    }

    fn begin_container(&mut self, container: Container, then: State) -> Result<(), JsonError> {
        self.containers.push(container).map_err(|_| JsonError::TooDeep)?;
        self.state = then;
        Ok(())
    }

    fn end_container(&mut self, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        self.containers.pop();
        report(&self.path, Token::End);
        self.value_ended();
        Ok(())
    }

    fn value_ended(&mut self) {
        self.path.0.pop();
        self.state = match self.containers.last_mut() {
            None => State::Done,
            Some(Container::Object) => State::CommaOrEnd,
            Some(Container::Array { next }) => {
                *next = next.saturating_add(1);
                State::CommaOrEnd
            }
        };
    }

    fn begin_word(&mut self, word: &'static str) -> Result<(), JsonError> {
        self.state = State::Word { word, read: 1 };
        Ok(())
    }

    fn word(
        &mut self,
        word: &'static str,
        read: usize,
        byte: u8,
        report: &mut impl FnMut(&Path, Token<'_>),
    ) -> Result<(), JsonError> {
        if word.as_bytes().get(read) != Some(&byte) {
            return self.wrong();
        }
        self.state = State::Word { word, read: read + 1 };
        if read + 1 == word.len() {
            let token = match word {
                "true" => Token::Bool(true),
                "false" => Token::Bool(false),
                _ => Token::Null,
            };
            report(&self.path, token);
            self.value_ended();
        }
        Ok(())
    }

    fn end_number(&mut self, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        if self.too_long {
            report(&self.path, Token::TooLong);
        } else {
            match core::str::from_utf8(&self.text) {
                Ok(text) if is_number(text) => report(&self.path, Token::Number(text)),
                Ok(_) | Err(_) => return self.wrong(),
            }
        }
        self.value_ended();
        Ok(())
    }

    fn begin_text(&mut self, is_name: bool) {
        self.text.clear();
        self.too_long = false;
        self.is_name = is_name;
        self.state = State::Text;
    }

    fn keep(&mut self, byte: u8) {
        self.too_long |= self.text.push(byte).is_err();
    }

    fn text_byte(&mut self, byte: u8, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        match byte {
            b'\\' => self.state = State::Escape,
            _ if self.high.is_some() => return self.wrong(),
            b'"' => return self.end_text(report),
            0..=0x1F => return self.wrong(),
            _ => self.keep(byte),
        }
        Ok(())
    }

    fn escape(&mut self, byte: u8) -> Result<(), JsonError> {
        let plain = match byte {
            b'u' => {
                self.state = State::Unicode { digits: 0, value: 0 };
                return Ok(());
            }
            _ if self.high.is_some() => return self.wrong(),
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return self.wrong(),
        };
        self.keep(plain);
        self.state = State::Text;
        Ok(())
    }

    fn unicode(&mut self, digits: u8, value: u16, byte: u8) -> Result<(), JsonError> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => return self.wrong(),
        };
        let value = (value << 4) | u16::from(digit);
        if digits < 3 {
            let digits = digits + 1;
            self.state = State::Unicode { digits, value };
            return Ok(());
        }
        self.state = State::Text;
        let code = match (self.high.take(), value) {
            (None, 0xD800..=0xDBFF) => {
                self.high = Some(value);
                return Ok(());
            }
            (None, unit) => u32::from(unit),
            (Some(high), 0xDC00..=0xDFFF) => {
                0x1_0000 + (u32::from(high - 0xD800) << 10) + u32::from(value - 0xDC00)
            }
            (Some(_), _) => return self.wrong(),
        };
        let Some(character) = char::from_u32(code) else {
            return self.wrong();
        };
        let mut bytes = [0; 4];
        for byte in character.encode_utf8(&mut bytes).bytes() {
            self.keep(byte);
        }
        Ok(())
    }

    fn end_text(&mut self, report: &mut impl FnMut(&Path, Token<'_>)) -> Result<(), JsonError> {
        let text = core::str::from_utf8(&self.text);
        if self.is_name {
            let name = text.ok().and_then(|text| String::try_from(text).ok());
            let step = name.filter(|_| !self.too_long).map_or(Step::LongName, Step::Name);
            // As deep as the containers, so it fits.
            let _ = self.path.0.push(step);
            self.state = State::Colon;
            return Ok(());
        }
        match text {
            // A cut may lie within a character.
            _ if self.too_long => report(&self.path, Token::TooLong),
            Ok(text) => report(&self.path, Token::Text(text)),
            Err(_) => return self.wrong(),
        }
        self.value_ended();
        Ok(())
    }
}

/// By the grammar: no sign before, no zero in front, digits on both sides of the point.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
