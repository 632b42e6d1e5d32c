//! The walk through a picture's segments and scans, to its end marker.

use super::fault::Fault;
use super::huffman::Stop;
use super::limits::{SCANS_MAX, SEGMENTS_MAX};
use super::scan::{self, Broken};
use super::scan_progressive::Known;
use super::segments::{Frame, Segment, Tables};

/// What the headers say, as far as they could be read, and whether everything is there.
pub(super) struct Outline<'a> {
    pub(super) frame: Option<Frame>,
    /// The first EXIF block, without its name.
    pub(super) exif: Option<&'a [u8]>,
    pub(super) verdict: Result<(), Fault>,
}

/// Reads the whole picture, codes included. What stands behind the end marker is not looked at: some encoders pad.
pub(super) fn read(bytes: &[u8]) -> Outline<'_> {
    let mut walk = Walk {
        bytes,
        at: 0,
        outline: Outline {
            frame: None,
            exif: None,
            verdict: Ok(()),
        },
        tables: Tables::default(),
        known: Known::default(),
        scans: 0,
    };
    walk.outline.verdict = walk.walk();
    walk.outline
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    outline: Outline<'a>,
    tables: Tables,
    known: Known,
    scans: usize,
}

const EXIF: &[u8] = b"Exif\0\0";
/// Begin of other formats that are sent as pictures now and then.
const OTHERS: [(&[u8], &str); 7] = [
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "RIFF (WebP or AVI)"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x18ftyp", "HEIF or MP4"),
];

impl<'a> Walk<'a> {
    fn walk(&mut self) -> Result<(), Fault> {
        self.begin()?;
        for _ in 0..SEGMENTS_MAX {
            match self.marker()? {
                0xD9 => return self.all_there(),
                // Stand alone and mean nothing outside a scan.
                0x01 | 0xD0..=0xD7 => {}
                0xD8 => return Err(self.damaged("a second picture begins inside")),
                0x00 => return Err(self.damaged("a marker was expected")),
                marker => self.segment(marker)?,
            }
        }
        Err(Fault::TooLarge {
            what: "its segments are more than",
            value: u64::try_from(SEGMENTS_MAX).unwrap_or(u64::MAX),
            max: u64::try_from(SEGMENTS_MAX).unwrap_or(u64::MAX),
        })
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let size = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        if let Some(fault) = super::too_many_bytes(size) {
            return Err(fault);
        }
        match self.bytes {
            [] => Err(Fault::Empty),
            [0xFF, 0xD8, ..] => {
                self.at = 2;
                Ok(())
            }
            [0xFF] => Err(self.truncated("in its first bytes")),
            other => Err(Fault::NotJpeg {
                looks_like: OTHERS
                    .iter()
                    .find(|(magic, _)| other.starts_with(magic))
                    .map(|(_, name)| *name),
            }),
        }
    }

    const fn damaged(&self, what: &'static str) -> Fault {
        Fault::Damaged { at: self.at, what }
    }

    const fn truncated(&self, place: &'static str) -> Fault {
        Fault::Truncated {
            size_bytes: self.bytes.len(),
            place,
        }
    }

    /// Where a file without its rest stops.
    const fn stopped(&self) -> Fault {
        self.truncated(if self.scans == 0 {
            "in its headers"
        } else {
            "behind picture data"
        })
    }

    /// The code of the next marker; FF may be repeated before it.
    fn marker(&mut self) -> Result<u8, Fault> {
        match self.bytes.get(self.at) {
            None => return Err(self.stopped()),
            Some(0xFF) => {}
            Some(_) => return Err(self.damaged("a marker was expected")),
        }
        while self.bytes.get(self.at) == Some(&0xFF) {
            self.at += 1;
        }
        let code = *self.bytes.get(self.at).ok_or_else(|| self.stopped())?;
        self.at += 1;
        Ok(code)
    }

    fn segment(&mut self, marker: u8) -> Result<(), Fault> {
        let length: &[u8; 2] = self
            .bytes
            .get(self.at..)
            .and_then(<[u8]>::first_chunk)
            .ok_or_else(|| self.stopped())?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            return Err(self.damaged("a segment without a length"));
        }
        let body = self
            .bytes
            .get(self.at + 2..self.at + length)
            .ok_or_else(|| self.stopped())?;
        let segment = Segment { at: self.at, body };
        self.at += length;
        match marker {
            0xC0..=0xC2 => self.frame(&segment, marker),
            0xC4 => segment.huffman_tables(&mut self.tables),
            0xDA => self.scan(&segment),
            0xDB => segment.quantization_tables(&mut self.tables),
            0xDD => segment.restart_interval(&mut self.tables),
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => Err(Fault::Unsupported {
                what: "lossless, hierarchical or arithmetic coding",
            }),
            0xCC | 0xDC | 0xDE | 0xDF => Err(Fault::Unsupported {
                what: "a rare way of coding",
            }),
            0xE1 => {
                self.outline.exif = self.outline.exif.or(body.strip_prefix(EXIF));
                Ok(())
            }
            // Comments and makers' own.
            _ => Ok(()),
        }
    }

    fn frame(&mut self, segment: &Segment<'_>, marker: u8) -> Result<(), Fault> {
        if self.outline.frame.is_some() {
            return Err(self.damaged("a second frame header"));
        }
        let frame = segment.frame(marker)?;
        self.known = Known::of(&frame);
        self.outline.frame = Some(frame);
        Ok(())
    }

    fn scan(&mut self, segment: &Segment<'_>) -> Result<(), Fault> {
        let Some(frame) = &self.outline.frame else {
            return Err(self.damaged("a scan before the frame header"));
        };
        self.scans += 1;
        if self.scans > SCANS_MAX {
            return Err(Fault::TooLarge {
                what: "its scans are at least",
                value: u64::try_from(self.scans).unwrap_or(u64::MAX),
                max: u64::try_from(SCANS_MAX).unwrap_or(u64::MAX),
            });
        }
        let header = segment.scan(frame)?;
        frame.check_memory(frame.progressive || header.parts.len() < frame.components.len())?;
        self.known
            .begin(&header, frame)
            .map_err(|what| Fault::Damaged { at: segment.at, what })?;
        match scan::read(self.bytes, self.at, frame, &header, &self.tables, &mut self.known) {
            Ok(at) => {
                self.at = at;
                Ok(())
            }
            Err(Broken { at, stop, percent }) => Err(match stop {
                Stop::End => self.truncated("in the picture data"),
                Stop::Marker => Fault::EndsEarly {
                    scan: self.scans,
                    percent,
                },
                Stop::Bad(what) => Fault::Damaged { at, what },
            }),
        }
    }

    /// At the end marker: every colour came at least once.
    fn all_there(&self) -> Result<(), Fault> {
        let whole = self.outline.frame.is_some() && self.known.every_component_came();
        if whole {
            return Ok(());
        }
        Err(Fault::EndsEarly {
            scan: self.scans + 1,
            percent: 0,
        })
    }
}
