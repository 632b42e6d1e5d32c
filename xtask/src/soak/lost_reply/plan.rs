//! What a round plays: who loses the answer, who comes back, over which road, and when the connection goes.

use std::fmt;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Smaller and larger than any one buffer on the way; long enough that no two rounds have the same bytes.
const SIZE_BYTES: std::ops::Range<usize> = 16..60_000;
/// From "the request is hardly read" to "the answer is long written".
const ANY_MOMENT_US: std::ops::Range<u64> = 0..20_000;
/// The answer follows the bytes within a few milliseconds.
const AFTER_STORING_US: std::ops::Range<u64> = 0..5_000;
/// Rounds in ten whose cut knows nothing of the server, and those that wait for the first byte of the answer.
const ANY_MOMENT_OF_TEN: u32 = 2;
const ANSWER_BEGINS_OF_TEN: u32 = 2;
/// Rounds in ten whose cut follows the sight of the bytes at once: the answer may not be written yet.
const AT_ONCE_OF_TEN: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    Device,
    /// A signed-in person, who carries what a device recorded.
    Phone,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "device",
            Self::Phone => "phone",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Road {
    Tus,
    /// `/api/upload`. It has no way to name another's device, so whoever lost the answer comes back.
    Plain,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) road: Road,
    pub(super) loses: Sender,
    pub(super) returns: Sender,
}

impl Turn {
    const fn new(road: Road, loses: Sender, returns: Sender) -> Self {
        Self { road, loses, returns }
    }

    /// The turn after so many that counted: each pair as often as the others.
    pub(super) fn after(counted: u32) -> Self {
        TURNS[counted as usize % TURNS.len()]
    }
}

const TURNS: [Turn; 8] = {
    use Road::{Plain, Tus};
    use Sender::{Device, Phone};
    [
        Turn::new(Tus, Device, Phone),
        Turn::new(Tus, Phone, Device),
        Turn::new(Tus, Device, Device),
        Turn::new(Plain, Phone, Phone),
        Turn::new(Tus, Device, Phone),
        Turn::new(Tus, Phone, Device),
        Turn::new(Plain, Device, Device),
        Turn::new(Tus, Phone, Phone),
    ]
};

/// When a connection is cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// So long after the server was given the last byte, whatever it has done with it.
    Any(Duration),
    /// So long after it was seen to hold the bytes.
    Stored(Duration),
    AnswerBegins,
}

impl Moment {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let share = random.random_range(0..10);
        let mut pause = |range| Duration::from_micros(random.random_range(range));
        if share < ANY_MOMENT_OF_TEN {
            Self::Any(pause(ANY_MOMENT_US))
        } else if share < ANY_MOMENT_OF_TEN + ANSWER_BEGINS_OF_TEN {
            Self::AnswerBegins
        } else if share < ANY_MOMENT_OF_TEN + ANSWER_BEGINS_OF_TEN + AT_ONCE_OF_TEN {
            Self::Stored(Duration::ZERO)
        } else {
            Self::Stored(pause(AFTER_STORING_US))
        }
    }
}

pub(super) struct Plan {
    pub(super) turn: Turn,
    pub(super) moment: Moment,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Plan {
    pub(super) fn draw(round: u32, turn: Turn, random: &mut ChaCha8Rng) -> Self {
        let mut bytes = vec![0; random.random_range(SIZE_BYTES)];
        random.fill(&mut bytes[..]);
        Self {
            turn,
            moment: Moment::draw(random),
            name: format!("round_{round}.csv"),
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_pair_has_its_turn_as_often_as_the_others() {
        let mut pairs = BTreeMap::new();
        for turn in (0..1000).map(Turn::after) {
            assert!(turn.road == Road::Tus || turn.loses == turn.returns);
            *pairs.entry((turn.loses, turn.returns)).or_insert(0) += 1;
        }
        assert_eq!(pairs.into_values().collect::<Vec<_>>(), [250; 4]);
    }
}
