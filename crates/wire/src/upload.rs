//! The headers that an upload carries: their names, and their values parsed once into types that cannot be wrong.
//!
//! Owns the text of tus 1.0.0 (`docs/formats/upload.md` has every rule with its test) and nothing of its state: what an
//! offset means for an upload is the server's business. Parsing keeps no more than the text it was given; formatting
//! writes into whatever takes text.

mod checksum;
mod concat;
mod metadata;

pub use checksum::{Checksum, ChecksumAlgorithm};
pub use concat::{Concat, PART_URLS_MAX, PartUrls};
pub use metadata::{KEYS_MAX, METADATA_BYTES_MAX, Metadata, Value, write_pair};

/// The recording's file name, for clients that post the raw bytes as the whole body.
pub const X_FILENAME: &str = "X-Filename";

/// The one version of the protocol that is spoken.
pub const VERSION: &str = "1.0.0";
/// What is spoken beside the core, as `Tus-Extension` lists it.
pub const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation";
/// The media type of a body that is a piece of an upload.
pub const OFFSET_CONTENT_TYPE: &str = "application/offset+octet-stream";
/// Status of a piece whose checksum is another one.
pub const STATUS_CHECKSUM_MISMATCH: u16 = 460;

// In lower case, as HTTP/2 wants them and as the libraries at both ends compare them.
pub const TUS_RESUMABLE: &str = "tus-resumable";
pub const TUS_VERSION: &str = "tus-version";
pub const TUS_EXTENSION: &str = "tus-extension";
pub const TUS_MAX_SIZE: &str = "tus-max-size";
pub const TUS_CHECKSUM_ALGORITHM: &str = "tus-checksum-algorithm";
pub const UPLOAD_OFFSET: &str = "upload-offset";
pub const UPLOAD_LENGTH: &str = "upload-length";
pub const UPLOAD_DEFER_LENGTH: &str = "upload-defer-length";
pub const UPLOAD_METADATA: &str = "upload-metadata";
pub const UPLOAD_CHECKSUM: &str = "upload-checksum";
pub const UPLOAD_CONCAT: &str = "upload-concat";
pub const UPLOAD_EXPIRES: &str = "upload-expires";
/// Id of the recording that an upload has become; not of tus.
pub const FIELDPOST_RECORDING: &str = "fieldpost-recording";
pub const METHOD_OVERRIDE: &str = "x-http-method-override";

/// Keys of `Upload-Metadata` that have a meaning here; all others are kept and given back as they came.
pub mod key {
    /// The recording's file name.
    pub const FILENAME: &str = "filename";
    /// What tus-js-client's users call the same.
    pub const NAME: &str = "name";
    /// Id of the device that made the recording, when somebody else carries it.
    pub const DEVICE: &str = "device";
    /// SHA-256 of the whole recording, 64 hexadecimal digits.
    pub const SHA256: &str = "sha256";
    /// `picture` for a still; a drive otherwise.
    pub const KIND: &str = "kind";
}

/// What is wrong with a header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error(
        "a size or an offset is a number of bytes in decimal digits, at most {}",
        u64::MAX
    )]
    NotASize,
    #[error("Upload-Defer-Length can only be 1")]
    NotDeferred,
    #[error("Upload-Metadata is longer than {METADATA_BYTES_MAX} bytes")]
    MetadataTooLong,
    #[error("Upload-Metadata has more than {KEYS_MAX} keys")]
    TooManyKeys,
    #[error("a key in Upload-Metadata is empty; write `key base64` pairs with commas between them")]
    EmptyKey,
    #[error("a key in Upload-Metadata has a character other than visible ASCII")]
    BadKey,
    #[error("a key in Upload-Metadata is there twice")]
    RepeatedKey,
    #[error("a value in Upload-Metadata is not Base64")]
    BadValue,
    #[error("Upload-Checksum is an algorithm, a space and the digest in Base64")]
    NotAChecksum,
    #[error("the checksum algorithm is not known; use sha1, sha256 or crc32")]
    UnknownAlgorithm,
    #[error("the digest in Upload-Checksum does not have the length of its algorithm")]
    WrongDigestLength,
    #[error(
        "Upload-Concat is `partial`, or `final;` and the addresses of the parts with spaces between them"
    )]
    NotAConcat,
    #[error("Upload-Concat names more than {PART_URLS_MAX} parts")]
    TooManyParts,
}

/// Reads `Upload-Length` or `Upload-Offset`: digits only, no sign, no space.
pub fn parse_size(text: &str) -> Result<u64, HeaderError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HeaderError::NotASize);
    }
    text.parse().map_err(|_| HeaderError::NotASize)
}

/// Reads `Upload-Defer-Length`, which says only one thing.
pub fn parse_defer_length(text: &str) -> Result<(), HeaderError> {
    if text == "1" {
        Ok(())
    } else {
        Err(HeaderError::NotDeferred)
    }
}
