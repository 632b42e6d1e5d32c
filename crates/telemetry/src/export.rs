//! Other makers' files from an analysed recording.
//!
//! Works from what an analysis leaves behind (the report and the `gps` channel file), so a recording can be exported
//! long after it was analysed. Positions are written to a tenth of a millimetre or better and times to the millisecond, so
//! that another program finds the same laps. Fixes that cleaning did not believe are not exported.
//! Channels of other streams are in their own Parquet files, which are an export already.

mod csv;
mod gpx;
mod kml;
mod session;
mod text;
mod vbo;

pub use csv::csv;
pub use gpx::gpx;
pub use kml::kml;
pub use session::Session;
pub use vbo::vbo;
