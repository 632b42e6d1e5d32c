//! Pictures that are whole, cut, damaged, oversized or something else.

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder, Rgb, RgbImage};

use super::*;

/// Made by libjpeg-turbo, for `image` encodes one kind only: (name, bytes).
const SAMPLES: [(&str, &[u8]); 7] = [
    (
        "baseline_420",
        include_bytes!("../../tests/pictures/baseline_420.jpg"),
    ),
    (
        "baseline_422_restarts",
        include_bytes!("../../tests/pictures/baseline_422_restarts.jpg"),
    ),
    (
        "progressive_420",
        include_bytes!("../../tests/pictures/progressive_420.jpg"),
    ),
    (
        "progressive_444_restarts",
        include_bytes!("../../tests/pictures/progressive_444_restarts.jpg"),
    ),
    (
        "gray_baseline",
        include_bytes!("../../tests/pictures/gray_baseline.jpg"),
    ),
    (
        "gray_progressive",
        include_bytes!("../../tests/pictures/gray_progressive.jpg"),
    ),
    ("cmyk", include_bytes!("../../tests/pictures/cmyk.jpg")),
];

/// Left half red, right half blue, with a texture.
fn halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let texture = u8::try_from((x * 7 + y * 13) % 32).unwrap();
        if x < width / 2 {
            Rgb([200 + texture, texture, texture])
        } else {
            Rgb([texture, texture, 200 + texture])
        }
    })
}

fn encoded(image: &RgbImage, exif: Option<Vec<u8>>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, 85);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).unwrap();
    }
    encoder
        .encode(
            image,
            image.width(),
            image.height(),
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
    file
}

/// An EXIF block: little-endian, one directory, and one for the time of taking with its offset.
fn exif(orientation: u16, taken: &str, offset: Option<&str>) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: usize, value: u32| {
        let mut entry = Vec::new();
        entry.extend(tag.to_le_bytes());
        entry.extend(kind.to_le_bytes());
        entry.extend(u32::try_from(count).unwrap().to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    let texts = [
        ("Mill\0", 0),
        ("Mill Eye 2\0", 8),
        (taken, 24),
        (offset.unwrap_or(""), 48),
    ];
    let first_entries = 4;
    let second_at = 8 + 2 + first_entries * 12 + 4;
    let texts_at = second_at + 2 + 2 * 12 + 4;
    let at = |index: usize| u32::try_from(texts_at + texts[index].1).unwrap();
    block.extend(u16::try_from(first_entries).unwrap().to_le_bytes());
    block.extend(entry(0x010F, 2, 5, at(0)));
    block.extend(entry(0x0110, 2, 11, at(1)));
    block.extend(entry(0x0112, 3, 1, u32::from(orientation)));
    block.extend(entry(0x8769, 4, 1, u32::try_from(second_at).unwrap()));
    block.extend([0; 4]);
    block.extend(2_u16.to_le_bytes());
    block.extend(entry(0x9003, 2, taken.len(), at(2)));
    block.extend(entry(0x9011, 2, offset.map_or(0, str::len), at(3)));
    block.extend([0; 4]);
    for (text, place) in texts {
        block.resize(texts_at + place, 0);
        block.extend(text.as_bytes());
    }
    block.resize(texts_at + 64, 0);
    block
}

fn fault_of(bytes: &[u8]) -> Fault {
    examine(bytes).verdict.expect_err("this picture is not good")
}

fn pixels_of(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).unwrap().to_rgb8()
}

#[test]
fn every_kind_of_whole_picture_is_good_and_gets_both_thumbnails() {
    for (name, bytes) in SAMPLES {
        let examined = examine(bytes);
        let thumbnails = examined.verdict.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(examined.facts.size_px, Some((203, 149)), "{name}");
        assert_eq!(
            pixels_of(&thumbnails.small).dimensions(),
            (203, 149),
            "{name}: never enlarged"
        );
        let (ours, theirs) = (pixels_of(&thumbnails.large), pixels_of(bytes));
        let off: u64 = ours
            .iter()
            .zip(theirs.iter())
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        let mean_off = off / (203 * 149 * 3);
        assert!(
            mean_off < 12,
            "{name}: looks like the original, off by {mean_off} of 255"
        );
    }
}

#[test]
fn thumbnails_keep_the_shape_and_the_bytes() {
    let bytes = encoded(&halves(1_296, 972), None);
    let first = examine(&bytes).verdict.unwrap();
    assert_eq!(pixels_of(&first.small).dimensions(), (320, 240));
    assert_eq!(pixels_of(&first.large).dimensions(), (1_280, 960));
    assert!(first.small.len() < 40_000, "{}", first.small.len());
    assert_eq!(Ok(first), examine(&bytes).verdict, "the same bytes again");
    let thin = examine(&encoded(&halves(4_000, 3), None)).verdict.unwrap();
    assert_eq!(pixels_of(&thin.small).dimensions(), (320, 1));
}

