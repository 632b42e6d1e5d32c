//! Whether what the sensor gave is a whole picture, as far as that can be seen without decoding it.

use core::fmt;

/// The largest that the sensor makes, twice over; also what the one buffer holds at most.
pub const PICTURE_BYTES_MAX: usize = 256 * 1024;
/// Bursts end in a FIFO's block: so many bytes behind the picture are padding.
const PADDING_BYTES_MAX: usize = 1024;

const BEGIN: &[u8] = &[0xFF, 0xD8];
const END: &[u8] = &[0xFF, 0xD9];

/// Why a frame is no picture. The next one may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadFrame {
    /// The sensor said that it holds nothing.
    Empty,
    /// The sensor said more than any picture has.
    TooLong,
    /// Fewer bytes came than the sensor said.
    Cut,
    /// No JPEG begins here.
    NoBegin,
    /// The picture does not end: the FIFO ran over, or the burst was longer than it.
    NoEnd,
}

impl fmt::Display for BadFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the camera has no picture",
            Self::TooLong => "the camera says a length that no picture has",
            Self::Cut => "fewer bytes came from the camera than it said",
            Self::NoBegin => "what came from the camera does not begin as a JPEG",
            Self::NoEnd => "the picture is cut off",
        })
    }
}

/// How long the picture is within what was read. Some encoders pad behind the end, and some say one byte too many.
///
/// Damage in the middle is not seen: the server decodes every picture, and quarantines it then.
pub fn whole(read: &[u8], said_bytes: usize) -> Result<usize, BadFrame> {
    if said_bytes == 0 {
        return Err(BadFrame::Empty);
    }
    if said_bytes > PICTURE_BYTES_MAX {
        return Err(BadFrame::TooLong);
    }
    let frame = read.get(..said_bytes).ok_or(BadFrame::Cut)?;
    if !frame.starts_with(BEGIN) {
        return Err(BadFrame::NoBegin);
    }
    let tail_from = frame.len().saturating_sub(PADDING_BYTES_MAX).max(BEGIN.len());
    let tail = frame.get(tail_from..).unwrap_or_default();
    let end = tail.windows(END.len()).rposition(|pair| pair == END);
    end.map(|end| tail_from + end + END.len()).ok_or(BadFrame::NoEnd)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(inside: usize, padding: usize) -> heapless::Vec<u8, 4096> {
        let parts = [BEGIN, &[7; 2000][..inside], END, &[0; 2000][..padding]];
        parts.into_iter().flatten().copied().collect()
    }

    #[test]
    fn a_picture_ends_where_it_says_so_whatever_stands_behind() {
        assert_eq!(whole(&picture(100, 0), 104), Ok(104));
        assert_eq!(whole(&picture(100, 1), 105), Ok(104), "one byte too many");
        assert_eq!(whole(&picture(100, 900), 1004), Ok(104));
        assert_eq!(
            whole(&picture(100, 300), 104),
            Ok(104),
            "the buffer is longer than the frame"
        );
        assert_eq!(whole(&picture(0, 0), 4), Ok(4));
    }

    #[test]
    fn what_is_cut_or_none_is_told_apart() {
        let good = picture(100, 0);
        assert_eq!(whole(&good, 0), Err(BadFrame::Empty));
        assert_eq!(whole(&good, 105), Err(BadFrame::Cut));
        assert_eq!(whole(&good, 103), Err(BadFrame::NoEnd));
        assert_eq!(whole(&good, PICTURE_BYTES_MAX + 1), Err(BadFrame::TooLong));
        assert_eq!(whole(&good[1..], 103), Err(BadFrame::NoBegin));
        assert_eq!(
            whole(&picture(100, 1500), 1604),
            Err(BadFrame::NoEnd),
            "that is no padding"
        );
        assert_eq!(whole(&[0xFF, 0xD8, 0xD9], 3), Err(BadFrame::NoEnd));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_picture_or_a_reason(read in proptest::collection::vec(any::<u8>(), 0..64), said in 0..80usize) {
            if let Ok(bytes) = whole(&read, said) {
                prop_assert!(bytes <= said && read[..bytes].ends_with(END));
            }
        }
    }
}
