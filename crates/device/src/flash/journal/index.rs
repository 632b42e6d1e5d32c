//! Where the newest value of each key stands.

use heapless::Vec;

use super::page::Place;
use super::record::RawKey;

/// A ledger of 512, 64 uptime sessions, and room for single things.
pub const KEYS_MAX: usize = 512 + 64 + 32;

/// Sorted by key; two lists, because together they would have two bytes of padding a key.
#[derive(Debug)]
pub(super) struct Index {
    keys: Vec<RawKey, KEYS_MAX>,
    places: Vec<Place, KEYS_MAX>,
}

/// All keys are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexFull;

impl Index {
    pub(super) const fn new() -> Self {
        Self {
            keys: Vec::new(),
            places: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.places.clear();
    }

    pub(super) fn get(&self, key: RawKey) -> Option<Place> {
        let at = self.keys.binary_search(&key).ok()?;
        self.places.get(at).copied()
    }

    pub(super) fn has_room(&self) -> bool {
        !self.keys.is_full()
    }

    pub(super) fn set(&mut self, key: RawKey, place: Place) -> Result<(), IndexFull> {
        match self.keys.binary_search(&key) {
            Ok(at) => {
                if let Some(old) = self.places.get_mut(at) {
                    *old = place;
                }
                Ok(())
            }
            Err(at) => {
                self.keys.insert(at, key).map_err(|_| IndexFull)?;
                self.places.insert(at, place).map_err(|_| IndexFull)
            }
        }
    }

    pub(super) fn remove(&mut self, key: RawKey) {
        if let Ok(at) = self.keys.binary_search(&key) {
            self.keys.remove(at);
            self.places.remove(at);
        }
    }

    /// The first key from `from` on.
    pub(super) fn next_from(&self, from: RawKey) -> Option<RawKey> {
        let at = self.keys.partition_point(|key| *key < from);
        self.keys.get(at).copied()
    }

    /// The last key up to `until`.
    pub(super) fn last_until(&self, until: RawKey) -> Option<RawKey> {
        let after = self.keys.partition_point(|key| *key <= until);
        self.keys.get(after.checked_sub(1)?).copied()
    }

    /// The first place in `page` that is counted from `from` on, and its position for the next question.
    pub(super) fn next_in(&self, page: u32, from: usize) -> Option<(usize, Place)> {
        let found = self.places.iter().enumerate().skip(from);
        found
            .map(|(at, place)| (at, *place))
            .find(|(_, place)| place.page() == page)
    }

    /// The value at this position was copied.
    pub(super) fn moved(&mut self, at: usize, place: Place) {
        if let Some(old) = self.places.get_mut(at) {
            *old = place;
        }
    }

    /// The place of the key at this position.
    pub(super) fn at(&self, at: usize) -> Option<Place> {
        self.places.get(at).copied()
    }
}
