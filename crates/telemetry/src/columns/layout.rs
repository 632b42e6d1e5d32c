//! The layout of a channel file: its schema, its encodings and what its footer says.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Repetition, Type as PhysicalType, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use crate::model::Channel;

/// Rows in one row group: what a reader skips or decodes as a whole, and what a writer holds.
pub const ROW_GROUP_ROWS: usize = 65_536;

/// Footer keys.
pub(super) const KEY_VERSION: &str = "fieldpost.version";
pub(super) const KEY_CHANNELS: &str = "fieldpost.channels";
pub(super) const KEY_OFFSET_S: &str = "fieldpost.clock_offset_s";
pub(super) const KEY_SCALE: &str = "fieldpost.clock_scale";

/// Version of the layout, in every footer.
pub(super) const LAYOUT_VERSION: &str = "1";

/// The time column of the fixes: seconds since the start of the recording.
pub(super) const TIME_S: &str = "time_s";
/// The time column of every other stream: seconds on the recording's own clock.
pub(super) const CLOCK_S: &str = "clock_s";

/// How a stream's own clock maps to seconds since the start of the recording: `time_s = offset_s + scale · clock_s`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    pub offset_s: f64,
    pub scale: f64,
}

impl Clock {
    /// The clock of a stream that is already in seconds since the start.
    pub const IDENTITY: Self = Self {
        offset_s: 0.0,
        scale: 1.0,
    };

    pub fn time_s(&self, clock_s: f64) -> f64 {
        self.offset_s + self.scale * clock_s
    }

    pub(super) fn clock_s(&self, time_s: f64) -> f64 {
        (time_s - self.offset_s) / self.scale
    }
}

/// What a column holds; null where nothing is known, except in the time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    F64,
    F32,
    I32,
}

pub(super) fn schema(time_column: &str, columns: &[(&str, Kind)]) -> Result<TypePtr, ParquetError> {
    let mut fields = vec![field(time_column, Kind::F64, Repetition::REQUIRED)?];
    for (name, kind) in columns {
        fields.push(field(name, *kind, Repetition::OPTIONAL)?);
    }
    Ok(Arc::new(
        Type::group_type_builder("channels").with_fields(fields).build()?,
    ))
}

fn field(name: &str, kind: Kind, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let physical = match kind {
        Kind::F64 => PhysicalType::DOUBLE,
        Kind::F32 => PhysicalType::FLOAT,
        Kind::I32 => PhysicalType::INT32,
    };
    Ok(Arc::new(
        Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .build()?,
    ))
}

/// Byte-stream-split puts the exponents of neighbouring samples side by side, so that Zstandard finds them alike; a
/// dictionary would hash every sample to find that sensors rarely repeat themselves. Only the time column has
/// statistics, because only time ranges are asked for.
pub(super) fn properties(time_column: &str) -> Result<Arc<WriterProperties>, ParquetError> {
    let time = ColumnPath::from(time_column);
    Ok(Arc::new(
        WriterProperties::builder()
            .set_created_by(concat!("fieldpost ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::BYTE_STREAM_SPLIT)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled(time, EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_row_count_limit(ROW_GROUP_ROWS)
            .set_write_batch_size(8192)
            .build(),
    ))
}

pub(super) fn footer(channels: &[Channel], clock: Clock) -> Result<Vec<KeyValue>, ParquetError> {
    let channels = serde_json::to_string(channels).map_err(|e| ParquetError::External(Box::new(e)))?;
    Ok(vec![
        KeyValue::new(KEY_VERSION.to_owned(), LAYOUT_VERSION.to_owned()),
        KeyValue::new(KEY_CHANNELS.to_owned(), channels),
        KeyValue::new(KEY_OFFSET_S.to_owned(), clock.offset_s.to_string()),
        KeyValue::new(KEY_SCALE.to_owned(), clock.scale.to_string()),
    ])
}
