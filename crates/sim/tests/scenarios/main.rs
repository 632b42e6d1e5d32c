//! What happens to devices in the field, told once each through a whole device: the real decisions and the real storage, with a
//! radio, people and a server around them. Each says what somebody who owns the device would want to be true afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod access_point;
mod card;
mod clock;
mod networks;
mod power;
mod server;
mod support;
