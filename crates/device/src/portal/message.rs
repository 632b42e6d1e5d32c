//! Reading and writing messages of DNS, as much as a portal and a local name need.
//!
//! Ours, because what there is does not fit: `edge-captive` 0.8 answers answers too, so that two of them would never stop, and `edge-mdns` 0.8 neither
//! probes nor marks what is unique nor leaves out what the asker knows; both bring a date library and procedural macros along.

/// RFC 1035, section 4.1.1.
pub(super) const HEADER_BYTES: usize = 12;
/// RFC 1035, section 3.1: with lengths and the end.
const NAME_BYTES_MAX: usize = 255;
const POINTER: u8 = 0xC0;

pub(super) const RESPONSE: u16 = 0x8000;
pub(super) const AUTHORITATIVE: u16 = 0x0400;
pub(super) const OPCODE: u16 = 0x7800;

pub(super) const CLASS_IN: u16 = 1;
pub(super) const CLASS_ANY: u16 = 255;

pub(super) mod rtype {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const PTR: u16 = 12;
    pub(in super::super) const TXT: u16 = 16;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const SRV: u16 = 33;
    pub(in super::super) const NSEC: u16 = 47;
    pub(in super::super) const ANY: u16 = 255;
}

/// How many of what follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) flags: u16,
    pub(super) questions: u16,
    pub(super) answers: u16,
    pub(super) authorities: u16,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) name: Name<'a>,
    pub(super) rtype: u16,
    pub(super) class: u16,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) name: Name<'a>,
    pub(super) rtype: u16,
    pub(super) ttl_s: u32,
    pub(super) data: &'a [u8],
}

/// Goes through a message once, from its header on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Option<(Header, Self)> {
        let mut reader = Self { message, at: 0 };
        let header = Header {
            id: reader.u16()?,
            flags: reader.u16()?,
            questions: reader.u16()?,
            answers: reader.u16()?,
            authorities: reader.u16()?,
        };
        reader.u16()?;
        Some((header, reader))
    }

    /// How many bytes were read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn question(&mut self) -> Option<Question<'a>> {
        Some(Question {
            name: self.name()?,
            rtype: self.u16()?,
            class: self.u16()?,
        })
    }

    pub(super) fn record(&mut self) -> Option<Record<'a>> {
        let name = self.name()?;
        let rtype = self.u16()?;
        self.u16()?;
        let ttl_s = u32::from(self.u16()?) << 16 | u32::from(self.u16()?);
        let bytes = usize::from(self.u16()?);
        let data = self.message.get(self.at..self.at.checked_add(bytes)?)?;
        self.at += bytes;
        Some(Record {
            name,
            rtype,
            ttl_s,
            data,
        })
    }

    fn u16(&mut self) -> Option<u16> {
        let bytes = self.message.get(self.at..)?.first_chunk()?;
        self.at += 2;
        Some(u16::from_be_bytes(*bytes))
    }

    /// Checks a name to its end and steps over what of it stands here.
    fn name(&mut self) -> Option<Name<'a>> {
        let name = Name {
            message: self.message,
            at: self.at,
        };
        let mut labels = name.labels();
        let mut bytes = 1;
        for label in labels.by_ref() {
            bytes += 1 + label.len();
            if bytes > NAME_BYTES_MAX {
                return None;
            }
        }
        self.at = labels.end?;
        Some(name)
    }
}

/// A name inside a message, which may go on in an earlier part of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Name<'a> {
    /// Whether it is this one, in any case of letters.
    pub(super) fn is(self, labels: &[&str]) -> bool {
        let mut expected = labels.iter();
        for label in self.labels() {
            if !expected
                .next()
                .is_some_and(|expected| label.eq_ignore_ascii_case(expected.as_bytes()))
            {
                return false;
            }
        }
        expected.next().is_none()
    }

    fn labels(self) -> Labels<'a> {
        Labels {
            message: self.message,
            at: self.at,
            before: self.at,
            own_end: None,
            end: None,
        }
    }
}

struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// Pointers lead to before this, and ever further back, so every name ends.
    before: usize,
    /// Where the name's own bytes end: after its first pointer, else after its last label.
    own_end: Option<usize>,
    /// The same, once the name proved whole.
    end: Option<usize>,
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        while self.end.is_none() {
            let length = *self.message.get(self.at)?;
            match length {
                0 => self.end = Some(self.own_end.unwrap_or(self.at + 1)),
                1..=63 => {
                    let begin = self.at + 1;
                    let label = self.message.get(begin..begin + usize::from(length))?;
                    self.at = begin + usize::from(length);
                    return Some(label);
                }
                POINTER.. => {
                    let low = *self.message.get(self.at + 1)?;
                    let to = usize::from(length & !POINTER) << 8 | usize::from(low);
                    if to < HEADER_BYTES || to >= self.before {
                        return None;
                    }
                    self.own_end.get_or_insert(self.at + 2);
                    self.before = to;
                    self.at = to;
                }
                64..POINTER => return None,
            }
        }
        None
    }
}

/// Writes a message; what does not fit makes the whole of it nothing.
pub(super) struct Writer<'a> {
    into: &'a mut [u8],
    at: usize,
    fits: bool,
}

impl<'a> Writer<'a> {
    /// The counts of the header are set when the message is finished.
    pub(super) fn new(into: &'a mut [u8], id: u16, flags: u16) -> Self {
        let mut writer = Self {
            into,
            at: 0,
            fits: true,
        };
        writer.u16(id);
        writer.u16(flags);
        writer.bytes(&[0; 8]);
        writer
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.into.get_mut(self.at..self.at + bytes.len()) {
            Some(place) if self.fits => {
                place.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            _ => self.fits = false,
        }
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(super) fn name(&mut self, labels: &[&str]) {
        for label in labels {
            match u8::try_from(label.len()) {
                Ok(length @ 1..=63) => self.bytes(&[length]),
                _ => self.fits = false,
            }
            self.bytes(label.as_bytes());
        }
        self.bytes(&[0]);
    }

    /// Everything before the data of a record but its name.
    pub(super) fn record(&mut self, rtype: u16, class: u16, ttl_s: u32, data: impl FnOnce(&mut Self)) {
        self.u16(rtype);
        self.u16(class);
        self.bytes(&ttl_s.to_be_bytes());
        let length_at = self.at;
        self.u16(0);
        let begin = self.at;
        data(self);
        let length = u16::try_from(self.at - begin).unwrap_or(0);
        if let Some(place) = self.into.get_mut(length_at..length_at + 2) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// How many bytes it came to.
    pub(super) fn finish(self, counts: [u16; 4]) -> Option<usize> {
        for (place, count) in self
            .into
            .get_mut(4..HEADER_BYTES)?
            .chunks_exact_mut(2)
            .zip(counts)
        {
            place.copy_from_slice(&count.to_be_bytes());
        }
        self.fits.then_some(self.at)
    }
}
