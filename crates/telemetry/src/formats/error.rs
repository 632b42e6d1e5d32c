//! Why a file as a whole could not be read.

use std::io;

use super::Format;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes stopped coming.
    #[error("reading failed after line {line}: {source}; copy the file again from the logger")]
    Io { line: u64, source: io::Error },
    /// The part that describes the rows is missing or cut off.
    #[error(
        "this {format} file ends or goes wrong at line {line} before {missing}; it was probably cut off: copy it again \
         from the logger"
    )]
    HeaderIncomplete {
        format: Format,
        line: u64,
        missing: &'static str,
    },
    /// The description is whole, but not one record follows it.
    #[error(
        "this {format} file has a header but no data after line {line}; the logger was probably switched off before it \
         had a fix: nothing can be analysed"
    )]
    HeaderOnly { format: Format, line: u64 },
    /// More columns than any logger writes; a bound against hostile files.
    #[error("line {line} has more than {limit} columns; this is not a recording of a logger")]
    TooManyColumns { line: u64, limit: usize },
    /// The markup is broken beyond the damaged place.
    #[error("the XML is broken at line {line}: {cause}; export the file again")]
    Xml { line: u64, cause: String },
    /// Binary messages, but none that carries a position.
    #[error(
        "this {format} file holds no {message} message; switch that message on in the receiver and record again"
    )]
    NoMessage { format: Format, message: &'static str },
}

impl ReadError {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "read_failed",
            Self::HeaderIncomplete { .. } => "header_incomplete",
            Self::HeaderOnly { .. } => "header_only",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::Xml { .. } => "broken_xml",
            Self::NoMessage { .. } => "no_position_messages",
        }
    }

    /// Line of the file, from 1, where it went wrong.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Io { line, .. }
            | Self::HeaderIncomplete { line, .. }
            | Self::HeaderOnly { line, .. }
            | Self::TooManyColumns { line, .. }
            | Self::Xml { line, .. } => Some(*line),
            Self::NoMessage { .. } => None,
        }
    }
}