#[test]
fn a_turned_camera_gives_upright_thumbnails() {
    let turned = exif(6, "2026:11:20 08:15:00\0", None);
    let examined = examine(&encoded(&halves(400, 200), Some(turned)));
    assert_eq!(examined.facts.size_px, Some((200, 400)));
    let small = pixels_of(&examined.verdict.unwrap().small);
    assert_eq!(small.dimensions(), (160, 320));
    let (top, bottom) = (small.get_pixel(80, 40), small.get_pixel(80, 280));
    assert!(
        top[0] > 150 && top[2] < 90,
        "red, the left half, is on top: {top:?}"
    );
    assert!(
        bottom[2] > 150 && bottom[0] < 90,
        "blue is at the bottom: {bottom:?}"
    );
}

#[test]
fn time_and_camera_are_read_and_an_unknown_zone_stays_unknown() {
    let bytes = encoded(&halves(64, 64), Some(exif(1, "2026:11:20 08:15:00\0", None)));
    let facts = examine(&bytes).facts;
    let taken = facts.taken.unwrap();
    assert_eq!(taken.local, "2026-11-20T08:15:00".parse().unwrap());
    assert_eq!(taken.offset, None);
    assert_eq!(
        facts.camera.as_deref(),
        Some("Mill Eye 2"),
        "the maker is not said twice"
    );
    let zoned = encoded(
        &halves(64, 64),
        Some(exif(1, "2026:11:20 08:15:00\0", Some("-03:30\0"))),
    );
    let taken = examine(&zoned).facts.taken.unwrap();
    assert_eq!(taken.offset.map(|offset| offset.seconds()), Some(-12_600));
    for blank in ["0000:00:00 00:00:00\0", "    :  :     :  :  \0"] {
        let bytes = encoded(&halves(64, 64), Some(exif(1, blank, None)));
        assert_eq!(examine(&bytes).facts.taken, None, "{blank:?}");
    }
}

#[test]
fn a_picture_cut_anywhere_is_truncated() {
    for (name, bytes) in SAMPLES {
        for fiftieth in 0..50 {
            let cut = &bytes[..bytes.len() * fiftieth / 50];
            let code = fault_of(cut).code();
            let expected = if cut.is_empty() { "empty" } else { "truncated" };
            assert_eq!(code, expected, "{name} cut at {fiftieth}/50");
        }
        assert_eq!(
            fault_of(&bytes[..bytes.len() - 2]).code(),
            "truncated",
            "{name} without its end marker"
        );
        assert_eq!(
            fault_of(&bytes[..bytes.len() - 1]).code(),
            "truncated",
            "{name} with half of it"
        );
    }
}

/// Headers are left alone: the cuts begin at the first scan.
fn scan_begins(bytes: &[u8]) -> usize {
    bytes.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap() + 14
}

#[test]
fn an_end_marker_behind_half_a_picture_does_not_make_it_good() {
    for (name, bytes) in SAMPLES {
        let begin = scan_begins(bytes);
        // What belongs to a progressive picture's later scans only sharpens it, so their absence is no fault.
        let end = if name.contains("progressive") {
            let next = bytes[begin..]
                .windows(2)
                .position(|pair| pair == [0xFF, 0xC4])
                .unwrap();
            begin + next
        } else {
            bytes.len() - 2
        };
        for fiftieth in 0..50 {
            let mut cut = bytes[..begin + (end - begin) * fiftieth / 50].to_vec();
            // Half a stuffed byte would become another marker.
            while cut.last() == Some(&0xFF) {
                cut.pop();
            }
            cut.extend([0xFF, 0xD9]);
            let code = fault_of(&cut).code();
            assert!(
                matches!(code, "ends_early" | "damaged"),
                "{name} cut at {fiftieth}/50 of its first scan: {code}"
            );
        }
    }
}

#[test]
fn a_block_of_lost_bytes_inside_does_not_stay_hidden() {
    for (name, bytes) in SAMPLES {
        let (begin, mut hidden) = (scan_begins(bytes), 0);
        for at in (begin..bytes.len() - 514).step_by(97) {
            let lost = [&bytes[..at], &bytes[at + 512..]].concat();
            hidden += u32::from(examine(&lost).verdict.is_ok());
        }
        assert_eq!(hidden, 0, "{name}");
    }
}

#[test]
fn of_single_flipped_bits_a_quarter_is_found() {
    for (name, bytes) in SAMPLES {
        let (begin, mut tried, mut found) = (scan_begins(bytes), 0_u32, 0_u32);
        for at in (begin..bytes.len() - 2).step_by(31) {
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (at % 8);
            tried += 1;
            found += u32::from(outline::read(&flipped).verdict.is_err());
        }
        // Most of the rest change one coefficient into another that is as good: no decoder can tell.
        assert!(found * 4 > tried, "{name}: {found} of {tried}");
    }
}

