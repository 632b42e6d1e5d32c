//! Wi-Fi as a device meets it: access points that come and go, a radio that takes its time, and a bench that puts the real
//! [`device::link`] between them in virtual time.
//!
//! ```text
//! person ─ acts ─► Bench ─ inputs ─► device::link
//!                   │  ▲                 │ orders
//!                   ▼  └──── answers ────▼
//!                  access points ◄──── Radio
//! ```
//!
//! One seed gives one world: delays are drawn in the order of the orders, and answers of one moment come in the order in
//! which they were set out.

mod access_point;
mod bench;
mod radio;

pub use access_point::{AccessPoint, Trouble};
pub use bench::{Bench, HeldNetwork};
pub use radio::{Answer, Radio};
