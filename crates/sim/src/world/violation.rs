//! A promise that was not kept.

use std::fmt;

use device::time::Instant;

/// Which one. A violation is made smaller only while it stays one of the same rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Every sample is in its recording, or is said to be lost, or came in the last second before a cut.
    Sample,
    /// Every block's checksum follows from those before it.
    Chain,
    /// What was written is not written again.
    EarlierByte,
    /// The ledger says of a recording what lies on the card.
    Ledger,
    /// A number and an id are on one recording, for ever.
    Identity,
    /// A recording goes only after a receipt and a confirmation.
    Gone,
    /// What has a receipt is on the server, byte for byte.
    Receipt,
    /// Progress of a batch does not go back.
    Progress,
    /// Whoever runs the controller hears all of it.
    Dropped,
    /// With power it starts.
    Starts,
    /// Once the world is good, everything that may leave the device does.
    Delivered,
    /// Pictures wait in their part of the card.
    Spool,
    /// The server counts the hours that the device was on.
    Hours,
}

impl Rule {
    pub(super) fn broken(self, says: String) -> Broken {
        Broken { rule: self, says }
    }

    pub const fn promise(self) -> &'static str {
        match self {
            Self::Sample => {
                "every sample is in its recording, said to be lost, or of the last second before a cut"
            }
            Self::Chain => "every block's checksum follows from those before it",
            Self::EarlierByte => "what was written is not written again",
            Self::Ledger => "the ledger says what lies on the card",
            Self::Identity => "a number and an id are on one recording, for ever",
            Self::Gone => "a recording goes only after a receipt and a confirmation",
            Self::Receipt => "what has a receipt is on the server, byte for byte",
            Self::Progress => "progress of a batch does not go back",
            Self::Dropped => "the controller loses none of what it says",
            Self::Starts => "with power it starts",
            Self::Delivered => "in a good world everything arrives",
            Self::Spool => "pictures wait in their part of the card",
            Self::Hours => "the server counts the hours that the device was on",
        }
    }
}

/// Not kept, with what was seen instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub rule: Rule,
    pub says: String,
}

/// With its moment, and what happened before.
#[derive(Debug, Clone)]
pub struct Violation {
    pub broken: Broken,
    pub at: Instant,
    pub before: Vec<(Instant, String)>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { rule, says } = &self.broken;
        writeln!(f, "not kept: {}", rule.promise())?;
        writeln!(f, "  {} {says}", Clock(self.at))?;
        writeln!(f, "before it:")?;
        for (at, what) in &self.before {
            writeln!(f, "  {} {what}", Clock(*at))?;
        }
        Ok(())
    }
}

/// A moment of a world: days, then hours to milliseconds.
pub struct Clock(pub Instant);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let (s, rest) = (ms / 1_000, ms % 1_000);
        write!(
            f,
            "{}d {:02}:{:02}:{:02}.{rest:03}",
            s / 86_400,
            s / 3_600 % 24,
            s / 60 % 60,
            s % 60
        )
    }
}
