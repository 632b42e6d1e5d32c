//! One scan: every unit, every restart marker, every code. Values are read only as far as later codes depend on them, and
//! to see that they can be.

use super::huffman::{Bits, Stop, Table};
use super::scan_progressive::{self, Known};
use super::segments::{Frame, Part, ScanHeader, Tables};

/// A scan that does not come out.
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) stop: Stop,
    /// Of the scan's units, rounded down.
    pub(super) percent: u64,
}

/// Reads the codes from `at` and answers the position of the marker behind them.
pub(super) fn read(
    bytes: &[u8],
    at: usize,
    frame: &Frame,
    header: &ScanHeader,
    tables: &Tables,
    known: &mut Known,
) -> Result<usize, Broken> {
    let plan = Plan::of(frame, header);
    let mut bits = Bits::new(bytes, at);
    let mut units_done = 0;
    let outcome = Coder::of(frame, header, tables)
        .and_then(|mut coder| coder.units(&plan, &mut bits, known, &mut units_done));
    outcome.map_err(|stop| Broken {
        at: bits.at(),
        stop,
        percent: u64::try_from(100 * units_done / plan.units().max(1)).unwrap_or(0),
    })
}

/// What is where in a scan.
struct Plan {
    across: usize,
    down: usize,
    /// Of each part, in each unit: blocks across and down.
    shares: Vec<(usize, usize)>,
}

impl Plan {
    fn of(frame: &Frame, header: &ScanHeader) -> Self {
        let components = header.parts.iter().map(|part| &frame.components[part.component]);
        // A scan of one component has blocks of its own, without the padding to whole units.
        if let &[Part { component, .. }] = header.parts.as_slice() {
            let (across, down) = frame.blocks(&frame.components[component]);
            return Self {
                across,
                down,
                shares: vec![(1, 1)],
            };
        }
        let (across, down) = frame.units();
        Self {
            across,
            down,
            shares: components.map(|one| (one.wide, one.high)).collect(),
        }
    }

    const fn units(&self) -> usize {
        self.across * self.down
    }
}

/// The tables and the state of one part.
struct Coded<'a> {
    component: usize,
    dc: Option<&'a Table>,
    ac: Option<&'a Table>,
    dc_step: i32,
    dc_value: i32,
}

struct Coder<'a> {
    header: &'a ScanHeader,
    progressive: bool,
    restart_every: usize,
    parts: Vec<Coded<'a>>,
    /// Blocks that an end-of-band code says are without further codes.
    empty_blocks: u32,
}

impl<'a> Coder<'a> {
    fn of(frame: &Frame, header: &'a ScanHeader, tables: &'a Tables) -> Result<Self, Stop> {
        let needs_dc = header.first == 0 && header.high == 0;
        let needs_ac = header.last > 0;
        let parts = header.parts.iter().map(|part| {
            let dc = tables.dc[part.dc_table].as_ref();
            let ac = tables.ac[part.ac_table].as_ref();
            let step = tables.dc_steps[frame.components[part.component].quantization];
            if (needs_dc && dc.is_none()) || (needs_ac && ac.is_none()) || step.is_none() {
                return Err(Stop::Bad("a scan uses a table that was not given"));
            }
            Ok(Coded {
                component: part.component,
                dc,
                ac,
                dc_step: step.unwrap_or(1),
                dc_value: 0,
            })
        });
        Ok(Self {
            header,
            progressive: frame.progressive,
            restart_every: tables.restart_every,
            parts: parts.collect::<Result<_, _>>()?,
            empty_blocks: 0,
        })
    }

    fn units(
        &mut self,
        plan: &Plan,
        bits: &mut Bits<'_>,
        known: &mut Known,
        units_done: &mut usize,
    ) -> Result<usize, Stop> {
        for unit in 0..plan.units() {
            if self.restart_every > 0 && unit > 0 && unit % self.restart_every == 0 {
                self.no_open_run()?;
                let number = (unit / self.restart_every - 1) % 8;
                bits.restart(u8::try_from(number).unwrap_or(0))?;
                for part in &mut self.parts {
                    part.dc_value = 0;
                }
            }
            let (row, column) = (unit / plan.across, unit % plan.across);
            for (part, &(wide, high)) in plan.shares.iter().enumerate() {
                for y in 0..high {
                    for x in 0..wide {
                        self.block(part, (row * high + y, column * wide + x), bits, known)?;
                    }
                }
            }
            *units_done = unit + 1;
        }
        self.no_open_run()?;
        bits.leave_data()
    }

    const fn no_open_run(&self) -> Result<(), Stop> {
        if self.empty_blocks > 0 {
            return Err(Stop::Bad("an end-of-band run goes beyond its blocks"));
        }
        Ok(())
    }

    fn block(
        &mut self,
        part: usize,
        place: (usize, usize),
        bits: &mut Bits<'_>,
        known: &mut Known,
    ) -> Result<(), Stop> {
        let part = &mut self.parts[part];
        let header = self.header;
        if header.first == 0 {
            if header.high > 0 {
                bits.take(1)?;
            } else if let Some(table) = part.dc {
                part.dc(table, header.low, bits)?;
            }
        }
        match part.ac {
            Some(table) if !self.progressive => whole_block(table, bits),
            Some(table) if header.first > 0 => {
                let known = known.block(part.component, place)?;
                scan_progressive::band(table, header, bits, &mut self.empty_blocks, known)
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What a block of white or black has; two steps more for what encoders round.
const DC_MAX: i32 = 1024;

impl Coded<'_> {
    /// The first coefficient is coded as the difference to the block before.
    fn dc(&mut self, table: &Table, low: u8, bits: &mut Bits<'_>) -> Result<(), Stop> {
        let size = u32::from(table.next(bits)?);
        self.dc_value += bits.signed(size)?;
        let value = i64::from(self.dc_value) << low;
        if value.abs() * i64::from(self.dc_step) > i64::from(DC_MAX + 2 * self.dc_step) {
            return Err(Stop::Bad("a block is brighter or darker than can be"));
        }
        Ok(())
    }
}

/// The other 63 coefficients of a block that is coded at once.
fn whole_block(table: &Table, bits: &mut Bits<'_>) -> Result<(), Stop> {
    let mut place = 1;
    while place < 64 {
        let code = table.next(bits)?;
        let (run, size) = (code >> 4, code & 15);
        if size == 0 {
            if run < 15 {
                return Ok(());
            }
            place += 16;
            continue;
        }
        place += run + 1;
        bits.take(u32::from(size))?;
        if place > 64 {
            break;
        }
    }
    if place > 64 {
        return Err(Stop::Bad("a block has more coefficients than 64"));
    }
    Ok(())
}
