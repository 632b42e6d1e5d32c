//! The server: HTTP, ingest, durable storage, background jobs, accounts and the embedded portal.

pub mod clock;
pub mod store;
