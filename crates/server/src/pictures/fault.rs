//! Why a picture is not good.

/// One cause, in words for the person who looks at the camera's pictures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("The file is empty. The camera sent no picture; its memory or its sensor may have failed.")]
    Empty,
    #[error("{}", not_jpeg(.looks_like))]
    NotJpeg { looks_like: Option<&'static str> },
    /// No end marker: bytes are missing at the end.
    #[error(
        "The picture breaks off {place}: {size_bytes} bytes came and the end marker is not among them. The camera or \
         the connection cut it short; what came is kept."
    )]
    Truncated { size_bytes: usize, place: &'static str },
    /// The end marker is there, but not all of the picture is before it.
    #[error(
        "The picture data ends early: scan {scan} has {percent} % of its blocks, then the next marker comes. The camera \
         ended the file without the rest; what came is kept."
    )]
    EndsEarly { scan: usize, percent: u64 },
    /// Bytes inside are not what the format allows.
    #[error(
        "The picture is damaged at byte {at}: {what}. Bytes changed on the way or in the camera; they are kept."
    )]
    Damaged { at: usize, what: &'static str },
    #[error(
        "The picture uses {what}, which is not read here. Set the camera to baseline or progressive JPEG with 8 bits."
    )]
    Unsupported { what: &'static str },
    #[error(
        "The picture is too large: {what} {value}, at most {max}. It is kept, but not decoded; set the camera lower."
    )]
    TooLarge {
        what: &'static str,
        value: u64,
        max: u64,
    },
    /// The decoder has a reason of its own.
    #[error("The picture cannot be decoded: {0}. It is kept.")]
    Undecodable(String),
}

impl Fault {
    /// For programs; never changes its meaning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotJpeg { .. } => "not_jpeg",
            Self::Truncated { .. } => "truncated",
            Self::EndsEarly { .. } => "ends_early",
            Self::Damaged { .. } => "damaged",
            Self::Unsupported { .. } => "unsupported",
            Self::TooLarge { .. } => "too_large",
            Self::Undecodable(_) => "undecodable",
        }
    }
}

fn not_jpeg(looks_like: &Option<&'static str>) -> String {
    match looks_like {
        Some(other) => format!(
            "This is a {other} file, whatever its name says; only JPEG is taken for a picture. It is kept as it came."
        ),
        None => "This does not begin as a JPEG does (FF D8). The camera sent something else, a raw frame perhaps; it is \
                 kept as it came."
            .to_owned(),
    }
}
