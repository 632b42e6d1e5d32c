//! Reads channels back by time range.

use std::ops::RangeInclusive;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, DoubleType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::file::statistics::Statistics;

use super::layout::{self, Clock};
use super::series::{Downsampler, Extent, Sample};
use super::{Samples, Series};
use crate::model::Channel;

/// A channel file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the channel file cannot be read: {0}")]
    Parquet(#[from] ParquetError),
    /// Not written by this program, or by a later version of it.
    #[error("the channel file has an unknown layout ({0}); write it again with `fieldpost rebuild`")]
    Layout(&'static str),
    /// The caller asked for a channel that the stream does not have.
    #[error("the stream has no channel {0}")]
    NoChannel(String),
}

/// An open channel file. Only the footer is read until channels are asked for.
pub struct StreamReader {
    file: Box<dyn FileReader>,
    channels: Vec<Channel>,
    clock: Clock,
}

/// One row group of one column, as it lies in the file.
enum Chunk {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// A series that is being made; its width follows the column.
enum Building {
    F32(Downsampler<f32>),
    F64(Downsampler<f64>),
}

impl StreamReader {
    pub fn open<R: ChunkReader + 'static>(file: R) -> Result<Self, ReadError> {
        let file = SerializedFileReader::new(file)?;
        let entries = file
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .cloned()
            .unwrap_or_default();
        let entry = |key: &'static str| {
            let found = entries.iter().find(|e| e.key == key);
            found
                .and_then(|e| e.value.as_deref())
                .ok_or(ReadError::Layout(key))
        };
        if entry(layout::KEY_VERSION)? != layout::LAYOUT_VERSION {
            return Err(ReadError::Layout(layout::KEY_VERSION));
        }
        let number =
            |key| entry(key).and_then(|text| text.parse::<f64>().map_err(|_| ReadError::Layout(key)));
        let clock = Clock {
            offset_s: number(layout::KEY_OFFSET_S)?,
            scale: number(layout::KEY_SCALE)?,
        };
        let channels: Vec<Channel> = serde_json::from_str(entry(layout::KEY_CHANNELS)?)
            .map_err(|_| ReadError::Layout(layout::KEY_CHANNELS))?;
        let columns = file.metadata().file_metadata().schema_descr().num_columns();
        if columns != channels.len() + 1 {
            return Err(ReadError::Layout(layout::KEY_CHANNELS));
        }
        Ok(Self {
            file: Box::new(file),
            channels,
            clock,
        })
    }

    /// In the order of their columns.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn rows(&self) -> u64 {
        u64::try_from(self.file.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The named channels between two times (seconds since the start of the recording, both included), each with at
    /// most about `points_max` points.
    ///
    /// Where the rows do not fit, lows and highs of equal stretches of time are kept, so no peak is lost. NaN is
    /// unknown; holes of the recording are marked by one NaN point.
    pub fn series(
        &self,
        names: &[&str],
        range_s: RangeInclusive<f64>,
        points_max: usize,
    ) -> Result<Vec<Series>, ReadError> {
        let columns = names
            .iter()
            .map(|name| self.column(name))
            .collect::<Result<Vec<_>, _>>()?;
        let groups = self.groups_within(&range_s);
        let mut extent = Extent::EMPTY;
        for &group in &groups {
            for t_s in self.times_s(group)? {
                if range_s.contains(&t_s) {
                    extent.add(t_s);
                }
            }
        }
        let mut building: Vec<Option<Building>> = names.iter().map(|_| None).collect();
        for &group in &groups {
            let times_s = self.times_s(group)?;
            for (column, series) in columns.iter().zip(&mut building) {
                match self.chunk(group, *column)? {
                    Chunk::F32(values) => {
                        let new = || Building::F32(Downsampler::new(extent, points_max));
                        if let Building::F32(down) = series.get_or_insert_with(new) {
                            add(down, &times_s, &values, &range_s);
                        }
                    }
                    Chunk::F64(values) => {
                        let new = || Building::F64(Downsampler::new(extent, points_max));
                        if let Building::F64(down) = series.get_or_insert_with(new) {
                            add(down, &times_s, &values, &range_s);
                        }
                    }
                }
            }
        }
        Ok(columns
            .iter()
            .zip(building)
            .map(|(&column, built)| self.finish(column, built))
            .collect())
    }

    fn finish(&self, column: usize, built: Option<Building>) -> Series {
        let (t_s, values) = match built {
            Some(Building::F32(down)) => {
                let (t_s, values) = down.finish();
                (t_s, Samples::F32(values))
            }
            Some(Building::F64(down)) => {
                let (t_s, values) = down.finish();
                (t_s, Samples::F64(values))
            }
            None => (Vec::new(), Samples::F32(Vec::new())),
        };
        let Channel { name, unit, .. } = self.channels[column - 1].clone();
        Series {
            name,
            unit,
            t_s,
            values,
        }
    }

    /// Index of a channel's column in the file; the time column is 0.
    fn column(&self, name: &str) -> Result<usize, ReadError> {
        let found = self.channels.iter().position(|c| c.name == name);
        found
            .map(|i| i + 1)
            .ok_or_else(|| ReadError::NoChannel(name.to_owned()))
    }

    /// Row groups whose times can touch the range, by their statistics.
    fn groups_within(&self, range_s: &RangeInclusive<f64>) -> Vec<usize> {
        let from = self.clock.clock_s(*range_s.start());
        let to = self.clock.clock_s(*range_s.end());
        let groups = self.file.metadata().row_groups().iter().enumerate();
        let touches = |statistics: Option<&Statistics>| match statistics {
            Some(Statistics::Double(times)) => {
                times.max_opt().is_none_or(|&max| max >= from) && times.min_opt().is_none_or(|&min| min <= to)
            }
            _ => true,
        };
        groups
            .filter(|(_, group)| touches(group.column(0).statistics()))
            .map(|(i, _)| i)
            .collect()
    }

    fn times_s(&self, group: usize) -> Result<Vec<f64>, ReadError> {
        match self.chunk(group, 0)? {
            Chunk::F64(times) => Ok(times.into_iter().map(|t| self.clock.time_s(t)).collect()),
            Chunk::F32(_) => Err(ReadError::Layout("time column")),
        }
    }

    fn chunk(&self, group: usize, column: usize) -> Result<Chunk, ReadError> {
        let group = self.file.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let nullable = column > 0;
        match group.get_column_reader(column)? {
            ColumnReader::FloatColumnReader(reader) => {
                Ok(Chunk::F32(read::<FloatType, f32>(reader, rows, nullable, |v| v)?))
            }
            ColumnReader::DoubleColumnReader(reader) => Ok(Chunk::F64(read::<DoubleType, f64>(
                reader,
                rows,
                nullable,
                |v| v,
            )?)),
            ColumnReader::Int32ColumnReader(reader) => Ok(Chunk::F64(read::<Int32Type, f64>(
                reader,
                rows,
                nullable,
                f64::from,
            )?)),
            ColumnReader::BoolColumnReader(_)
            | ColumnReader::Int64ColumnReader(_)
            | ColumnReader::Int96ColumnReader(_)
            | ColumnReader::ByteArrayColumnReader(_)
            | ColumnReader::FixedLenByteArrayColumnReader(_) => Err(ReadError::Layout("column type")),
        }
    }
}

/// All rows of a column chunk, nulls as unknown.
fn read<T: DataType, V: Sample>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    nullable: bool,
    convert: impl Fn(T::T) -> V,
) -> Result<Vec<V>, ReadError> {
    let mut values = Vec::new();
    let mut levels = Vec::new();
    let mut records = 0;
    while records < rows {
        let (read, ..) =
            reader.read_records(rows - records, nullable.then_some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Err(ReadError::Layout("row count"));
        }
        records += read;
    }
    let mut known = values.into_iter().map(convert);
    if !nullable {
        return Ok(known.collect());
    }
    let next = |level: i16| {
        if level > 0 {
            known.next().unwrap_or(V::UNKNOWN)
        } else {
            V::UNKNOWN
        }
    };
    Ok(levels.into_iter().map(next).collect())
}

fn add<V: Sample>(down: &mut Downsampler<V>, times_s: &[f64], values: &[V], range_s: &RangeInclusive<f64>) {
    for (&t_s, &value) in times_s.iter().zip(values) {
        if range_s.contains(&t_s) {
            down.add(t_s, value);
        }
    }
}
