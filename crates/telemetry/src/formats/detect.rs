//! Which format a file is in, by its first bytes and never by its name.
//!
//! Looks for what only one maker writes (a banner, a framed message with a right checksum, a set of column names). What
//! it cannot name it refuses with the cause and a remedy; whether there is data after the header is the reader's business.

use super::Format;
use super::cells::Cells;
use super::lines::text;
use super::{nmea, ubx};

/// How much of a file's start to hand to [`detect`]; the longest header seen is a VBO's of 1.4 kB, and a
/// RaceBox block grows by 60 bytes a lap.
pub const DETECT_BYTES: usize = 64 * 1024;

/// Header rows stand within this many lines; RaceBox lists every lap before its own.
const MAX_HEAD_LINES: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    #[error("the file is empty; the logger may have lost power before its first write: try the next file")]
    Empty,
    #[error("this is {what}, not a recording; {remedy}")]
    OtherKind {
        what: &'static str,
        remedy: &'static str,
    },
    #[error(
        "the file is binary and of no known kind; export the session from the logger's app as CSV, VBO, NMEA or GPX"
    )]
    Binary,
    #[error("the text is in UTF-16; save it as UTF-8 or export it again")]
    Utf16,
    #[error("line {line}: {what}; {remedy}")]
    UnreadDialect {
        line: u64,
        what: &'static str,
        remedy: &'static str,
    },
    #[error(
        "line {line}: no known recording begins with {start:?}; send the file as the logger or its app wrote it, header included"
    )]
    Unknown { line: u64, start: String },
}

impl DetectError {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::OtherKind { .. } => "other_kind_of_file",
            Self::Binary => "binary_file",
            Self::Utf16 => "utf16_text",
            Self::UnreadDialect { .. } => "unread_dialect",
            Self::Unknown { .. } => "unknown_format",
        }
    }

    /// Line of the file, from 1, that gave it away.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::UnreadDialect { line, .. } | Self::Unknown { line, .. } => Some(*line),
            Self::Empty | Self::OtherKind { .. } | Self::Binary | Self::Utf16 => None,
        }
    }
}

/// Names the format of a file whose first bytes are `head` (up to [`DETECT_BYTES`]; fewer only if the file is shorter).
pub fn detect(head: &[u8]) -> Result<Format, DetectError> {
    let head = head.get(..DETECT_BYTES).unwrap_or(head);
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if head.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Err(DetectError::Empty);
    }
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        return Err(DetectError::Utf16);
    }
    if let Some(error) = other_kind(head) {
        return Err(error);
    }
    if ubx::has_frame(head) {
        return Ok(Format::Ubx);
    }
    if head
        .split(|byte| *byte == b'\n')
        .take(MAX_HEAD_LINES)
        .any(nmea::is_sentence)
    {
        return Ok(Format::Nmea);
    }
    if !looks_like_text(head) {
        return Err(DetectError::Binary);
    }
    text_format(head)
}

/// Kinds of files that people drop by mistake, by their magic numbers.
fn other_kind(head: &[u8]) -> Option<DetectError> {
    const EXPORT: &str = "export the session as CSV, VBO, NMEA or GPX and send that";
    const KINDS: [(usize, &[u8], &str, &str); 12] = [
        (
            0,
            b"\xFF\xD8\xFF",
            "a JPEG picture",
            "pictures go to the camera page",
        ),
        (0, b"\x89PNG", "a PNG picture", "send the recording itself"),
        (
            0,
            b"PK\x03\x04",
            "a zip archive",
            "unpack it and send the recordings inside",
        ),
        (
            0,
            b"\x1F\x8B",
            "a gzip archive",
            "unpack it and send the recording inside",
        ),
        (
            0,
            b"7z\xBC\xAF",
            "a 7-Zip archive",
            "unpack it and send the recordings inside",
        ),
        (
            0,
            b"Rar!",
            "a RAR archive",
            "unpack it and send the recordings inside",
        ),
        (0, b"%PDF", "a PDF document", "send the recording itself"),
        (4, b"ftyp", "a video", EXPORT),
        (0, b"SQLite format 3", "a database", EXPORT),
        (
            0,
            b"PAR1",
            "a Parquet file",
            "send the recording that it was made from",
        ),
        (8, b".FIT", "a Garmin FIT file", EXPORT),
        (
            0,
            b"<hCNF",
            "an AiM XRK file",
            "open it in Race Studio and export CSV",
        ),
    ];
    KINDS
        .iter()
        .find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)))
        .map(|(_, _, what, remedy)| DetectError::OtherKind { what, remedy })
}

/// Text has next to no control bytes; the NUL and 0xFF padding of preallocated and torn files does not count.
fn looks_like_text(head: &[u8]) -> bool {
    let is_control =
        |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\r' | b'\n' | 0x0C)) || byte == 0x7F;
    let written = head.iter().copied().filter(|byte| !matches!(byte, 0 | 0xFF));
    let (controls, count) = written.fold((0_usize, 0_usize), |(controls, count), byte| {
        (controls + usize::from(is_control(byte)), count + 1)
    });
    controls * 50 <= count
}

