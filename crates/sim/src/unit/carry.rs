//! Carries out what the controller wants, and tells it what its sensors and its radio say.

use std::time::Duration;

use device::controller::Controller;
use device::controller::{Input, Order, Output, Stored};
use device::fat::Stamp;
use device::flash::Item;
use device::link;
use device::modes::SealReason;
use device::offload::LedgerStep;
use device::outbox::Step;
use device::recorder::{About, Close, ImuScale, Sample};
use device::settings::SETTINGS_BYTES_MAX;
use device::store::{Pumped, Start};
use device::time::Instant;
use device::track::Track;
use wire::recording::RecordingId;

use super::uplink::Uplink;
use super::{NoSeal, Running, Unit, words};
use crate::exec;
use crate::wifi::Answer;

const SAMPLE: Duration = Duration::from_millis(10);
/// The IMU keeps what it measures for so long, each with its time, until it is fetched.
const FETCH: Duration = Duration::from_millis(50);

impl<L: Uplink> Unit<L> {
    pub(super) fn carry_out(&mut self, output: Output) {
        match output {
            Output::ReceiverBaud(baud) => {
                if let Some(running) = &mut self.running {
                    running.receiver_baud = baud;
                }
            }
            Output::ReceiverSend(packet) => {
                let baud = self.running.as_ref().map_or(0, |running| running.receiver_baud);
                self.around.ride.hear(&packet, baud);
            }
            Output::Fix(sample) => {
                if let Some(running) = &mut self.running
                    && running.is_recording
                {
                    running.samples.gps(sample);
                    if let Some(given) = &mut self.given {
                        given.push(Sample::Gps(sample));
                    }
                }
            }
            Output::Wifi(order) => {
                self.note("wifi", || format!("{order:?}"));
                self.around.radio.order(&order, self.now);
            }
            Output::Store(order) => self.order(order),
            Output::Exchange(_) => self.begin_exchange(),
            Output::BreakOff => self.break_off(),
            Output::AskNtp(ask) => self.ask_ntp(&ask),
            Output::Restart(cause) => {
                self.note("others", || format!("{cause:?}"));
                self.restarts = Some(cause);
            }
            Output::Capture(quality) => self.capture(quality),
            Output::WriteRtc(registers) => self.set_rtc(registers),
            Output::Portal(is_open) => self.open_portal(is_open),
            Output::Driven(driven) => self.driven.push((self.now, driven)),
            Output::Status(status) => self.note("status", || format!("{status:?}")),
            Output::Light(word) => self.note("light", || format!("{word:?}")),
            other @ (Output::Picture { .. }
            | Output::Advertise(_)
            | Output::Claim(_)
            | Output::Run(_)
            | Output::Refused(_)) => self.note("others", || words(&other)),
        }
    }

    fn order(&mut self, order: Order) {
        self.note("orders", || format!("{order:?}"));
        match order {
            Order::Open => self.open(),
            Order::Seal(reason) => self.seal(reason),
            Order::Survey { claim } => {
                let survey = self.store().and_then(|store| store.survey(claim));
                self.answer_stored(Stored::Surveyed(survey));
            }
            Order::Next { claim, after, last } => {
                let found = self
                    .store()
                    .and_then(|store| exec::run(store.candidate(claim, after, last)).done()?.ok());
                let candidate = found.flatten();
                self.answer_stored(Stored::Candidate(candidate));
            }
            Order::Step(step) => self.step(step),
            Order::SaveSettings => self.save_settings(),
            Order::SaveUptime { slot } => {
                let bytes = self
                    .controller()
                    .and_then(|controller| controller.uptime().encode(slot));
                if let Some(bytes) = bytes {
                    self.keep(Item::Uptime(u32::from(slot)), &bytes);
                }
            }
            Order::EraseUptime { slot } => {
                if let Some(store) = self.store() {
                    let _ = exec::run(store.flash().remove(Item::Uptime(u32::from(slot))));
                }
            }
            Order::ForgetBreadcrumb => {
                if let Some(store) = self.store() {
                    let _ = exec::run(store.flash().remove(Item::Breadcrumb));
                }
            }
            Order::SaveUptimeLoss => {
                let loss = self
                    .controller()
                    .map(|controller| controller.uptime().encode_loss());
                if let Some(loss) = loss {
                    self.keep(Item::UptimeLoss, &loss);
                }
            }
            Order::MayGiveWay { after } => self.may_give_way(after),
            Order::Remove(confirmed) => self.remove(confirmed),
            Order::OfferAgain(number) => self.offer_again(number),
            Order::OfferAllAgain => self.offer_all_again(),
            Order::SaveEpoch(epoch) => self.keep_epoch(epoch),
            Order::StorePicture { bytes, .. } => self.keep_picture(bytes),
            Order::SaveTally => self.keep_tally(),
        }
    }

