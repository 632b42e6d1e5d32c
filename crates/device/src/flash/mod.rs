//! Everything small that must survive a cut.

pub mod journal;
