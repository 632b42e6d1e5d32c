//! Readers of every file format: one module a maker, chosen by content.
//!
//! Owns the list of formats, their recognition and the units of each. A reader converts to the units of [`crate::model`],
//! keeps the line number of what it could not use, and pushes into a [`Sink`] in file order; it holds one line of the
//! file and a few numbers. It does not decide what is true: believing a fix, choosing a gate and finding laps happen
//! behind the sink.

mod aim;
mod cells;
mod channels;
mod date;
mod detect;
mod dovex;
mod error;
mod fieldpost_csv;
mod gpx;
mod lines;
mod nmea;
mod racebox;
mod racecapture;
mod racechrono;
mod table;
mod trackaddict;
mod ubx;
mod vbo;

use std::io::BufRead;

use crate::sink::Sink;

pub use detect::{DETECT_BYTES, DetectError, detect};
pub use error::ReadError;

/// A file format that [`read`] understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    FieldpostCsv,
    Vbo,
    RacechronoCsv,
    Racecapture,
    Nmea,
    Ubx,
    RaceboxCsv,
    Trackaddict,
    AimCsv,
    Gpx,
    Dovex,
}

impl Format {
    /// Every format, for lists and tests.
    pub const ALL: [Self; 11] = [
        Self::FieldpostCsv,
        Self::Vbo,
        Self::RacechronoCsv,
        Self::Racecapture,
        Self::Nmea,
        Self::Ubx,
        Self::RaceboxCsv,
        Self::Trackaddict,
        Self::AimCsv,
        Self::Gpx,
        Self::Dovex,
    ];

    /// The name in reports and on the command line.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::FieldpostCsv => "fieldpost-csv",
            Self::Vbo => "vbo",
            Self::RacechronoCsv => "racechrono-csv",
            Self::Racecapture => "racecapture",
            Self::Nmea => "nmea",
            Self::Ubx => "ubx",
            Self::RaceboxCsv => "racebox-csv",
            Self::Trackaddict => "trackaddict",
            Self::AimCsv => "aim-csv",
            Self::Gpx => "gpx",
            Self::Dovex => "dovex",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.short_name())
    }
}

/// Reads a whole recording into `sink`.
///
/// Records that cannot be used are counted through [`Sink::rejected`] and reading goes on; an error means that the
/// file as a whole is of no use, and says why and in which line.
pub fn read(format: Format, input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    match format {
        Format::Vbo => vbo::read(input, sink),
        Format::RacechronoCsv => racechrono::read(input, sink),
        Format::Racecapture => racecapture::read(input, sink),
        Format::Nmea => nmea::read(input, sink),
        Format::Ubx => ubx::read(input, sink),
        Format::Gpx => gpx::read(input, sink),
        Format::Dovex => dovex::read(input, sink),
        Format::RaceboxCsv => racebox::read(input, sink),
        Format::Trackaddict => trackaddict::read(input, sink),
        Format::AimCsv => aim::read(input, sink),
        Format::FieldpostCsv => fieldpost_csv::read(input, sink),
    }
}
