//! Drives with exact truth: a small physical model takes a car, a motorcycle or a kart round invented circuits.
//!
//! It owns the tracks, the vehicles, the motion and the sensors that look at it (GPS, IMU), and writes what a logger
//! would have written. It promises that a drive is a closed formula of time: [`Drive::state_at`] is exact at any
//! instant, [`Drive::crossings`] finds the moment of passing a line to better than a microsecond without sampling
//! error, and one seed gives one drive, bit for bit, on any machine (float functions come from `libm`).
//!
//! It deliberately has no clock, no global randomness and no idea of the analysis that is tested against it: a test
//! that took its expected values from the code under test could not fail.
//!
//! Around the real `device` crate it puts hardware that is not there: [`card`] is an SD card, [`nor`] its flash, [`exec`] runs a device until its power is cut,
//! [`wifi`] is what is on the air, [`server`] one that a test can make fail and lie, and [`person`] somebody with a hand on all of it.
//! [`unit`] is a device among them, [`live`] the way to a server that runs, and [`fleet`] many devices on that way at once.
//! [`world`] breaks a whole device in thousands of ways and looks whether it keeps what it promises.

pub mod board;
pub mod card;
mod catalog;
mod drive;
pub mod exec;
pub mod fleet;
mod geo;
mod gps;
pub mod http;
mod imu;
mod line;
pub mod live;
mod logger;
mod motion;
pub mod nor;
pub mod person;
mod profile;
mod random;
mod seeded;
pub mod server;
mod session;
mod spline;
mod still;
pub mod time;
pub mod traces;
mod track;
mod ublox;
pub mod unit;
mod vehicle;
pub mod wifi;
pub mod world;

pub use catalog::{eschenried, hollin_moor, tracks, valdarne};
pub use drive::{Drive, Gate, State};
pub use geo::Plane;
pub use gps::{Gps, GpsFix};
pub use imu::{Imu, ImuSample};
pub use logger::{Logger, write_gpx, write_nmea};
pub use seeded::{SeededRng, random_id, seeded};
pub use session::{Pacing, Session, longer_line};
pub use still::still;
pub use track::{Corner, Track, TrackError};
pub use ublox::{Spoken, Ublox};
pub use vehicle::{Vehicle, VehicleKind};
