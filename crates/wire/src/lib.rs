//! What travels between a device, a phone and a server, as bytes.
//!
//! Owns the rows and markers of our own CSV recordings, the chain of block checksums that lets a reader find where a
//! recording really ends, the header names of an upload, and the receipts that a server signs for what it stored. It promises that a row is encoded with integers only (one
//! of the chips has no FPU) into the caller's buffer, and that the bytes in `vectors/` stay what they are.
//!
//! It does not parse rows: a reader meets five older dialects and other makers' files too, so that is `telemetry`'s.
#![no_std]

pub mod receipt;
pub mod recording;
pub mod upload;
