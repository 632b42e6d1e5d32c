//! Names of the HTTP headers that an upload carries.

/// The recording's file name, for clients that post the raw bytes as the whole body.
pub const X_FILENAME: &str = "X-Filename";
