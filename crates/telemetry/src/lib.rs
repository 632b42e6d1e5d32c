//! From a recording's bytes to channels, laps and quality.
//!
//! Owns the parsers of every file format, cleaning, lap analysis, the Parquet channel files and the exports. It is
//! pure: bytes in, values and bytes out; no sockets, no clock, no randomness, so the same binary gives the same
//! answer byte for byte.

mod analyze;
mod assemble;
pub mod clean;
pub mod columns;
pub mod derive;
pub mod export;
pub mod formats;
pub mod gate_text;
pub mod laps;
mod median;
pub mod model;
pub mod quality;
pub mod recording;
pub mod report;
pub mod sink;

pub use analyze::{ANALYSIS_VERSION, Analysis, AnalyzeError, Options, analyze};
pub use laps::{KnownTrack, LearnedTrack};
