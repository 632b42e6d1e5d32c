//! Laps and sectors while they are driven.
//!
//! ```text
//! desired state, TRACK ──► Track ──► LapWatch: a plane through the gate, `timing`'s lap timer
//!                                       ▲ fix by fix          └──► Sector, Lap, each with what it is beside the best
//! ```
//!
//! The geometry and the state machine are `timing`'s, the same to the bit as on the server. This module holds the track as it is pushed and
//! kept, and compares: faster than the best, at most half a second slower, or more. It says what a light needs to know, not which colour that is.
//!
//! Promises: a sector whose beginning was not seen has no time, never 0; bests come from laps without a flaw alone, and their sectors with them;
//! a fix that jumped spoils the running lap only. Bests are those since the track was set or the device was started: the server knows the others.
//!
//! It does not clean fixes as the server does, and decides nothing about recordings.

mod spec;
mod watch;

pub(crate) use spec::TrackReader;
pub use spec::{BadTrack, Line, NAME_BYTES_MAX, Place, TRACK_BYTES_MAX, Track, read_track};
pub use watch::{Fix, LapWatch, Output, Verdict};
