//! The ledger and all else that must survive a cut, cut at every operation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod acts;
mod budget;
mod cuts;
mod identity;
mod layout;
mod steps;
