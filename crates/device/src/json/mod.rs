//! JSON as it arrives, in pieces of any size, without a copy of the document.
//!
//! ```text
//! bytes ──► Reader::feed ──► (path, token), one at a time ──► whoever wants some of them
//!              │ one text at a time, at most N bytes
//! ```
//!
//! Readers that fill structs from a slice, `serde-json-core` among them, want the document in one piece, a second buffer for escapes and a type for every
//! value. A desired state has members that no device knows, a flat map of any values, and boxes of 683 characters of which ten would have to lie
//! in memory at once. Here what nobody asks for costs nothing, however long it is, and an answer that was cut says everything up to the cut.
//!
//! It reads RFC 8259 and nothing looser. A text that is longer than `N` is a [`Token::TooLong`], no error: it may be nobody's. Of two
//! members of one name both are reported.

mod path;
mod reader;

use core::fmt;

pub use path::Path;
pub use reader::Reader;

/// Objects and arrays within each other; documents of ours have four.
pub const DEPTH_MAX: usize = 8;
/// The longest name of a member that anybody asks for; longer ones match nothing.
pub const NAME_BYTES_MAX: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'t> {
    BeginObject,
    BeginArray,
    /// Of the object or array at this path.
    End,
    Text(&'t str),
    /// As it is written: `parse` says whether it is one of the kind that is wanted.
    Number(&'t str),
    Bool(bool),
    Null,
    /// A text or number that does not fit.
    TooLong,
}

impl<'t> Token<'t> {
    pub const fn text(self) -> Option<&'t str> {
        match self {
            Self::Text(text) => Some(text),
            Self::BeginObject
            | Self::BeginArray
            | Self::End
            | Self::Number(_)
            | Self::Bool(_)
            | Self::Null
            | Self::TooLong => None,
        }
    }

    /// As it is written.
    pub const fn number(self) -> Option<&'t str> {
        match self {
            Self::Number(text) => Some(text),
            Self::BeginObject
            | Self::BeginArray
            | Self::End
            | Self::Text(_)
            | Self::Bool(_)
            | Self::Null
            | Self::TooLong => None,
        }
    }
}

/// Why this is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonError {
    /// At this byte of the document, counted from 0.
    Syntax {
        at: u32,
    },
    TooDeep,
    /// The document ended too early.
    Incomplete,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at } => write!(f, "this is no JSON at byte {at}"),
            Self::TooDeep => write!(f, "more than {DEPTH_MAX} objects and arrays within each other"),
            Self::Incomplete => f.write_str("the JSON ends too early"),
        }
    }
}

/// Writes a text as JSON does, with its quotes.
pub struct Quoted<'t>(pub &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\u{0}'..='\u{1F}' => write!(f, "\\u{:04x}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}
