//! A header row and what its columns mean for a fix; shared by all formats that are tables.

use crate::model::{DeclaredLap, Fix, Provenance};
use crate::sink::{Rejection, Sink};

use super::cells::{Cells, MAX_STAMP, is_place};
use super::channels::{Column, Scale, Stream, narrow, unit_of};
use super::date::DAY_MS;

/// The column names of a table with their units and sources, and which of them are already spoken for.
pub(crate) struct Header {
    columns: Vec<HeaderColumn>,
}

struct HeaderColumn {
    name: String,
    unit: String,
    source: String,
    taken: bool,
}

impl Header {
    /// Names only; a unit in brackets at the end of a name (`Speed (Km/h)`) is split off. Empty names at the end are
    /// trailing commas and no columns.
    pub(crate) fn new(mut names: Vec<String>) -> Self {
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        let column = |name: String| {
            let (name, unit) = match name.strip_suffix(')').and_then(|name| name.split_once(" (")) {
                // `Brake (calculated)` is a name in two words.
                Some((name, unit)) if unit != "calculated" => (name.to_owned(), unit.to_owned()),
                Some(_) | None => (name, String::new()),
            };
            HeaderColumn {
                name,
                unit,
                source: String::new(),
                taken: false,
            }
        };
        Self {
            columns: names.into_iter().map(column).collect(),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Units from a row of their own, from the column `first` on.
    pub(crate) fn set_units(&mut self, first: usize, units: Vec<String>) {
        for (column, unit) in self.columns.iter_mut().skip(first).zip(units) {
            column.unit = unit;
        }
    }

    pub(crate) fn set_sources(&mut self, sources: Vec<String>) {
        for (column, source) in self.columns.iter_mut().zip(sources) {
            column.source = source;
        }
    }

    /// The first free column of one of these names in any case, names in order of preference.
    pub(crate) fn take(&mut self, names: &[&str]) -> Option<usize> {
        self.take_where(names, |_| true)
    }

    /// The same among columns whose source fits.
    pub(crate) fn take_where(&mut self, names: &[&str], source: impl Fn(&str) -> bool) -> Option<usize> {
        names.iter().find_map(|name| {
            let fits = |column: &&mut HeaderColumn| column.is_free(name) && source(&column.source);
            self.columns
                .iter_mut()
                .zip(0..)
                .find(|(column, _)| fits(column))
                .map(|(column, index)| {
                    column.taken = true;
                    index
                })
        })
    }

    /// A column with the conversion that its unit asks for.
    pub(crate) fn take_field(&mut self, names: &[&str]) -> Field {
        self.take_field_where(names, |_| true)
    }

    fn take_field_where(&mut self, names: &[&str], source: fn(&str) -> bool) -> Field {
        match self.take_where(names, source) {
            Some(cell) => Field {
                cell: Some(cell),
                scale: unit_of(self.unit(cell)).1,
            },
            None => Field::NONE,
        }
    }

    /// True if the file says the unit of a column.
    pub(crate) fn has_unit(&self, cell: usize) -> bool {
        !self.unit(cell).is_empty()
    }

    pub(crate) fn unit(&self, cell: usize) -> &str {
        self.columns.get(cell).map_or("", |column| &column.unit)
    }

    /// Declares every column that nobody took: accelerations and rotation rates as `imu`, the rest by `stream_of` its
    /// source.
    pub(crate) fn declare_rest<'a>(
        &'a self,
        sink: &mut dyn Sink,
        stream_of: impl Fn(&'a str) -> (&'a str, Provenance),
    ) -> Vec<Stream> {
        let mut groups: Vec<(&str, Vec<Column<'a>>)> = Vec::new();
        for (cell, column) in self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| !column.taken)
        {
            let (stream, provenance) = stream_of(&column.source);
            let (name, unit, source) = (column.name.as_str(), column.unit.as_str(), column.source.as_str());
            let column = Column {
                cell,
                name,
                unit,
                source,
                provenance,
            };
            let stream = if stream == "log" && column.is_inertial() {
                "imu"
            } else {
                stream
            };
            match groups.iter_mut().find(|(name, _)| *name == stream) {
                Some((_, columns)) => columns.push(column),
                None => groups.push((stream, vec![column])),
            }
        }
        groups
            .iter()
            .filter_map(|(name, columns)| Stream::declare(sink, name, columns))
            .collect()
    }

    /// Declares every column that nobody took as recorded by the logger itself.
    pub(crate) fn declare_recorded(&self, sink: &mut dyn Sink) -> Vec<Stream> {
        self.declare_rest(sink, |_| ("log", Provenance::Recorded))
    }
}

impl HeaderColumn {
    fn is_free(&self, name: &str) -> bool {
        !self.taken && self.name.eq_ignore_ascii_case(name)
    }
}

/// A column and its conversion; NaN for all rows where the file has no such column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    cell: Option<usize>,
    scale: Scale,
}

impl Field {
    pub(crate) const NONE: Self = Self {
        cell: None,
        scale: Scale::ONE,
    };

