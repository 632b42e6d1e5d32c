//! The seam between parsers and everything behind them: a parser pushes what it reads, in file order, and keeps no more
//! than a line of it.

use crate::model::{DeclaredGate, DeclaredLap, Fix, LapMark, Message, Meta, StreamId, StreamSpec};

/// Why one line or record of a file was not used. Counted by the quality report, kept to the first few with their line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rejection {
    /// A checksum that does not match: NMEA, UBX, block CRC.
    Checksum,
    /// A row that cannot be read: too few cells, a cell that is no number.
    Malformed,
    /// The receiver itself says it has no fix.
    NoFix,
}

/// Receives a recording as it is read.
///
/// Calls arrive in file order. `stream` is called before the first `row` of that stream; `values` has one number for
/// each channel of the stream, NaN where the row has none.
pub trait Sink {
    fn meta(&mut self, meta: Meta);
    fn stream(&mut self, spec: StreamSpec) -> StreamId;
    fn row(&mut self, stream: StreamId, clock_s: f64, values: &[f32]);
    fn fix(&mut self, fix: Fix);
    fn gate(&mut self, gate: DeclaredGate);
    fn declared_lap(&mut self, lap: DeclaredLap);
    fn lap_mark(&mut self, mark: LapMark);
    /// One record was not used.
    fn rejected(&mut self, why: Rejection, line: u64);
    /// The recorder itself says that it lost samples (an `M,LOSS` row).
    fn loss(&mut self, what: &str, count: u64, clock_s: f64);
    fn message(&mut self, message: Message);
}
