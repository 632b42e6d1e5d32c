//! The marker segments that say how a picture is coded: frame, tables, scan headers (ITU-T T.81, annex B).

use super::fault::Fault;
use super::huffman::Table;
use super::limits::{MEMORY_BYTES_MAX, PIXELS_MAX, SIDE_PX_MAX, TABLES_MAX};

/// One colour of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Blocks of it in one unit of an interleaved scan, 1 to 4.
    pub(super) wide: usize,
    pub(super) high: usize,
    pub(super) quantization: usize,
}

/// What the frame header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    pub(super) components: Vec<Component>,
}

/// One part of a scan: a component by its place in the frame, and its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) component: usize,
    pub(super) dc_table: usize,
    pub(super) ac_table: usize,
}

/// What a scan header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScanHeader {
    pub(super) parts: Vec<Part>,
    /// Coefficients from … to, in zig-zag order.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Bit position of the scan before of the same coefficients; 0 in the first.
    pub(super) high: u8,
    pub(super) low: u8,
}

/// What scans refer to by number, as far as it is defined.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) dc: [Option<Table>; 4],
    pub(super) ac: [Option<Table>; 4],
    /// The divisor of the first coefficient.
    pub(super) dc_steps: [Option<i32>; 4],
    /// Units between restart markers; 0 for none.
    pub(super) restart_every: usize,
}

/// The contents of one segment, with its place in the file for messages.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) at: usize,
    pub(super) body: &'a [u8],
}

impl Segment<'_> {
    const fn damaged(&self, what: &'static str) -> Fault {
        Fault::Damaged { at: self.at, what }
    }

    /// `marker` is C0, C1 or C2.
    pub(super) fn frame(&self, marker: u8) -> Result<Frame, Fault> {
        let wrong = || self.damaged("a frame header of the wrong length");
        let (&[precision, h1, h0, w1, w0, count], rest) = self.body.split_first_chunk().ok_or_else(wrong)?;
        if precision != 8 {
            return Err(Fault::Unsupported {
                what: "other than 8 bits a sample",
            });
        }
        let (components, odd) = rest.as_chunks::<3>();
        if components.len() != usize::from(count) || !odd.is_empty() {
            return Err(wrong());
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Fault::Unsupported {
                what: "other than 1, 3 or 4 colours",
            });
        }
        let components: Vec<Component> = components.iter().map(Component::of).collect();
        if components
            .iter()
            .any(|one| !(1..=4).contains(&one.wide) || !(1..=4).contains(&one.high) || one.quantization > 3)
        {
            return Err(self.damaged("an impossible colour in the frame header"));
        }
        let frame = Frame {
            progressive: marker == 0xC2,
            width_px: u32::from(u16::from_be_bytes([w1, w0])),
            height_px: u32::from(u16::from_be_bytes([h1, h0])),
            components,
        };
        frame.check_size()?;
        Ok(frame)
    }

    pub(super) fn huffman_tables(&self, tables: &mut Tables) -> Result<(), Fault> {
        let wrong = || self.damaged("a Huffman table that cannot be");
        let mut rest = self.body;
        for _ in 0..TABLES_MAX {
            let Some((&place, after)) = rest.split_first() else {
                return Ok(());
            };
            let (counts, after) = after.split_first_chunk::<16>().ok_or_else(wrong)?;
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, after) = after.split_at_checked(symbols).ok_or_else(wrong)?;
            let class = match place >> 4 {
                0 => &mut tables.dc,
                1 => &mut tables.ac,
                _ => return Err(wrong()),
            };
            let slot = class.get_mut(usize::from(place & 15)).ok_or_else(wrong)?;
            *slot = Some(Table::new(counts, symbols).ok_or_else(wrong)?);
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(wrong()) }
    }

    pub(super) fn quantization_tables(&self, tables: &mut Tables) -> Result<(), Fault> {
        let wrong = || self.damaged("a quantization table that cannot be");
        let mut rest = self.body;
        while let Some((&place, after)) = rest.split_first() {
            let (step, bytes) = match (place >> 4, after) {
                (0, &[step, ..]) => (i32::from(step), 64),
                (1, &[high, low, ..]) => (i32::from(u16::from_be_bytes([high, low])), 128),
                (_, _) => return Err(wrong()),
            };
            let slot = tables
                .dc_steps
                .get_mut(usize::from(place & 15))
                .filter(|_| step > 0)
                .ok_or_else(wrong)?;
            *slot = Some(step);
            rest = after.get(bytes..).ok_or_else(wrong)?;
        }
        Ok(())
    }

    pub(super) fn restart_interval(&self, tables: &mut Tables) -> Result<(), Fault> {
        let interval: [u8; 2] = self
            .body
            .try_into()
            .map_err(|_| self.damaged("a restart interval of the wrong length"))?;
        tables.restart_every = usize::from(u16::from_be_bytes(interval));
        Ok(())
    }

    pub(super) fn scan(&self, frame: &Frame) -> Result<ScanHeader, Fault> {
        let wrong = || self.damaged("a scan header that cannot be");
        let (&count, rest) = self.body.split_first().ok_or_else(wrong)?;
        let (parts, last) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(wrong)?;
        let &[first, last, bits] = last else {
            return Err(wrong());
        };
        let parts: Vec<Part> = parts
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&[id, tables]| {
                let component = frame.components.iter().position(|one| one.id == id)?;
                Some(Part {
                    component,
                    dc_table: usize::from(tables >> 4 & 3),
                    ac_table: usize::from(tables & 3),
                })
            })
            .collect::<Option<_>>()
            .ok_or_else(wrong)?;
        let twice = (1..parts.len()).any(|i| parts[..i].iter().any(|p| p.component == parts[i].component));
        if parts.is_empty() || parts.len() > 4 || twice {
            return Err(wrong());
        }
        Ok(ScanHeader {
            parts,
            first: usize::from(first),
            last: usize::from(last),
            high: bits >> 4,
            low: bits & 15,
        })
    }
}

