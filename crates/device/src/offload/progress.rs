//! How far a batch is: bytes over all of it, and only ever forward.

use core::time::Duration;

use super::Survey;
use crate::time::Instant;

/// Shorter spans say more about the radio's buffers than about its speed.
const WINDOW: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    files: u16,
    /// Handed over or set aside.
    files_over: u16,
    total_bytes: u64,
    done_bytes: u64,
    /// Of the recording under way: what the server has, and what is on its way.
    durable_bytes: u32,
    sent_bytes: u32,
    shown_percent: u8,
    speed: Speed,
}

impl Progress {
    pub(super) const fn new() -> Self {
        Self {
            files: 0,
            files_over: 0,
            total_bytes: 0,
            done_bytes: 0,
            durable_bytes: 0,
            sent_bytes: 0,
            shown_percent: 0,
            speed: Speed::UNKNOWN,
        }
    }

    /// A round begins with what is left of the batch, and what was recorded since.
    pub(super) fn go_on(&mut self, survey: &Survey) {
        self.files = self.files_over.saturating_add(survey.files);
        self.total_bytes = self.done_bytes.saturating_add(survey.bytes);
        self.next_file();
    }

    /// Another recording; whatever the server had of the one before does not count for this.
    pub(super) fn next_file(&mut self) {
        self.durable_bytes = 0;
        self.sent_bytes = 0;
    }

    /// The server has so much of the recording under way.
    pub(super) fn durable(&mut self, bytes: u32) {
        self.durable_bytes = bytes;
        self.sent_bytes = 0;
        self.show();
    }

    /// So many bytes of the body under way have gone out.
    pub(super) fn sent(&mut self, bytes: u32, now: Instant) {
        self.speed.moved(bytes.saturating_sub(self.sent_bytes), now);
        self.sent_bytes = bytes;
        self.show();
    }

    /// The recording under way got through.
    pub(super) fn delivered(&mut self, size_bytes: u32) {
        self.done_bytes = self.done_bytes.saturating_add(u64::from(size_bytes));
        self.over();
    }

    /// It was set aside: the batch is that much smaller.
    pub(super) fn left_out(&mut self, size_bytes: u32) {
        self.total_bytes = self.total_bytes.saturating_sub(u64::from(size_bytes));
        self.over();
    }

    fn over(&mut self) {
        self.files_over = self.files_over.saturating_add(1);
        self.next_file();
        self.show();
    }

    /// Every recording of the batch got through or was set aside.
    pub(super) fn complete(&mut self) {
        self.shown_percent = 100;
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.shown_percent == 100
    }

    /// 0 to 100; 100 is only shown once everything has its receipt.
    pub(super) const fn percent(&self) -> u8 {
        self.shown_percent
    }

    /// The recording under way, counted from 1, of so many.
    pub(super) fn file(&self) -> (u16, u16) {
        (self.files_over.saturating_add(1).min(self.files), self.files)
    }

    /// `None` while nothing is known of the speed.
    pub(super) fn left_s(&self) -> Option<u32> {
        let left_bytes = self.total_bytes.saturating_sub(self.moved_bytes());
        let left_s = left_bytes.checked_div(u64::from(self.speed.bytes_per_s?))?;
        u32::try_from(left_s).ok()
    }

    /// What is said of the speed ends with the connection that it was measured on.
    pub(super) fn paused(&mut self) {
        self.speed = Speed::UNKNOWN;
    }

    fn moved_bytes(&self) -> u64 {
        let under_way = u64::from(self.durable_bytes) + u64::from(self.sent_bytes);
        self.done_bytes.saturating_add(under_way)
    }

    fn show(&mut self) {
        let percent = self
            .moved_bytes()
            .saturating_mul(100)
            .checked_div(self.total_bytes)
            .unwrap_or(0);
        let percent = u8::try_from(percent).unwrap_or(99).min(99);
        self.shown_percent = self.shown_percent.max(percent);
    }
}

/// Smoothed over a few windows.
#[derive(Debug, Clone, Copy)]
struct Speed {
    window_began: Option<Instant>,
    window_bytes: u32,
    bytes_per_s: Option<u32>,
}

impl Speed {
    const UNKNOWN: Self = Self {
        window_began: None,
        window_bytes: 0,
        bytes_per_s: None,
    };

    fn moved(&mut self, bytes: u32, now: Instant) {
        let began = *self.window_began.get_or_insert(now);
        self.window_bytes = self.window_bytes.saturating_add(bytes);
        let span = now.since(began);
        if span < WINDOW {
            return;
        }
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let latest = (u64::from(self.window_bytes) * 1000)
            .checked_div(span_ms)
            .unwrap_or(0);
        let latest = u32::try_from(latest).unwrap_or(u32::MAX);
        self.bytes_per_s = Some(match self.bytes_per_s {
            None => latest,
            Some(before) => before - before / 4 + latest / 4,
        });
        self.window_began = Some(now);
        self.window_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Number;

    fn batch() -> Progress {
        let mut progress = Progress::new();
        progress.go_on(&Survey {
            files: 2,
            bytes: 1000,
            last: Number(2),
        });
        progress
    }

    #[test]
    fn what_has_to_be_sent_again_does_not_move_it_back() {
        let mut progress = batch();
        progress.sent(300, Instant::from_secs(1));
        assert_eq!(progress.percent(), 30);
        progress.durable(100);
        assert_eq!(progress.percent(), 30);
        progress.sent(250, Instant::from_secs(2));
        assert_eq!(progress.percent(), 35);
    }

    #[test]
    fn a_hundred_is_for_receipts_alone() {
        let mut progress = batch();
        progress.delivered(400);
        assert_eq!((progress.percent(), progress.file()), (40, (2, 2)));
        progress.durable(600);
        assert_eq!(progress.percent(), 99);
        progress.delivered(600);
        progress.complete();
        assert_eq!((progress.percent(), progress.file()), (100, (2, 2)));
    }

    #[test]
    fn time_left_is_that_of_the_speed() {
        let mut progress = batch();
        progress.sent(0, Instant::from_secs(1));
        assert_eq!(progress.left_s(), None);
        progress.sent(200, Instant::from_secs(3));
        assert_eq!(progress.left_s(), Some(8));
        progress.paused();
        assert_eq!(progress.left_s(), None);
    }

    #[test]
    fn what_is_set_aside_makes_the_batch_smaller() {
        let mut progress = batch();
        progress.left_out(400);
        progress.sent(300, Instant::BOOT);
        assert_eq!(progress.percent(), 50);
    }
}
