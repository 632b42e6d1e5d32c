//! Columns of a file as channels of a stream: our names, our units, NaN for what is missing.

use crate::model::{Channel, Provenance, StreamId, StreamSpec};
use crate::sink::Sink;

/// A column as the file describes it.
#[derive(Debug, Clone)]
pub(crate) struct Column<'a> {
    /// Where it stands in a row.
    pub(crate) cell: usize,
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    /// The device or calculation behind it, where the file says so.
    pub(crate) source: &'a str,
    pub(crate) provenance: Provenance,
}

impl Column<'_> {
    /// Accelerations and rotation rates, which belong to the `imu` stream whoever wrote them.
    pub(crate) fn is_inertial(&self) -> bool {
        let name = known_as(snake_case(self.name));
        ["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"].contains(&name.as_str())
    }
}

/// A stream declared to the sink, with the way from cells to values.
#[derive(Debug)]
pub(crate) struct Stream {
    id: StreamId,
    columns: Vec<(usize, Scale)>,
    values: Vec<f32>,
}

impl Stream {
    /// Declares the columns as one stream; nothing if there are none.
    pub(crate) fn declare(sink: &mut dyn Sink, name: &str, columns: &[Column<'_>]) -> Option<Self> {
        if columns.is_empty() {
            return None;
        }
        let mut channels: Vec<Channel> = Vec::with_capacity(columns.len());
        let mut cells = Vec::with_capacity(columns.len());
        for column in columns {
            let (unit, scale) = unit_of(column.unit);
            let name = unique_name(&channels, column);
            let source = match column.source {
                "" => column.name.to_owned(),
                source => format!("{} @ {source}", column.name),
            };
            channels.push(Channel {
                name,
                unit,
                source,
                provenance: column.provenance,
            });
            cells.push((column.cell, scale));
        }
        let values = vec![f32::NAN; cells.len()];
        let id = sink.stream(StreamSpec {
            name: name.to_owned(),
            channels,
        });
        Some(Self {
            id,
            columns: cells,
            values,
        })
    }

    /// Pushes one row if any of its cells has a number; `cell` gives NaN for those that have none.
    pub(crate) fn push(&mut self, sink: &mut dyn Sink, clock_s: f64, cell: impl Fn(usize) -> f64) {
        let mut any = false;
        for (value, (index, scale)) in self.values.iter_mut().zip(&self.columns) {
            let number = scale.apply(cell(*index));
            any |= !number.is_nan();
            *value = narrow(number);
        }
        if any {
            sink.row(self.id, clock_s, &self.values);
        }
    }
}

/// A unit conversion: value × factor + offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    factor: f64,
    offset: f64,
}

impl Scale {
    pub(crate) const ONE: Self = Self {
        factor: 1.0,
        offset: 0.0,
    };

    pub(crate) const fn by(factor: f64) -> Self {
        Self { factor, offset: 0.0 }
    }

    pub(crate) const fn times(self, factor: f64) -> Self {
        Self {
            factor: self.factor * factor,
            offset: self.offset * factor,
        }
    }

    pub(crate) fn apply(self, value: f64) -> f64 {
        value * self.factor + self.offset
    }
}

pub(crate) const KMH_IN_MPS: f64 = 1.0 / 3.6;
pub(crate) const MPH_IN_MPS: f64 = 0.447_04;
pub(crate) const KNOT_IN_MPS: f64 = 1852.0 / 3600.0;

/// A sensor's number fits `f32` by its nature; what overflows becomes unknown.
#[expect(
    clippy::cast_possible_truncation,
    reason = "narrowing is the purpose; 24 bits outdo every sensor"
)]
pub(crate) fn narrow(value: f64) -> f32 {
    let narrow = value as f32;
    if narrow.is_finite() { narrow } else { f32::NAN }
}