    pub(super) fn keep(&mut self, item: Item, bytes: &[u8]) -> bool {
        let Some(store) = self.store() else {
            return false;
        };
        exec::run(store.flash().write(item, bytes))
            .done()
            .is_some_and(|kept| kept.is_ok())
    }

    fn save_settings(&mut self) {
        let mut blob = [0; SETTINGS_BYTES_MAX];
        let length = self
            .controller()
            .map_or(0, |controller| controller.settings_blob(&mut blob));
        let is_kept = self.keep(Item::Settings, &blob[..length]);
        let said = if is_kept {
            Stored::SettingsSaved
        } else {
            Stored::SettingsNotSaved
        };
        self.answer_stored(said);
    }

    fn open(&mut self) {
        let opened = self.start_recording();
        self.answer_stored(if opened {
            Stored::Opened
        } else {
            Stored::OpenFailed
        });
    }

    fn start_recording(&mut self) -> bool {
        let (now, id) = (self.now, self.recording_id());
        let Some(running) = &mut self.running else {
            return false;
        };
        running.samples.clear();
        let start = recording_start(&running.controller, id, running.device_time(now));
        let started = exec::run(running.store.start(&start)).done();
        let is_full = matches!(&started, Some(Err(error)) if error.is_full());
        running.is_recording = started.is_some_and(|started| started.is_ok());
        running.next_sample = now + SAMPLE;
        running.next_fetch = now + FETCH;
        let is_recording = running.is_recording;
        if is_full {
            self.answer_stored(Stored::CardFull(true));
        }
        is_recording
    }

    pub(super) fn recording_id(&self) -> RecordingId {
        RecordingId((u128::from(self.seed) << 64) | u128::from(self.now.as_micros()))
    }

    fn seal(&mut self, reason: SealReason) {
        let close = match reason {
            SealReason::Button => Close::Button,
            SealReason::Standing => Close::Standstill,
            SealReason::Battery => Close::LowBattery,
            SealReason::CardFull => Close::StorageFull,
        };
        self.end_recording(close);
        self.report();
    }

    /// What the card refuses it is given again.
    fn end_recording(&mut self, close: Close) {
        let now = self.now;
        let Some(running) = &mut self.running else {
            return;
        };
        let tick_ms = running.device_time(now).tick_ms();
        running.is_recording = false;
        let stop = running
            .store
            .stop(close, &mut running.samples, Stamp::UNKNOWN, tick_ms);
        let Some(stopped) = exec::run(stop).done() else {
            return;
        };
        running.sealing = stopped.is_err().then_some(close);
        if let Ok(Some(number)) = stopped {
            self.answer_stored(Stored::Sealed(number));
        }
    }

    fn step(&mut self, step: LedgerStep) {
        let after = self.after_receipt();
        let Some(store) = self.store() else {
            return;
        };
        let taken = match &step {
            LedgerStep::Offered(number) => exec::run(store.advance(*number, Step::Offer)).done(),
            LedgerStep::Receipted(proof) => exec::run(store.receive(proof, after)).done(),
            LedgerStep::Quarantined(number, _) => exec::run(store.advance(*number, Step::Quarantine)).done(),
        };
        if taken.is_none_or(|taken| taken.is_err()) {
            self.note("refused steps", || format!("{step:?}"));
        }
        self.report();
    }

