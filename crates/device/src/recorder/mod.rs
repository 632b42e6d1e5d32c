//! One recording, from the sensors' samples to blocks of whole sectors, and back to its end after a cut.
//!
//! ```text
//!           begin()            take() …                close()         take() …
//! (nothing) ───────► Open ────────────────► Open ───────────────► Closing ─────────► Closed ─► begin() …
//!                     │ ready() ─► card ─► written()  │                       │
//!                     └───────────── the power goes: tail::Reader finds the end ┘
//! ```
//!
//! **Contract.** Call [`Recording::take`] when samples came and at least every 100 ms; whenever [`Recording::ready`] gives a block, write it
//! at its sector and call [`Recording::written`]; then take again. A block that could not be written stays ready. Call
//! [`Recording::close`] when [`Recording::is_full`], and open the next one: samples that wait go into it. One [`Recording`] is enough for all of a
//! device's life: the next begins where the last one lay, and between them its block is memory for others ([`Recording::buffer`]).
//!
//! **Promises.** Bytes are written once and in order. No row waits longer than 500 ms for its block. Samples that there was no room for stand as a
//! `LOSS` row where they are missing. `docs/decisions/0009-how-a-recording-lies-on-the-card.md` says why it is so.

mod digest;
mod filler;
mod samples;
mod tail;

pub use digest::FileDigest;
pub use filler::{BLOCK_BYTES_MAX, BLOCK_SECTORS_MAX, Ready};
pub use samples::{
    GPS_QUEUED_MAX, GpsSample, IMU_QUEUED_MAX, ImuCounts, ImuSample, ImuScale, Lost, Sample, Samples, Stream,
};
pub use tail::{Reader, Tail};

use wire::recording::{BufferTooSmall, HEADER, Marker, RecordingId, Row};

use filler::{Filler, Taken};

/// What waits in [`Samples`] (256 rows of 75 bytes, 24 of 140: 44 sectors), a block that stands ready and the last one.
const RESERVED_SECTORS: u32 = 80;
/// Why a `LOSS` row stands there.
const WHY_LOST: &str = "card_stall";

/// What a recording says about itself.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub id: RecordingId,
    pub device: &'a str,
    pub firmware: &'a str,
    pub profile: &'a str,
    /// The track that the device is set to.
    pub track: Option<&'a str>,
    pub scale: ImuScale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// `CLOSE` is yet to be written, and a `LOSS` before it unless that was said.
    Closing {
        reason: Close,
        loss_said: bool,
    },
    /// The last block is ready or written.
    Closed,
}

/// Why a recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    Button,
    /// Stood still for three minutes.
    Standstill,
    LowBattery,
    /// Its extent is full; another recording goes on.
    Rotate,
    /// There is no room for another one on the card. What comes afterwards is lost, and this says so.
    StorageFull,
}

impl Close {
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Standstill => "standstill",
            Self::LowBattery => "low_battery",
            Self::Rotate => "rotate",
            Self::StorageFull => "storage_full",
        }
    }
}

/// A recording that is being made, or the room for one.
#[derive(Debug)]
pub struct Recording {
    filler: Filler,
    scale: ImuScale,
    capacity_sectors: u32,
    phase: Phase,
    /// Taken from the samples, but the block before it has to be written first.
    held: Option<Sample>,
}

impl Recording {
    /// Room for one, which nothing goes into yet.
    pub fn idle() -> Self {
        Self {
            filler: Filler::new(),
            scale: ImuScale::BMI,
            capacity_sectors: 0,
            phase: Phase::Closed,
            held: None,
        }
    }

    pub fn open(about: &About<'_>, capacity_sectors: u32, tick_ms: u32) -> Result<Self, BufferTooSmall> {
        let mut recording = Self::idle();
        recording.begin(about, capacity_sectors, tick_ms)?;
        Ok(recording)
    }

    /// Begins a recording of at most `capacity_sectors`, whatever was before.
    pub fn begin(
        &mut self,
        about: &About<'_>,
        capacity_sectors: u32,
        tick_ms: u32,
    ) -> Result<(), BufferTooSmall> {
        let filler = &mut self.filler;
        filler.begin_anew(about.id);
        filler.header(HEADER)?;
        filler.header("\n")?;
        let open = Marker::Open {
            id: about.id,
            device: about.device,
            firmware: about.firmware,
            profile: about.profile,
        };
        let track = about.track.map(|name| Marker::Track { name });
        for marker in [Some(open), track].into_iter().flatten() {
            filler.row(tick_ms, &Row::Marker { tick_ms, marker })?;
        }
        self.scale = about.scale;
        self.capacity_sectors = capacity_sectors;
        self.phase = Phase::Open;
        self.held = None;
        Ok(())
    }

