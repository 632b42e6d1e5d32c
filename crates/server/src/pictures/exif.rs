//! What the camera wrote about a picture: when, with what, and which way up.

use ::exif::{Exif, In, Reader, Tag, Value};
use image::metadata::Orientation;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Longest maker or model that is kept, in characters.
const WORD_CHARS_MAX: usize = 64;

/// The camera's own time. Without an offset nobody knows in which zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub local: DateTime,
    pub offset: Option<Offset>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) orientation: Orientation,
    pub(super) taken: Option<Taken>,
    pub(super) camera: Option<String>,
}

impl Default for Described {
    fn default() -> Self {
        Self {
            orientation: Orientation::NoTransforms,
            taken: None,
            camera: None,
        }
    }
}

impl Described {
    /// Width and height after turning.
    pub(super) const fn shown_size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        match self.orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => (width, height),
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (height, width),
        }
    }
}

/// Reads an EXIF block. What cannot be read is left out: a picture is not worse for it.
pub(super) fn read(block: &[u8]) -> Described {
    let exif = Reader::new()
        .continue_on_error(true)
        .read_raw(block.to_vec())
        .or_else(|error| error.distill_partial_result(|_| ()));
    exif.map(|exif| Described {
        orientation: orientation(&exif),
        taken: taken(&exif),
        camera: camera(&exif),
    })
    .unwrap_or_default()
}

fn orientation(exif: &Exif) -> Orientation {
    exif.get_field(Tag::Orientation, In::PRIMARY)
        .and_then(|field| field.value.get_uint(0))
        .and_then(|number| u8::try_from(number).ok())
        .and_then(Orientation::from_exif)
        .unwrap_or(Orientation::NoTransforms)
}

/// The first text of a field, trimmed of what pads it.
fn text(exif: &Exif, tag: Tag) -> Option<String> {
    let Value::Ascii(lines) = &exif.get_field(tag, In::PRIMARY)?.value else {
        return None;
    };
    let text: String = String::from_utf8_lossy(lines.first()?)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORD_CHARS_MAX)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// When the shutter opened, else when the file was made of it.
fn taken(exif: &Exif) -> Option<Taken> {
    [
        (
            Tag::DateTimeOriginal,
            Tag::SubSecTimeOriginal,
            Tag::OffsetTimeOriginal,
        ),
        (
            Tag::DateTimeDigitized,
            Tag::SubSecTimeDigitized,
            Tag::OffsetTimeDigitized,
        ),
        (Tag::DateTime, Tag::SubSecTime, Tag::OffsetTime),
    ]
    .into_iter()
    .find_map(|(time, fraction, offset)| {
        let time = text(exif, time)?;
        let fraction = text(exif, fraction).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let time = match fraction {
            Some(digits) => format!("{time}.{}", &digits[..digits.len().min(9)]),
            None => time,
        };
        Some(Taken {
            local: DateTime::strptime("%Y:%m:%d %H:%M:%S%.f", &time).ok()?,
            offset: text(exif, offset).and_then(|text| parse_offset(&text)),
        })
    })
}

/// `+02:00`, `-03:30` or `Z`.
fn parse_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        (_, _) => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if !(0..=14).contains(&hours) || !(0..60).contains(&minutes) {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// `Maker Model`, the maker once: many models begin with it.
fn camera(exif: &Exif) -> Option<String> {
    match (text(exif, Tag::Make), text(exif, Tag::Model)) {
        (Some(make), Some(model)) if model.to_lowercase().starts_with(&make.to_lowercase()) => Some(model),
        (Some(make), Some(model)) => Some(format!("{make} {model}")),
        (make, model) => model.or(make),
    }
}
