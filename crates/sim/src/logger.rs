//! The files that recorders make of a drive: our own CSV, NMEA 0183 and GPX.

mod gpx;
mod nmea;
mod recording;

pub use gpx::write_gpx;
pub use nmea::write_nmea;
pub use recording::Logger;
