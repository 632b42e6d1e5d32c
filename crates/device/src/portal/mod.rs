//! The page of a device that has no network, and of one that has.
//!
//! ```text
//!            own network (access point)                              somebody's network (station)
//!  67 ─► dhcp::Server ─► an address                        5353 ─► mdns::Responder ─► datalogger-xxxx.local
//!  53 ─► dns::answer ──► everything is 4.3.2.1                80 ─► http::Connection ─┐
//!  80 ─► http::Connection ─┐                                                         │
//!                          ▼                                                         ▼
//!                    Site: form ─► Submitted ─► link; networks, outcome, status ◄─ whoever runs the device
//!                          └─► recordings (HTTP Digest with the setup code) ◄─ ledger and card
//! ```
//!
//! Everything here is bytes in, bytes out: sockets, the card and the radio belong to whoever runs the device. It answers
//!
//! | who asks | what | answer |
//! |---|---|---|
//! | a phone's or laptop's check for the internet | any host, on our network | 302 to the form; Apple: a page; Windows 11: 302 by way of another host |
//! | `/wpad.dat` | | 404 |
//! | a person, on our network | `/` | the form; `POST /save` gives [`Submitted`], `/result` tells what came of it |
//! | anybody | `/status` | the state, no secrets |
//! | who has the setup code | `/recordings` | the list, and each by its name, in ranges |
//! | a person, in somebody's network | `/` | the state; settings are not taken there |
//!
//! The stored password of a network is never shown, because it never comes here. A form is taken only with the token of a page that this device wrote
//! since its last start, and only for a name of its own, so no page of somebody else's can send one.

pub mod dhcp;
mod digest;
pub mod dns;
mod form;
pub mod http;
pub mod mdns;
mod message;
mod page;
mod site;
mod style;

use core::net::Ipv4Addr;

pub use digest::{NONCE_LIFE, REALM, TRIES_MAX, TRIES_SPAN};
pub use form::{CLAIM_CHARS_MAX, FormError, Submitted};
pub use site::{
    Activity, Identity, LABEL_BYTES_MAX, NAME_BYTES_MAX, NETWORKS_MAX, Outcome, Server, Site, Status,
};

/// Where the device is in its own network, a /24. Some phones open the sign-in window only for an address that looks like one of the internet.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(4, 3, 2, 1);
/// Where people and guides expect it; the interface has both.
pub const ADDRESS_OF_OLD: Ipv4Addr = Ipv4Addr::new(192, 168, 4, 1);