    /// The memory of a block, for whoever needs some while nothing is recorded: what was in it is gone afterwards.
    pub fn buffer(&mut self) -> &mut [u8; BLOCK_BYTES_MAX] {
        self.filler.buffer()
    }

    /// Moves samples into the block until it is ready or none is left.
    pub fn take(&mut self, samples: &mut Samples, tick_ms: u32) -> Result<(), BufferTooSmall> {
        while let Some(sample) = self.held.take().or_else(|| self.next(samples)) {
            if self.sample(sample, tick_ms)? == Taken::BlockFirst {
                self.held = Some(sample);
                return Ok(());
            }
        }
        match self.phase {
            Phase::Open => self.filler.due(tick_ms),
            Phase::Closing { reason, loss_said } => self.end(reason, loss_said, tick_ms),
            Phase::Closed => Ok(()),
        }
    }

    /// The block that is to be written; the same until [`Self::written`].
    pub fn ready(&self) -> Option<(Ready, &[u8])> {
        self.filler.ready()
    }

    pub fn written(&mut self) {
        self.filler.written();
    }

    /// Whether the rest of the extent is needed for the end.
    pub fn is_full(&self) -> bool {
        self.filler.sectors_written() + RESERVED_SECTORS > self.capacity_sectors
    }

    /// Ends the recording with what waits; what comes later belongs to another one. Call [`Self::take`] until
    /// [`Self::is_closed`].
    pub fn close(&mut self, reason: Close) {
        if self.phase == Phase::Open {
            let loss_said = reason != Close::StorageFull;
            self.phase = Phase::Closing { reason, loss_said };
        }
    }

    /// Every block is written, the one with `CLOSE` too: so many sectors, with this digest.
    pub fn is_closed(&self) -> Option<(u32, FileDigest)> {
        let closed = self.phase == Phase::Closed && self.filler.ready().is_none();
        closed.then(|| (self.filler.sectors_written(), self.filler.digest()))
    }

    fn next(&self, samples: &mut Samples) -> Option<Sample> {
        match self.phase {
            Phase::Closed
            | Phase::Closing {
                reason: Close::Rotate,
                ..
            } => None,
            Phase::Open | Phase::Closing { .. } => samples.oldest(),
        }
    }

    fn sample(&mut self, sample: Sample, now_ms: u32) -> Result<Taken, BufferTooSmall> {
        match sample {
            Sample::Imu(ImuSample { tick_ms, counts }) => {
                let imu = self.scale.cells(counts);
                self.filler.row(tick_ms, &Row::Imu { tick_ms, imu })
            }
            Sample::Gps(GpsSample { tick_ms, gps }) => self.filler.row(
                tick_ms,
                &Row::Gps {
                    tick_ms,
                    imu: None,
                    gps,
                },
            ),
            Sample::Lost(lost) => {
                let marker = Marker::Loss {
                    what: lost.stream.name(),
                    count: lost.count,
                    from_tick_ms: lost.from_tick_ms,
                    why: WHY_LOST,
                };
                self.marker(marker, now_ms)
            }
        }
    }

    fn end(&mut self, reason: Close, loss_said: bool, tick_ms: u32) -> Result<(), BufferTooSmall> {
        if !loss_said {
            let all_from_here = Marker::Loss {
                what: "all",
                count: 0,
                from_tick_ms: tick_ms,
                why: reason.reason(),
            };
            if self.marker(all_from_here, tick_ms)? == Taken::BlockFirst {
                return Ok(());
            }
            self.phase = Phase::Closing {
                reason,
                loss_said: true,
            };
        }
        let reason = reason.reason();
        if self.marker(Marker::Close { reason }, tick_ms)? == Taken::Yes {
            self.filler.flush(tick_ms)?;
            self.phase = Phase::Closed;
        }
        Ok(())
    }

    fn marker(&mut self, marker: Marker<'_>, tick_ms: u32) -> Result<Taken, BufferTooSmall> {
        self.filler.row(tick_ms, &Row::Marker { tick_ms, marker })
    }
}
