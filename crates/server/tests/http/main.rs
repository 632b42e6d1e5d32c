//! The server over real sockets: what devices, browsers and shells send, and what they get.

mod accounts;
mod document;
mod edge;
mod recording;
mod sessions;
mod support;
mod tenants;
mod upload;
