//! The server: HTTP, ingest, durable storage, background jobs, accounts and the embedded portal.

pub mod backend;
pub mod clock;
pub mod durable;
pub mod ingest;
pub mod jobs;
pub mod objects;
pub mod rebuild;
pub mod store;
