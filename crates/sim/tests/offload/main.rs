//! The offloader against the model of the server: recordings get through whatever goes wrong on the way, and none counts as
//! delivered that is not there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the world of a test says what it expects by panicking, as tests do"
)]

mod any_world;
mod confirm;
mod lies;
mod scenarios;
mod world;
