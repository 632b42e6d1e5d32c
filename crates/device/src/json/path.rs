//! Where in a document something stands.

use heapless::{String, Vec};

use super::{DEPTH_MAX, NAME_BYTES_MAX};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Name(String<NAME_BYTES_MAX>),
    LongName,
    Item(u16),
}

/// Where a token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub(super) Vec<Step, DEPTH_MAX>);

impl Path {
    /// Whether this is `pattern`: names between `/`, and `#` for any item of an array. The document itself is the empty pattern.
    pub fn is(&self, pattern: &str) -> bool {
        are(&self.0, pattern)
    }

    /// The name of the member here, if it is one of the object at `of`.
    pub fn member_of(&self, of: &str) -> Option<&str> {
        match self.0.split_last()? {
            (Step::Name(name), before) if are(before, of) => Some(name),
            (Step::Name(_) | Step::LongName | Step::Item(_), _) => None,
        }
    }

    /// The name of the member at this depth on the way here, 0 for one of the document itself.
    pub fn name_at(&self, depth: usize) -> Option<&str> {
        match self.0.get(depth)? {
            Step::Name(name) => Some(name),
            Step::LongName | Step::Item(_) => None,
        }
    }

    /// Which item this is of each array that it is in, the outermost first.
    pub fn items(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter_map(|step| match step {
            Step::Item(index) => Some(usize::from(*index)),
            Step::Name(_) | Step::LongName => None,
        })
    }
}

fn are(steps: &[Step], pattern: &str) -> bool {
    let mut wanted = pattern.split('/').filter(|name| !name.is_empty());
    let same = steps.iter().all(|step| {
        wanted.next().is_some_and(|wanted| match step {
            Step::Name(name) => name == wanted,
            Step::LongName => false,
            Step::Item(_) => wanted == "#",
        })
    });
    same && wanted.next().is_none()
}
