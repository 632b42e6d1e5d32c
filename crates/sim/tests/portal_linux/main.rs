//! The portal before clients that others wrote: `udhcpc`, `dig`, `curl`, Chromium and Avahi, each in a network namespace of its own.
//!
//! It needs root and those programs, so it is run by `cargo xtask test`, which says so where it cannot; run by hand it is
//! `cargo nextest run -p sim --test portal_linux --run-ignored only`. Where something is missing it fails: it never passes without having looked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the world of a test says what it expects by panicking, as tests do"
)]

mod browser;
mod leases;
mod local_page;
mod names;
mod space;
