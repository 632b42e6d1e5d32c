//! What a parser hands over: fixes, channels, gates and laps that a file declares, and messages about all of it.
//!
//! Units are fixed here once (SI, degrees, g for accelerations as the trade writes them); parsers convert on the way in.

use serde::{Deserialize, Serialize};

/// One GPS fix as recorded, in file order; cleaning decides later whether it is believed.
///
/// Unknown numbers are NaN, never zero: a parked logger at altitude 0 and a logger without altitude are different.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Seconds on the recording's own clock (a monotonic tick where the file has one, else GPS time), starting
    /// wherever that clock starts.
    pub clock_s: f64,
    /// UTC of the fix in Unix milliseconds, from the receiver; NaN where the file has no date or no GPS time.
    pub utc_ms: f64,
    /// WGS-84 latitude, north positive.
    pub lat_deg: f64,
    /// WGS-84 longitude, east positive.
    pub lon_deg: f64,
    pub alt_m: f32,
    /// Speed over ground as the receiver says it (Doppler), not derived from positions.
    pub speed_mps: f32,
    /// Course over ground, clockwise from north.
    pub heading_deg: f32,
    /// Horizontal accuracy as estimated by the receiver.
    pub accuracy_m: f32,
    pub satellites: f32,
}

impl Fix {
    /// A fix with a time and a place and everything else unknown.
    pub fn at(clock_s: f64, lat_deg: f64, lon_deg: f64) -> Self {
        Self {
            clock_s,
            utc_ms: f64::NAN,
            lat_deg,
            lon_deg,
            alt_m: f32::NAN,
            speed_mps: f32::NAN,
            heading_deg: f32::NAN,
            accuracy_m: f32::NAN,
            satellites: f32::NAN,
        }
    }
}

/// Where a channel's numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// As the sensor gave it, unit converted.
    Recorded,
    /// Written by an app that had interpolated it to another time base.
    Resampled,
    /// Calculated by the recording app or by us.
    Derived,
}

/// One named series of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Channel {
    /// Our name in snake case, unique in its stream: `acc_x`, `rpm`, `throttle`. Unknown columns keep their own name,
    /// made into snake case; a second column of one name gets its source appended (`speed_obd`).
    pub name: String,
    /// UCUM-like unit text: `g`, `deg/s`, `m/s`, `rpm`, `Cel`, `V`, `%`; empty where the file does not say.
    pub unit: String,
    /// The column as the file names it, with its source where the file has one (`speed @ 200: obd`).
    pub source: String,
    pub provenance: Provenance,
}

/// A set of channels that share one time base, written to one Parquet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// `imu`, `log`, `obd`, …; the stream of fixes is always `gps` and never declared.
    pub name: String,
    pub channels: Vec<Channel>,
}

/// Which stream a row belongs to; given out by [`crate::sink::Sink::stream`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamId(pub usize);

/// What a start, finish or split line in a file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateRole {
    /// Start and finish of a circuit; the start alone where a finish is declared too.
    Start,
    Finish,
    Split,
}

/// A gate as a file or a person writes it; [`crate::laps`] turns it into a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GateShape {
    /// Two ends, (latitude, longitude) in degrees.
    Ends { a: (f64, f64), b: (f64, f64) },
    /// A point, the direction of travel through it in degrees from north, and a full width in metres.
    Bearing {
        at: (f64, f64),
        bearing_deg: f64,
        width_m: f64,
    },
    /// A point and a radius in metres; the line is laid across the travel direction found in the data.
    Radius { at: (f64, f64), radius_m: f64 },
}

/// A gate that a file declares. VBO lines whose dialect cannot be told from the text alone arrive once for each
/// reading; the analysis keeps the reading that fits the data (`alternatives` in order of preference).
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredGate {
    pub role: GateRole,
    pub alternatives: Vec<GateShape>,
    pub label: String,
    /// Line of the file, from 1.
    pub line: Option<u64>,
}

/// A lap that a file declares: a beacon marker pair, a comment line, a lap list in the header.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeclaredLap {
    /// As the file numbers it; files begin anew or repeat themselves, so it does not tell laps apart.
    pub number: u32,
    pub time_ms: f64,
}

/// The moment and place where a file says a lap begins (a change in its lap column), for files that interpolate the
/// crossing themselves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LapMark {
    /// The lap that begins here, as numbered by the file.
    pub lap: u32,
    pub clock_s: f64,
    pub lat_deg: f64,
    pub lon_deg: f64,
}

/// What kind of vehicle, where the file or its owner says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Vehicle {
    Car,
    Motorcycle,
    Kart,
}

/// Facts about the whole recording that a header or a marker row carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Meta {
    TrackName(String),
    DriverName(String),
    VehicleName(String),
    Vehicle(Vehicle),
    DeviceName(String),
    /// 128-bit id of one of our own recordings, from its `OPEN` row.
    RecordingId(u128),
    /// Start in Unix milliseconds where only the header knows the date.
    StartedAtUtcMs(i64),
}

/// Something a person should know about the file, with the line where it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Stable snake-case word for programs: `bad_checksum`, `gate_too_far`, `header_only`.
    pub code: String,
    /// One or two plain sentences: what was met, what was done about it, what would be right.
    pub text: String,
    /// Line of the file, from 1.
    pub line: Option<u64>,
}