#[test]
fn flipped_bytes_never_bring_the_reader_down() {
    for (_, bytes) in SAMPLES {
        for at in (scan_begins(bytes)..bytes.len()).step_by(499) {
            let mut flipped = bytes.to_vec();
            flipped[at] = !flipped[at];
            drop(examine(&flipped));
        }
    }
}

#[test]
fn flipped_bytes_in_the_headers_never_bring_the_reader_down() {
    for (_, bytes) in SAMPLES {
        for at in (0..scan_begins(bytes)).step_by(7) {
            let mut flipped = bytes.to_vec();
            flipped[at] = !flipped[at];
            drop(examine(&flipped));
        }
    }
}

#[test]
fn what_pads_a_whole_picture_is_accepted() {
    for (name, bytes) in SAMPLES {
        for padding in [
            vec![0; 512],
            vec![0xFF; 3],
            b"\xFF\xD8\xFF\xE1".to_vec(),
            vec![0x5A; 1],
        ] {
            let padded = [bytes, &padding].concat();
            assert!(
                examine(&padded).verdict.is_ok(),
                "{name} with {} bytes",
                padding.len()
            );
        }
        let end = bytes.len() - 2;
        let zeros_before_the_end = [&bytes[..end], &[0; 40], &bytes[end..]].concat();
        assert!(examine(&zeros_before_the_end).verdict.is_ok(), "{name}");
    }
}

/// The first sample with another size in its header.
fn claiming(width: u16, height: u16) -> Vec<u8> {
    let (_, mut bytes) = (SAMPLES[0].0, SAMPLES[0].1.to_vec());
    let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn a_claimed_size_beyond_the_limits_is_refused_before_it_is_made() {
    for (width, height) in [(65_535, 65_535), (65_535, 8), (16_384, 16_384), (8_001, 8_000)] {
        let fault = fault_of(&claiming(width, height));
        assert_eq!(fault.code(), "too_large", "{width}x{height}: {fault}");
    }
    assert_eq!(fault_of(&claiming(0, 100)).code(), "unsupported");
    let fault = fault_of(&claiming(8_000, 8_000));
    assert_eq!(fault.code(), "ends_early", "allowed, but 6 KB do not hold it");
}

#[test]
fn more_scans_than_any_encoder_writes_are_refused() {
    let (_, bytes) = SAMPLES[5];
    // The scan that adds a bit to each block's mean can be read any number of times.
    let header = b"\xFF\xDA\0\x08\x01\x01\0\0\0\x10";
    let begin = bytes.windows(10).position(|ten| ten == header).unwrap();
    let end = begin
        + 10
        + bytes[begin + 10..]
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC4])
            .unwrap();
    let scan = &bytes[begin..end];
    let with = |times| [&bytes[..begin], &scan.repeat(times), &bytes[end..]].concat();
    assert!(examine(&with(SCANS_MAX - 5)).verdict.is_ok());
    let fault = fault_of(&with(SCANS_MAX + 1));
    assert!(
        matches!(
            fault,
            Fault::TooLarge {
                value: 101,
                max: 100,
                ..
            }
        ),
        "{fault}"
    );
}

#[test]
fn what_is_no_jpeg_is_named() {
    assert_eq!(fault_of(b""), Fault::Empty);
    let mut png = std::io::Cursor::new(Vec::new());
    png.get_mut().extend(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    assert_eq!(
        fault_of(png.get_ref()),
        Fault::NotJpeg {
            looks_like: Some("PNG")
        }
    );
    assert_eq!(fault_of(&[0x21; 4_000]), Fault::NotJpeg { looks_like: None });
    assert_eq!(fault_of(b"\xFF").code(), "truncated");
    let too_many = vec![0; usize::try_from(BYTES_MAX).unwrap() + 1];
    assert_eq!(fault_of(&too_many).code(), "too_large");
}

#[test]
fn a_faulty_picture_still_tells_what_its_headers_say() {
    let whole = encoded(&halves(640, 480), Some(exif(1, "2026:11:20 08:15:00\0", None)));
    let examined = examine(&whole[..whole.len() / 2]);
    assert_eq!(examined.verdict.unwrap_err().code(), "truncated");
    assert_eq!(examined.facts.size_px, Some((640, 480)));
    assert!(examined.facts.taken.is_some());
}

#[test]
fn every_orientation_has_its_shown_size() {
    for number in 1..=8_u8 {
        let turned = exif(u16::from(number), "2026:11:20 08:15:00\0", None);
        let examined = examine(&encoded(&halves(48, 16), Some(turned)));
        let shown = pixels_of(&examined.verdict.unwrap().large).dimensions();
        assert_eq!(examined.facts.size_px, Some(shown), "orientation {number}");
        let mut expected = DynamicImage::from(halves(48, 16));
        expected.apply_orientation(Orientation::from_exif(number).unwrap());
        assert_eq!(
            shown,
            (expected.width(), expected.height()),
            "orientation {number}"
        );
    }
}
