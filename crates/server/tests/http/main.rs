//! The server over real sockets: what devices, browsers and shells send, and what they get.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod accounts;
mod accounts_devices;
mod accounts_tokens;
mod crashes;
mod desired;
mod document;
mod edge;
#[path = "../support/engine.rs"]
mod engine;
mod faults;
mod faults_uploads;
#[path = "../support/faulty_fs.rs"]
mod faulty_fs;
mod fleet;
mod heartbeats;
mod ingest_keys;
mod limits;
mod logger;
mod pictures;
mod receipts;
mod recording;
mod sessions;
mod shapes;
mod shapes_formed;
mod shapes_small;
mod support;
mod sync;
mod teams;
mod tenants;
mod traces;
mod transport;
mod upload;
mod uploads;
mod walk;
mod ways_in;
