//! Writing and reading the layouts that the device keeps: big-endian numbers, and bytes behind their length.

/// It does not fit, or it ends too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfRoom;

/// Writes from the beginning of a buffer on.
pub(crate) struct Put<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

impl<'b> Put<'b> {
    pub(crate) const fn into(buffer: &'b mut [u8]) -> Self {
        Self { buffer, used: 0 }
    }

    pub(crate) fn written(&self) -> &[u8] {
        self.buffer.get(..self.used).unwrap_or_default()
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), OutOfRoom> {
        let end = self.used + bytes.len();
        self.buffer
            .get_mut(self.used..end)
            .ok_or(OutOfRoom)?
            .copy_from_slice(bytes);
        self.used = end;
        Ok(())
    }

    pub(crate) fn u8(&mut self, value: u8) -> Result<(), OutOfRoom> {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> Result<(), OutOfRoom> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> Result<(), OutOfRoom> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> Result<(), OutOfRoom> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn i32(&mut self, value: i32) -> Result<(), OutOfRoom> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn i64(&mut self, value: i64) -> Result<(), OutOfRoom> {
        self.bytes(&value.to_be_bytes())
    }

    /// At most 255 of them.
    pub(crate) fn short(&mut self, bytes: &[u8]) -> Result<(), OutOfRoom> {
        self.u8(u8::try_from(bytes.len()).map_err(|_| OutOfRoom)?)?;
        self.bytes(bytes)
    }
}

/// Reads from the beginning of bytes on.
#[derive(Clone, Copy)]
pub(crate) struct Take<'b>(pub(crate) &'b [u8]);

impl<'b> Take<'b> {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'b [u8], OutOfRoom> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(OutOfRoom)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], OutOfRoom> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(OutOfRoom)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, OutOfRoom> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, OutOfRoom> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, OutOfRoom> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, OutOfRoom> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, OutOfRoom> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, OutOfRoom> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn short(&mut self) -> Result<&'b [u8], OutOfRoom> {
        let count = usize::from(self.u8()?);
        self.bytes(count)
    }
}
