//! What the whole device is told, and what it wants done.

use heapless::{String, Vec};

use crate::breadcrumb::Cause;
use crate::camera::{self, Quality, Wish};
use crate::clock::{self, Ask};
use crate::confirm::{ASKED_MAX, Asked, Confirmation, Epoch};
use crate::exchange::{NoAnswer, Response};
use crate::link;
use crate::modes::{Advertise, SealReason};
use crate::net::Who;
use crate::offload::{Candidate, LedgerStep, Survey};
use crate::outbox::Number;
use crate::portal::{CLAIM_CHARS_MAX, Submitted};
use crate::receiver::Packet;
use crate::recorder::GpsSample;
use crate::settings::{AfterReceipt, Command, Refusal, Via};
use crate::signal::Word;
use crate::store::CardReport;
use crate::time::Instant;
use crate::track;

use super::status::Status;

#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator, and one at a time is on the stack"
)]
pub enum Input<'a> {
    /// Time has passed. Early and repeated ticks change nothing.
    Tick,
    /// Bytes of the satellite receiver.
    Receiver(&'a [u8]),
    /// The button's pin.
    Button {
        is_down: bool,
    },
    Battery {
        mv: u16,
    },
    Mains(bool),
    Wifi(link::Input<'a>),
    Clock(clock::Input<'a>),
    Stored(Stored),
    /// To the request of [`Output::Exchange`].
    Answer(&'a Response<'a>),
    NoAnswer(NoAnswer),
    /// So many bytes of its body have gone out.
    Sent(u32),
    Configure {
        json: &'a [u8],
        via: Via,
    },
    Form(&'a Submitted),
    /// A person wants a picture.
    Shoot(Wish),
    /// To [`Output::Capture`]: what the sensor gave, and how many bytes it said that there are.
    Frame {
        read: &'a [u8],
        said_bytes: usize,
    },
    /// To [`Output::Capture`]: nothing.
    NoFrame,
    /// A command of [`Output::Run`] came to its end.
    Ended {
        id: crate::settings::CommandId,
        done: bool,
    },
}

/// What storage answers, or says by itself.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator, and one at a time is on the stack"
)]
pub enum Stored {
    Opened,
    OpenFailed,
    Sealed(Number),
    /// There is no room for another recording, or there is again.
    CardFull(bool),
    Card(CardReport),
    SettingsSaved,
    SettingsNotSaved,
    Surveyed(Option<Survey>),
    Candidate(Option<Candidate>),
    /// To [`Order::StorePicture`]: on the card, in the ledger and sealed, or not.
    Picture(Option<Number>),
    /// To [`Order::Remove`]: whether it is gone.
    Removed(bool),
    /// Delivered recordings that may give way, the oldest first, and the epoch that was kept with them.
    MayGiveWay(Vec<Asked, ASKED_MAX>, Option<Epoch>),
}

/// What is to be done by whoever runs the device, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The receiver's line: its speed, once everything before is sent.
    ReceiverBaud(u32),
    ReceiverSend(Packet),
    /// For the samples of the recording.
    Fix(GpsSample),
    Wifi(link::Output),
    Store(Order),
    /// Carry out [`super::Controller::request`] and bring back its answer, or none.
    Exchange(Who),
    /// The exchange under way is not wanted any more: end its connection and bring nothing back.
    BreakOff,
    AskNtp(Ask),
    WriteRtc([u8; clock::rtc::WRITTEN]),
    Portal(bool),
    /// Fill the picture's buffer.
    Capture(Quality),
    /// What became of a picture.
    Picture {
        wish: Option<Wish>,
        result: camera::Outcome,
    },
    /// A sector or a lap was driven.
    Driven(track::Output),
    /// What people are told is another one.
    Status(Status),
    /// What the light says is another word.
    Light(Word),
    Advertise(Advertise),
    /// To be given to the server, which answers with a token.
    Claim(String<CLAIM_CHARS_MAX>),
    Run(Command),
    Refused(Refusal),
    Restart(Cause),
}

/// Work for the owner of card and flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Open,
    Seal(SealReason),
    Survey {
        claim: u32,
    },
    Next {
        claim: u32,
        after: Option<Number>,
        last: Number,
    },
    Step(LedgerStep),
    /// [`super::Controller::settings_blob`].
    SaveSettings,
    /// [`crate::uptime::Uptime::encode`] of this slot.
    SaveUptime {
        slot: u8,
    },
    EraseUptime {
        slot: u8,
    },
    SaveUptimeLoss,
    /// The server has it.
    ForgetBreadcrumb,
    /// Which delivered recordings may give way for others?
    MayGiveWay {
        after: AfterReceipt,
    },
    /// Answered by [`Stored::Removed`].
    Remove(Confirmation),
    /// The server lost it.
    OfferAgain(Number),
    /// The server's storage is another one.
    OfferAllAgain,
    SaveEpoch(Epoch),
    /// The first bytes of the picture's buffer, as a recording; answered by [`Stored::Picture`].
    StorePicture {
        bytes: usize,
        taken: Instant,
    },
    /// [`crate::camera::Camera::tally`].
    SaveTally,
}
