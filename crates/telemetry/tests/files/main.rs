//! Channel files and exports over generated drives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod bounds;
mod channels;
mod export;
mod report;
mod support;
