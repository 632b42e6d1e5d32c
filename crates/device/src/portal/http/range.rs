//! Which part of a recording is asked for: RFC 9110, section 14, one range of bytes.

/// A range as it was asked for, before the size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// None, or one that is not understood, which counts as none.
    Whole,
    From(u32),
    /// Both ends are meant.
    FromTo(u32, u32),
    Last(u32),
}

/// What of the recording goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// Not empty: `offset < end`.
    Some {
        offset: u32,
        end: u32,
    },
    /// It begins after the end.
    Unsatisfiable,
}

impl Asked {
    pub(super) fn parse(header: Option<&str>) -> Self {
        header.and_then(Self::understood).unwrap_or(Self::Whole)
    }

    fn understood(header: &str) -> Option<Self> {
        let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(Self::FromTo(first, last)),
            (Some(first), None) if last.is_empty() => Some(Self::From(first)),
            (None, Some(last)) if first.is_empty() => Some(Self::Last(last)),
            _ => None,
        }
    }

    pub(super) fn of(self, size: u32) -> Part {
        let (offset, end) = match self {
            Self::Whole => return Part::Whole,
            Self::From(first) => (first, size),
            Self::FromTo(first, last) => (first, last.saturating_add(1).min(size)),
            Self::Last(bytes) => (size.saturating_sub(bytes), size),
        };
        if offset < end {
            Part::Some { offset, end }
        } else {
            Part::Unsatisfiable
        }
    }
}

/// Digits only; one that is too large is as good as the largest, for no recording has so many bytes.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(header: &str) -> Part {
        Asked::parse(Some(header)).of(100)
    }

    #[test]
    fn ranges_are_those_of_the_standard() {
        for (header, offset, end) in [
            ("bytes=0-0", 0, 1),
            ("bytes=10-19", 10, 20),
            ("bytes=90-", 90, 100),
            ("bytes=90-4294967296", 90, 100),
            ("bytes=-1", 99, 100),
            ("bytes=-1000", 0, 100),
        ] {
            assert_eq!(part(header), Part::Some { offset, end }, "{header}");
        }
        for header in ["bytes=100-", "bytes=4294967296-", "bytes=-0"] {
            assert_eq!(part(header), Part::Unsatisfiable, "{header}");
        }
        for header in [
            "bytes=5-4",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(part(header), Part::Whole, "{header}");
        }
        assert_eq!(Asked::parse(None).of(100), Part::Whole);
    }
}