    pub(super) fn wifi(&mut self, answer: &Answer) {
        if let Answer::ScanDone { seen, .. } = answer {
            self.show_networks(seen);
        }
        let input = match answer {
            Answer::ScanDone { attempt, seen } => link::Input::ScanDone {
                attempt: *attempt,
                seen,
            },
            Answer::ScanFailed { attempt } => link::Input::ScanFailed { attempt: *attempt },
            Answer::Joined { attempt } => link::Input::Joined { attempt: *attempt },
            Answer::GotAddress { attempt } => link::Input::GotAddress { attempt: *attempt },
            Answer::JoinFailed { attempt, why } => link::Input::JoinFailed {
                attempt: *attempt,
                why: *why,
            },
            Answer::Lost { attempt } => link::Input::Lost { attempt: *attempt },
            Answer::NoInternet => link::Input::NoInternet,
            Answer::ApStarted => link::Input::ApStarted,
            Answer::ApFailed => link::Input::ApFailed,
        };
        self.tell(Input::Wifi(input));
    }

    /// The sensors whose time has come.
    pub(super) fn sense(&mut self) {
        let now = self.now;
        let Some(running) = &mut self.running else {
            return;
        };
        if running.is_recording && running.next_fetch <= now {
            running.next_fetch = now + FETCH;
            while running.next_sample <= now {
                running.draws += 1;
                let tick_ms = running.device_time(running.next_sample).tick_ms();
                let sample = self.around.ride.imu(running.next_sample, tick_ms, running.draws);
                running.samples.imu(sample);
                if let Some(given) = &mut self.given {
                    given.push(Sample::Imu(sample));
                }
                running.next_sample = running.next_sample + SAMPLE;
            }
        }
        if running.next_solution <= now {
            let period = Duration::from_millis(u64::from(self.around.ride.period_ms()));
            running.next_solution = now + period;
            let line = self.around.ride.line(
                now,
                self.around.began_utc_ms,
                running.receiver_baud,
                self.faults.is_blind,
            );
            self.faults.blind_lines += u64::from(self.faults.is_blind);
            self.tell(Input::Receiver(&line));
        }
    }

    /// Puts waiting samples onto the card; a full recording goes on in the next.
    pub(super) fn pump(&mut self) {
        let now = self.now;
        let free = self
            .running
            .as_ref()
            .filter(|running| running.busy_until.is_none());
        if let Some(close) = free.and_then(|running| running.sealing) {
            self.end_recording(close);
            self.drain();
        }
        let steps = self.board.as_ref().map_or(0, |board| board.steps());
        let is_due = |running: &&mut Running| running.is_recording && running.busy_until.is_none();
        let Some(running) = self.running.as_mut().filter(is_due) else {
            return;
        };
        let tick_ms = running.device_time(now).tick_ms();
        let pumped = exec::run(running.store.pump(&mut running.samples, tick_ms)).done();
        if self.board.as_ref().map_or(0, |board| board.steps()) > steps {
            self.stall_pump();
        }
        if pumped.is_some_and(|pumped| pumped == Ok(Pumped::Full)) {
            self.rotate();
        }
    }

    /// The device hears of it only where the recording ends by it.
    fn rotate(&mut self) {
        let (now, id) = (self.now, self.recording_id());
        let Some(running) = &mut self.running else {
            return;
        };
        let next = recording_start(&running.controller, id, running.device_time(now));
        let rotated = exec::run(running.store.rotate(&next, &mut running.samples)).done();
        let Some(Ok(Some(rotated))) = rotated else {
            return;
        };
        if let Err(error) = rotated.next {
            running.is_recording = false;
            // Full first: by the end alone it would begin another.
            if error.is_full() {
                self.answer_stored(Stored::CardFull(true));
            }
            self.answer_stored(Stored::Sealed(rotated.ended));
            self.drain();
        }
    }
}

fn recording_start(controller: &Controller<NoSeal>, id: RecordingId, now: Instant) -> Start<'_> {
    Start {
        about: About {
            id,
            device: "Datalogger-51A0",
            firmware: "0.1.0",
            profile: "car",
            track: controller.settings().track.as_ref().map(Track::name),
            scale: ImuScale::BMI,
        },
        claim: controller.claim(),
        stamp: Stamp::UNKNOWN,
        tick_ms: now.tick_ms(),
    }
}