fn text_format(head: &[u8]) -> Result<Format, DetectError> {
    let mut cells = Cells::new();
    let mut first: Option<(u64, String)> = None;
    for (line, number) in head
        .split(|byte| *byte == b'\n')
        .take(MAX_HEAD_LINES)
        .zip(1_u64..)
    {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if first.is_none() {
            if line.starts_with(b"<") {
                return markup(head, number);
            }
            first = Some((number, text(line).chars().take(60).collect()));
        }
        if let Some(found) = by_line(line, number, &mut cells) {
            return found;
        }
    }
    let (line, start) = first.unwrap_or_default();
    Err(DetectError::Unknown { line, start })
}

fn markup(head: &[u8], line: u64) -> Result<Format, DetectError> {
    let contains = |needle: &[u8]| memchr::memmem::find(head, needle).is_some();
    if contains(b"<gpx") || contains(b":gpx") {
        return Ok(Format::Gpx);
    }
    let (what, remedy) = if contains(b"<kml") {
        (
            "this is KML, which has no times that can be trusted",
            "export GPX instead",
        )
    } else if contains(b"<html") || contains(b"<HTML") {
        (
            "this is a web page",
            "the download may have ended at a sign-in page: download the recording again",
        )
    } else {
        ("this is XML, but not GPX", "export GPX, CSV or VBO instead")
    };
    Err(DetectError::UnreadDialect { line, what, remedy })
}

/// What one line of text says about the format; nothing if it could stand in any file.
fn by_line(line: &[u8], number: u64, cells: &mut Cells) -> Option<Result<Format, DetectError>> {
    let lower = line.to_ascii_lowercase();
    let starts = |start: &str| lower.starts_with(start.as_bytes());
    if starts("file created on")
        || [&b"[header]"[..], b"[column names]", b"[data]"].contains(&lower.as_slice())
    {
        return Some(Ok(Format::Vbo));
    }
    if starts("this file is created using racechrono") {
        return Some(Ok(Format::RacechronoCsv));
    }
    if starts("# racerender data") {
        return Some(Ok(Format::Trackaddict));
    }
    if starts("\"interval\"|")
        || starts("#\"interval\"|")
        || starts("#interval|")
        || starts("\"time\"|")
        || starts("#\"time\"|")
    {
        return Some(Ok(Format::Racecapture));
    }
    if !cells.split(&lower) {
        return None;
    }
    if cells.get(0) == b"format" {
        return by_format_line(&cells.text(1), number);
    }
    by_columns(cells).map(Ok)
}

/// A `Format,…` line, which three makers begin with.
fn by_format_line(value: &str, line: u64) -> Option<Result<Format, DetectError>> {
    if value.starts_with("aim csv") {
        return Some(Ok(Format::AimCsv));
    }
    if value.starts_with("racebox") {
        return Some(Ok(Format::RaceboxCsv));
    }
    if value == "3" {
        return Some(Ok(Format::RacechronoCsv));
    }
    let (what, remedy) = match value {
        "1" | "2" => ("this is an older RaceChrono CSV", "export the session as CSV v3"),
        value if value.starts_with("motec") => ("this is a MoTeC CSV", "export VBO or GPX instead"),
        _ => return None,
    };
    Some(Err(DetectError::UnreadDialect { line, what, remedy }))
}

/// A row of column names, in lower case.
fn by_columns(cells: &Cells) -> Option<Format> {
    let has = |name: &str| (0..cells.len()).any(|index| cells.get(index) == name.as_bytes());
    let begins = |name: &str| (0..cells.len()).any(|index| cells.get(index).starts_with(name.as_bytes()));
    if has("datetime") && has("driver") && has("course") || has("hdop") && has("lng") && has("speed_mph") {
        return Some(Format::Dovex);
    }
    if has("gps_update") && has("gps_delay") {
        return Some(Format::Trackaddict);
    }
    if has("time")
        && has("latitude")
        && has("longitude")
        && has("lap")
        && (begins("gforce") || has("kph") || has("mph"))
    {
        return Some(Format::RaceboxCsv);
    }
    let place = (has("lat") || has("latitude")) && (has("lon") || has("longitude"));
    let stamped = [&b"timestamp"[..], b"time", b"gps_time"].contains(&cells.get(0)) && has_sensor(cells);
    (has("tick_ms") && has("row_type") || place && stamped).then_some(Format::FieldpostCsv)
}

/// The sensor columns that tell our own CSV from anybody's list of places.
fn has_sensor(cells: &Cells) -> bool {
    (0..cells.len()).any(|index| [&b"acc_x"[..], b"imu_x", b"gyro_x"].contains(&cells.get(index)))
}
