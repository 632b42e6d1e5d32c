//! `Upload-Concat`: an upload that is a part of another, or is put together of parts.

use core::fmt;

use super::HeaderError;

/// Most parts of one upload. Clients send as many as they have connections, which is 3 to 16.
pub const PART_URLS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concat<'t> {
    Partial,
    Final(PartUrls<'t>),
}

/// Addresses of parts, at least one, as they were sent: absolute or from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartUrls<'t> {
    text: &'t str,
}

impl<'t> Concat<'t> {
    pub fn parse(text: &'t str) -> Result<Self, HeaderError> {
        if text == "partial" {
            return Ok(Self::Partial);
        }
        let urls = PartUrls {
            text: text.strip_prefix("final;").ok_or(HeaderError::NotAConcat)?,
        };
        let visible = |url: &str| url.bytes().all(|byte| byte.is_ascii_graphic());
        if urls.iter().next().is_none() || !urls.iter().all(visible) {
            return Err(HeaderError::NotAConcat);
        }
        if urls.iter().nth(PART_URLS_MAX).is_some() {
            return Err(HeaderError::TooManyParts);
        }
        Ok(Self::Final(urls))
    }
}

impl<'t> PartUrls<'t> {
    /// In the order in which their bytes follow each other.
    pub fn iter(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.text.split(' ').filter(|url| !url.is_empty())
    }
}

impl fmt::Display for Concat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial => f.write_str("partial"),
            Self::Final(urls) => {
                f.write_str("final;")?;
                for (index, url) in urls.iter().enumerate() {
                    let space = if index == 0 { "" } else { " " };
                    write!(f, "{space}{url}")?;
                }
                Ok(())
            }
        }
    }
}
