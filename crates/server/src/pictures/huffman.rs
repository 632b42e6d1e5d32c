//! The codes of a scan: bits without their stuffing, and the tables that give them meaning (ITU-T T.81, annexes C and F).

/// Why no more codes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A marker stands where data should be.
    Marker,
    /// The file ends.
    End,
    /// These bits are no code of the table, or a value that cannot be.
    Bad(&'static str),
}

/// The entropy-coded bytes from a position to the next marker.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Of the next byte that is not in `held`.
    at: usize,
    /// The next bit is the highest.
    held: u64,
    held_bits: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            held: 0,
            held_bits: 0,
        }
    }

    /// About where reading stands, for messages.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The next data byte and how many bytes of the file it takes; `None` at a marker and at the end.
    fn next_byte(&self) -> Option<(u8, usize)> {
        match *self.bytes.get(self.at)? {
            0xFF => (self.bytes.get(self.at + 1) == Some(&0)).then_some((0xFF, 2)),
            byte => Some((byte, 1)),
        }
    }

    fn fill(&mut self) {
        while self.held_bits <= 56 {
            let Some((byte, taken)) = self.next_byte() else {
                return;
            };
            self.held |= u64::from(byte) << (56 - self.held_bits);
            self.held_bits += 8;
            self.at += taken;
        }
    }

    fn ran_out(&self) -> Stop {
        match self.bytes.get(self.at + 1) {
            Some(_) => Stop::Marker,
            None => Stop::End,
        }
    }

    /// The next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Stop> {
        if self.held_bits < count {
            self.fill();
            if self.held_bits < count {
                return Err(self.ran_out());
            }
        }
        // In two steps: a shift by all 64 bits is none.
        let value = (self.held >> 1) >> (63 - count);
        self.drop(count);
        Ok(u32::try_from(value).unwrap_or(u32::MAX))
    }

    const fn drop(&mut self, count: u32) {
        self.held <<= count;
        self.held_bits -= count;
    }

    /// A value of `size` bits with its sign, as T.81 F.2.2.1 extends it.
    pub(super) fn signed(&mut self, size: u32) -> Result<i32, Stop> {
        if size == 0 {
            return Ok(0);
        }
        if size > 15 {
            return Err(Stop::Bad("a coefficient is out of range"));
        }
        let value = self.take(size)?.cast_signed();
        Ok(if value < 1 << (size - 1) {
            value - (1 << size) + 1
        } else {
            value
        })
    }

    /// Goes on behind the restart marker `number`, which must be next.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Stop> {
        self.leave_data()?;
        match self.bytes.get(self.at + 1) {
            None => Err(Stop::End),
            Some(&marker) if marker == 0xD0 + number => {
                self.at += 2;
                Ok(())
            }
            Some(0xD0..=0xD7) => Err(Stop::Bad("restart markers are out of order")),
            Some(_) => Err(Stop::Marker),
        }
    }

    /// Skips what little may stand before the next marker and answers the marker's position.
    pub(super) fn leave_data(&mut self) -> Result<usize, Stop> {
        // The rest of the last byte is padding.
        self.drop(self.held_bits % 8);
        let mut surplus = 0;
        loop {
            self.fill();
            if self.held_bits == 0 {
                break;
            }
            if self.take(8)? != 0 {
                surplus += 1;
            }
            if surplus > super::limits::SURPLUS_BYTES_MAX {
                return Err(Stop::Bad("there is more data than the picture has blocks"));
            }
        }
        // FF may be repeated before a marker.
        while self.bytes.get(self.at) == Some(&0xFF) && self.bytes.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        match self.bytes.get(self.at + 1) {
            Some(_) => Ok(self.at),
            None => Err(Stop::End),
        }
    }
}

/// Bits that are looked up at once; longer codes are rare.
const LOOKUP_BITS: u32 = 9;
const NO_CODE: u16 = 0;

/// One Huffman table.
#[derive(Clone)]
pub(super) struct Table {
    /// For the next nine bits: length × 256 + symbol, or [`NO_CODE`] where the code is longer.
    short: Box<[u16; 1 << LOOKUP_BITS]>,
    /// For each length: the first 16-bit value above its codes, and what turns a code into its place among the symbols.
    ends: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From the numbers of codes of 1 to 16 bits and their symbols; `None` if there are more codes than such lengths allow,
    /// or not as many symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut short = Box::new([NO_CODE; 1 << LOOKUP_BITS]);
        let mut ends = [(0, 0); 17];
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            let first = i32::try_from(index).ok()? - i32::try_from(code).ok()?;
            for &symbol in symbols.get(index..index + usize::from(count))? {
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOKUP_BITS {
                    let place = usize::try_from(code << (LOOKUP_BITS - length)).ok()?;
                    let entry = u16::try_from(length).ok()? * 256 + u16::from(symbol);
                    short[place..place + (1 << (LOOKUP_BITS - length))].fill(entry);
                }
                code += 1;
            }
            index += usize::from(count);
            ends[usize::try_from(length).ok()?] = (code << (16 - length), first);
            code <<= 1;
        }
        (index == symbols.len()).then(|| Self {
            short,
            ends,
            symbols: symbols.to_vec(),
        })
    }

    /// The symbol of the next code.
    #[inline]
    pub(super) fn next(&self, bits: &mut Bits<'_>) -> Result<u8, Stop> {
        if bits.held_bits < 16 {
            bits.fill();
        }
        // The bits beyond `held_bits` are zero; a code that needs them is noticed by its length.
        let ahead = usize::try_from(bits.held >> (64 - LOOKUP_BITS)).unwrap_or(0);
        let [length, symbol] = self.short[ahead].to_be_bytes();
        let (length, symbol) = if length > 0 {
            (u32::from(length), symbol)
        } else {
            match self.long(bits.held >> 48) {
                Some(found) => found,
                None if bits.held_bits < 16 => return Err(bits.ran_out()),
                None => return Err(Stop::Bad("bits that are no Huffman code")),
            }
        };
        if length > bits.held_bits {
            return Err(bits.ran_out());
        }
        bits.drop(length);
        Ok(symbol)
    }

    fn long(&self, ahead: u64) -> Option<(u32, u8)> {
        let ahead = u32::try_from(ahead).ok()?;
        for length in LOOKUP_BITS + 1..=16 {
            let (end, offset) = self.ends[usize::try_from(length).ok()?];
            if ahead < end {
                let place = i32::try_from(ahead >> (16 - length)).ok()? + offset;
                let symbol = self.symbols.get(usize::try_from(place).ok()?)?;
                return Some((length, *symbol));
            }
        }
        None
    }
}
