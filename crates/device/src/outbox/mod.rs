//! What the device holds and how far each of it got: the ledger.
//!
//! ```text
//!  recorder ── next_number · open · Seal · Digest ──►┐
//!  offload ── Offer · Receipt(proof) · Quarantine ──►│ Ledger ── rows in RAM (16 bytes each), oldest first
//!  space ──── Archive · OfferAgain · Remove · remove ►┘    └───── entries in flash, through FlashStore
//! ```
//!
//! Promises: a number is given once ([`FreshNumber`]), over cuts, cards and resets. Steps are taken in one place and one order
//! ([`Step`]); none leads to `Archived` without a [`Proof`], which only a receipt makes whose signature was checked for exactly these bytes. What a
//! call has returned from is in the flash.
//!
//! It deliberately knows nothing of the card: whoever owns both keeps the order (an intent before a change of the card, an entry before its rows).

mod encoding;
mod entry;
mod ledger;
mod proof;
mod step;

pub use encoding::ENTRY_BYTES_MAX;
pub use entry::{DirSlot, Entry, Extent, FileName, Kind, Number, State};
pub use ledger::{FreshNumber, LEDGER_MAX, Ledger, LedgerError, Opening, Row};
pub use proof::{Delivered, NotProven, Proof};
pub use step::{Refused, Step};
