//! Names in a directory: long ones in parts of thirteen characters, and the short alias that carries the rest of the entry.
//!
//! A file's alias is its kind's letter and its number to the base 36, so it is unique without looking at the others.

use super::bytes::{Sector, put_u16, put_u32, u16_at, u32_at};
use crate::block::SECTOR_BYTES;
use crate::outbox::{Kind, Number};

pub(super) const ENTRY_BYTES: usize = 32;
pub(super) type Entry = [u8; ENTRY_BYTES];
pub(super) type Alias = [u8; 11];

/// First byte of an entry that is free, and of one that is free like all after it.
pub(super) const DELETED: u8 = 0xE5;
pub(super) const NO_MORE: u8 = 0;

const ATTRIBUTE_LONG: u8 = 0x0F;
const ATTRIBUTE_LABEL: u8 = 0x08;
const ATTRIBUTE_FOLDER: u8 = 0x10;
const ATTRIBUTE_ARCHIVE: u8 = 0x20;

/// Set in the number of the part that stands first and holds the end of the name.
const LAST_PART: u8 = 0x40;
/// Where a part has its characters.
const CHARACTERS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// Our longest name takes two parts; longer ones are not ours.
const PARTS_MAX: usize = 2;

/// Local date and time as a directory has them, two seconds a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    date: u16,
    time: u16,
}

impl Stamp {
    /// For a device that does not know the date: the first day that the format has.
    pub const UNKNOWN: Self = Self {
        date: 1 << 5 | 1,
        time: 0,
    };

    /// `None` before 1980, after 2107, and where the numbers are no date.
    pub fn new(year: u16, [month, day]: [u8; 2], [hour, minute, second]: [u8; 3]) -> Option<Self> {
        let year = year.checked_sub(1980).filter(|year| *year < 128)?;
        let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
        let is_time = hour < 24 && minute < 60 && second < 60;
        (is_date && is_time).then(|| Self {
            date: year << 9 | u16::from(month) << 5 | u16::from(day),
            time: u16::from(hour) << 11 | u16::from(minute) << 5 | u16::from(second / 2),
        })
    }
}

/// What kind of thing a short entry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    File,
    Folder,
}

pub(super) fn is_free(entry: &[u8]) -> bool {
    entry[0] == DELETED || entry[0] == NO_MORE
}

/// A sector of a directory in which every entry is free and none is the end.
pub(super) fn all_deleted() -> Sector {
    let mut sector = [0; SECTOR_BYTES];
    for at in (0..SECTOR_BYTES).step_by(ENTRY_BYTES) {
        sector[at] = DELETED;
    }
    sector
}

pub(super) fn label(name: &Alias) -> Entry {
    let mut entry = short(name, Sort::File, 0, Stamp::UNKNOWN);
    entry[11] = ATTRIBUTE_LABEL;
    entry
}

/// A short entry of length 0.
pub(super) fn short(alias: &Alias, sort: Sort, first: u32, stamp: Stamp) -> Entry {
    let mut entry = [0; ENTRY_BYTES];
    entry[..11].copy_from_slice(alias);
    entry[11] = match sort {
        Sort::File => ATTRIBUTE_ARCHIVE,
        Sort::Folder => ATTRIBUTE_FOLDER,
    };
    put_u16(&mut entry, 14, stamp.time);
    put_u16(&mut entry, 16, stamp.date);
    let [low_0, low_1, high_0, high_1] = first.to_le_bytes();
    entry[20..22].copy_from_slice(&[high_0, high_1]);
    entry[26..28].copy_from_slice(&[low_0, low_1]);
    set_written(&mut entry, stamp);
    entry
}

pub(super) fn set_written(entry: &mut [u8], stamp: Stamp) {
    put_u16(entry, 18, stamp.date);
    put_u16(entry, 22, stamp.time);
    put_u16(entry, 24, stamp.date);
}

pub(super) fn set_length(entry: &mut [u8], bytes: u32) {
    put_u32(entry, 28, bytes);
}

pub(super) fn length(entry: &[u8]) -> u32 {
    u32_at(entry, 28)
}

pub(super) fn first_cluster(entry: &[u8]) -> u32 {
    u32::from(u16_at(entry, 20)) << 16 | u32::from(u16_at(entry, 26))
}

pub(super) fn is_folder(entry: &[u8]) -> bool {
    entry[11] & ATTRIBUTE_FOLDER != 0
}

/// Part `part` of a long name, counted from 0; the last one stands first in the directory.
pub(super) fn long(name: &str, part: u8, alias: &Alias) -> Entry {
    let mut entry = [0; ENTRY_BYTES];
    let rest = name.as_bytes().chunks(CHARACTERS.len()).skip(usize::from(part));
    let is_last = rest.clone().count() <= 1;
    entry[0] = (part + 1) | if is_last { LAST_PART } else { 0 };
    entry[11] = ATTRIBUTE_LONG;
    entry[13] = checksum(alias);
    // The name, one zero if there is room, and then all ones.
    let text = rest.take(1).flatten().map(|byte| u16::from(*byte));
    let padded = text.chain([0]).chain(core::iter::repeat(u16::MAX));
    for (at, unit) in CHARACTERS.into_iter().zip(padded) {
        put_u16(&mut entry, at, unit);
    }
    entry
}

