//! `device::fat` beside others that know the format: the crate `fatfs`, and the tools by which Linux formats and checks a card.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking, and what it could not check aloud"
)]

mod changes;
mod computer;
mod cuts;
mod folders;
mod keeper;
mod random;
mod slots;
mod volumes;
