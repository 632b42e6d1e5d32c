//! Texts that do not print.

use core::fmt;

use heapless::String;

/// A token or key, at most `N` bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<const N: usize>(String<N, u8>);

impl<const N: usize> Secret<N> {
    /// `None` where it is too long, and for characters that no header and no path carries.
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        String::try_from(text).ok().filter(|_| plain).map(Self)
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        extern crate std;
        assert_eq!(std::format!("{:?}", Secret::<8>::new("hunter2")), "Some(***)");
        assert_eq!(Secret::<8>::new("a b"), None);
        assert_eq!(Secret::<8>::new("123456789"), None);
    }
}