    pub(crate) fn scaled(cell: usize, factor: f64) -> Self {
        Self {
            cell: Some(cell),
            scale: Scale::by(factor),
        }
    }

    pub(crate) fn cell(&self) -> Option<usize> {
        self.cell
    }

    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            cell: self.cell,
            scale: self.scale.times(factor),
        }
    }

    pub(crate) fn of(&self, cells: &Cells) -> f64 {
        self.cell
            .map_or(f64::NAN, |cell| self.scale.apply(cells.number_or_nan(cell)))
    }
}

/// The columns that make a fix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixColumns {
    pub(crate) lat: Field,
    pub(crate) lon: Field,
    pub(crate) alt: Field,
    pub(crate) speed: Field,
    pub(crate) heading: Field,
    pub(crate) accuracy: Field,
    pub(crate) satellites: Field,
}

impl FixColumns {
    /// Finds them by the names that makers use; nothing without a place.
    pub(crate) fn find(header: &mut Header) -> Option<Self> {
        Self::find_from(header, |_| true)
    }

    /// The same among columns whose source fits.
    pub(crate) fn find_from(header: &mut Header, source: fn(&str) -> bool) -> Option<Self> {
        let lat = header.take_where(LAT, source)?;
        let lon = header.take_where(LON, source)?;
        Some(Self {
            lat: Field::scaled(lat, 1.0),
            lon: Field::scaled(lon, 1.0),
            alt: header.take_field_where(ALT, source),
            speed: header.take_field_where(SPEED, source),
            heading: header.take_field_where(HEADING, source),
            accuracy: header.take_field_where(&["accuracy"], source),
            satellites: header.take_field_where(SATELLITES, source),
        })
    }

    /// Latitude and longitude of a row; nothing where it has none, an error where a cell is no number.
    pub(crate) fn place(&self, cells: &Cells) -> Result<Option<(f64, f64)>, Rejection> {
        let (lat_deg, lon_deg) = (degrees(self.lat, cells)?, degrees(self.lon, cells)?);
        Ok((!lat_deg.is_nan() && !lon_deg.is_nan()).then_some((lat_deg, lon_deg)))
    }

    /// The fix of a row; nothing where the row has no place, an error where its place cannot be.
    pub(crate) fn fix(&self, cells: &Cells, clock_s: f64, utc_ms: f64) -> Result<Option<Fix>, Rejection> {
        let Some((lat_deg, lon_deg)) = self.place(cells)? else {
            return Ok(None);
        };
        if lat_deg == 0.0 && lon_deg == 0.0 {
            return Err(Rejection::NoFix);
        }
        if !is_place(lat_deg, lon_deg) {
            return Err(Rejection::Malformed);
        }
        Ok(Some(Fix {
            clock_s,
            utc_ms: if utc_ms.abs() < MAX_STAMP {
                utc_ms
            } else {
                f64::NAN
            },
            lat_deg,
            lon_deg,
            alt_m: narrow(self.alt.of(cells)),
            speed_mps: narrow(self.speed.of(cells)),
            heading_deg: narrow(self.heading.of(cells)),
            accuracy_m: narrow(self.accuracy.of(cells)),
            satellites: narrow(self.satellites.of(cells)),
        }))
    }
}

const LAT: &[&str] = &["latitude", "lat", "gps latitude", "gps_latitude"];
const LON: &[&str] = &[
    "longitude",
    "lon",
    "long",
    "lng",
    "gps longitude",
    "gps_longitude",
];
const ALT: &[&str] = &[
    "altitude",
    "alt",
    "gps altitude",
    "gps_altitude",
    "gps elevation",
    "gps_elevation",
];
const SPEED: &[&str] = &["speed", "gps speed", "gps_speed"];
const HEADING: &[&str] = &["heading", "bearing", "gps heading", "gps_heading"];
const SATELLITES: &[&str] = &["satellites", "sats", "gpssats", "gps nsat", "gps_nsat"];

fn degrees(field: Field, cells: &Cells) -> Result<f64, Rejection> {
    match field.cell.map(|cell| cells.number(cell)) {
        Some(Ok(number)) => Ok(field.scale.apply(number)),
        Some(Err(_)) => Err(Rejection::Malformed),
        None => Ok(f64::NAN),
    }
}

/// Hands on a lap as a file declares it, to the microsecond: what is finer is the noise of adding decimals in binary. An
/// error for a time that no lap takes.
pub(crate) fn declare_lap(sink: &mut dyn Sink, number: u32, time_ms: f64) -> Result<(), Rejection> {
    if !(time_ms > 0.0 && time_ms <= DAY_MS) {
        return Err(Rejection::Malformed);
    }
    let time_ms = (time_ms * 1000.0).round() / 1000.0;
    sink.declared_lap(DeclaredLap { number, time_ms });
    Ok(())
}

/// A lap number as files write it, also where an app has made `7` into `7.0`.
pub(crate) fn lap_number(value: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole u32"
    )]
    (value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value)).then_some(value as u32)
}
