//! A list that a file can make only so long, and that knows how much it turned away.

use crate::model::Message;

#[derive(Debug)]
pub(super) struct Bounded<T> {
    items: Vec<T>,
    max: usize,
    dropped: u64,
}

impl<T> Bounded<T> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            items: Vec::new(),
            max,
            dropped: 0,
        }
    }

    pub(super) fn push(&mut self, item: T) {
        if self.items.len() < self.max {
            self.items.push(item);
        } else {
            self.dropped += 1;
        }
    }

    /// What was kept. If that is not all, `messages` gets one that says so; `what` is the plural of what is listed.
    pub(super) fn into_items(self, code: &str, what: &str, messages: &mut Vec<Message>) -> Vec<T> {
        if self.dropped > 0 {
            messages.push(Message {
                code: code.to_owned(),
                text: format!(
                    "The file has {} {what}; only the first {} are used. Split the file to see the rest.",
                    self.max as u64 + self.dropped,
                    self.max
                ),
                line: None,
            });
        }
        self.items
    }
}
