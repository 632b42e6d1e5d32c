//! Scenarios over `telemetry::formats`: hand-written files with the traps of each format, and the corpus of real
//! recordings where it is present.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests say what they expect by panicking"
)]

mod aim;
mod corpus;
mod detect;
mod dovex;
mod gpx;
mod hostile;
mod nmea;
mod racebox;
mod racecapture;
mod racechrono;
mod support;
mod trackaddict;
mod ubx;
mod vbo;
