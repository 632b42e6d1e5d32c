//! What a progressive picture's scans need of each other: which came, and which coefficients are not zero, for a refining
//! scan has one bit more for each of those (ITU-T T.81, annex G).

use super::huffman::{Bits, Stop, Table};
use super::segments::{Frame, ScanHeader};

/// What earlier scans brought.
#[derive(Default)]
pub(super) struct Known {
    components: Vec<Came>,
}

#[derive(Default)]
struct Came {
    /// Its first coefficients, or in a sequential picture all of it.
    dc: bool,
    /// For each block a bit for each coefficient, in zig-zag order; progressive pictures only.
    non_zero: Vec<u64>,
    blocks_across: usize,
}

impl Known {
    pub(super) fn of(frame: &Frame) -> Self {
        let (across, down) = frame.units();
        let components = frame.components.iter().map(|one| Came {
            dc: false,
            non_zero: if frame.progressive {
                vec![0; across * one.wide * down * one.high]
            } else {
                Vec::new()
            },
            blocks_across: across * one.wide,
        });
        Self {
            components: components.collect(),
        }
    }

    /// Whether a scan like this may come now; notes that it came.
    pub(super) fn begin(&mut self, header: &ScanHeader, frame: &Frame) -> Result<(), &'static str> {
        let whole = header.first == 0 && header.last == 63 && header.high == 0 && header.low == 0;
        let dc = header.first == 0 && header.last == 0;
        let ac =
            header.first > 0 && header.first <= header.last && header.last <= 63 && header.parts.len() == 1;
        let can_be = if frame.progressive { dc || ac } else { whole };
        let refines_by_one = header.high == 0 || header.high == header.low + 1;
        if !can_be || !refines_by_one || header.low > 13 {
            return Err("a scan header that cannot be");
        }
        for part in &header.parts {
            let came = &mut self.components[part.component];
            let first = header.first == 0 && header.high == 0;
            match (first, came.dc) {
                (true, true) => return Err("a colour comes twice"),
                (false, false) => return Err("a scan refines a colour that did not come"),
                (true, false) => came.dc = true,
                (false, true) => {}
            }
        }
        Ok(())
    }

    pub(super) fn every_component_came(&self) -> bool {
        self.components.iter().all(|one| one.dc)
    }

    /// The coefficients of one block that are not zero.
    pub(super) fn block(
        &mut self,
        component: usize,
        (row, column): (usize, usize),
    ) -> Result<&mut u64, Stop> {
        let came = &mut self.components[component];
        came.non_zero
            .get_mut(row * came.blocks_across + column)
            .ok_or(Stop::Bad("a block outside the picture"))
    }
}

/// A band of one block's coefficients, for the first time or refined by a bit.
pub(super) fn band(
    table: &Table,
    header: &ScanHeader,
    bits: &mut Bits<'_>,
    empty_blocks: &mut u32,
    known: &mut u64,
) -> Result<(), Stop> {
    if header.high == 0 {
        return first(table, header, bits, empty_blocks, known);
    }
    refine(table, header, bits, empty_blocks, known)
}

/// 2^`run` blocks and some more, as the next bits say.
fn run_of_empty(run: u8, bits: &mut Bits<'_>) -> Result<u32, Stop> {
    Ok((1 << run) + bits.take(u32::from(run))?)
}

fn first(
    table: &Table,
    header: &ScanHeader,
    bits: &mut Bits<'_>,
    empty_blocks: &mut u32,
    known: &mut u64,
) -> Result<(), Stop> {
    if *empty_blocks > 0 {
        *empty_blocks -= 1;
        return Ok(());
    }
    let mut place = header.first;
    while place <= header.last {
        let code = table.next(bits)?;
        let (run, size) = (code >> 4, code & 15);
        if size > 0 {
            place += usize::from(run);
            if place > header.last {
                return Err(Stop::Bad("a block has more coefficients than its band"));
            }
            bits.take(u32::from(size))?;
            *known |= 1 << place;
            place += 1;
        } else if run < 15 {
            *empty_blocks = run_of_empty(run, bits)? - 1;
            return Ok(());
        } else {
            place += 16;
        }
    }
    Ok(())
}

fn refine(
    table: &Table,
    header: &ScanHeader,
    bits: &mut Bits<'_>,
    empty_blocks: &mut u32,
    known: &mut u64,
) -> Result<(), Stop> {
    let mut place = header.first;
    while *empty_blocks == 0 && place <= header.last {
        let code = table.next(bits)?;
        let (run, size) = (code >> 4, code & 15);
        match size {
            0 if run < 15 => {
                *empty_blocks = run_of_empty(run, bits)?;
                break;
            }
            0 => {}
            1 => {
                bits.take(1)?;
            }
            _ => return Err(Stop::Bad("a refining scan adds more than one bit")),
        }
        place = pass_zeros(run, place, header.last, bits, *known)?;
        if size > 0 {
            if place > header.last {
                return Err(Stop::Bad("a block has more coefficients than its band"));
            }
            *known |= 1 << place;
        }
        place += 1;
    }
    if *empty_blocks > 0 {
        correct(place, header.last, bits, *known)?;
        *empty_blocks -= 1;
    }
    Ok(())
}

/// Passes `zeros` coefficients that are zero, and reads a bit for each other on the way; stops before the next zero.
fn pass_zeros(
    mut zeros: u8,
    mut place: usize,
    last: usize,
    bits: &mut Bits<'_>,
    known: u64,
) -> Result<usize, Stop> {
    while place <= last {
        if known & (1 << place) != 0 {
            bits.take(1)?;
        } else if zeros == 0 {
            break;
        } else {
            zeros -= 1;
        }
        place += 1;
    }
    Ok(place)
}

/// A bit for each coefficient from `place` on that is not zero.
fn correct(place: usize, last: usize, bits: &mut Bits<'_>, known: u64) -> Result<(), Stop> {
    for place in place..=last {
        if known & (1 << place) != 0 {
            bits.take(1)?;
        }
    }
    Ok(())
}
