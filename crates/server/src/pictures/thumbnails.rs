//! Two smaller pictures: one for a grid, one for a phone's screen.
//!
//! They are JPEG: every browser and mail program shows it, and the encoder is pure Rust and works in whole numbers. (The
//! WebP encoder in Rust writes lossless files only, three to ten times as large for a photograph; the lossy one is a C
//! library.) Shrinking takes the mean of the area, which is exact and enough for making a picture smaller. Nothing of the
//! original's metadata comes along, so a shared thumbnail tells no place.

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, imageops};

use super::fault::Fault;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For grids: a third of a phone's width at three pixels a point.
    Small,
    /// For looking at one.
    Large,
}

impl Size {
    /// The longer side; a picture that is smaller keeps its size.
    #[must_use]
    pub const fn side_px(self) -> u32 {
        match self {
            Self::Small => 320,
            Self::Large => 1_280,
        }
    }

    /// The derived file's name.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Small => "small.jpg",
            Self::Large => "large.jpg",
        }
    }

    /// From 1 to 100, as libjpeg counts. Artefacts are seen sooner in the larger one.
    const fn quality(self) -> u8 {
        match self {
            Self::Small => 75,
            Self::Large => 82,
        }
    }
}

/// Both, as JPEG files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnails {
    pub small: Vec<u8>,
    pub large: Vec<u8>,
}

impl Thumbnails {
    #[must_use]
    pub fn of(&self, size: Size) -> &[u8] {
        match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        }
    }
}

pub(super) fn make(pixels: &DynamicImage, orientation: Orientation) -> Result<Thumbnails, Fault> {
    let large = shrunk(pixels, Size::Large);
    // From the large one: a mean of means over whole areas is the mean, and it is much less to read.
    let small = shrunk(large.as_ref().unwrap_or(pixels), Size::Small);
    let file = |shrunk: Option<DynamicImage>, size| {
        upright(shrunk.unwrap_or_else(|| pixels.clone()), orientation, size)
    };
    Ok(Thumbnails {
        small: file(small, Size::Small)?,
        large: file(large, Size::Large)?,
    })
}

/// `None` where it is small enough. The decoder gives gray or RGB.
fn shrunk(pixels: &DynamicImage, size: Size) -> Option<DynamicImage> {
    let (width, height) = (pixels.width(), pixels.height());
    let longer = width.max(height);
    if longer <= size.side_px() {
        return None;
    }
    let side = |px: u32| {
        let scaled = u64::from(px) * u64::from(size.side_px()) + u64::from(longer / 2);
        u32::try_from(scaled / u64::from(longer))
            .unwrap_or(u32::MAX)
            .max(1)
    };
    let (width, height) = (side(width), side(height));
    // By reference: a copy of the whole would be twice the memory.
    let gray = pixels
        .as_luma8()
        .map(|gray| imageops::thumbnail(gray, width, height).into());
    gray.or_else(|| {
        pixels
            .as_rgb8()
            .map(|rgb| imageops::thumbnail(rgb, width, height).into())
    })
}

fn upright(mut image: DynamicImage, orientation: Orientation, size: Size) -> Result<Vec<u8>, Fault> {
    image.apply_orientation(orientation);
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, size.quality())
        .encode_image(&image)
        .map_err(|error| Fault::Undecodable(format!("no thumbnail could be made: {error}")))?;
    Ok(file)
}
