//! How long a device was on: heartbeats read, believed or not, and turned into hours.
//!
//! Pure: no clock, no rows, no HTTP; the store and the handlers bring those. What a body says becomes [`Heartbeat`]s
//! ([`parse`]); everything that was ever heard of one session is its [`Evidence`], which does not depend on the order or
//! on repetition; [`Evidence::standing`] says which stretch of time it stands for, if any; [`intervals`] turns stretches
//! into hours that count no second twice.
//!
//! It does not decide who may speak for a device, and never reads meaning into a `msg_id`. The rules, for people, are in
//! `docs/uptime.md`; the bytes are in `docs/formats/heartbeat.md`.

mod batch;
mod evidence;
mod heartbeat;
pub mod intervals;
mod value;

use jiff::SignedDuration;

pub use batch::{BATCH_MAX, BadBody, Batch, parse};
pub use evidence::{Evidence, Longest, Standing, StartClaim, Suspect, SuspectRun};
pub use heartbeat::{BadHeartbeat, DEVICE_MEMBERS, Heartbeat, SessionKey, Start, device_name};

/// A session that runs longer without a break is a counter gone wrong; also what bounds a search for neighbours.
pub const RUN_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far a device's clock may be from ours before what it says of itself cannot be.
pub const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);
