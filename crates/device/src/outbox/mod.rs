//! What the device holds and how far each of it got: the ledger.

mod entry;

pub use entry::{DirSlot, Entry, Extent, FileName, Kind, Number, State};
