//! What a rider sees and presses: the light's words and the button.
//!
//! ```text
//!   modes, track, clock ─► Situation ─► word() ─► Word ─► Word::colour() ─► pixels
//!   pin level ─► Button ─► Press ─► modes
//! ```
//!
//! Both are pure: the same inputs at the same moments give the same light and the same presses. The light says one thing at a
//! time; which one is [`word`]'s order. Brightness is the board's business.

mod button;
mod lamp;

pub use button::{BOOT_WINDOW, Button, HELD, Press};
pub use lamp::{Activity, Gps, Rgb, Sector, Situation, Word, word};
