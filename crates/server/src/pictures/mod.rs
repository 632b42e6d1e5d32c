//! Pictures: whether a still is whole, what it says about itself, and its two thumbnails.
//!
//! Pure: bytes in, an [`Examined`] out; no clock, no disk, no rows. The same program makes the same thumbnails of the same
//! bytes on every machine, so nothing here uses what only some processors have.
//!
//! A camera's stills break in three ways that a tolerant decoder paints over: the file stops (a lost connection, a full
//! buffer), the end marker is there but the scan data before it is short (firmware that appends the marker to what it has),
//! or bytes inside are wrong (radio, memory). [`outline`] therefore reads every code of every scan and counts the blocks
//! before a pixel is decoded; what does not come out exactly is a [`Fault`], and the picture is not shown as good. This
//! also keeps decompression bombs out: memory for pixels is taken only for a picture whose data is all there.

mod captured;
mod decode;
mod exif;
mod fault;
mod huffman;
mod limits;
mod outline;
mod scan;
mod scan_progressive;
mod segments;
mod thumbnails;

pub(crate) use captured::RECEIVED_NAME_PREFIX;
pub use captured::{Captured, Source, choose};
pub use exif::Taken;
pub use fault::Fault;
pub use limits::{BYTES_MAX, MEMORY_BYTES_MAX, PIXELS_MAX, SCANS_MAX, SIDE_PX_MAX};
pub use thumbnails::{Size, Thumbnails};

/// Raised when the same bytes may come out otherwise than before, be it a thumbnail or a verdict.
pub const PICTURE_VERSION: u32 = 1;

/// What is known of a picture, good or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// As it is shown, the camera's orientation applied.
    pub size_px: Option<(u32, u32)>,
    pub taken: Option<Taken>,
    /// Maker and model.
    pub camera: Option<String>,
}

/// A picture that was looked at from its first byte to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// From what could be read of the headers, also where the verdict is a fault.
    pub facts: Facts,
    pub verdict: Result<Thumbnails, Fault>,
}

/// For a picture that need not even be read.
#[must_use]
pub fn too_many_bytes(size_bytes: u64) -> Option<Fault> {
    (size_bytes > BYTES_MAX).then_some(Fault::TooLarge {
        what: "its bytes are",
        value: size_bytes,
        max: BYTES_MAX,
    })
}

/// Looks at a whole picture. Takes at most [`MEMORY_BYTES_MAX`] beside `bytes`, and a time that is bounded by the limits on
/// pixels and scans.
#[must_use]
pub fn examine(bytes: &[u8]) -> Examined {
    let outline = outline::read(bytes);
    let described = outline.exif.map(exif::read).unwrap_or_default();
    let size_px = outline
        .frame
        .as_ref()
        .map(|frame| described.shown_size((frame.width_px, frame.height_px)));
    let verdict = outline
        .verdict
        .and_then(|()| decode::pixels(bytes))
        .and_then(|pixels| thumbnails::make(&pixels, described.orientation));
    Examined {
        facts: Facts {
            size_px,
            taken: described.taken,
            camera: described.camera,
        },
        verdict,
    }
}

#[cfg(test)]
mod tests;
