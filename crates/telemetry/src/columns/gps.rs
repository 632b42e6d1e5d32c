//! The file of fixes with the channels derived from them.

use parquet::errors::ParquetError;

use super::layout::{Clock, Kind, ROW_GROUP_ROWS, TIME_S};
use super::writer::{Columns, FileWriter};
use super::{StreamFiles, WriteError};
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
}

impl GpsColumns<'_> {
    fn is_even(&self) -> bool {
        let rows = self.fixes.len();
        let derived = [
            self.distance_m,
            self.lat_g,
            self.lon_g,
            self.lap_time_s,
            self.track_pos_m,
            self.delta_best_s,
        ];
        self.time_s.len() == rows
            && self.lap.len() == rows
            && derived
                .into_iter()
                .chain(self.lean_deg)
                .all(|column| column.len() == rows)
    }
}

/// Name, unit, kind, provenance. The order is the order of the columns in the file.
const COLUMNS: [(&str, &str, Kind, Provenance); 15] = [
    ("lat_deg", "deg", Kind::F64, Provenance::Recorded),
    ("lon_deg", "deg", Kind::F64, Provenance::Recorded),
    ("alt_m", "m", Kind::F32, Provenance::Recorded),
    ("speed_mps", "m/s", Kind::F32, Provenance::Recorded),
    ("heading_deg", "deg", Kind::F32, Provenance::Recorded),
    ("accuracy_m", "m", Kind::F32, Provenance::Recorded),
    ("satellites", "", Kind::F32, Provenance::Recorded),
    ("distance_m", "m", Kind::F32, Provenance::Derived),
    ("lat_g", "g", Kind::F32, Provenance::Derived),
    ("lon_g", "g", Kind::F32, Provenance::Derived),
    ("lap", "", Kind::I32, Provenance::Derived),
    ("lap_time_s", "s", Kind::F32, Provenance::Derived),
    ("track_pos_m", "m", Kind::F32, Provenance::Derived),
    ("delta_best_s", "s", Kind::F32, Provenance::Derived),
    ("lean_deg", "deg", Kind::F32, Provenance::Derived),
];

/// The channels of the fixes' file, in the order of its columns; `lean_deg` only where it is calculated.
pub(crate) fn channels(with_lean: bool) -> Vec<Channel> {
    columns(with_lean)
        .iter()
        .map(|(name, unit, _, provenance)| Channel {
            name: (*name).to_owned(),
            unit: (*unit).to_owned(),
            source: "gps".to_owned(),
            provenance: *provenance,
        })
        .collect()
}

fn columns(with_lean: bool) -> &'static [(&'static str, &'static str, Kind, Provenance)] {
    if with_lean {
        &COLUMNS
    } else {
        &COLUMNS[..COLUMNS.len() - 1]
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
    let with_lean = gps.lean_deg.is_some();
    let kinds: Vec<_> = columns(with_lean)
        .iter()
        .map(|(name, _, kind, _)| (*name, *kind))
        .collect();
    let mut writer = FileWriter::create(out, TIME_S, &kinds, channels(with_lean)).map_err(failed)?;
    let mut start = 0;
    while start < gps.fixes.len() {
        let rows = start..gps.fixes.len().min(start + ROW_GROUP_ROWS);
        start = rows.end;
        let fixes = &gps.fixes[rows.clone()];
        let wide = |of: fn(&Fix) -> f64| fixes.iter().map(of).collect::<Vec<f64>>();
        let narrow = |of: fn(&Fix) -> f32| fixes.iter().map(of).collect::<Vec<f32>>();
        let (lat_deg, lon_deg) = (wide(|f| f.lat_deg), wide(|f| f.lon_deg));
        let recorded = [
            narrow(|f| f.alt_m),
            narrow(|f| f.speed_mps),
            narrow(|f| f.heading_deg),
            narrow(|f| f.accuracy_m),
            narrow(|f| f.satellites),
        ];
        let derived = [gps.lap_time_s, gps.track_pos_m, gps.delta_best_s]
            .into_iter()
            .chain(gps.lean_deg);
        let group = [Columns::F64(&lat_deg), Columns::F64(&lon_deg)]
            .into_iter()
            .chain(recorded.iter().map(|v| Columns::F32(v)))
            .chain([gps.distance_m, gps.lat_g, gps.lon_g].map(|v| Columns::F32(&v[rows.clone()])))
            .chain([Columns::I32(&gps.lap[rows.clone()])])
            .chain(derived.map(|v| Columns::F32(&v[rows.clone()])));
        writer.write(&gps.time_s[rows.clone()], group).map_err(failed)?;
    }
    writer.finish(Clock::IDENTITY).map_err(failed)
}
