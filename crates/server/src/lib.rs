//! The server: HTTP, ingest, durable storage, background jobs, accounts and the embedded portal.

pub mod auth;
pub mod backend;
pub mod clock;
pub mod config;
pub mod crash;
pub mod desired;
pub mod durable;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod mail;
pub mod network;
pub mod objects;
pub mod pictures;
pub mod place;
pub mod rebuild;
pub mod receipts;
mod serve;
pub mod store;
pub mod stored;
pub mod uploads;
pub mod uptime;
mod web;

pub use http::openapi;
pub use serve::{Running, ServeError, run, until_signalled};
