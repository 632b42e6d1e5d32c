//! The file of fixes with the channels derived from them.

use std::borrow::Cow;
use std::ops::Range;

use parquet::errors::ParquetError;

use super::layout::{Clock, Kind, ROW_GROUP_ROWS, TIME_S};
use super::writer::{Columns, FileWriter};
use super::{StreamFiles, WriteError};
use crate::derive::Filled;
use crate::model::{Channel, Fix, Provenance};

/// Every slice has one value for each fix; unknown is NaN or `None`.
#[derive(Debug, Clone, Copy)]
pub struct GpsColumns<'a> {
    /// Seconds since the start of the recording.
    pub time_s: &'a [f64],
    pub fixes: &'a [Fix],
    /// Along the driven line.
    pub distance_m: &'a [f32],
    /// Lateral acceleration, positive to the right of travel.
    pub lat_g: &'a [f32],
    /// Longitudinal acceleration, positive forward.
    pub lon_g: &'a [f32],
    /// Motorcycles only.
    pub lean_deg: Option<&'a [f32]>,
    /// Lap number; 0 is the out lap.
    pub lap: &'a [Option<i32>],
    /// Since the lap began.
    pub lap_time_s: &'a [f32],
    /// Position along the best lap's line.
    pub track_pos_m: &'a [f32],
    /// Behind the best lap (positive) or ahead of it, at the same track position.
    pub delta_best_s: &'a [f32],
    /// Which motion channels are not the receiver's.
    pub filled: Filled,
}

/// How the values of a column are got at; what is not recorded in the fix lies in a slice of its own.
#[derive(Clone, Copy)]
enum Values {
    Wide(fn(&Fix) -> f64),
    Narrow(fn(&Fix) -> f32),
    Derived(for<'a> fn(&GpsColumns<'a>) -> &'a [f32]),
    Lap,
}

/// One column of the file. The time column comes before all of them and is not among them.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    unit: &'static str,
    values: Values,
}

const fn column(name: &'static str, unit: &'static str, values: Values) -> Column {
    Column { name, unit, values }
}

/// Everything that knows a column of this file by name or place asks this table. Its order is the order in the file.
const COLUMNS: [Column; 14] = [
    column("lat_deg", "deg", Values::Wide(|fix| fix.lat_deg)),
    column("lon_deg", "deg", Values::Wide(|fix| fix.lon_deg)),
    column("alt_m", "m", Values::Narrow(|fix| fix.alt_m)),
    column(SPEED_MPS, "m/s", Values::Narrow(|fix| fix.speed_mps)),
    column(HEADING_DEG, "deg", Values::Narrow(|fix| fix.heading_deg)),
    column("accuracy_m", "m", Values::Narrow(|fix| fix.accuracy_m)),
    column("satellites", "", Values::Narrow(|fix| fix.satellites)),
    column("distance_m", "m", Values::Derived(|gps| gps.distance_m)),
    column("lat_g", "g", Values::Derived(|gps| gps.lat_g)),
    column("lon_g", "g", Values::Derived(|gps| gps.lon_g)),
    column("lap", "", Values::Lap),
    column("lap_time_s", "s", Values::Derived(|gps| gps.lap_time_s)),
    column("track_pos_m", "m", Values::Derived(|gps| gps.track_pos_m)),
    column("delta_best_s", "s", Values::Derived(|gps| gps.delta_best_s)),
];
const SPEED_MPS: &str = "speed_mps";
const HEADING_DEG: &str = "heading_deg";

/// After all others, where lean is calculated.
const LEAN: Column = column(
    "lean_deg",
    "deg",
    Values::Derived(|gps| gps.lean_deg.unwrap_or_default()),
);

impl Column {
    fn kind(self) -> Kind {
        match self.values {
            Values::Wide(_) => Kind::F64,
            Values::Narrow(_) | Values::Derived(_) => Kind::F32,
            Values::Lap => Kind::I32,
        }
    }