/// Our unit text for a unit as makers write it, and the conversion into it.
pub(crate) fn unit_of(raw: &str) -> (String, Scale) {
    let raw = raw.trim();
    let (unit, scale) = match raw.to_lowercase().as_str() {
        "" | "#" | "(null)" => ("", Scale::ONE),
        "km/h" | "kmh" | "kph" | "kmph" => ("m/s", Scale::by(KMH_IN_MPS)),
        "mph" => ("m/s", Scale::by(MPH_IN_MPS)),
        "knots" | "kts" | "kn" => ("m/s", Scale::by(KNOT_IN_MPS)),
        "m/s" | "mps" => ("m/s", Scale::ONE),
        "g" => ("g", Scale::ONE),
        "deg" | "°" | "degrees" => ("deg", Scale::ONE),
        "deg/s" | "deg/sec" | "°/s" | "dps" => ("deg/s", Scale::ONE),
        "c" | "°c" | "degc" | "celsius" => ("Cel", Scale::ONE),
        "f" | "°f" | "degf" => (
            "Cel",
            Scale {
                factor: 5.0 / 9.0,
                offset: -160.0 / 9.0,
            },
        ),
        "v" | "volts" | "volt" => ("V", Scale::ONE),
        "rpm" => ("rpm", Scale::ONE),
        "km" => ("m", Scale::by(1000.0)),
        "miles" | "mi" => ("m", Scale::by(1609.344)),
        "m" | "meters" | "metres" => ("m", Scale::ONE),
        "cm" => ("m", Scale::by(0.01)),
        "ft" | "feet" => ("m", Scale::by(0.3048)),
        "s" | "sec" | "seconds" => ("s", Scale::ONE),
        "min" | "minutes" => ("s", Scale::by(60.0)),
        _ => (raw, Scale::ONE),
    };
    (unit.to_owned(), scale)
}

/// The name in snake case under the word we use for it, told apart from those already taken.
fn unique_name(taken: &[Channel], column: &Column<'_>) -> String {
    let name = known_as(snake_case(column.name));
    let name = if name.is_empty() {
        format!("column_{}", column.cell + 1)
    } else {
        name
    };
    let is_free = |name: &str| taken.iter().all(|channel| channel.name != name);
    if is_free(&name) {
        return name;
    }
    let source = snake_case(
        column
            .source
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'),
    );
    let with_source = format!("{name}_{source}");
    if !source.is_empty() && is_free(&with_source) {
        return with_source;
    }
    let base = if source.is_empty() { name } else { with_source };
    // The position in the row is unique, so one of these is free.
    let numbered = format!("{base}_{}", column.cell + 1);
    if is_free(&numbered) {
        numbered
    } else {
        format!("{numbered}_{}", taken.len())
    }
}

/// Makers' words for what we call by one name, so that one chart fits all.
fn known_as(name: String) -> String {
    let ours = match name.as_str() {
        "accel_x" | "g_force_x" | "gforce_x" => "acc_x",
        "accel_y" | "g_force_y" | "gforce_y" => "acc_y",
        "accel_z" | "g_force_z" | "gforce_z" => "acc_z",
        "x_rotation_gyroscope" => "gyro_x",
        "y_rotation_gyroscope" => "gyro_y",
        "z_rotation_gyroscope" => "gyro_z",
        "engine_rpm" | "engine_speed" => "rpm",
        "tps" | "throttle_pos" | "throttle_position" | "throttle_pedal" => "throttle",
        _ => return name,
    };
    ours.to_owned()
}

/// `GForceX`, `Brake pressure` and `GPS_LatAcc` as `g_force_x`, `brake_pressure` and `gps_lat_acc`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before: Option<char> = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            let word_starts = letter.is_uppercase()
                && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                    || (before.is_some_and(char::is_uppercase)
                        && letters.peek().is_some_and(|n| n.is_lowercase())));
            if word_starts && !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            out.extend(letter.to_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        before = Some(letter);
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}