impl Component {
    fn of(&[id, sampling, quantization]: &[u8; 3]) -> Self {
        Self {
            id,
            wide: usize::from(sampling >> 4),
            high: usize::from(sampling & 15),
            quantization: usize::from(quantization),
        }
    }
}

impl Frame {
    pub(super) fn wide_max(&self) -> usize {
        self.components.iter().map(|one| one.wide).max().unwrap_or(1)
    }

    pub(super) fn high_max(&self) -> usize {
        self.components.iter().map(|one| one.high).max().unwrap_or(1)
    }

    /// Units of an interleaved scan, across and down.
    pub(super) fn units(&self) -> (usize, usize) {
        let side = |px: u32, blocks: usize| usize::try_from(px).unwrap_or(usize::MAX).div_ceil(8 * blocks);
        (
            side(self.width_px, self.wide_max()),
            side(self.height_px, self.high_max()),
        )
    }

    /// Blocks of a component in a scan of its own, across and down.
    pub(super) fn blocks(&self, component: &Component) -> (usize, usize) {
        let side = |px: u32, blocks: usize, max: usize| {
            (usize::try_from(px).unwrap_or(usize::MAX) * blocks).div_ceil(8 * max)
        };
        (
            side(self.width_px, component.wide, self.wide_max()),
            side(self.height_px, component.high, self.high_max()),
        )
    }

    fn check_size(&self) -> Result<(), Fault> {
        let (width, height) = (self.width_px, self.height_px);
        if width == 0 || height == 0 {
            return Err(Fault::Unsupported {
                what: "a size that is not in the header",
            });
        }
        let too_large = |what, value, max| Err(Fault::TooLarge { what, value, max });
        let (side, pixels) = (width.max(height), u64::from(width) * u64::from(height));
        if side > SIDE_PX_MAX {
            return too_large("a side has pixels:", u64::from(side), u64::from(SIDE_PX_MAX));
        }
        if pixels > PIXELS_MAX {
            return too_large("its pixels are", pixels, PIXELS_MAX);
        }
        self.check_memory(self.progressive)
    }

    /// Decoding takes three bytes a pixel; where a unit's colours come in several scans, in addition all coefficients, two
    /// bytes each.
    pub(super) fn check_memory(&self, in_several_scans: bool) -> Result<(), Fault> {
        let pixels = u64::from(self.width_px) * u64::from(self.height_px) * 3;
        let (across, down) = self.units();
        let blocks: usize = self.components.iter().map(|one| one.wide * one.high).sum();
        let coefficients = u64::try_from(across * down * blocks * 64 * 2).unwrap_or(u64::MAX);
        let memory = pixels + if in_several_scans { coefficients } else { 0 };
        if memory > MEMORY_BYTES_MAX {
            return Err(Fault::TooLarge {
                what: "decoding would take bytes:",
                value: memory,
                max: MEMORY_BYTES_MAX,
            });
        }
        Ok(())
    }
}
