//! The recorder: what a device records, keeps through power cuts and hands over.
//!
//! The same code runs on a chip (`firmware`), in deterministic worlds and over real sockets (`sim`). It has no clock, no
//! randomness, no radio and no card of its own: time and random numbers are arguments, hardware stands behind traits and
//! events. Nothing allocates; what can grow is bounded by a constant that says why.
//!
//! ```text
//! sensors ─► recorder ─► store (card + flash, one owner) ─► outbox ─► offload ─► exchange (HTTP) ─► server
//!                          ▲                                            ▲
//!            settings, uptime, camera spool                   link (Wi-Fi), clock, portal
//! ```
//!
//! Two kinds of module, and no third:
//!
//! * **Decisions** are state machines without I/O: `handle(input, now)`, then `poll()` until it gives `None`, then sleep
//!   until `next_deadline()` or the next input, whichever is first. Calling `handle(Tick)` early or twice changes nothing.
//! * **Storage** is `async` and generic over [`block::BlockDevice`] (the card) and `embedded_storage_async`'s `NorFlash`. One task owns
//!   both. A future that is dropped half-way is a power cut: whatever it left is repaired at the next boot, never before.
#![no_std]

pub mod block;
pub mod breadcrumb;
mod bytes;
pub mod camera;
pub mod clock;
pub mod confirm;
pub mod controller;
pub mod exchange;
pub mod fat;
pub mod flash;
pub mod jitter;
pub mod json;
pub mod link;
pub mod modes;
pub mod net;
pub mod offload;
pub mod outbox;
pub mod portal;
pub mod receiver;
pub mod recorder;
pub mod settings;
pub mod setup_code;
pub mod signal;
pub mod store;
pub mod time;
pub mod track;
pub mod uptime;
pub mod watchdog;