/// Ties the parts of a long name to its short entry.
fn checksum(alias: &[u8]) -> u8 {
    alias
        .iter()
        .take(11)
        .fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

pub(super) fn alias_of(kind: Kind, number: Number) -> Alias {
    const DIGITS: [u8; 36] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut alias = match kind {
        Kind::Session => *b"S0000000CSV",
        Kind::Picture => *b"I0000000JPG",
    };
    let mut rest = number.0;
    for digit in alias[1..8].iter_mut().rev() {
        *digit = DIGITS[(rest % 36) as usize];
        rest /= 36;
    }
    alias
}

/// The kind and number that a name of ours says.
pub(super) fn parse(name: &str) -> Option<(Kind, Number)> {
    [(Kind::Session, "sess_", ".csv"), (Kind::Picture, "img_", ".jpg")]
        .into_iter()
        .find_map(|(kind, before, after)| {
            let digits = name.strip_prefix(before)?.strip_suffix(after)?;
            let number = Number(digits.parse().ok()?);
            (kind.file_name(number) == name).then_some((kind, number))
        })
}

/// Collects the parts of a long name as they stand in a directory.
#[derive(Debug, Default)]
pub(super) struct LongName {
    characters: [u8; CHARACTERS.len() * PARTS_MAX],
    length: usize,
    sum: u8,
    state: Parts,
}

#[derive(Debug, Default, PartialEq)]
enum Parts {
    /// No name, or one that is not ours.
    #[default]
    None,
    /// So many parts are still to come.
    Missing(u8),
}

impl LongName {
    /// Takes the next entry of a directory. Gives the long name once the short entry that it belongs to is there.
    pub(super) fn take(&mut self, entry: &[u8]) -> Option<&str> {
        if is_free(entry) {
            self.state = Parts::None;
            return None;
        }
        if entry[11] & 0x3F == ATTRIBUTE_LONG {
            self.add(entry);
            return None;
        }
        let is_whole = self.state == Parts::Missing(0) && self.sum == checksum(entry);
        self.state = Parts::None;
        is_whole
            .then(|| core::str::from_utf8(&self.characters[..self.length]).ok())
            .flatten()
    }

    fn add(&mut self, entry: &[u8]) {
        let part = entry[0] & !LAST_PART;
        let is_fit = if entry[0] & LAST_PART != 0 {
            self.sum = entry[13];
            self.length = usize::from(part) * CHARACTERS.len();
            (1..=PARTS_MAX).contains(&usize::from(part))
        } else {
            self.state == Parts::Missing(part) && part > 0 && self.sum == entry[13]
        };
        self.state = if is_fit && self.add_characters(entry, part).is_some() {
            Parts::Missing(part - 1)
        } else {
            Parts::None
        };
    }

    /// `None` for what is not plain text.
    fn add_characters(&mut self, entry: &[u8], part: u8) -> Option<()> {
        let begin = usize::from(part - 1) * CHARACTERS.len();
        for (index, at) in (begin..).zip(CHARACTERS) {
            let unit = u16_at(entry, at);
            if unit == 0 {
                self.length = index;
                return Some(());
            }
            self.characters[index] = u8::try_from(unit).ok().filter(|byte| byte.is_ascii_graphic())?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for (kind, number) in [
            (Kind::Session, 7),
            (Kind::Session, u32::MAX),
            (Kind::Picture, 1_000_000),
        ] {
            let number = Number(number);
            let (name, alias) = (kind.file_name(number), alias_of(kind, number));
            let mut parts = LongName::default();
            assert_eq!(parts.take(&long(&name, 1, &alias)), None);
            assert_eq!(parts.take(&long(&name, 0, &alias)), None);
            let entry = short(&alias, Sort::File, 9, Stamp::UNKNOWN);
            assert_eq!(parts.take(&entry), Some(name.as_str()));
            assert_eq!(parse(&name), Some((kind, number)));
            assert_eq!(parts.take(&entry), None, "a short entry has its own parts only");
        }
    }

    #[test]
    fn parts_of_another_entry_and_parts_out_of_order_are_no_name() {
        let (alias, other) = (
            alias_of(Kind::Session, Number(1)),
            alias_of(Kind::Session, Number(2)),
        );
        let name = "sess_000001.csv";
        let entry = short(&alias, Sort::File, 9, Stamp::UNKNOWN);
        let free = [DELETED; ENTRY_BYTES];
        for parts in [
            [long(name, 1, &other), long(name, 0, &other)],
            [long(name, 1, &alias), long(name, 0, &other)],
            [long(name, 0, &alias), long(name, 1, &alias)],
            [long(name, 1, &alias), free],
        ] {
            let mut long_name = LongName::default();
            for part in &parts {
                assert_eq!(long_name.take(part), None);
            }
            assert_eq!(long_name.take(&entry), None);
        }
    }

    #[test]
    fn names_that_we_would_write_otherwise_are_not_ours() {
        for name in [
            "sess_7.csv",
            "sess_0000007.csv",
            "sess_+00007.csv",
            "sess_000007.CSV",
            "img_000007.csv",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn aliases_differ_as_numbers_do() {
        assert_eq!(&alias_of(Kind::Session, Number(123)), b"S000003FCSV");
        assert_eq!(&alias_of(Kind::Picture, Number(u32::MAX)), b"I1Z141Z3JPG");
    }

    #[test]
    fn a_date_is_packed_as_the_format_says() {
        let stamp = Stamp::new(2026, [11, 21], [23, 59, 58]).unwrap();
        assert_eq!((stamp.date, stamp.time), (0x5D75, 0xBF7D));
        assert_eq!(Stamp::new(1979, [1, 1], [0, 0, 0]), None);
        assert_eq!(Stamp::new(2026, [13, 1], [0, 0, 0]), None);
    }
}
