//! Cleaning, gates and the figures made of laps, on small drives whose truth can be written down.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod clean;
mod derive;
mod figures;
mod gates;
mod hostile;
mod ring;