    fn provenance(self, filled: Filled) -> Provenance {
        let calculated =
            (filled.speed && self.name == SPEED_MPS) || (filled.heading && self.name == HEADING_DEG);
        match self.values {
            Values::Wide(_) | Values::Narrow(_) if !calculated => Provenance::Recorded,
            Values::Wide(_) | Values::Narrow(_) | Values::Derived(_) | Values::Lap => Provenance::Derived,
        }
    }

    /// How many rows have a value.
    fn known(self, gps: &GpsColumns<'_>) -> u64 {
        let count = match self.values {
            Values::Wide(of) => gps.fixes.iter().filter(|fix| !of(fix).is_nan()).count(),
            Values::Narrow(of) => gps.fixes.iter().filter(|fix| !of(fix).is_nan()).count(),
            Values::Derived(of) => of(gps).iter().filter(|value| !value.is_nan()).count(),
            Values::Lap => gps.lap.iter().flatten().count(),
        };
        count as u64
    }

    /// How many rows the slice behind it has.
    fn rows(self, gps: &GpsColumns<'_>) -> usize {
        match self.values {
            Values::Wide(_) | Values::Narrow(_) => gps.fixes.len(),
            Values::Derived(of) => of(gps).len(),
            Values::Lap => gps.lap.len(),
        }
    }

    fn of<'a>(self, gps: &GpsColumns<'a>, rows: Range<usize>) -> Columns<'a> {
        match self.values {
            Values::Wide(of) => Columns::F64(gps.fixes[rows].iter().map(of).collect()),
            Values::Narrow(of) => Columns::F32(gps.fixes[rows].iter().map(of).collect()),
            Values::Derived(of) => Columns::F32(Cow::Borrowed(&of(gps)[rows])),
            Values::Lap => Columns::I32(Cow::Borrowed(&gps.lap[rows])),
        }
    }
}

impl GpsColumns<'_> {
    fn columns(&self) -> impl Iterator<Item = Column> {
        COLUMNS.into_iter().chain(self.lean_deg.map(|_| LEAN))
    }

    /// The channels of the file, in the order of its columns, each with the number of rows that have a value.
    pub(crate) fn channels(&self) -> impl Iterator<Item = (Channel, u64)> {
        self.columns().map(|column| {
            let channel = Channel {
                name: column.name.to_owned(),
                unit: column.unit.to_owned(),
                source: "gps".to_owned(),
                provenance: column.provenance(self.filled),
            };
            (channel, column.known(self))
        })
    }

    fn is_even(&self) -> bool {
        let rows = self.fixes.len();
        self.time_s.len() == rows && self.columns().all(|column| column.rows(self) == rows)
    }
}

/// Writes `gps`, the stream of fixes.
pub fn write_gps(files: &mut dyn StreamFiles, gps: &GpsColumns<'_>) -> Result<(), WriteError> {
    const STREAM: &str = "gps";
    let out = files.create(STREAM).map_err(|source| WriteError::Create {
        stream: STREAM.to_owned(),
        source,
    })?;
    let failed = |source| WriteError::Write {
        stream: STREAM.to_owned(),
        source,
    };
    if !gps.is_even() {
        return Err(failed(ParquetError::General(
            "columns of different lengths".to_owned(),
        )));
    }
    let kinds: Vec<_> = gps.columns().map(|column| (column.name, column.kind())).collect();
    let channels = gps.channels().map(|(channel, _)| channel).collect();
    let mut writer = FileWriter::create(out, TIME_S, &kinds, channels).map_err(failed)?;
    let mut start = 0;
    while start < gps.fixes.len() {
        let rows = start..gps.fixes.len().min(start + ROW_GROUP_ROWS);
        start = rows.end;
        let group = gps.columns().map(|column| column.of(gps, rows.clone()));
        writer.write(&gps.time_s[rows.clone()], group).map_err(failed)?;
    }
    writer.finish(Clock::IDENTITY).map_err(failed)
}
