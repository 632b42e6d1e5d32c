//! From a whole JPEG to its pixels.

use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::fault::Fault;
use super::limits::{SCANS_MAX, SIDE_PX_MAX};

/// Decodes all of a picture that the outline found whole.
pub(super) fn pixels(bytes: &[u8]) -> Result<DynamicImage, Fault> {
    let side_max = usize::try_from(SIDE_PX_MAX).unwrap_or(usize::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        // The faster paths depend on the processor, and the same bytes shall come out on every one.
        .set_use_unsafe(false)
        .set_max_width(side_max)
        .set_max_height(side_max)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let refused = |error| Fault::Undecodable(format!("{error}"));
    decoder.decode_headers().map_err(refused)?;
    let gray = decoder.input_colorspace() == Some(ColorSpace::Luma);
    if gray {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let samples = decoder.decode().map_err(refused)?;
    let side = |px: usize| u32::try_from(px).unwrap_or(u32::MAX);
    let (width, height) = decoder
        .dimensions()
        .map(|(width, height)| (side(width), side(height)))
        .unwrap_or_default();
    let image = if gray {
        GrayImage::from_raw(width, height, samples).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, samples).map(DynamicImage::from)
    };
    image.ok_or_else(|| Fault::Undecodable("the decoder gave fewer pixels than the header says".to_owned()))
}
