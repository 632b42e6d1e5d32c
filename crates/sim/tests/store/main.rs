//! The owner of card and flash, cut at every step of its life.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

mod cards;
#[path = "../fat/computer.rs"]
#[allow(dead_code, reason = "shared with the tests of the file system")]
mod computer;
mod cuts;
mod giving;
mod life;
mod rotation;
mod truth;
mod uplink;
