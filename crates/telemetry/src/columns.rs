//! Channel files: one Parquet file for each stream of a recording.
//!
//! Owns how channels are laid out in Parquet, the thread that encodes while a parser reads, and reading them back by time
//! range. The same values give the same bytes: nothing in a file tells when or where it was written.
//! `docs/formats/channels.md` is the layout. Where files live is the caller's business ([`StreamFiles`]).

mod encoder;
mod gps;
mod layout;
mod reader;
mod series;
mod writer;

use std::io::{self, Write};

pub(crate) use encoder::Encoder;
pub use gps::{GpsColumns, write_gps};
pub use layout::{Clock, ROW_GROUP_ROWS};
pub use reader::{ReadError, StreamReader};
pub use series::{Samples, Series};
pub(crate) use writer::Group;

/// Where the channel files of one recording go.
pub trait StreamFiles {
    /// Opens the file of one stream; `stream` is unique within the recording and made of `a`–`z`, `0`–`9` and `_`.
    ///
    /// The writer is flushed, not synced, when the file is complete. It may be used from another thread. A stream
    /// whose analysis fails later leaves an incomplete file; the caller discards the whole set on an error.
    fn create(&mut self, stream: &str) -> io::Result<Box<dyn Write + Send>>;
}

/// Keeps no files: for an analysis that only wants the report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl StreamFiles for Discard {
    fn create(&mut self, _stream: &str) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(io::sink()))
    }
}

/// A channel file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("the channel file of stream {stream} cannot be created: {source}")]
    Create { stream: String, source: io::Error },
    /// A full disk, most of the time.
    #[error("the channel file of stream {stream} cannot be written: {source}")]
    Write {
        stream: String,
        source: parquet::errors::ParquetError,
    },
    #[error("the thread that writes channel files cannot be started: {0}")]
    Thread(io::Error),
    /// A defect of ours: the writing thread panicked.
    #[error("writing channel files ended unexpectedly")]
    ThreadDied,
}
