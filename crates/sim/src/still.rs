//! Pictures that a camera at a circuit might take, as JPEG: hills, a road, the sun on its way, and a car that passes.
//!
//! They are mosaics: of each square of eight by eight pixels only the mean colour is written, so that the encoder is a page long and its
//! pictures are small.

/// In squares.
const WIDE: u16 = 40;
const HIGH: u16 = 30;
const SQUARE: u16 = 8;
/// The mean of a square comes out of the transform eight times as large.
const STEP: u8 = 8;
const HORIZON: f64 = 17.0;
const ROAD: std::ops::Range<u16> = 22..26;
/// Pictures from one sunrise to the next.
const DAY: u32 = 48;

type Rgb = [f64; 3];

/// The picture of this number: another one for each.
pub fn still(number: u32) -> Vec<u8> {
    encode(number, |x, y| colour(number, x, y))
}

fn colour(number: u32, x: u16, y: u16) -> Rgb {
    let day = f64::from(number % DAY) / f64::from(DAY);
    let noon = libm::sin(day * core::f64::consts::PI);
    let (column, row) = (f64::from(x), f64::from(y));
    let hill = HORIZON - 3.0 - 2.5 * libm::sin(column * 0.23) - 1.5 * libm::sin(column * 0.61 + 1.0);
    let sun = (f64::from(WIDE) * day, HORIZON - 2.0 - 12.0 * noon);
    let from_sun = libm::hypot(column - sun.0, row - sun.1);
    let car = (number.wrapping_mul(7) % u32::from(WIDE)) as u16;
    let light = 0.35 + 0.65 * noon;
    let lit = |colour: Rgb| colour.map(|part| part * light);
    match () {
        () if ROAD.contains(&y) && (y == 23 || y == 24) && x.wrapping_sub(car) < 3 => {
            lit([225.0, 65.0, 45.0])
        }
        () if ROAD.contains(&y) => lit([92.0, 94.0, 100.0]),
        () if row >= HORIZON => lit([84.0, 138.0, 62.0]),
        () if row >= hill => lit([62.0, 96.0, 88.0]),
        () if from_sun < 1.8 => [255.0, 236.0, 150.0],
        () => {
            let haze = row / HORIZON;
            lit([110.0 + 110.0 * haze, 165.0 + 45.0 * haze, 235.0 - 25.0 * haze])
        }
    }
}

/// ITU-T T.81, baseline: one table of steps, one code of four bits for each size of a difference, and nothing but the end after it.
fn encode(number: u32, colour: impl Fn(u16, u16) -> Rgb) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8];
    // Two days may look alike, and a server keeps the same bytes once.
    segment(&mut bytes, 0xFE, format!("picture {number}").as_bytes());
    segment(&mut bytes, 0xDB, &[&[0][..], &[STEP; 64]].concat());
    let [high, wide] = [HIGH * SQUARE, WIDE * SQUARE].map(u16::to_be_bytes);
    let parts = [1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
    segment(&mut bytes, 0xC0, &[&[8][..], &high, &wide, &[3], &parts].concat());
    let sizes: [u8; 9] = core::array::from_fn(|size| size as u8);
    segment(
        &mut bytes,
        0xC4,
        &[&[0x00, 0, 0, 0, 9][..], &[0; 12], &sizes].concat(),
    );
    segment(&mut bytes, 0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    segment(&mut bytes, 0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
    let mut bits = Bits::default();
    let mut before = [0; 3];
    for y in 0..HIGH {
        for x in 0..WIDE {
            let means = means(colour(x, y));
            for (mean, before) in means.into_iter().zip(&mut before) {
                bits.difference(mean - *before);
                *before = mean;
            }
        }
    }
    bytes.extend(bits.finish());
    bytes.extend([0xFF, 0xD9]);
    bytes
}

fn segment(bytes: &mut Vec<u8>, marker: u8, body: &[u8]) {
    bytes.extend([0xFF, marker]);
    bytes.extend((body.len() as u16 + 2).to_be_bytes());
    bytes.extend(body);
}

/// Luminance and two differences of colour (JFIF), from the middle of their ranges.
fn means([red, green, blue]: Rgb) -> [i32; 3] {
    let luminance = 0.299 * red + 0.587 * green + 0.114 * blue;
    let parts = [
        luminance - 128.0,
        0.564 * (blue - luminance),
        0.713 * (red - luminance),
    ];
    parts.map(|part| libm::round(part).clamp(-127.0, 127.0) as i32)
}

/// Bits, the most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn difference(&mut self, value: i32) {
        let size = i32::BITS - value.unsigned_abs().leading_zeros();
        self.put(size, 4);
        // A negative one is written as one less, without its sign.
        let written = if value < 0 { value - 1 } else { value };
        self.put(written as u32 & ((1 << size) - 1), size);
        self.put(0, 1);
    }

    fn put(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.held = self.held << 1 | (value >> at & 1);
            self.count += 1;
            if self.count == 8 {
                let byte = self.held as u8;
                self.bytes.push(byte);
                if byte == 0xFF {
                    // So that it is no marker.
                    self.bytes.push(0);
                }
                (self.held, self.count) = (0, 0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        while self.count > 0 {
            self.put(1, 1);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;

    use super::*;

    #[test]
    fn a_decoder_sees_the_colours_that_were_meant() {
        for number in [0, 1, 24, 47] {
            let bytes = still(number);
            assert!(bytes.len() < 20_000, "{}", bytes.len());
            let pixels = JpegDecoder::new(ZCursor::new(&bytes)).decode().unwrap();
            let wide = usize::from(WIDE * SQUARE);
            assert_eq!(pixels.len(), wide * usize::from(HIGH * SQUARE) * 3);
            for (x, y) in [(0, 0), (13, 9), (39, 18), (20, 23), (5, 29)] {
                let meant = colour(number, x, y);
                let at = (usize::from(y * SQUARE + 4) * wide + usize::from(x * SQUARE + 4)) * 3;
                for (seen, meant) in pixels[at..at + 3].iter().zip(meant) {
                    assert!((f64::from(*seen) - meant).abs() < 4.0, "{number} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn no_two_are_alike() {
        let stills: std::collections::BTreeSet<Vec<u8>> = (0..20 * DAY).map(still).collect();
        assert_eq!(stills.len(), 20 * DAY as usize);
    }
}
