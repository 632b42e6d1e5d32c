//! Writes one channel file, a row group at a time.

use std::borrow::Cow;
use std::io::Write;

use parquet::data_type::{DataType, DoubleType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use super::layout::{self, Clock, Kind};
use crate::model::Channel;

/// One column of a row group. NaN, or `None`, is written as null.
pub(crate) enum Columns<'v> {
    F64(Cow<'v, [f64]>),
    F32(Cow<'v, [f32]>),
    I32(Cow<'v, [Option<i32>]>),
}

/// The rows of a stream that are written together, column by column.
pub(crate) struct Group {
    pub(crate) clock_s: Vec<f64>,
    pub(crate) values: Vec<Vec<f32>>,
}

impl Group {
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            clock_s: Vec::new(),
            values: vec![Vec::new(); channels],
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.clock_s.len()
    }
}

/// An open channel file.
pub(super) struct FileWriter {
    file: SerializedFileWriter<Box<dyn Write + Send>>,
    channels: Vec<Channel>,
    /// Reused for every column: definition levels and the values that are not null.
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    levels: Vec<i16>,
    f64: Vec<f64>,
    f32: Vec<f32>,
    i32: Vec<i32>,
}

impl FileWriter {
    /// `channels` describe `columns` one to one; the time column comes first and is not among them.
    pub(super) fn create(
        out: Box<dyn Write + Send>,
        time_column: &str,
        columns: &[(&str, Kind)],
        channels: Vec<Channel>,
    ) -> Result<Self, ParquetError> {
        let schema = layout::schema(time_column, columns)?;
        let file = SerializedFileWriter::new(out, schema, layout::properties(time_column)?)?;
        Ok(Self {
            file,
            channels,
            scratch: Scratch::default(),
        })
    }

    /// Writes one row group; every column has as many values as `times_s`.
    pub(super) fn write<'v>(
        &mut self,
        times_s: &[f64],
        columns: impl Iterator<Item = Columns<'v>>,
    ) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        write_column::<DoubleType, _>(&mut group, times_s, None)?;
        for column in columns {
            let scratch = &mut self.scratch;
            match column {
                Columns::F64(values) => {
                    compact(
                        &values,
                        |v| (!v.is_nan()).then_some(v),
                        &mut scratch.levels,
                        &mut scratch.f64,
                    );
                    write_column::<DoubleType, _>(&mut group, &scratch.f64, Some(&scratch.levels))?;
                }
                Columns::F32(values) => {
                    compact(
                        &values,
                        |v| (!v.is_nan()).then_some(v),
                        &mut scratch.levels,
                        &mut scratch.f32,
                    );
                    write_column::<FloatType, _>(&mut group, &scratch.f32, Some(&scratch.levels))?;
                }
                Columns::I32(values) => {
                    compact(&values, |v| v, &mut scratch.levels, &mut scratch.i32);
                    write_column::<Int32Type, _>(&mut group, &scratch.i32, Some(&scratch.levels))?;
                }
            }
        }
        group.close()?;
        Ok(())
    }

    /// Writes the footer and flushes.
    pub(super) fn finish(mut self, clock: Clock) -> Result<(), ParquetError> {
        for entry in layout::footer(&self.channels, clock)? {
            self.file.append_key_value_metadata(entry);
        }
        self.file.into_inner()?.flush()?;
        Ok(())
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "more columns given than the schema has".to_owned(),
        ));
    };
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

fn compact<V: Copy, K>(
    values: &[V],
    known: impl Fn(V) -> Option<K>,
    levels: &mut Vec<i16>,
    compacted: &mut Vec<K>,
) {
    levels.clear();
    compacted.clear();
    levels.reserve(values.len());
    compacted.reserve(values.len());
    for &value in values {
        match known(value) {
            Some(value) => {
                levels.push(1);
                compacted.push(value);
            }
            None => levels.push(0),
        }
    }
}
