//! Recordings that arrive in pieces, over several requests and days. Knows no HTTP.
//!
//! Promises: an offset that was told is durable and never goes back; whatever arrived before a connection broke is
//! kept. Where the bytes lie is behind [`UploadBytes`].

mod local;
mod mark;

use std::io::{self, Read};

use bytes::Bytes;
pub use local::LocalUploads;
pub use mark::Mark;
use uuid::Uuid;

use crate::objects::Finished;
use crate::store::UploadId;

/// Where the bytes of unfinished uploads are kept.
///
/// One upload is written by one caller at a time; that is the caller's business. All functions block.
///
/// Under failure: after an error of any of these the upload is as its last mark says, which is the one of before the
/// call or, for a failed [`UploadBytes::commit`], perhaps the new one. Calling again is always safe.
pub trait UploadBytes: Send + Sync + 'static {
    /// How far the upload is durable; at the beginning for one that nothing is known of.
    fn mark(&self, id: UploadId) -> io::Result<Mark>;
    /// Writes pieces after the first `offset_bytes`; what was there beyond them goes. Nothing is durable yet.
    fn append(&self, id: UploadId, offset_bytes: u64, pieces: &[Bytes]) -> io::Result<()>;
    /// Returns when every byte before the mark, and the mark, would survive a power cut.
    fn commit(&self, id: UploadId, mark: &Mark) -> io::Result<()>;
    /// The bytes from the beginning, durable ones first.
    fn read(&self, id: UploadId) -> io::Result<Box<dyn Read + Send>>;
    /// The bytes before a committed mark as a file to be adopted; `name` must be fresh. The upload keeps its own until it is removed,
    /// so that no cut between the two loses them.
    fn finish(&self, id: UploadId, mark: &Mark, name: Uuid) -> io::Result<Finished>;
    /// Forgets the upload; one that is not there is fine.
    fn remove(&self, id: UploadId) -> io::Result<()>;
    /// Every upload of which something is kept.
    fn ids(&self) -> io::Result<Vec<UploadId>>;
}
