//! Numbers and words as text in a caller's buffer, with integer arithmetic only.

use super::BufferTooSmall;

/// Appends to a borrowed buffer; the first write that does not fit is an error and leaves the length as it was.
pub(super) struct Text<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Text<'b> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn written(&self) -> &[u8] {
        &self.buffer[..self.len]
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), BufferTooSmall> {
        let end = self.len.checked_add(bytes.len()).ok_or(BufferTooSmall)?;
        self.buffer
            .get_mut(self.len..end)
            .ok_or(BufferTooSmall)?
            .copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    pub(super) fn byte(&mut self, byte: u8) -> Result<(), BufferTooSmall> {
        self.bytes(&[byte])
    }

    /// A word of a marker. Commas, quotes and control characters would end the cell or the row, so each becomes `_`.
    pub(super) fn word(&mut self, word: &str) -> Result<(), BufferTooSmall> {
        for &b in word.as_bytes() {
            let breaks_row = b == b',' || b == b'"' || b.is_ascii_control();
            self.byte(if breaks_row { b'_' } else { b })?;
        }
        Ok(())
    }

    pub(super) fn spaces(&mut self, count: usize) -> Result<(), BufferTooSmall> {
        let end = self.len.checked_add(count).ok_or(BufferTooSmall)?;
        self.buffer
            .get_mut(self.len..end)
            .ok_or(BufferTooSmall)?
            .fill(b' ');
        self.len = end;
        Ok(())
    }

    pub(super) fn unsigned(&mut self, value: u32) -> Result<(), BufferTooSmall> {
        self.padded(value, 1)
    }

    pub(super) fn signed_wide(&mut self, value: i64) -> Result<(), BufferTooSmall> {
        if value < 0 {
            self.byte(b'-')?;
        }
        let mut digits = [0u8; 20];
        let mut rest = value.unsigned_abs();
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.bytes(&digits[start..])
    }

    /// `value` counts units of `10^-decimals`: `fixed(-5, 4)` is `-0.0005`.
    pub(super) fn fixed(&mut self, value: i32, decimals: u32) -> Result<(), BufferTooSmall> {
        if value < 0 {
            self.byte(b'-')?;
        }
        let one = 10u32.pow(decimals);
        let magnitude = value.unsigned_abs();
        self.unsigned(magnitude / one)?;
        if decimals > 0 {
            self.byte(b'.')?;
            self.padded(magnitude % one, decimals as usize)?;
        }
        Ok(())
    }

    pub(super) fn hex32(&mut self, value: u32) -> Result<(), BufferTooSmall> {
        self.hex_digits(u128::from(value), 8)
    }

    pub(super) fn hex128(&mut self, value: u128) -> Result<(), BufferTooSmall> {
        self.hex_digits(value, 32)
    }

    fn hex_digits(&mut self, value: u128, digits: u32) -> Result<(), BufferTooSmall> {
        for i in (0..digits).rev() {
            let nibble = (value >> (4 * i)) as u8 & 0xf;
            self.byte(b"0123456789abcdef"[usize::from(nibble)])?;
        }
        Ok(())
    }

    /// Decimal with leading zeros up to `digits_min`.
    fn padded(&mut self, value: u32, digits_min: usize) -> Result<(), BufferTooSmall> {
        let mut digits = [b'0'; 10];
        let mut rest = value;
        let mut start = digits.len();
        while rest > 0 {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.bytes(&digits[start.min(digits.len() - digits_min)..])
    }
}
