//! Real sockets: the same device code against a server that runs.
//!
//! Nothing here is deterministic. Time, threads and the network of the machine are allowed, as nowhere else in this crate but
//! beside it.

mod connection;
mod uplink;

pub use connection::{Broken, Connection, Endpoint, Weather};
pub use uplink::{Forecast, Live, Tally};
